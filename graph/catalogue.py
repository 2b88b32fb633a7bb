"""The catalogue: every node type there is, as data, and with its function once somebody asks for it.

`Catalogue.of` imports the modules that declare node types; `graph.stored_catalogue` and `graph.stored_packs` keep what
was found as JSON, so that a process has the specs without importing a single node.
"""

import hashlib
import importlib
import logging
import marshal
import traceback
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self

from graph.code_version import CodeVersions
from graph.declared import declared_types
from graph.errors import GraphError
from graph.node import NodeType
from graph.pack_spec import PackSpec
from graph.packs import Sources, node_types_in
from graph.packs_in_use import PacksInUse, joined
from graph.spec import NodeSpec
from graph.text import listing

log = logging.getLogger(__name__)

FORMAT = 2
"""Of the JSON; raise it when its shape changes."""


class Catalogue:
    """Node types by id. A type that should be there but could not be loaded has an `error` in place of a spec.

    Every node type of a pack can be named `PACK/TYPE`. Where its id is taken, by a type that ships with the program or
    by another pack's, that is its only id.

    specs: by id. types: those whose function is at hand; the others are imported when asked for. errors: why a node
    type, or a whole module, is not there. packs: in the order in which they may claim ids. sources: who reads them.
    code: tells the version of a module's code.
    """

    def __init__(
        self,
        specs: Mapping[str, NodeSpec],
        *,
        types: Mapping[str, NodeType] | None = None,
        errors: Mapping[str, str] | None = None,
        packs: Sequence[PackSpec] = (),
        sources: Sources | None = None,
        code: CodeVersions | None = None,
    ) -> None:
        self._code = code or CodeVersions()
        self._packs = PacksInUse(packs, sources or Sources(), self._code)
        self._given = dict(specs)
        self._given_types = dict(types or {})
        self._given_errors = dict(errors or {})
        self._specs = {name: self._packs.widened(spec) for name, spec in specs.items()}
        self._errors = dict(errors or {})
        self._clashes: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        for pack in packs:
            self._admit(pack)
        for new, spec in self._specs.items():
            for old in spec.replaces:
                if old not in self._specs:
                    self._aliases.setdefault(old, new)
        self._types: dict[str, NodeType] = {}

    @classmethod
    def of(
        cls,
        modules: Iterable[str],
        *,
        packs: Sequence[PackSpec] = (),
        sources: Sources | None = None,
        code: CodeVersions | None = None,
    ) -> Self:
        """Import modules and collect what they declare. One that cannot be imported is an entry with its error."""
        types: dict[str, NodeType] = {}
        errors: dict[str, str] = {}
        for name in modules:
            try:
                module = importlib.import_module(name)
            except Exception as error:  # noqa: BLE001 — its failure is an entry, not a crash
                message = f"its module '{name}' cannot be imported: {type(error).__name__}: {error}"
                log.warning("%s\n%s", message, "".join(traceback.format_exception(error)))
                errors |= dict.fromkeys((name, *declared_types(name)), message)
                continue
            for found in node_types_in(module):
                other = types.get(found.spec.type)
                if other is None:
                    types[found.spec.type] = found
                elif other.spec.module != found.spec.module or other.function is not found.function:
                    errors[found.spec.type] = (
                        f"it is declared twice: in '{other.spec.module}', which is used, and in '{found.spec.module}'"
                    )
        specs = {name: found.spec for name, found in types.items()}
        return cls(specs, types=types, errors=errors, packs=packs, sources=sources, code=code)

    def including(self, types: Iterable[NodeType]) -> Self:
        """This catalogue with node types that stand in no module of it, such as those of a notebook. They win."""
        own = {found.spec.type: found for found in types}
        if not own:
            return self
        joined = copy(self)
        joined._specs = self._specs | {name: found.spec for name, found in own.items()}
        joined._given_types = self._given_types | own
        joined._types = self._types | own
        return joined

    def spec(self, type_id: str) -> NodeSpec | None:
        """The spec of a type id, or of the type that replaces it; None if it is unknown or could not be loaded."""
        return self._specs.get(type_id) or self._specs.get(self._aliases.get(type_id, ""))

    def node_type(self, type_id: str) -> NodeType | None:
        """The same with its function. A pack is imported when its function is called, or asked about its inputs.

        Raises GraphError if a module or a pack cannot be imported, or no longer declares the type.
        """
        spec = self.spec(type_id)
        if spec is None:
            return None
        found = self._types.get(spec.type)
        if found is None:
            pack = self._packs.specs.get(spec.pack)
            if pack is not None and self._declared_as(spec) not in pack.early:
                found = _deferred(self, spec)
            else:
                found = self.loaded(spec)
            self._types[spec.type] = found
        return found

    def loaded(self, spec: NodeSpec) -> NodeType:
        """A node type with the function itself, its module or pack imported if that has not happened yet.

        Raises GraphError as `node_type` does.
        """
        pack = self._packs.specs.get(spec.pack)
        if pack is not None:
            place, found = f"Pack '{pack.name}'", self._packs.node_type(pack, self._declared_as(spec))
        else:
            place, found = f"Module '{spec.module}'", self._given_types.get(spec.type) or _in_module(spec)
        if found is None:
            raise GraphError(f"{place} no longer declares the node type '{spec.type}'. Start the program again.")
        if self._packs.concern(spec):
            return replace(found, spec=spec, function=_supplied(self._packs, spec, found.function))
        return found if found.spec is spec else replace(found, spec=spec)

    def types(self) -> tuple[str, ...]:
        """All type ids that can be used, in the order of their modules, those of packs behind the others."""
        return tuple(self._specs)

    def error(self, type_id: str) -> str | None:
        """Why a node type is not there, or is there twice: completes "Node type 'X' …". None if nothing is wrong."""
        return self._errors.get(type_id)

    @property
    def errors(self) -> Mapping[str, str]:
        """Everything that is wrong: by node type, and by module or pack for those that could not be imported."""
        return {**self._clashes, **self._errors}

    @property
    def packs(self) -> tuple[PackSpec, ...]:
        """The packs, also those that cannot be used."""
        return tuple(self._packs.specs.values())

    def added(self, kind: str) -> tuple[str, ...]:
        """What packs bring of one kind besides node types, by name: "samplers", "values", …"""
        return tuple(self._packs.names(kind))

    def bring(self, kind: str, name: str) -> None:
        """Import the pack that brings something by name, so that it can be used. Raises GraphError where that fails."""
        self._packs.bring(kind, name)

    def code_version(self, type_id: str) -> str:
        """The version of the code behind a node type: part of the cache keys of its nodes."""
        spec = self.spec(type_id)
        if spec is None:
            raise GraphError(f"There is no node type '{type_id}'.")
        version = self._packs.code_of(spec) if spec.pack in self._packs.specs else self._code.of(spec.module)
        if version is None:
            # Declared in a notebook: there is no file, so the function itself is the version.
            function = (self._given_types.get(spec.type) or self.loaded(spec)).function
            code = getattr(function, "__code__", None)
            version = hashlib.sha256(marshal.dumps(code)).hexdigest()
        families = self._packs.family_code(spec)
        return joined([version, *families]) if families else version

    def choice_code(self, spec: NodeSpec) -> Mapping[str, Mapping[str, str]]:
        """Versions of the code behind choices that packs added: input → choice → version. Nearly always empty.

        What stands there belongs into the key of a node whose input holds that choice.
        """
        return self._packs.choice_code(spec)

    def code_of(self, module: str) -> str | None:
        """The version of the code of any module: see `CodeVersions.of`."""
        return self._code.of(module)

    def to_json(self) -> dict[str, Any]:
        """Specs, errors and packs as JSON values."""
        specs = [spec.model_dump(mode="json", exclude_defaults=True) for spec in self._given.values()]
        packs = [pack.model_dump(mode="json", exclude_defaults=True) for pack in self.packs]
        return {"format": FORMAT, "nodes": specs, "errors": self._given_errors, "packs": packs}

    @classmethod
    def from_json(
        cls, data: Mapping[str, Any], *, sources: Sources | None = None, code: CodeVersions | None = None
    ) -> Self:
        """What `to_json` gave. Functions are imported when they are asked for. Raises ValueError for anything else."""
        if data.get("format") != FORMAT:
            raise ValueError(f"a catalogue of format {data.get('format')!r}, not {FORMAT}")
        specs = [NodeSpec.model_validate(spec) for spec in data["nodes"]]
        packs = [PackSpec.model_validate(pack) for pack in data["packs"]]
        return cls({spec.type: spec for spec in specs}, errors=data["errors"], packs=packs, sources=sources, code=code)

    def _admit(self, pack: PackSpec) -> None:
        """Give a pack's node types their ids, and its errors their place."""
        if pack.error:
            self._errors[pack.name] = pack.error
        for type_id in pack.lacking if pack.error else ():
            self._errors.setdefault(f"{pack.name}/{type_id}", pack.error)
            if type_id not in self._specs:
                self._errors.setdefault(type_id, pack.error)
        for type_id, fault in pack.errors.items():
            reason = fault if f"'{pack.name}'" in fault else f"{fault} (pack '{pack.name}')"
            self._errors[f"{pack.name}/{type_id}"] = reason
            if type_id not in self._specs:
                self._errors.setdefault(type_id, reason)
        for spec in pack.nodes:
            taken, full = self._specs.get(spec.type), f"{pack.name}/{spec.type}"
            if taken is None:
                self._aliases[full] = spec.type
                self._specs[spec.type] = self._packs.widened(spec)
                self._errors.pop(spec.type, None)
                continue
            self._specs[full] = self._packs.widened(spec.model_copy(update={"type": full}))
            if taken.pack:
                self._errors[spec.type] = (
                    f"two packs declare it: '{taken.pack}', which is used, and '{pack.name}', whose own is '{full}'"
                )
            else:
                self._clashes[full] = f"'{spec.type}' is built in, so the one of the pack '{pack.name}' is '{full}'"

    def _declared_as(self, spec: NodeSpec) -> str:
        """The id by which its pack knows a type."""
        prefix = f"{spec.pack}/"
        return spec.type if f"{prefix}{spec.type}" in self._aliases else spec.type.removeprefix(prefix)


