"""The service `around`: where a node stands in the graph that runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.flat import FlatNode


@dataclass(frozen=True, slots=True)
class Around:
    """What a node can see of the graph around it.

    node: its own path. links: its input → (id of the node it comes from, name of the output). flat: every node of the
    run by id, those of expansions too once they are there. workflow: the document; client_workflow: JSON text of the
    editor document that a client sent, if it did.
    """

    node: str
    links: Mapping[str, tuple[str, str]]
    flat: Mapping[str, FlatNode]
    workflow: Workflow
    client_workflow: str | None
    catalogue: Catalogue
