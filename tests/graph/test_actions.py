import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.actions import AT_ONCE, Actions, Found, Inserted, Size
from graph.complaints import Complaints
from graph.kept import ROW_BYTES


@pytest.fixture
def actions(tmp_path: Path) -> Iterator[Actions]:
    actions = Actions(tmp_path, Complaints(logging.getLogger("toy")))
    yield actions
    actions.close()


def insert(actions: Actions, *rows: Inserted, now: float = 1.0) -> int:
    with actions.changes() as changes:
        return changes.insert(rows, now)


def row(key: str, also: str = "", body: bytes = b"body", **blobs: int) -> Inserted:
    return Inserted(key, also, body, blobs)


def test_rows_are_found_by_both_keys(actions: Actions):
    insert(actions, row("a", "second"), row("b"))
    assert actions.find("a") == actions.find("second") == Found("a", b"body", 1.0)
    assert actions.find("") is None
    assert actions.find_many(["a", "second", "b", "c", ""]) == {
        "a": Found("a", b"body", 1.0), "second": Found("a", b"body", 1.0), "b": Found("b", b"body", 1.0)
    }  # fmt: skip


def test_more_than_one_statement_takes(actions: Actions):
    keys = [f"key {index:05}" for index in range(2 * AT_ONCE + 7)]
    insert(actions, *(row(key, f"also {key}") for key in keys))
    assert set(actions.find_many([*keys, "no"])) == set(keys)
    assert [key for key, _ in actions.all()] == keys
    with actions.changes() as changes:
        changes.forget(keys[1:])
    assert [key for key, _ in actions.all()] == keys[:1]


def test_the_size_is_that_of_rows_and_blobs(actions: Actions):
    assert actions.size() == Size(0, 0, 0)
    grown = insert(actions, row("a", x=1000), row("b", x=1000, y=500))
    assert grown == 2 * (ROW_BYTES + 4) + 2500
    assert actions.size() == Size(2, 2, 2 * (ROW_BYTES + 4) + 1500)


def test_blobs_are_loose_when_the_last_row_that_needs_them_is_gone(actions: Actions):
    insert(actions, row("a", x=1), row("b", x=1, y=2), row("c", z=3))
    with actions.changes() as changes:
        assert changes.loose() == {}
        changes.forget(["b"])
        assert changes.used(["x", "y", "z", "w"]) == {"x", "z"}
        assert changes.loose() == {"y": 2}
        changes.insert([row("c")], 2.0)  # the new row needs none
        changes.forget(["a"])
        assert changes.loose() == {"x": 1, "z": 3}
        assert changes.loose() == {}


def test_the_oldest_are_as_many_as_are_too_much(actions: Actions):
    for index, key in enumerate("abcd"):
        insert(actions, row(key, **{f"blob {key}": 1000}), now=index)
    with actions.changes() as changes:
        changes.touch({"a": 9.0, "b": 0.5, "no": 3.0})
        assert changes.oldest(1500) == ["b", "c"]
        assert changes.oldest(1) == ["b"]
        assert changes.oldest(10**9) == ["b", "c", "d", "a"]
        assert changes.oldest(0) == []
    found = actions.find("b")
    assert found is not None
    assert found.used == 1.0  # never back in time


def test_an_empty_table_tells_once_that_it_was_begun(actions: Actions):
    insert(actions, row("a"))
    assert actions.was_begun()
    assert not actions.was_begun()


def test_clear(actions: Actions):
    insert(actions, row("a", x=1))
    with actions.changes() as changes:
        changes.clear()
    actions.shrink()
    assert actions.size() == Size(0, 0, 0)
