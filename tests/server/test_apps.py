"""Published workflows: what they take, what they refuse, who may do what, and what comes back."""

import asyncio
import io
import json
from copy import deepcopy
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from graph.catalogue import Catalogue
from graph.workflow import load, to_json
from server.api import Refusal
from server.extent import extent_of
from server.form import Narrowing, form_of
from tests.server.crews import catalogue_json, until
from tests.server.publishing import Place, published, stage, with_picture

CATALOGUE = Catalogue.from_json(json.loads(catalogue_json()))
MODELS = ("checkpoints", "vae", "embeddings")
NARROWED = {
    "steps": Narrowing.model_validate({"maximum": 30}),
    "prompt": Narrowing.model_validate({"longest": 50}),
    "cfg": Narrowing.model_validate({"minimum": 1, "maximum": 10.5}),
    "sampler": Narrowing.model_validate({"choices": ["euler", "ddim"]}),
}
WORKFLOW = load(json.dumps(published()))
FORM, FAULTS = form_of(WORKFLOW, CATALOGUE, NARROWED, MODELS)
SCHEMA = FORM.schema()


def act(folder, play, **settings) -> Any:
    async def run():
        async with stage(folder, **settings) as place:
            return await play(place)

    return asyncio.run(run())


def png(width: int = 8, height: int = 8, color: str = "red") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (width, height), color).save(data, "PNG")
    return data.getvalue()


def accepted(given: Any) -> bool:
    try:
        FORM.read(given)
    except Refusal:
        return False
    return True


# What it takes


def test_the_schema_says_type_bounds_choices_and_default():
    assert not FAULTS
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    parts = SCHEMA["properties"]
    assert SCHEMA["additionalProperties"] is False
    assert list(parts) == ["prompt", "seed", "steps", "cfg", "sampler", "model", "width", "height", "count"]
    assert (parts["prompt"]["type"], parts["prompt"]["maxLength"]) == ("string", 50)
    assert parts["prompt"]["default"] == "apple"
    assert parts["prompt"]["description"].startswith("What to draw")
    assert parts["seed"]["anyOf"] == [{"type": "integer", "minimum": 0, "maximum": 2**64 - 1}, {"const": "random"}]
    assert (parts["steps"]["minimum"], parts["steps"]["maximum"], parts["steps"]["default"]) == (1, 30, 20)
    assert (parts["cfg"]["type"], parts["cfg"]["minimum"], parts["cfg"]["maximum"]) == ("number", 1, 10.5)
    assert parts["sampler"]["enum"] == ["euler", "ddim"]
    assert parts["model"]["enum"] == ["sprout.safetensors"]


NAMES = st.sampled_from([*SCHEMA["properties"], "sample.steps", "text.text", "nodes", "@x", ""])
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-5, 50),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-5, 2000).map(float),
    st.text(max_size=60),
    st.sampled_from(
        ["random", "euler", "ddim", "heun", "sprout.safetensors", "../sprout.safetensors", "@/etc/passwd", "@@x",
         "embedding:secret", "an embedding:a, b", "a.png [output]", "7", "true", "sprout.safetensors\n"]
    ),
    st.just({"link": ["ckpt", "MODEL"]}),
    st.just({"value": 3}),
    st.lists(st.integers(0, 5), max_size=2),
)  # fmt: skip
MANY = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@MANY
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_the_server_takes_what_the_schema_takes(inputs):
    assert accepted(inputs) == jsonschema.Draft202012Validator(SCHEMA).is_valid(inputs)


