"""A bench on which the tests of nodes run workflows with the engine."""

from pathlib import Path
from typing import Any

import nodes
from graph.cache import MemoryCache
from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.folders import OutputFolder
from graph.plan import plan
from graph.run import results, run
from noisewright.codecs import codecs_of
from tests.graph.toy_nodes import Desk

CATALOGUE = Catalogue.of([*nodes.MODULES, "tests.graph.toy_nodes"])


class Bench:
    """Runs workflows. desk: notes of what the toy node `Add` has added: "1+10". folder: where files are saved."""

    def __init__(self, folder: Path | None = None) -> None:
        self.desk = Desk()
        self.codecs = codecs_of(CATALOGUE)
        self.cache = MemoryCache(10**7, lambda value: 8, self.codecs)
        self.output = OutputFolder(folder) if folder is not None else None

    def events(self, workflow: Workflow, *wanted: str, **options: Any) -> Any:
        services = {"desk": self.desk, "weights": None, "files": None, "output": self.output}
        made = plan(workflow, CATALOGUE, services=services, cache=self.cache, outputs=wanted or None)
        return run(made, services=services, cache=self.cache, codecs=self.codecs, **options)

    def values(self, workflow: Workflow, node: str) -> dict[str, Any]:
        return dict(results(self.events(workflow, node))[node].values)
