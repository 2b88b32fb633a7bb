"""`models list|get|find|verify|rm|starting-points`: the model files there are, and more of them from elsewhere."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graph.errors import GraphError
from graph.layouts import check_roots
from noisewright import __version__
from noisewright.commands.opening import add_models
from noisewright.commands.serve import places_of
from noisewright.home import NAME, Home
from server.settings import read_settings

if TYPE_CHECKING:
    from pydantic import BaseModel

    from server.models.download import Download, Got, Progress
    from server.models.inventory import Inventory, ModelInfo
    from server.models.source import Source

FAILED = 1

AT_FAULT = (400, 404, 409, 422)
"""Statuses of errors that lie in what was asked: exit code 2."""


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("models", help="list model files, fetch, find, verify or remove them")
    what = command.add_subparsers(dest="what", required=True, metavar="list|get|find|verify|rm|starting-points")
    listed = what.add_parser("list", help="the models there are: name, size, family, licence")
    listed.add_argument("folder", nargs="?", default="", metavar="FOLDER", help="only these: checkpoints, vae, loras …")
    got = what.add_parser("get", help="fetch a model; prints its path")
    got.add_argument("source", metavar="SOURCE", help="https://…, hf:owner/repo/file@revision, or civitai:VERSION")
    got.add_argument("--folder", default="", help="the folder it belongs in; without it, seen from the file")
    got.add_argument("--name", default="", help="its name there; without it, as the source names it")
    got.add_argument("--sha256", default="", metavar="HEX", help="the digest it must have")
    got.add_argument("--replace", action="store_true", help="put it over another file of that name")
    got.add_argument("--yes", action="store_true", help="do not ask before going online")
    got.add_argument("--offline", action="store_true", default=None, help="never go online")
    found = what.add_parser("find", help="what a name, the beginning of a digest, or a part of a name means")
    found.add_argument("text", metavar="TEXT")
    verified = what.add_parser("verify", help="read models anew and compare them with what was fetched")
    verified.add_argument("names", nargs="*", metavar="NAME", help="these; without names, all")
    removed = what.add_parser("rm", help="remove a model from your own models folder")
    removed.add_argument("name", metavar="NAME", help="with its folder where it takes that: loras/ink.safetensors")
    removed.add_argument("--yes", action="store_true", help="do not ask")
    points = what.add_parser("starting-points", help="well-known models to begin with")
    points.add_argument("--memory", type=float, metavar="GB", help="only those that need no more")
    for part in (listed, found, verified):
        add_models(part)
    for part in (listed, found, verified, points):
        part.add_argument("--json", action="store_true", help="print the answer as JSON")
    for part in what.choices.values():
        part.add_argument("--data", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Do what was asked. 1 where a download failed, a model is damaged, or nothing was found."""
    from server.models.error import ModelError

    doing: dict[str, Callable[[argparse.Namespace, Home], int]] = {
        "list": _list, "get": _get, "find": _find, "verify": _verify, "rm": _remove, "starting-points": _points,
    }  # fmt: skip
    try:
        return doing[arguments.what](arguments, home)
    except ModelError as error:
        if error.status in AT_FAULT:
            raise
        print(f"Error: {error}", file=sys.stderr)
        return FAILED


def _list(arguments: argparse.Namespace, home: Home) -> int:
    infos = _inventory(arguments, home).list(arguments.folder)
    _print_models(infos, as_json=arguments.json)
    if not infos:
        print("There are none. `models starting-points` names some to begin with.", file=sys.stderr)
    return 0


def _find(arguments: argparse.Namespace, home: Home) -> int:
    finding = _inventory(arguments, home).find(arguments.text)
    if arguments.json:
        print(finding.model_dump_json())
    else:
        _print_models(finding.models, as_json=False)
    if finding.models:
        return 0
    hint = f" Did you mean '{finding.suggestion}'?" if finding.suggestion else ""
    print(f"There is no model '{arguments.text}'.{hint}", file=sys.stderr)
    return FAILED


def _verify(arguments: argparse.Namespace, home: Home) -> int:
    inventory = _inventory(arguments, home)
    items = [inventory.one(name) for name in arguments.names] if arguments.names else inventory.shelved()

    def tell(info: "ModelInfo") -> None:
        print(f"Reading {info.folder}/{info.name} ({_size(info.size)}) …", file=sys.stderr, flush=True)

    verdicts = []
    for verdict in inventory.verify(items, tell):
        verdicts.append(verdict)
        if not arguments.json:
            print(f"{verdict.state:10}  {verdict.folder}/{verdict.name}  {verdict.message}".rstrip(), flush=True)
    if arguments.json:
        _print_json(verdicts)
    return FAILED if any(verdict.state in ("damaged", "unreadable") for verdict in verdicts) else 0


