"""`convert IN OUT`: a workflow of any kind that can be read, written in our format or as ComfyUI's API JSON."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from graph.atomic import atomic_write
from graph.catalogue import Catalogue
from graph.comfyui.api import to_api
from graph.errors import GraphError
from graph.flat import flatten
from graph.text import listing
from graph.workflow import Workflow, dump, load_with_problems
from noisewright.commands.opening import catalogue_of, source_of
from noisewright.home import Home


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser(
        "convert", help="read a workflow of ComfyUI, A1111 or Forge, or out of a picture, and write it as a file"
    )
    command.add_argument("source", type=Path, metavar="IN",
                         help="a workflow: ours, ComfyUI's, an infotext, or a picture that carries one; - reads "
                              "standard input")  # fmt: skip
    command.add_argument("target", type=Path, metavar="OUT",
                         help="the .json file to write; one that is there is replaced; - writes standard output"
                         )  # fmt: skip
    command.add_argument("--to", choices=("ours", "api"), default="ours",
                         help="ours: a workflow of this program (the default); api: ComfyUI's API JSON")  # fmt: skip
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Write the workflow; 0 also when something could not be mapped, which is said on stderr.

    OUT must end in .json and not be IN, so that a file named twice by mistake is not lost.
    """
    if str(arguments.target) != "-" and arguments.target.suffix.lower() != ".json":
        raise GraphError(f"'{arguments.target}' is no .json file. Name one for OUT, or - for standard output.")
    if arguments.target.exists() and arguments.source.exists() and arguments.target.samefile(arguments.source):
        raise GraphError(f"OUT is the file that is read, '{arguments.source}'. Name another one.")
    catalogue = catalogue_of(home)
    workflow, problems = load_with_problems(source_of(arguments.source), catalogue)
    text = dump(workflow) if arguments.to == "ours" else _api_text(workflow, catalogue)
    for problem in problems:
        print(problem.sentence(), file=sys.stderr)
    if str(arguments.target) == "-":
        sys.stdout.write(text)
        return 0
    try:
        atomic_write(arguments.target, text.encode())
    except OSError as error:
        raise GraphError(f"'{arguments.target}' cannot be written: {error.strerror or error}.") from error
    return 0


def _api_text(workflow: Workflow, catalogue: Catalogue) -> str:
    """The flat graph as API JSON. What has no place in it is said on stderr."""
    flat = flatten(workflow, catalogue)
    types = dict.fromkeys(node.type for node in flat.values())
    prompt = to_api(flat, {name: spec for name in types if (spec := catalogue.spec(name))}, workflow)
    if len(prompt) < len(flat):
        # Nodes of unknown types stand in it only if they came from such a file: else nobody knows their outputs' order.
        missing = sorted({node.type for node in flat.values()} - {node["class_type"] for node in prompt.values()})
        print(f"Warning: left out are the nodes of unknown types: {listing(missing)}.", file=sys.stderr)
    return json.dumps(prompt, indent=2) + "\n"
