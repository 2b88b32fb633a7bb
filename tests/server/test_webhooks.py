"""Messages about runs that are over: signed as the specification says, delivered whatever happens in between."""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.database import Database
from server.records import Records
from server.settings import Settings
from server.webhooks import PAUSES, Webhooks, signature
from tests.server.crews import document, until
from tests.server.publishing import Place, published, stage

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdefghijklmnopqrstuv").decode()


def is_genuine(secret: str, message: dict[str, Any]) -> bool:
    """As the Standard Webhooks specification has it, written from its text."""
    headers = message["headers"]
    key = base64.b64decode(secret[len("whsec_") :])
    content = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), message["body"]])
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(given, f"v1,{expected}") for given in headers["webhook-signature"].split(" "))


class Receiver:
    """Somebody's server. behave: what it does with a message that comes; it is given how many came before."""

    def __init__(self, behave: Callable[[int], Awaitable[web.StreamResponse]]) -> None:
        self.behave = behave
        self.got: list[dict[str, Any]] = []
        self.at_work = self.most = 0

    async def take(self, request: web.Request) -> web.StreamResponse:
        before = len(self.got)
        self.got.append({"headers": dict(request.headers), "body": await request.read(), "path": request.path_qs})
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        try:
            return await self.behave(before)
        finally:
            self.at_work -= 1

    def server(self) -> TestServer:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.take)
        return TestServer(app, host="127.0.0.1")


@asynccontextmanager
async def receiving(*statuses: int, port: int | None = None, headers: Any = None):
    """A receiver that answers with these statuses in turn, then with 204."""

    async def behave(before: int) -> web.StreamResponse:
        return web.Response(status=statuses[before] if before < len(statuses) else 204, headers=headers, text="x" * 9)

    receiver = Receiver(behave)
    server = receiver.server() if port is None else _on(receiver, port)
    await server.start_server(shutdown_timeout=0.1)
    try:
        yield receiver, f"http://127.0.0.1:{server.port}/done?token=very-secret-thing"
    finally:
        await server.close()


def _on(receiver: Receiver, port: int) -> TestServer:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    return TestServer(app, host="127.0.0.1", port=port)


async def finished(place: Place, run: str, status: str = "done", **facts: Any) -> None:
    await until(lambda: place.theatre.cast and place.theatre.last.run == run)
    place.theatre.last.over(run, status, **facts)
    await place.core.runs.wait(run, 5)


async def rows(place: Place) -> list[tuple[Any, ...]]:
    statement = "SELECT state, attempts, last_error, url, secret FROM hooks"
    return await place.core.database.read(lambda connection: connection.execute(statement).fetchall())


async def delivered(place: Place) -> None:
    """Wait until nothing is owed."""
    for _ in range(2000):
        if all(row[0] == "given_up" for row in await rows(place)):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("It was not delivered.")


def act(folder, play, **settings: Any) -> Any:
    async def run():
        async with stage(folder, private_addresses=True, **settings) as place:
            return await play(place)

    return asyncio.run(run())


def test_the_signature_is_that_of_the_specifications_example():
    # https://github.com/standard-webhooks/standard-webhooks: the value its libraries are tested with.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    assert signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_message_tells_how_a_run_ended_signed_with_the_secret_given(tmp_path):
    async def play(place: Place):
        async with receiving() as (receiver, url):
            await place.publish()
            told = await place.run({"seed": 3}, webhook={"url": url, "secret": SECRET}, labels={"order": "17"})
            run = told.json["id"]
            picture = place.core.places.output / "a.png"
            await until(lambda: place.theatre.cast and place.theatre.last.run == run)
            outputs = {"files": [str(picture)], "kind": "output"}
            place.theatre.last.event(run, "node_finished", node="save", reused=None, seconds=0.1, outputs=outputs)
            await finished(place, run)
            await delivered(place)
            texts = [
                (await place.ask("GET", path)).body.decode()
                for path in (f"/v1/runs/{run}", "/v1/runs", f"/v1/runs/{run}/events", "/v1/apps/portrait")
            ]
            return run, receiver.got, told, texts, await rows(place), place.server.make_url("/")

    run, got, told, texts, left, base = act(tmp_path, play)
    (message,) = got
    assert message["path"] == "/done?token=very-secret-thing"
    assert is_genuine(SECRET, message)
    assert not is_genuine(SECRET.replace("0", "1", 1).replace("M", "N", 1), message)
    assert message["headers"]["Content-Type"] == "application/json"
    body = json.loads(message["body"])
    assert body["type"] == "run.done"
    assert body["timestamp"].endswith("Z")
    data = body["data"]
    assert (data["id"], data["state"], data["app"], data["labels"]) == (run, "done", "portrait", {"order": "17"})
    assert (data["seconds"], data["error"], data["seeds"]) == (1.0, None, {"sample.seed": "3"})
    assert data["files"][0]["url"] == f"{base}v1/apps/portrait/runs/{run}/files/0"
    assert left == []
    for text in (told.body.decode(), *texts):
        assert SECRET not in text
        assert "very-secret" not in text


