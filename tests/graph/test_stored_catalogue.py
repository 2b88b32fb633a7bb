import json
import sys

import pytest

from graph.stored_catalogue import stored
from tests.graph.packs import declaring, packs_in


@pytest.fixture
def pack(tmp_path, monkeypatch):
    with packs_in(tmp_path, monkeypatch) as write:
        yield write


def test_stored_makes_the_catalogue_in_another_process_and_keeps_it(pack, tmp_path, monkeypatch):
    name = pack("packs_stored", "print('hello')\n" + declaring("Kept"))
    path = tmp_path / "home" / "catalogue.json"
    assert stored(path, [name]).types() == ("Kept",)
    assert name not in sys.modules
    monkeypatch.setattr("graph.stored_catalogue._from_child", lambda modules: pytest.fail("made again"))
    assert stored(path, [name]).types() == ("Kept",)


def test_stored_is_made_anew_when_the_code_has_changed_or_the_file_is_damaged(pack, tmp_path):
    name = pack("packs_changing", declaring("Before"))
    path = tmp_path / "home" / "catalogue.json"
    stored(path, [name])
    pack(name, declaring("Afterwards"))
    assert stored(path, [name]).types() == ("Afterwards",)
    path.write_text("{")
    assert stored(path, [name]).types() == ("Afterwards",)
    data = json.loads(path.read_text())
    data["catalogue"] = {"format": 1}
    path.write_text(json.dumps(data))
    assert stored(path, [name]).types() == ("Afterwards",)


def test_a_module_that_takes_the_process_down_is_an_entry_like_any_other(pack, tmp_path):
    good = pack("packs_good", declaring("Good"))
    bad = pack("packs_deadly", "import os\nos._exit(7)\n" + declaring("Deadly"))
    path = tmp_path / "home" / "catalogue.json"
    catalogue = stored(path, [bad, good])
    assert catalogue.types() == ("Good",)
    assert catalogue.error("Deadly") == "its module 'packs_deadly' cannot be imported: the process ended with 7"
    assert not path.exists()
