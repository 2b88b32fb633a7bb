"""Fetching against a server of our own: whatever it does, the bytes are the same at the end, or nothing is there."""

import asyncio
import errno
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from server.models import download as download_module
from server.models.card import Card, place_of, read_card, write_card
from server.models.download import Download, Got, Progress, Wanted
from server.models.error import ModelError
from server.models.inventory import Inventory
from server.models.online import Online
from server.models.part import Note, Part
from server.models.source import Source, read_source
from server.models.tokens import Tokens
from tests.server.models.elsewhere import LORA, VAE, Elsewhere, Naps, places_in, safetensors, serving, sha256

ROOT = Path(__file__).parents[3]
TOKEN = "hf_SECRETsecretSECRETsecret"


@pytest.fixture(autouse=True)
def _no_token_of_mine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "nothing"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "HF_TOKEN_PATH", "CIVITAI_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def fetch(
    home: Path,
    elsewhere: Elsewhere,
    path: str = "/tree.safetensors",
    *,
    naps: Naps | None = None,
    tell: list[Progress] | None = None,
    tries: int = 4,
    margin: int = 0,
    public_only: bool = False,
    **wanted: object,
) -> Got:
    """Fetch a file of a server, which is up meanwhile."""

    async def go() -> Got:
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}{path}", {})
            options = {"tries": tries, "margin": margin, "public_only": public_only} | wanted
            return await get(home, source, naps, tell, **options)  # type: ignore[arg-type] — its fields, by name

    return asyncio.run(go())


async def get(
    home: Path,
    source: Source,
    naps: Naps | None = None,
    tell: list[Progress] | None = None,
    *,
    tokens: Tokens | None = None,
    tries: int = 4,
    margin: int = 0,
    public_only: bool = False,
    **wanted: object,
) -> Got:
    async with Online(tokens or Tokens({"HF_HOME": str(home)}), public_only=public_only) as online:
        download = Download(
            Wanted(source, **wanted),  # type: ignore[arg-type] — its fields, by name
            Inventory(places_in(home)),
            online,
            tell=(tell if tell is not None else []).append,
            patience=(naps or Naps()).patience(tries),
            margin=margin,
        )
        return await download.run()


def left_in(home: Path) -> list[str]:
    """Files below the models folder."""
    return sorted(
        path.relative_to(home / "models").as_posix() for path in (home / "models").rglob("*") if path.is_file()
    )


def test_a_file_comes_with_its_card(tmp_path: Path):
    data = safetensors()
    told: list[Progress] = []
    got = fetch(tmp_path, Elsewhere({"/a/tree.safetensors": data}), "/a/tree.safetensors?key=secret", tell=told)
    assert (got.folder, got.name, got.fetched) == ("vae", "tree.safetensors", True)
    assert got.path.read_bytes() == data
    assert left_in(tmp_path) == ["vae/tree.safetensors", "vae/tree.safetensors.noisewright.json"]
    card = read_card(got.path)
    assert card is not None
    assert (card.sha256, card.size) == (sha256(data), len(data))
    assert card.source.endswith("/a/tree.safetensors")
    assert "secret" not in place_of(got.path).read_text()
    assert [item.state for item in told][-1] == "verifying"
    assert told[-1].done == told[-1].total == len(data)


@pytest.mark.parametrize("seed", range(12))
def test_cut_at_random_it_is_continued_to_the_same_bytes(tmp_path: Path, seed: int):
    chance = random.Random(seed)
    data = safetensors(300_000, seed)
    cuts = [chance.randrange(1, 120_000) for _ in range(chance.randrange(1, 8))]
    elsewhere = Elsewhere(
        {"/tree.safetensors": data}, cuts=list(cuts), ranges=chance.random() < 0.7, etags=chance.random() < 0.8
    )
    got = fetch(tmp_path, elsewhere, tries=12, sha256=sha256(data) if chance.random() < 0.5 else "")
    assert got.path.read_bytes() == data
    assert got.card.sha256 == sha256(data)


def test_what_is_here_is_not_fetched_again(tmp_path: Path):
    data = safetensors(400_000)
    elsewhere = Elsewhere({"/tree.safetensors": data}, cuts=[150_000])
    fetch(tmp_path, elsewhere)
    assert elsewhere.ranges_asked[0] == ""
    assert elsewhere.ranges_asked[1].startswith("bytes=1")
    assert elsewhere.asked[1].headers["If-Range"] == f'"{sha256(data)[:16]}"'