def _remove(arguments: argparse.Namespace, home: Home) -> int:
    inventory = _inventory(arguments, home)
    item = inventory.one(arguments.name)
    name = f"{item.info.folder}/{item.info.name}"
    if item.info.own and not arguments.yes and not _agreed(f"Remove {name} ({_size(item.info.size)})?"):
        print("Nothing was removed.", file=sys.stderr)
        return FAILED
    inventory.remove(item)
    print(name)
    return 0


def _points(arguments: argparse.Namespace, home: Home) -> int:
    from server.models.starting_points import suggestions

    points = suggestions(arguments.memory)
    if arguments.json:
        _print_json(points)
        return 0
    for point in points:
        runs = "" if point.runs else "  (not run by this version yet)"
        print(f"{point.title}{runs}")
        print(f"  {point.good_for}")
        print(f"  {point.size_gb:g} GB, needs {point.memory_gb:g} GB of memory, licence {point.licence}")
        print(f"  models get {point.source} --folder {point.folder}")
    return 0


def _get(arguments: argparse.Namespace, home: Home) -> int:
    from server.models.consent import Consents
    from server.models.download import Download, Wanted
    from server.models.online import Online
    from server.models.source import read_source

    settings = read_settings({"offline": arguments.offline}, home.data / "settings.toml")
    consents = Consents(home.data / "online.json", offline=settings.offline)
    source = read_source(arguments.source)
    allowed = consents.covers(source)
    online = Online(agent=f"{NAME}/{__version__}")
    wanted = Wanted(source, arguments.folder, arguments.name, arguments.sha256.lower(), arguments.replace)
    with _telling() as tell:
        download = Download(wanted, _inventory(arguments, home), online, tell=tell)
        if not allowed and not arguments.yes and not _agreed(_question(source, download)):
            raise GraphError("Nothing was fetched. --yes answers where nobody can.")
        if not allowed:
            consents.give(source)
        try:
            got = asyncio.run(_fetched(download, online))
        except KeyboardInterrupt:
            print("What was fetched stays; the same command goes on with it.", file=sys.stderr)
            raise
    if not got.fetched:
        print(f"It is here already: {got.folder}/{got.name}.", file=sys.stderr)
    else:
        licence = got.card.licence or "unknown"
        print(f"Its licence: {licence}. Its SHA-256: {got.card.sha256}.", file=sys.stderr)
    if got.warning:
        print(f"Mind: {got.warning}", file=sys.stderr)
    print(got.path)
    return 0


async def _fetched(download: "Download", online: Any) -> "Got":
    async with online:
        return await download.run()


def _question(source: "Source", download: "Download") -> str:
    from server.models.starting_points import point_of

    point = point_of(source.text)
    known = f" It has about {point.size_gb:g} GB; licence: {point.licence}." if point else ""
    name = f"'{source.text}'"
    return f"Fetching {name} goes online, to {source.host}.{known} Later ones from there are not asked about. Go on?"


def _agreed(question: str) -> bool:
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@contextmanager
def _telling() -> "Iterator[Callable[[Progress], None]]":
    """A bar on stderr where it is a terminal; else what changes, as lines."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bars = Bars(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    task = None
    told = ""

    def tell(progress: "Progress") -> None:
        nonlocal task, told
        if progress.state == "fetching" and task is None:
            licence = f", licence {progress.licence}" if progress.licence else ""
            place = f"{progress.folder}/{progress.name}"
            bars.console.print(f"Fetching {place} ({_size(progress.total)}{licence})", markup=False, highlight=False)
            bars.start()
            task = bars.add_task(progress.name, total=progress.total or None)
        if task is not None:
            bars.update(task, completed=progress.done, total=progress.total or None)
        if progress.message and progress.message != told:
            bars.console.print(progress.message, markup=False, highlight=False)
        told = progress.message

    try:
        yield tell
    finally:
        bars.stop()


def _inventory(arguments: argparse.Namespace, home: Home) -> "Inventory":
    from server.models.inventory import Inventory

    folders = tuple(getattr(arguments, "models", ()))
    check_roots(folders)
    settings = read_settings({"models": folders or None}, home.data / "settings.toml")
    return Inventory(places_of(home, settings))


def _print_models(infos: "Iterable[ModelInfo]", *, as_json: bool) -> None:
    infos = tuple(infos)
    if as_json:
        _print_json(infos)
        return
    names = [f"{info.folder}/{info.name}" for info in infos]
    width = max(map(len, names), default=0)
    for name, info in zip(names, infos, strict=True):
        print(f"{name:{width}}  {_size(info.size):>8}  {info.family or '-':8}  {info.licence or '-'}".rstrip())


def _print_json(models: "Iterable[BaseModel]") -> None:
    print(json.dumps([model.model_dump(mode="json") for model in models]))


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
