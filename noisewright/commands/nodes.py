"""`nodes [TYPE]`: the node types there are, or one of them in full."""

import argparse
import sys
from typing import Any

from graph.catalogue import Catalogue
from graph.errors import GraphError
from graph.spec import InputSpec, NodeSpec
from graph.text import nearest
from noisewright.commands.opening import catalogue_of
from noisewright.home import Home


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("nodes", help="list the node types, or describe one")
    command.add_argument("type", nargs="?", metavar="TYPE", help="the node type to describe")
    command.add_argument("--json", action="store_true", help="print the declarations as JSON")
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Print one line a node type, or everything about one."""
    catalogue = catalogue_of(home)
    if arguments.type is None:
        specs = sorted(
            (spec_of(catalogue, name) for name in catalogue.types()), key=lambda spec: (spec.category, spec.type)
        )
        if arguments.json:
            print("[" + ",\n".join(spec.model_dump_json() for spec in specs) + "]")
            return 0
        width = max(len(spec.type) for spec in specs)
        for spec in specs:
            print(f"{spec.type:{width}}  {spec.category:24}  {_first_line(spec)}")
        for pack in catalogue.packs:
            if pack.error:
                print(f"{pack.error.replace('its pack', 'The pack', 1)}.", file=sys.stderr)
        return 0
    spec = catalogue.spec(arguments.type)
    if spec is None:
        suggestion = nearest(arguments.type, catalogue.types())
        raise GraphError(
            f"There is no node type '{arguments.type}'. "
            + (f"Did you mean '{suggestion}'?" if suggestion else "`nodes` without a name lists all there are.")
        )
    print(spec.model_dump_json(indent=2) if arguments.json else page(spec))
    return 0


def _first_line(spec: NodeSpec) -> str:
    return spec.help.partition("\n")[0]


def spec_of(catalogue: Catalogue, name: str) -> NodeSpec:
    """The spec of a type the catalogue lists."""
    spec = catalogue.spec(name)
    assert spec is not None  # noqa: S101 — `types` lists what `spec` finds
    return spec


def page(spec: NodeSpec) -> str:
    """A node type's declaration as text."""
    lines = [f"{spec.type} — {spec.title} ({spec.category})", "", spec.help, "", "Inputs"]
    lines += [f"  {item.name}: {_type(item)}{f' — {item.help}' if item.help else ''}" for item in spec.inputs]
    lines += ["", "Outputs"] + [f"  {item.name}: {item.type}" for item in spec.outputs]
    if spec.output:
        lines.append("  (files)")
    return "\n".join(lines)


def _type(item: InputSpec) -> str:
    if item.source:
        text = f"a file in {item.source}"
    elif item.choices:
        text = "one of " + ", ".join(map(str, item.choices))
    else:
        text = item.type
    if item.minimum is not None or item.maximum is not None:
        text += f" from {item.minimum} to {item.maximum}"
    if not item.required and item.default is not None:
        text += f", {item.default!r} if not given"
    return text + (", optional" if item.optional else "")