@MANY
@given(st.dictionaries(NAMES, VALUES, max_size=3))
def test_whatever_is_sent_only_the_interface_changes_and_bounds_hold(inputs):
    try:
        values = FORM.read(inputs)
    except Refusal:
        return
    made, before = to_json(FORM.filled(WORKFLOW, values, CATALOGUE)), to_json(WORKFLOW)
    for item in published()["interface"]["inputs"]:
        for document in (made, before):
            document["nodes"][item["node"]]["inputs"].pop(item["input"], None)
    assert made == before
    filled = FORM.filled(WORKFLOW, values, CATALOGUE).nodes
    sample, size = filled["sample"].inputs, filled["size"].inputs
    assert type(sample["seed"]) is int
    assert 0 <= sample["seed"] < 2**64
    assert 1 <= sample.get("steps", 20) <= 30
    assert 1 <= sample.get("cfg", 8) <= 10.5
    assert sample["sampler_name"] in ("euler", "ddim")
    assert filled["ckpt"].inputs["ckpt_name"] == "sprout.safetensors"
    assert 16 <= size.get("width", 512) <= 16384
    text = filled["text"].inputs["text"]
    assert type(text) is str
    assert len(text) <= 50
    assert "embedding:" not in text


def test_embeddings_of_the_workflow_itself_may_be_named_and_no_others():
    document = published(text={"text": "embedding:a.b, c"})
    form, faults = form_of(load(json.dumps(document)), CATALOGUE, {}, MODELS)
    assert not faults
    field = next(field for field in form.fields if field.name == "prompt")
    for text, fits in (
        ("embedding:a.b", True), ("x embedding:a.b, y", True), ("embedding:a.bc", False), ("embedding:aXb", False),
        ("embedding:", False), ("embedding:a.b embedding:c", False), ("plain", True),
    ):  # fmt: skip
        assert jsonschema.Draft202012Validator(field.schema()).is_valid(text) is fits
        try:
            form.read({"prompt": text})
        except Refusal:
            assert not fits
        else:
            assert fits


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda d: d.pop("interface"), "no interface"),
        (lambda d: d["interface"]["inputs"].append({"name": "x", "node": "gone", "input": "y"}), "not there"),
        (lambda d: d["interface"]["inputs"].append({"name": "x", "node": "text", "input": "clip"}), "is linked"),
        (lambda d: d["interface"]["inputs"].append({"name": "seed", "node": "text", "input": "text"}), "twice"),
        (lambda d: d["interface"]["inputs"].append({"name": "x", "node": "text", "input": "text"}), "twice"),
        (lambda d: d["nodes"]["text"].update(type="NoSuch"), "NoSuch"),
    ],
)
def test_what_cannot_be_published_is_refused_with_the_reason(tmp_path, change, word):
    document = deepcopy(published())
    change(document)

    async def play(place: Place):
        return await place.publish(workflow=document), await place.ask("GET", "/v1/apps")

    told, listed = act(tmp_path, play)
    assert (told.status, told.code) == (422, "invalid_workflow")
    assert word in str(told.json)
    assert listed.json == []


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"steps": {"maximum": 99_999}}, "takes 1 to 10000"),
        ({"steps": {"minimum": 25}}, "takes 25 to 10000, but is 20"),
        ({"steps": {"longest": 3}}, "has no 'longest'"),
        ({"prompt": {"choices": ["a"]}}, "has no 'choices'"),
        ({"prompt": {"longest": 2}}, "at most 2 characters"),
        ({"sampler": {"choices": ["euler", "none"]}}, "has no choice 'none'"),
        ({"sampler": {"choices": ["ddim"]}}, "has no choice"),
        ({"model": {"choices": []}}, "has no choice"),
        ({"nothing": {}}, "no input of the interface"),
    ],
)
def test_fields_only_narrow_what_there_is(fields, word):
    _, faults = form_of(
        WORKFLOW, CATALOGUE, {name: Narrowing.model_validate(item) for name, item in fields.items()}, MODELS
    )
    assert word in " ".join(fault.message for fault in faults)


def test_random_seeds_stay_in_narrow_bounds():
    narrow = {"seed": Narrowing.model_validate({"minimum": 3.5, "maximum": 5.5})}
    document = published(sample={"seed": 4})
    form, faults = form_of(load(json.dumps(document)), CATALOGUE, narrow, MODELS)
    assert not faults
    assert {form.read({"seed": "random"})["seed"] for _ in range(60)} == {4, 5}


