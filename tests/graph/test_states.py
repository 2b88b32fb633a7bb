from graph.states import MemoryStates


def test_the_last_state_of_a_key_is_kept_until_it_is_dropped():
    states = MemoryStates()
    assert states.load("a") is None
    states.save("a", 1)
    states.save("a", {"x": 2})
    assert states.load("a") == {"x": 2}
    states.drop("a")
    states.drop("a")
    assert states.load("a") is None


def test_only_so_many_are_kept():
    states = MemoryStates(limit=2)
    for key in "aba":
        states.save(key, key)
    states.save("c", "c")
    assert [states.load(key) for key in "abc"] == ["a", None, "c"]
    assert len(states) == 2
