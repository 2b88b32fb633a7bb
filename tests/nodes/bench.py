"""A bench on which the tests of nodes run workflows with the engine."""

from typing import Any

import nodes
from graph.cache import MemoryCache
from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.plan import plan
from graph.run import results, run
from tests.graph.toy_nodes import Desk

CATALOGUE = Catalogue.of([*nodes.MODULES, "tests.graph.toy_nodes"])


class Bench:
    """Runs workflows. desk: notes of what the toy node `Add` has added: "1+10"."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.cache = MemoryCache(10**7, lambda value: 8)

    def events(self, workflow: Workflow, *wanted: str, **options: Any) -> Any:
        services = {"desk": self.desk, "weights": None, "files": None, "output": None}
        made = plan(workflow, CATALOGUE, services=services, cache=self.cache, outputs=wanted or None)
        return run(made, services=services, cache=self.cache, **options)

    def values(self, workflow: Workflow, node: str) -> dict[str, Any]:
        return dict(results(self.events(workflow, node))[node].values)
