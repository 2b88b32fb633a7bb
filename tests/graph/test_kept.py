from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.cache import Entry
from graph.codec import Codecs
from graph.files import SavedFiles
from graph.kept import INLINE_BYTES, Row, row_of_bytes, row_of_entry

ENTRY = Entry(
    (1, "x" * INLINE_BYTES, "y\n"), SavedFiles((Path("/out/a_00001_.png"),), "temp"), ((10, 2**60),), {"text": ["a\nb"]}
)


def row_of(entry: Entry) -> Row:
    encoded = [Codecs().encode(value) for value in entry.outputs]
    return row_of_entry("key", "also", entry, tuple(item for item in encoded if item is not None))


@pytest.mark.parametrize("key", ["key", "also"])
def test_a_row_comes_back_with_its_small_values(key: str):
    row = row_of(ENTRY)
    read = row_of_bytes(row.to_bytes(), key)
    large = row.values[1]
    assert read == row._replace(values=(row.values[0], large._replace(data=None), row.values[2]))
    assert read.saved() == (ENTRY.saved, ENTRY.stamps)
    assert read.blobs() == {large.digest: large.size}


def test_an_empty_entry_comes_back():
    row = row_of(Entry())
    assert row_of_bytes(row.to_bytes(), "key") == row
    assert row.saved() == (None, ())


def test_a_row_is_served_under_its_own_keys_only():
    body = row_of(ENTRY).to_bytes()
    for key in ("other", "Key", ""):
        with pytest.raises(ValueError, match="another key"):
            row_of_bytes(body, key)


@given(st.data())
def test_no_damage_goes_unseen(data: st.DataObject):
    """Every flipped bit, and every cut."""
    body = row_of(ENTRY).to_bytes()
    place = data.draw(st.integers(0, 8 * len(body) - 1))
    flipped = bytearray(body)
    flipped[place // 8] ^= 1 << place % 8
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    for damaged in (bytes(flipped), cut, body + b"\0"):
        with pytest.raises(ValueError, match="not what was written"):
            row_of_bytes(damaged, "key")


def test_what_is_shown_must_be_json():
    with pytest.raises(TypeError):
        row_of(Entry(shown={"a": object()})).to_bytes()