def test_another_process_goes_on_where_one_ended(tmp_path: Path):
    data = safetensors(400_000)

    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": data}, cuts=[150_000, 0, 0])
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}/tree.safetensors", {})
            with pytest.raises(ModelError, match="cut"):
                await get(tmp_path, source, tries=1)
            assert left_in(tmp_path) == ["vae/tree.safetensors.part", "vae/tree.safetensors.part.json"]
            elsewhere.cuts.clear()
            got = await get(tmp_path, source)
            assert got.path.read_bytes() == data
            assert elsewhere.ranges_asked[-1].startswith("bytes=1")

    asyncio.run(go())


def test_a_server_without_ranges_begins_anew(tmp_path: Path):
    data = safetensors(400_000)
    elsewhere = Elsewhere({"/tree.safetensors": data}, cuts=[150_000, 200_000], ranges=False)
    assert fetch(tmp_path, elsewhere).path.read_bytes() == data
    assert len(elsewhere.asked) == 3


def test_content_that_changed_meanwhile_is_not_mixed(tmp_path: Path):
    old, new = safetensors(400_000, 1), safetensors(400_000, 2)

    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": old}, cuts=[150_000])
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}/tree.safetensors", {})
            with pytest.raises(ModelError):
                await get(tmp_path, source, tries=1)
            elsewhere.files["/tree.safetensors"] = new
            assert (await get(tmp_path, source)).path.read_bytes() == new

    asyncio.run(go())


def test_a_server_that_ignores_if_range_is_found_out_by_the_digest(tmp_path: Path):
    """It continues another file; the digest tells, and it is fetched anew."""
    old, new = safetensors(400_000, 1), safetensors(400_000, 2)

    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": old}, cuts=[150_000], etags=False)
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}/tree.safetensors", {})
            with pytest.raises(ModelError):
                await get(tmp_path, source, tries=1, sha256=sha256(new))
            elsewhere.files["/tree.safetensors"] = new
            assert (await get(tmp_path, source, sha256=sha256(new))).path.read_bytes() == new

    asyncio.run(go())


@pytest.mark.parametrize("said", ["bytes 0-9/100", "bytes 5-/x", "nonsense", ""])
def test_a_part_that_is_not_the_one_asked_for_is_not_used(tmp_path: Path, said: str):
    data = safetensors(100_000)

    def lie(request: web.Request) -> web.Response:
        if "Range" in request.headers:
            return web.Response(status=206, body=data[:10], headers={"Content-Range": said})
        return web.Response(body=data, headers={"ETag": '"one"'})

    target = tmp_path / "models" / "vae" / "tree.safetensors"

    async def go() -> None:
        elsewhere = Elsewhere(answers={"/tree.safetensors": lie})
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}/tree.safetensors", {})
            with Part(target) as part:
                part.begin(Note(id="a", source=source.text, etag='"one"', size=len(data)))
                part.append(data[:5000])
            assert (await get(tmp_path, source)).path.read_bytes() == data

    asyncio.run(go())


def test_a_wrong_digest_leaves_nothing(tmp_path: Path):
    data = safetensors()
    with pytest.raises(ModelError, match="SHA-256") as caught:
        fetch(tmp_path, Elsewhere({"/tree.safetensors": data}), sha256="0" * 64)
    assert sha256(data) in str(caught.value)
    assert "0" * 64 in str(caught.value)
    assert left_in(tmp_path) == []


def test_a_digest_the_hub_tells_is_compared_before_a_byte_comes(tmp_path: Path):
    data = safetensors()
    elsewhere = Elsewhere({"/tree.safetensors": data}, headers={"X-Linked-ETag": f'"{sha256(data)}"'})
    with pytest.raises(ModelError, match="should have " + "0" * 64):
        fetch(tmp_path, elsewhere, sha256="0" * 64)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("more", [-1000, 1000])
def test_a_size_that_is_not_the_header_s_is_refused(tmp_path: Path, more: int):
    data = safetensors()
    given = data[:more] if more < 0 else data + bytes(more)
    with pytest.raises(ModelError) as caught:
        fetch(tmp_path, Elsewhere({"/tree.safetensors": given}))
    assert caught.value.code == "wrong_size"
    assert left_in(tmp_path) == []


