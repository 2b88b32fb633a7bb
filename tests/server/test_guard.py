"""Attacks on a real server behind the guard, each refused with the right status, and none answered with a 5xx."""

import asyncio
import base64
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.errors import GraphError
from server.guard import AccessLog, comfyui_scope
from server.hosts import hosts_of, parse_origin
from server.settings import Settings
from tests.server.guarded import Served, attack, served

HTML = {"Accept": "text/html,*/*;q=0.8"}
OPENED = {**HTML, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


# Host: DNS rebinding


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("localhost.", 200),
        ("editor.localhost:8188", 200),
        ("127.0.0.1", 200),
        ("127.1.2.3:99", 200),
        ("[::1]:8188", 200),
        ("[::ffff:127.0.0.1]", 200),
        ("art.example.org:8443", 200),
        ("a.b.wild.example.org", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("wild.example.org", 403),
        ("notwild.example.org", 403),
        ("192.168.1.2", 403),
        ("0.0.0.0:8188", 403),
        ("[::]:8188", 403),
        ("2130706433", 403),
        ("0x7f.1", 403),
        ("", 400),
        ("a b", 400),
        ("localhost:port", 400),
        ("localhost:99999", 400),
        ("localhost@evil.example", 400),
        ("localhost/evil", 400),
        ("[::1", 400),
        ("localhost,evil.example", 400),
        ("l%6fcalhost", 400),
    ],
)
def test_only_our_names_are_answered_to(tmp_path: Path, host: str, status: int) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("GET", "/v1/things", headers={"Host": host})
        assert told.status == status, told.body

    attack(tmp_path, play, allowed_hosts=("art.example.org", "*.wild.example.org"))


