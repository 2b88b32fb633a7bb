"""What packs bring, kept as JSON, so that a process knows their node types without importing one.

A pack is imported anew, in a child process, when its files, our declaring code or Python have changed. One that raises,
kills its process or never returns is an entry with its error, which is kept like any other: it is tried again when
something was installed or removed since, and otherwise once a day.
"""

import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from graph.atomic import atomic_write
from graph.code_version import CodeVersions
from graph.pack_spec import PackSpec, described, unusable
from graph.packs import Place, Sources, enter, find_packs

log = logging.getLogger(__name__)

FORMAT = 1
"""Of the stored file; raise it when its shape changes."""

PATIENCE_SECONDS = 60.0
"""How long one pack may take to be imported before it is taken to never return."""

RETRY_SECONDS = 24 * 3600
"""After this long a pack that could not be imported is tried again."""

LOOK_SECONDS = 0.02
"""How often the child is looked after."""

TRANSIENT = (".log", ".tmp", ".lock", ".part", ".db", ".sqlite", ".pyc")
"""Files that come and go by themselves and decide nothing."""

ENDED = "its process ended"

CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from graph.stored_packs import answer
answer(sys.argv[2], sys.argv[3])
"""


def stored_packs(
    path: Path,
    sources: Sources,
    code: CodeVersions | None = None,
    *,
    again: bool = False,
    patience: float = PATIENCE_SECONDS,
    tell: Callable[[str], None] = lambda name: None,
) -> tuple[PackSpec, ...]:
    """All packs there are: from the file `path` as far as that is up to date; the others are imported in a child.

    again: import all of them. patience: seconds one import may take. tell: is told the name of each that is imported.
    """
    places = find_packs(sources)
    if not places:
        return ()
    enter(places, sources)
    code = code or CodeVersions()
    environment, now = _environment(), time.time()
    stamps = {place.name: _stamp(place, sources, code) for place in places}
    kept = {} if again else _read(path)
    known: dict[str, PackSpec] = {}
    for place in places:
        spec = _current(kept.get(place.name), stamps[place.name], environment, now)
        if spec is not None:
            known[place.name] = spec
    stale = [place for place in places if place.name not in known]
    if stale or kept.keys() != stamps.keys():
        fresh = dict(zip((place.name for place in stale), _described(stale, sources, patience, tell), strict=True))
        entries = {
            name: {"stamp": stamp, "environment": environment, "time": now, "pack": fresh[name].model_dump(mode="json")}
            if name in fresh
            else kept[name]
            for name, stamp in stamps.items()
        }
        _write(path, entries)
        known |= fresh
    return tuple(known[place.name] for place in places)


def answer(asked: str, result: str) -> None:
    """In the child: import the packs that the file `asked` names, and add a line to `result` as each one is done.

    Ends the process at once: threads that a pack has left running do not keep it.
    """
    data = json.loads(Path(asked).read_text(encoding="utf-8"))
    sources = Sources(**{name: _paths(value) for name, value in data["sources"].items()})
    places = [Place(**{**place, "path": Path(place["path"])}) for place in data["places"]]
    enter(places, sources)
    with open(result, "a", encoding="utf-8") as lines:
        lines.write("\n")  # from here on it is a pack that takes time
        lines.flush()
        for place in places:
            lines.write(json.dumps(described(place, sources).model_dump(mode="json")) + "\n")
            lines.flush()
    os._exit(0)


def _paths(value: Any) -> Any:
    return tuple(map(Path, value)) if isinstance(value, list) else value


def _stamp(place: Place, sources: Sources, code: CodeVersions) -> str:
    """What a pack's specs depend on: where it is, its files, the code that declares and reads it, Python."""
    ours = [code.declaring(name) for name in ("graph.pack_spec", sources.adapter.partition(":")[0]) if name]
    facts = [FORMAT, sys.version, ours, [str(item) for item in asdict(place).values()], _files(place.path)]
    if place.module:
        facts.append(code.declaring(place.module))
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _files(path: Path) -> list[tuple]:
    """The files of a pack: of Python files size and time; of others, which a pack may rewrite at will, the names."""
    if path.is_file():
        return [_seen(path)]
    found: list[tuple] = []
    for folder, inside, names in os.walk(path):
        inside[:] = sorted(name for name in inside if not name.startswith((".", "__pycache__", "node_modules")))
        for name in sorted(names):
            if name.endswith(".py"):
                found.append(_seen(Path(folder, name)))
            elif not name.startswith(".") and not name.endswith(TRANSIENT):
                found.append((os.path.join(folder, name),))
    return found


