import asyncio
import gzip
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graph.catalogue import Catalogue
from server.api import Refusal
from server.catalogue import LiveCatalogue, packs_of, revision_of

ROOT = Path(__file__).parent.parent.parent

PACK = {
    "name": "acme",
    "kind": "folder",
    "path": "/home/anna/data/packs/acme",
    "error": "its pack 'acme' cannot be imported: there is another, '/home/anna/My packs/acme'",
    "traceback": 'File "/home/anna/data/packs/acme/__init__.py", line 1',
    "lacking": ["Blur"],
}


def a_catalogue(*types: str, packs: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    nodes = [{"type": name, "title": name, "category": "c", "help": f"Does {name}."} for name in types]
    return {"format": 2, "nodes": nodes, "errors": {}, "packs": list(packs)}


def test_there_is_none_before_one_is_brought(tmp_path: Path):
    live = LiveCatalogue(tmp_path / "catalogue.json")
    live.load()
    assert live.current is None
    assert live.revision == ""
    with pytest.raises(Refusal) as refusal:
        live.encoded()
    assert (refusal.value.status, refusal.value.info.code) == (503, "catalogue_not_ready")


def test_what_a_worker_brings_is_there_and_at_the_next_start_too(tmp_path: Path):
    path = tmp_path / "cache" / "catalogue.json"
    live = LiveCatalogue(path)
    assert live.bring(a_catalogue("A", "B"))
    assert live.current is not None
    assert live.current.types() == ("A", "B")
    again = LiveCatalogue(path)
    again.load()
    assert again.current is not None
    assert again.current.types() == ("A", "B")
    assert again.revision == live.revision == json.loads(path.read_bytes())["revision"]


def test_the_same_brought_twice_changes_nothing(tmp_path: Path):
    live = LiveCatalogue(tmp_path / "catalogue.json")
    data = a_catalogue("A")
    assert live.bring(data)
    before = live.current
    assert not live.bring(dict(reversed(data.items())))
    assert live.current is before
    assert live.bring(a_catalogue("A", "B"))


def test_a_revision_belongs_to_the_content():
    assert revision_of({"a": 1, "b": [1, 2]}) == revision_of({"b": [1, 2], "a": 1})
    assert revision_of({"b": [1, 2]}) != revision_of({"b": [2, 1]})
    assert len(revision_of({"half": "\ud800"})) == 64


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", '{"revision": "x"}', '{"catalogue": {"format": 99}}', '{"catalogue": []}', "\xff", "[" * 100_000,
     '{"catalogue": {"format": 2, "nodes": [{}], "errors": {}, "packs": []}}'],
)  # fmt: skip
def test_a_damaged_file_is_none_and_a_line_in_the_log(text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "catalogue.json"
    path.write_bytes(text.encode("latin-1"))
    live = LiveCatalogue(path)
    with caplog.at_level(logging.WARNING):
        live.load()
    assert live.current is None
    assert "cannot be used" in caplog.text
    assert live.bring(a_catalogue("A"))


@pytest.mark.parametrize("data", [{}, {"format": 1}, {"format": 2, "nodes": 7, "errors": {}, "packs": []}])
def test_what_is_no_catalogue_leaves_the_one_that_is_there(
    data: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    live = LiveCatalogue(tmp_path / "catalogue.json")
    live.bring(a_catalogue("A"))
    assert not live.bring(data)
    assert "is no catalogue" in caplog.text
    assert live.current is not None
    assert live.current.types() == ("A",)


def test_one_that_cannot_be_kept_is_used_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "cache").write_text("a file where the folder should be")
    live = LiveCatalogue(tmp_path / "cache" / "catalogue.json")
    assert live.bring(a_catalogue("A"))
    assert "cannot be kept" in caplog.text


def test_who_waits_gets_the_first_one(tmp_path: Path):
    async def main() -> None:
        live = LiveCatalogue(tmp_path / "catalogue.json")
        waiting = [asyncio.create_task(live.get()) for _ in range(3)]
        given_up = asyncio.create_task(live.get())
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.to_thread(live.bring, a_catalogue("A"))  # from another thread
        assert [found.types() for found in await asyncio.gather(*waiting)] == [("A",)] * 3
        assert (await live.get(0.0)).types() == ("A",)

    asyncio.run(main())


def test_who_waited_long_enough_is_told_to_come_again(tmp_path: Path):
    live = LiveCatalogue(tmp_path / "catalogue.json")
    with pytest.raises(Refusal) as refusal:
        asyncio.run(live.get(0.001))
    assert refusal.value.status == 503
    assert refusal.value.headers["Retry-After"] == "5"
    live.bring(a_catalogue("A"))  # nobody of a loop that has ended is in the way


def test_clients_get_all_specs_and_no_path_of_this_machine(tmp_path: Path):
    live = LiveCatalogue(tmp_path / "catalogue.json")
    live.bring(a_catalogue("A", packs=(PACK,)))
    text = live.encoded()
    assert text is live.encoded()
    told = json.loads(text)
    assert told["revision"] == live.revision
    assert told["nodes"]["A"]["help"] == "Does A."
    assert told["nodes"]["A"]["inputs"] == []  # with its defaults
    assert told["packs"][0]["error"].endswith("there is another, '…/acme'")
    assert set(told["errors"]) == {"acme", "acme/Blur", "Blur"}
    assert b"anna" not in text


def test_the_compressed_text_is_the_same_text(tmp_path: Path):
    live = LiveCatalogue(tmp_path / "catalogue.json")
    live.bring(a_catalogue("A", "B"))
    edition = asyncio.run(live.edition())
    assert gzip.decompress(edition.compressed) == edition.encoded == live.encoded()


def test_those_who_may_see_everything_see_where_a_pack_is():
    catalogue = Catalogue.from_json(a_catalogue(packs=(PACK,)))
    (pack,) = packs_of(catalogue, everything=True)
    assert pack.path == PACK["path"]
    assert pack.traceback == PACK["traceback"]
    (pack,) = packs_of(catalogue)
    assert "anna" not in pack.model_dump_json()


def test_reading_it_imports_no_node_and_no_torch(tmp_path: Path):
    path = tmp_path / "catalogue.json"
    LiveCatalogue(path).bring(Catalogue.of(["nodes.latent", "nodes.image"]).to_json())
    code = (
        "import sys; from pathlib import Path; from server.catalogue import LiveCatalogue\n"
        f"live = LiveCatalogue(Path({str(path)!r})); live.load(); live.encoded()\n"
        "assert len(live.current.types()) > 10\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'torch', 'nodes', 'diffusion', 'numpy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
