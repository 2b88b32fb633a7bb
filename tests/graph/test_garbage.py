import gc
import weakref

import pytest

from graph.garbage import overlook, paused


def test_nothing_is_collected_inside_and_all_is_as_before_after_it():
    assert gc.isenabled()
    with paused():
        assert not gc.isenabled()
        with paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_ends_the_pause():
    @paused()
    def work() -> None:
        assert not gc.isenabled()
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            work()
        assert gc.isenabled()


def test_who_has_switched_it_off_keeps_it_off():
    gc.disable()
    try:
        with paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_is_overlooked_stays_and_what_comes_later_is_collected():
    class Circle:
        def __init__(self) -> None:
            self.own = self

    before, kept = gc.get_freeze_count(), Circle()
    overlook()
    assert gc.get_freeze_count() > before
    assert not any(each is kept for each in gc.get_objects())
    later = Circle()
    gone = weakref.ref(later)
    del later
    gc.collect()
    assert gone() is None
