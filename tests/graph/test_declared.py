from pathlib import Path

from graph.declared import declared_in, declared_types
from tests.graph.packs import declaring, write_pack


def test_the_ids_stand_in_the_text(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    Path(tmp_path, "broken_pack_a.py").write_text(
        "import no_such_module\n"
        "@node('One', category='x')\ndef one(): ...\n"
        "@graph.node('Two', category='x')\n@other\ndef two(): ...\n"
        "@node(NAME)\ndef three(): ...\n"
        "@register('Four')\nclass Four: ...\n"
    )
    assert declared_types("broken_pack_a") == ("One", "Two")


def test_text_that_is_no_python_declares_nothing(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    Path(tmp_path, "broken_pack_b.py").write_text("@node('One'\n")
    assert declared_types("broken_pack_b") == ()
    assert declared_types("no_such_pack_c") == ()


def test_a_pack_declares_what_its_files_say_even_those_of_another_program(tmp_path):
    folder = write_pack(tmp_path, "acme", declaring("One"), more=declaring("Two"), broken="def f(:")
    (folder / "tests").mkdir()
    (folder / "nodes.py").write_text("NODE_CLASS_MAPPINGS = {'Three': A, NAME: B}\nOTHER = {'Four': C}\n")
    (folder / "typed.py").write_text("NODE_CLASS_MAPPINGS: dict[str, type] = {'Five': A, **MORE}\n")
    assert set(declared_in(folder)) == {"One", "Two", "Three", "Five"}
    assert declared_in(folder / "more.py") == ("Two",)
    assert declared_in(tmp_path / "absent") == ()
