"""What is wrong with the nodes that would run: their types, settings, links and files."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from graph.catalogue import Catalogue, whence
from graph.document import SUBGRAPH, Workflow
from graph.errors import FileMissing
from graph.flat import Expansion, FlatNode
from graph.folders import Folders, Found
from graph.problem import Problem
from graph.settings import Unfit, coerce, takes_settings
from graph.spec import InputSpec, NodeSpec, OutputSpec, accepts
from graph.text import Suggestions, listing


def node_problems(
    workflow: Workflow,
    catalogue: Catalogue,
    expansion: Expansion,
    suggestions: Suggestions,
    files: Folders | None = None,
) -> Iterator[Problem]:
    """Problems of every node of the flat graph, in its order. files: without it, files are not looked for."""
    return _Graph(workflow, catalogue, expansion, suggestions, files).problems()


LIKENESS = 0.75
"""How much a name of a node type must look like another to be taken for it: packs bring thousands of them."""


@dataclass(frozen=True, slots=True)
class _Type:
    """A node type, laid out for looking up."""

    spec: NodeSpec | None
    inputs: Mapping[str, InputSpec]
    outputs: Mapping[str, OutputSpec]
    required: tuple[InputSpec, ...]

    def input(self, name: str) -> InputSpec | None:
        """The input of that name, or None."""
        found = self.inputs.get(name)
        return found or (self.spec.input(name) if self.spec is not None and self.spec.others is not None else None)


class _Graph:
    """The flat graph being judged, with what it has looked up so far."""

    def __init__(
        self,
        workflow: Workflow,
        catalogue: Catalogue,
        expansion: Expansion,
        suggestions: Suggestions,
        files: Folders | None,
    ) -> None:
        self.workflow = workflow
        self.catalogue = catalogue
        self.expansion = expansion
        self.files = files
        self.types: dict[str, _Type] = {}
        self.joins: dict[tuple[str, str], bool] = {}
        self.suggestions = suggestions
        self.scopes: dict[str, list[str]] = {}
        self.found: dict[tuple[str, str], Found | FileMissing] = {}

    def problems(self) -> Iterator[Problem]:
        """Problems of every node that runs, then what the catalogue has to say about types in use."""
        for path, node in self.expansion.flat.items():
            known = self.type(node.type)
            if path in self.expansion.outdated:
                continue
            if known.spec is None:
                yield from self.unknown_type(path, node.type)
                continue
            if node.settings:
                yield from self.settings(node, known)
            if node.links:
                yield from self.links(node, known)
            for item in known.required:
                if item.name not in node.links and item.name not in node.settings:
                    yield self.missing(node, item)
        for type_id in self.types:
            error = self.catalogue.error(type_id)
            if error and self.types[type_id].spec is not None:
                yield Problem(code="doubtful_type", message=f"Node type '{type_id}': {error}.", severity="warning")

    def type(self, type_id: str) -> _Type:
        """A node type, looked up once."""
        known = self.types.get(type_id)
        if known is None:
            spec = self.catalogue.spec(type_id)
            known = self.types[type_id] = _Type(
                spec,
                {item.name: item for item in spec.inputs} if spec else {},
                {item.name: item for item in spec.outputs} if spec else {},
                tuple(item for item in spec.inputs if item.required) if spec else (),
            )
        return known

    def unknown_type(self, path: str, type_id: str) -> Iterator[Problem]:
        """A node type, or a subgraph, that is not there. A subgraph that is there is inside itself, which was told."""
        if type_id.startswith(SUBGRAPH):
            name, names = type_id.removeprefix(SUBGRAPH), self.workflow.subgraphs
            if name not in names:
                message = f"Node '{path}' uses the subgraph '{name}', which the workflow does not have."
                hint = self.suggestions.meant(name, names)
                yield Problem(code="unknown_subgraph", node=path, message=message, hint=hint)
            return
        error = self.catalogue.error(type_id)
        if error:
            message = f"Node '{path}' is of type '{type_id}', but {error}."
            hint = "Mend or update the pack it comes from."
            yield Problem(code="broken_pack", node=path, message=message, hint=hint)
            return
        message = f"Node '{path}' is of type '{type_id}', which does not exist."
        close = self.suggestions.nearest(type_id, tuple(self.catalogue.types()), LIKENESS)
        hint = f"Did you mean '{close}'?" if close else whence(self.catalogue)
        yield Problem(code="unknown_type", node=path, message=message, hint=hint)

    def settings(self, node: FlatNode, known: _Type) -> Iterator[Problem]:
        """Values that are given: unknown inputs, values the input does not take, files that are not there."""
        for name, value in node.settings.items():
            item = known.input(name)
            if item is None:
                yield self.unknown_input(node, name, known)
                continue
            try:
                fit = coerce(item, value)
            except Unfit as unfit:
                message = f"{_place(node)}: '{name}' {unfit}."
                yield Problem(code=unfit.code, node=node.id, input=name, message=message, hint=unfit.hint)
                continue
            if item.source is not None and self.files is not None and fit is not None:
                for file in fit if item.list else (fit,):
                    yield from self.file(node, item, item.source, file)

    def links(self, node: FlatNode, known: _Type) -> Iterator[Problem]:
        """Links: unknown inputs, links that lead nowhere, links of the wrong type."""
        flat = self.expansion.flat
        for name, (origin, output) in node.links.items():
            item = known.input(name)
            if item is None:
                yield self.unknown_input(node, name, known)
                continue
            if origin not in flat:
                yield self.dangling(node, name, origin, output)
                continue
            source = self.type(flat[origin].type)
            given = source.outputs.get(output)
            if source.spec is None or (given and self.joins_to(item.type, given.type)):
                continue
            place = f"output '{output}' of node '{origin}' ({source.spec.type})"
            if given is None:
                code, message = (
                    "dangling_link",
                    f"{_place(node)}: '{name}' is linked to {place}, which has no such output.",
                )
                hint = self.suggestions.meant(output, source.outputs)
            else:
                code, message = (
                    "wrong_link_type",
                    f"{_place(node)}: '{name}' takes {item.type}, but {place} is {given.type}.",
                )
                fitting = [other.name for other in source.outputs.values() if self.joins_to(item.type, other.type)]
                hint = (
                    f"Link it to {listing(fitting)} there." if fitting else f"Link it to an output of type {item.type}."
                )
            yield Problem(code=code, node=node.id, input=name, message=message, hint=hint)

    def joins_to(self, wanted: str, given: str) -> bool:
        """Whether a link of type `given` fits, looked up once."""
        join = (wanted, given)
        if join not in self.joins:
            self.joins[join] = accepts(wanted, given)
        return self.joins[join]

    def dangling(self, node: FlatNode, name: str, origin: str, output: str) -> Problem:
        """A link to a node that is not there, or to an output that a subgraph or a bypassed node does not have."""
        place = f"{_place(node)}: '{name}' is linked to"
        subgraph = self.expansion.instances.get(origin)
        if subgraph is not None:
            names = [item.name for item in self.workflow.subgraphs[subgraph].outputs]
            message, hint = (
                f"{place} output '{output}' of node '{origin}', which has no such output.",
                self.suggestions.meant(output, names),
            )
        elif origin in self.expansion.absent:
            message = f"{place} output '{output}' of node '{origin}', which has no such output and is bypassed."
            hint = "Link it to another output."
        else:
            message, hint = (
                f"{place} node '{origin}', which does not exist.",
                self.suggestions.meant(origin, self.beside(origin)),
            )
        return Problem(code="dangling_link", node=node.id, input=name, message=message, hint=hint)

    def beside(self, path: str) -> Collection[str]:
        """The nodes of the graph in which `path` would be, gathered once."""
        if not self.scopes:
            for name in self.expansion.flat:
                self.scopes.setdefault(name.rpartition("/")[0], []).append(name)
        return self.scopes.get(path.rpartition("/")[0], [])

    def missing(self, node: FlatNode, item: InputSpec) -> Problem:
        """A required input that holds nothing."""
        end = self.expansion.lost.get((node.id, item.name))
        if end is not None:
            mode = "muted" if self.expansion.absent.get(end) == "mute" else "bypassed and has nothing to pass on"
            hint = f"Its link ends at node '{end}', which is {mode}: enable that node, or link it elsewhere."
        elif takes_settings(item):
            hint = "Give it a value or a link."
        else:
            hint = f"Link it to an output of type {item.type}."
        message = f"{_place(node)}: the input '{item.name}' ({item.type}) holds nothing, but the node needs it."
        return Problem(code="missing_input", node=node.id, input=item.name, message=message, hint=hint)

    def unknown_input(self, node: FlatNode, name: str, known: _Type) -> Problem:
        """An input that the node type does not have."""
        message = f"{_place(node)} has no input '{name}'."
        return Problem(
            code="unknown_input",
            node=node.id,
            input=name,
            message=message,
            hint=self.suggestions.meant(name, known.inputs),
        )

    def file(self, node: FlatNode, item: InputSpec, folder: str, name: str) -> Iterator[Problem]:
        """A file that an input names: missing, or found under another name."""
        if self.files is None:
            return
        asked = (folder, name)
        if asked not in self.found:
            try:
                self.found[asked] = self.files.locate(folder, name)
            except FileMissing as error:
                self.found[asked] = error
        found = self.found[asked]
        if isinstance(found, FileMissing):
            message = f"{_place(node)}: {found}"
            yield Problem(code="missing_file", node=node.id, input=item.name, message=message)
        elif _is_substitute(found, name):
            yield Problem(
                code="substituted_file",
                node=node.id,
                input=item.name,
                message=f"{_place(node)}: '{name}' is not in '{folder}'; '{found.name}' is used in its place.",
                hint="Set it to that name if it is the right file.",
                severity="warning",
            )


def _place(node: FlatNode) -> str:
    return f"Node '{node.id}' ({node.type})"


def _is_substitute(found: Found, name: str) -> bool:
    """Whether a file was found under another name than asked for; "x.png [output]" asks for x.png."""
    return found.name != PurePosixPath(name).as_posix() and not name.startswith(f"{found.name} [")
