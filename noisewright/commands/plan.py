"""`plan FILE`: which nodes a run would compute, in which order, and why."""

import argparse
from typing import Any

from graph.output_folder import OutputFolder
from graph.plan import plan
from noisewright.commands.opening import add_file, open_workflow
from noisewright.home import Home


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("plan", help="say what a run would compute, without running it")
    add_file(command)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Print one line a node in the order of the run."""
    opened = open_workflow(arguments, home)
    # Nothing computes here, so nothing is lent that would load torch; the services are only there to be asked for.
    services = {"files": opened.files, "output": OutputFolder(home.output, home.temp), "weights": None}
    planned = plan(opened.workflow, opened.catalogue, services=services)
    rows = [(step.action, step.node, step.type, step.why) for step in planned.steps]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        print("  ".join([*(text.ljust(width) for text, width in zip(row[:3], widths, strict=True)), row[3]]))
    return 0