def _seen(file: Path) -> tuple:
    try:
        status = file.stat()
    except OSError:
        return (str(file),)
    return (str(file), status.st_size, status.st_mtime_ns)


def _environment() -> str:
    """What changes when something is installed or removed: the folders of installed packages."""
    places = [Path(name) for name in sys.path if name.rstrip("/\\").endswith(("site-packages", "dist-packages"))]
    facts = [sys.executable, [(str(place), place.stat().st_mtime_ns) for place in places if place.is_dir()]]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _current(entry: Any, stamp: str, environment: str, now: float) -> PackSpec | None:
    """A stored pack, if it is up to date."""
    try:
        if entry["stamp"] != stamp:
            return None
        spec = PackSpec.model_validate(entry["pack"])
        tried = entry["environment"] == environment and 0 <= now - entry["time"] < RETRY_SECONDS
    except (ValueError, KeyError, TypeError):
        return None
    return spec if tried or not (spec.error or spec.errors) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    packs = data.get("packs") if isinstance(data, dict) and data.get("format") == FORMAT else None
    return packs if isinstance(packs, dict) else {}


def _write(path: Path, entries: Mapping[str, Any]) -> None:
    try:
        atomic_write(path, json.dumps({"format": FORMAT, "packs": entries}).encode())
    except OSError as error:
        log.warning("What the packs bring cannot be kept in '%s': %s", path, error)


def _described(
    places: Sequence[Place], sources: Sources, patience: float, tell: Callable[[str], None]
) -> list[PackSpec]:
    """What these packs bring, from children: one for all, and after each pack that ends its child another."""
    done: list[PackSpec] = []
    while len(done) < len(places):
        specs, problem = _Child(places[len(done) :], sources, patience, tell).run()
        done += specs
        if problem and len(done) < len(places):
            done.append(unusable(places[len(done)], f"cannot be imported: {problem}"))
    for spec in done:
        if spec.error:
            log.warning("Pack '%s' in '%s': %s\n%s", spec.name, spec.path, spec.error, spec.traceback)
    return done


@dataclass
class _Child:
    """A process that imports packs one after another."""

    places: Sequence[Place]
    sources: Sources
    patience: float
    tell: Callable[[str], None]

    def run(self) -> tuple[list[PackSpec], str]:
        """What it said of the packs, in order, and why it ended before the last, or ""."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
            folder = Path(name)
            asked, result = folder / "asked.json", folder / "result.jsonl"
            result.touch()
            facts = {"sources": asdict(self.sources), "places": [asdict(place) for place in self.places]}
            asked.write_text(json.dumps(facts, default=str), encoding="utf-8")
            with (folder / "stderr").open("wb") as stderr:
                problem = self._wait(asked, result, stderr)
            if problem.startswith(ENDED):
                last = (folder / "stderr").read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
                problem += f": {last}" if last else ""
            lines = result.read_text(encoding="utf-8").splitlines(keepends=True)[1:]
            return [PackSpec.model_validate(json.loads(line)) for line in lines if line.endswith("\n")], problem

    def _wait(self, asked: Path, result: Path, stderr: Any) -> str:
        """Let the child work, as long as each pack comes in time. Gives why it ended early, or ""."""
        words = [sys.executable, "-c", CHILD, json.dumps(sys.path), str(asked), str(result)]
        try:
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
        except OSError as error:
            return f"no process can be started with '{sys.executable}': {error}"
        count, since, patience = -1, time.monotonic(), PATIENCE_SECONDS
        try:
            while True:
                ended = None
                with suppress(subprocess.TimeoutExpired):
                    ended = child.wait(LOOK_SECONDS)
                done = result.read_bytes().count(b"\n") - 1
                if done > count:
                    for place in self.places[count + 1 : done + 1]:
                        self.tell(place.name)
                    count, since, patience = done, time.monotonic(), self.patience
                if done == len(self.places):
                    return ""
                if ended is not None:
                    return f"{ENDED} with {ended}"
                if time.monotonic() - since > patience:
                    return f"it did not return within {patience:g} s"
        finally:
            child.kill()
            child.wait()
