"""Broken packs of every kind, from real folders: each is an entry with its error, and everything else works."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graph import stored_packs as module
from graph.catalogue import Catalogue
from graph.packs import SPACE, Sources
from graph.stored_packs import stored_packs
from tests.graph.packs import declaring, forgotten, write_pack

PATIENCE = 1.5
"""Seconds that an import may take where one of them never ends."""

BROKEN = {
    "raises": ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
    "misspelt": ("def f(:\n", "SyntaxError: invalid syntax (__init__.py, line 1)"),
    "exits": ("import sys\nsys.exit(3)\n", "it ends the program, with 3"),
    "interrupts": ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    "dies": ("import os\nos._exit(7)\n", "its process ended with 7"),
    "dies_well": ("import os\nos._exit(0)\n", "its process ended with 0"),
    "never_returns": ("while True: pass\n", f"it did not return within {PATIENCE:g} s"),
    "says_too_little": (
        "from graph.node import node\n@node('Bare', category='x')\ndef f(a): ...\n",
        "parameter 'a' has no type annotation",
    ),
    "recurses": ("def f(): f()\nf()\n", "RecursionError: maximum recursion depth exceeded"),
}


@pytest.fixture(autouse=True)
def _forget():
    with forgotten():
        yield


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """A folder of packs."""
    return tmp_path / "packs"


def stored(folder: Path, patience: float = 60.0, **options):
    path = folder.parent / "cache" / "packs.json"
    return {pack.name: pack for pack in stored_packs(path, Sources((folder,)), patience=patience, **options)}


def never(*_: object) -> None:
    pytest.fail("a pack was imported again")


def test_every_broken_pack_is_an_entry_and_the_good_ones_work(packs, monkeypatch):
    write_pack(packs, "a_good", declaring("Good"))
    for name, (text, _) in BROKEN.items():
        write_pack(packs, name, text)
    write_pack(packs, "z_good", "print('hello')\nimport sys\nsys.stdin.read()\n" + declaring("Last"))
    found = stored(packs, patience=PATIENCE)
    for name, (_, reason) in BROKEN.items():
        assert reason in found[name].error, name
        assert found[name].error.startswith(f"its pack '{name}' cannot be imported: ")
    assert [node.type for node in found["a_good"].nodes] == ["Good"]
    assert [node.type for node in found["z_good"].nodes] == ["Last"]
    assert found["says_too_little"].lacking == ("Bare",)
    assert "line 2, in <module>" in found["says_too_little"].traceback
    assert not [name for name in sys.modules if name.startswith(f"{SPACE}.")]
    # what failed is kept, too: it must not slow down every start
    monkeypatch.setattr(module, "_described", lambda places, *_: never() if places else [])
    assert stored(packs) == found


def test_a_pack_that_cannot_be_imported_is_named_where_its_nodes_are_used(packs):
    write_pack(packs, "broken", "import no_such_module_anywhere\n" + declaring("Gone"))
    catalogue = Catalogue.of([], packs=tuple(stored(packs).values()), sources=Sources((packs,)))
    reason = (
        "its pack 'broken' cannot be imported: ModuleNotFoundError: No module named 'no_such_module_anywhere' "
        "(__init__.py, line 1)"
    )
    assert catalogue.error("Gone") == catalogue.error("broken/Gone") == catalogue.errors["broken"] == reason
    assert catalogue.spec("Gone") is None
    assert catalogue.packs[0].error == reason


def test_only_what_has_changed_is_imported_again(packs):
    write_pack(packs, "one", "from . import a", a=declaring("One"))
    write_pack(packs, "two", declaring("Two"))
    told: list[str] = []
    stored(packs, tell=told.append)
    assert told == ["one", "two"]
    (packs / "one" / "a.py").write_text(declaring("Another"))
    told.clear()
    assert [node.type for node in stored(packs, tell=told.append)["one"].nodes] == ["Another"]
    assert told == ["one"]
    (packs / "two" / "new.txt").write_text("a file that it may choose from")
    (packs / "two" / "x.log").write_text("not one of those")
    told.clear()
    stored(packs, tell=told.append)
    assert told == ["two"]
    told.clear()
    assert list(stored(packs, again=True, tell=told.append)) == told == ["one", "two"]


def test_a_pack_that_is_gone_or_disabled_is_forgotten(packs):
    write_pack(packs, "one", declaring("One"))
    write_pack(packs, "two", declaring("Two"))
    stored(packs)
    (packs / "two").rename(packs / "two.disabled")
    assert list(stored(packs)) == ["one"]
    kept = json.loads((packs.parent / "cache" / "packs.json").read_text())
    assert list(kept["packs"]) == ["one"]


def test_what_failed_is_tried_again_when_something_was_installed_and_once_a_day(packs, tmp_path, monkeypatch):
    installed = tmp_path / "site-packages"
    installed.mkdir()
    monkeypatch.syspath_prepend(str(installed))
    write_pack(packs, "hopeful", "import a_module_that_comes_later\n" + declaring("Hopeful"))
    write_pack(packs, "good", declaring("Good"))
    assert stored(packs)["hopeful"].error
    told: list[str] = []
    stored(packs, tell=told.append)
    assert told == []
    (installed / "a_module_that_comes_later.py").write_text("")
    os.utime(installed, (1, 1))  # as an installer does, whatever the clock says
    assert not stored(packs, tell=told.append)["hopeful"].error
    assert told == ["hopeful"]

    write_pack(packs, "hopeless", "raise OSError('no camera was found')")
    stored(packs)
    told.clear()
    later = time.time() + module.RETRY_SECONDS + 1
    monkeypatch.setattr(module.time, "time", lambda: later)
    stored(packs, tell=told.append)
    assert told == ["hopeless"]


@pytest.mark.parametrize("damage", ["{", "[]", '{"format": 1, "packs": 3}', '{"format": 1, "packs": {"good": []}}'])
def test_a_damaged_file_is_made_anew(packs, damage):
    write_pack(packs, "good", declaring("Good"))
    found = stored(packs)
    (packs.parent / "cache" / "packs.json").write_text(damage)
    assert stored(packs) == found


def test_where_nothing_can_be_written_packs_work_all_the_same(packs):
    write_pack(packs, "good", declaring("Good"))
    (packs.parent / "cache").write_text("a file in the way")
    assert [node.type for node in stored(packs)["good"].nodes] == ["Good"]


def test_where_no_process_can_be_started_packs_are_entries_with_that_error(packs, monkeypatch):
    write_pack(packs, "good", declaring("Good"))
    monkeypatch.setattr(module.sys, "executable", "/no/such/python")
    assert "no process can be started with '/no/such/python'" in stored(packs)["good"].error


def test_a_pack_that_leaves_threads_behind_keeps_nobody_waiting(packs):
    text = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    write_pack(packs, "busy", text + declaring("Busy"))
    assert [node.type for node in stored(packs)["busy"].nodes] == ["Busy"]


def test_no_packs_cost_nothing(packs, monkeypatch):
    monkeypatch.setattr(module, "_described", never)
    assert stored(packs) == {}
    assert not (packs.parent / "cache").exists()


def test_adapted_packs_are_read_by_their_adapter_in_the_child(packs, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "an_adapter.py").write_text(
        "from graph.packs import Pack\nfrom graph.node import NodeType\nfrom graph.spec import NodeSpec\n"
        "def load_pack(path):\n"
        "    if path.name == 'bad': raise OSError('cannot be adapted')\n"
        "    spec = NodeSpec(type='Adapted', title='', category='', help='')\n"
        "    odd = NodeSpec(type='Odd', title='', category='', help='', inputs=())\n"
        "    nonsense = odd.model_copy(update={'type': 'Nonsense', 'category': object()})\n"
        "    types = [NodeType(spec, lambda: 1, validate=lambda known, types, services: '')]\n"
        "    types += [NodeType(odd, lambda: 1), NodeType(nonsense, lambda: 1)]\n"
        "    return Pack(path.name, tuple(types), {'Lost': 'its class has no FUNCTION'}, ('A route stays inert.',))\n"
    )
    for name in ("good", "bad"):
        (tmp_path / "custom_nodes" / name).mkdir(parents=True)
    (tmp_path / "custom_nodes" / "bad" / "x.py").write_text("NODE_CLASS_MAPPINGS = {'Bad': 3}")
    sources = Sources(adapted=(tmp_path / "custom_nodes",), adapter="an_adapter:load_pack")
    found = {pack.name: pack for pack in stored_packs(tmp_path / "packs.json", sources)}
    assert [node.type for node in found["good"].nodes] == ["Adapted", "Odd"]
    assert found["good"].early == ("Adapted",)
    assert found["good"].notes == ("A route stays inert.",)
    assert found["good"].errors["Lost"] == "its class has no FUNCTION"
    assert "declares what cannot be written as data" in found["good"].errors["Nonsense"]
    assert found["bad"].error == "its pack 'bad' cannot be imported: OSError: cannot be adapted"
    assert found["bad"].lacking == ("Bad",)
    catalogue = Catalogue.of([], packs=tuple(found.values()), sources=sources)
    assert catalogue.error("Lost") == "its class has no FUNCTION (pack 'good')"
    assert catalogue.node_type("Odd").function() == 1  # pyright: ignore[reportOptionalMemberAccess]
    before = catalogue.code_version("Odd")
    (tmp_path / "custom_nodes" / "good" / "more.py").write_text("X = 1")
    assert Catalogue.of([], packs=tuple(found.values()), sources=sources).code_version("Odd") != before


def test_reading_what_is_stored_imports_no_pack_and_no_torch(packs):
    write_pack(packs, "heavy", "import torch\n" + declaring("Heavy"))
    stored(packs)
    code = (
        "import sys\nfrom pathlib import Path\nfrom graph.stored_packs import stored_packs\n"
        "from graph.packs import Sources\n"
        "cache, folder = map(Path, sys.argv[1:])\npacks = stored_packs(cache, Sources((folder,)))\n"
        "print(packs[0].nodes[0].type, 'torch' in sys.modules)"
    )
    words = [sys.executable, "-c", code, str(packs.parent / "cache" / "packs.json"), str(packs)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Heavy", "False"]