def test_without_a_secret_the_owners_own_key_signs_and_stays_the_same(tmp_path):
    async def play(place: Place):
        guest = await place.token("run:app")
        await place.publish()
        async with receiving() as (receiver, url):
            told = await place.run(token=guest, webhook={"url": url})
            await finished(place, told.json["id"], "failed", error={"code": "x", "message": "It broke."})
            plain = await place.ask("POST", "/v1/runs", {"workflow": document(), "webhook": {"url": url}})
            await place.core.runs.cancel(place.core.runs.active[plain.json["id"]])
            await finished(place, plain.json["id"], "cancelled")
            await delivered(place)
            keys = [await place.ask("GET", "/v1/webhook-key", token=token) for token in (guest, "", guest)]
            return receiver.got, keys

    got, keys = act(tmp_path, play)
    theirs, mine, again = (told.json["key"] for told in keys)
    assert theirs == again != mine
    assert keys[0].headers["Cache-Control"] == "no-store"
    failed, cancelled = sorted(got, key=lambda message: b"run.failed" not in message["body"])
    assert is_genuine(theirs, failed)
    assert is_genuine(mine, cancelled)
    assert not is_genuine(mine, failed)
    assert json.loads(failed["body"])["data"]["error"]["message"] == "It broke."
    assert json.loads(cancelled["body"])["type"] == "run.cancelled"
    assert mine == act(tmp_path, _key)


async def _key(place: Place) -> str:
    return (await place.ask("GET", "/v1/webhook-key")).json["key"]


def test_of_a_private_run_only_its_end_is_told_and_nothing_stays(tmp_path):
    async def play(place: Place):
        await place.publish()
        async with receiving(500) as (receiver, url):
            told = await place.run(
                {"prompt": "a very private thing"}, private=True, labels={"a": "private-label"}, webhook={"url": url}
            )
            await finished(place, told.json["id"])
            await delivered(place)
            return receiver.got, told.json["id"]

    got, run = act(tmp_path, play)
    assert len(got) == 2
    assert json.loads(got[1]["body"])["data"] == {"id": run, "state": "done", "private": True}
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("noisewright.db*"))
    assert b"very-secret-thing" not in stored
    assert b"private thing" not in stored


def test_failures_are_tried_again_with_the_same_id_and_a_fresh_time(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)

    async def play(place: Place):
        async with receiving(500, 404, 302, headers={"Location": "/elsewhere"}) as (receiver, url):
            told = await place.ask(
                "POST", "/v1/runs", {"workflow": document(), "webhook": {"url": url, "secret": SECRET}}
            )
            await finished(place, told.json["id"])
            await delivered(place)
            return receiver.got

    got = act(tmp_path, play)
    assert len(got) == 4
    assert {message["path"] for message in got} == {"/done?token=very-secret-thing"}  # redirects are not followed
    assert len({message["headers"]["webhook-id"] for message in got}) == 1
    assert len({message["body"] for message in got}) == 1
    assert all(is_genuine(SECRET, message) for message in got)
    assert "HTTP 500" in caplog.text
    ours = " ".join(record.getMessage() for record in caplog.records if not record.name.startswith("aiohttp"))
    assert SECRET not in ours
    assert "very-secret-thing" not in ours


