from graph.comfyui.names import Names


def test_names_that_stand_twice_get_numbers_that_nobody_has() -> None:
    names = Names()
    assert [names.unique(name) for name in ("a", "a", "a_2", "a", "b")] == ["a", "a_2", "a_2_2", "a_3", "b"]
    assert names.has("a_3")
    assert not names.has("c")


def test_very_many_equal_names_stay_different() -> None:
    names = Names()
    assert len({names.unique("x") for _ in range(100_000)}) == 100_000
