"""`run FILE`: run a workflow here, without a server."""

import argparse
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

from graph.events import Event, RunFinished
from noisewright.commands.listening import Listener, listening
from noisewright.commands.opening import add_file, add_making, engine_of, foretold, open_workflow
from noisewright.engine import Opened
from noisewright.home import Home

EXIT_CODES = {"done": 0, "failed": 1, "cancelled": 130}


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("run", help="run a workflow; prints the path of each file it writes")
    add_file(command)
    add_making(command)
    command.add_argument("--events", choices=("jsonl",), help="print every event as one line of JSON instead of paths")
    command.add_argument("--no-cache", action="store_true", help="keep no results")
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Run the workflow; 0 when all its outputs were made, 1 when one failed."""
    with engine_of(arguments, home) as engine:
        opened = open_workflow(arguments, engine)
        foretold(engine, opened)
        with closing(engine.events(opened)) as events, listening(arguments.events, _writes(opened)) as listener:
            return EXIT_CODES[_listen(events, listener)]


def _writes(opened: Opened) -> Callable[[str], bool]:
    """Whether a node of the document is an output node: what others show is for editors."""

    def writes(path: str) -> bool:
        node = opened.workflow.node_at(path)
        spec = opened.catalogue.spec(node.type) if node is not None else None
        return spec is not None and spec.output

    return writes


def _listen(events: Iterable[Event], listener: Listener) -> str:
    status = "failed"
    for event in events:
        listener(event)
        if isinstance(event, RunFinished):
            status = event.status
    return status
