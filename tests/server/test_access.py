"""Tokens in every place they may stand, sessions, their ends, and how often one may guess."""

import asyncio
import base64
import hmac
import json
import sqlite3
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from graph.errors import GraphError
from server.access import Access, is_token_needed
from server.api import Caller
from server.database import Database
from server.limits import MOST, Attempts
from server.settings import Settings
from tests.server.guarded import Served, Told, attack, served

PROTECTED: dict[str, Any] = {"host": "0.0.0.0"}
HTML = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def cookie_of(told: Told) -> dict[str, str]:
    cookie = SimpleCookie(told.headers["Set-Cookie"])
    return {"Cookie": f"noisewright={cookie['noisewright'].value}"}


async def logged_in(server: Served, token: str) -> dict[str, str]:
    told = await server.ask("POST", "/v1/login", json={"token": token})
    assert told.status == 200, told.body
    return cookie_of(told)


# Whether a token is asked for


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        ({}, False),
        ({"host": "::1"}, False),
        ({"host": "localhost"}, False),
        ({"token": "a-token-of-some-length"}, True),
        ({"host": "0.0.0.0"}, True),
        ({"host": "::"}, True),
        ({"host": "192.168.1.2"}, True),
        ({"host": ""}, True),
        ({"trusted_proxies": ("127.0.0.1",)}, True),
        ({"host": "0.0.0.0", "no_token": True}, False),
    ],
)
def test_a_token_is_needed_where_others_reach_the_server(settings: dict[str, Any], needed: bool) -> None:
    assert is_token_needed(Settings.model_validate(settings)) is needed


def test_on_loopback_nobody_is_asked(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        assert server.core.access.shown == ""
        assert server.core.access.notes == ()
        told = await server.ask("GET", "/v1/me")
        assert told.json == {"owner": "local", "scopes": ["admin"], "token": "", "protected": False}
        # A password meant for a proxy is none of our business.
        for _ in range(30):
            assert (await server.ask("GET", "/v1/me", headers=bearer("of-something-else"))).status == 200

    attack(tmp_path, play)


def test_without_tokens_on_other_addresses_there_is_a_loud_warning(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        assert "WARNING" in server.core.access.notes[0]
        assert (await server.ask("GET", "/v1/me")).status == 200

    attack(tmp_path, play, host="0.0.0.0", no_token=True)


def test_a_made_token_is_shown_once_and_kept_as_a_digest(tmp_path: Path) -> None:
    async def play() -> None:
        async with served(tmp_path, **PROTECTED) as server:
            token = server.core.access.shown
            assert len(token) >= 43
            assert (await server.ask("GET", "/v1/me", headers=bearer(token))).json["scopes"] == ["admin"]
        async with served(tmp_path, **PROTECTED) as server:
            assert server.core.access.shown == ""
            assert (await server.ask("GET", "/v1/me", headers=bearer(token))).status == 200
        for file in tmp_path.iterdir():
            assert token.encode() not in file.read_bytes()

    asyncio.run(play())


@pytest.mark.parametrize("token", ["", " ", "two words", "tökén-of-some-length", "line\nbreak"])
def test_a_configured_token_that_cannot_be_sent_is_refused(tmp_path: Path, token: str) -> None:
    async def play() -> None:
        database = await Database.open(tmp_path / "a.db")
        try:
            with pytest.raises(GraphError, match="configured token"):
                await Access.open(database, Settings.model_validate({"token": token}))
        finally:
            await database.close()

    asyncio.run(play())


# Where it may stand


def test_a_token_holds_in_all_its_places(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        for token in ("configured-token-16", (await server.core.access.create("made", ("admin",)))[1]):
            basic = base64.b64encode(f"anybody:{token}".encode()).decode()
            places: list[tuple[str, dict[str, str]]] = [
                ("", bearer(token)),
                ("", {"Authorization": f"bearer  {token}"}),
                ("", {"Authorization": f"Basic {basic}"}),
                (f"?token={token}", {}),
                ("", await logged_in(server, token)),
            ]
            for query, headers in places:
                assert (await server.ask("GET", f"/v1/things{query}", headers=headers)).status == 200
                assert (await server.ask("GET", f"/prompt{query}", headers=headers)).status == 200
                async with (
                    aiohttp.ClientSession() as session,
                    session.ws_connect(f"http://{server.host}/v1/socket{query}", headers=headers) as socket,
                ):
                    await socket.send_str("hello")
                    assert await socket.receive_str() == "hello"

    attack(tmp_path, play, token="configured-token-16")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Digest configured-token-16"},
        {"Authorization": "configured-token-16"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic " + base64.b64encode(b"configured-token-16").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"configured-token-16:").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:\xfe").decode()},
        {"Authorization": "Bearer configured-token-1"},
        {"Authorization": "Bearer configured-token-16 x"},
        {"Authorization": "Bearer \xe9\xff"},
        {"Cookie": "noisewright=configured-token-16"},
        {"Cookie": "noisewright="},
        {"Cookie": 'noisewright="; a=b; ='},
    ],
)
def test_without_the_token_there_is_nothing(tmp_path: Path, headers: dict[str, str]) -> None:
    async def play(server: Served) -> None:
        for path in ("/v1/things", "/v1/nothing", "/prompt", "/api/prompt", "/ws", "/", "/v1/socket"):
            told = await server.ask("GET", path, headers=headers)
            assert told.status == 401
            assert told.headers.getall("WWW-Authenticate")[0].startswith("Bearer")
            assert told.headers.getall("WWW-Authenticate")[1].startswith("Basic")
        assert (await server.ask("GET", "/v1/health", headers=headers)).status == 200

    attack(tmp_path, play, token="configured-token-16")


