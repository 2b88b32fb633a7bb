"""`run FILE`: run a workflow here, without a server."""

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from diffusion.values import describe, size_in_bytes
from graph.cache import MemoryCache
from graph.events import Event, NodeFailed, NodeFinished, NodeProgress, NodeStarted, RunFinished
from graph.output_folder import OutputFolder
from graph.plan import plan
from graph.record import Recording
from graph.run import run
from noisewright import __version__
from noisewright.commands.opening import add_compute, add_file, open_workflow, weights_of
from noisewright.home import NAME, Home

log = logging.getLogger(__name__)

CACHE_BYTES = 2 * 2**30
EXIT_CODES = {"done": 0, "failed": 1, "cancelled": 130}


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("run", help="run a workflow; prints the path of each file it writes")
    add_file(command)
    command.add_argument(
        "--output", type=Path, metavar="DIR", help="where files are written, instead of the home's output"
    )
    add_compute(command)
    command.add_argument("--metadata", default="full", choices=("full", "minimal", "none"),
                         help="what pictures carry: the workflow and a run record, only the mark of generated media, "
                              "or nothing")  # fmt: skip
    command.add_argument("--events", choices=("jsonl",), help="print every event as one line of JSON instead of paths")
    command.add_argument("--compile", action="store_true", help="compile the denoiser: slow to begin, faster to repeat")
    command.add_argument("--no-cache", action="store_true", help="keep no results")
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Run the workflow; 0 when all its outputs were made, 1 when one failed."""
    opened = open_workflow(arguments, home)
    output = OutputFolder(arguments.output or home.output, home.temp)
    output.prepare()

    weights = weights_of(arguments, compiled=arguments.compile)
    cache = MemoryCache(0 if arguments.no_cache else CACHE_BYTES, size_in_bytes)
    services = {"weights": weights, "files": opened.files, "output": output}
    recording = Recording(metadata=arguments.metadata, app={"name": NAME, "version": __version__})
    planned = plan(
        opened.workflow,
        opened.catalogue,
        services=services,
        cache=cache,
        environment=weights.environment,
        recording=recording,
    )
    import torch

    events = run(planned, cache=cache, services=services, context=torch.inference_mode, describe=describe)
    with closing(events), _listener(arguments.events) as listener:
        return EXIT_CODES[_listen(events, listener)]


class Listener(Protocol):
    """What is told of each event."""

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        ...


def _listen(events: Iterator[Event], listener: Listener) -> str:
    status = "failed"
    for event in events:
        listener(event)
        if isinstance(event, RunFinished):
            status = event.status
    return status


@contextmanager
def _listener(kind: str | None) -> Iterator[Listener]:
    if kind == "jsonl":
        yield lambda event: print(json.dumps(event.to_json()), flush=True)
        return
    with _progress_bars() as show:
        yield lambda event: _report(event, show)


def _report(event: Event, show: Listener) -> None:
    """Paths of written files on stdout, failures as sentences on stderr, the rest as progress bars."""
    show(event)
    if isinstance(event, NodeFinished):
        for path in event.files:
            print(path, flush=True)
    elif isinstance(event, NodeFailed):
        print(
            f"Error in node '{event.node}': {event.message}" + (f" {event.hint}" if event.hint else ""), file=sys.stderr
        )


@contextmanager
def _progress_bars() -> Iterator[Listener]:
    """Progress bars on stderr where it is a terminal, nothing where it is not."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def show(event: Event) -> None:
            match event:
                case NodeStarted(node=node):
                    tasks[node] = bars.add_task(node, total=None)
                case NodeProgress(node=node, done=done, total=total):
                    bars.update(tasks[node], completed=done, total=total)
                case NodeFinished(node=node) if node in tasks:
                    bars.remove_task(tasks.pop(node))
                case _:
                    pass

        yield show