# Publishing


def test_publish_list_change_and_take_back_also_after_a_restart(tmp_path):
    async def first(place: Place):
        new = await place.publish(title="A portrait", limits={"steps": 50}, fields={"steps": {"maximum": 30}})
        again = await place.publish(title="Another", revision=new.json["revision"])
        late = await place.publish(title="Late", revision=new.json["revision"])
        same = await place.publish("other")
        return new, again, late, same

    new, again, late, same = act(tmp_path, first)
    assert (new.status, again.status, same.status) == (201, 200, 201)
    assert (late.status, late.code) == (409, "changed_meanwhile")
    assert new.json["inputs"]["properties"]["steps"]["maximum"] == 30
    assert again.json["revision"] != new.json["revision"]

    async def second(place: Place):
        listed = await place.ask("GET", "/v1/apps")
        document = await place.ask("GET", "/v1/apps/portrait/workflow")
        gone = await place.ask("DELETE", "/v1/apps/portrait")
        missing = [
            await place.ask("GET", "/v1/apps/portrait"),
            await place.ask("DELETE", "/v1/apps/portrait"),
            await place.run(),
        ]
        bad = await place.publish("Bad.Name")
        return listed, document, gone, missing, bad

    listed, document, gone, missing, bad = act(tmp_path, second)
    assert [(app["name"], app["title"], app["problem"]) for app in listed.json] == [
        ("other", "Portrait", ""),
        ("portrait", "Another", ""),
    ]
    assert listed.json[1]["revision"] == again.json["revision"]
    assert document.json["nodes"]["sample"]["inputs"]["sampler_name"] == "euler"
    assert gone.status == 204
    assert [told.status for told in missing] == [404, 404, 404]
    assert bad.status == 422


def test_a_workflow_that_saves_models_is_not_published_and_one_that_was_does_not_run(tmp_path, monkeypatch):
    saving = published()
    link = {name: {"link": ["ckpt", name]} for name in ("MODEL", "CLIP", "VAE")}
    inputs = {"model": link["MODEL"], "clip": link["CLIP"], "vae": link["VAE"], "filename_prefix": "checkpoints/mine"}
    saving["nodes"]["keep"] = {"type": "CheckpointSave", "inputs": inputs}
    named = deepcopy(saving)
    saving["interface"].pop("outputs")

    async def play(place: Place):
        return await place.publish(workflow=saving), await place.publish("named", workflow=named)

    told, one = act(tmp_path, play)
    assert (told.status, told.code) == (422, "invalid_workflow")
    assert "'keep' (Save Checkpoint) saves a model" in told.json["error"]["message"]
    assert one.status == 201  # it is not among the outputs that the interface names

    async def before(place: Place):
        with monkeypatch.context() as patch:
            patch.setattr("server.apps.model_files", lambda *facts: iter(()))
            return await place.publish(workflow=saving)

    async def now(place: Place):
        listed = await place.ask("GET", "/v1/apps/portrait")
        return listed, await place.run(), await place.run(name="named")

    assert act(tmp_path, before).status == 201
    listed, told, one = act(tmp_path, now)
    assert "saves a model" in listed.json["problem"]
    assert (told.status, told.code) == (409, "not_runnable")
    assert "'keep' (Save Checkpoint) saves a model" in told.json["error"]["message"]
    assert one.status == 202


