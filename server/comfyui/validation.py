"""Whether a prompt can run, as ComfyUI's `/prompt` route says it: the same rules, types and texts.

Where its answers are of no use, ours say more under the same types: a circle of links has an entry of its own, a link
to nowhere is told in a sentence, and what is no graph at all is `invalid_prompt` rather than a broken request.
Three values are read otherwise: the text "false" is false for a BOOLEAN, a FLOAT must be finite, and for a STRING null,
lists and objects are errors rather than their text in Python. Where a link, or the name of a file, is more than
ComfyUI takes, but runs here, it is taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from graph.catalogue import Catalogue
from graph.circles import circles
from graph.comfyui.api import WRAP
from graph.comfyui.api_reading import is_link
from graph.comfyui.object_info import choices_of, input_config, is_input_file, is_required
from graph.errors import FileMissing
from graph.settings import Unfit, coerce
from graph.spec import InputSpec, NodeSpec, accepts
from graph.text import kind as kind_of
from server.comfyui import faults
from server.comfyui.constants import Offered, converted
from server.comfyui.faults import Fault
from server.comfyui.reach import dependent, needed, tainted
from server.redaction import without_paths

SHORTEST = 20
"""Choices that an error repeats at most; of more it tells the number."""


class Files(Protocol):
    """Where files are looked for: `graph.folders.Folders`."""

    def choices(self, folder: str) -> tuple[str, ...]:
        """The names of the files of a kind."""
        ...

    def locate(self, folder: str, name: str) -> Any:
        """Where a file lies. Raises FileMissing."""
        ...


class Verdict(NamedTuple):
    """What comes of a prompt.

    error: why nothing of it can run, or None. node_errors: by node id, also where only some of the outputs can run.
    outputs: the ids of the output nodes that can. prompt: as it will run: values brought to the types of their inputs.
    needed: the ids of the nodes that these outputs need, themselves among them.
    """

    error: Fault | None
    node_errors: dict[str, dict[str, Any]]
    outputs: tuple[str, ...] = ()
    prompt: Mapping[str, Any] = MappingProxyType({})
    needed: tuple[str, ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        """The answer of status 400."""
        return {"error": self.error, "node_errors": self.node_errors}


def validate(prompt: Any, catalogue: Catalogue, files: Files, targets: Sequence[Any] | None = None) -> Verdict:
    """Judge a prompt. Any JSON value will do. Looks for files, so not on an event loop; linear in nodes and links.

    targets: ids of the output nodes that are wanted (`partial_execution_targets`); None: all of them.
    """
    if prompt is None:
        return Verdict(faults.no_prompt(), {})
    error = _malformed(prompt, catalogue)
    if error is not None:
        return Verdict(error, {})
    judge = _Judge(prompt, catalogue, files)
    wanted = None if targets is None else {str(target) for target in targets if type(target) in (str, int)}
    outputs = [name for name in prompt if judge.type(name).spec.output and (wanted is None or name in wanted)]
    if not outputs:
        return Verdict(faults.no_outputs(), {})
    judged = judge.reached(outputs)
    origins = {name: tuple(node.origins.values()) for name, node in judged.items()}
    bad = tainted({name for name, node in judged.items() if node.errors}, origins)
    good = tuple(name for name in outputs if name not in bad)
    node_errors = {}
    if bad:
        depending = dependent([name for name in outputs if name in bad], origins)
        node_errors = {
            name: {
                "errors": node.errors,
                "dependent_outputs": depending[name],
                "class_type": prompt[name]["class_type"],
            }
            for name, node in judged.items()
            if node.errors
        }
    if not good:
        lines = [faults.line_of(error) for name in outputs for error in judged[name].errors]
        return Verdict(faults.failed_validation(lines), node_errors)
    changed = {name: _with(prompt[name], node.changed) for name, node in judged.items() if node.changed}
    return Verdict(None, node_errors, good, {**prompt, **changed}, tuple(needed(good, origins)))


def _malformed(prompt: Any, catalogue: Catalogue) -> Fault | None:
    """Why a JSON value is no prompt: the first reason."""
    if type(prompt) is not dict:
        return faults.invalid_prompt(f"Cannot execute because the prompt is {kind_of(prompt)}, not an object of nodes.")
    known: set[str] = set()
    for name, raw in prompt.items():
        reason = _no_node(raw)
        if reason:
            return faults.invalid_prompt(f"Cannot execute because {reason}.", name)
        type_id = raw["class_type"]
        if type_id not in known and catalogue.spec(type_id) is None:
            return _unknown(type_id, name, catalogue.error(type_id))
        known.add(type_id)
    return None


def _no_node(raw: Any) -> str:
    """Why a value is no node; "" if it is one."""
    if type(raw) is not dict:
        return f"a node is {kind_of(raw)}, not an object"
    if "class_type" not in raw:
        return "a node is missing the class_type property"
    if type(raw["class_type"]) is not str:
        return f"the class_type of a node is {kind_of(raw['class_type'])}, not a text"
    if type(raw.get("inputs", {})) is not dict:
        return f"the inputs of a node are {kind_of(raw['inputs'])}, not an object"
    return ""


def _unknown(type_id: str, name: str, reason: str | None) -> Fault:
    """A node type that is not there. reason: why, if that is known."""
    shown = faults.text_of(type_id)
    error = faults.invalid_prompt(f"Cannot execute because node {shown} does not exist.", name)
    if reason is not None:
        error["extra_info"] = {"reason": without_paths(f"Node type '{shown}': {reason}.")}
    return error


@dataclass(frozen=True)
class _Type:
    """A node type as its nodes are judged. configs: inputs as errors show them."""

    spec: NodeSpec
    inputs: Mapping[str, InputSpec]
    required: frozenset[str]
    configs: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Node:
    """What is known of one node. origins: the nodes that it needs. changed: inputs → values brought to their type."""

    errors: list[Fault] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    changed: dict[str, Any] = field(default_factory=dict)


class _Judge:
    """A prompt being judged, with what was looked up so far."""

    def __init__(self, prompt: Mapping[str, Any], catalogue: Catalogue, files: Files) -> None:
        self._prompt = prompt
        self._catalogue = catalogue
        self._files = files
        self._types: dict[str, _Type] = {}
        self._choices: dict[str, tuple[str, ...]] = {}
        self._there: dict[str, bool] = {}
        self._offered: dict[tuple[str, str], Offered] = {}
        self._outputs: frozenset[str] = frozenset()

    def type(self, name: str) -> _Type:
        """The type of a node."""
        type_id = self._prompt[name]["class_type"]
        found = self._types.get(type_id)
        if found is None:
            spec = self._catalogue.spec(type_id)
            assert spec is not None  # noqa: S101 — `_malformed` has looked
            required = frozenset(item.name for item in spec.inputs if is_required(spec, item))
            found = self._types[type_id] = _Type(spec, {item.name: item for item in spec.inputs}, required)
        return found

    def reached(self, outputs: Iterable[str]) -> dict[str, _Node]:
        """All nodes that these outputs need, judged."""
        self._outputs = frozenset(outputs)
        judged: dict[str, _Node] = {}
        ahead = list(reversed(list(outputs)))
        while ahead:
            name = ahead.pop()
            if name not in judged:
                judged[name] = self._node(name)
                ahead.extend(reversed(list(judged[name].origins.values())))
        for circle in circles({name: node.origins.values() for name, node in judged.items()}):
            judged[circle[0]].errors.append(self._circle(circle, judged[circle[0]]))
        return judged

    def _node(self, name: str) -> _Node:
        known, node = self.type(name), _Node()
        given = self._prompt[name].get("inputs", {})
        for key, item in known.inputs.items():
            if key in given:
                self._input(name, node, item, given[key])
            elif key in known.required:
                node.errors.append(faults.missing(key))
        for key, value in given.items():
            if key in known.inputs or not is_link(value):
                continue  # ComfyUI leaves out constants that a type does not declare
            item = known.spec.input(key)
            if item is not None:
                self._input(name, node, item, value)
            else:
                shown, type_id = faults.text_of(key), known.spec.type
                node.errors.append(faults.custom(f"{shown} - {type_id} has no input '{shown}'; remove the link.", key))
        return node

    def _input(self, name: str, node: _Node, item: InputSpec, value: Any) -> None:
        if type(value) is list:
            self._link(name, node, item, value)
            return
        wrapped = type(value) is dict and value.keys() == {WRAP}
        bare = value[WRAP] if wrapped else value
        try:
            made = self._made(name, item, bare)
        except _Faulty as faulty:
            node.errors.append(faulty.fault)
            return
        if made is not bare or (wrapped and not _needs_wrap(made)):
            node.changed[item.name] = {WRAP: made} if _needs_wrap(made) else made

    def _link(self, name: str, node: _Node, item: InputSpec, link: list[Any]) -> None:
        config = self._config(name, item)
        if not is_link(link):
            node.errors.append(faults.bad_link(item.name, config, link))
            return
        origin, slot = link
        if origin not in self._prompt:
            details = f"{item.name} is linked to node '{faults.text_of(origin)}', which does not exist."
            node.errors.append(self._nowhere(name, item, link, details, "KeyError"))
            return
        node.origins[item.name] = origin
        source = self.type(origin).spec
        if not isfinite(slot) or slot != int(slot) or not 0 <= slot < len(source.outputs):
            there = f"It has {len(source.outputs)}." if source.outputs else "It has none."
            where = f"node '{faults.text_of(origin)}' ({source.type})"
            details = f"{item.name} is linked to output {faults.text_of(slot)} of {where}, which has no such output."
            node.errors.append(self._nowhere(name, item, link, f"{details} {there}", "IndexError"))
            return
        given = source.outputs[int(slot)].type
        if not accepts(item.type, given):
            node.errors.append(faults.mismatch(item.name, config, _wanted(item, config), given, link))

    def _made(self, name: str, item: InputSpec, value: Any) -> Any:
        """A value as the input takes it; the same object where nothing is to do. Raises _Faulty."""
        if value is None and item.optional:
            return None
        if not item.list or type(value) is not list:
            return self._one(name, item, value)
        made = [self._one(name, item, part) for part in value]
        return value if all(one is part for one, part in zip(made, value, strict=True)) else made

    def _one(self, name: str, item: InputSpec, value: Any) -> Any:
        try:
            made = converted(item.type, value)
        except (TypeError, ValueError, OverflowError) as error:
            raise _Faulty(self._unreadable(name, item, value, str(error))) from error
        if type(made) in (int, float):
            if item.minimum is not None and made < item.minimum:
                raise _Faulty(faults.too_small(item.name, self._config(name, item), made, item.minimum))
            if item.maximum is not None and made > item.maximum:
                raise _Faulty(faults.too_big(item.name, self._config(name, item), made, item.maximum))
        if item.source is not None or item.choices is not None:
            self._choose(name, item, made)
        try:
            coerce(item.model_copy(update={"list": False}) if item.list else item, made)
        except Unfit as unfit:
            reason = f"{item.name} {unfit}. {unfit.hint}".strip()
            raise _Faulty(self._unreadable(name, item, value, reason)) from unfit
        return value if type(made) is type(value) and made == value else made

    def _choose(self, name: str, item: InputSpec, value: Any) -> None:
        """Whether a value is among the choices of an input, or names a file that is there. Raises _Faulty."""
        if is_input_file(item):
            if type(value) is str and not self._is_there(item.source or "", value):
                details = f"{item.name} - Invalid {item.name} file: {faults.text_of(value)}"
                raise _Faulty(faults.custom(details, item.name))
            return
        type_id = self.type(name).spec.type
        offered = self._offered.get((type_id, item.name))
        if offered is None:
            offered = self._offered[type_id, item.name] = Offered.of(choices_of(item, self._files_of) or [])
        if not offered.has(value, of_files=item.source is not None):
            config = self._config(name, item)
            raise _Faulty(faults.not_in_list(item.name, config, value, offered.listed, SHORTEST))

    def _is_there(self, folder: str, name: str) -> bool:
        if name not in self._there:
            try:
                self._files.locate(folder, name)
                self._there[name] = True
            except (FileMissing, OSError, ValueError):
                self._there[name] = False
        return self._there[name]

    def _files_of(self, folder: str) -> tuple[str, ...]:
        if folder not in self._choices:
            self._choices[folder] = self._files.choices(folder)
        return self._choices[folder]

    def _config(self, name: str, item: InputSpec) -> Any:
        """An input as errors show it; None where it has many choices."""
        configs = self.type(name).configs
        if item.name not in configs:
            config = input_config(item, self._files_of)
            configs[item.name] = None if isinstance(config[0], list) and len(config[0]) > SHORTEST else config
        return configs[item.name]

    def _unreadable(self, name: str, item: InputSpec, value: Any, reason: str) -> Fault:
        return faults.unreadable(item.name, self._config(name, item), item.type, value, reason)

    def _nowhere(self, name: str, item: InputSpec, link: Any, details: str, exception: str) -> Fault:
        if name in self._outputs:
            return faults.outer(details, exception)
        facts = {"input_name": item.name, "input_config": self._config(name, item), "linked_node": link}
        return faults.inner(details, exception, facts)

    def _circle(self, circle: list[str], node: _Node) -> Fault:
        way = circle if len(circle) <= SHORTEST else [*circle[:10], f"… {len(circle) - 19} more …", *circle[-9:]]
        details = f"Nodes wait for each other in a circle: {' → '.join(way)}. Remove one of these links."
        key = next(key for key, origin in node.origins.items() if origin == circle[-2])
        link = self._prompt[circle[0]]["inputs"][key]
        return faults.inner(details, "DependencyCycleError", {"input_name": key, "linked_node": link})


class _Faulty(Exception):
    """A value that an input does not take."""

    def __init__(self, error: Fault) -> None:
        super().__init__(error["type"])
        self.fault = error


def _wanted(item: InputSpec, config: Any) -> Any:
    return item.type if config is None else config[0]


def _needs_wrap(value: Any) -> bool:
    return type(value) is list or (type(value) is dict and WRAP in value)


def _with(raw: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    return {**raw, "inputs": {**raw["inputs"], **changed}}
