"""What every command that takes a workflow does first: find files, read the document, say what is wrong with it."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import nodes
from graph.catalogue import Catalogue
from graph.check import Problem
from graph.digests import Digests
from graph.folders import Folders
from graph.workflow import Workflow, load, set_inputs
from noisewright.home import Home


def builtin_catalogue() -> Catalogue:
    """The node types that ship with the program."""
    return Catalogue.of(nodes.MODULES)


def folders_of(home: Home, arguments: argparse.Namespace, workflow: Path | None = None) -> Folders:
    """Where models and pictures are looked for: folders named on the command line, the person's own, the bundled ones.

    Pictures are looked for in the home's `input`, then beside the workflow file and in `input` beside it.
    """
    beside = () if workflow is None else (workflow.parent / "input", workflow.parent)
    return Folders(
        models=(*arguments.models, home.models, home.bundled / "models"),
        input=(home.input, *beside, home.templates / "input"),
        digests=Digests(home.cache / "digests.db"),
    )


def open_workflow(arguments: argparse.Namespace, catalogue: Catalogue) -> Workflow:
    """The workflow file the command line names, with its `--set` applied. `-` reads stdin."""
    workflow = load(sys.stdin.read() if str(arguments.file) == "-" else arguments.file)
    return set_inputs(workflow, assignments(getattr(arguments, "set", ())), catalogue)


def assignments(words: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` words as a mapping. Exits with code 2 where one has no `=`."""
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            print(f"Error: --set {word}: write it as NAME=VALUE, for example --set seed=3.", file=sys.stderr)
            raise SystemExit(2)
        pairs[name.strip()] = value
    return pairs


def tell(problems: Iterable[Problem]) -> None:
    """Print problems on stderr, one paragraph each."""
    for problem in problems:
        print(problem.sentence(), file=sys.stderr)


def add_file(command: argparse.ArgumentParser) -> None:
    """Declare the argument FILE and `--set`."""
    command.add_argument("file", type=Path, metavar="FILE", help="a workflow file; - reads standard input")
    command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                         help="set an input: a name of the workflow's interface, NODE.INPUT, or an input only one node "
                              "has; @FILE reads text; may be given several times")  # fmt: skip
