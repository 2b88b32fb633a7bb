from threading import Event

import pytest

from graph.kept import KeptValue, Row
from graph.write_behind import Batch, WriteBehind


def row(key: str, also: str = "", data: bytes = b"x") -> Row:
    return Row(key, also, (KeptValue("toy", key, len(data), data),), (), None, {})


def test_what_comes_together_is_written_together():
    batches: list[Batch] = []
    writer = WriteBehind(batches.append)
    for number in range(500):
        assert writer.add(row(str(number)))
    writer.touch("a", 1.0)
    writer.forget("b")
    assert writer.flush()
    writer.close()
    assert len(batches) < 20
    assert [key for batch in batches for key in batch.rows] == [str(number) for number in range(500)]
    assert [batch.used for batch in batches if batch.used] == [{"a": 1.0}]
    assert [batch.forgotten for batch in batches if batch.forgotten] == [{"b"}]


def test_what_waits_is_found_until_it_is_written():
    may_write, writing = Event(), Event()

    def write(batch: Batch) -> None:
        writing.set()
        may_write.wait()

    writer = WriteBehind(write)
    writer.add(row("a", "second"))
    assert writer.find("a") == writer.find("second") == row("a", "second")
    assert writer.find("b") is None
    writing.wait()
    assert writer.find("a") is not None
    assert not writer.flush(timeout=0.01)
    may_write.set()
    assert writer.flush()
    assert writer.find("a") is None
    assert writer.find("second") is None
    writer.close()


def test_a_touch_alone_is_written_too():
    batches: list[Batch] = []
    writer = WriteBehind(batches.append)
    writer.touch("a", 1.0)
    writer.close()
    assert [batch.used for batch in batches] == [{"a": 1.0}]


def test_after_closing_nothing_is_taken():
    batches: list[Batch] = []
    writer = WriteBehind(batches.append)
    writer.close()
    assert not writer.add(row("a"))
    writer.touch("a", 1.0)
    assert batches == []


def test_one_that_cannot_be_written_does_not_stop_the_others(caplog: pytest.LogCaptureFixture):
    written: list[str] = []

    def write(batch: Batch) -> None:
        if "bad" in batch.rows:
            raise ZeroDivisionError
        written.extend(batch.rows)

    writer = WriteBehind(write)
    writer.add(row("bad"))
    assert writer.flush()
    writer.add(row("good"))
    writer.close()
    assert written == ["good"]
    assert "ZeroDivisionError" in caplog.text


def test_more_than_may_wait_waits_for_room(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("graph.write_behind.WAITING_BYTES", 3000)
    monkeypatch.setattr("graph.write_behind.PATIENCE_SECONDS", 0.01)
    may_write = Event()
    writer = WriteBehind(lambda batch: may_write.wait() and None)
    assert writer.add(row("a", data=b"x" * 10_000))
    assert not writer.add(row("b"))
    may_write.set()
    assert writer.flush()
    assert writer.add(row("c"))
    writer.close()