def test_a_wrong_token_on_a_websocket(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        async with aiohttp.ClientSession() as session:
            for query in ("", "?token=wrong"):
                with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
                    await session.ws_connect(f"http://{server.host}/v1/socket{query}")

    attack(tmp_path, play, **PROTECTED)


def test_a_configured_token_is_compared_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def counted(a: bytes, b: bytes) -> bool:
        compared.append((len(a), len(b)))
        return compare(a, b)

    monkeypatch.setattr("hmac.compare_digest", counted)

    async def play(server: Served) -> None:
        for token in ("x", "configured-token-1", "configured-token-16", "configured-token-16" * 9):
            await server.ask("GET", "/v1/me", headers=bearer(token))
        # Digests of one length, so that not even the length of the token shows.
        assert compared == [(32, 32)] * 4

    attack(tmp_path, play, token="configured-token-16")


# Sessions


def test_a_cookie_is_no_token_and_ends_at_logout(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        token = server.core.access.shown
        told = await server.ask("POST", "/v1/login", json={"token": token})
        made = told.headers["Set-Cookie"]
        assert token not in made
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in made.split(";")}
        cookie = cookie_of(told)
        value = cookie["Cookie"].partition("=")[2]
        assert (await server.ask("GET", "/v1/me", headers=cookie)).status == 200
        assert (await server.ask("GET", "/v1/me", headers=bearer(value))).status == 401
        assert (await server.ask("POST", "/v1/login", json={"token": value})).status == 401
        assert (await server.ask("GET", "/v1/tokens", headers=bearer(token))).json[0]["name"] == "first"
        told = await server.ask("POST", "/v1/logout", headers={**cookie, "Sec-Fetch-Site": "same-origin"})
        assert told.status == 204
        assert "Max-Age=0" in told.headers["Set-Cookie"]
        assert (await server.ask("GET", "/v1/me", headers=cookie)).status == 401
        assert (await server.ask("POST", "/v1/logout")).status == 204

    attack(tmp_path, play, **PROTECTED)


def test_a_cookie_alone_changes_nothing_for_pages_of_others(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        cookie = await logged_in(server, server.core.access.shown)
        own = f"http://{server.host}"
        for headers, status in [
            ({}, 403),
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Sec-Fetch-Site": "none"}, 403),
            ({"Referer": own}, 403),
            ({"Origin": own}, 201),
            ({"Sec-Fetch-Site": "same-origin"}, 201),
            (bearer(server.core.access.shown), 201),
        ]:
            told = await server.ask("POST", "/v1/things", json={}, headers={**cookie, **headers})
            assert told.status == status, headers
        assert (await server.ask("GET", "/v1/things", headers=cookie)).status == 200

    attack(tmp_path, play, **PROTECTED)


def test_sessions_and_tokens_end_in_time(tmp_path: Path) -> None:
    clock = Clock()

    async def play(server: Served) -> None:
        grant, token = await server.core.access.create("for a day", ("run",), seconds=86_400)
        short, long = await logged_in(server, token), await logged_in(server, server.core.access.shown)
        clock.now += 86_399
        assert (await server.ask("GET", "/v1/things", headers=bearer(token))).status == 200
        assert (await server.ask("GET", "/v1/things", headers=short)).status == 200
        clock.now += 1
        assert (await server.ask("GET", "/v1/things", headers=bearer(token))).status == 401
        assert (await server.ask("GET", "/v1/things", headers=short)).status == 401
        assert (await server.ask("POST", "/v1/login", json={"token": token})).status == 401
        assert grant.id not in {known.id for known in server.core.access.tokens()}
        clock.now += 28 * 86_400
        assert (await server.ask("GET", "/v1/things", headers=long)).status == 200
        clock.now += 86_400
        assert (await server.ask("GET", "/v1/things", headers=long)).status == 401

    attack(tmp_path, play, clock=clock, **PROTECTED)


def test_a_revoked_token_takes_its_sessions_and_connections_with_it(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        admin = bearer(server.core.access.shown)
        made = (await server.ask("POST", "/v1/tokens", json={"name": "a", "scopes": ["run"]}, headers=admin)).json
        cookie = await logged_in(server, made["token"])
        async with aiohttp.ClientSession() as session:
            by_token = await session.ws_connect(f"http://{server.host}/v1/socket?token={made['token']}")
            by_cookie = await session.ws_connect(f"http://{server.host}/v1/socket", headers=cookie)
            await by_token.send_str("hello")
            assert await by_token.receive_str() == "hello"
            told = await server.ask("DELETE", f"/v1/tokens/{made['id']}", headers=admin)
            assert told.status == 204
            for socket in (by_token, by_cookie):
                heard = await asyncio.wait_for(socket.receive(), 10)
                assert heard.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
                await socket.close()
        assert (await server.ask("GET", "/v1/things", headers=bearer(made["token"]))).status == 401
        assert (await server.ask("GET", "/v1/things", headers=cookie)).status == 401
        for gone in (made["id"], "nothing", f"{made['id']}.x"):
            assert (await server.ask("DELETE", f"/v1/tokens/{gone}", headers=admin)).status == 404
        assert server.core.access._holding == {}

    attack(tmp_path, play, **PROTECTED)


def test_sessions_of_an_earlier_configured_token_are_nobodys(tmp_path: Path) -> None:
    async def play() -> None:
        async with served(tmp_path, token="the-first-token-1") as server:
            cookie = await logged_in(server, "the-first-token-1")
        async with served(tmp_path, token="the-first-token-1") as server:
            assert (await server.ask("GET", "/v1/me", headers=cookie)).status == 200
        async with served(tmp_path, token="the-second-token") as server:
            assert (await server.ask("GET", "/v1/me", headers=cookie)).status == 401

    asyncio.run(play())


def test_one_token_has_a_bounded_number_of_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.access.MOST_SESSIONS", 3)

    async def play(server: Served) -> None:
        cookies = [await logged_in(server, server.core.access.shown) for _ in range(5)]
        told = [(await server.ask("GET", "/v1/me", headers=cookie)).status for cookie in cookies]
        assert told == [401, 401, 200, 200, 200]

    attack(tmp_path, play, **PROTECTED)


# The page


def test_a_browser_without_rights_gets_a_page_to_log_in(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("GET", "/", headers=HTML)
        assert (told.status, told.headers["Content-Type"]) == (401, "text/html; charset=utf-8")
        assert "WWW-Authenticate" not in told.headers
        assert b"<script" not in told.body
        assert b"http-equiv" not in told.body
        policy = told.headers["Content-Security-Policy"]
        assert "script-src" not in policy
        assert "default-src 'none'" in policy
        assert "style-src 'sha256-" in policy
        assert (await server.ask("GET", "/v1/things", headers=HTML)).json["error"]["code"] == "token_needed"
        # After a link elsewhere the browser holds the cookie back: the page loads itself once more.
        told = await server.ask("GET", "/", headers={**HTML, "Sec-Fetch-Site": "cross-site"})
        assert b'http-equiv="refresh"' in told.body

    attack(tmp_path, play, **PROTECTED)


def test_logging_in_by_the_form(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        own = {"Origin": f"http://{server.host}"}
        told = await server.ask("POST", "/v1/login", data={"token": "<wrong>"}, headers=own)
        assert told.status == 401
        assert b'role="alert"' in told.body
        assert b"<wrong>" not in told.body
        told = await server.ask("POST", "/v1/login", data={"token": f" {server.core.access.shown}\n"}, headers=own)
        assert (told.status, told.headers["Location"]) == (303, "/")
        assert (await server.ask("GET", "/", headers={**HTML, **cookie_of(told)})).body == b"<h1>The editor</h1>"
        evil = {"Origin": "https://evil.example"}
        assert (await server.ask("POST", "/v1/login", data={"token": "a"}, headers=evil)).status == 403
        assert (await server.ask("POST", "/v1/login", data={"token": "a" * 9000})).status == 413
        for body in (b"\xff=%ff", b"token", b""):
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            assert (await server.ask("POST", "/v1/login", data=body, headers=form)).status == 401

    attack(tmp_path, play, **PROTECTED)


def test_the_form_leads_back_to_the_page_that_was_asked_for(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        own = {"Origin": f"http://{server.host}"}
        page = await server.ask("GET", "/edit/a%22b?view=grid&x=1", headers=HTML)
        assert b'name="next" value="/edit/a%22b?view=grid&amp;x=1"' in page.body
        form = {"token": "wrong", "next": "/edit/a"}
        told = await server.ask("POST", "/v1/login", data=form, headers=own)
        assert told.status == 401
        assert b'name="next" value="/edit/a"' in told.body
        goals = {"/edit/a?b=c": "/edit/a?b=c", "": "/", "//evil.example": "/", "https://evil.example": "/"}
        for goal, location in (goals | {"/\\evil.example": "/", "/a\r\nX: y": "/", "/ä": "/"}).items():
            form = {"token": server.core.access.shown, "next": goal}
            told = await server.ask("POST", "/v1/login", data=form, headers=own)
            assert (told.status, told.headers["Location"]) == (303, location)

    attack(tmp_path, play, **PROTECTED)


@pytest.mark.parametrize("body", ["[]", "{}", '{"token": 1}', '{"token": ""}', '{"token": "a", "x": 1}', "null"])
def test_logins_that_say_nothing(tmp_path: Path, body: str) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("POST", "/v1/login", data=body, headers={"Content-Type": "application/json"})
        assert told.status == 422

    attack(tmp_path, play, **PROTECTED)


def test_an_address_with_a_token_logs_in_and_forgets_it(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("GET", f"/?a=b&token={server.core.access.shown}", headers=HTML)
        assert (told.status, told.headers["Location"]) == (303, "/?a=b")
        assert told.headers["Cache-Control"] == "no-store"
        assert (await server.ask("GET", "/", headers={**HTML, **cookie_of(told)})).status == 200
        for path in ("//evil.example/", "/%5cevil.example/", "///evil.example"):
            told = await server.ask("GET", f"{path}?token={server.core.access.shown}", headers=HTML)
            assert not told.headers.get("Location", "").startswith(("//", "/\\"))

    attack(tmp_path, play, **PROTECTED)


# Guessing


def test_guesses_are_limited_for_each_address(tmp_path: Path) -> None:
    clock = Clock()

    async def play(server: Served) -> None:
        server.core.access.attempts = Attempts(clock=clock)
        _, made = await server.core.access.create("made", ("run",))
        cookie = await logged_in(server, "configured-token-16")
        for guess in range(9):
            assert (await server.ask("GET", "/v1/me", headers=bearer(f"guess-{guess}"))).status == 401
        told = await server.ask("POST", "/v1/login", json={"token": "guess"})
        assert told.status == 429
        assert 1 <= int(told.headers["Retry-After"]) <= 60
        # The guessed one may not come through now; what cannot be guessed holds.
        assert (await server.ask("GET", "/v1/me", headers=bearer("configured-token-16"))).status == 429
        assert (await server.ask("GET", "/v1/me", headers=bearer(made))).status == 200
        assert (await server.ask("GET", "/v1/me", headers=cookie)).status == 200
        # Without a token nobody guesses.
        assert (await server.ask("GET", "/v1/me")).status == 401
        clock.now += 30
        assert (await server.ask("GET", "/v1/me", headers=bearer("configured-token-16"))).status == 200

    attack(tmp_path, play, token="configured-token-16")


def test_failures_of_one_address_are_no_other_address_failures() -> None:
    clock = Clock()
    attempts = Attempts(allowed=10, seconds=60, clock=clock)
    for _ in range(1000):
        attempts.failed("10.0.0.1")
    assert 0 < attempts.wait("10.0.0.1") <= 12
    assert attempts.wait("10.0.0.2") == 0
    clock.now += 12
    assert attempts.wait("10.0.0.1") == 0
    clock.now += 60
    for _ in range(9):
        attempts.failed("10.0.0.1")
    assert attempts.wait("10.0.0.1") == 0
    attempts.failed("10.0.0.1")
    assert attempts.wait("10.0.0.1") == pytest.approx(6)


def test_addresses_are_counted_by_household_and_their_number_is_bounded() -> None:
    attempts = Attempts(allowed=1, clock=Clock())
    attempts.failed("2001:db8::1")
    assert attempts.wait("2001:db8::ffff:1") > 0
    assert attempts.wait("2001:db8:0:1::1") == 0
    attempts.failed("::ffff:10.0.0.1")
    assert attempts.wait("10.0.0.1") > 0
    for number in range(MOST + 100):
        attempts.failed(f"address {number}")
    assert len(attempts._clean) == MOST
    assert attempts.wait(f"address {MOST + 99}") > 0


# Tokens over the interface


def test_tokens_are_made_listed_and_told_once(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        admin = bearer(server.core.access.shown)
        asked = {"name": "phone", "scopes": ["run", "run:app:portrait", "run"], "days": 30}
        told = await server.ask("POST", "/v1/tokens", json=asked, headers=admin)
        assert (told.status, told.headers["Cache-Control"]) == (201, "no-store")
        made = told.json
        assert made["scopes"] == ["run", "run:app:portrait"]
        assert made["expires"] - made["created"] == pytest.approx(30 * 86_400)
        listed = await server.ask("GET", "/v1/tokens", headers=admin)
        assert [token["name"] for token in listed.json] == ["first", "phone"]
        assert made["token"].encode() not in listed.body
        assert b"digest" not in listed.body
        assert (await server.ask("GET", "/v1/tokens", headers=bearer(made["token"]))).status == 403
        assert (await server.ask("POST", "/v1/tokens", json=asked, headers=bearer(made["token"]))).status == 403
        me = await server.ask("GET", "/v1/me", headers=bearer(made["token"]))
        assert me.json == {
            "owner": "local",
            "scopes": ["run", "run:app:portrait"],
            "token": "phone",
            "protected": True,
        }

    attack(tmp_path, play, **PROTECTED)


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a", "scopes": []},
        {"name": "a", "scopes": ["root"]},
        {"name": "a", "scopes": ["run:app:"]},
        {"name": "a", "scopes": ["run:app:../x"]},
        {"name": "a", "scopes": ["admin\n"]},
        {"name": "a", "scopes": ["public"]},
        {"name": "a", "scopes": "admin"},
        {"name": "", "scopes": ["run"]},
        {"name": "a", "scopes": ["run"], "days": 0},
        {"name": "a", "scopes": ["run"], "days": 1e300},
        {"name": "a", "scopes": ["run"], "digest": "x"},
    ],
)
def test_tokens_that_make_no_sense_are_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    async def play(server: Served) -> None:
        assert (await server.ask("POST", "/v1/tokens", json=body)).status == 422

    attack(tmp_path, play)


def test_guests_are_owners_of_their_own(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        one, _ = await server.core.access.create("one", ("run:app:portrait",))
        two, _ = await server.core.access.create("two", ("run:app",))
        assert len({one.owner, two.owner, "local"}) == 3
        assert one.caller.is_guest
        assert two.caller.is_guest
        three, _ = await server.core.access.create("three", ("run", "run:app:portrait"))
        assert (three.owner, three.caller.is_guest) == ("local", False)

    attack(tmp_path, play, **PROTECTED)


def test_scopes_hold_what_is_below_them() -> None:
    def may(*scopes: str) -> list[str]:
        caller = Caller("", frozenset(scopes))
        asked = ("public", "run:app:a", "run:app:b", "run:app", "run", "edit", "admin")
        return [scope for scope in asked if caller.may(scope)]

    assert may() == ["public"]
    assert may("run:app:a") == ["public", "run:app:a", "run:app"]
    assert may("run:app") == ["public", "run:app:a", "run:app:b", "run:app"]
    assert may("run", "run:app:a") == ["public", "run:app:a", "run:app:b", "run:app", "run"]
    assert may("edit")[-1] == "edit"
    assert may("admin")[-1] == "admin"
    assert may("run:application", "nonsense", "public") == ["public"]


def test_use_is_noted_once_a_minute_at_most(tmp_path: Path) -> None:
    clock = Clock()

    async def play(server: Served) -> None:
        token = server.core.access.shown

        def used() -> float | None:
            connection = sqlite3.connect(tmp_path / "noisewright.db")
            try:
                return connection.execute("SELECT used FROM tokens").fetchone()[0]
            finally:
                connection.close()

        assert used() is None
        first = clock.now
        for step in (0, 1, 58):
            clock.now += step
            await server.ask("GET", "/v1/me", headers=bearer(token))
            assert used() == first
        clock.now += 1
        await server.ask("GET", "/v1/me", headers=bearer(token))
        assert used() == first + 60
        clock.now -= 3600  # the clock goes back
        assert (await server.ask("GET", "/v1/me", headers=bearer(token))).status == 200
        assert used() == first - 3540

    attack(tmp_path, play, clock=clock, **PROTECTED)


def test_a_database_that_takes_nothing_shuts_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(server: Served) -> None:
        from server.database import StorageFull

        async def full(*_: Any, **__: Any) -> None:
            raise StorageFull("There is no space left.")

        monkeypatch.setattr(server.core.database, "write", full)
        admin = bearer(server.core.access.shown)
        assert (await server.ask("GET", "/v1/things", headers=admin)).status == 200
        body = json.dumps({"name": "a", "scopes": ["run"]})
        told = await server.ask("POST", "/v1/tokens", data=body, headers={**admin, "Content-Type": "application/json"})
        assert (told.status, told.code) == (503, "storage")

    attack(tmp_path, play, **PROTECTED)
