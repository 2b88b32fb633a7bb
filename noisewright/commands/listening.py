"""What the command line tells of a run: paths on stdout, all else on stderr; or every event as JSON."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from graph.events import Event, NodeFailed, NodeFinished, NodeProgress, NodeSkipped, NodeStarted
from graph.hearing import WARNINGS

Listener = Callable[[Event], object]


@contextmanager
def listening(kind: str | None = None, shows: Callable[[str], bool] = lambda node: True) -> Iterator[Listener]:
    """What is told of each event. kind: "jsonl" prints them all, None what a person wants to see. shows: whether what
    a node shows is told.
    """
    if kind == "jsonl":
        yield lambda event: print(json.dumps(event.to_json()), flush=True)
        return
    told: set[object] = set()
    with _progress_bars() as show:
        yield lambda event: _report(event, show, told, shows)


def _report(event: Event, show: Listener, told: set[object], shows: Callable[[str], bool]) -> None:
    """Paths of written files on stdout, each once; failures, texts that nodes show, and why nodes that were stopped
    did not run as sentences on stderr; the rest as progress bars.

    told: paths and reasons so far. A node that became several names what these have written, too, and a value that
    stops what follows stops many.
    """
    show(event)
    match event:
        case NodeFinished(node=node, outputs=shown, reused=reused):
            for warning in _texts(shown, WARNINGS) if reused else ():  # of what is computed now the log tells
                print(f"Node '{node}': {warning}", file=sys.stderr)
            for path in event.files:
                if path not in told:
                    told.add(path)
                    print(path, flush=True)
            for text in _texts(shown, "text") if shows(node) else ():
                print(f"Node '{node}' shows: {text}", file=sys.stderr)
        case NodeFailed(node=node, message=message, hint=hint):
            print(f"Error in node '{node}': {_sentences(message, hint)}", file=sys.stderr)
        case NodeSkipped(because=because, reason=reason) if reason and (because, reason) not in told:
            told.add((because, reason))
            print(f"Node '{because}' stopped what depends on it: {reason}", file=sys.stderr)
        case _:
            pass


def _texts(shown: Mapping[str, Any], name: str) -> list[str]:
    """The texts that a node shows under a name: `{"text": [...]}`."""
    given = shown.get(name)
    return [item for item in (given if isinstance(given, list | tuple) else [given]) if isinstance(item, str)]


def _sentences(message: str, hint: str) -> str:
    """A message that may come from other code, and what to do, with a stop between them."""
    stop = "" if message.rstrip().endswith((".", "!", "?", ":")) else "."
    return f"{message.rstrip()}{stop} {hint}" if hint else message


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