def test_it_is_given_up_after_ten_attempts_or_when_the_receiver_is_gone_for_good(tmp_path):
    async def play(place: Place):
        async with receiving(*[503] * 50) as (stubborn, url), receiving(410) as (gone, other):
            for address in (url, other):
                told = await place.ask("POST", "/v1/runs", {"workflow": document(), "webhook": {"url": address}})
                await finished(place, told.json["id"])
            await delivered(place)
            return len(stubborn.got), len(gone.got), await rows(place)

    stubborn, gone, left = act(tmp_path, play)
    assert (stubborn, gone) == (10, 1)
    assert sorted(row[:3] for row in left) == [("given_up", 1, "HTTP 410"), ("given_up", 10, "HTTP 503")]


def test_pauses_grow_from_seconds_to_hours():
    assert len(PAUSES) == 9
    assert (PAUSES[0], PAUSES[-1]) == (5, 6 * 3600)
    assert list(PAUSES) == sorted(PAUSES)


def test_a_receiver_that_hangs_holds_up_no_other_and_is_asked_by_few_at_once(tmp_path):
    async def play(place: Place):
        release = asyncio.Event()

        async def hang(before: int) -> web.StreamResponse:
            if before < 4:
                await release.wait()
            return web.Response()

        slow = Receiver(hang)
        server = slow.server()
        await server.start_server(shutdown_timeout=0.1)
        slow_url = f"http://127.0.0.1:{server.port}/"
        async with receiving() as (quick, url):
            quick_url = url.replace("127.0.0.1", "localhost")
            for address in [slow_url] * 6 + [quick_url] * 3:
                told = await place.ask("POST", "/v1/runs", {"workflow": document(), "webhook": {"url": address}})
                await finished(place, told.json["id"])
            await until(lambda: len(quick.got) == 3 and slow.at_work == 2)
            while_it_hung = slow.most
            release.set()
            await delivered(place)
        await server.close()
        return while_it_hung, slow.most, len({message["headers"]["webhook-id"] for message in slow.got})

    while_it_hung, most, messages = act(tmp_path, play)
    assert (while_it_hung, most, messages) == (2, 2, 6)


def test_an_answer_that_never_comes_counts_as_none(tmp_path):
    async def play(place: Place):
        async def hang(before: int) -> web.StreamResponse:
            await (asyncio.sleep(30) if before == 0 else asyncio.sleep(0))
            return web.Response()

        receiver = Receiver(hang)
        server = receiver.server()
        await server.start_server(shutdown_timeout=0.1)
        body = {"workflow": document(), "webhook": {"url": f"http://127.0.0.1:{server.port}/"}}
        told = await place.ask("POST", "/v1/runs", body)
        await finished(place, told.json["id"])
        await delivered(place)
        await server.close()
        return len(receiver.got)

    assert act(tmp_path, play, told={"seconds": 0.2, "pauses": (0.01,)}) == 2


def test_what_was_not_delivered_is_after_the_next_start(tmp_path):
    async def first(place: Place):
        async with receiving() as (_, url):
            pass  # it is down from now on
        ids = []
        for _ in range(3):
            told = await place.ask(
                "POST", "/v1/runs", {"workflow": document(), "webhook": {"url": url, "secret": SECRET}}
            )
            ids.append(told.json["id"])
        await finished(place, ids[0])
        await finished(place, ids[1])
        for _ in range(1000):
            if any(row[1] for row in await rows(place)):
                break
            await asyncio.sleep(0.005)
        return url, ids, await rows(place)

    url, ids, before = act(tmp_path, first, told={"pauses": (3600.0,) * 9})
    assert sorted(row[0] for row in before) == ["due", "due", "held"]
    assert {row[2] for row in before} <= {"", "ClientConnectorError"}

    async def second(place: Place):
        async with receiving(port=int(url.split(":")[2].split("/")[0])) as (receiver, _):
            await finished(place, ids[2])
            await delivered(place)
            return receiver.got

    later = {"clock": lambda: time.time() + 7200}
    got = act(tmp_path, second, told=later)
    assert {json.loads(message["body"])["data"]["id"] for message in got} == set(ids)
    assert all(is_genuine(SECRET, message) for message in got)


