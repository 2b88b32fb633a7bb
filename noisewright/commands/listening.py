"""What the command line tells of a run: paths on stdout, failures and progress on stderr; or every event as JSON."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graph.events import Event, NodeFailed, NodeFinished, NodeProgress, NodeSkipped, NodeStarted

Listener = Callable[[Event], object]


@contextmanager
def listening(kind: str | None = None) -> Iterator[Listener]:
    """What is told of each event. kind: "jsonl" prints them all, None what a person wants to see."""
    if kind == "jsonl":
        yield lambda event: print(json.dumps(event.to_json()), flush=True)
        return
    named: set[Path] = set()
    with _progress_bars() as show:
        yield lambda event: _report(event, show, named)


def _report(event: Event, show: Listener, named: set[Path]) -> None:
    """Paths of written files on stdout, each once, failures as sentences on stderr, the rest as progress bars.

    named: the paths so far; a node that became several names what these have written, too.
    """
    show(event)
    if isinstance(event, NodeFinished):
        for path in event.files:
            if path not in named:
                named.add(path)
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
                case NodeProgress(node=node, done=done, total=total) if node in tasks:
                    bars.update(tasks[node], completed=done, total=total)
                case NodeFinished(node=node) | NodeFailed(node=node) | NodeSkipped(node=node) if node in tasks:
                    bars.remove_task(tasks.pop(node))
                case _:
                    pass

        yield show
