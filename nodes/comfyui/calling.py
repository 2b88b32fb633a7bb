"""Calling the method of a pack's class: what it is given, where it runs, and what its answer means."""

import contextvars
import inspect
import threading
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from queue import Empty, SimpleQueue
from typing import Any

from graph.errors import GraphError
from graph.progress import Progress, Steps
from graph.result import Blocked, Result
from graph.text import listing
from nodes.comfyui.blocking import ExecutionBlocker, unblocked
from nodes.comfyui.declaration import TOLD_IN_FILES, Declared
from nodes.comfyui.expanding import Grown, is_link
from nodes.comfyui.hidden import hidden_value
from nodes.comfyui.instances import Instances
from nodes.comfyui.shown import saved_of, shown_of
from nodes.comfyui.surroundings import Home, Surroundings, entered, pack_id
from nodes.comfyui.values import Untranslatable, from_pack, same, to_pack

BEAT_SECONDS = 0.5
"""How often a node that reports progress looks whether it is to stop."""

PATIENCE_SECONDS = 30.0
"""How long a node waits for another of its pack. One that never returns must not stop the others for good."""

SERVICES = ("around", "files", "output", "weights", "record")


class Caller:
    """Calls the class of one node type.

    turns: held during a call: packs are written for a program that runs one node at a time.
    """

    def __init__(self, declared: Declared, home: Home, turns: threading.RLock, note: Callable[[str], None]) -> None:
        self.declared = declared
        self.home = home
        self.instances = Instances(declared.cls)
        self._turns = turns
        self._note = note
        self._fractions = frozenset(item.name for item in declared.spec.inputs if item.type == "FLOAT")
        names = [item.name for item in declared.spec.outputs]
        self._outputs: Any = namedtuple("Outputs", names, rename=True)  # noqa: PYI024 — made from data

    def function(self) -> Callable[..., Any]:
        """What the engine calls: an ordinary function, one that reports progress, or an `async def`."""
        if inspect.iscoroutinefunction(self.declared.function):

            async def awaited(**arguments: Any) -> Any:
                call = _Call(self, arguments)
                with entered(call.surroundings()):
                    return call.finished(await call.begun())

            return awaited

        def plain(**arguments: Any) -> Any:
            return self._called(_Call(self, arguments), _Call.surroundings)

        def reported(**arguments: Any) -> Steps[Any]:
            call = _Call(self, arguments)
            return (yield from _reported(lambda report, over: self._called(call, _listening(report, over))))

        return reported if self.declared.spec.progress else plain

    def _called(self, call: "_Call", around: Callable[["_Call"], Surroundings]) -> Any:
        held = self._turns.acquire(timeout=PATIENCE_SECONDS)
        try:
            with entered(around(call)):
                result = call.begun()
                return call.finished(settled(result) if inspect.isawaitable(result) else result)
        finally:
            if held:
                self._turns.release()

    def surroundings(self, lent: Mapping[str, Any], **facts: Any) -> Surroundings:
        """Around a call. lent: services by name."""
        named = {name: lent[name] for name in SERVICES if name in self.declared.spec.services and name in lent}
        return Surroundings.at(self.home, note=self._note, **named, **facts)

    def given(self, inputs: Mapping[str, Any], *, link: Callable[[str], Any] = lambda name: None) -> dict[str, Any]:
        """Inputs as the class takes them. link: what an input is linked to, for those that want to know that."""
        given = {name: self._given(name, value) for name, value in inputs.items() if name not in self.declared.raw}
        for name in self.declared.raw:
            found = link(name)
            if found is not None or name in inputs:
                value = found if found is not None else to_pack(inputs[name])
                given[name] = [value] if self.declared.lists else value
        return given

    def _given(self, name: str, value: Any) -> Any:
        if name in self._fractions:
            value = [_fraction(item) for item in value] if isinstance(value, list) else _fraction(value)
        if not self.declared.lists:
            return to_pack(value)
        return [to_pack(item) for item in value] if isinstance(value, list | tuple) else [to_pack(value)]

    def outputs(self, values: Iterable[Any]) -> Any:
        """A node's outputs as the engine takes them; None for a node without."""
        values = tuple(values)
        return self._outputs(*values) if values else None


