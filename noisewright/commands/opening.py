"""What every command that takes a workflow does first: find files, read the document, say what is wrong with it."""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nodes
from diffusion.precision import UnavailableError
from graph.catalogue import Catalogue
from graph.check import check
from graph.code_version import CodeVersions
from graph.digests import Digests
from graph.errors import GraphError, InvalidWorkflow
from graph.folders import Folders
from graph.problem import errors
from graph.workflow import Workflow, load, set_inputs
from noisewright.home import Home

if TYPE_CHECKING:
    from diffusion.memory import Weights


@dataclass(frozen=True)
class Opened:
    """A workflow without errors, with what it was checked against."""

    workflow: Workflow
    catalogue: Catalogue
    files: Folders


def builtin_catalogue(home: Home) -> Catalogue:
    """The node types that ship with the program."""
    return Catalogue.of(nodes.MODULES, code=CodeVersions(home.cache / "code.json"))


def folders_of(home: Home, models: list[Path], workflow: Path | None = None) -> Folders:
    """Where models and pictures are looked for: folders named on the command line, the person's own, the bundled ones.

    Pictures are looked for in the home's `input`, then in `input` beside the workflow file, then among the templates'.
    """
    beside = () if workflow is None else (workflow.absolute().parent / "input",)
    return Folders(
        models=(*models, home.models, home.bundled / "models"),
        input=(home.input, *beside, home.templates / "input"),
        digests=Digests(home.cache / "digests.db"),
    )


def open_workflow(arguments: argparse.Namespace, home: Home) -> Opened:
    """The workflow the command line names, its `--set` applied, its warnings printed. FILE `-` is standard input.

    Raises InvalidWorkflow with all problems where one of them keeps it from running.
    """
    catalogue = builtin_catalogue(home)
    standard_input = str(arguments.file) == "-"
    workflow = load(sys.stdin.buffer.read() if standard_input else arguments.file)
    workflow = set_inputs(workflow, _assignments(arguments.set), catalogue)
    files = folders_of(home, arguments.models, None if standard_input else arguments.file)
    problems = check(workflow, catalogue, files)
    if errors(problems):
        raise InvalidWorkflow(problems)
    for problem in problems:
        print(problem.sentence(), file=sys.stderr)
    return Opened(workflow, catalogue, files)


def add_file(command: argparse.ArgumentParser) -> None:
    """Declare what every command that takes a workflow takes: FILE, `--set`, `--models`."""
    command.add_argument("file", type=Path, metavar="FILE", help="a workflow file; - reads standard input")
    command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                         help="set an input: a name of the workflow's interface, NODE.INPUT, or an input only one node "
                              "has; @FILE reads text; may be given several times")  # fmt: skip
    add_models(command)


def add_models(command: argparse.ArgumentParser) -> None:
    """Declare `--models`."""
    command.add_argument("--models", type=Path, action="append", default=[], metavar="DIR",
                         help="a folder of models to search first; may be given several times")  # fmt: skip


def add_compute(command: Any) -> None:
    """Declare `--device` and `--precision`."""
    command.add_argument("--device", default="auto", help="auto, cpu, cuda[:n], mps or xpu")
    command.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"),
                         help="auto: what the device computes fast and well; fp32: the reference")  # fmt: skip


def weights_of(arguments: argparse.Namespace, *, compiled: bool = False) -> "Weights":
    """The weights of this process, on the device and in the precision the command line asks for. Loads torch."""
    from diffusion.memory import Weights

    try:
        return Weights(device=arguments.device, precision=arguments.precision, compile=compiled)
    except UnavailableError as error:
        raise GraphError(str(error)) from error


def _assignments(words: list[str]) -> dict[str, str]:
    """`NAME=VALUE` words as a mapping."""
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise GraphError(f"--set {word} has no '='. Write NAME=VALUE, for example --set seed=3.")
        pairs[name.strip()] = value
    return pairs