def test_a_size_the_hub_tells_differently_is_refused(tmp_path: Path):
    elsewhere = Elsewhere({"/tree.safetensors": safetensors()}, headers={"X-Linked-Size": "77"})
    with pytest.raises(ModelError) as caught:
        fetch(tmp_path, elsewhere)
    assert caught.value.code == "wrong_size"


@pytest.mark.parametrize("says_size", [True, False])
def test_an_endless_body_is_left(tmp_path: Path, says_size: bool):
    data = safetensors()
    written = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal written
        headers = {"X-Linked-Size": str(len(data))} if says_size else {}
        response = web.StreamResponse(headers=headers)
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(data)
        try:
            while True:
                await response.write(bytes(2**16))
                written += 2**16
        except ConnectionError:
            return response

    with pytest.raises(ModelError) as caught:
        fetch(tmp_path, Elsewhere(answers={"/tree.safetensors": endless}))
    assert caught.value.code == "wrong_size"
    assert written < 2**25
    assert left_in(tmp_path) == []


def test_a_pickle_of_unknown_size_is_refused(tmp_path: Path):
    async def chunked(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"PK\x03\x04" + bytes(1000))
        return response

    with pytest.raises(ModelError) as caught:
        fetch(tmp_path, Elsewhere(answers={"/a.ckpt": chunked}), "/a.ckpt", folder="checkpoints")
    assert caught.value.code == "size_unknown"


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "text/html", "web page"),
        (b"<!DOCTYPE html><title>Log in</title>", "application/octet-stream", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "text/plain", "Git LFS"),
        (b'{"error": "Unauthorized"}', "application/json", "JSON"),
        (b"", "application/octet-stream", "empty"),
        (b"GGUF" + bytes(20), "application/octet-stream", "GGUF"),
        (bytes(8) + b"{" + bytes(40), "application/octet-stream", "no safetensors"),
        ((2**60).to_bytes(8, "little") + b"{}", "application/octet-stream", "no safetensors"),
        ((30).to_bytes(8, "little") + b"{" + b"x" * 29, "application/octet-stream", "damaged"),
        ((20).to_bytes(8, "little") + b'{"a":{"shape":[9]}} ' + bytes(9), "application/octet-stream", "damaged"),
    ],
)
def test_what_is_no_model_is_said_so(tmp_path: Path, body: bytes, kind: str, word: str):
    elsewhere = Elsewhere(answers={"/tree.safetensors": lambda _: web.Response(body=body, content_type=kind)})
    with pytest.raises(ModelError, match=word):
        fetch(tmp_path, elsewhere, folder="vae")
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "code", "tried"),
    [(401, "unauthorised", 1), (403, "forbidden", 1), (404, "not_found", 1), (410, "not_found", 1),
     (429, "too_often", 4), (500, "server_error", 4), (503, "server_error", 4), (418, "refused", 1)],
)  # fmt: skip
def test_statuses_are_told_in_words(tmp_path: Path, status: int, code: str, tried: int):
    naps = Naps()
    elsewhere = Elsewhere(answers={"/tree.safetensors": lambda _: web.Response(status=status)})
    with pytest.raises(ModelError) as caught:
        fetch(tmp_path, elsewhere, naps=naps)
    assert caught.value.code == code
    assert len(elsewhere.asked) == tried
    assert len(naps.seconds) == tried - 1
    assert naps.seconds == sorted(naps.seconds)


def test_a_server_may_say_how_long_to_wait(tmp_path: Path):
    data, naps = safetensors(), Naps()
    refusals = [web.Response(status=429, headers={"Retry-After": "17"})]

    def answer(_: web.Request) -> web.Response:
        return refusals.pop() if refusals else web.Response(body=data)

    assert fetch(tmp_path, Elsewhere(answers={"/tree.safetensors": answer}), naps=naps).path.read_bytes() == data
    assert naps.seconds == [17.0]


def test_nobody_answers(tmp_path: Path):
    async def go() -> None:
        elsewhere = Elsewhere()
        async with serving(elsewhere):
            pass
        await get(tmp_path, read_source(f"{elsewhere.url}/a.safetensors", {}))

    with pytest.raises(ModelError, match="does not answer"):
        asyncio.run(go())


def test_packed_content_is_refused(tmp_path: Path):
    elsewhere = Elsewhere({"/tree.safetensors": safetensors()}, headers={"Content-Encoding": "gzip"})
    with pytest.raises(ModelError, match="packed"):
        fetch(tmp_path, elsewhere)


