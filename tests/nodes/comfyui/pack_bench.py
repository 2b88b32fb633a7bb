"""A home with packs for ComfyUI, and the engine to run them in."""

from pathlib import Path
from typing import Any

from diffusion.codecs import register
from graph.cache import MemoryCache
from graph.catalogue import Catalogue
from graph.codec import Codecs
from graph.events import NodeFinished
from graph.folders import Folders, OutputFolder
from graph.packs import Pack
from graph.plan import plan
from graph.record import Recording
from graph.run import results, run
from nodes.comfyui.adapter import load_pack
from tests.graph.flows import flow

PACKS = Path(__file__).parent.parent.parent / "data" / "custom_nodes"

GREY = ("EmptyImage", {"width": 6, "height": 4, "color": 0x808080})
LEVEL = 0x80 / 255


class Bench:
    """A home with packs, and what a run in it needs. Every input is looked at before and after."""

    def __init__(self, home: Path, *packs: Path) -> None:
        self.packs: dict[str, Pack] = {}
        built_in = Catalogue.of(["nodes.image", "nodes.mask"])
        types = {name: built_in.node_type(name) for name in built_in.types()}
        self.errors: dict[str, str] = {}
        for path in packs:
            pack = self.packs[path.stem] = load_pack(path)
            types |= {item.spec.type: item for item in pack.node_types}
            self.errors |= pack.errors
        found = {name: item for name, item in types.items() if item is not None}
        specs = {name: item.spec for name, item in found.items()}
        self.catalogue = Catalogue(specs, types=found, errors=self.errors)
        self.output = OutputFolder(home / "results", home / "previews")
        self.services = {"output": self.output, "files": Folders([home / "models"], [home / "input"])}
        self.codecs = Codecs()
        register(self.codecs)
        self.cache = MemoryCache(10**8, lambda values: 1, self.codecs)

    def events(self, nodes: dict[str, Any], *outputs: str, recording: Recording | None = None):
        made = plan(
            flow(**nodes),
            self.catalogue,
            services=self.services,
            cache=self.cache,
            outputs=outputs or None,
            recording=recording,
        )
        return run(made, services=self.services, cache=self.cache, codecs=self.codecs, guard=True)

    def finished(self, nodes: dict[str, Any], *outputs: str, **options: Any) -> dict[str, NodeFinished]:
        return results(self.events(nodes, *outputs, **options))

    def value(self, nodes: dict[str, Any], output: str = "x") -> Any:
        """The first output of a node."""
        return next(iter(self.finished(nodes, output)[output].values.values()))
