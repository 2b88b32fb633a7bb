from graph.cache import Entry
from graph.claims import Claims


def test_the_first_has_the_work_and_the_others_are_told():
    claims, told = Claims(), []
    assert claims.take("k", told.append)
    assert not claims.take("k", told.append)
    assert claims.take("other", told.append)
    entry = Entry((1,))
    for waiter in claims.release("k"):
        waiter(entry)
    assert told == [entry]
    assert claims.take("k", told.append)
    assert claims.release("k") == []


def test_who_withdraws_is_not_told():
    claims = Claims()

    def waiter(entry: Entry | None) -> None:
        raise AssertionError

    claims.take("k", waiter)
    claims.take("k", waiter)
    assert claims.withdraw("k", waiter)
    assert not claims.withdraw("k", waiter)
    assert claims.release("k") == []
    assert not claims.withdraw("k", waiter)
