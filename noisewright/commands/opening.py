"""What every command that takes a workflow does first: build the engine, read the document, say what is wrong."""

import argparse
import math
import sys
from pathlib import Path
from typing import Any

from graph.catalogue import Catalogue
from graph.errors import GraphError
from graph.layouts import check_roots
from graph.plan import Plan
from graph.text import nearest
from noisewright import catalogue
from noisewright.engine import Engine, Opened
from noisewright.home import Home

OPTIONS = ("models", "output", "device", "precision", "memory", "idle_unload", "compile", "metadata", "guard",
           "time_limit")  # fmt: skip
"""Arguments of the command line that go to the engine as they are, where a command has them."""


def engine_of(arguments: argparse.Namespace, home: Home) -> Engine:
    """The engine, built as the command line asks."""
    check_roots(getattr(arguments, "models", ()))
    options: dict[str, Any] = {name: getattr(arguments, name) for name in OPTIONS if hasattr(arguments, name)}
    if getattr(arguments, "no_cache", False):
        options["keep"] = "nothing"
    return Engine(data=home.data, tell=_said, **options)


def _said(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def catalogue_of(home: Home, *, again: bool = False) -> Catalogue:
    """The node types there are. What takes time is said on stderr. again: look at every pack anew."""
    return catalogue.catalogue_of(home, again=again, tell=_said)


def open_workflow(arguments: argparse.Namespace, engine: Engine) -> Opened:
    """The workflow the command line names, its `--set` applied, its warnings printed. FILE `-` is standard input.

    Raises InvalidWorkflow with all problems where one of them keeps it from running.
    """
    source = source_of(arguments.file)
    opened = engine.open(source, settings=_assignments(arguments.set))
    for problem in opened.problems:
        print(problem.sentence(), file=sys.stderr)
    return opened


def foretold(engine: Engine, opened: Opened) -> Plan:
    """What a run of it would compute. What a person should know before that is said on stderr."""
    planned = engine.plan(opened)
    for sentence in engine.foresee(planned):
        _said(f"warning: {sentence}")
    return planned


def source_of(path: Path) -> Path | bytes:
    """The file of that path, or for `-` what standard input holds.

    Raises GraphError where there is no such file, with the one of its folder that was probably meant.
    """
    if str(path) == "-":
        return sys.stdin.buffer.read()
    place = path.expanduser()
    if place.is_dir():
        inside = sorted(item.name for item in place.glob("*.json"))
        example = f" in it, such as '{inside[0]}'" if inside else ""
        raise GraphError(f"'{path}' is a folder. Name a file{example}.")
    if not place.exists():
        close = nearest(path.name, [item.name for item in place.parent.glob("*.json")])
        raise GraphError(f"There is no file '{path}'." + (f" Did you mean '{path.with_name(close)}'?" if close else ""))
    return place


def add_file(command: argparse.ArgumentParser) -> None:
    """Declare what every command that takes a workflow takes: FILE, `--set`, `--models`."""
    command.add_argument("file", type=Path, metavar="FILE",
                         help="a workflow: ours, ComfyUI's, an infotext, or a picture that carries one; - reads "
                              "standard input")  # fmt: skip
    command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                         help="set an input: a name of the workflow's interface, NODE.INPUT, or an input only one node "
                              "has; @FILE reads text; may be given several times")  # fmt: skip
    add_models(command)


def add_models(command: argparse.ArgumentParser) -> None:
    """Declare `--models`."""
    command.add_argument("--models", type=Path, action="append", default=[], metavar="PATH",
                         help="a folder of models to search first, or an extra_model_paths.yaml; may be given "
                              "several times")  # fmt: skip


def add_compute(command: Any) -> None:
    """Declare `--device`, `--precision` and `--memory`."""
    command.add_argument("--device", default="auto", help="auto, cpu, cuda[:n], mps or xpu")
    command.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"),
                         help="auto: what the device computes fast and well; fp32: the reference")  # fmt: skip
    command.add_argument("--memory", default="auto", metavar="AMOUNT",
                         help="what weights and computing may take on the device: auto (what is free, less a tenth), "
                              "or an amount such as 6GB")  # fmt: skip


def add_making(command: argparse.ArgumentParser) -> None:
    """Declare what every command that runs a workflow takes: how it computes, and what it writes where."""
    add_compute(command)
    command.add_argument("--compile", action="store_true", help="compile the denoiser: slow to begin, faster to repeat")
    command.add_argument(
        "--output", type=Path, metavar="DIR", help="where files are written, instead of the home's output"
    )
    command.add_argument("--metadata", default="full", choices=("full", "minimal", "none"),
                         help="what pictures carry: the workflow and a run record, only the mark of generated media, "
                              "or nothing")  # fmt: skip
    command.add_argument("--idle-unload", type=_seconds, metavar="SECONDS",
                         help="let weights leave memory after so long without use; without it they stay")  # fmt: skip
    command.add_argument("--guard", action="store_true", help="let a node fail that changes one of its inputs")
    command.add_argument("--time-limit", type=_seconds, metavar="SECONDS",
                         help="let a node fail that takes longer; without it, a node takes as long as it takes"
                         )  # fmt: skip


def _seconds(word: str) -> float:
    """A time above zero."""
    try:
        seconds = float(word)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"'{word}' is no number of seconds above 0")
    return seconds


def _assignments(words: list[str]) -> dict[str, str]:
    """`NAME=VALUE` words as a mapping."""
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise GraphError(f"--set {word} has no '='. Write NAME=VALUE, for example --set seed=3.")
        pairs[name.strip()] = value
    return pairs
