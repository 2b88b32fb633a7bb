"""The service `around`: where a node stands in the graph that runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.flat import FlatNode

if TYPE_CHECKING:
    from graph.plan import Plan


@dataclass(frozen=True, slots=True)
class Around:
    """What a node can see of the graph around it.

    node: its own path. links: its input → (id of the node it comes from, name of the output). flat: every node of the
    run by id, those of expansions too once they are there; nodes that nothing wanted needs are left out. workflow: the
    document. client_workflow: JSON text of the editor document that a client sent, if it did.
    """

    node: str
    links: Mapping[str, tuple[str, str]]
    flat: Mapping[str, FlatNode]
    workflow: Workflow
    client_workflow: str | None
    catalogue: Catalogue


class LiveGraph(Mapping[str, FlatNode]):
    """A graph to which other threads add while somebody looks at it: what one goes through stays as it was."""

    def __init__(self, flat: dict[str, FlatNode]) -> None:
        self._flat = flat

    def __getitem__(self, node: str) -> FlatNode:
        return self._flat[node]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._flat))

    def __len__(self) -> int:
        return len(self._flat)


def around_of(node: str, links: Mapping[str, tuple[str, str]], flat: Mapping[str, FlatNode], plan: Plan) -> Around:
    """What a node of this plan sees. flat: of the run so far."""
    return Around(node, links, flat, plan.workflow, plan.recording.client_workflow, plan.kinds.catalogue)
