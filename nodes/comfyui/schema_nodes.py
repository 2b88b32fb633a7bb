"""Nodes of the schema interface (`io.ComfyNode`) as classes of the older one, so that one adapter serves both.

A schema says all that `INPUT_TYPES`, `RETURN_TYPES` and the like say, and more strictly. So each node class gets a
face: a class with these names, whose function calls `execute` and gives its result in the older form.
"""

import asyncio
import contextvars
import functools
import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from graph.errors import GraphError
from nodes.comfyui.absent import Lacking, LackingAttribute
from nodes.comfyui.blocking import ExecutionBlocker
from nodes.comfyui.imports import ROOT
from nodes.comfyui.ports import Nonsense
from nodes.comfyui.schema_inputs import HIDDEN, assembled, has_groups, input_types, unfolded
from nodes.comfyui.shims.comfy_api.latest import ComfyExtension, io

ENTRY = "comfy_entrypoint"
"""The function of a pack that gives its extension."""


def is_schema_node(cls: object) -> bool:
    """Whether a class that a pack gives is of the schema interface."""
    return isinstance(cls, type) and issubclass(cls, io.ComfyNode)


def faces(module: ModuleType) -> Iterator[tuple[str, str, Any, str]]:
    """The nodes that a pack's `comfy_entrypoint` gives: id, title, face, and why there is none, or "".

    Raises GraphError with a reason where it gives something else, and whatever the pack's code raises.
    """
    entry = getattr(module, ENTRY, None)
    if not callable(entry):
        raise GraphError(f"its {ENTRY} is a {type(entry).__name__}, not a function")
    taken: set[str] = set()
    try:
        classes = awaited(_node_classes(entry))
    except (Lacking, LackingAttribute) as error:
        raise GraphError(reason_of(error)) from error
    for cls in classes:
        name = getattr(cls, "__name__", repr(cls))
        try:
            face = face_of(cls)
        except Exception as error:  # noqa: BLE001 — a pack's code; its failure is an entry, not a crash
            yield _id_without_face(cls) or name, name, None, reason_of(error)
            continue
        reason = f"it is declared twice; the class {name}, which comes later, is not used"
        yield face.NODE_ID, face.TITLE, face, reason if face.NODE_ID in taken else ""
        taken.add(face.NODE_ID)


def face_of(cls: Any) -> Any:
    """The face of a node class: besides the names of the older interface it has NODE_ID, TITLE and EXPANDS.

    Raises Nonsense with a reason, and whatever the class itself raises.
    """
    if not is_schema_node(cls):
        raise Nonsense(f"its extension lists {cls!r}, which is no class of `io.ComfyNode`")
    schema = schema_of(cls)
    input_types(schema)
    body: dict[str, Any] = {
        "__module__": cls.__module__,
        "NODE_ID": schema.node_id,
        "TITLE": schema.display_name or schema.node_id,
        "TAKES_OTHERS": bool(schema.accept_all_inputs),
        "EXPANDS": bool(schema.enable_expand),
        "INPUT_TYPES": staticmethod(functools.wraps(cls.define_schema)(lambda: input_types(schema_of(cls)))),
        "RETURN_TYPES": tuple(item.io_type for item in schema.outputs),
        "RETURN_NAMES": tuple(item.name for item in schema.outputs),
        "OUTPUT_IS_LIST": tuple(bool(item.is_output_list) for item in schema.outputs),
        "INPUT_IS_LIST": bool(schema.is_input_list),
        "OUTPUT_NODE": bool(schema.is_output_node),
        "NOT_IDEMPOTENT": bool(schema.not_idempotent),
        "DEPRECATED": bool(schema.is_deprecated),
        "EXPERIMENTAL": bool(schema.is_experimental),
        "CATEGORY": schema.category,
        "DESCRIPTION": schema.description or inspect.cleandoc(cls.__doc__ or ""),
        "FUNCTION": "execute",
        "execute": _execute(cls, schema),
    }
    if hasattr(cls, "check_lazy_status"):
        ask = _asking(cls.check_lazy_status, schema)
        body["check_lazy_status"] = staticmethod(ask)
    if hasattr(cls, "validate_inputs"):
        body["VALIDATE_INPUTS"] = staticmethod(_asking(cls.validate_inputs, schema))
    if hasattr(cls, "fingerprint_inputs"):
        body["IS_CHANGED"] = staticmethod(_asking(cls.fingerprint_inputs, schema))
    return type(cls.__name__, (), body)


