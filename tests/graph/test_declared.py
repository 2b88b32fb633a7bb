from pathlib import Path

from graph.declared import declared_types


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
