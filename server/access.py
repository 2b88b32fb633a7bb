"""Who may do what: tokens with scopes, and the sessions of browsers that showed one.

A token is 256 random bits. The database keeps its SHA-256 alone, which is enough for a secret nobody can guess; the
token itself is told once, when it is made. A session is a secret of the same kind in a cookie, and ends with its token.
"""

import asyncio
import contextlib
import hashlib
import hmac
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Self

from graph.errors import GraphError
from server.api import Caller, Refusal
from server.database import Database, StorageFailed
from server.limits import Attempts
from server.settings import Settings

SESSION_SECONDS = 30 * 86_400.0
"""How long a browser stays logged in."""

USED_EVERY = 60.0
"""Seconds between two notes of a token's use."""

SHORT = 16
"""Characters below which a token somebody chose is called short."""

MOST_TOKENS = 1000
MOST_SESSIONS = 200
"""Sessions of one token; the oldest ends when another begins."""

OPEN = Caller()
"""Whoever asks where no token is needed."""


@dataclass(frozen=True)
class Grant:
    """What a token or a session gives. id: of a session, its token's, a dot, and its own. times: in Unix seconds."""

    id: str
    name: str
    scopes: tuple[str, ...]
    owner: str
    created: float
    used: float | None = None
    expires: float | None = None

    @property
    def caller(self) -> Caller:
        """Who has it."""
        return Caller(self.owner, frozenset(self.scopes))

    @property
    def is_session(self) -> bool:
        """Whether it is a browser's."""
        return "." in self.id

    def is_of(self, token: str) -> bool:
        """Whether it is the token of this id, or a session of it."""
        return self.id == token or self.id.startswith(f"{token}.")