class _Call:
    """One call. arguments: inputs and services, as the engine gives them."""

    def __init__(self, caller: Caller, arguments: Mapping[str, Any]) -> None:
        services = caller.declared.spec.services
        self.caller = caller
        self.lent = {name: arguments[name] for name in services if name in arguments}
        self.inputs = {name: value for name, value in arguments.items() if name not in services}
        self.around = self.lent.get("around")
        self.report: tuple[Callable[[Progress], None], Callable[[], bool]] | None = None
        self._surroundings: Surroundings | None = None

    def surroundings(self) -> Surroundings:
        """What the pack sees meanwhile."""
        if self._surroundings is None:
            facts = {} if self.report is None else {"report": self.report[0], "cancelled": self.report[1]}
            self._surroundings = self.caller.surroundings(self.lent, **facts)
        return self._surroundings

    def begun(self) -> Any:
        """Call the method."""
        declared = self.caller.declared
        given = self.caller.given(self.inputs, link=self._link)
        for item in declared.spec.inputs:
            if item.lazy and item.name not in given and (self.around is None or item.name in self.around.links):
                given[item.name] = [None] if declared.lists else None
        silent = declared.spec.output and getattr(self.lent.get("record"), "metadata", "full") != "full"
        for name, asked in declared.hidden.items():
            value = None if silent and asked in TOLD_IN_FILES else hidden_value(asked, self.around)
            given[name] = [value] if declared.lists else value
        node = self.around.node if self.around is not None else ""
        return getattr(self.caller.instances.of(node), declared.method)(**given)

    def finished(self, result: Any) -> Any:
        """What the method gave, as the engine takes it. Raises GraphError where it is not what its class declares."""
        expand, shown = None, {}
        if isinstance(result, dict):
            if not {"ui", "result", "expand"} & result.keys():
                raise GraphError(f"It returned a dict with {listing(result)}, but not one of ui, result, expand.")
            shown, expand = shown_of(result.get("ui")), result.get("expand")
            result = result.get("result")
        values = self._values(result)
        if expand is not None:
            return self._expanded(expand, values, shown)
        outputs = self.caller.outputs(map(self._output, range(len(values)), values))
        saved = saved_of(shown, self.surroundings().output) if shown else None
        return Result(outputs, shown, saved) if shown else outputs

    def _link(self, name: str) -> Any:
        """[id, slot] of what an input is linked to."""
        if self.around is None or name not in self.around.links:
            return None
        origin, output = self.around.links[name]
        spec = self.around.catalogue.spec(self.around.flat[origin].type)
        names = [item.name for item in spec.outputs] if spec is not None else [output]
        return [pack_id(origin), names.index(output)]

    def _values(self, result: Any) -> tuple[Any, ...]:
        """A value for each output. A node that shows or writes something may leave them out: they are blocked."""
        declared = self.caller.declared.spec
        names = listing(item.name for item in declared.outputs)
        count = len(declared.outputs)
        if isinstance(result, ExecutionBlocker):
            return (result,) * count
        if result is None and (declared.output or not count):
            return (ExecutionBlocker(f"'{declared.title}' gave no value."),) * count
        if not isinstance(result, tuple | list):
            what = "nothing" if result is None else f"a {type(result).__name__}"
            raise GraphError(
                f"It returned {what}, not a tuple of its {count} output{'' if count == 1 else 's'}: {names}."
            )
        if len(result) != count:
            if not result and declared.output:
                return (ExecutionBlocker(f"'{declared.title}' gave no value."),) * count
            given = f"{len(result)} value{'' if len(result) == 1 else 's'}"
            raise GraphError(f"It returned {given}, but declares {count}: {names}.")
        return tuple(result)

    def _output(self, index: int, value: Any) -> Any:
        spec = self.caller.declared.spec.outputs[index]
        value = unblocked(value)
        if isinstance(value, Blocked):
            return value
        try:
            if not spec.list:
                return from_pack(value, spec.type)
            if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable) or hasattr(value, "detach"):
                raise GraphError(f"Its output '{spec.name}' is declared a list, but it gave a {type(value).__name__}.")
            items = [unblocked(item) for item in value]
            return [item if isinstance(item, Blocked) else from_pack(item, spec.type) for item in items]
        except Untranslatable as error:
            raise GraphError(f"Its output '{spec.name}' is declared {spec.type}, but it gave {error}.") from error

    def _expanded(self, expand: Any, values: tuple[Any, ...], shown: Mapping[str, Any]) -> Any:
        if self.around is None:
            raise GraphError("It gave a graph to run in its place, which is possible only in a run.")
        grown = Grown(expand, self.around, self._ours)
        ours = [value if is_link(value) else self._output(index, value) for index, value in enumerate(values)]
        return grown.expansion(self.caller.declared.spec.type, ours, self.caller.outputs, shown)

    def _ours(self, value: Any) -> Any:
        """A value of the pack in its graph as ours; the very one that came by a link, where it still is that."""
        value = unblocked(value)
        found = value if isinstance(value, Blocked) else from_pack(value)
        return next(
            (given for given in self.inputs.values() if type(given) is type(found) and same(given, found)), found
        )


