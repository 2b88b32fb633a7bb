"""The node types there are, as a server knows them: data that a worker brought, kept for the next start."""

import asyncio
import gzip
import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from graph.atomic import atomic_write
from graph.catalogue import Catalogue
from graph.spec import Frozen, NodeSpec
from server.api import Refusal
from server.redaction import without_paths

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 30.0
"""How long a request waits for the first worker of all to bring a catalogue."""


class PackInfo(Frozen):
    """A pack, as clients see it.

    nodes: the ids under which its node types are used. error: why nothing of it can be used. errors: why a single node
    type cannot. notes: what a person should know. brings: what else it adds, kind → names. path and traceback: only
    for those who may do everything.
    """

    name: str
    kind: str
    version: str
    nodes: list[str]
    error: str
    errors: dict[str, str]
    notes: list[str]
    brings: dict[str, list[str]]
    path: str = ""
    traceback: str = ""


class CatalogueInfo(Frozen):
    """All node types. revision: changes whenever anything of it does. errors: why a type, or a module, is missing."""

    revision: str
    nodes: dict[str, NodeSpec]
    errors: dict[str, str]
    packs: list[PackInfo]


class Edition:
    """One state of the catalogue, and what is made of it once."""

    def __init__(self, revision: str, catalogue: Catalogue) -> None:
        self.revision = revision
        self.catalogue = catalogue

    @cached_property
    def encoded(self) -> bytes:
        """JSON of its `CatalogueInfo`. 400 types take about 10 ms."""
        found = self.catalogue
        nodes = {name: spec for name in found.types() if (spec := found.spec(name)) is not None}
        errors = {name: without_paths(text) for name, text in found.errors.items()}
        info = CatalogueInfo(revision=self.revision, nodes=nodes, errors=errors, packs=packs_of(found))
        return info.model_dump_json(by_alias=True).encode()

    @cached_property
    def compressed(self) -> bytes:
        """The same by gzip."""
        return gzip.compress(self.encoded, 6, mtime=0)


class LiveCatalogue:
    """What node types there are, before any worker runs and while workers bring more. Safe to use from any thread.

    path: where the last one is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._edition: Edition | None = None
        self._waiting: list[asyncio.Future[Edition]] = []
        self._lock = Lock()

    @property
    def current(self) -> Catalogue | None:
        """The catalogue, or None before the very first worker has looked."""
        return self._edition.catalogue if self._edition else None

    @property
    def revision(self) -> str:
        """SHA-256 of the current one; "" where there is none."""
        return self._edition.revision if self._edition else ""

    def load(self) -> None:
        """Take the one that was kept, if there is one that can be read. 400 types take about 15 ms; nothing else is
        imported.
        """
        try:
            data = json.loads(self._path.read_bytes())
            given = data["catalogue"]
            revision = revision_of(given)
            catalogue = Catalogue.from_json(given)
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("The stored catalogue cannot be used (%s); a worker will bring one.", type(error).__name__)
            return
        self._become(Edition(revision, catalogue))

    def bring(self, data: Mapping[str, Any]) -> bool:
        """Take what a worker found: `Catalogue.to_json()`. True: it differs from what was known, and is kept.

        What is no catalogue, such as one of another version of the program, is a line in the log. 400 types take about
        15 ms, or 5 ms if nothing changed.
        """
        try:
            revision = revision_of(data)
            if revision == self.revision:
                return False
            catalogue = Catalogue.from_json(data)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.error("What a worker brought is no catalogue: %s: %s", type(error).__name__, error)  # noqa: TRY400
            return False
        self._become(Edition(revision, catalogue))
        try:
            atomic_write(self._path, json.dumps({"revision": revision, "catalogue": data}).encode())
        except OSError as error:
            log.warning("The catalogue cannot be kept for the next start: %s", error.strerror or error)
        return True

    def encoded(self) -> bytes:
        """JSON of the current one for clients, a `CatalogueInfo`; made once. Raises Refusal 503 where there is none."""
        if self._edition is None:
            raise _not_ready()
        return self._edition.encoded

    async def get(self, patience: float = PATIENCE_SECONDS) -> Catalogue:
        """The catalogue; at the very first start wait for it, up to `patience` seconds.

        Raises Refusal 503 if none comes.
        """
        return (await self.edition(patience)).catalogue

    async def edition(self, patience: float = PATIENCE_SECONDS) -> Edition:
        """The catalogue with its revision and its texts. Waits, and refuses, as `get` does."""
        with self._lock:
            if self._edition is not None:
                return self._edition
            coming: asyncio.Future[Edition] = asyncio.get_running_loop().create_future()
            self._waiting.append(coming)
        try:
            return await asyncio.wait_for(coming, patience)
        except TimeoutError:
            raise _not_ready() from None
        finally:
            with self._lock:
                if coming in self._waiting:
                    self._waiting.remove(coming)

    def _become(self, edition: Edition) -> None:
        with self._lock:
            self._edition = edition
            waiting, self._waiting = self._waiting, []
        for coming in waiting:
            with suppress(RuntimeError):  # its loop has ended
                coming.get_loop().call_soon_threadsafe(_settle, coming, edition)


def revision_of(data: Mapping[str, Any]) -> str:
    """SHA-256 of the JSON of a catalogue, whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def packs_of(catalogue: Catalogue, *, everything: bool = False) -> list[PackInfo]:
    """The packs, also those that cannot be used. everything: with folders and tracebacks; else no absolute path."""
    used: dict[str, list[str]] = {}
    for name in catalogue.types():
        spec = catalogue.spec(name)
        if spec is not None and spec.pack:
            used.setdefault(spec.pack, []).append(name)

    def told(text: str) -> str:
        return text if everything else without_paths(text)

    return [
        PackInfo(
            name=told(pack.name),
            kind=pack.kind,
            version=pack.version,
            nodes=used.get(pack.name, []),
            error=told(pack.error),
            errors={name: told(text) for name, text in pack.errors.items()},
            notes=[told(note) for note in pack.notes],
            brings={kind: list(names) for kind, names in pack.names.items()},
            path=pack.path if everything else "",
            traceback=pack.traceback if everything else "",
        )
        for pack in catalogue.packs
    ]


def _not_ready() -> Refusal:
    return Refusal(
        503,
        "catalogue_not_ready",
        "The node types are not known yet: no worker has read them so far.",
        "Ask again in a few seconds; the server's log tells if a worker cannot start.",
        headers={"Retry-After": "5"},
    )


def _settle(coming: asyncio.Future[Edition], edition: Edition) -> None:
    if not coming.done():
        coming.set_result(edition)