class Access:
    """Tokens, sessions, and whether any are asked for. All of them are held in memory, by digest.

    is_open: no token is asked for. shown: the token made at this start, to be told once; "": none was made.
    notes: what whoever starts the server should know, in sentences.
    """

    def __init__(self, database: Database, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.is_open = not is_token_needed(settings)
        self.shown = ""
        self.notes = tuple(_notes(settings))
        self.attempts = Attempts()
        self._database = database
        self._clock = clock
        self._configured: tuple[bytes, Grant] | None = None
        if settings.token is not None:
            secret = _checked(settings.token.get_secret_value())
            # The id changes with the token: sessions of an earlier one are nobody's.
            name = f"configured-{_digest(_digest(secret))[:16]}"
            self._configured = _raw_digest(secret), Grant(name, "configured", ("admin",), "local", clock())
        self._grants: dict[str, Grant] = {}
        self._ids: dict[str, str] = {}  # by digest
        self._holding: dict[str, set[asyncio.Transport]] = {}

    @classmethod
    async def open(cls, database: Database, settings: Settings, clock: Callable[[], float] = time.time) -> Self:
        """Read what there is; make a token if one is needed and there is none with the scope admin.

        Raises GraphError for a configured token that is none.
        """
        access = cls(database, settings, clock)
        rows = await database.read(
            lambda connection: connection.execute(
                "SELECT digest, id, name, scopes, owner, created, used, expires FROM tokens"
            ).fetchall()
        )
        for digest, key, name, scopes, owner, created, used, expires in rows:
            access._grants[key] = Grant(key, name, tuple(json.loads(scopes)), owner, created, used, expires)
            access._ids[digest] = key
        await access._tidy()
        if (
            not access.is_open
            and access._configured is None
            and not any("admin" in grant.scopes for grant in access.tokens())
        ):
            _, access.shown = await access.create("first", ("admin",))
        return access

    def tokens(self) -> list[Grant]:
        """The tokens that hold, oldest first; no sessions, and not the configured one."""
        held = [grant for grant in self._grants.values() if not grant.is_session and self._holds(grant)]
        return sorted(held, key=lambda grant: grant.created)

    async def create(
        self, name: str, scopes: Iterable[str], *, seconds: float | None = None, owner: str = ""
    ) -> tuple[Grant, str]:
        """A new token: what it gives, and the token, which is nowhere to be read again.

        seconds: how long it holds; None: until it is revoked. owner: whose its rows are; "": everybody's ("local"), but
        with published workflows alone its own. Raises Refusal 409 where there are too many.
        """
        if len(self.tokens()) >= MOST_TOKENS:
            raise Refusal(409, "too_many_tokens", f"There are {MOST_TOKENS} tokens.", "Revoke some.")
        key, scopes = secrets.token_hex(6), tuple(dict.fromkeys(scopes))
        if not owner:
            owner = f"token-{key}" if Caller("", frozenset(scopes)).is_guest else "local"
        now = self._clock()
        grant = Grant(key, name, scopes, owner, now, None, None if seconds is None else now + seconds)
        return grant, await self._keep(grant)

    async def revoke(self, token: str, but: asyncio.Transport | None = None) -> None:
        """End a token, its sessions, and the connections that stand by it, but for one: to answer on.

        Raises Refusal 404 for an unknown id.
        """
        if "." in token or token not in self._grants:
            raise Refusal(404, "no_token", f"There is no token '{token[:100]}'.")
        await self._end([grant for grant in self._grants.values() if grant.is_of(token)], but)

    async def login(self, token: str, address: str) -> tuple[Grant, str]:
        """A session for whoever shows a token: what it gives, and the cookie's value.

        Raises Refusal 401 for a token that does not hold, 429 for an address that failed too often.
        """
        source = self.find(token, address)
        if source is None or source.is_session:
            raise self.refusal(address)
        now = self._clock()
        await self._tidy()
        mine = sorted(
            (g for g in self._grants.values() if g.is_session and g.is_of(source.id)), key=lambda g: g.created
        )
        await self._end(mine[: max(0, len(mine) - MOST_SESSIONS + 1)])
        ends = now + SESSION_SECONDS if source.expires is None else min(source.expires, now + SESSION_SECONDS)
        session = replace(source, id=f"{source.id}.{secrets.token_hex(6)}", created=now, used=None, expires=ends)
        return session, await self._keep(session)

    async def logout(self, session: str, but: asyncio.Transport | None = None) -> None:
        """End a session, if it is one, and its connections but for one. session: the cookie's value."""
        grant = self.session(session)
        if grant is not None:
            await self._end([grant], but)

    def session(self, value: str) -> Grant | None:
        """What a cookie's value gives."""
        grant = self._stored(value)
        return grant if grant is not None and grant.is_session and self._has_source(grant) else None

    def find(self, token: str, address: str) -> Grant | None:
        """What a token gives. A failure is counted against the address.

        A configured token, which people choose, cannot be guessed on from an address that failed too often; a made one
        cannot be guessed at all, so it holds whatever others of its address do.
        """
        grant = self._stored(token)
        if grant is not None and not grant.is_session:
            return grant
        if self._configured is not None and not self.attempts.wait(address):
            digest, configured = self._configured
            if hmac.compare_digest(_raw_digest(token), digest):
                return configured
        if not self.is_open:
            self.attempts.failed(address)
        return None

    def refusal(self, address: str) -> Refusal:
        """The answer to a token that does not hold."""
        wait = self.attempts.wait(address)
        if wait:
            return Refusal(
                429,
                "too_many_attempts",
                "Too many tokens from this address were wrong.",
                f"Wait {wait:.0f} seconds.",
                headers={"Retry-After": str(int(wait) + 1)},
            )
        return Refusal(401, "wrong_token", "This token does not hold: it is unknown, revoked or too old.")

    async def note_use(self, grant: Grant) -> None:
        """Keep when a token was used last, once in a while."""
        now = self._clock()
        if grant.id not in self._grants or abs(now - (grant.used or 0.0)) < USED_EVERY:
            return
        self._grants[grant.id] = replace(grant, used=now)
        # A full disk is no reason to shut people out.
        with contextlib.suppress(StorageFailed):
            await self._database.write(
                lambda connection: connection.execute("UPDATE tokens SET used = ? WHERE id = ?", (now, grant.id))
            )

    @contextlib.contextmanager
    def holding(self, grant: Grant, transport: asyncio.Transport | None) -> Iterator[None]:
        """While a request is served: its connection is cut when its token or session ends."""
        if transport is None:
            yield
            return
        held = self._holding.setdefault(grant.id, set())
        held.add(transport)
        try:
            yield
        finally:
            held.discard(transport)
            if not held:
                self._holding.pop(grant.id, None)

    def _stored(self, secret: str) -> Grant | None:
        grant = self._grants.get(self._ids.get(_digest(secret), ""))
        return grant if grant is not None and self._holds(grant) else None

    def _holds(self, grant: Grant) -> bool:
        return grant.expires is None or self._clock() < grant.expires

    def _has_source(self, session: Grant) -> bool:
        source = session.id.partition(".")[0]
        if self._configured is not None and self._configured[1].id == source:
            return True
        return source in self._grants and self._holds(self._grants[source])

    async def _keep(self, grant: Grant) -> str:
        secret = secrets.token_urlsafe(32)
        row = (
            grant.id,
            grant.name,
            _digest(secret),
            json.dumps(grant.scopes),
            grant.owner,
            grant.created,
            grant.used,
            grant.expires,
        )

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO tokens (id, name, digest, scopes, owner, created, used, expires)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

        await self._database.write(insert, durable=True)
        self._grants[grant.id] = grant
        self._ids[_digest(secret)] = grant.id
        return secret

    async def _end(self, grants: Iterable[Grant], but: asyncio.Transport | None = None) -> None:
        ended = {grant.id for grant in grants}
        if not ended:
            return
        await self._database.write(
            lambda connection: connection.executemany("DELETE FROM tokens WHERE id = ?", [(key,) for key in ended]),
            durable=True,
        )
        self._grants = {key: grant for key, grant in self._grants.items() if key not in ended}
        self._ids = {digest: key for digest, key in self._ids.items() if key not in ended}
        for key in ended:
            for transport in self._holding.pop(key, set()) - {but}:
                transport.abort()

    async def _tidy(self) -> None:
        # What is over, and sessions whose token is gone.
        await self._end(
            [
                grant
                for grant in self._grants.values()
                if not self._holds(grant) or (grant.is_session and not self._has_source(grant))
            ]
        )


def is_token_needed(settings: Settings) -> bool:
    """Whether a server with these settings asks for a token: if others than this machine can reach it, or if one is
    configured. With a proxy to be trusted others reach it, whatever the address.
    """
    if settings.no_token:
        return False
    return settings.token is not None or not settings.is_loopback or bool(settings.trusted_proxies)


def _notes(settings: Settings) -> Iterator[str]:
    reachable = not settings.is_loopback or bool(settings.trusted_proxies)
    if settings.no_token and reachable:
        yield (
            f"WARNING: --no-token: whoever reaches {settings.host} can run everything, read and delete every file of"
            " the program, and, through packs, do what you can do on this machine."
        )
    if not settings.is_loopback and settings.scheme == "http" and not settings.trusted_proxies:
        yield "Tokens and pictures travel unencrypted: set --tls-certificate and --tls-key, or use a proxy with TLS."
    if settings.token is not None and len(settings.token.get_secret_value()) < SHORT:
        yield f"The configured token has fewer than {SHORT} characters: it can be guessed."


def _checked(token: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise GraphError("The configured token is empty or has other than printable ASCII characters.")
    return token


def _raw_digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _digest(secret: str) -> str:
    return _raw_digest(secret).hex()
