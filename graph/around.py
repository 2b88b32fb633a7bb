"""The service `around`: where a node stands in the graph that runs."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.flat import FlatNode

if TYPE_CHECKING:
    from graph.plan import Plan

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 256 * 1024
"""Of what a node tells, as JSON text."""


def _nobody(kind: str, data: Any) -> None:
    """Before a run nobody listens."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a node can see of the graph around it.

    node: its own path. links: its input → (id of the node it comes from, name of the output). flat: every node of the
    run by id, those of expansions too once they are there; nodes that nothing wanted needs are left out. workflow: the
    document. client_workflow: JSON text of the editor document that a client sent, if it did. said: takes what a node
    tells.
    """

    node: str
    links: Mapping[str, tuple[str, str]]
    flat: Mapping[str, FlatNode]
    workflow: Workflow
    client_workflow: str | None
    catalogue: Catalogue
    said: Callable[[str, Any], object] = _nobody

    def tell(self, kind: str, data: Any) -> None:
        """Say something to whoever follows the run, as the event `node_message`. May be called from any thread.

        kind: what it is, as clients know it. data: JSON values, at most 256 kB of text. Anything else becomes a line in
        the log: a message is no reason for a node to fail.
        """
        try:
            text = json.dumps(data, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            log.warning("Node '%s' tells '%s', which is no JSON: %s", self.node, kind, error)
            return
        if len(text) > LONGEST_MESSAGE:
            log.warning("Node '%s' tells '%s' in %d characters, which are too many.", self.node, kind, len(text))
            return
        self.said(str(kind), json.loads(text))  # as it is now, whatever becomes of it


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


def around_of(
    node: str,
    links: Mapping[str, tuple[str, str]],
    flat: Mapping[str, FlatNode],
    plan: Plan,
    said: Callable[[str, Any], object] = _nobody,
) -> Around:
    """What a node of this plan sees. flat: of the run so far."""
    return Around(node, links, flat, plan.workflow, plan.recording.client_workflow, plan.kinds.catalogue, said)