def test_a_run_whose_end_was_kept_but_not_its_message_is_told_after_the_next_start(tmp_path):
    async def first(place: Place):
        async with receiving() as (_, url):
            pass

        async def killed(run: Any) -> None:
            """The process dies here: nothing more is written."""

        place.core.runs._foreman.ended = killed
        told = await place.ask("POST", "/v1/runs", {"workflow": document(), "webhook": {"url": url}})
        await finished(place, told.json["id"])

        def orphan(connection: Any) -> None:  # killed between the message's row and the run's
            connection.execute(
                "INSERT INTO hooks (id, run, next, state, url, secret, body) VALUES ('m', 'none', 0, 'held', ?, ?, '')",
                (url, SECRET),
            )

        await place.core.database.write(orphan)
        return url, told.json["id"], await rows(place)

    url, run, before = act(tmp_path, first)
    assert [row[0] for row in before] == ["held", "held"]

    async def second(place: Place):
        async with receiving(port=int(url.split(":")[2].split("/")[0])) as (receiver, _):
            await delivered(place)
            return receiver.got, await rows(place)

    got, left = act(tmp_path, second)
    assert [json.loads(message["body"])["data"]["id"] for message in got] == [run]
    assert left == []


def test_a_refused_or_repeated_submission_owes_nothing(tmp_path):
    async def play(place: Place):
        hook = {"webhook": {"url": "http://127.0.0.1:9/"}}
        await place.core.runs.hold()
        refused = await place.ask("POST", "/v1/runs", {"workflow": document(model="none.safetensors"), **hook})
        after = await rows(place)
        key = {"Idempotency-Key": "one"}
        for _ in range(3):
            await place.ask("POST", "/v1/runs", {"workflow": document(), **hook}, headers=key)
        return refused.status, after, len(await rows(place))

    assert act(tmp_path, play) == (422, [], 1)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1/", "private_address"),
        ("https://10.0.0.1:444/x", "private_address"),
        ("http://169.254.169.254/latest/meta-data", "private_address"),
        ("http://[::1]/", "private_address"),
        ("http://[::ffff:127.0.0.1]/", "private_address"),
        ("http://0.0.0.0/", "private_address"),
        ("file:///etc/passwd", "bad_webhook"),
        ("ftp://example.org/", "bad_webhook"),
        ("https://", "bad_webhook"),
        ("example.org", "bad_webhook"),
        ("https://user:password@example.org/", "bad_webhook"),
        ("https://example.org:99999/", "bad_webhook"),
    ],
)
def test_addresses_that_no_message_goes_to_are_refused(tmp_path, url, code):
    async def play():
        async with stage(tmp_path) as place:
            return await place.ask("POST", "/v1/runs", {"workflow": document(), "webhook": {"url": url}})

    told = asyncio.run(play())
    assert (told.status, told.code) == (422, code)
    assert "password" not in told.body.decode()


@pytest.mark.parametrize("secret", ["secret", "whsec_", "whsec_YQ==", "whsec_!!!!", "whsec_" + "QUFB" * 30])
def test_a_secret_must_be_one(tmp_path, secret):
    async def play(place: Place):
        hook = {"url": "https://example.org/", "secret": secret}
        return await place.ask("POST", "/v1/runs", {"workflow": document(), "webhook": hook})

    told = act(tmp_path, play)
    assert (told.status, told.code) == (422, "bad_webhook")


def test_a_name_that_leads_inside_is_not_asked(tmp_path):
    async def play():
        async with receiving() as (receiver, url), stage(tmp_path, told={"pauses": (0.01,)}) as place:
            for host in ("localhost", "2130706433", "127.1", "0x7f000001"):
                address = url.replace("127.0.0.1", host)
                told = await place.ask("POST", "/v1/runs", {"workflow": document(), "webhook": {"url": address}})
                if told.status == 202:
                    await finished(place, told.json["id"])
            await delivered(place)
            return receiver.got, await rows(place)

    got, left = asyncio.run(play())
    assert got == []
    assert len(left) >= 2
    assert {row[0] for row in left} == {"given_up"}