def _fraction(value: Any) -> Any:
    """A whole number that came by a link, as one that takes fractions."""
    return float(value) if type(value) is int else value


def _listening(report: Callable[[Progress], None], over: Callable[[], bool]) -> Callable[[_Call], Surroundings]:
    def around(call: _Call) -> Surroundings:
        call.report = report, over
        return call.surroundings()

    return around


def settled(waiting: Any) -> Any:
    """What an awaitable gives, waited for here."""
    import asyncio

    async def whole() -> Any:
        return await waiting

    return _in_thread(lambda: asyncio.run(whole()))


def _in_thread(call: Callable[[], Any]) -> Any:
    """The result of a call on a thread of its own: this one may have an event loop that runs."""
    found: dict[str, Any] = {}

    def run() -> None:
        try:
            found["result"] = call()
        except BaseException as error:  # noqa: BLE001 — raised again where it is waited for
            found["error"] = error

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    thread.join()
    if "error" in found:
        raise found["error"]
    return found["result"]


def _reported(call: Callable[[Callable[[Progress], None], Callable[[], bool]], Any]) -> Steps[Any]:
    """Run a call on a thread of its own and yield what it reports. Closing this asks it to end, and waits for that.

    call: is given a function to report progress with, and one that tells whether it is to end.
    """
    said: SimpleQueue[Progress | None] = SimpleQueue()
    over = threading.Event()
    found: dict[str, Any] = {}
    mode = _inference_mode()

    def run() -> None:
        try:
            with mode():
                found["result"] = call(said.put, over.is_set)
        except BaseException as error:  # noqa: BLE001 — raised again where it is waited for
            found["error"] = error
        finally:
            said.put(None)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    latest: Progress | None = Progress(0, 1)
    try:
        while True:
            try:
                item = said.get(timeout=BEAT_SECONDS)
            except Empty:
                item = latest
            if item is None:
                break
            latest = Progress(item.done, item.total)
            yield item
    finally:
        over.set()
        thread.join()
    if "error" in found:
        raise found["error"]
    return found["result"]


def _inference_mode() -> Callable[[], Any]:
    """The mode of this thread, to be entered on another one."""
    import sys

    if "torch" not in sys.modules:
        return nullcontext
    import torch

    on = torch.is_inference_mode_enabled()
    return lambda: torch.inference_mode(on)
