"""Messages to whoever wants to know that a run is over, as the Standard Webhooks specification (1.0.0) has them.

A message is owed from the moment the run is accepted: its row is there before the run is. When the run ends the row
gets its text and is due; what was missed because the server was killed in between is made up for at the next start. A
message may come twice, with the same `webhook-id`, but it comes, or ten attempts have failed.
"""

import asyncio
import base64
import binascii
import heapq
import hmac
import json
import logging
import random
import secrets
import sqlite3
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from pydantic import Field
from yarl import URL

from graph.errors import GraphError
from graph.spec import Frozen
from server.api import Refusal
from server.database import Database, StorageFailed
from server.models.error import ModelError
from server.models.reach import check_literal, connector
from server.records import OVER, Records
from server.run import Run, RunInfo, WebhookRequest
from server.settings import Settings

log = logging.getLogger(__name__)

PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 21_600.0)
"""Seconds between two attempts. One more attempt than these, and it is given up."""

JITTER = 0.2
"""By which part a pause may be longer, so that what failed together does not come back together."""

SECONDS = 10.0
"""How long an attempt may take in all."""

PER_HOST, AT_ONCE = 2, 16
"""Attempts at the same time: at one host, and altogether."""

KEPT_SECONDS = 7 * 86_400.0
"""How long it is remembered that a message was given up."""

PREFIX = "whsec_"
MASTER = "webhook_key"
"""The setting from which the keys of all owners are made."""

MISSED = f"""SELECT hooks.id, hooks.run FROM hooks LEFT JOIN runs ON runs.id = hooks.run
    WHERE hooks.state = 'held' AND (runs.id IS NULL OR runs.{OVER})"""
"""Messages whose run is over or was never accepted: the server was killed before it could say so."""

GONE = 410
"""The answer that says: never again."""


class WebhookKey(Frozen):
    """The key with which messages to a caller are signed where the request brings none."""

    key: str = Field(description="whsec_ and base64, as libraries of Standard Webhooks take it")


@dataclass(frozen=True, order=True)
class Due:
    """A message that waits. time: of its next attempt, in Unix seconds."""

    time: float
    id: str
    host: str


