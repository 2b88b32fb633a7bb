"""From what a client sends to a run that can be kept: the document read, changed, checked. All of it from data."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from graph.catalogue import Catalogue, whence
from graph.check import check
from graph.document import Workflow
from graph.errors import FileMissing, SettingError, WorkflowError
from graph.flat import Flat, flatten
from graph.folders import Folders
from graph.problem import Problem, errors, joined
from graph.workflow import dump, load_with_problems, set_inputs
from server.api import Refusal
from server.redaction import without_paths


class Prepared(NamedTuple):
    """A workflow that can run. text: of the document. models: paths of the model files it uses. seeds: by node.input.
    problems: warnings.
    """

    workflow: Workflow
    text: str
    models: tuple[str, ...]
    seeds: dict[str, int]
    problems: list[Problem]


def read(document: Workflow | Mapping[str, Any] | bytes, catalogue: Catalogue) -> tuple[Workflow, list[Problem]]:
    """A document as ours, and what of another program's could not be mapped. Raises Refusal 422."""
    if isinstance(document, Workflow):
        return document, []
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    try:
        workflow, problems = load_with_problems(data, catalogue)
    except WorkflowError as error:
        raise Refusal(422, "no_workflow", str(error)) from error
    return workflow, list(problems)


def told(problems: Iterable[Problem]) -> list[Problem]:
    """Problems as clients get them: where files and packs lie on this machine is not theirs to know."""
    return [
        item.model_copy(update={"message": without_paths(item.message), "hint": without_paths(item.hint)})
        for item in problems
    ]


def prepare(
    document: Workflow | Mapping[str, Any] | bytes,
    settings: Mapping[str, Any],
    outputs: Sequence[str],
    catalogue: Catalogue,
    files: Folders,
    model_folders: Sequence[str],
) -> Prepared:
    """Read, change and check a document. Raises Refusal 422 with all problems where it cannot run."""
    workflow, problems = read(document, catalogue)
    if settings:
        try:
            workflow = set_inputs(workflow, {name: _literal(value) for name, value in settings.items()}, catalogue)
        except SettingError as error:
            raise Refusal(422, "bad_setting", str(error)) from error
    problems = told(joined(problems, check(workflow, catalogue, files, list(outputs) or None), whence(catalogue)))
    if wrong := errors(problems):
        more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise Refusal(
            422,
            "invalid_workflow",
            f"The workflow cannot run: {wrong[0]}{more}",
            problems=[problem.model_dump(mode="json") for problem in problems],
        )
    flat = flatten(workflow, catalogue)
    models = tuple(dict.fromkeys(_models(flat, catalogue, files, model_folders)))
    return Prepared(workflow, dump(workflow), models, dict(_seeds(flat, catalogue)), problems)


def _literal(value: Any) -> Any:
    """A value that names no file: `@file` is for the command line, whose files are the caller's own."""
    return f"@{value}" if isinstance(value, str) and value.startswith("@") else value


def _models(flat: Flat, catalogue: Catalogue, files: Folders, model_folders: Sequence[str]) -> list[str]:
    found = []
    for node in flat.values():
        spec = catalogue.spec(node.type)
        for item in spec.inputs if spec is not None else ():
            name = node.settings.get(item.name, item.default)
            if item.source and item.source in model_folders and isinstance(name, str) and item.name not in node.links:
                try:
                    found.append(str(files.locate(item.source, name).path))
                except FileMissing:
                    continue  # of a node nobody needs: `check` has judged it
    return found


def _seeds(flat: Flat, catalogue: Catalogue) -> list[tuple[str, int]]:
    found = []
    for node in flat.values():
        spec = catalogue.spec(node.type)
        for item in spec.inputs if spec is not None else ():
            value = node.settings.get(item.name, item.default)
            if item.hints.get("control_after_generate") and type(value) is int and item.name not in node.links:
                found.append((f"{node.id}.{item.name}", value))
    return found
