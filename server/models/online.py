"""Asking other machines: redirects are followed with care, tokens stay with their host, answers are bounded."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from graph.document import NAME
from server.models.card import DIGEST
from server.models.error import ModelError
from server.models.reach import check_literal, connector
from server.models.source import Source, host_of, is_loopback
from server.models.tokens import Tokens

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10
LARGEST_ABOUT = 4 * 2**20
LONGEST_WAIT = 300.0
"""Seconds a server may ask us to wait."""

TIMES = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Reply:
    """An answer whose body is still to be read. facts: what the source's own host said of the file, redirects on the
    way included: X-Linked-Size, X-Linked-ETag, X-Repo-Commit.
    """

    response: aiohttp.ClientResponse
    facts: Mapping[str, str]

    @property
    def linked_sha256(self) -> str:
        """The digest of the file as the hub keeps it, or ""."""
        value = self.facts.get("X-Linked-ETag", "").removeprefix("W/").strip('"').lower()
        return value if DIGEST.fullmatch(value) else ""

    @property
    def linked_size(self) -> int | None:
        """The size of the file as the hub keeps it."""
        value = self.facts.get("X-Linked-Size", "")
        return int(value) if re.fullmatch(r"\d{1,15}", value) else None

    @property
    def commit(self) -> str:
        """What the revision was when it was asked for."""
        value = self.facts.get("X-Repo-Commit", "")
        return value if re.fullmatch(r"[0-9a-f]{40,64}", value) else ""


@dataclass(eq=False)
class Online:
    """A session with other machines. Use it in an `async with`. public_only: nothing in private networks is asked."""

    tokens: Tokens = field(default_factory=Tokens)
    public_only: bool = False
    agent: str = NAME
    _session: aiohttp.ClientSession | None = field(default=None, init=False, repr=False)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=connector(public_only=self.public_only),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=TIMES,
            auto_decompress=False,
            trust_env=False,  # it would send what stands in .netrc
            max_line_size=16_384,  # signed addresses are long
            max_field_size=16_384,
            headers={"User-Agent": self.agent, "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def open(
        self, source: Source, headers: Mapping[str, str] = NO_HEADERS, url: URL | None = None
    ) -> AsyncIterator[Reply]:
        """Ask for a source, or for another address of its host. Raises ModelError where there is no answer at the end
        of the redirects; one that refuses is an answer, too.
        """
        start = url or source.url
        here = start
        token = self.tokens.token_for(source)
        facts: dict[str, str] = {}
        for _ in range(MOST_REDIRECTS + 1):
            sent = dict(headers)
            if token:
                sent["Authorization"] = f"Bearer {token}"
            response = await self._ask(here, sent)
            try:
                if here.origin() == start.origin():
                    known = ("X-Linked-Size", "X-Linked-ETag", "X-Repo-Commit", "X-Error-Code")
                    facts |= {name: response.headers[name] for name in known if name in response.headers}
                if response.status not in REDIRECTS or "Location" not in response.headers:
                    yield Reply(response, facts)
                    return
                onward = _onward(here, response.headers["Location"])
            finally:
                response.close()
            if onward.origin() != here.origin():
                token = ""  # it is for that host alone, and is not sent again if the way leads back
            here = onward
        raise ModelError("too_many_redirects", f"{source.host} leads from one address to the next without end.")

    async def about(self, source: Source) -> dict[str, Any]:
        """What the hub tells of a source's repository; {} where it tells nothing, or is not the hub."""
        url = source.about
        if url is None:
            return {}
        try:
            async with self.open(source, url=url) as reply:
                data = await reply.response.content.read(LARGEST_ABOUT) if reply.response.status == 200 else b""
                while data and (more := await reply.response.content.read(LARGEST_ABOUT)):
                    data += more
                    if len(data) > LARGEST_ABOUT:
                        return {}
                told = json.loads(data) if data else {}
        except (ModelError, aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}

    async def _ask(self, url: URL, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        if self._session is None:
            raise ValueError("Online is used in an `async with`.")
        if self.public_only:
            check_literal(url)
        proxy = None if self.public_only else _proxy_for(url)
        try:
            return await self._session.get(url, headers=headers, allow_redirects=False, proxy=proxy)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise trouble(error, host_of(url)) from None


def licence_in(about: Mapping[str, Any]) -> str:
    """The licence in what the hub tells of a repository, or ""."""
    card, tags = about.get("cardData"), about.get("tags")
    told: object = None
    if isinstance(card, dict):
        told = card.get("license_name") or card.get("license")
    if not told and isinstance(tags, list):
        told = [tag[8:] for tag in tags if isinstance(tag, str) and tag.startswith("license:")]
    names = told if isinstance(told, list) else [told]
    plain = [re.sub(r"[^\w.+ -]", "", name)[:80] for name in names[:8] if isinstance(name, str)]
    return ", ".join(plain).strip()


def trouble(error: Exception, host: str) -> ModelError:
    """What went wrong on the way, in a sentence without addresses: they may hold secrets."""
    match error:
        case aiohttp.ClientSSLError():
            return ModelError(
                "untrusted", f"{host} does not prove who it is: its certificate is not valid.", status=502
            )
        case aiohttp.ClientConnectorDNSError():
            return ModelError("unreachable", f"There is no '{host}', or no network.", again=True, status=502)
        case aiohttp.ClientConnectorError():
            return ModelError("unreachable", f"{host} does not answer.", again=True, status=502)
        case TimeoutError():
            return ModelError("silent", f"{host} has said nothing for a while.", again=True, status=502)
        case aiohttp.ClientResponseError() | aiohttp.InvalidURL() | ValueError():
            return ModelError("bad_answer", f"{host} answers what is not HTTP as it should be.", status=502)
        case _:
            return ModelError("cut", f"The connection to {host} was cut.", again=True, status=502)


def refusal(source: Source, reply: Reply, *, has_token: bool) -> ModelError:
    """What a status other than success means."""
    response = reply.response
    host = host_of(response.url)
    match response.status:
        case 401 | 403:
            code = "unauthorised" if response.status == 401 else "forbidden"
            return ModelError(
                code, f"{host} does not give '{source.text}' to {_asker(has_token)}.", _way_in(source), status=502
            )
        case 404 | 410:
            hint = "Look at the page of the repository for its files." if source.kind == "hub" else ""
            return ModelError("not_found", f"{host} has no '{source.text}'.", hint, status=502)
        case 429:
            return ModelError(
                "too_often", f"{host} was asked too often.", "Try again later.",
                again=True, after=_seconds(response.headers.get("Retry-After", "")), status=502,
            )  # fmt: skip
        case status if status >= 500 or status in (408, 425):
            after = _seconds(response.headers.get("Retry-After", ""))
            return ModelError(
                "server_error", f"{host} cannot answer now (HTTP {status}).", "Try again later.",
                again=True, after=after, status=502,
            )  # fmt: skip
        case status:
            return ModelError("refused", f"{host} refuses '{source.text}' (HTTP {status}).", status=502)


def _asker(has_token: bool) -> str:
    return "the owner of your token" if has_token else "just anybody"


def _way_in(source: Source) -> str:
    match source.kind:
        case "hub":
            page = source.url.origin().join(URL(f"/{source.repo}"))
            return f"It may be private, not exist, or have terms to accept at {page}; then set HF_TOKEN to your token."
        case "civitai":
            return "It asks for an account: set CIVITAI_TOKEN to an API key of yours."
        case _:
            return "Fetch it with a browser, and put it into the folder yourself."


def _onward(url: URL, location: str) -> URL:
    """Where a redirect leads. Raises ModelError where it should not be followed."""
    refused = ModelError("bad_redirect", f"{host_of(url)} leads to an address that is not followed.", status=502)
    try:
        # Signed addresses are kept sign by sign.
        onward = url.join(URL(location, encoded=re.fullmatch(r"[\x21-\x7e]+", location) is not None))
        host, user, _ = onward.host, onward.user, onward.port
    except (ValueError, IndexError):
        raise refused from None
    is_safe = onward.scheme == "https" or (onward.scheme == "http" == url.scheme and is_loopback(onward))
    if not host or user is not None or not is_safe:
        raise refused
    return onward


def _proxy_for(url: URL) -> str | None:
    if is_loopback(url) or proxy_bypass(url.host or ""):
        return None
    return getproxies().get(url.scheme)


def _seconds(text: str) -> float:
    return min(float(text), LONGEST_WAIT) if re.fullmatch(r"\d{1,6}", text.strip()) else 0.0
