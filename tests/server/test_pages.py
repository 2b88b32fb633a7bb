"""The editor's pages over HTTP: a build made up here, on a server as `serve` has it."""

import gzip
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from server import pages
from server.guard import COMFYUI
from tests.server.assembled import Assembled, assembled

INDEX = """<!doctype html>
<html lang="en">
  <head>
    <link rel="icon" href="./icon.svg" />
    <script type="module" crossorigin src="./assets/index-abc.js"></script>
    <link rel="stylesheet" crossorigin href="./assets/index-abc.css">
  </head>
  <body></body>
</html>
"""
SCRIPT = b"console.log(1);" * 100
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
VIEWS = ["/", "/start", "/edit", "/edit/", "/edit/portraits/anna", "/edit/a%20b.json", "/form/templates/x"]


class Told(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def get(address: str, **headers: str) -> Told:
    request = urllib.request.Request(
        address, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return Told(
                response.status, {name.lower(): text for name, text in response.headers.items()}, response.read()
            )
    except urllib.error.HTTPError as error:
        with error:
            return Told(error.code, {name.lower(): text for name, text in error.headers.items()}, error.read())


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build in the place of the real one."""
    folder = tmp_path / "editor"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / ".stamp").write_text("secret")
    (folder / "assets" / "index-abc.js").write_bytes(SCRIPT)
    (folder / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "index-abc.css").write_text("body {}")
    (folder / "assets" / "inter.woff2").write_bytes(b"wOF2")
    return use(folder, monkeypatch)


def use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    attach = pages.attach
    monkeypatch.setattr(pages, "attach", lambda app, core: attach(app, core, folder))
    return folder


@pytest.fixture(params=["", "/art"], ids=["at the root", "below a path"])
def server(request: pytest.FixtureRequest, editor: Path, tmp_path: Path) -> Iterator[tuple[Assembled, str]]:
    """A server with the build, and the address of its first page without the last slash."""
    with assembled(tmp_path / "home", base_path=request.param) as made:
        yield made, made.address + request.param


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_the_page(server: tuple[Assembled, str], view: str) -> None:
    made, address = server
    base = made.core.settings.base_path
    told = get(address + view, **BROWSER)
    text = told.body.decode()
    assert (told.status, told.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f'<html data-base="{base}" lang="en">' in text
    assert f'src="{base}/assets/index-abc.js"' in text
    assert f'href="{base}/icon.svg"' in text
    assert '"./' not in text
    assert told.headers["cache-control"] == "no-store"


def test_the_policy_of_the_page_lets_it_do_what_it_must_and_no_more(server: tuple[Assembled, str]) -> None:
    _, address = server
    first, second = get(f"{address}/start", **BROWSER), get(f"{address}/start", **BROWSER)
    nonces = [re.findall(r'<meta name="nonce" nonce="([\w-]{20,})">', told.body.decode()) for told in (first, second)]
    assert nonces[0] != nonces[1]
    policy = dict(part.strip().split(" ", 1) for part in first.headers["content-security-policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["style-src"] == f"'self' 'nonce-{nonces[0][0]}'"
    assert policy["worker-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert set(policy["img-src"].split()) == {"'self'", "blob:", "data:"}
    assert "unsafe" not in first.headers["content-security-policy"]
    assert first.headers["permissions-policy"].startswith("camera=(self), ")
    data = get(f"{address}/v1/health")
    assert data.headers["permissions-policy"].startswith("camera=(), ")


def test_parts_of_the_page_are_kept_by_browsers(server: tuple[Assembled, str]) -> None:
    _, address = server
    types = {"index-abc.js": "text/javascript", "index-abc.css": "text/css", "inter.woff2": "font/woff2"}
    for name, media in types.items():
        told = get(f"{address}/assets/{name}")
        assert (told.status, told.headers["content-type"].partition(";")[0]) == (200, media)
        assert told.headers["cache-control"] == "public, max-age=31536000, immutable"
    icon = get(f"{address}/icon.svg")
    assert (icon.status, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert icon.headers["cache-control"] == "no-cache"


def test_scripts_travel_compressed_to_who_takes_that(server: tuple[Assembled, str]) -> None:
    _, address = server
    small = get(f"{address}/assets/index-abc.js", Accept_Encoding="gzip, deflate, br")
    assert small.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in small.headers["vary"].lower()
    assert gzip.decompress(small.body) == SCRIPT
    plain = get(f"{address}/assets/index-abc.js")
    assert "content-encoding" not in plain.headers
    assert plain.body == SCRIPT


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/", "/none.svg", "/.stamp", "/assets/.hidden", "/index.html", "/nothing"]
)
def test_what_is_not_there(server: tuple[Assembled, str], path: str) -> None:
    _, address = server
    assert get(address + path, **BROWSER).status == 404


@pytest.mark.parametrize("path", ["/assets/..%2f.stamp", "/assets/%2e%2e/x.js", "/assets/..%5c.stamp"])
def test_no_path_leads_out_of_the_build(server: tuple[Assembled, str], path: str) -> None:
    _, address = server
    assert get(address + path).status == 400


def test_programs_are_told_where_the_interfaces_are(server: tuple[Assembled, str]) -> None:
    made, address = server
    told = get(f"{address}/", Accept="*/*")
    assert told.headers["content-type"].startswith("application/json")
    assert f'"{made.core.settings.base_path}/v1/openapi.json"'.encode() in told.body
    assert "accept" in told.headers["vary"].lower()


def test_without_a_build_a_page_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = use(tmp_path / "none", monkeypatch)
    with assembled(tmp_path / "home") as made:
        for view in VIEWS:
            told = get(made.address + view, **BROWSER)
            assert told.status == 503
            assert b"pip install" in told.body
            assert "style-src 'sha256-" in told.headers["content-security-policy"]
        assert get(f"{made.address}/", Accept="*/*").status == 200
        folder.mkdir()
        (folder / "index.html").write_text(INDEX)  # built while the server runs
        assert get(f"{made.address}/start", **BROWSER).status == 200


def test_a_stranger_gets_the_form_that_leads_back(editor: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"token": "configured-token-16", "base_path": "/art"}
    with assembled(tmp_path / "home", **settings) as made:
        told = get(f"{made.address}/art/edit/portraits/anna", **BROWSER)
        assert told.status == 401
        assert b'name="next" value="/art/edit/portraits/anna"' in told.body
        assert get(f"{made.address}/art/assets/index-abc.js").status == 401
        own = get(f"{made.address}/art/edit/a", Authorization="Bearer configured-token-16", **BROWSER)
        assert own.status == 200


def test_views_are_no_paths_of_the_other_interfaces() -> None:
    firsts = {path.split("/")[1].partition(":")[0].strip("{}") for path in (*pages.VIEWS, "/assets")}
    assert not [first for first in firsts if COMFYUI.fullmatch(first) or first in ("v1", "api")]
