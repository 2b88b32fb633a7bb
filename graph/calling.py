"""Calling a node's function: what is lent to it, what it reports, and whether it left its inputs alone."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from graph.around import Around
from graph.errors import GraphError
from graph.events import NodePreview, NodeProgress
from graph.hearing import heard, listen
from graph.progress import Preview, Progress
from graph.record import Record
from graph.states import States
from graph.work import Work

log = logging.getLogger(__name__)

Context = Callable[[], AbstractContextManager[Any]]


class Cancelled(BaseException):
    """The run is to stop while a node is at work. Passes through the node's own `except Exception`."""


class InputChanged(GraphError):
    """A node has changed a value that was handed to it, which other nodes and the cache hold too."""

    hint = "A node returns a new value and leaves its inputs as they are: copy a tensor before you write into it."


@dataclass(frozen=True)
class Calling:
    """How a run calls functions.

    services: what is lent by name. context: made and entered around every call into a node. say: tells an event.
    stopping: whether the run is to stop. digest: of a value's content, where inputs are guarded, else None.
    record, around: make these services for a node. given_up: whether a node that still runs has failed already.
    """

    services: Mapping[str, Any]
    context: Context
    say: Callable[..., None]
    stopping: Callable[[], bool]
    digest: Callable[[object], str | None] | None
    record: Callable[[Work], Record]
    around: Callable[[Work], Around]
    states: States | None = None
    previews: Callable[[], bool] = lambda: False
    given_up: Callable[[Work], bool] = lambda work: False

    def call(self, work: Work, arguments: Mapping[str, Any], leases: ExitStack, warnings: list[str]) -> Any:
        """What the function returns; of one that is `async def`, something to await. leases: hold what is lent.
        warnings: what is warned of while it computes is added to them.

        Raises Cancelled where the run stops in between, and whatever the function raises.
        """
        context = partial(_hearing, self._context(work), warnings)
        listen(work.kind.spec.module.partition(".")[0])  # whoever wrote the node warns by a logger of that name
        given = {**arguments, **{name: self._lent(name, work, leases) for name in work.kind.spec.services}}
        with context():
            result = work.kind.type.function(**given)
        del given
        if inspect.isgenerator(result):
            return self._reported(work, result, context)
        if inspect.isawaitable(result):
            return Stepwise(result, context)
        return result

    def digests(self, arguments: Mapping[str, Any], work: Work) -> dict[str, str | None]:
        """The contents of what came by links, to compare before and after; nothing where inputs are not guarded."""
        if self.digest is None:
            return {}
        return {name: self.digest(arguments[name]) for name, *_ in work.links if name in arguments}

    def compare(self, before: Mapping[str, str | None], arguments: Mapping[str, Any]) -> None:
        """Raises InputChanged where a value is no longer what it was."""
        for name, digest in before.items():
            if self.digest is not None and self.digest(arguments[name]) != digest:
                raise InputChanged(f"It has changed the value at its input '{name}'.")

    def _context(self, work: Work) -> Context:
        return nullcontext if work.kind.spec.gradients else self.context

    def _lent(self, name: str, work: Work, leases: ExitStack) -> Any:
        if name == "record":
            return self.record(work)
        if name == "around":
            return self.around(work)
        if name == "resume":
            return self.states.load(work.key) if self.states is not None else None
        service = self.services[name]
        return leases.enter_context(service.lease()) if hasattr(service, "lease") else service

    def _reported(self, work: Work, steps: Generator[Any, Any, Any], context: Context) -> Any:
        """Tell what a long node yields, and hand back its result. The context is left between its steps."""
        keeps_state = self.states is not None and "resume" in work.kind.spec.services
        try:
            while True:
                if self.stopping() or self.given_up(work):
                    raise Cancelled
                with context():
                    try:
                        progress = next(steps)
                    except StopIteration as stop:
                        return stop.value
                if not isinstance(progress, Progress):
                    raise GraphError(f"It yielded a {type(progress).__name__}; a long node yields Progress.")
                if keeps_state and self.states is not None and progress.state is not None:
                    self.states.save(work.key, progress.state)
                self.say(NodeProgress, work.node, progress.done, progress.total)
                if isinstance(progress.preview, Preview):
                    self.say(NodePreview, work.node, progress.preview.mime, progress.preview.data, True)
                elif progress.preview is not None and self.previews():
                    self._preview(work.node, progress.preview, context)
                del progress
        finally:
            self._close(steps, work.node, context)

    def _close(self, steps: Generator[Any, Any, Any], node: str, context: Context) -> None:
        """Close a node's generator, so that its `with` blocks end. What it raises then can change nothing any more."""
        try:
            with context():
                steps.close()
        except Exception as error:  # noqa: BLE001 — the node's own code
            log.warning("Node '%s' failed while it was closed: %s: %s", node, type(error).__name__, error)

    def _preview(self, node: str, draw: Callable[[], Preview], context: Context) -> None:
        try:
            with context():
                preview = draw()
        except Exception as error:  # noqa: BLE001 — a picture to look at is no reason to lose the work
            log.warning("The preview of node '%s' could not be drawn: %s: %s", node, type(error).__name__, error)
            return
        self.say(NodePreview, node, preview.mime, preview.data)


@contextmanager
def _hearing(context: Context, warnings: list[str]) -> Iterator[None]:
    with context(), heard(warnings):
        yield


class Stepwise:
    """Something to await, with the context around each of its steps: on one thread several nodes take turns."""

    def __init__(self, awaitable: Awaitable[Any], context: Context) -> None:
        self._steps: Any = awaitable.__await__()
        self._context = context

    def __await__(self) -> Iterator[Any]:
        sent: Any = None
        error: BaseException | None = None
        while True:
            with self._context():
                try:
                    waiting = self._steps.send(sent) if error is None else self._steps.throw(error)
                except StopIteration as stop:
                    return stop.value
            sent, error = None, None
            try:
                sent = yield waiting
            except GeneratorExit:
                self.close()
                raise
            except BaseException as raised:  # noqa: BLE001 — handed to the node, being cancelled included
                error = raised

    def close(self) -> None:
        """End it, if it has not ended by itself."""
        if hasattr(self._steps, "close"):
            with self._context():
                self._steps.close()


def is_waiting(result: object) -> bool:
    """Whether a call gave something to await."""
    return isinstance(result, Stepwise)
