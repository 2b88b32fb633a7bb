"""`packs list [NAME]` and `packs new NAME`: the packs there are, and a new one to begin with."""

import argparse
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Any

from graph.catalogue import Catalogue
from graph.document import SUBGRAPH
from graph.errors import GraphError
from graph.pack_spec import PackSpec
from graph.spec import NodeSpec
from graph.text import meant
from noisewright.commands.opening import catalogue_of
from noisewright.home import Home

SUFFIX = ".template"

WORDS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "nodes": ("node type", "node types"),
    "samplers": ("sampler", "samplers"),
    "schedulers": ("scheduler", "schedulers"),
    "families": ("family", "families"),
    "values": ("class of values", "classes of values"),
    "templates": ("template", "templates"),
    "errors": ("node type that cannot be used", "node types that cannot be used"),
})  # fmt: skip
"""What packs bring, one and several."""


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("packs", help="list the packs of nodes, or begin a new one")
    what = command.add_subparsers(dest="what", required=True, metavar="list|new")
    listed = what.add_parser("list", help="what each pack brings, and what is wrong with it")
    listed.add_argument("name", nargs="?", metavar="NAME", help="tell everything about this one")
    listed.add_argument("--again", action="store_true", help="import every pack anew, also those that failed before")
    new = what.add_parser("new", help="write a pack with a node, its test and a workflow; prints its folder")
    new.add_argument("name", metavar="NAME", help="small letters, digits and _")
    new.add_argument("--to", type=Path, metavar="DIR", help="the folder to put it in, instead of the home's packs")
    for part in (listed, new):
        part.add_argument("--data", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """List packs, or write a new one."""
    if arguments.what == "new":
        print(new_pack(arguments.name, arguments.to or home.packs))
        return 0
    catalogue = catalogue_of(home, again=arguments.again)
    packs = {pack.name: pack for pack in catalogue.packs}
    if arguments.name is not None:
        if arguments.name not in packs:
            raise GraphError(f"There is no pack '{arguments.name}'. {meant(arguments.name, packs)}")
        print("\n".join(_page(packs[arguments.name], catalogue)))
        return 0
    width = max((len(name) for name in packs), default=0)
    for name, pack in packs.items():
        print(f"{name:{width}}  {_line(pack, catalogue)}")
    if not packs:
        print(f"There are no packs in '{home.packs}' or '{home.custom_nodes}'.", file=sys.stderr)
    return 0


def new_pack(name: str, folder: Path) -> Path:
    """Write a pack with a node, its test and a workflow into a folder of packs, and give its folder.

    Raises GraphError for a name that is taken, or is no name of a Python package, and where it cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == SUBGRAPH.rstrip("/"):
        raise GraphError(f"A pack cannot be named '{name}'. Use small letters, digits and _, as in 'acme_filters'.")
    folder = folder.expanduser().absolute()
    place = folder / name
    if folder.exists() and not folder.is_dir():
        raise GraphError(f"'{folder}' is a file. Name the folder that shall hold the pack.")
    if place.exists():
        raise GraphError(f"There is '{place}' already. Choose another name, or move it away.")
    if importlib.util.find_spec(name) is not None:
        raise GraphError(f"'{name}' is the name of an installed Python module. Choose another name.")
    words = {
        "pack": name,
        "Pack": "".join(word.capitalize() for word in name.split("_")),
        "pythonpath": json.dumps([".."] + _path_to_ourselves(place)),
    }
    for source, relative in _files(files("noisewright") / "pack_template"):
        target = place / relative.removesuffix(SUFFIX).replace("/pack.json", f"/{name}.json")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(Template(source.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
        except OSError as error:
            reason = error.strerror or error
            raise GraphError(
                f"The pack cannot be written into '{folder}': {reason}. Name another with --to."
            ) from error
    return place


def _files(folder: Traversable, path: str = "") -> Iterator[tuple[Traversable, str]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _files(item, f"{path}{item.name}/")
        elif item.name.endswith(SUFFIX):
            yield item, path + item.name


def _path_to_ourselves(place: Path) -> list[str]:
    """Where tests find us: the checkout, as seen from the pack, unless we are installed as others are."""
    root = Path(__file__).resolve().parents[2]
    if root.name in ("site-packages", "dist-packages"):
        return []
    try:
        return [os.path.relpath(root, place.resolve()).replace(os.sep, "/")]
    except ValueError:  # on another drive
        return [root.as_posix()]


def _line(pack: PackSpec, catalogue: Catalogue) -> str:
    if pack.error:
        return _complaint(pack)
    brought = {"nodes": _specs(pack, catalogue), **pack.names, "templates": pack.templates, "errors": pack.errors}
    return ", ".join(
        f"{len(items)} {WORDS[kind][len(items) != 1]}" for kind, items in brought.items() if items or kind == "nodes"
    )


def _specs(pack: PackSpec, catalogue: Catalogue) -> list[NodeSpec]:
    """The node types of a pack that can be used."""
    specs = (catalogue.spec(name) for name in catalogue.types())
    return [spec for spec in specs if spec is not None and spec.pack == pack.name]


def _complaint(pack: PackSpec) -> str:
    """Why a pack brings nothing, after its name."""
    return pack.error.removeprefix(f"its pack '{pack.name}' ")


def _page(pack: PackSpec, catalogue: Catalogue) -> Iterator[str]:
    """Everything about one pack."""
    kinds = {"folder": "a pack", "distribution": "an installed distribution", "adapted": "a pack written for ComfyUI"}
    yield f"{pack.name} {pack.version}".rstrip() + f" — {kinds[pack.kind]} in {pack.path}"
    if pack.error:
        yield f"\nIt {_complaint(pack)}.\n\n{pack.traceback}".rstrip()
        yield from (f"  {name}" for name in pack.lacking)
        return
    specs = _specs(pack, catalogue)
    width = max((len(spec.type) for spec in specs), default=0)
    yield from (f"  {spec.type:{width}}  {spec.help.partition(chr(10))[0]}".rstrip() for spec in specs)
    for kind, names in pack.names.items():
        yield f"  {kind}: {', '.join(names)}"
    yield from (f"  {path}" for path in pack.templates)
    yield from (f"  {name}: {reason}" for name, reason in pack.errors.items())
    prefix = f"{pack.name}/"
    yield from (
        f"  {reason}"
        for name, reason in catalogue.errors.items()
        if name.startswith(prefix) and name.removeprefix(prefix) not in pack.errors
    )
    yield from pack.notes
