"""A home with packs of the test data in it, and runs of the engine there."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import nodes
from diffusion.codecs import register
from diffusion.memory import Weights
from diffusion.values import size_in_bytes
from graph.cache import MemoryCache
from graph.catalogue import Catalogue
from graph.codec import Codecs
from graph.document import Workflow
from graph.events import Event, NodeFinished
from graph.folders import Folders, OutputFolder
from graph.node import NodeType
from graph.packs import Pack
from graph.plan import plan
from graph.record import Recording
from graph.run import results, run
from nodes.comfyui.adapter import load_pack
from tests.graph.flows import flow

PACKS = Path(__file__).parent.parent.parent / "data" / "custom_nodes"
BUILT_IN = Catalogue.of(nodes.MODULES)


def node_types(*packs: Pack) -> Catalogue:
    """The built-in node types and those of packs."""
    types = {name: found for name in BUILT_IN.types() if (found := BUILT_IN.node_type(name)) is not None}
    types |= {found.spec.type: found for pack in packs for found in pack.node_types}
    errors = {name: reason for pack in packs for name, reason in pack.errors.items()}
    return Catalogue({name: found.spec for name, found in types.items()}, types=types, errors=errors)


class Workbench:
    """A home at a path, with copies of these packs. Runs share a cache, and every input is guarded against changes."""

    def __init__(self, home: Path, *names: str) -> None:
        self.home = home
        self.packs = {name: load_pack(self.copied(name)) for name in names}
        self.catalogue = node_types(*self.packs.values())
        self.output = OutputFolder(home / "output", home / "temp")
        self.files = Folders([home / "models"], [home / "input"])
        self.weights = Weights(device="cpu", precision="fp32")
        self.services = {"files": self.files, "output": self.output, "weights": self.weights}
        self.codecs = Codecs()
        register(self.codecs)
        self.cache = MemoryCache(10**9, size_in_bytes, self.codecs)

    def copied(self, name: str) -> Path:
        """A pack of the test data, in this home."""
        source = PACKS / name if (PACKS / name).is_dir() else PACKS / f"{name}.py"
        target = self.home / "custom_nodes" / source.name
        target.parent.mkdir(exist_ok=True, parents=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
        return target

    def type(self, type_id: str) -> NodeType:
        found = self.catalogue.node_type(type_id)
        assert found is not None, self.catalogue.error(type_id)
        return found

    def call(self, type_id: str, **arguments: Any) -> Any:
        """What a node type's function gives, outside of a run."""
        spec = self.type(type_id).spec
        lent = {name: self.services[name] for name in spec.services if name in self.services}
        result = self.type(type_id).function(**arguments, **lent)
        while hasattr(result, "send"):
            try:
                next(result)
            except StopIteration as stop:
                return stop.value
        return result

    def events(self, *outputs: str, recording: Recording | None = None, **given: Any) -> Iterator[Event]:
        """A run of a workflow, written short. outputs: its wanted nodes; none: all output nodes."""
        workflow = given.pop("workflow", None) or flow(**given)
        return self.run(workflow, *outputs, recording=recording)

    def run(self, workflow: Workflow, *outputs: str, recording: Recording | None = None) -> Iterator[Event]:
        made = plan(
            workflow,
            self.catalogue,
            services=self.services,
            cache=self.cache,
            outputs=outputs or None,
            recording=recording,
        )
        context = torch.inference_mode
        return run(
            made, services=self.services, cache=self.cache, codecs=self.codecs, guard=True, context=context, patience=5
        )

    def finished(self, *outputs: str, **given: Any) -> dict[str, NodeFinished]:
        return results(self.events(*outputs, **given))

    def value(self, output: str = "x", **given: Any) -> Any:
        """The first output of a node."""
        return next(iter(self.finished(output, **given)[output].values.values()))
