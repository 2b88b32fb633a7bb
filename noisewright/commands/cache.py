"""`cache stats|verify|clear`: what is kept of earlier runs, so that it need not be computed again."""

import argparse
import dataclasses
import json
from contextlib import closing
from typing import Any

from graph.codec import Codecs
from graph.disk_cache import DiskCache
from graph.states import DiskStates
from noisewright.home import Home


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("cache", help="look at the results kept on disk, verify them, or remove them")
    command.add_argument("action", choices=("stats", "verify", "clear"),
                         help="stats: how much there is; verify: read everything and remove what is damaged; clear: "
                              "remove all results, and the states of unfinished runs")  # fmt: skip
    command.add_argument("--json", action="store_true", help="print the answer as JSON")
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Print what there is, was found or was removed. 1 where something was damaged."""
    with closing(disk_cache(home, Codecs())) as cache:
        if arguments.action == "stats":
            _print(dataclasses.asdict(cache.stats()), as_json=arguments.json)
            return 0
        if arguments.action == "clear":
            before = cache.stats()
            cache.clear()
            disk_states(home, Codecs()).clear()
            _print({"removed_entries": before.entries, "removed_bytes": before.bytes}, as_json=arguments.json)
            return 0
        found = cache.verify()
        _print(dataclasses.asdict(found), as_json=arguments.json)
        return 1 if found.damaged or not found.sound else 0


def disk_cache(home: Home, codecs: Codecs, limit: int | None = None) -> DiskCache:
    """The results of this home. Close it at the end."""
    return DiskCache(home.results, codecs, limit)


def disk_states(home: Home, codecs: Codecs) -> DiskStates:
    """Where the long nodes of this home left off."""
    return DiskStates(home.states, codecs)


def _print(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts, default=str))
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):{width}}  {_shown(name, value)}")


def _shown(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith(("bytes", "limit")):
        return _size(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