def test_an_offline_server_refuses_webhooks_and_sends_none(tmp_path):
    async def first(place: Place):
        await place.core.runs.hold()
        body = {"workflow": document(), "webhook": {"url": "http://127.0.0.1:9/"}}
        return (await place.ask("POST", "/v1/runs", body)).json["id"]

    run = act(tmp_path, first)

    async def second(place: Place):
        await place.core.runs.go_on()
        await finished(place, run)
        told = await place.ask("POST", "/v1/runs", {"workflow": document(), "webhook": {"url": "https://example.org/"}})
        return told.code, [row[:2] for row in await rows(place)]

    assert act(tmp_path, second, offline=True) == ("offline", [("due", 0)])


def test_a_clock_that_is_put_back_holds_up_nothing(tmp_path):
    async def play():
        async with receiving() as (receiver, url):
            database = await Database.open(tmp_path / "noisewright.db")

            def insert(connection: Any) -> None:
                body = json.dumps({"data": {"private": False}})
                connection.execute(
                    "INSERT INTO hooks (id, run, next, state, url, secret, body)"
                    " VALUES ('m', 'r', 5e9, 'due', ?, ?, ?)",
                    (url, SECRET, body),
                )

            await database.write(insert)
            settings = Settings.model_validate({"private_addresses": True})
            hooks = Webhooks(database, Records(database), settings, lambda run: None, clock=lambda: 1e9)  # type: ignore[arg-type,return-value]
            await hooks.start()
            await until(lambda: receiver.got)
            await hooks.close()
            await database.close()
            return len(receiver.got)

    assert asyncio.run(play()) == 1


def test_webhooks_of_published_workflows_are_in_their_schema(tmp_path):
    async def play(place: Place):
        await place.publish(workflow=published())
        return (await place.ask("GET", "/v1/apps/portrait/schema")).json["properties"]["webhook"]

    webhook = act(tmp_path, play)
    assert webhook["anyOf"][0]["required"] == ["url"]
    assert "$ref" not in json.dumps(webhook)


PAGE = (Path(__file__).parents[2] / "docs" / "published-workflows.md").read_text(encoding="utf-8")
BODY = '{"type":"run.done","data":{"title":"Äpfel"}}'.encode()


def block(language: str) -> str:
    return PAGE.split(f"```{language}\n")[1].split("```")[0]


def cases() -> list[tuple[dict[str, str], bytes, bool]]:
    now = int(time.time())  # one that is five minutes old is refused, and so long ago may this file have been read
    sample = {"webhook-id": "msg_1", "webhook-timestamp": str(now)}
    good = signature(SECRET, "msg_1", now, BODY)
    old = signature(SECRET, "msg_1", 1614265330, BODY)
    return [
        (sample | {"webhook-signature": good}, BODY, True),
        (sample | {"webhook-signature": f"v1,AAAA {good}"}, BODY, True),
        (sample | {"webhook-signature": good}, BODY + b" ", False),
        (sample | {"webhook-signature": good, "webhook-id": "msg_2"}, BODY, False),
        (sample | {"webhook-signature": "v1,AAAA"}, BODY, False),
        ({"webhook-id": "msg_1", "webhook-timestamp": "1614265330", "webhook-signature": old}, BODY, False),
    ]


def test_the_python_of_the_page_verifies():
    page: dict[str, Any] = {}
    exec(compile(block("python"), "page", "exec"), page)
    for headers, body, genuine in cases():
        assert page["is_genuine"](SECRET, headers, body) is genuine


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_javascript_of_the_page_verifies(tmp_path):
    lines = [
        f"isGenuine({json.dumps(SECRET)}, {json.dumps(headers)}, Buffer.from({json.dumps(body.decode())}))"
        for headers, body, _ in cases()
    ]
    script = tmp_path / "page.mjs"
    script.write_text(f"{block('js')}\nconsole.log(JSON.stringify([{', '.join(lines)}]));", encoding="utf-8")
    done = subprocess.run(["node", str(script)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [genuine for *_, genuine in cases()]
