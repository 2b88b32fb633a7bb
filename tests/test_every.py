"""One test for many cases names each that is wrong, and no other."""

import inspect
from pathlib import Path

import pytest

from tests.every import every


def test_each_case_is_seen_and_all_that_fail_are_named():
    seen: list[int] = []

    @every("number", range(4))
    def judged(number: int, limit: int) -> None:
        seen.append(number)
        assert number < limit, f"{number} is too large"

    judged(limit=4)
    assert seen == [0, 1, 2, 3]
    with pytest.raises(AssertionError, match=r"(?s)^2 of 4 cases:\n2: 2 is too large.*\n3: 3 is too large") as caught:
        judged(limit=2)
    assert isinstance(caught.value.__cause__, AssertionError)
    assert seen[4:] == [0, 1, 2, 3]


def test_what_pytest_itself_finds_wrong_counts():
    @every("text, wrong", [("1", ValueError), ("x", ValueError)])
    def judged(text: str, wrong: type[Exception]) -> None:
        with pytest.raises(wrong):
            int(text)

    with pytest.raises(AssertionError, match=r"^1 of 2 cases:\n\('1', .*DID NOT RAISE"):
        judged()


def test_axes_are_multiplied_where_it_stands_twice():
    seen: list[tuple[str, int]] = []

    @every("letter", "ab")
    @every("number", [1, 2])
    def judged(letter: str, number: int) -> None:
        seen.append((letter, number))
        assert (letter, number) != ("b", 1)

    with pytest.raises(AssertionError, match=r"^1 of 2 cases:\nb: 1 of 2 cases:\n1: "):
        judged()
    assert seen == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_nothing_to_look_at_is_a_failure():
    @every("name", [])
    def judged(name: str) -> None:
        pass

    with pytest.raises(AssertionError, match="there is no name to look at"):
        judged()


def test_fixtures_are_those_of_the_one_test():
    @every("name", ["x"])
    def judged(name: str, tmp_path: Path) -> None:
        pass

    assert list(inspect.signature(judged).parameters) == ["tmp_path"]
