"""What a run remembers of earlier ones: results in the cache, by key and by content, read and made good if need be."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from graph.cache import Cache, Entry
from graph.errors import CacheDamaged, GraphError
from graph.schedule import Task
from graph.work import Work

log = logging.getLogger(__name__)


WRITING_SECONDS = 10.0
"""How long the end of a long node waits at most for its result to be written."""


class Recollection:
    """The cache as one run sees it. asked: nodes whose values somebody outside asks for. output: the output folder, in
    which files that are gone are written anew; None where there is none.
    """

    def __init__(self, cache: Cache | None, asked: Iterable[str], output: Any) -> None:
        self._cache = cache
        self._asked = frozenset(asked)
        self._output = output
        self._held: dict[str, Entry] = {}
        self._damaged: set[str] = set()

    def hold(self, works: Iterable[Work]) -> Mapping[str, Entry]:
        """Take hold of what the cache has for these, so that it cannot leave before `let_go`."""
        if self._cache is not None:
            self._held = dict(self._cache.get_many({work.key for work in works if work.lasting}))
        return self._held

    def let_go(self) -> None:
        """From now on, what is found is looked up when it is asked for."""
        self._held = {}

    def find(self, task: Task) -> Entry | None:
        """The result of a task, if the cache has it and its files can be named."""
        key = task.work.key
        if self._cache is None or not task.work.lasting or key in self._damaged:
            return None
        return self._usable(task, self._held.get(key) or self._cache.get(key))

    def by_content(self, task: Task, content: str) -> Entry | None:
        """The result of a task by what its inputs hold."""
        if self._cache is None or task.work.key in self._damaged:  # under either key it would be the same again
            return None
        return self._usable(task, self._cache.get(content))

    def keep(self, work: Work, entry: Entry, content: str) -> Entry:
        """Keep a result under the keys that later runs can have, and give it with its digests."""
        if self._cache is not None:
            if work.lasting:
                return self._cache.put(work.key, entry, content)
            if content:
                return self._cache.put(content, entry)
        return entry

    def is_written(self) -> bool:
        """Wait until what was kept so far is where a killed process leaves it. False where that takes too long."""
        return self._cache is None or self._cache.flush(WRITING_SECONDS)

    def read(self, task: Task, entry: Entry) -> Entry | None:
        """The entry of a task with its values; None where they cannot be read, and the work must be done anew."""
        if entry.load is None:
            return entry
        try:
            return entry.load()
        except CacheDamaged as error:
            log.warning("The result of node '%s' is computed anew: %s", task.node, error)
            self._damaged.add(task.work.key)
            return None

    def _usable(self, task: Task, entry: Entry | None) -> Entry | None:
        """An entry whose files are there, written anew if need be, and whose values are read if somebody wants them."""
        if entry is not None and entry.missing() is not None:
            if entry.restore is None or self._output is None:
                return None
            try:
                entry = entry.restore(self._output)
            except (GraphError, OSError) as error:
                log.warning("Files that were saved before cannot be written anew: %s", error)
                return None
        return entry if entry is None or self._asked.isdisjoint(task.names) else self.read(task, entry)
