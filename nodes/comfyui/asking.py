"""What the engine asks a pack's class besides doing its work: whether to run again, what it needs, what is wrong."""

import inspect
import os
import uuid
from collections.abc import Callable, Iterable, Mapping
from keyword import iskeyword
from typing import Any

from graph.node import Validate
from graph.result import Many
from nodes.comfyui.calling import Caller, settled
from nodes.comfyui.choices import not_a_choice
from nodes.comfyui.inspection import asked_by, looked_at
from nodes.comfyui.surroundings import entered


def fingerprint_of(caller: Caller) -> Callable[..., str] | None:
    """`IS_CHANGED` of a class, and what stands in its files of kinds that a pack added; None if there is neither.

    NaN is unlike everything, so such a node always runs anew. Only inputs that `IS_CHANGED` looks at are asked for: the
    others may come by links that are not computed yet.
    """
    declared = caller.declared
    changed = getattr(declared.cls, "IS_CHANGED", None)
    if changed is None and not declared.shelved:
        return None
    inputs = [item.name for item in declared.spec.inputs]
    seen, sees_all = looked_at(changed) if changed is not None else (frozenset(), False)
    asked = [name for name in inputs if sees_all or name in seen or name in declared.shelved]

    def fingerprint(**known: Any) -> str:
        with entered(caller.surroundings(known)):
            parts = [_stamp(folder, known.get(name)) for name, folder in declared.shelved.items()]
            if changed is not None:
                given = caller.given({name: known[name] for name in asked if known.get(name) is not None})
                answer = changed(**_arguments(changed, given, (*inputs, *declared.hidden), lists=declared.lists))
                answer = settled(answer) if inspect.isawaitable(answer) else answer
                parts.append(uuid.uuid4().hex if answer != answer else repr(answer))  # noqa: PLR0124 — NaN alone
        return " ".join(parts)

    services = [name for name in declared.spec.services if name in ("files", "output")]
    return _with_parameters(fingerprint, [*asked, *services])


def needs_of(caller: Caller) -> Callable[..., Iterable[str]] | None:
    """`check_lazy_status` of a class; None for a class without lazy inputs."""
    declared = caller.declared
    lazy = {item.name for item in declared.spec.inputs if item.lazy}
    if not lazy:
        return None
    names = [item.name for item in declared.spec.inputs if item.name not in declared.raw]

    def needs(**known: Any) -> Iterable[str]:
        if not hasattr(declared.cls, "check_lazy_status"):
            return ()
        wanted: dict[str, None] = {}
        with entered(caller.surroundings({})):
            for turn in _turns(known):
                given = {name: value for name, value in turn.items() if value is not None}
                unknown = {name: [None] if declared.lists else None for name in lazy - declared.raw - given.keys()}
                answer = caller.instances.of("").check_lazy_status(**caller.given(given) | unknown)
                answer = settled(answer) if inspect.isawaitable(answer) else answer
                wanted |= dict.fromkeys(answer or ())
        return tuple(wanted)

    return _with_parameters(needs, names)


def validate_of(caller: Caller) -> Validate | None:
    """What is wrong with the inputs of a node: choices that there are not now, and what `VALIDATE_INPUTS` says."""
    declared = caller.declared
    judge = getattr(declared.cls, "VALIDATE_INPUTS", None)
    if judge is None and not declared.live:
        return None

    def validate(known: Mapping[str, Any], types: Mapping[str, str], services: Mapping[str, Any]) -> str:
        with entered(caller.surroundings(services)):
            for name in declared.live:
                value = known.get(name)
                for item in value if isinstance(value, list) else [value]:
                    complaint = not_a_choice(declared.cls, name, item)
                    if complaint:
                        return complaint
            if judge is None:
                return ""
            inputs = {name: known[name] for name in known if name in declared.judged}
            given = dict.fromkeys([name for name in types if name in declared.judged]) | caller.given(inputs)
            if "input_types" in asked_by(judge)[0]:
                given["input_types"] = dict(types)
            answer = judge(**given)
            answer = settled(answer) if inspect.isawaitable(answer) else answer
        if answer is True:
            return ""
        return str(answer) if isinstance(answer, str) and answer else "It does not accept these inputs."

    return validate


def _arguments(
    function: Callable[..., Any], given: Mapping[str, Any], names: Iterable[str], *, lists: bool
) -> dict[str, Any]:
    """What to call a function with: what is known of its inputs, and None for others that it cannot do without."""
    parameters = inspect.signature(function).parameters.values()
    takes_all = any(item.kind is item.VAR_KEYWORD for item in parameters)
    wanted = {item.name for item in parameters if item.default is item.empty}
    unknown = {name: [None] if lists else None for name in names if takes_all or name in wanted}
    taken = {item.name for item in parameters}
    return unknown | {name: value for name, value in given.items() if takes_all or name in taken}


def _with_parameters(function: Callable[..., Any], names: Iterable[str]) -> Any:
    """The function with these parameters, by which the engine knows what to call it with.

    Where one of the names is no name of a parameter ("Input 1"), the function is called with everything.
    """
    names = list(names)
    if not all(name.isidentifier() and not iskeyword(name) for name in names):
        return function
    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    function.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    return function


def _turns(known: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The calls that several values on a link make of one."""
    several = {name: value for name, value in known.items() if isinstance(value, Many) and value}
    count = max(map(len, several.values()), default=1)
    return [
        {name: value[min(turn, len(value) - 1)] if name in several else value for name, value in known.items()}
        for turn in range(count)
    ]


def _stamp(folder: str, name: Any) -> str:
    """Size and time of change of a file; "" where there is none."""
    from nodes.comfyui.shims.folder_paths import get_full_path

    path = get_full_path(folder, name) if isinstance(name, str) else None
    if path is None:
        return ""
    status = os.stat(path)
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"
