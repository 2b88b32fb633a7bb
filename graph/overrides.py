"""Settings given from outside, by name: `--set`, form pages, published endpoints."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from graph.catalogue import Catalogue
from graph.document import Link, Workflow
from graph.ends import inputs_of
from graph.errors import SettingError
from graph.flat import upgraded
from graph.settings import Unfit, coerce, read, takes_settings
from graph.spec import InputSpec
from graph.text import listing, nearest


def set_inputs(workflow: Workflow, values: Mapping[str, Any], catalogue: Catalogue) -> Workflow:
    """The workflow with settings changed from outside, as `--set NAME=VALUE` does.

    A name is one of the `interface`, or `NODE.INPUT`, or an input that holds a setting in one node only. A text is read
    as the input's type; `@file` reads a file's text, `@@` stands for a leading @. Other values are taken as they are.
    Raises SettingError with one readable paragraph.
    """
    nodes = dict(workflow.nodes)
    for name, value in values.items():
        node_id, spec = input_named(replace(workflow, nodes=nodes), name, catalogue)
        node = nodes[node_id]
        try:
            node = upgraded(node, catalogue)
            given = value_of(spec, name, _text(value)) if isinstance(value, str) else _fitting(spec, name, value)
            nodes[node_id] = replace(node, inputs={**node.inputs, spec.name: given})
        except ValueError as error:
            raise SettingError(f"'{name}' cannot be set: {error}.") from error
    return replace(workflow, nodes=nodes)


def value_of(spec: InputSpec, name: str, text: str) -> Any:
    """What a text means for an input. Raises SettingError, with the name under which it is set, if it does not fit."""
    return _fitting(spec, name, read(spec, text))


def _fitting(spec: InputSpec, name: str, value: Any) -> Any:
    try:
        return coerce(spec, value)
    except Unfit as error:
        raise SettingError(f"Setting '{name}' {error}. {error.hint}".strip()) from error


def _text(value: str) -> str:
    if not value.startswith("@"):
        return value
    if value.startswith("@@"):
        return value[1:]
    try:
        text = Path(value[1:]).expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ValueError(f"the file '{value[1:]}' cannot be read: {reason}") from error
    return text.removesuffix("\n").removesuffix("\r")


def input_named(workflow: Workflow, name: str, catalogue: Catalogue) -> tuple[str, InputSpec]:
    """The node and the input that a name stands for, as in `set_inputs`. Raises SettingError if there is none."""
    node_id, input_name = _target(workflow, name, catalogue)
    node = workflow.nodes.get(node_id)
    if node is None:
        raise SettingError(f"Setting '{name}' leads to node '{node_id}', which is not in the workflow.")
    inputs = inputs_of(node, workflow, catalogue)
    if input_name in inputs:
        return node_id, inputs[input_name]
    close = nearest(input_name, inputs)
    hint = f"Did you mean '{node_id}.{close}'?" if close else f"It has {listing(inputs)}."
    raise SettingError(f"Node '{node_id}' ({node.type}) has no input '{input_name}' to set. {hint}")


def _target(workflow: Workflow, name: str, catalogue: Catalogue) -> tuple[str, str]:
    for item in workflow.interface.inputs:
        if item.name == name:
            return item.node, item.input
    for place in (index for index, letter in enumerate(name) if letter == "."):
        if name[:place] in workflow.nodes:
            return name[:place], name[place + 1 :]
    holders = [
        node_id
        for node_id, node in workflow.nodes.items()
        if name in (inputs := inputs_of(node, workflow, catalogue))
        and takes_settings(inputs[name])
        and not isinstance(node.inputs.get(name), Link)
    ]
    if len(holders) == 1:
        return holders[0], name
    if holders:
        options = listing(f"{node_id}.{name}" for node_id in holders)
        raise SettingError(f"Setting '{name}' is an input of {len(holders)} nodes. Say which: {options}.")
    raise SettingError(f"There is nothing named '{name}' to set. {_hint(workflow, name, catalogue)}")


def _hint(workflow: Workflow, name: str, catalogue: Catalogue) -> str:
    """What could have been meant: names of the interface, `NODE.INPUT` of what holds a setting, inputs alone."""
    named = [item.name for item in workflow.interface.inputs]
    full = [
        f"{node_id}.{spec.name}"
        for node_id, node in workflow.nodes.items()
        for spec in inputs_of(node, workflow, catalogue).values()
        if takes_settings(spec) and not isinstance(node.inputs.get(spec.name), Link)
    ]
    if not named and not full:
        return "The workflow has no settings."
    close = nearest(name, dict.fromkeys([*named, *(item.rpartition(".")[2] for item in full), *full]))
    return f"Did you mean '{close}'?" if close else f"It has {listing([*named, *full])}."
