"""What is written into files about how they were made: the workflow, and a record of the run."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from graph.cache import NOTHING
from graph.comfyui.api import to_api
from graph.document import NAME
from graph.files import INPUT
from graph.workflow import dump

if TYPE_CHECKING:
    from graph.plan import Plan
    from graph.work import Work

Metadata = Literal["full", "minimal", "none"]
RUN = f"{NAME}_run"
"""Under this name a file carries the record of its run."""


@dataclass(frozen=True)
class Recording:
    """How much files tell about how they were made.

    metadata: "full": workflow and run record; "minimal": the mark of generated media alone; "none": nothing.
    app: name and version of the program. client_workflow: JSON text of the editor document a client sent, if it did.
    """

    metadata: Metadata = "full"
    app: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    client_workflow: str | None = None


class Record:
    """The service `record`: what the files of one node may tell. Nothing is worked out before it is asked for."""

    def __init__(
        self,
        plan: Plan,
        node: str,
        works: Mapping[str, Work] | None = None,
        grown: Mapping[str, Collection[str]] = NOTHING,
    ) -> None:
        """works: those of the run so far. grown: node → the nodes it has grown into."""
        self._plan = plan
        self._node = node
        self._works = plan.works if works is None else works
        self._grown = grown

    @property
    def metadata(self) -> Metadata:
        """How much a file may tell: "full", "minimal" or "none"."""
        return self._plan.recording.metadata

    @property
    def uses_pictures(self) -> bool:
        """Whether an input picture took part: a node upstream reads a file of the input folder."""
        return any(INPUT in work.kind.sources.values() for work in self._upstream())

    def texts(self) -> dict[str, str]:
        """Key → JSON text, for the text chunks of a file; empty unless metadata is "full".

        `noisewright`: our document; `prompt`: ComfyUI's API JSON; `workflow`: the client's own document, if it sent
        one; `noisewright_run`: `facts`.
        """
        if self.metadata != "full":
            return {}
        plan = self._plan
        specs = {work.kind.spec.type: work.kind.spec for work in plan.works.values()}
        texts = {NAME: dump(plan.workflow), "prompt": _text(to_api(plan.flat, specs, plan.workflow))}
        if plan.recording.client_workflow is not None:
            texts["workflow"] = plan.recording.client_workflow
        return texts | {RUN: _text(self.facts())}

    def facts(self) -> dict[str, Any]:
        """What this node's result came from, as JSON values; the same for every run of the same work.

        app; node_types with their versions; weights: files with their digests; fingerprints of impure nodes; seeds by
        node and input; environment: device, precision, versions.
        """
        works = self._upstream()
        return {
            "app": dict(self._plan.recording.app),
            "node_types": {work.kind.spec.type: work.kind.spec.version for work in sorted(works, key=_type)},
            "weights": [
                {"folder": work.kind.sources[name], "name": file.name, "digest": file.digest}
                for work in works
                for name, files in work.files.items()
                for file in files
                if work.kind.sources[name] != INPUT
            ],
            "fingerprints": {work.node: work.fingerprint for work in works if work.fingerprint},
            "seeds": {
                f"{work.node}.{item.name}": work.arguments[item.name]
                for work in works
                for item in work.kind.spec.inputs
                if item.hints.get("control_after_generate") and item.name in work.arguments
            },
            "environment": dict(self._plan.environment),
        }

    def _upstream(self) -> list[Work]:
        """The node and all that its result comes from, in the order of the plan."""
        works = dict(self._works)
        seen, pending = {self._node}, [self._node]
        while pending:
            node = pending.pop()
            for source in (*[source for _, source, _, _ in works[node].links], *self._grown.get(node, ())):
                if source not in seen:
                    seen.add(source)
                    pending.append(source)
        return [work for node, work in works.items() if node in seen and work.kind.spec.module]


def _type(work: Work) -> str:
    return work.kind.spec.type


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
