"""Where long nodes left off: the last state each yielded, lent to it as `resume` when it is asked for the same work."""

import hashlib
import json
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Protocol

from graph.atomic import atomic_write
from graph.codec import Codecs, content_digest, pieces_of
from graph.complaints import Complaints

log = logging.getLogger(__name__)

WRITE_SECONDS = 2.0
"""How often the state of one node is written to disk, at most."""

KEPT, KEPT_SECONDS = 32, 14 * 24 * 3600
"""How many states of unfinished work stay on disk, and for how long."""

PART_SECONDS = 3600
"""A file in the making this old was left behind by a process that was ended."""

SUFFIX = ".state"


class States(Protocol):
    """Keeps states by the key of the work they belong to. Safe to use from several threads."""

    def save(self, key: str, state: object) -> None:
        """Keep this state; it takes the place of the one before."""
        ...

    def load(self, key: str) -> object | None:
        """The last state of that work, or None."""
        ...

    def drop(self, key: str) -> None:
        """Forget the state of that work: it is finished, or cannot go on from it."""
        ...


class MemoryStates:
    """States of this process. limit: of how many nodes; the oldest go first."""

    def __init__(self, limit: int = 8) -> None:
        self._limit = limit
        self._states: OrderedDict[str, object] = OrderedDict()
        self._lock = Lock()

    def save(self, key: str, state: object) -> None:
        """Keep this state; it takes the place of the one before."""
        with self._lock:
            self._states[key] = state
            self._states.move_to_end(key)
            while len(self._states) > self._limit:
                self._states.popitem(last=False)

    def load(self, key: str) -> object | None:
        """The last state of that work, or None."""
        with self._lock:
            return self._states.get(key)

    def drop(self, key: str) -> None:
        """Forget the state of that work."""
        with self._lock:
            self._states.pop(key, None)

    def __len__(self) -> int:
        return len(self._states)


class DiskStates:
    """States that outlive the process: a run that was ended by force goes on from at most some seconds before.

    folder: several processes may share it. codecs: what has no codec stays in memory. limit: how many states are held
    in memory; clock: in seconds. Nothing that goes wrong on disk is more than a line in the log.
    """

    def __init__(
        self, folder: Path, codecs: Codecs, limit: int = 8, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._codecs = codecs
        self._clock = clock
        self._memory = MemoryStates(limit)
        self._complain = Complaints(log)
        self._written: dict[str, float] = {}
        self._unwritten: set[str] = set()
        self._names: set[str] | None = None
        self._lock = Lock()

    def save(self, key: str, state: object) -> None:
        """Keep this state; it takes the place of the one before, on disk if that was written long enough ago."""
        self._memory.save(key, state)
        now = self._clock()
        with self._lock:
            if now - self._written.get(key, float("-inf")) < WRITE_SECONDS:
                self._unwritten.add(key)
                return
            self._written[key] = now
            self._unwritten.discard(key)
        self._write(key, state)

    def load(self, key: str) -> object | None:
        """The last state of that work, of this process or another, or None."""
        state = self._memory.load(key)
        return state if state is not None else self._read(key)

    def drop(self, key: str) -> None:
        """Forget the state of that work."""
        self._memory.drop(key)
        name = _name(key)
        with self._lock:
            self._written.pop(key, None)
            self._unwritten.discard(key)
            names = self._found()
            if name not in names:
                return
            names.discard(name)
        self._delete(name)

    def flush(self) -> None:
        """Write every state that is newer than what is on disk."""
        with self._lock:
            keys, self._unwritten = self._unwritten, set()
        for key in keys:
            state = self._memory.load(key)
            if state is not None:
                self._write(key, state)

    def clear(self) -> None:
        """Forget all states on disk."""
        with self._lock:
            names, self._names = self._found(), None
            self._written.clear()
        for name in names:
            self._delete(name)

    def _write(self, key: str, state: object) -> None:
        encoded = self._codecs.encode(state)
        if encoded is None or not encoded.stored:
            return
        head = json.dumps([key, encoded.codec, encoded.digest]).encode()
        name = _name(key)
        try:
            atomic_write(self._folder / name, b"".join((head, b"\n", *pieces_of(encoded.data))))
        except OSError as error:
            self._complain("The state of a long node is not kept in '%s': %s", self._folder, error)
            return
        with self._lock:
            self._found().add(name)

    def _read(self, key: str) -> object | None:
        """The state on disk; one that is not what was written is deleted."""
        path = self._folder / _name(key)
        try:
            head, _, data = path.read_bytes().partition(b"\n")
            own, codec, digest = json.loads(head)
            if own != key or content_digest(codec, data) != digest:
                raise ValueError("it is not what was written")
            return self._codecs.decode(codec, data)
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 — a pack's codec may raise anything
            self._complain("The state '%s' cannot be read, and its work begins anew: %s", path, error)
            self._delete(path.name)
            return None

    def _found(self) -> set[str]:
        """The names of states on disk, the old ones pruned when this is first asked."""
        if self._names is None:
            ages: dict[str, float] = {}
            with suppress(OSError), os.scandir(self._folder) as files:
                for file in files:
                    with suppress(OSError):
                        age = time.time() - file.stat().st_mtime
                        if file.name.endswith(SUFFIX):
                            ages[file.name] = age
                        elif file.name.endswith(".part") and age > PART_SECONDS:
                            self._delete(file.name)
            newest = sorted(ages, key=ages.__getitem__)[:KEPT]
            self._names = {name for name in newest if ages[name] <= KEPT_SECONDS}
            for name in ages.keys() - self._names:
                self._delete(name)
        return self._names

    def _delete(self, name: str) -> None:
        with suppress(OSError):
            (self._folder / name).unlink()


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32] + SUFFIX
