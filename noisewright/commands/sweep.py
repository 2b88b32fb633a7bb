"""`sweep FILE`: run a workflow with every combination of some settings, and report on it."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from graph.document import Link
from graph.errors import GraphError
from noisewright.commands.listening import listening
from noisewright.commands.opening import add_file, add_making, engine_of, open_workflow
from noisewright.engine import Opened
from noisewright.home import Home
from noisewright.sweep import Varied, combinations, seeds, sweep, target, values_of
from noisewright.sweep_report import Heading, report_to


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("sweep", help="run a workflow with every combination of some settings")
    add_file(command)
    command.add_argument("--vary", action="append", default=[], metavar="NAME=VALUES",
                         help="an input and its values: a,b,c (\"a, b\",c where one holds a comma), @FILE with one a "
                              "line, or a range of numbers: 1..5, 0.5..1.0:0.1; may be given several times, the last "
                              "changes fastest")  # fmt: skip
    command.add_argument("--seeds", type=int, metavar="N", help="N seeds, counting up from the workflow's")
    command.add_argument("--report", type=Path, action="append", default=[], metavar="FILE",
                         help="write a report: .html with thumbnails, or .csv; may be given several times")  # fmt: skip
    add_making(command)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Run all combinations; 0 when all were made, 1 when one failed."""
    failed = 0
    with ExitStack() as open_:
        engine = open_.enter_context(engine_of(arguments, home))
        opened = open_workflow(arguments, engine)
        vary = _varied(arguments, opened)
        listen = open_.enter_context(listening())
        rows = open_.enter_context(closing(sweep(engine, opened, vary, listen)))
        heading = _heading(arguments, opened, vary, engine.weights.explain)
        reports = [open_.enter_context(report_to(path, heading)) for path in arguments.report]
        for row in rows:
            failed += bool(row.error)
            for report in reports:
                report.add(row)
    if failed:
        print(f"{failed} of {combinations(vary)} runs failed.", file=sys.stderr)
    return 1 if failed else 0


def _varied(arguments: argparse.Namespace, opened: Opened) -> Varied:
    """What varies. Raises GraphError where nothing does."""
    vary: dict[str, Sequence[Any]] = {}
    for word in arguments.vary:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not equals:
            raise GraphError(f"--vary {word} has no '='. Write NAME=A,B,C, for example --vary steps=10,20.")
        if name in vary:
            raise GraphError(f"'{name}' varies twice. Give all its values at once: --vary {name}=A,B,C.")
        vary[name] = values_of(opened.workflow, name, text, opened.catalogue)
    if arguments.seeds is not None:
        name, values = seeds(opened.workflow, arguments.seeds, opened.catalogue)
        if name in vary:
            raise GraphError(f"'{name}' varies twice. Give --seeds or --vary {name}=…, not both.")
        vary[name] = values
    if not vary:
        raise GraphError("Nothing varies. Give --vary NAME=A,B,C or --seeds N, or use 'run'.")
    return vary


def _heading(arguments: argparse.Namespace, opened: Opened, vary: Varied, explain: str) -> Heading:
    """What the report is about: the workflow, and what stays as it is of its interface and of what was set."""
    workflow, fixed = opened.workflow, {}
    varied = {target(workflow, name, opened.catalogue) for name in vary}
    given = [word.partition("=")[0].strip() for word in arguments.set]
    for name in dict.fromkeys((*given, *(item.name for item in workflow.interface.inputs))):
        place = target(workflow, name, opened.catalogue)
        value = workflow.nodes[place[0]].inputs.get(place[1])
        if place not in varied and value is not None and not isinstance(value, Link):
            fixed[name] = value
    source = "standard input" if str(arguments.file) == "-" else arguments.file.name
    return Heading(workflow.title or source, vary, fixed, (source, explain))