def _in_module(spec: NodeSpec) -> NodeType | None:
    try:
        module = importlib.import_module(spec.module)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        message = f"Node type '{spec.type}': its module '{spec.module}' cannot be imported: {reason}."
        raise GraphError(message) from error
    return next((found for found in node_types_in(module) if found.spec.type == spec.type), None)


def _deferred(catalogue: Catalogue, spec: NodeSpec) -> NodeType:
    """A node type whose pack is imported once it is called, or a node of an older version is met."""

    def call(**arguments: Any) -> Any:
        return catalogue.loaded(spec).function(**arguments)

    def upgrade(inputs: dict[str, Any], version: int) -> dict[str, Any]:
        real = catalogue.loaded(spec).upgrade
        if real is None:
            raise GraphError(f"{spec.type} has no upgrade from version {version} to {spec.version}.")
        return real(inputs, version)

    return NodeType(spec, call, upgrade if spec.version > 1 else None)


def _supplied(packs: PacksInUse, spec: NodeSpec, function: Any) -> Any:
    """The function, with the packs imported before a call that added what it is given."""

    def call(**arguments: Any) -> Any:
        packs.bring_for(spec, arguments)
        return function(**arguments)

    return call


def whence(catalogue: Catalogue) -> str:
    """Where a node type may come from that the catalogue does not have: a hint."""
    broken = [pack.name for pack in catalogue.packs if pack.error]
    if not broken:
        return "It may come from a pack that is not installed."
    there = f"the pack {listing(broken)}" if len(broken) == 1 else f"one of the packs {listing(broken)}"
    return f"It may come from a pack that is not installed, or from {there}, which cannot be imported."