def test_headers_have_a_limit(tmp_path: Path):
    elsewhere = Elsewhere({"/tree.safetensors": safetensors()}, headers={"X-Long": "a" * 100_000})
    with pytest.raises(ModelError) as caught:
        fetch(tmp_path, elsewhere)
    assert caught.value.code == "bad_answer"


# --- redirects and tokens --------------------------------------------------------------------------------------------


def hub_source(elsewhere: Elsewhere) -> Source:
    return read_source("hf:owner/repo/tree.safetensors", {"HF_ENDPOINT": str(elsewhere.url)})


def everything_written(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_token_stays_with_its_host(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(0)
    data = safetensors()
    told: list[Progress] = []

    async def go() -> tuple[Elsewhere, Elsewhere]:
        hub, storage = Elsewhere(), Elsewhere({"/blob": data})
        async with serving(hub, storage):
            hub.answers["/owner/repo/resolve/main/tree.safetensors"] = lambda _: web.Response(
                status=302,
                headers={"Location": f"{storage.url}/blob?X-Amz-Signature=SIGNED", "X-Linked-Size": str(len(data)),
                         "X-Linked-ETag": f'"{sha256(data)}"', "X-Repo-Commit": "c" * 40},
            )  # fmt: skip
            hub.answers["/api/models/owner/repo/revision/main"] = lambda _: web.json_response(
                {"cardData": {"license": "openrail++"}, "tags": []}
            )
            await get(tmp_path, hub_source(hub), tell=told, tokens=Tokens({"HF_TOKEN": TOKEN}))
        return hub, storage

    hub, storage = asyncio.run(go())
    assert {request.headers.get("Authorization") for request in hub.asked} == {f"Bearer {TOKEN}"}
    assert [request.headers.get("Authorization") for request in storage.asked] == [None]
    card = read_card(tmp_path / "models" / "vae" / "tree.safetensors")
    assert card is not None
    assert (card.licence, card.commit, card.revision) == ("openrail++", "c" * 40, "main")
    assert card.source == "hf:owner/repo/tree.safetensors@main"
    for secret in (TOKEN, "SIGNED"):
        assert secret.encode() not in everything_written(tmp_path)
        assert secret not in caplog.text
        assert secret not in repr(told)


def test_a_token_does_not_come_back_over_another_host(tmp_path: Path):
    async def go() -> Elsewhere:
        hub, other = Elsewhere({"/again": safetensors()}), Elsewhere()
        async with serving(hub, other):
            path = "/owner/repo/resolve/main/tree.safetensors"
            hub.answers[path] = lambda _: web.Response(status=307, headers={"Location": f"{other.url}/x"})
            other.answers["/x"] = lambda _: web.Response(status=302, headers={"Location": f"{hub.url}/again"})
            await get(tmp_path, hub_source(hub), tokens=Tokens({"HF_TOKEN": TOKEN}))
        return hub

    hub = asyncio.run(go())
    assert [request.headers.get("Authorization") for request in hub.asked if request.path == "/again"] == [None]


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 302])
def test_a_token_is_in_no_error(tmp_path: Path, status: int, caplog: pytest.LogCaptureFixture):
    caplog.set_level(0)

    async def go() -> None:
        hub = Elsewhere()
        async with serving(hub):
            path = "/owner/repo/resolve/main/tree.safetensors"
            headers = {"Location": f"http://user:{TOKEN}@127.0.0.1/"} if status == 302 else {}
            hub.answers[path] = lambda request: web.Response(
                status=status, text=request.headers["Authorization"], headers=headers
            )
            await get(tmp_path, hub_source(hub), tokens=Tokens({"HF_TOKEN": TOKEN}))

    with pytest.raises(ModelError) as caught:
        asyncio.run(go())
    error: BaseException | None = caught.value
    while error is not None:
        assert TOKEN not in str(error)
        error = error.__cause__
    assert TOKEN not in caplog.text
    assert TOKEN.encode() not in everything_written(tmp_path)


def test_plain_addresses_get_no_token(tmp_path: Path):
    async def go() -> Elsewhere:
        elsewhere = Elsewhere({"/tree.safetensors": safetensors()})
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}/tree.safetensors", {})
            await get(tmp_path, source, tokens=Tokens({"HF_TOKEN": TOKEN, "CIVITAI_TOKEN": TOKEN}))
        return elsewhere

    assert all("Authorization" not in request.headers for request in asyncio.run(go()).asked)