def test_each_has_a_path_of_its_own_in_the_description(tmp_path):
    async def play(place: Place):
        await place.publish(fields={"steps": {"maximum": 30}})
        guest = await place.token("run:app:other")
        schema = await place.ask("GET", "/v1/apps/portrait/schema")
        told = await place.ask("GET", "/v1/openapi.json")
        theirs = await place.ask("GET", "/v1/openapi.json", token=guest)
        good = {"inputs": {"steps": 3, "seed": "random"}, "labels": {"a": "b"}}
        bodies = [
            good, {}, {"inputs": {"steps": 31}}, {"inputs": {"steps": "3"}}, {"inputs": {"sample.steps": 3}},
            {"steps": 3}, {"inputs": []}, {"webhook": {"url": ""}}, {"labels": {"a": 1}}, {"private": 3},
            {"labels": {str(n): "" for n in range(33)}}, {"inputs": {"model": "other.safetensors"}},
        ]  # fmt: skip
        found = [(await place.ask("POST", "/v1/apps/portrait/runs", body)).status for body in bodies]
        return schema.json, told.json, theirs.json, bodies, found

    schema, told, theirs, bodies, found = act(tmp_path, play)
    operation = told["paths"]["/v1/apps/portrait/runs"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == schema
    assert "image/*" in operation["responses"]["200"]["content"]
    assert "/v1/apps/portrait/runs" not in theirs["paths"]
    validator = jsonschema.Draft202012Validator(schema)
    assert [validator.is_valid(body) for body in bodies] == [status == 202 for status in found]
    assert found[:2] == [202, 202]
    assert set(found[2:]) == {422}


# Limits


def test_limits_of_pixels_steps_and_batch_are_held_after_settings(tmp_path):
    async def play(place: Place):
        await place.publish(
            workflow=published(size={"width": 64, "height": 64}),
            limits={"pixels": 64 * 64 * 2, "steps": 25, "batch": 2},
        )
        tries = [
            {}, {"count": 2}, {"count": 3}, {"width": 128}, {"width": 128, "height": 32}, {"width": 128, "count": 2},
            {"steps": 25}, {"steps": 26},
        ]  # fmt: skip
        found = [await place.run(inputs) for inputs in tries]
        default = await place.publish("large", limits={"pixels": 100})
        return found, default

    found, default = act(tmp_path, play)
    assert [told.status for told in found] == [202, 202, 422, 202, 202, 422, 202, 422]
    assert {told.code for told in found if told.status == 422} == {"over_limit"}
    assert default.code == "over_limit"


def test_numbers_come_through_links_and_what_is_computed_cannot_be_limited(tmp_path):
    document = published()
    document["nodes"]["number"] = {"type": "PrimitiveInt", "inputs": {"value": 128}}
    document["nodes"]["size"]["inputs"]["width"] = {"link": ["number", "INT"]}
    document["interface"]["inputs"][6] = {"name": "width", "node": "number", "input": "value"}
    extent = extent_of(load(json.dumps(document)), CATALOGUE)
    assert (extent.pixels, extent.batch, extent.steps, extent.unclear) == (128 * 512, 1, 20, {})
    computed = deepcopy(document)
    computed["nodes"]["number"] = {"type": "RandomInt", "inputs": {}}
    computed["interface"]["inputs"].pop(6)

    async def play(place: Place):
        return (
            await place.publish("a", document, limits={"pixels": 128 * 512}),
            await place.run({"width": 129}, name="a"),
            await place.publish("b", computed, limits={"pixels": 10**9}),
            await place.publish("b", computed, limits={"steps": 30}),
        )

    linked, over, unclear, other = act(tmp_path, play)
    assert (linked.status, over.code, unclear.code, other.status) == (201, "over_limit", "unclear_limit", 201)


def test_a_full_line_is_429_with_when_to_come_again(tmp_path):
    async def play(place: Place):
        await place.publish(limits={"waiting": 2})
        await until(lambda: place.theatre.cast)
        first = await place.run()
        await until(lambda: place.theatre.last.run == first.json["id"])
        many = await asyncio.gather(*(place.run({"seed": seed}) for seed in range(8)))
        full = next(told for told in many if told.status == 429)
        place.theatre.last.over(first.json["id"], "done", seconds=4.4)
        await place.core.runs.wait(first.json["id"], 5)
        room = await place.run()
        later = await place.run()
        return many, full, room, later

    many, full, room, later = act(tmp_path, play)
    assert sorted(told.status for told in many) == [202, 202, *[429] * 6]
    assert (full.code, full.headers["Retry-After"]) == ("queue_full", "1")
    assert (room.status, later.status) == (202, 429)
    assert later.headers["Retry-After"] == "9"


def test_so_many_a_minute_and_refusals_do_not_count(tmp_path):
    async def play(place: Place):
        now = [100.0]
        place.core.apps.clock = lambda: now[0]
        await place.publish(limits={"per_minute": 2, "steps": 20})
        found = [await place.run({"steps": 21})]
        found += [await place.run() for _ in range(3)]
        now[0] += 59.5
        found.append(await place.run())
        now[0] += 0.5
        found.append(await place.run())
        return found

    found = act(tmp_path, play)
    assert [told.status for told in found] == [422, 202, 202, 429, 429, 202]
    assert (found[3].headers["Retry-After"], found[4].headers["Retry-After"]) == ("60", "1")


# Seeds


def test_a_random_seed_is_told(tmp_path):
    document = published()
    document["nodes"]["sample"]["after_run"] = {"seed": "random"}

    async def play(place: Place):
        await place.publish()
        await place.publish("dice", document)
        fixed, given, thrown = (
            await place.run(),
            await place.run({"seed": 2**64 - 1}),
            await place.run({"seed": "random"}),
        )
        dice = await asyncio.gather(*(place.run(name="dice") for _ in range(3)))
        info = await place.ask("GET", "/v1/apps/dice")
        return [told.json["seeds"]["sample.seed"] for told in (fixed, given, thrown, *dice)], info.json

    (fixed, given_seed, thrown, *dice), info = act(tmp_path, play)
    assert (fixed, given_seed) == (str(2**63), str(2**64 - 1))
    assert 0 <= int(thrown) <= 2**53
    assert len({thrown, *dice}) == 4
    assert info["inputs"]["properties"]["seed"]["default"] == "random"


# Keys


def test_one_key_is_one_run_also_at_once_and_after_a_restart(tmp_path):
    key = {"Idempotency-Key": "order-17"}

    async def first(place: Place):
        await place.publish(limits={"waiting": 1, "per_minute": 1})
        await place.core.runs.hold()
        many = await asyncio.gather(*(place.run({"seed": "random"}, headers=key) for _ in range(20)))
        other = await place.run({"seed": 3}, headers=key)
        plain = {"workflow": published(), "labels": {"a": "b", "c": "d"}}
        turned = {"labels": {"c": "d", "a": "b"}, "workflow": published()}
        runs = [
            await place.ask("POST", "/v1/runs", body, headers=key) for body in (plain, turned, {**plain, "title": "x"})
        ]
        return many, other, runs

    many, other, runs = act(tmp_path, first)
    assert {told.status for told in many} == {202}
    assert len({told.json["id"] for told in many}) == 1
    assert (other.status, other.code) == (422, "key_reused")
    assert [told.status for told in runs] == [202, 202, 422]
    assert runs[0].json["id"] == runs[1].json["id"] != many[0].json["id"]

    async def second(place: Place):
        again = await place.run({"seed": "random"}, headers=key)
        other = await place.run({"seed": 4}, headers=key)
        run = place.core.runs.active[again.json["id"]]
        await place.core.runs.cancel(run)
        over = await place.run({"seed": "random"}, headers=key)
        token = await place.token("run:app")
        theirs = await place.run({"seed": 4}, headers=key, token=token)
        return again, other, over, theirs

    again, other, over, theirs = act(tmp_path, second)
    assert again.json["id"] == over.json["id"] == many[0].json["id"]
    assert (over.status, over.json["state"]) == (200, "cancelled")
    assert other.code == "key_reused"
    assert theirs.status == 202
    assert theirs.json["id"] != again.json["id"]


# Pictures and files


async def drawn(place: Place, run: str, *names: str, color: str = "red") -> None:
    """Let a worker finish a run with files."""
    await until(lambda: place.theatre.cast and place.theatre.last.run == run)
    paths = []
    for name in names:
        path = place.core.places.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(color=color))
        paths.append(str(path))
    worker = place.theatre.last
    worker.event(
        run, "node_finished", node="save", reused=None, seconds=0.1, outputs={"files": paths, "kind": "output"}
    )
    worker.over(run, "done")


