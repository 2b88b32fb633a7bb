"""A class of a pack as data: what its attributes and `INPUT_TYPES` declare, as a `NodeSpec`."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graph.spec import ANY, InputSpec, NodeSpec
from nodes.comfyui.absent import Lacked, Lacking
from nodes.comfyui.file_names import FileNames
from nodes.comfyui.inspection import asked_by, keeps_something, reads_files
from nodes.comfyui.ports import Nonsense, input_of, outputs_of, taken_apart

UNNAMED = "any name"
"""Stands for the name of an input that a class does not declare."""

HIDDEN_BY_ID = frozenset({"UNIQUE_ID", "DYNPROMPT"})
"""Hidden inputs that make a node's result its own."""

TOLD_IN_FILES = frozenset({"PROMPT", "EXTRA_PNGINFO"})
"""Hidden inputs that nodes write into files."""

LOADING = frozenset({"MODEL", "CLIP", "VAE"})
"""Types whose nodes are lent weights."""

CHANGING = ("image_upload", "video_upload", "audio_upload", "animated_image_upload", "image_folder", "remote")
"""Options of lists to which files are added while the program runs."""

REPORTING = frozenset(
    {"ProgressBar", "common_ksampler", "throw_exception_if_processing_interrupted", "processing_interrupted"}
    | {"set_progress", "update_progress"}
)
SHOWING = frozenset({"ImageSaveHelper", "PreviewImage", "PreviewMask", "PreviewAudio"})
SAVING = SHOWING | frozenset(
    {"SaveImage", "get_output_directory", "get_temp_directory", "get_save_image_path"}
    | {"output_directory", "temp_directory", "get_directory_by_type", "get_annotated_filepath"}
)
"""Names in a pack's code by which it is known what its nodes ask for."""


@dataclass(frozen=True)
class Declared:
    """A class as data.

    cls: the class. method: the name of the function it runs. hidden: its hidden inputs → what each asks for. lists:
    whether every input is a list. raw: inputs that take the link in place of its value. live: inputs whose choices are
    those of the moment. judged: inputs that its own `VALIDATE_INPUTS` judges in our place. shelved: inputs that name
    files of a kind that a pack added → the kind.
    """

    spec: NodeSpec
    cls: type
    method: str
    hidden: Mapping[str, str]
    lists: bool
    raw: frozenset[str]
    live: frozenset[str]
    judged: frozenset[str]
    shelved: Mapping[str, str]

    @property
    def function(self) -> Callable[..., Any]:
        """The function that does the work, as the class has it."""
        return getattr(self.cls, self.method)