def test_a_token_with_line_breaks_is_not_sent(tmp_path: Path):
    async def go() -> None:
        hub = Elsewhere()
        async with serving(hub):
            await get(tmp_path, hub_source(hub), tokens=Tokens({"HF_TOKEN": "a\r\nX-Evil: b"}))

    with pytest.raises(ModelError) as caught:
        asyncio.run(go())
    assert caught.value.code == "bad_token"


@pytest.mark.parametrize(
    "location",
    [
        "http://example.org/a",
        "ftp://127.0.0.1/a",
        "file:///etc/passwd",
        "http://a:b@127.0.0.1/",
        "http://[::1",
        "javascript:1",
    ],
)
def test_redirects_that_are_not_followed(tmp_path: Path, location: str):
    elsewhere = Elsewhere(
        answers={"/tree.safetensors": lambda _: web.Response(status=302, headers={"Location": location})}
    )
    with pytest.raises(ModelError) as caught:
        fetch(tmp_path, elsewhere)
    assert caught.value.code == "bad_redirect"


def test_redirects_without_end(tmp_path: Path):
    elsewhere = Elsewhere(
        answers={"/tree.safetensors": lambda _: web.Response(status=302, headers={"Location": "/tree.safetensors"})}
    )
    with pytest.raises(ModelError, match="without end"):
        fetch(tmp_path, elsewhere)
    assert len(elsewhere.asked) == 11


def test_a_signed_address_is_asked_sign_by_sign(tmp_path: Path):
    elsewhere = Elsewhere({"/blob": safetensors()})
    elsewhere.answers["/tree.safetensors"] = lambda _: web.Response(
        status=302, headers={"Location": "/blob?s=a%2Fb%2B%3D&t=x~y%20z"}
    )
    fetch(tmp_path, elsewhere)
    assert elsewhere.asked[-1].raw_path == "/blob?s=a%2Fb%2B%3D&t=x~y%20z"


def test_this_machine_is_not_asked_for_others(tmp_path: Path):
    elsewhere = Elsewhere({"/tree.safetensors": safetensors()})
    with pytest.raises(ModelError, match="private network"):
        fetch(tmp_path, elsewhere, public_only=True)
    assert elsewhere.asked == []


def test_a_name_that_means_this_machine_is_not_asked_for_others(tmp_path: Path):
    async def go() -> Elsewhere:
        elsewhere = Elsewhere({"/tree.safetensors": safetensors()})
        async with serving(elsewhere):
            source = read_source(f"http://localhost:{elsewhere.url.port}/tree.safetensors", {})
            with pytest.raises(ModelError, match="private network"):
                await get(tmp_path, source, public_only=True)
        return elsewhere

    assert asyncio.run(go()).asked == []


# --- places and names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("../../../etc/passwd.safetensors", "passwd.safetensors"),
        ("..\\..\\evil.safetensors", "evil.safetensors"),
        ("/abs/olute.safetensors", "olute.safetensors"),
        ("a\tb.safetensors", "ab.safetensors"),
        ("‮gnp.safetensors", "gnp.safetensors"),
        ("  .hidden.safetensors ", "hidden.safetensors"),
        ("a:b|c.safetensors", "a_b_c.safetensors"),
        ("x" * 400 + ".safetensors", "x" * 168 + ".safetensors"),
        ("con.safetensors", None),
        ("..", None),
        ("page.html", None),
        (".safetensors", None),
    ],
)
def test_names_from_elsewhere_are_tamed(tmp_path: Path, said: str, name: str | None):
    from urllib.parse import quote

    elsewhere = Elsewhere({"/get": safetensors()})
    elsewhere.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(said, safe='')}"
    if name is None:
        with pytest.raises(ModelError):
            fetch(tmp_path, elsewhere, "/get")
        assert left_in(tmp_path) == []
    else:
        assert fetch(tmp_path, elsewhere, "/get").name == name
        assert left_in(tmp_path) == [f"vae/{name}", f"vae/{name}.noisewright.json"]
    assert {path.name for path in tmp_path.iterdir()} <= {"models", "cache"}


@pytest.mark.parametrize(
    "name", ["../a.safetensors", "/a.safetensors", "a/../b.safetensors", "a\0.safetensors", "nul.safetensors", "a."]
)
def test_names_people_give_are_checked(tmp_path: Path, name: str):
    with pytest.raises(ModelError):
        fetch(tmp_path, Elsewhere({"/tree.safetensors": safetensors()}), name=name)