def test_a_request_has_one_host(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        for hosts in (b"", b"Host: localhost\r\nHost: evil.example\r\n"):
            told = await server.raw(b"GET /v1/things HTTP/1.0\r\n" + hosts + b"\r\n")
            assert told.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400")), told

    attack(tmp_path, play)


def test_on_other_addresses_ip_literals_and_own_names_are_answered_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Studio.lan")
    hosts = hosts_of(Settings(host="0.0.0.0"), is_open=False)
    names = {"studio", "studio.lan", "studio.local", "192.168.1.2", "fe80::1", "localhost", "evil.example"}
    assert {name for name in names if not hosts._answers_to(name)} == {"evil.example"}


# Origin: requests pages of other sites send


@pytest.mark.parametrize("path", ["/v1/things", "/prompt", "/api/prompt", "/view", "/"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "https://{host}"},
        {"Origin": "http://{host}.evil.example"},
        {"Origin": "http://localhost:{port}"},
        {"Origin": "http://{host}, https://evil.example"},
        {"Origin": "file://"},
        {"Origin": "http://"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
def test_pages_of_other_sites_may_not_ask(tmp_path: Path, path: str, headers: dict[str, str]) -> None:
    async def play(server: Served) -> None:
        filled = {name: v.format(host=server.host, port=server.server.port) for name, v in headers.items()}
        for method in ("GET", "POST", "OPTIONS"):
            told = await server.ask(method, path, headers=filled)
            assert (told.status, told.code) == (403, "foreign_origin")
            assert "Access-Control-Allow-Origin" not in told.headers

    attack(tmp_path, play)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://{host}"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    ],
)
def test_own_pages_and_people_may(tmp_path: Path, headers: dict[str, str]) -> None:
    async def play(server: Served) -> None:
        filled = {name: value.format(host=server.host) for name, value in headers.items()}
        assert (await server.ask("GET", "/", headers=filled)).status == 200

    attack(tmp_path, play)


def test_a_link_on_another_site_cannot_change_anything(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("POST", "/v1/things", json={}, headers={**OPENED, "Sec-Fetch-Site": "cross-site"})
        assert told.status == 403

    attack(tmp_path, play)


def test_allowed_origins_get_their_headers_and_preflight(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        friend = {"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"}
        asked = {**friend, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        told = await server.ask("OPTIONS", "/v1/things", headers=asked)
        assert told.status == 204
        assert told.headers["Access-Control-Allow-Origin"] == "https://friend.example"
        assert "POST" in told.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in told.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in told.headers
        told = await server.ask("GET", "/v1/things", headers=friend)
        assert told.status == 200
        assert told.headers["Access-Control-Allow-Origin"] == "https://friend.example"
        assert "Origin" in told.headers["Vary"]
        refused = await server.ask("GET", "/v1/things/none", headers=friend)
        assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (404, "https://friend.example")
        other = await server.ask("OPTIONS", "/v1/things", headers={**asked, "Origin": "https://friend.example.evil"})
        assert other.status == 403
        assert "Access-Control-Allow-Origin" not in other.headers
        assert "Origin" in (await server.ask("GET", "/v1/things")).headers["Vary"]

    attack(tmp_path, play, allowed_origins=("https://Friend.example:443/",))


def test_websockets_of_other_sites_are_refused(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        async with aiohttp.ClientSession() as session:
            for origin in ("https://evil.example", "null"):
                with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                    await session.ws_connect(f"http://{server.host}/v1/socket", origin=origin)
            for origin in (None, f"http://{server.host}"):
                async with session.ws_connect(f"http://{server.host}/v1/socket", origin=origin) as socket:
                    await socket.send_str("hello")
                    assert await socket.receive_str() == "hello"
                    assert socket._response.headers["X-Content-Type-Options"] == "nosniff"

    attack(tmp_path, play)


def test_origins_are_read_as_browsers_write_them() -> None:
    assert parse_origin("HTTP://Localhost:80") == "http://localhost"
    assert parse_origin("https://[::1]:443") == "https://[::1]"
    assert parse_origin("https://[::1]:8188") == "https://[::1]:8188"
    assert parse_origin("app-shell://Painter") == "app-shell://painter"
    for none in ("null", "", "localhost", "file://", "://a", "http://a/b", "http://a b", "http://user@a", "http://a:b"):
        assert parse_origin(none) == ""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"allowed_origins": ("example.org",)}, "--allowed-origins: 'example.org'"),
        ({"allowed_hosts": ("a b",)}, "--allowed-hosts: 'a b'"),
        ({"trusted_proxies": ("proxy",)}, "--trusted-proxies: 'proxy'"),
    ],
)
def test_rules_that_are_none_are_refused_at_start(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(GraphError, match=said):
        hosts_of(Settings.model_validate(settings), is_open=True)


# Proxies


def test_forwarded_headers_of_strangers_are_not_believed(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        token = server.core.access.shown
        spoofed = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "8.8.8.8"}
        told = await server.ask("GET", f"/v1/things?token={token}", headers=spoofed)
        assert told.status == 200  # read as if they were not there
        told = await server.ask(
            "GET", f"/v1/things?token={token}", headers={**spoofed, "Origin": "https://evil.example"}
        )
        assert told.status == 403

    attack(tmp_path, play, host="0.0.0.0")


def test_an_open_server_behind_an_unknown_proxy_refuses(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "x-forwarded-host"):
            told = await server.ask("GET", "/v1/things", headers={name: "8.8.8.8"})
            assert (told.status, told.code) == (403, "unknown_proxy")

    attack(tmp_path, play)


def test_a_trusted_proxy_says_who_asks(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        token = server.core.access.shown
        assert token, "a server behind a proxy is reached by others"
        proxied = {"X-Forwarded-Host": "art.example.org", "X-Forwarded-Proto": "https", "Host": "ignored.example"}
        with_token = {**proxied, "Authorization": f"Bearer {token}"}
        same = {**with_token, "Origin": "https://art.example.org"}
        assert (await server.ask("POST", "/v1/things", headers=same, json={})).status == 201
        other = {**with_token, "Origin": "http://art.example.org"}
        assert (await server.ask("POST", "/v1/things", headers=other, json={})).status == 403
        assert (await server.ask("GET", "/v1/things", headers={**with_token, "X-Forwarded-Host": "evil"})).status == 403
        assert (await server.ask("GET", "/v1/things", headers={**with_token, "X-Forwarded-Proto": "x"})).status == 400
        told = await server.ask("POST", "/v1/login", headers=proxied, json={"token": token})
        assert "Secure" in told.headers["Set-Cookie"]
        # Guesses count against the client, as the nearest proxy saw it; what the client wrote itself is hearsay.
        for guess in range(10):
            headers = {**proxied, "X-Forwarded-For": f"10.0.0.{guess}, 8.8.8.8, 127.0.0.1"}
            told = await server.ask("GET", "/v1/things?token=wrong", headers=headers)
            assert told.status == (401 if guess < 9 else 429)
        told = await server.ask("GET", "/v1/things?token=wrong", headers={**proxied, "X-Forwarded-For": "9.9.9.9"})
        assert told.status == 401

    attack(tmp_path, play, trusted_proxies=("127.0.0.0/8",), allowed_hosts=("art.example.org",))


# Paths, queries, bodies


@pytest.mark.parametrize(
    "path",
    [
        "/v1/things/%2e%2e/%2e%2e/etc/passwd",
        "/v1/drawers/../../etc/passwd",
        "/v1/drawers/..%2f..%2fetc%2fpasswd",
        "/v1/drawers/..%5c..%5cwindows",
        "/v1/drawers/a/./b",
        "/v1/things/%00",
        "/v1/things/a%0d%0aSet-Cookie:%20a=b",
        "/v1/things/%ff%fe",
        "/v1/things/%c0%ae%c0%ae",
        "/v1/things/%ed%a0%80",
        "/v1/things/" + "a" * 256,
        "/v1/things/" + "%f0%9f%98%80" * 64,
        "/v1/things?kind=%00",
        "/v1/things?kind=%ff",
        "/view?filename=%00",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_absurd_paths_are_refused(tmp_path: Path, method: str, path: str) -> None:
    async def play(server: Served) -> None:
        told = await server.ask(method, path)
        assert told.status == 400, told.body
        assert told.code in ("bad_path", "bad_query")

    attack(tmp_path, play)


@pytest.mark.parametrize(
    "path", ["/v1/things/a%2fb", "/v1/things/", "//v1/things", "/v1//things", "/V1/things", "/v1/things/%252e%252e"]
)
def test_paths_that_only_look_like_ours_are_not_found(tmp_path: Path, path: str) -> None:
    async def play(server: Served) -> None:
        assert (await server.ask("GET", path)).status == 404

    attack(tmp_path, play)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/things/\xc3\x28 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /v1/things?a=\xed\xa0\x80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: \xff\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: \xff\r\n\r\n",
        b"GET http://evil.example\x00/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\n",
        b"POST /v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: 4\r\n\r\nabcd",
    ],
)
def test_garbled_requests_are_refused(tmp_path: Path, data: bytes) -> None:
    async def play(server: Served) -> None:
        told = await server.raw(data)
        assert told.split(b" ")[1][:1] == b"4", told[:300]
        assert (await server.ask("GET", "/v1/health")).status == 200

    attack(tmp_path, play)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"more": ' + b'{"a":' * 2000 + b"1" + b"}" * 2000 + b"}", 400),
        (b"[" * 200_000, 400),
        (b'{"name": "a", "name": "b"}', 400),
        (b'{"size": NaN}', 400),
        (b'{"size": 1e999}', 400),
        (b'{"size": ' + b"9" * 5000 + b"}", 400),
        (b'{"name": "\\ud800"}', 400),
        (b'{"more": {"\\u0000": 1}}', 400),
        (b'\xff\xfe{\x00"', 400),
        (b"\x00", 400),
        (b"{", 400),
        (b"[]", 422),
        (b'{"unknown": 1}', 422),
        (b'{"size": 0}', 422),
        (b'{"name": "' + b"a" * 2000 + b'"}', 422),
        (b'{"name": "\\\\u0000 is text"}', 201),
        (b'{"name": "\\ud83d\\ude00"}', 201),
        (b"", 201),
    ],
)
def test_bodies_are_read_strictly(tmp_path: Path, body: bytes, status: int) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("POST", "/v1/things", data=body, headers={"Content-Type": "application/json"})
        assert told.status == status, told.body[:300]
        assert len(told.body) < 2000

    attack(tmp_path, play)


def test_a_large_body_is_refused_before_it_has_come(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        head = b"POST /v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        told = await server.raw(head + b"Content-Length: 52428800\r\n\r\n{")
        assert told.startswith(b"HTTP/1.1 413")
        told = await server.raw(
            head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 20
        )
        assert told.startswith(b"HTTP/1.1 413")

    attack(tmp_path, play, max_json=65_536)


def test_a_body_that_breaks_off_or_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.api.PATIENCE", 0.05)

    async def play(server: Served) -> None:
        data = (
            b"POST /v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99\r\n\r\n{"
        )
        _, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
        writer.write(data)
        await writer.drain()
        writer.transport.abort()
        assert (await server.raw(data)).startswith(b"HTTP/1.1 408")
        assert (await server.ask("GET", "/v1/health")).status == 200

    attack(tmp_path, play)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_json_comes_as_json(tmp_path: Path, kind: str) -> None:
    # What a form of another site can send without asking first.
    async def play(server: Served) -> None:
        told = await server.ask("POST", "/v1/things", data=b"{}", headers={"Content-Type": kind})
        assert (told.status, told.code) == (415, "not_json")

    attack(tmp_path, play)


# Failures


def test_failures_tell_nothing_of_the_inside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("GET", "/v1/broken")
        assert (told.status, told.code) == (500, "internal")
        assert b"secret" not in told.body
        assert b"Traceback" not in told.body
        number = told.json["error"]["hint"].rpartition(" ")[2].rstrip(".")
        assert any(number in record.getMessage() and record.exc_info for record in caplog.records)
        assert (await server.ask("GET", "/v1/full")).status == 503
        told = await server.ask("POST", "/v1/things/known")
        assert (told.status, told.code) == (405, "method_not_allowed")
        assert "GET" in told.headers["Allow"]
        told = await server.ask("GET", "/nothing")
        assert (told.status, told.body) == (404, b"404: Not Found")
        with pytest.raises(aiohttp.ClientPayloadError):
            await server.ask("GET", "/v1/halfway")

    attack(tmp_path, play)


# Headers


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/v1/things", "default-src 'none'"),
        ("/v1/nothing", "default-src 'none'"),
        ("/nothing", "default-src 'none'"),
        ("/view", "sandbox"),
        ("/", "script-src 'self';"),
    ],
)
def test_every_answer_has_its_headers(tmp_path: Path, path: str, policy: str) -> None:
    async def play(server: Served) -> None:
        told = await server.ask("GET", path)
        assert policy in told.headers["Content-Security-Policy"]
        assert "'unsafe" not in told.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in told.headers["Content-Security-Policy"]
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        assert told.headers["Referrer-Policy"] == "same-origin"
        assert told.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert told.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "aiohttp" not in told.headers["Server"]
        assert "Strict-Transport-Security" not in told.headers
        assert (told.headers.get("Cache-Control") == "no-store") == path.startswith("/v1")

    attack(tmp_path, play)


def test_the_other_editor_gets_its_policy_on_its_pages_alone(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        page = (await server.ask("GET", "/")).headers["Content-Security-Policy"]
        assert "'unsafe-eval'" in page
        assert "frame-ancestors 'self'" in page
        assert "sandbox" in (await server.ask("GET", "/view")).headers["Content-Security-Policy"]

    attack(tmp_path, play, frontend="comfyui")


def test_head_answers_like_get(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        told, whole = await server.ask("HEAD", "/v1/things"), await server.ask("GET", "/v1/things")
        assert (told.status, told.body) == (200, b"")
        assert told.headers["Content-Length"] == str(len(whole.body))

    attack(tmp_path, play)


# Base path


def test_everything_lives_below_the_base_path(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        token = server.core.access.shown
        told = await server.ask("GET", "/art?a=b")
        assert (told.status, told.headers["Location"]) == (308, "/art/?a=b")
        for path in ("/", "/v1/health", "/artist/v1/health", "/v1/../art/v1/health"):
            told = await server.ask("GET", path)
            assert told.status in (400, 404)
            assert "Content-Security-Policy" in told.headers
        assert (await server.ask("GET", "/art/v1/health")).status == 200
        assert (await server.ask("GET", "/art/v1/things")).status == 401
        assert (await server.ask("GET", f"/art/v1/things?token={token}")).status == 200
        assert (await server.ask("GET", f"/art/prompt?token={token}")).json == {"scopes": ["admin"]}
        told = await server.ask("GET", "/art/", headers=HTML)
        assert b'action="/art/v1/login"' in told.body
        told = await server.ask("POST", "/art/v1/login", data={"token": token})
        assert (told.status, told.headers["Location"]) == (303, "/art/")
        assert "Path=/art;" in told.headers["Set-Cookie"]
        assert (await server.ask("GET", "/art", headers={"Host": "evil.example"})).status == 403
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://{server.host}/art/v1/socket?token={token}") as socket,
        ):
            await socket.send_str("hello")
            assert await socket.receive_str() == "hello"
            assert "Content-Security-Policy" in socket._response.headers

    attack(tmp_path, play, host="0.0.0.0", base_path="/art")


# Scopes


SCOPES = ("admin", "edit", "run", "run:app", "run:app:portrait", "")
ALLOWED = {
    ("GET", "/v1/health"): SCOPES,
    ("GET", "/v1/me"): SCOPES[:5],
    ("GET", "/v1/apps"): SCOPES[:5],
    ("GET", "/v1/apps/portrait"): SCOPES[:5],
    ("GET", "/v1/apps/other"): SCOPES[:4],
    ("GET", "/v1/things"): SCOPES[:3],
    ("POST", "/v1/things"): SCOPES[:3],
    ("PUT", "/v1/drawers/a/b"): SCOPES[:2],
    ("DELETE", "/v1/things/a"): SCOPES[:1],
    ("GET", "/v1/tokens"): SCOPES[:1],
    ("GET", "/"): SCOPES[:3],
    ("GET", "/view"): SCOPES[:3],
    ("GET", "/ws"): SCOPES[:3],
    ("POST", "/prompt"): SCOPES[:3],
    ("POST", "/api/prompt"): SCOPES[:3],
    ("POST", "/queue"): SCOPES[:3],
    ("GET", "/settings"): SCOPES[:3],
    ("POST", "/settings"): SCOPES[:2],
    ("POST", "/api/userdata"): SCOPES[:2],
    ("POST", "/free"): SCOPES[:1],
    ("POST", "/api/free"): SCOPES[:1],
}


def test_every_scope_opens_its_routes_and_no_others(tmp_path: Path) -> None:
    async def play(server: Served) -> None:
        for scope in SCOPES:
            headers = {}
            if scope:
                _, token = await server.core.access.create(scope, (scope,))
                headers = {"Authorization": f"Bearer {token}"}
            for (method, path), allowed in ALLOWED.items():
                told = await server.ask(method, path, headers=headers)
                wanted = (200, 201, 204) if scope in allowed else ((403,) if scope else (401,))
                assert told.status in wanted, (scope, method, path, told.status)

    attack(tmp_path, play, host="0.0.0.0")


def test_scopes_of_the_other_interface() -> None:
    assert comfyui_scope("GET", "/object_info/KSampler") == "run"
    assert comfyui_scope("GET", "/api/history/abc") == "run"
    assert comfyui_scope("POST", "/api/upload/image") == "run"
    assert comfyui_scope("POST", "/history") == "run"
    assert comfyui_scope("POST", "/userdata/workflows%2Fa.json/move/b") == "edit"
    assert comfyui_scope("DELETE", "/api/userdata/a") == "edit"
    assert comfyui_scope("GET", "/internal/logs") == "admin"
    assert comfyui_scope("PATCH", "/internal/logs/subscribe") == "admin"
    assert comfyui_scope("POST", "/some/pack/route") == "admin"
    assert comfyui_scope("POST", "/apifree") == "admin"
    assert comfyui_scope("POST", "") == "admin"


# Logs


def test_no_token_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def play(server: Served) -> None:
        token = server.core.access.shown
        basic = base64.b64encode(f"me:{token}".encode()).decode()
        for path in ("/v1/broken", "/v1/full", "/v1/things", "/v1/nothing", "/", "/v1/things/a%2fb"):
            for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": f"Basic {basic}"}, {}):
                told = await server.ask("GET", path if headers else f"{path}?token={token}", headers=headers)
                assert token.encode() not in told.body
                assert token not in json.dumps(list(told.headers.items()))
        await server.ask("POST", "/v1/login", json={"token": token, "more": token})
        assert token not in caplog.text
        assert basic not in caplog.text

    attack(tmp_path, play, host="0.0.0.0")


def test_the_access_log_leaves_the_query_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    from aiohttp.test_utils import make_mocked_request

    request = make_mocked_request("GET", "/view?token=secret&filename=a.png")
    AccessLog(logging.getLogger("access"), "").log(request, web.Response(status=200), 0.25)
    assert "GET /view 200 250 ms" in caplog.text
    assert "secret" not in caplog.text


# Whatever comes

NAMES = ("Host", "Origin", "Authorization", "Cookie", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Accept", "X-Forwarded-For")
WORDS = (
    b"localhost",
    b"null",
    b"http://",
    b"Bearer ",
    b"Basic ",
    b"noisewright=",
    b"cross-site",
    b"text/html",
    b"[::1",
    b"=",
)
NOISE = st.lists(st.sampled_from(WORDS) | st.binary(max_size=8), max_size=4).map(b"".join)
UNSENDABLE = re.compile(rb"[\r\n]")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from([b"GET", b"POST", b"OPTIONS", b"HEAD", b"PROPFIND"]),
    path=st.sampled_from([b"/", b"/v1/things", b"/v1/login", b"/v1/drawers/", b"/prompt", b"/art/v1/things/"]),
    rest=NOISE,
    headers=st.lists(st.tuples(st.sampled_from(NAMES), NOISE), max_size=5),
    body=st.none() | NOISE,
    given_settings=st.sampled_from([{}, {"host": "0.0.0.0"}, {"trusted_proxies": ("127.0.0.1",), "base_path": "/art"}]),
)
def test_no_request_is_answered_with_a_failure(
    fuzzed: Callable[[dict[str, Any], bytes], bytes],
    method: bytes,
    path: bytes,
    rest: bytes,
    headers: list[tuple[str, bytes]],
    body: bytes | None,
    given_settings: dict[str, Any],
) -> None:
    lines = [method + b" " + path + re.sub(rb"[\s]", b"", rest) + b" HTTP/1.1"]
    if not any(name == "Host" for name, _ in headers):
        lines.append(b"Host: localhost")
    lines += [name.encode() + b": " + UNSENDABLE.sub(b"", value) for name, value in headers]
    if body is not None:
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    told = fuzzed(given_settings, b"\r\n".join([*lines, b"Connection: close", b"", body or b""]))
    assert told.split(b" ")[1][:1] in b"234", told


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, Any], bytes], bytes]]:
    """Sends bytes to a server of some settings, which is started once."""
    with asyncio.Runner() as runner, ExitStack() as ends:
        running: dict[str, Served] = {}

        def send(wanted: dict[str, Any], data: bytes) -> bytes:
            key = str(wanted)
            if key not in running:
                server = served(tmp_path_factory.mktemp("fuzzed"), **wanted)
                running[key] = runner.run(server.__aenter__())
                ends.callback(lambda: runner.run(server.__aexit__(None, None, None)))
            return runner.run(running[key].raw(data))

        yield send