def test_a_picture_comes_back_itself(tmp_path):
    async def play(place: Place):
        await place.publish()
        before = set(place.core.runs.active)

        async def ask(accept: str, prefer: str = "wait=20"):
            return await place.run(headers={"Prefer": prefer, "Accept": accept})

        found = []
        for accept in ("image/png", "image/*, */*;q=0.1", "image/jpeg", "application/json, image/png;q=0.5", "*/*"):
            asked = asyncio.create_task(ask(accept))
            (run,) = await until(lambda: set(place.core.runs.active) - before)
            await drawn(place, run, f"{run}.png")
            found.append(await asked)
        early = await ask("image/png", prefer="respond-async")
        return found, early, png()

    found, early, picture = act(tmp_path, play)
    assert [told.status for told in found] == [200, 200, 406, 200, 200]
    for told in found[:2]:
        assert told.headers["Content-Type"] == "image/png"
        assert told.body == picture
        assert told.headers["Location"].startswith("/v1/apps/portrait/runs/")
        assert told.headers["Preference-Applied"] == "wait=20"
    assert found[2].code == "not_acceptable"
    for told in found[3:]:
        assert told.json["state"] == "done"
        assert told.json["files"][0]["url"] == f"{told.headers['Location']}/files/0"
    assert early.status == 202