def test_a_name_may_have_folders(tmp_path: Path):
    got = fetch(tmp_path, Elsewhere({"/tree.safetensors": safetensors()}), name="mine\\oak.safetensors")
    assert got.path == tmp_path / "models" / "vae" / "mine" / "oak.safetensors"


def test_the_folder_is_seen_from_the_file(tmp_path: Path):
    assert fetch(tmp_path, Elsewhere({"/tree.safetensors": safetensors(names=LORA)})).folder == "loras"


def test_the_folder_is_asked_for_where_it_cannot_be_seen(tmp_path: Path):
    elsewhere = Elsewhere({"/tree.safetensors": safetensors(names=("something",))})
    with pytest.raises(ModelError, match="checkpoints, vae"):
        fetch(tmp_path, elsewhere)
    with pytest.raises(ModelError, match="Did you mean 'loras'"):
        fetch(tmp_path, elsewhere, folder="lora")
    assert fetch(tmp_path, elsewhere, folder="loras").folder == "loras"


def test_a_pickle_comes_with_a_warning(tmp_path: Path):
    data = b"\x80\x02" + bytes(100)
    got = fetch(tmp_path, Elsewhere({"/x.pth": data}), "/x.pth", folder="upscale_models")
    assert "pickle" in got.warning
    with pytest.raises(ModelError, match="no safetensors"):
        fetch(tmp_path, Elsewhere({"/x.safetensors": data}), "/x.safetensors", folder="vae")
    with pytest.raises(ModelError, match="is a safetensors file"):
        fetch(tmp_path, Elsewhere({"/y.pth": safetensors()}), "/y.pth", folder="vae")


def test_another_file_of_that_name_is_left_alone(tmp_path: Path):
    old, new = safetensors(1000, 1), safetensors(1000, 2)
    place = tmp_path / "models" / "vae" / "tree.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(old)
    with pytest.raises(ModelError) as caught:
        fetch(tmp_path, Elsewhere({"/tree.safetensors": new}))
    assert caught.value.code == "exists"
    assert place.read_bytes() == old
    assert fetch(tmp_path, Elsewhere({"/tree.safetensors": new}), replace=True).fetched
    assert place.read_bytes() == new


def test_the_same_content_is_not_fetched_twice(tmp_path: Path):
    data = safetensors(2_000_000)
    place = tmp_path / "models" / "vae" / "mine" / "other-name.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    elsewhere = Elsewhere({"/tree.safetensors": data}, headers={"X-Linked-ETag": f'"{sha256(data)}"'})
    got = fetch(tmp_path, elsewhere)
    assert (got.fetched, got.path) == (False, place)
    assert left_in(tmp_path) == ["vae/mine/other-name.safetensors"]


def test_a_known_digest_needs_no_network(tmp_path: Path):
    data = safetensors(1000)
    place = tmp_path / "models" / "vae" / "oak.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    write_card(place, Card(sha256=sha256(data), size=len(data)))
    elsewhere = Elsewhere()
    assert fetch(tmp_path, elsewhere, sha256=sha256(data)).path == place
    assert elsewhere.asked == []


def test_asked_again_it_is_here_already(tmp_path: Path):
    data = safetensors(1000)

    async def go() -> Got:
        elsewhere = Elsewhere({"/tree.safetensors": data})
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}/tree.safetensors", {})
            assert (await get(tmp_path, source)).fetched
            return await get(tmp_path, source)

    assert not asyncio.run(go()).fetched


def test_two_at_once_do_not_mix(tmp_path: Path):
    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": safetensors()})
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}/tree.safetensors", {})
            with Part(tmp_path / "models" / "vae" / "tree.safetensors"), pytest.raises(ModelError) as caught:
                await get(tmp_path, source, folder="vae")
            assert caught.value.code == "busy"
            await get(tmp_path, source, folder="vae")

    asyncio.run(go())


# --- the disk --------------------------------------------------------------------------------------------------------


