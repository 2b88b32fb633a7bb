"""Everything that is wrong with a workflow, at once, from data alone.

The document is judged by its form (`graph.shape`) and by the names in it (`graph.references`); then the flat graph that
would run is judged node by node (`graph.node_problems`) and as a whole: circles, outputs. An error stops a run. Where
no wanted output depends on a node, its problems are warnings: an unfinished island stops nobody.
"""

from collections.abc import Collection, Iterator

from graph.catalogue import Catalogue
from graph.circles import circles
from graph.document import Workflow
from graph.flat import Expansion, expand
from graph.folders import Folders
from graph.garbage import paused
from graph.node_problems import node_problems
from graph.problem import Problem
from graph.references import reference_problems
from graph.shape import shape_problems
from graph.text import Suggestions, listing, meant

__all__ = ["Problem", "check"]

ENDLESS = frozenset({"subgraph_recursion", "too_large"})
"""Problems that leave no graph to judge, wherever they stand."""


@paused()
def check(
    workflow: Workflow, catalogue: Catalogue, files: Folders | None = None, outputs: Collection[str] | None = None
) -> list[Problem]:
    """All problems, those of the document first, then node by node in document order.

    files: where files that inputs name are looked for; without it they are not. outputs: paths of the wanted nodes, if
    not all output nodes are.
    """
    expansion = expand(workflow, catalogue)
    suggestions = Suggestions()
    problems = [
        *shape_problems(workflow),
        *reference_problems(workflow, catalogue, suggestions),
        *expansion.endless,
        *expansion.outdated.values(),
        *node_problems(workflow, catalogue, expansion, suggestions, files),
        *_circles(expansion),
    ]
    wanted, missing = _wanted(expansion, catalogue, outputs)
    problems += missing
    needed = _needed(expansion, wanted) if wanted else set(expansion.flat)
    return _weighed(problems, needed, expansion)


def _weighed(problems: list[Problem], needed: set[str], expansion: Expansion) -> list[Problem]:
    """Errors at nodes that no wanted output needs become warnings; but what is endless is so for every reader."""
    around = {path[:index] for path in needed for index, letter in enumerate(path) if letter == "/"}
    used = {expansion.instances[path] for path in around if path in expansion.instances}

    def matters(problem: Problem) -> bool:
        if problem.subgraph is not None:
            return problem.subgraph in used
        if problem.code in ENDLESS:
            return True
        return problem.node is None or problem.node in needed or problem.node in around

    return [
        problem
        if problem.severity == "warning" or matters(problem)
        else problem.model_copy(update={"severity": "warning"})
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
                hint=meant(path, expansion.flat),
            )
            for path in outputs
            if path not in expansion.flat and not any(name.startswith(f"{path}/") for name in expansion.flat)
        ]
        asked = tuple(f"{path}/" for path in outputs)
        return [path for path in expansion.flat if f"{path}/".startswith(asked)], missing
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
