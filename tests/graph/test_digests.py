import hashlib
import os
import sqlite3

import numpy
import pytest
from safetensors.numpy import save_file

from graph.digests import SAMPLE_BYTES, SAMPLES, Digests, full_sha256, sampled_digest


@pytest.fixture
def store(tmp_path):
    return tmp_path / "home" / "digests.db"


def written(path, data: bytes, age: float = 3600):
    """A file that was last changed `age` seconds ago."""
    path.write_bytes(data)
    time = path.stat().st_mtime - age
    os.utime(path, (time, time))
    return path


def reads(digests: Digests, path, monkeypatch, way="full") -> bool:
    """Whether asking for a digest reads the file."""
    opened = []
    original = type(path).open
    monkeypatch.setattr(type(path), "open", lambda self, *rest: opened.append(self) or original(self, *rest))
    digests.of(path, way)
    monkeypatch.undo()
    return bool(opened)


def test_a_small_file_counts_in_full(tmp_path):
    path = written(tmp_path / "a.png", b"hello")
    truth = hashlib.sha256(b"hello").hexdigest()
    assert full_sha256(path) == truth
    assert Digests().of(path, "full") == Digests().of(path, "sampled") == f"sha256:{truth}"


def test_the_samples_of_a_model_file_are_spread_from_header_to_end(tmp_path):
    path = tmp_path / "a.safetensors"
    numbers = numpy.random.default_rng(0).standard_normal(2_000_000).astype(numpy.float32)
    save_file({"w": numbers}, path, metadata={"format": "pt"})
    data = path.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    last = len(data) - SAMPLE_BYTES
    truth = hashlib.sha256(len(data).to_bytes(8, "little") + data[:header])
    offsets = [header + index * (last - header) // (SAMPLES - 1) for index in range(SAMPLES)]
    for offset in offsets:
        truth.update(data[offset : offset + SAMPLE_BYTES])
    assert (offsets[0], offsets[-1]) == (header, last)
    assert sampled_digest(path) == f"sampled:{truth.hexdigest()}"


@pytest.mark.parametrize("place", ["header", "middle", "end", "size"])
def test_a_change_that_a_sample_sees(tmp_path, place):
    path = tmp_path / "a.safetensors"
    save_file({"w": numpy.zeros(2_000_000, numpy.float32)}, path, metadata={"note": "aaaa"})
    before = sampled_digest(path)
    data = bytearray(path.read_bytes())
    match place:
        case "header":
            data[data.index(b"aaaa")] = ord("b")
        case "middle":
            data[len(data) // 2 : len(data) // 2 + 2 * SAMPLE_BYTES] = b"\x01" * (2 * SAMPLE_BYTES)
        case "end":
            data[-1] = 1
        case "size":
            data += b"\0"
    path.write_bytes(data)
    assert sampled_digest(path) != before


def test_a_large_file_that_is_no_safetensors_is_sampled_too(tmp_path):
    path = tmp_path / "a.ckpt"
    path.write_bytes(b"\x80" * (SAMPLES * SAMPLE_BYTES + 1))
    assert sampled_digest(path).startswith("sampled:")


def test_a_header_that_claims_more_than_the_file_is_no_header(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes((10**15).to_bytes(8, "little") + b"{" + bytes(SAMPLES * SAMPLE_BYTES))
    assert sampled_digest(path).startswith("sampled:")


def test_a_file_is_read_once(tmp_path, store, monkeypatch):
    path = written(tmp_path / "a.bin", b"one")
    digests = Digests(store)
    assert reads(digests, path, monkeypatch)
    assert not reads(digests, path, monkeypatch)
    assert not reads(Digests(store), path, monkeypatch)
    assert reads(Digests(), path, monkeypatch)


def test_a_changed_file_is_read_again(tmp_path, store):
    path = written(tmp_path / "a.bin", b"one")
    digests = Digests(store)
    before = digests.of(path, "full")
    written(path, b"two", age=1800)
    assert digests.of(path, "full") == f"sha256:{hashlib.sha256(b'two').hexdigest()}" != before


def test_a_file_that_was_just_written_is_not_remembered(tmp_path, store, monkeypatch):
    path = written(tmp_path / "a.bin", b"one", age=0)
    digests = Digests(store)
    digests.of(path, "full")
    assert reads(digests, path, monkeypatch)


def test_a_folder_counts_by_names_and_contents(tmp_path):
    digests = Digests()
    for name in ("a", "b"):
        (tmp_path / name / "unet").mkdir(parents=True)
        written(tmp_path / name / "unet" / "config.json", b"{}")
    assert digests.of(tmp_path / "a") == digests.of(tmp_path / "b")
    written(tmp_path / "b" / "unet" / "config.json", b"[]")
    changed = digests.of(tmp_path / "b")
    assert changed != digests.of(tmp_path / "a")
    (tmp_path / "b" / "unet" / "config.json").rename(tmp_path / "b" / "unet" / "other.json")
    assert digests.of(tmp_path / "b") != changed


def test_a_damaged_store_is_begun_anew(tmp_path, store, monkeypatch, caplog):
    store.parent.mkdir()
    store.write_bytes(b"this is no database" * 100)
    path = written(tmp_path / "a.bin", b"one")
    Digests(store).of(path, "full")
    assert "damaged" in caplog.text
    Digests(store).of(path, "full")
    assert not reads(Digests(store), path, monkeypatch)


def test_a_store_in_use_or_out_of_reach_costs_only_time(tmp_path, caplog):
    path = written(tmp_path / "a.bin", b"one")
    (tmp_path / "file").write_text("")
    truth = Digests().of(path)
    assert Digests(tmp_path / "file" / "digests.db").of(path) == truth
    assert "not remembered" in caplog.text


def test_a_locked_store_is_not_thrown_away(tmp_path, store, monkeypatch, caplog):
    path = written(tmp_path / "a.bin", b"one")
    Digests(store).of(path)
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *rest, **options: real(*rest, **{**options, "timeout": 0}))
    with sqlite3.connect(store) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert Digests(store).of(path).startswith("sha256:")
    other.close()
    assert "for now" in caplog.text
    assert store.is_file()


def test_no_such_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Digests().of(tmp_path / "none")