def declared(type_id: str, title: str, cls: Any, pack: str, words: frozenset[str]) -> Declared:
    """What a class declares. words: names and texts in the pack's code.

    Raises Nonsense with a reason, and whatever the class itself raises.
    """
    if not isinstance(cls, type):
        raise Nonsense(f"what stands for its class is a {type(cls).__name__}")
    if issubclass(cls, Lacked):
        raise Lacking(cls.lacking)
    method = getattr(cls, "FUNCTION", None)
    if not isinstance(method, str):
        raise Nonsense("its class has no FUNCTION" if method is None else f"its FUNCTION is {method!r}, no name")
    if not callable(getattr(cls, method, None)):
        raise Nonsense(f"its FUNCTION is '{method}', which its class does not have")
    groups = input_groups(cls)
    entries = {name: entry for group in ("required", "optional") for name, entry in groups[group].items()}
    optional = frozenset(groups["optional"])  # asked whether it has a name, it may say yes to any
    judged = _judged(cls, entries)
    live = frozenset(_live(cls, entries)) - judged
    raw = frozenset(name for name, entry in entries.items() if taken_apart(name, entry)[1].get("rawLink"))
    inputs = tuple(
        _as_used(input_of(name, entries[name], optional=name in optional), cls, raw, live, judged) for name in entries
    )
    others = _others(cls, groups)
    hidden = {name: _hidden(entry) for name, entry in groups["hidden"].items()}
    outputs = tuple(outputs_of(*(getattr(cls, key, ()) for key in ("RETURN_TYPES", "RETURN_NAMES", "OUTPUT_IS_LIST"))))
    shelved = {name: kind.folder for name, kind in _lists(entries) if isinstance(kind, FileNames)}
    shelved = {
        name: folder for name, folder in shelved.items() if next(i for i in inputs if i.name == name).source is None
    }
    expands = getattr(cls, "EXPANDS", "GraphBuilder" in words or {"expand", "class_type"} <= words)
    looks_around = bool(hidden or raw or expands or keeps_something(cls)) or "PromptServer" in words
    is_async = inspect.iscoroutinefunction(getattr(cls, method))
    types = {item.type for item in (*inputs, *outputs)}
    tells = getattr(cls, "OUTPUT_NODE", False) is True and not TOLD_IN_FILES.isdisjoint(hidden.values())
    services = _services({item.name for item in inputs}, types, words, looks_around=looks_around, tells=tells)
    spec = NodeSpec(
        type=type_id,
        title=title,
        category=str(getattr(cls, "CATEGORY", "") or pack),
        help=inspect.cleandoc(str(getattr(cls, "DESCRIPTION", "") or cls.__dict__.get("__doc__") or "")),
        inputs=inputs,
        others=others and _as_used(others, cls, frozenset(), frozenset(), frozenset()),
        outputs=outputs,
        output=getattr(cls, "OUTPUT_NODE", False) is True,
        impure=hasattr(cls, "IS_CHANGED") or bool(shelved),
        lane="io" if is_async else "device" if "weights" in services else "cpu",
        progress=not is_async and not REPORTING.isdisjoint(words),
        expands=expands,
        by_id=bool(getattr(cls, "NOT_IDEMPOTENT", False)) or not HIDDEN_BY_ID.isdisjoint(hidden.values()),
        deprecated=bool(getattr(cls, "DEPRECATED", False)),
        experimental=bool(getattr(cls, "EXPERIMENTAL", False)),
        services=services,
        module=cls.__module__,
        pack=pack,
    )
    lists = bool(getattr(cls, "INPUT_IS_LIST", False))
    return Declared(spec, cls, method, hidden, lists, raw, live, judged, shelved)


def input_groups(cls: Any) -> Mapping[str, Mapping[str, Any]]:
    """What `INPUT_TYPES` gives now: its groups "required", "optional" and "hidden". Raises Nonsense for others."""
    given = cls.INPUT_TYPES() if callable(getattr(cls, "INPUT_TYPES", None)) else None
    if not isinstance(given, Mapping):
        raise Nonsense("its class has no INPUT_TYPES" if given is None else f"its INPUT_TYPES gives {given!r}, no dict")
    groups = {group: {} if given.get(group) is None else given[group] for group in ("required", "optional", "hidden")}
    for group, entries in groups.items():
        if not isinstance(entries, Mapping) or not all(isinstance(name, str) for name in entries):
            raise Nonsense(f"the inputs it calls '{group}' are {entries!r}, not a dict of names")
    return groups


def _others(cls: Any, groups: Mapping[str, Mapping[str, Any]]) -> InputSpec | None:
    """What inputs that the class does not name are like; None where a node has none of these.

    Two ways lead to them: a dict of inputs that says it has every name, and a function with `**names`. ComfyUI gives
    to such a function every link that the node has, but no other value that is not declared.
    """
    for entries in (groups["optional"], groups["required"]):
        if UNNAMED in entries:
            try:
                entry = entries[UNNAMED]
            except LookupError:
                entry = (ANY,)
            return input_of(UNNAMED, entry, optional=True)
    takes_others = getattr(cls, "TAKES_OTHERS", None)
    if takes_others is None:
        takes_others = asked_by(getattr(cls, cls.FUNCTION))[1]
    if not takes_others:
        return None
    return InputSpec(name=UNNAMED, type=ANY, required=False, optional=True, hints={"forceInput": True})


