"""The packs of one catalogue: what they bring by name, their code's versions, and their import when it is needed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import RLock
from types import MappingProxyType

from graph.code_version import CodeVersions
from graph.errors import GraphError
from graph.files import INPUT
from graph.node import NodeType
from graph.pack_spec import PackSpec, reason_of
from graph.packs import Pack, Sources, enter, load
from graph.spec import InputSpec, NodeSpec

FAMILIES = "families"
"""The kind of names that are in use wherever a file of weights is named."""

NONE: Mapping[str, str] = MappingProxyType({})


class PacksInUse:
    """Packs by name. Safe to use from several threads.

    specs: what is known of them. sources: who reads them. code: tells the version of a module's code.
    """

    def __init__(self, specs: Sequence[PackSpec], sources: Sources, code: CodeVersions) -> None:
        self.specs = {pack.name: pack for pack in specs}
        self._sources = sources
        self._code = code
        self._loaded: dict[str, Pack] = {}
        self._lock = RLock()
        self._names: dict[str, dict[str, str]] = {}
        for pack in specs:
            for kind, brought in pack.names.items():
                for name in brought:
                    self._names.setdefault(kind, {}).setdefault(name, pack.name)
        if specs:
            enter([pack.place for pack in specs], sources)

    def node_type(self, pack: PackSpec, type_id: str) -> NodeType | None:
        """A node type of a pack, by the pack's own id, imported if need be. Raises GraphError where it cannot be."""
        return next((found for found in self._pack(pack).node_types if found.spec.type == type_id), None)

    def widened(self, spec: NodeSpec) -> NodeSpec:
        """A spec with the choices that packs added."""
        if not any(item.choices_of in self._names for item in spec.inputs):
            return spec
        return spec.model_copy(update={"inputs": tuple(self._widened(item) for item in spec.inputs)})

    def concern(self, spec: NodeSpec) -> bool:
        """Whether a call of this node type may need what packs added."""
        return bool(self._families(spec)) or any(item.choices_of in self._names for item in spec.inputs)

    def names(self, kind: str) -> Mapping[str, str]:
        """What packs bring of one kind: name → pack."""
        return self._names.get(kind, NONE)

    def bring_for(self, spec: NodeSpec, arguments: Mapping[str, object]) -> None:
        """Import the packs that a call needs: those that brought a name it is given, and where it names a file of
        weights those that brought families. Raises GraphError where that fails.
        """
        wanted = dict.fromkeys(self._families(spec).values())
        for item in spec.inputs:
            brought = self.names(item.choices_of)
            given = arguments.get(item.name) if brought else None
            for name in given if isinstance(given, list) else [given]:
                if isinstance(name, str) and name in brought:
                    wanted[brought[name]] = None
        for name in wanted:
            self._pack(self.specs[name])

    def bring(self, kind: str, name: str) -> None:
        """Import the pack that brings something by name. Raises GraphError where that fails."""
        self._pack(self.specs[self._names[kind][name]])

    def code_of(self, spec: NodeSpec) -> str | None:
        """The version of the code behind a pack's node type; None where it has no file."""
        return self._module_code(self.specs[spec.pack], spec.module)

    def family_code(self, spec: NodeSpec) -> tuple[str, ...]:
        """Versions of the families that packs added, for a node type that names files of weights."""
        return tuple(self._name_code(FAMILIES, name) for name in self._families(spec))

    def choice_code(self, spec: NodeSpec) -> dict[str, dict[str, str]]:
        """Versions of the code behind choices that packs added: input → choice → version."""
        return {
            item.name: {name: self._name_code(item.choices_of, name) for name in self._names[item.choices_of]}
            for item in spec.inputs
            if item.choices_of in self._names
        }

    def _pack(self, pack: PackSpec) -> Pack:
        """A pack, imported: on a thread of its own, where nothing that surrounds a node's call has a hold on it."""
        with self._lock:
            if pack.name not in self._loaded:
                try:
                    with ThreadPoolExecutor(1) as thread:
                        self._loaded[pack.name] = thread.submit(load, pack.place, self._sources).result()
                except (Exception, SystemExit) as error:
                    message = f"The pack '{pack.name}' cannot be imported: {reason_of(error, pack.place)}."
                    raise GraphError(message) from error
            return self._loaded[pack.name]

    def _widened(self, item: InputSpec) -> InputSpec:
        choices = item.choices or ()
        added = [name for name in self.names(item.choices_of) if name not in choices]
        return item.model_copy(update={"choices": (*choices, *added)}) if added else item

    def _families(self, spec: NodeSpec) -> Mapping[str, str]:
        names_weights = any(item.source not in (None, INPUT) for item in spec.inputs)
        return self.names(FAMILIES) if names_weights else NONE

    def _name_code(self, kind: str, name: str) -> str:
        pack = self.specs[self._names[kind][name]]
        return self._module_code(pack, pack.names[kind][name]) or ""

    def _module_code(self, pack: PackSpec, module: str) -> str | None:
        """The version of a module of a pack; of an adapted one, of all its files and of what adapts it."""
        if pack.place.kind != "adapted":
            return self._code.of(module)
        adapter = self._sources.adapter.partition(":")[0]
        paths = [pack.place.path, *(pack.place.path / path for path in pack.paths)]
        return joined([self._code.of(adapter) or "", *(self._code.of_files(path) for path in paths)])


def joined(versions: Sequence[str]) -> str:
    """One version of several."""
    return hashlib.sha256(json.dumps(versions).encode()).hexdigest()