class Webhooks:
    """The messages of one server.

    describe: a run as clients see it. pauses: between attempts. seconds: one may take. clock: Unix seconds. chance:
    gives numbers from 0 to 1.
    """

    def __init__(
        self,
        database: Database,
        records: Records,
        settings: Settings,
        describe: Callable[[Run], RunInfo],
        *,
        pauses: Sequence[float] = PAUSES,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.public_only = not settings.private_addresses
        self.pauses = tuple(pauses)
        self.seconds = seconds
        self._database = database
        self._records = records
        self._settings = settings
        self._describe = describe
        self._clock = clock
        self._chance = chance
        self._waiting: list[Due] = []
        self._at: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)
        self._behind: defaultdict[str, deque[Due]] = defaultdict(deque)
        self._awake = asyncio.Event()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what is owed, and begin to deliver."""
        for hook, run_id in await self._rows(MISSED):
            run = await self._records.full(run_id)
            if run is None:
                await self._forget(hook)
            else:
                await self.ended(run)
        await self._forget_old()
        if self._settings.offline:
            return
        self._waiting = [
            Due(when, hook, _host(url))
            for hook, when, url in await self._rows("SELECT id, next, url FROM hooks WHERE state = 'due'")
        ]
        heapq.heapify(self._waiting)
        self._session = aiohttp.ClientSession(
            connector=connector(public_only=self.public_only),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self.seconds),
            auto_decompress=False,
            trust_env=False,
        )
        self._task = asyncio.create_task(self._deliver(), name="webhooks")

    async def close(self) -> None:
        """Break off. What was not delivered is tried again after the next start."""
        tasks = [task for at in self._at.values() for task in at] + ([self._task] if self._task is not None else [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def key(self, owner: str) -> str:
        """The key for messages to an owner. It stays the same."""
        return await self._database.write(lambda connection: _key_of(connection, owner), durable=True)

    async def follow(
        self,
        asked: WebhookRequest | None,
        owner: str,
        base: str,
        submit: Callable[[str, dict[str, Any] | None], Awaitable[Run]],
    ) -> Run:
        """Submit a run, with a message owed at its end where one was asked for.

        base: the address under which the caller sees the server; "": messages have relative addresses. submit: takes
        the id of the run and its `hook`. Raises Refusal 422 for an address that no message goes to, and what `submit`
        raises.
        """
        run_id = uuid.uuid4().hex
        if asked is None:
            return await submit(run_id, None)
        self.check(asked)
        hook = f"msg_{secrets.token_hex(16)}"
        secret = asked.secret.get_secret_value() if asked.secret is not None else ""
        now = self._clock()

        def insert(connection: sqlite3.Connection) -> None:
            signed_with = secret or _key_of(connection, owner)
            connection.execute(
                "INSERT INTO hooks (id, run, next, state, url, secret, body) VALUES (?, ?, ?, 'held', ?, ?, '')",
                (hook, run_id, now, asked.url, signed_with),
            )

        await self._database.write(insert)
        try:
            run = await submit(run_id, {"id": hook, "base": base})
        except BaseException:
            await self._forget(hook)
            raise
        if run.id != run_id:  # it was there before
            await self._forget(hook)
        return run

    def check(self, asked: WebhookRequest) -> None:
        """Raise Refusal 422 where no message would go to an address, or where its secret is none."""
        if self._settings.offline:
            raise Refusal(422, "offline", "This server sends no webhooks: it is offline.", "Ask for the run instead.")
        try:
            url = URL(asked.url)
            host, port, user = url.host, url.port, url.user
        except ValueError:
            url, host, port, user = URL(), None, None, None
        if url.scheme not in ("http", "https") or not host or not port or user is not None:
            raise Refusal(
                422,
                "bad_webhook",
                "The webhook's url is no plain http or https address.",
                "As https://example.org/done.",
            )
        if self.public_only:
            try:
                check_literal(url)
            except ModelError as error:
                raise Refusal(422, "private_address", "The webhook's url is not of the open internet.") from error
        if asked.secret is not None and _raw(asked.secret.get_secret_value()) is None:
            raise Refusal(422, "bad_webhook", "The webhook's secret is not `whsec_` and the base64 of 24 to 64 bytes.")

    async def ended(self, run: Run) -> None:
        """A run is over: its message is due."""
        if run.hook is None or "id" not in run.hook:
            return
        hook, now = str(run.hook["id"]), self._clock()
        body = json.dumps(_message(run, self._describe(run), str(run.hook.get("base", "")), now), ensure_ascii=False)

        def release(connection: sqlite3.Connection) -> str | None:
            statement = (
                "UPDATE hooks SET state = 'due', next = ?, body = ? WHERE id = ? AND state = 'held' RETURNING url"
            )
            found = connection.execute(statement, (now, body, hook)).fetchall()
            return found[0][0] if found else None

        url = await self._database.write(release, durable=run.private)
        if url is not None:
            self._wait(Due(now, hook, _host(url)))

    # Inside

    def _wait(self, due: Due) -> None:
        heapq.heappush(self._waiting, due)
        self._awake.set()

    async def _deliver(self) -> None:
        while True:
            self._awake.clear()
            now = self._clock()
            longest = max(self.pauses, default=0.0) * (1 + JITTER) + 1
            # A clock that was put back does not let it wait longer than it ever would.
            while self._waiting and not 0 < self._waiting[0].time - now <= longest:
                self._begin(heapq.heappop(self._waiting))
            pause = self._waiting[0].time - now if self._waiting else None
            with suppress(TimeoutError):
                # Not `wait_for`: where the event is set as the task is cancelled, it forgets the cancelling (3.11).
                async with asyncio.timeout(pause):
                    await self._awake.wait()

    def _begin(self, due: Due) -> None:
        at = self._at[due.host]
        if len(at) >= PER_HOST:
            self._behind[due.host].append(due)
            return
        task = asyncio.create_task(self._attempt(due), name="webhook")
        at.add(task)
        task.add_done_callback(lambda done: self._ended_at(due.host, done))

    def _ended_at(self, host: str, task: asyncio.Task[None]) -> None:
        self._at[host].discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("A webhook could not be kept account of", exc_info=task.exception())
        if task.cancelled():
            return
        if behind := self._behind[host]:
            self._begin(behind.popleft())
        elif not self._at[host]:
            del self._at[host], self._behind[host]

    async def _attempt(self, due: Due) -> None:
        found = await self._rows("SELECT attempts, url, secret, body FROM hooks WHERE id = ?", due.id)
        if not found:
            return
        attempts, url, secret, body = found[0]
        async with self._turns:
            fault, final = await self._sent(due.id, url, secret, body)
        if not fault:
            await self._forget(due.id, private=_is_private(body))
            return
        attempts += 1
        if final or attempts > len(self.pauses):
            log.warning("A webhook to %s was given up after %d attempts: %s", due.host, attempts, fault)
            if _is_private(body):
                await self._forget(due.id, private=True)
            else:
                await self._note(due.id, attempts, self._clock(), "given_up", fault)
            return
        pause = self.pauses[attempts - 1] * (1 + JITTER * self._chance())
        again = self._clock() + pause
        log.info("A webhook to %s failed (%s); the next attempt is in %.0f s", due.host, fault, pause)
        with suppress(StorageFailed):  # it is tried again all the same; only the count is lost
            await self._note(due.id, attempts, again, "due", fault)
        self._wait(Due(again, due.id, due.host))

    async def _sent(self, hook: str, url: str, secret: str, body: str) -> tuple[str, bool]:
        """Why an attempt failed, "" if it did not; whether there is no sense in another. Never says the address."""
        assert self._session is not None
        address, data, now = URL(url), body.encode(), int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "noisewright",
            "webhook-id": hook,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(secret, hook, now, data),
        }
        try:
            if self.public_only:
                check_literal(address)
            async with self._session.post(address, data=data, headers=headers, allow_redirects=False) as answer:
                status = answer.status
                answer.close()  # what it says is nobody's business
        except TimeoutError:
            return f"no answer within {self.seconds:g} s", False
        except ModelError as error:
            return error.code, False
        except (aiohttp.ClientError, OSError, ValueError, GraphError) as error:
            return type(error).__name__, False
        return ("", False) if 200 <= status < 300 else (f"HTTP {status}", status == GONE)

    async def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return await self._database.read(lambda connection: connection.execute(statement, values).fetchall())

    async def _note(self, hook: str, attempts: int, when: float, state: str, fault: str) -> None:
        statement = "UPDATE hooks SET attempts = ?, next = ?, state = ?, last_error = ? WHERE id = ?"
        row = (attempts, when, state, fault, hook)
        await self._database.write(lambda connection: connection.execute(statement, row).rowcount)

    async def _forget(self, hook: str, *, private: bool = False) -> None:
        work = self._database.forget if private else self._database.write
        await work(lambda connection: connection.execute("DELETE FROM hooks WHERE id = ?", (hook,)).rowcount)

    async def _forget_old(self) -> None:
        before = self._clock() - KEPT_SECONDS
        statement = "DELETE FROM hooks WHERE state = 'given_up' AND next < ?"
        await self._database.write(lambda connection: connection.execute(statement, (before,)).rowcount)


def signature(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: "v1," and the base64 of the HMAC-SHA256 of "id.timestamp.body"."""
    signed = f"{message}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(_raw(secret) or b'', signed, 'sha256')).decode()}"


