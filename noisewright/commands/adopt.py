"""`adopt PATH`: what a folder of ComfyUI, A1111 or Forge holds, and what of it can be used here. Changes nothing."""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisewright.commands.opening import catalogue_of
from noisewright.home import Home

if TYPE_CHECKING:
    from noisewright.adopting import Progress

PICTURES = 200
"""How many of the newest pictures are looked at, unless told otherwise."""


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser(
        "adopt", help="say which models, workflows and packs of ComfyUI, A1111 or Forge can be used here"
    )
    command.add_argument("path", type=Path, metavar="PATH",
                         help="an installation, a folder of models, or an extra_model_paths.yaml; nothing in it is "
                              "changed, and nothing of it runs")  # fmt: skip
    command.add_argument("--pictures", type=_count, default=PICTURES, metavar="N",
                         help=f"search so many of its newest pictures for workflows ({PICTURES})")  # fmt: skip
    command.add_argument("--all", action="store_true", help="show lists in full")
    command.add_argument("--json", action="store_true", help="print the report as JSON")
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Print the report; 0 where something was found."""
    from noisewright.adopting import adopt  # here, so that other commands start without it

    with _progress_bars() as progress:
        report = adopt(arguments.path, home, catalogue_of(home), pictures=arguments.pictures, progress=progress)
    if arguments.json:
        print(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
        return 0
    from rich.console import Console

    from noisewright.adopting.page import page

    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=True)
    for line in page(report, home, everything=arguments.all):
        console.print(line.text, style=line.style or None)
    return 0


@contextmanager
def _progress_bars() -> Iterator["Progress"]:
    """Progress bars on stderr where it is a terminal, nothing where it is not."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(f"Looking at {stage}", total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield show


def _count(word: str) -> int:
    """A number of pictures, 0 or more."""
    if not word.isdecimal():
        raise argparse.ArgumentTypeError(f"'{word}' is no number of pictures")
    return int(word)