def test_room_is_looked_for_first(tmp_path: Path):
    elsewhere = Elsewhere({"/tree.safetensors": safetensors()})
    with pytest.raises(ModelError, match="Free ") as caught:
        fetch(tmp_path, elsewhere, margin=2**60)
    assert caught.value.code == "no_space"
    assert left_in(tmp_path) == []


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that takes 50,000 bytes more, as `os.write` sees it."""
    room = 50_000
    write = os.write

    def limited(descriptor: int, data: memoryview | bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(descriptor, bytes(data[:room]))
        room -= written
        return written

    monkeypatch.setattr("server.models.part.os.write", limited)
    yield
    monkeypatch.undo()


def test_a_disk_that_fills_up_is_said_and_gone_on_from(
    tmp_path: Path, full_disk: None, monkeypatch: pytest.MonkeyPatch
):
    data = safetensors(300_000)

    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": data})
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}/tree.safetensors", {})
            with pytest.raises(ModelError, match="disk is full") as caught:
                await get(tmp_path, source)
            assert caught.value.code == "no_space"
            assert (tmp_path / "models" / "vae" / "tree.safetensors.part").stat().st_size == 50_000
            monkeypatch.undo()
            assert (await get(tmp_path, source)).path.read_bytes() == data
            assert elsewhere.ranges_asked[-1] == "bytes=50000-"

    asyncio.run(go())


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(ModelError, match="cannot be written"):
        fetch(tmp_path, Elsewhere({"/tree.safetensors": safetensors()}))


def test_cancelled_it_leaves_what_can_be_gone_on_with(tmp_path: Path):
    data = safetensors(3_000_000)

    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": data}, pause=asyncio.Event(), stop_after=2_000_000)
        async with serving(elsewhere):
            source = read_source(f"{elsewhere.url}/tree.safetensors", {})
            told: list[Progress] = []
            task = asyncio.create_task(get(tmp_path, source, tell=told))
            while not (told and told[-1].done >= download_module.PIECE):
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert elsewhere.pause is not None
            elsewhere.pause.set()
            elsewhere.pause = None
            assert (await get(tmp_path, source)).path.read_bytes() == data
            assert elsewhere.ranges_asked[-1].startswith("bytes=")

    asyncio.run(go())


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_killed_it_goes_on_to_the_same_bytes(tmp_path: Path):
    data = safetensors(6_000_000)
    part = tmp_path / "models" / "vae" / "tree.safetensors.part"

    async def go() -> None:
        elsewhere = Elsewhere({"/tree.safetensors": data}, pause=asyncio.Event(), stop_after=3_000_000)
        async with serving(elsewhere):
            words = [
                sys.executable,
                str(ROOT / "main.py"),
                "models",
                "get",
                f"{elsewhere.url}/tree.safetensors",
                "--yes",
            ]
            environment = os.environ | {"NOISEWRIGHT_DATA": str(tmp_path), "HF_HOME": str(tmp_path / "nothing")}
            process = await asyncio.create_subprocess_exec(*words, env=environment, stderr=asyncio.subprocess.DEVNULL)
            while not (part.exists() and part.stat().st_size >= 2**20):
                assert process.returncode is None
                await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            assert elsewhere.pause is not None
            elsewhere.pause.set()
            elsewhere.pause = None
            again = await asyncio.create_subprocess_exec(
                *words, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
            )
            out, _ = await again.communicate()
            assert again.returncode == 0
            assert Path(out.decode().strip()).read_bytes() == data
            assert elsewhere.ranges_asked[-1].startswith("bytes=")

    asyncio.run(go())
    assert not part.exists()


def test_names_of_tensors_are_what_decides(tmp_path: Path):
    assert fetch(tmp_path, Elsewhere({"/a.safetensors": safetensors(names=VAE)}), "/a.safetensors").folder == "vae"


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_a_process_that_may_write_no_more_says_so(tmp_path: Path):
    """A real error of the system, not one of our making: files may have 2 MiB."""
    data = safetensors(6_000_000)

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, 2**21))

    async def go() -> tuple[int | None, str]:
        elsewhere = Elsewhere({"/tree.safetensors": data})
        async with serving(elsewhere):
            words = [sys.executable, str(ROOT / "main.py"), "models", "get", f"{elsewhere.url}/tree.safetensors"]
            environment = os.environ | {"NOISEWRIGHT_DATA": str(tmp_path), "HF_HOME": str(tmp_path / "nothing")}
            process = await asyncio.create_subprocess_exec(
                *words, "--yes", env=environment, stderr=asyncio.subprocess.PIPE, preexec_fn=limit
            )
            _, err = await process.communicate()
            return process.returncode, err.decode()

    code, err = asyncio.run(go())
    assert code == 1
    assert "disk is full" in err
    assert "Traceback" not in err
    assert (tmp_path / "models/vae/tree.safetensors.part").stat().st_size == 2**21
