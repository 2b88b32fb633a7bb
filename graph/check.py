"""Everything that is wrong with a workflow, at once, from data alone.

The document is judged by its form (`graph.shape`) and by the names in it (`graph.references`); then the flat graph that
would run is judged here: types, links, settings, circles. An error stops a run. Where no wanted output depends on a node,
its problems are warnings, so an unfinished island beside a finished graph stops nobody.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from graph.catalogue import Catalogue
from graph.circles import circles
from graph.document import SUBGRAPH, Workflow
from graph.errors import FileMissing
from graph.flat import Expansion, FlatNode, expand
from graph.folders import Folders
from graph.problem import Problem
from graph.references import reference_problems
from graph.settings import Unfit, coerce, takes_settings
from graph.shape import shape_problems
from graph.spec import InputSpec, NodeSpec, OutputSpec, accepts
from graph.text import listing, nearest, shown

__all__ = ["Problem", "check"]

COMPARISONS = 200_000
"""Names that are compared to find nearest ones before hints become short: wrong names by the thousand stay quick."""


def check(
    workflow: Workflow, catalogue: Catalogue, files: Folders | None = None, outputs: Collection[str] | None = None
) -> list[Problem]:
    """All problems, those of the document first, then node by node in document order.

    files: where files that inputs name are looked for; without it they are not. outputs: paths of the wanted nodes, if
    not all output nodes are.
    """
    expansion = expand(workflow, catalogue)
    graph = _Graph(workflow, catalogue, expansion, files)
    problems = [
        *shape_problems(workflow),
        *reference_problems(workflow, catalogue),
        *expansion.problems,
        *graph.problems(),
        *_circles(expansion),
    ]
    wanted, missing = _wanted(expansion, catalogue, outputs)
    problems += missing
    needed = _needed(expansion, wanted) if wanted else set(expansion.flat)
    return _weighed(problems, needed, expansion)


def _weighed(problems: list[Problem], needed: set[str], expansion: Expansion) -> list[Problem]:
    """Errors at nodes that no wanted output needs become warnings."""
    around = {path[:index] for path in needed for index, letter in enumerate(path) if letter == "/"}
    used = {expansion.instances[path] for path in around if path in expansion.instances}

    def matters(problem: Problem) -> bool:
        if problem.subgraph is not None:
            return problem.subgraph in used
        return problem.node is None or problem.node in needed or problem.node in around

    return [
        problem if problem.severity == "warning" or matters(problem) else problem.model_copy(update={"severity": "warning"})
        for problem in problems
    ]


def _wanted(
    expansion: Expansion, catalogue: Catalogue, outputs: Collection[str] | None
) -> tuple[list[str], list[Problem]]:
    """The nodes a run starts from. A node of unknown type that feeds nothing may be one, so it counts."""
    if outputs is not None:
        missing = [
            Problem(
                code="unknown_output",
                message=f"The wanted output '{path}' is not a node that runs.",
                hint=_hint(nearest(path, expansion.flat), list(expansion.flat)),
            )
            for path in outputs
            if path not in expansion.flat
        ]
        return [path for path in outputs if path in expansion.flat], missing
    specs = {type_id: catalogue.spec(type_id) for type_id in {node.type for node in expansion.flat.values()}}
    feeding = {origin for node in expansion.flat.values() for origin, _ in node.links.values()}
    wanted = []
    for path, node in expansion.flat.items():
        spec = specs[node.type]
        if spec.output if spec else path not in feeding:
            wanted.append(path)
    if wanted:
        return wanted, []
    candidates = [type_id for type_id in catalogue.types() if (spec := catalogue.spec(type_id)) and spec.output]
    hint = f"Add an output node: {listing(candidates)}." if candidates else ""
    return [], [Problem(code="no_output", message="The workflow has no node that makes an output.", hint=hint)]


def _needed(expansion: Expansion, wanted: list[str]) -> set[str]:
    needed, ahead = set(wanted), list(wanted)
    while ahead:
        for origin, _ in expansion.flat[ahead.pop()].links.values():
            if origin in expansion.flat and origin not in needed:
                needed.add(origin)
                ahead.append(origin)
    return needed


def _circles(expansion: Expansion) -> Iterator[Problem]:
    for path in circles({name: [origin for origin, _ in node.links.values()] for name, node in expansion.flat.items()}):
        way = path if len(path) <= 24 else [*path[:12], f"… {len(path) - 23} more …", *path[-11:]]
        yield Problem(
            code="cycle",
            node=path[0],
            message=f"Nodes wait for each other in a circle: {' → '.join(way)}.",
            hint="Remove one of these links.",
        )


def _hint(close: str | None, names: Collection[str]) -> str:
    if close is not None:
        return f"Did you mean '{close}'?"
    return f"There is {listing(names)}." if names else ""


@dataclass(frozen=True, slots=True)
class _Type:
    """A node type, laid out for looking up."""

    spec: NodeSpec | None
    inputs: Mapping[str, InputSpec]
    outputs: Mapping[str, OutputSpec]
    required: tuple[InputSpec, ...]


class _Graph:
    """The flat graph being judged, with what it has looked up so far."""

    def __init__(self, workflow: Workflow, catalogue: Catalogue, expansion: Expansion, files: Folders | None) -> None:
        self.workflow = workflow
        self.catalogue = catalogue
        self.expansion = expansion
        self.files = files
        self.types: dict[str, _Type] = {}
        self.joins: dict[tuple[str, str], bool] = {}
        self.comparisons = COMPARISONS
        self.found: dict[tuple[str, str], tuple[str, str] | str | None] = {}

    def problems(self) -> Iterator[Problem]:
        """Problems of every node that runs, then unknown types among those that are bypassed."""
        for path, node in self.expansion.flat.items():
            known = self.type(node.type)
            if known.spec is None:
                yield self.unknown_type(path, node.type)
                continue
            if node.settings:
                yield from self.settings(node, known)
            if node.links:
                yield from self.links(node, known)
            for item in known.required:
                if item.name not in node.links and item.name not in node.settings:
                    yield self.missing(node, item)
        for type_id in self.types:
            error = self.catalogue.error(type_id)
            if error and self.types[type_id].spec is not None:
                yield Problem(code="doubtful_type", message=f"Node type '{type_id}': {error}.", severity="warning")

    def type(self, type_id: str) -> _Type:
        """A node type, looked up once."""
        known = self.types.get(type_id)
        if known is None:
            spec = self.catalogue.spec(type_id)
            known = self.types[type_id] = _Type(
                spec,
                {item.name: item for item in spec.inputs} if spec else {},
                {item.name: item for item in spec.outputs} if spec else {},
                tuple(item for item in spec.inputs if item.required) if spec else (),
            )
        return known

    def nearest(self, name: str, names: Collection[str]) -> str | None:
        """The nearest of `names`, as long as there have not been too many such questions."""
        self.comparisons -= len(names)
        return nearest(name, names) if self.comparisons > 0 else None

    def hint(self, name: str, names: Collection[str]) -> str:
        """What could have been meant in place of `name`."""
        return _hint(self.nearest(name, names), names)

    def unknown_type(self, path: str, type_id: str) -> Problem:
        """A node type, or a subgraph, that is not there."""
        if type_id.startswith(SUBGRAPH):
            names = list(self.workflow.subgraphs)
            message = f"Node '{path}' uses the subgraph '{type_id.removeprefix(SUBGRAPH)}', which the workflow does not have."
            hint = self.hint(type_id.removeprefix(SUBGRAPH), names)
            return Problem(code="unknown_subgraph", node=path, message=message, hint=hint)
        error = self.catalogue.error(type_id)
        if error:
            message = f"Node '{path}' is of type '{type_id}', which is not there: {error}."
            return Problem(code="broken_pack", node=path, message=message, hint="Mend or update the pack it comes from.")
        close = self.nearest(type_id, tuple(self.catalogue.types()))
        return Problem(
            code="unknown_type",
            node=path,
            message=f"Node '{path}' is of type '{type_id}', which does not exist.",
            hint=f"Did you mean '{close}'?" if close else "It may come from a pack that is not installed.",
        )

    def settings(self, node: FlatNode, known: _Type) -> Iterator[Problem]:
        """Values that are given: unknown inputs, values the input does not take, files that are not there."""
        for name, value in node.settings.items():
            item = known.inputs.get(name)
            if item is None:
                yield self.unknown_input(node, name, known)
                continue
            try:
                fit = coerce(item, value)
            except Unfit as unfit:
                message = f"{_place(node)}: '{name}' {unfit}."
                yield Problem(code=unfit.code, node=node.id, input=name, message=message, hint=unfit.hint)
                continue
            if item.source is not None and self.files is not None and fit is not None:
                for file in fit if item.list else (fit,):
                    yield from self.file(node, item, item.source, file)