def schema_of(cls: type[io.ComfyNode]) -> io.Schema:
    """What a node class says of itself. Raises Nonsense where this makes no node that can run here."""
    schema = cls.define_schema()
    if not isinstance(schema, io.Schema):
        raise Nonsense(f"its define_schema gives a {type(schema).__name__}, not an io.Schema")
    if not isinstance(schema.node_id, str) or not schema.node_id:
        raise Nonsense(f"its node_id is {schema.node_id!r}, which is no name")
    if schema.is_api_node:
        raise Nonsense("it is an API node: it works through an account at comfy.org, which Noisewright does not have")
    for item in schema.outputs:
        if not isinstance(item, io.Output):
            raise Nonsense(f"among its outputs is a {type(item).__name__}, which is none")
    return schema


def reason_of(error: BaseException) -> str:
    """Why a class gives no node: completes "Node type 'X' is not there: …". It names the line of the pack."""
    if isinstance(error, Nonsense):
        return str(error)
    if isinstance(error, Lacking | LackingAttribute):
        return str(error).replace("It", "it", 1).rstrip(".")
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__", "").startswith(f"{ROOT}."):
            place = f" ({Path(frame.f_code.co_filename).name}, line {line})"
    return f"asking its class failed: {type(error).__name__}: {error}{place}"


def awaited(value: Any) -> Any:
    """The value of something that may have to be awaited, from code that is not asynchronous."""
    if not inspect.isawaitable(value):
        return value
    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as pool:  # this thread may have a running loop of its own
        return pool.submit(context.run, asyncio.run, _now(value)).result()


async def _now(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _node_classes(entry: Callable[[], Any]) -> list[Any]:
    extension = await _now(entry())
    if not isinstance(extension, ComfyExtension):
        raise GraphError(f"its {ENTRY} gives a {type(extension).__name__}, not a ComfyExtension")
    await _now(extension.on_load())
    classes = await _now(extension.get_node_list())
    if not isinstance(classes, list | tuple):
        raise GraphError(f"its get_node_list gives a {type(classes).__name__}, not a list of classes")
    return list(classes)


# What the faces do


def _execute(cls: type[io.ComfyNode], schema: io.Schema) -> Callable[..., Any]:
    def called(given: Mapping[str, Any]) -> Any:
        hidden = {name.removeprefix(HIDDEN): value for name, value in given.items() if name.startswith(HIDDEN)}
        if schema.is_input_list:
            hidden = {name: value[0] for name, value in hidden.items()}
        values = {name: value for name, value in given.items() if not name.startswith(HIDDEN)}
        arguments = assembled(schema.inputs, values)
        if schema.accept_all_inputs:
            known = {port.name for port in unfolded(schema.inputs)}
            arguments |= {name: value for name, value in values.items() if name not in known}
        return cls.prepared(io.HiddenHolder(**hidden)).execute(**arguments)

    def execute(self: Any, **given: Any) -> Any:
        return _result(cls, awaited(called(given)))

    async def execute_async(self: Any, **given: Any) -> Any:
        return _result(cls, await _now(called(given)))

    return execute_async if inspect.iscoroutinefunction(cls.execute) else execute


def _result(cls: type[io.ComfyNode], returned: Any) -> Any:
    """What `execute` returned, in the older form. Raises TypeError for what is none of its forms."""
    if isinstance(returned, ExecutionBlocker):
        return returned
    if isinstance(returned, Mapping):
        returned = io.NodeOutput.from_dict(returned)
    elif returned is None or isinstance(returned, tuple):
        returned = io.NodeOutput(*(returned or ()))
    if not isinstance(returned, io.NodeOutput):
        kind = type(returned).__name__
        raise TypeError(f"The execute of {cls.__name__} returned a {kind}; it has to return an io.NodeOutput.")
    if returned.block_execution is not None:
        return ExecutionBlocker(returned.block_execution or None)
    result: dict[str, Any] = {"result": returned.args}
    if returned.ui is not None:
        result["ui"] = returned.ui if isinstance(returned.ui, Mapping) else returned.ui.as_dict()
    if returned.expand is not None:
        result["expand"] = returned.expand
    return result


def _asking(function: Callable[..., Any], schema: io.Schema) -> Callable[..., Any]:
    """A question to a node class, with the parameters of its own function: these say which inputs it looks at.

    Where inputs stand in groups, it may look at all of them.
    """
    grouped = has_groups(schema.inputs)

    def asked(**given: Any) -> Any:
        return awaited(function(**_arguments(function, assembled(schema.inputs, given) if grouped else given)))

    return asked if grouped else functools.wraps(function)(asked)


def _arguments(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a function takes of this; None for what it needs and is not there."""
    parameters = inspect.signature(function).parameters.values()
    if any(item.kind is item.VAR_KEYWORD for item in parameters):
        return dict(given)
    needed = {item.name: None for item in parameters if item.default is item.empty}
    names = {item.name for item in parameters}
    return needed | {name: value for name, value in given.items() if name in names}


def _id_without_face(cls: Any) -> str:
    """The id of a node class that cannot be used, if it says one."""
    try:
        return str(cls.define_schema().node_id)
    except Exception:  # noqa: BLE001 — why it fails has been said already
        return ""