def test_a_run_that_fails_says_so_in_place_of_a_picture(tmp_path):
    async def play(place: Place):
        await place.publish()
        asked = asyncio.create_task(place.run(headers={"Prefer": "wait=20", "Accept": "image/png"}))
        (run,) = await until(lambda: list(place.core.runs.active))
        await until(lambda: place.theatre.last.run == run)
        place.theatre.last.over(run, "failed", error={"code": "out_of_memory", "message": "Memory ran out."})
        return await asked

    told = act(tmp_path, play)
    assert (told.status, told.code) == (422, "run_failed")
    assert "Memory ran out." in told.json["error"]["message"]
    assert "Location" in told.headers


def test_a_guest_sees_its_own_runs_and_their_files_and_nothing_else(tmp_path):
    async def play(place: Place):
        await place.publish()
        await place.publish("other")
        anna, ben, any_app = (
            await place.token("run:app:portrait"), await place.token("run:app:portrait"), await place.token("run:app"),
        )  # fmt: skip
        mine = await place.run(token=anna)
        run = mine.json["id"]
        await drawn(place, run, "mine.png")
        await place.core.runs.wait(run, 5)
        (place.core.places.output / "secret.png").write_bytes(png())
        url = (await place.ask("GET", f"/v1/apps/portrait/runs/{run}", token=anna)).json["files"][0]["url"]
        allowed = {
            path: (await place.ask("GET", path, token=anna)).status
            for path in (
                f"/v1/runs/{run}",
                f"/v1/runs/{run}/events",
                url,
                f"/v1/apps/portrait/runs/{run}",
                "/v1/apps/portrait",
            )
        }
        refused = {
            (name, path): (await place.ask(method, path, body, token=token)).status
            for name, token, method, path, body in (
                ("anna", anna, "GET", "/v1/files/output/mine.png", None),
                ("anna", anna, "GET", "/v1/files/output/secret.png", None),
                ("anna", anna, "GET", "/v1/runs", None),
                ("anna", anna, "POST", "/v1/runs", {"workflow": published()}),
                ("anna", anna, "POST", "/v1/apps/other/runs", {}),
                ("anna", anna, "GET", "/v1/apps/other", None),
                ("anna", anna, "GET", f"/v1/apps/other/runs/{run}", None),
                ("anna", anna, "GET", "/v1/apps/portrait/workflow", None),
                ("anna", anna, "DELETE", "/v1/apps/portrait", None),
                ("anna", anna, "GET", f"/v1/apps/portrait/runs/{run}/files/1", None),
                ("ben", ben, "GET", f"/v1/runs/{run}", None),
                ("ben", ben, "GET", url, None),
                ("any", any_app, "GET", url, None),
                ("any", any_app, "GET", f"/v1/runs/{run}/events", None),
            )
        }
        listed = [(await place.ask("GET", "/v1/apps", token=token)).json for token in (anna, any_app)]
        content = await place.ask("GET", url, token=anna)
        detail = await place.ask("GET", f"/v1/runs/{run}", token=anna)
        other_way = await place.ask("GET", url.replace("portrait", "other"), token=any_app)
        owner_sees = await place.ask("GET", f"/v1/runs/{run}")
        return allowed, refused, listed, content, detail.json, other_way.status, owner_sees.json

    allowed, refused, listed, content, detail, other_way, owner_sees = act(tmp_path, play)
    assert set(allowed.values()) == {200}, allowed
    assert set(refused.values()) <= {403, 404}, refused
    assert [[app["name"] for app in apps] for apps in listed] == [["portrait"], ["other", "portrait"]]
    assert content.body == png()
    assert (detail["workflow"], detail["models"]) == ({}, [])
    assert other_way == 404
    assert owner_sees["workflow"]["nodes"]