def _raw(secret: str) -> bytes | None:
    """The bytes of a secret; None for what is none."""
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if secret.startswith(PREFIX) and 24 <= len(raw) <= 64 else None


def _key_of(connection: sqlite3.Connection, owner: str) -> str:
    fresh = json.dumps(secrets.token_hex(32))
    connection.execute("INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (MASTER, fresh))
    (text,) = connection.execute("SELECT value FROM settings WHERE key = ?", (MASTER,)).fetchone()
    key = hmac.digest(bytes.fromhex(json.loads(text)), owner.encode("utf-8", "replace"), "sha256")
    return PREFIX + base64.b64encode(key).decode()


def _message(run: Run, info: RunInfo, base: str, now: float) -> dict[str, Any]:
    """What is told at the end of a run. Of a private one: that it is over, and how."""
    data: dict[str, Any] = {"id": run.id, "state": run.state, "private": run.private}
    if not run.private:
        data |= info.model_dump(mode="json", include={"app", "title", "error", "seconds", "labels", "seeds"})
        data["files"] = [file.model_dump() | {"url": f"{base}{file.url}"} for file in info.files]
    stamp = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": f"run.{run.state}", "timestamp": stamp, "data": data}


def _is_private(body: str) -> bool:
    return bool(json.loads(body)["data"]["private"])


def _host(url: str) -> str:
    return URL(url).host or ""
