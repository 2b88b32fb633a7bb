"""Drafts: each owner's own, whole on the disk, and of two who change one the first wins."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from server import drafts as module
from server.api import Caller
from server.drafts import Drafts
from server.routes import drafts
from server.settings import Settings
from tests.server.homes import places_in, serving

DOCUMENT = {"format": "noisewright/workflow", "version": 1, "nodes": {"b": {"seed": "18446744073709551615"}, "a": {}}}
DRAFT = {"document": DOCUMENT, "name": "portraits/anna", "title": "Anna", "base": "0123"}
HOSTILE = ["a b", ".hidden", "a.json", "a%252e", "ä", "a" * 65, "con", "-a", "a:b"]


def played(folder: Path, play: Any, who: Caller | None = None) -> None:
    """Play against a server of this home."""
    core = SimpleNamespace(settings=Settings(), drafts=Drafts(places_in(folder)))

    async def run() -> None:
        async with serving(core, drafts, who=who) as client:
            await play(client)

    asyncio.run(run())


def test_a_draft_comes_back_as_it_was(tmp_path: Path) -> None:
    async def keep(client: Any) -> None:
        assert await (await client.get("/v1/drafts")).json() == []
        made = await client.put("/v1/drafts/one", json=DRAFT)
        assert made.status == 201
        told = await made.json()
        assert told.items() >= {"id": "one", "name": "portraits/anna", "title": "Anna", "base": "0123"}.items()
        assert await (await client.get("/v1/drafts")).json() == [told]

    async def find(client: Any) -> None:
        found = await (await client.get("/v1/drafts/one")).json()
        assert json.dumps(found["document"]) == json.dumps(DOCUMENT)
        changed = DRAFT | {"title": "Anna again", "revision": found["revision"]}
        answer = await client.put("/v1/drafts/one", json=changed)
        assert answer.status == 200
        assert (await answer.json())["revision"] != found["revision"]
        assert (await client.delete("/v1/drafts/one")).status == 204
        assert (await client.get("/v1/drafts/one")).status == 404
        assert (await client.delete("/v1/drafts/one")).status == 404

    played(tmp_path, keep)
    assert [path.name for path in (tmp_path / "data" / "drafts" / "local").iterdir()] == ["one.json"]
    played(tmp_path, find)  # by another server


def test_who_changes_an_older_one_is_told_which_there_is(tmp_path: Path) -> None:
    async def play(client: Any) -> None:
        first = await (await client.put("/v1/drafts/one", json=DRAFT)).json()
        for revision in (None, "f" * 32):
            refused = await client.put("/v1/drafts/one", json=DRAFT | {"title": "x", "revision": revision})
            error = (await refused.json())["error"]
            assert (refused.status, error["code"]) == (409, "changed_meanwhile")
            assert error["problems"] == [{"revision": first["revision"]}]
        gone = await client.put("/v1/drafts/two", json=DRAFT | {"revision": first["revision"]})
        assert (gone.status, (await gone.json())["error"]["problems"]) == (409, [{"revision": ""}])
        same = await client.put("/v1/drafts/one", json=DRAFT | {"revision": first["revision"]})
        assert await same.json() == first

    played(tmp_path, play)


def test_of_many_at_once_one_wins(tmp_path: Path) -> None:
    async def play(client: Any) -> None:
        first = await (await client.put("/v1/drafts/one", json=DRAFT)).json()
        bodies = [DRAFT | {"title": f"{number}", "revision": first["revision"]} for number in range(12)]
        answers = await asyncio.gather(*(client.put("/v1/drafts/one", json=body) for body in bodies))
        assert sorted(answer.status for answer in answers) == [200] + [409] * 11

    played(tmp_path, play)


def test_owners_have_their_own(tmp_path: Path) -> None:
    async def keep(client: Any) -> None:
        assert (await client.put("/v1/drafts/one", json=DRAFT)).status == 201
        assert len(await (await client.get("/v1/drafts")).json()) == 1

    for owner in ("local", "token-a", "../../up", "Ä", ""):
        played(tmp_path, keep, Caller(owner, frozenset({"run"})))
    folders = [path for path in (tmp_path / "data" / "drafts").iterdir() if path.is_dir()]
    assert len(folders) == 5
    assert {"local", "token-a"} < {path.name for path in folders}
    assert not list(tmp_path.parent.glob("up*"))


@pytest.mark.parametrize("key", HOSTILE)
def test_ids_are_plain(key: str, tmp_path: Path) -> None:
    async def play(client: Any) -> None:
        for ask in (client.get, client.delete):
            assert (await ask(f"/v1/drafts/{key}")).status == 400
        assert (await client.put(f"/v1/drafts/{key}", json=DRAFT)).status == 400

    played(tmp_path, play)


def test_drafts_are_bounded_in_size_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    monkeypatch.setattr(module, "LARGEST", 2000)

    async def play(client: Any) -> None:
        for name, status in (("a", 201), ("b", 201), ("c", 422)):
            answer = await client.put(f"/v1/drafts/{name}", json=DRAFT)
            assert answer.status == status
        assert (await answer.json())["error"]["code"] == "too_many_drafts"
        large = await client.put("/v1/drafts/a", json={"document": {"text": "x" * 2000}})
        assert (large.status, (await large.json())["error"]["code"]) == (413, "too_large")
        wrong = await client.put("/v1/drafts/a", json={"document": [], "extra": 1})
        assert wrong.status == 422

    played(tmp_path, play)


def test_what_is_no_draft_of_ours_is_passed_over(tmp_path: Path) -> None:
    async def play(client: Any) -> None:
        folder = tmp_path / "data" / "drafts" / "local"
        folder.mkdir(parents=True)
        (folder / "broken.json").write_text("{")
        (folder / "old.json").write_text("[]")
        assert await (await client.get("/v1/drafts")).json() == []
        assert (await client.get("/v1/drafts/broken")).status == 404

    played(tmp_path, play)
