"""Saved workflows: canonical, whole, and of several who save at once one wins."""

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graph.catalogue import Catalogue
from graph.spec import InputSpec, NodeSpec
from graph.workflow import dump, load
from server import library as library_module
from server.api import Refusal
from server.library import Library, Saved, WorkflowInfo, revision_of
from tests.server.homes import places_in

LARGE = 18446744073709551615


def document(title: str = "", seed: Any = 1) -> dict[str, Any]:
    nodes = {"a": {"type": "Sampler", "inputs": {"seed": seed, "text": "hello"}}}
    return {"format": "noisewright/workflow", "version": 1, "title": title, "nodes": nodes}


def library_in(folder: Path) -> Library:
    places = places_in(folder)
    places.templates.mkdir()
    (places.templates / "first.json").write_text(json.dumps(document("First")))
    return Library(places)


def refused(work: Any) -> tuple[int, str]:
    with pytest.raises(Refusal) as caught:
        asyncio.run(work)
    return caught.value.status, caught.value.info.code


def save(library: Library, name: str, text: dict[str, Any] | str | None = None, **options: Any) -> Saved:
    return asyncio.run(library.save(name, document() if text is None else text, **options))


def test_what_is_saved_is_canonical_and_loads_again(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    saved = save(library, "portraits/anna", document("Anna"))
    path = tmp_path / "data" / "workflows" / "portraits" / "anna.json"
    data = path.read_bytes()
    assert data.decode() == dump(load(data))
    assert saved.info == WorkflowInfo(
        name="portraits/anna",
        title="Anna",
        modified=path.stat().st_mtime,
        size=len(data),
        revision=revision_of(data),
        is_template=False,
        folder="portraits",
    )
    loaded = asyncio.run(library.load("portraits/anna"))
    assert (loaded.info, loaded.text) == (saved.info, data.decode())
    assert asyncio.run(library.load("portraits\\anna.json")).name == "portraits/anna"
    again = save(library, "portraits/anna", document("Anna"), revision=saved.info.revision)
    assert again.info == saved.info  # the same bytes are not written again
    assert not again.is_new


def test_a_list_has_saved_workflows_first_then_templates(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    for name in ("b", "A", "c/d", "Ä"):
        save(library, name, document(name))
    folder = tmp_path / "data" / "workflows"
    (folder / "broken.json").write_text("{")
    (folder / "notes.txt").write_text("")
    (folder / ".hidden.json").write_text("{}")
    (tmp_path / "outside.json").write_text("{}")
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    infos = asyncio.run(library.list())
    assert [item.name for item in infos] == ["A", "b", "broken", "c/d", "Ä", "templates/first"]
    assert [item.title for item in infos] == ["A", "b", "", "c/d", "Ä", "First"]
    assert infos[-1].is_template
    assert asyncio.run(library.names()) == tuple(item.name for item in infos)


def test_a_list_notices_what_others_wrote(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    save(library, "a", document("One"))
    asyncio.run(library.list())
    path = tmp_path / "data" / "workflows" / "a.json"
    path.write_text(json.dumps(document("Other")))
    os.utime(path, ns=(1, 1))
    assert asyncio.run(library.list())[0].title == "Other"


def test_revisions_keep_one_from_losing_the_work_of_another(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    first = save(library, "a").info.revision
    assert refused(library.save("a", document("x"))) == (409, "exists")
    second = save(library, "a", document("Two"), revision=first).info.revision
    with pytest.raises(Refusal, match="was changed meanwhile") as caught:
        save(library, "a", document("Three"), revision=first)
    assert caught.value.info.problems == [{"revision": second}]
    assert asyncio.run(library.load("a")).revision == second
    assert refused(library.save("new", document(), revision=first)) == (409, "changed_meanwhile")
    assert save(library, "a", document("Four"), overwrite=True).info.title == "Four"


def test_of_many_saves_of_one_revision_one_wins(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    first = save(library, "a").info.revision

    async def main() -> list[Saved | BaseException]:
        saves = (library.save("a", document(f"{k}"), revision=first) for k in range(50))
        return await asyncio.gather(*saves, return_exceptions=True)

    results = asyncio.run(main())
    won = [item for item in results if isinstance(item, Saved)]
    lost = [item for item in results if isinstance(item, Refusal)]
    assert (len(won), len(lost)) == (1, 49)
    assert {item.info.problems[0]["revision"] for item in lost} == {won[0].info.revision}
    assert asyncio.run(library.load("a")).info == won[0].info


SAVING = """
import asyncio, sys
from pathlib import Path
from server.api import Refusal
from server.library import Library
from tests.server.homes import places_in
from tests.server.test_library import document

library = Library(places_in(Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.readline()
for turn in range(int(sys.argv[3])):
    revision = asyncio.run(library.load("a")).revision
    try:
        asyncio.run(library.save("a", document(f"{sys.argv[2]} {turn} " + "x" * 20_000), revision=revision))
        print(revision, flush=True)
    except Refusal as refusal:
        assert refusal.info.code == "changed_meanwhile", refusal
"""


def saving(folder: Path, who: str, turns: int) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", SAVING, str(folder), who, str(turns)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_of_two_processes_each_revision_has_one_successor(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    save(library, "a")
    processes = [saving(tmp_path, who, 40) for who in "AB"]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    changed = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert all(changed)
    together = [revision for revisions in changed for revision in revisions]
    assert len(set(together)) == len(together)


def test_killed_while_saving_the_old_or_the_new_is_there_whole(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    save(library, "a")
    for turn in range(3):
        process = saving(tmp_path, f"{turn}", 100_000)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        for _ in range(turn * 5 + 1):
            assert process.stdout.readline() != ""
        process.send_signal(signal.SIGKILL)
        process.communicate()
        loaded = asyncio.run(library.load("a"))
        assert dump(load(loaded.text)) == loaded.text
        assert loaded.info.title.split()[0] == f"{turn}"
        revision = loaded.revision  # no lock is left behind
        save(library, "a", document(f"{turn}"), revision=revision)
    assert [item.name for item in asyncio.run(library.list()) if not item.is_template] == ["a"]


def test_renaming(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    revision = save(library, "x/a").info.revision
    save(library, "b")
    assert refused(library.rename("x/a", "b")) == (409, "exists")
    assert refused(library.rename("x/a", "c", "other")) == (409, "changed_meanwhile")
    assert refused(library.rename("missing", "c")) == (404, "no_workflow")
    assert refused(library.rename("templates/first", "c")) == (403, "read_only")
    assert refused(library.rename("b", "templates/b")) == (403, "read_only")
    assert asyncio.run(library.rename("x/a", "y/z/a", revision)).name == "y/z/a"
    assert asyncio.run(library.rename("b", "B")).name == "B"
    assert asyncio.run(library.names()) == ("B", "y/z/a", "templates/first")
    assert not (tmp_path / "data" / "workflows" / "x").exists()


def test_what_is_deleted_can_be_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = library_in(tmp_path)
    info = save(library, "x/a").info
    assert refused(library.delete("x/a", "other")) == (409, "changed_meanwhile")
    trash_id = asyncio.run(library.delete("x/a", info.revision))
    assert asyncio.run(library.names()) == ("templates/first",)
    assert refused(library.load("x/a")) == (404, "no_workflow")
    save(library, "x/a", document("New"))
    assert refused(library.restore(trash_id)) == (409, "exists")
    asyncio.run(library.delete("x/a"))
    assert asyncio.run(library.restore(trash_id)) == info
    for wrong in ("..", "../..", "", "none", f"{trash_id}/x"):
        assert refused(library.restore(wrong))[0] in (400, 404)
    monkeypatch.setattr(library_module, "KEPT", 2)
    for k in range(5):
        save(library, f"{k}")
        asyncio.run(library.delete(f"{k}"))
    assert len(list((tmp_path / "data" / "workflows" / ".trash").iterdir())) == 2


def test_templates_are_read_and_not_changed(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    assert json.loads(asyncio.run(library.load("templates/first")).text) == document("First")
    for name in ("templates/first", "templates/new", "TEMPLATES/x"):
        assert refused(library.save(name, document(), overwrite=True)) == (403, "read_only")
    assert refused(library.delete("templates/first")) == (403, "read_only")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../a",
        "templates/../../a",
        "templates/..",
        "a/../b",
        "/a",
        "C:a",
        "a\0",
        "con",
        "a/nul",
        "a.",
        ".trash/x",
    ]
    + ["x" * 251, "%2e%2e/a", ".hidden", "a//b", ".json", "templates/"],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    library = library_in(tmp_path)
    assert refused(library.load(name))[0] == 400
    assert refused(library.save(name, document()))[0] in (400, 403)
    assert refused(library.delete(name))[0] in (400, 403)


def test_names_that_only_letter_case_tells_apart_clash(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    save(library, "Portraits/Anna")
    for name in ("Portraits/anna", "portraits/Berta"):
        assert refused(library.save(name, document())) == (409, "name_taken")
    save(library, "e\N{COMBINING ACUTE ACCENT}")
    assert asyncio.run(library.load("\N{LATIN SMALL LETTER E WITH ACUTE}")).name == "é"


def test_a_wrong_name_gets_the_one_that_was_meant(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    save(library, "portrait")
    with pytest.raises(Refusal) as caught:
        asyncio.run(library.load("potrait"))
    assert caught.value.info.hint == "Did you mean 'portrait'?"


def test_what_is_no_workflow_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    for text in ("{", "[]", {"nodes": {}}, {"format": "noisewright/workflow", "version": 99}, "\ud800"):
        assert refused(library.save("a", text)) == (422, "no_workflow")
    assert asyncio.run(library.names()) == ("templates/first",)
    assert not (tmp_path / "data" / "workflows" / "a").exists()


def sampler(kind: str = "INT") -> Catalogue:
    inputs = (
        InputSpec(name="seed", type=kind, required=True, default=0),
        InputSpec(name="text", type="STRING", required=True, default=""),
    )
    return Catalogue(
        {
            "Sampler": NodeSpec(
                type="Sampler", title="Sampler", help="", category="x", inputs=inputs, outputs=(), module="x"
            )
        }
    )


def test_comfyui_documents_are_converted_and_what_is_lost_is_told(tmp_path: Path) -> None:
    library = library_in(tmp_path)
    prompt = {
        "1": {"class_type": "Sampler", "inputs": {"seed": 5, "text": "x"}},
        "2": {"class_type": "Nobody", "inputs": {}},
    }
    saved = save(library, "a", prompt, catalogue=sampler())
    assert [problem.code for problem in saved.problems] == ["unknown_type"]
    workflow = load(asyncio.run(library.load("a")).text)
    assert workflow.nodes["1"].inputs == {"seed": 5, "text": "x"}


@pytest.mark.parametrize("catalogue", [None, sampler()])
def test_large_numbers_that_travelled_as_text_are_numbers_again(tmp_path: Path, catalogue: Catalogue | None) -> None:
    library = library_in(tmp_path)
    known = catalogue is not None
    stored = document(seed=LARGE)
    stored["nodes"]["a"]["inputs"]["text"] = str(LARGE)
    stored["nodes"]["b"] = {"type": "Unknown", "inputs": {"n": [LARGE, 1]}}
    first = save(library, "a", stored)
    sent = json.loads(json.dumps(stored))
    sent["nodes"]["a"]["inputs"]["seed"] = str(LARGE)
    sent["nodes"]["b"]["inputs"]["n"][0] = str(LARGE)
    again = save(library, "a", sent, revision=first.info.revision, catalogue=catalogue, integers=True)
    assert again.info.revision == first.info.revision
    sent["nodes"]["a"]["inputs"]["seed"] = str(LARGE - 1)
    save(library, "a", sent, revision=first.info.revision, catalogue=catalogue, integers=True)
    inputs = load(asyncio.run(library.load("a")).text).nodes["a"].inputs
    assert inputs == {"seed": LARGE - 1 if known else str(LARGE - 1), "text": str(LARGE)}


def test_a_disk_that_is_full_or_closed_keeps_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = library_in(tmp_path)
    revision = save(library, "a").info.revision
    for number, how in ((errno.ENOSPC, (507, "no_space")), (errno.EROFS, (503, "not_permitted"))):

        def write(*_: object, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", write)
            assert refused(library.save("a", document("Two"), revision=revision)) == how
        assert asyncio.run(library.load("a")).revision == revision
        assert [path.name for path in (tmp_path / "data" / "workflows").iterdir() if path.name != ".lock"] == ["a.json"]


def test_a_template_has_a_picture_where_there_is_one(tmp_path: Path) -> None:
    library_in(tmp_path)
    templates = tmp_path / "templates"
    (templates / "pictures").mkdir()
    (templates / "pictures" / "first.webp").write_bytes(b"RIFF")
    (templates / "second.json").write_text(json.dumps(document("Second")))
    library = Library(places_in(tmp_path), "/art")
    save(library, "first", document())
    found = {info.name: info.picture for info in asyncio.run(library.list())}
    expected = {"first": "", "templates/first": "/art/v1/template-pictures/first", "templates/second": ""}
    assert found == expected