def test_uploaded_pictures_are_their_senders_own(tmp_path):
    async def play(place: Place):
        (place.core.places.input).mkdir(parents=True, exist_ok=True)
        (place.core.places.input / "house.png").write_bytes(png())
        (place.core.places.output).mkdir(parents=True, exist_ok=True)
        (place.core.places.output / "secret.png").write_bytes(png())
        shown = await place.publish("frame", with_picture(), limits={"pixels": 100})
        anna, ben = await place.token("run:app"), await place.token("run:app")
        send = {"headers": {"Content-Type": "image/png"}}
        small = await place.ask("POST", "/v1/apps/frame/files?name=sub/cat.jpg", token=anna, data=png(), **send)
        large = await place.ask("POST", "/v1/apps/frame/files?name=big.png", token=anna, data=png(20, 20), **send)
        none = await place.ask("POST", "/v1/apps/frame/files?name=x.png", token=anna, data=b"<html>", **send)
        names = [
            "cat.png", "big.png", "house.png", "secret.png [output]", "cat.png [input]", "../house.png",
            "uploads/cat.png", "/etc/passwd", "", ".", "..", "CON", "cat.png\n", 7, None, {"value": "cat.png"},
        ]  # fmt: skip
        found = [(await place.run({"picture": name}, name="frame", token=anna)).status for name in names]
        other = await place.run({"picture": "cat.png"}, name="frame", token=ben)
        default = await place.run(name="frame", token=ben)
        first = next(iter(place.core.runs.active.values()))
        kept = json.loads((await place.core.records.full(first.id)).workflow)
        return shown, small, large, none, dict(zip(map(str, names), found, strict=True)), other, default, kept, first

    shown, small, large, none, found, other, default, kept, first = act(tmp_path, play)
    assert shown.status == 201
    assert (small.status, small.json) == (201, {"name": "cat.png", "width": 8, "height": 8})
    assert large.status == 201
    assert none.status == 415
    assert found.pop("cat.png") == 202
    assert found.pop("big.png") == 422
    assert set(found.values()) <= {400, 404, 422}, found
    assert (other.status, default.status) == (404, 202)
    assert kept["nodes"]["load"]["inputs"]["image"] == f"uploads/{first.owner}/cat.png"


def test_pictures_of_published_workflows_do_not_tell_the_workflow(tmp_path):
    async def play(place: Place):
        await place.publish()
        await place.publish("open", metadata="full")
        runs = [await place.run(), await place.run(name="open")]
        return [place.core.runs.active[told.json["id"]].metadata for told in runs]

    assert act(tmp_path, play) == ["minimal", "full"]
