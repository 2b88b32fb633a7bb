"""The catalogue: every node type there is, as data, and with its function once somebody asks for it.

`Catalogue.of` imports the modules that declare node types. `graph.stored_catalogue` keeps what it found as JSON, so
that a server has the specs without importing a single node.
"""

import hashlib
import importlib
import logging
import marshal
import traceback
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, Self

from graph.code_version import CodeVersions
from graph.declared import declared_types
from graph.errors import GraphError
from graph.node import NodeType, node_type_of
from graph.spec import NodeSpec

log = logging.getLogger(__name__)

FORMAT = 1
"""Of the JSON; raise it when its shape changes."""


class Catalogue:
    """Node types by id. A type that should be there but could not be loaded has an `error` in place of a spec.

    specs: by id. types: those whose function is at hand; the others are imported when asked for. errors: why a node
    type, or a whole module, is not there. code: tells the version of a module's code.
    """

    def __init__(
        self,
        specs: Mapping[str, NodeSpec],
        *,
        types: Mapping[str, NodeType] | None = None,
        errors: Mapping[str, str] | None = None,
        code: CodeVersions | None = None,
    ) -> None:
        self._specs = dict(specs)
        self._types = dict(types or {})
        self._errors = dict(errors or {})
        self._code = code or CodeVersions()
        self._replaced = {old: new for new, spec in specs.items() for old in spec.replaces if old not in specs}

    @classmethod
    def of(cls, modules: Iterable[str], *, code: CodeVersions | None = None) -> Self:
        """Import modules and collect what they declare. One that cannot be imported is an entry with its error."""
        types: dict[str, NodeType] = {}
        errors: dict[str, str] = {}
        for name in modules:
            try:
                module = importlib.import_module(name)
            except Exception as error:  # noqa: BLE001 — a pack's code; its failure is an entry, not a crash
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
        return cls({name: found.spec for name, found in types.items()}, types=types, errors=errors, code=code)

    def spec(self, type_id: str) -> NodeSpec | None:
        """The spec of a type id, or of the type that replaces it; None if it is unknown or could not be loaded."""
        return self._specs.get(type_id) or self._specs.get(self._replaced.get(type_id, ""))

    def node_type(self, type_id: str) -> NodeType | None:
        """The same with its function, importing its module if that has not happened yet.

        Raises GraphError if the module cannot be imported, or no longer declares the type.
        """
        spec = self.spec(type_id)
        if spec is None:
            return None
        if spec.type not in self._types:
            self._load(spec)
        return self._types[spec.type]

    def types(self) -> tuple[str, ...]:
        """All type ids that can be used, in the order of their modules."""
        return tuple(self._specs)

    def error(self, type_id: str) -> str | None:
        """Why a node type is not there, or is there twice: completes "Node type 'X' …". None if nothing is wrong."""
        return self._errors.get(type_id)

    @property
    def errors(self) -> Mapping[str, str]:
        """Everything that is wrong: by node type, and by module for those that could not be imported."""
        return self._errors

    def code_version(self, type_id: str) -> str:
        """The version of the code behind a node type: part of the cache keys of its nodes."""
        node_type = self.node_type(type_id)
        if node_type is None:
            raise GraphError(f"There is no node type '{type_id}'.")
        version = self._code.of(node_type.spec.module)
        if version is not None:
            return version
        # Declared in a notebook: there is no file, so the function itself is the version.
        return hashlib.sha256(marshal.dumps(node_type.function.__code__)).hexdigest()

    def code_of(self, module: str) -> str | None:
        """The version of the code of any module: see `CodeVersions.of`."""
        return self._code.of(module)

    def to_json(self) -> dict[str, Any]:
        """Specs and errors as JSON values."""
        specs = [spec.model_dump(mode="json", exclude_defaults=True) for spec in self._specs.values()]
        return {"format": FORMAT, "nodes": specs, "errors": self._errors}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, code: CodeVersions | None = None) -> Self:
        """What `to_json` gave. Functions are imported when they are asked for. Raises ValueError for anything else."""
        if data.get("format") != FORMAT:
            raise ValueError(f"a catalogue of format {data.get('format')!r}, not {FORMAT}")
        specs = [NodeSpec.model_validate(spec) for spec in data["nodes"]]
        return cls({spec.type: spec for spec in specs}, errors=data["errors"], code=code)

    def _load(self, spec: NodeSpec) -> None:
        try:
            module = importlib.import_module(spec.module)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            message = f"Node type '{spec.type}': its module '{spec.module}' cannot be imported: {reason}."
            raise GraphError(message) from error
        for found in node_types_in(module):
            self._types.setdefault(found.spec.type, found)
        if spec.type not in self._types:
            message = f"Module '{spec.module}' no longer declares the node type '{spec.type}'."
            raise GraphError(f"{message} Start the program again.")


def node_types_in(module: ModuleType) -> Iterator[NodeType]:
    """The node types that a module itself declares, in order; those it imported belong to another."""
    for value in vars(module).values():
        found = node_type_of(value)
        if found is not None and found.spec.module == module.__name__:
            yield found
