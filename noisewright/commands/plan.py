"""`plan FILE`: which nodes a run would compute, in which order, why, and how long it may take."""

import argparse
from typing import Any

from noisewright.commands.opening import add_compute, add_file, engine_of, foretold, open_workflow
from noisewright.home import Home


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("plan", help="say what a run would compute, without running it")
    add_file(command)
    add_compute(command)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Print one line a node in the order of the run: what is done, the node, its type, its time, why."""
    with engine_of(arguments, home) as engine:
        planned = foretold(engine, open_workflow(arguments, engine))
    rows = [(step.action, step.node, step.type, _time(step.seconds), step.why) for step in planned.steps]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for action, node, kind, seconds, reason in rows:
        times = (f"{seconds:>{widths[3]}}",) if widths[3] else ()
        print("  ".join([f"{action:{widths[0]}}", f"{node:{widths[1]}}", f"{kind:{widths[2]}}", *times, reason]))
    return 0


def _time(seconds: float | None) -> str:
    """How long a node took in the mean, as people say it; "" where nobody knows."""
    if seconds is None:
        return ""
    if seconds < 0.05:
        return "0 s"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