def choices_now(cls: Any, name: str) -> list[Any] | None:
    """The choices of an input at this moment; None if it has none."""
    groups = input_groups(cls)
    found = dict(_lists({**groups["required"], **groups["optional"]})).get(name)
    return None if found is None else list(found)


def _judged(cls: Any, entries: Mapping[str, Any]) -> frozenset[str]:
    """The inputs that `VALIDATE_INPUTS` takes: it judges their values in our place."""
    if not hasattr(cls, "VALIDATE_INPUTS"):
        return frozenset()
    names, takes_all = asked_by(cls.VALIDATE_INPUTS)
    return frozenset(entries) if takes_all else names & frozenset(entries)


def _judges_types(cls: Any) -> bool:
    return hasattr(cls, "VALIDATE_INPUTS") and "input_types" in asked_by(cls.VALIDATE_INPUTS)[0]


def _lists(entries: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The inputs with choices, and these."""
    for name, entry in entries.items():
        kind, _ = taken_apart(name, entry)
        if not isinstance(kind, str):
            yield name, kind


def _live(cls: Any, entries: Mapping[str, Any]) -> Iterator[str]:
    """The inputs whose choices may be others tomorrow, or are no texts: they are looked up when a run is planned."""
    changes = reads_files(cls.INPUT_TYPES)
    for name, choices in _lists(entries):
        options = taken_apart(name, entries[name])[1]
        is_source = isinstance(choices, FileNames) and input_of(name, entries[name], optional=False).source is not None
        is_changing = changes or isinstance(choices, FileNames) or any(options.get(key) for key in CHANGING)
        is_rule = isinstance(entries[name][0], str)  # ("COMBO", {"options": …}): ComfyUI holds nobody to these
        if not is_source and not is_rule and (is_changing or not all(isinstance(item, str) for item in choices)):
            yield name


def _as_used(item: InputSpec, cls: Any, raw: frozenset[str], live: frozenset[str], judged: frozenset[str]) -> InputSpec:
    """An input as the class uses it: what it judges itself, or looks up, is no rule of ours."""
    changes: dict[str, Any] = {}
    hints = dict(item.hints)
    if item.name in live or item.name in judged:
        ruled = {"choices": item.choices, "min": item.minimum, "max": item.maximum}
        hints = {
            key: list(rule) if key == "choices" else rule for key, rule in ruled.items() if rule is not None
        } | hints
        changes |= {"choices": None, "minimum": None, "maximum": None}
    if item.name in judged:
        changes["source"] = None
    if _judges_types(cls):
        hints["widget"] = item.type
        changes["type"] = ANY
    wants_lazy = bool(item.hints.get("lazy")) and hasattr(cls, "check_lazy_status")
    changes |= {
        "hints": hints,
        "as_is": True,
        "list": item.list or bool(getattr(cls, "INPUT_IS_LIST", False)),
        "lazy": wants_lazy or item.name in raw,
        "required": item.required and not (wants_lazy and _has_default(cls, item.name)),
    }
    return item.model_copy(update=changes)


def _has_default(cls: Any, name: str) -> bool:
    """Whether the function does without an input. ComfyUI does not ask for it in graphs that nodes become."""
    parameter = inspect.signature(getattr(cls, cls.FUNCTION)).parameters.get(name)
    return parameter is not None and parameter.default is not parameter.empty


def _services(
    inputs: set[str], types: set[str], words: frozenset[str], *, looks_around: bool, tells: bool
) -> tuple[str, ...]:
    """What the nodes of a class are lent; a service whose name an input has is not.

    tells: it may write into files where they come from, so it must know how much these may tell.
    """
    asked = {
        "around": looks_around,
        "files": "folder_paths" in words,
        "output": not SAVING.isdisjoint(words),
        "weights": not LOADING.isdisjoint(types) or "get_torch_device" in words,
        "record": tells or {"NODE_CLASS_MAPPINGS", "nodes"} <= words or not SHOWING.isdisjoint(words),
    }
    return tuple(name for name, wanted in asked.items() if wanted and name not in inputs)


def _hidden(entry: object) -> str:
    return str(entry[0] if isinstance(entry, list | tuple) and entry else entry)
