"""What each node of a plan is asked to do: arguments, links and files, and the key of the result."""

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from graph.around import Around
from graph.errors import FileMissing, GraphError
from graph.files import File
from graph.flat import FlatNode
from graph.kind import Kind, Kinds, asked
from graph.settings import Unfit, coerce
from graph.spec import ANY
from graph.text import nearest

log = logging.getLogger(__name__)


class Work(NamedTuple):
    """What one node is asked to do. (A named tuple is made several times faster than a frozen dataclass.)

    key: of its result; two nodes with one key do the same work. arguments: settings, defaults and files, by parameter.
    links: (parameter, node it comes from, that node's key, index of its output). files: input → the files it names.
    fingerprint: of an impure node. volatile: why its key is good for this run alone, or "". lasting: no key it is made
    of is volatile, so that later runs can find its result.
    """

    node: str
    kind: Kind
    key: str
    arguments: Mapping[str, Any]
    links: tuple[tuple[str, str, str, int], ...]
    files: Mapping[str, tuple[File, ...]]
    fingerprint: str
    volatile: str
    lasting: bool


def work_of(
    node: FlatNode, works: Mapping[str, Work], kinds: Kinds, around: Callable[[FlatNode], Around] | None = None
) -> Work:
    """What a node is asked to do. works: of the nodes before it, by id. around: what a node sees of the graph.

    Raises GraphError where a setting does not fit, a file is missing, or an input has nothing that it needs.
    """
    kind = kinds.of(node)
    arguments = _arguments(node, kind)
    links: list[tuple[str, str, str, int]] = []
    origins: dict[str, tuple[str, str]] = {}
    for name, (source, output) in node.links.items():
        if name in kind.inputs:
            origin = works[source]
            index = origin.kind.outputs.get(output)
            if index is None:
                raise GraphError(_no_output(node, name, origin, output))
            arguments.pop(name, None)
            links.append((name, source, origin.key, index))
            origins[name] = (origin.key, output)
    for name in kind.required:
        if name not in arguments and name not in origins:
            raise GraphError(f"Node '{node.id}' ({kind.spec.type}) has nothing at its input '{name}', which it needs.")
    settings, files = arguments, {}
    fingerprint = volatile = ""
    if kind.sources:
        files = {name: _files(node, kind, name, arguments[name], kinds) for name in kind.sources if name in arguments}
        settings = {name: value for name, value in arguments.items() if name not in files}
        arguments = settings | {name: _given(arguments[name], found) for name, found in files.items()}
        volatile = next((_later("which file its", name) for name in kind.sources if name in origins), "")
    if kind.type.validate is not None:
        _validate(node, kind, arguments, works, kinds.services)
    if kind.type.fingerprint is not None:
        unknown = next((name for name in kind.asks if name in origins or (name == "*" and origins)), None)
        if unknown is not None:
            volatile = _later("its fingerprint asks for its", unknown)
        else:
            services = kinds.services
            if "around" in kind.asks and around is not None:
                services = {**services, "around": around(node)}
            fingerprint, failed = fingerprint_of(node.id, kind, arguments, services)
            volatile = volatile or failed
    try:
        salt = uuid.uuid4().hex if volatile else salt_of(node.id, kind, fingerprint)
        key = kind.key.of(settings, origins, _digests(files), salt)
    except ValueError as error:
        message = f"A setting of node '{node.id}' ({kind.spec.type}) cannot be written as JSON: {error}."
        raise GraphError(message) from error
    lasting = not volatile and all(works[source].lasting for _, source, _, _ in links)
    return Work(node.id, kind, key, arguments, tuple(links), files, fingerprint, volatile, lasting)


def content_key(work: Work, arguments: Mapping[str, Any], digests: Mapping[str, str], fingerprint: str) -> str:
    """The key of a node's result by what its inputs hold, wherever they come from.

    arguments: what it is called with; those that come by a link count by `digests`, of their contents.
    """
    settings, files = {}, dict[str, list[str]]()
    for name, value in arguments.items():
        if name in work.kind.sources and value is not None:
            files[name] = [file.digest for file in (value if isinstance(value, list) else [value])]
        elif name not in digests:
            settings[name] = value
    contents = {name: (f"content:{digest}", "") for name, digest in digests.items() if name not in files}
    return work.kind.key.of(settings, contents, files, salt_of(work.node, work.kind, fingerprint))


def salt_of(node: str, kind: Kind, fingerprint: str) -> str:
    """What besides its inputs distinguishes the work of a node."""
    return f"{fingerprint} of {node}" if kind.spec.by_id else fingerprint


def fingerprint_of(node: str, kind: Kind, known: Mapping[str, Any], services: Mapping[str, Any]) -> tuple[str, str]:
    """The fingerprint of an impure node, called with what is known of its inputs; or why there is none."""
    assert kind.type.fingerprint is not None  # noqa: S101 — asked by the caller
    try:
        return str(kind.type.fingerprint(**asked(kind.asks, kind.inputs, known, services))), ""
    except Exception as error:  # noqa: BLE001 — the node's own code; its result is then of no use to later runs
        reason = f"its fingerprint failed: {type(error).__name__}: {error}"
        log.warning("Node '%s' (%s) is not reused: %s", node, kind.spec.type, reason)
        return "", reason


def _later(what: str, name: str) -> str:
    return (
        f"{what} inputs say is known only once it runs"
        if name == "*"
        else f"{what} input '{name}' is known only once it runs"
    )


def _digests(files: Mapping[str, tuple[File, ...]]) -> dict[str, list[str]]:
    return {name: [file.digest for file in found] for name, found in files.items()}


def _validate(
    node: FlatNode,
    kind: Kind,
    arguments: Mapping[str, Any],
    works: Mapping[str, Work],
    services: Mapping[str, Any],
) -> None:
    """What the node type itself has against its inputs. Raises GraphError."""
    assert kind.type.validate is not None  # noqa: S101 — asked by the caller
    types = {}
    for name, (source, output) in node.links.items():
        found = works[source].kind.spec.output_named(output)
        types[name] = found.type if found is not None else ANY
    try:
        complaint = kind.type.validate(arguments, types, services)
    except Exception as error:
        raise GraphError(
            f"Node '{node.id}' ({kind.spec.type}) cannot judge its inputs: {type(error).__name__}: {error}"
        ) from error
    if complaint:
        raise GraphError(f"Node '{node.id}' ({kind.spec.type}): {complaint}")


def _arguments(node: FlatNode, kind: Kind) -> dict[str, Any]:
    """Defaults, and over them what the node sets. Where null is the default, it is as good as absent."""
    arguments = dict(kind.defaults)
    for name, value in node.settings.items():
        spec = kind.inputs.get(name)
        if spec is not None and (value is not None or spec.default is not None):
            try:
                arguments[name] = coerce(spec, value)
            except Unfit as error:
                message = f"Input '{name}' of node '{node.id}' ({node.type}) {error}. {error.hint}"
                raise GraphError(message.strip()) from error
    return arguments


def _files(node: FlatNode, kind: Kind, name: str, value: Any, kinds: Kinds) -> tuple[File, ...]:
    """The files that a setting names: one, or those of a list."""
    place = f"Input '{name}' of node '{node.id}' ({kind.spec.type})"
    if "files" not in kinds.services:
        raise GraphError(f"{place} names a file, but the service 'files' is not there.")
    folder = kind.sources[name]
    try:
        names = value if isinstance(value, list) else [value]
        return tuple(kinds.services["files"].find(folder, item) for item in names)
    except FileMissing as error:
        raise FileMissing(f"{place}: {error}", folder=folder, name=error.name) from error


def _given(value: Any, files: tuple[File, ...]) -> Any:
    """What the node gets in place of names: a list for a list, else the one file."""
    return list(files) if isinstance(value, list) else files[0]


def _no_output(node: FlatNode, name: str, origin: Work, output: str) -> str:
    close = nearest(output, origin.kind.outputs)
    return (
        f"Input '{name}' of node '{node.id}' is linked to the output '{output}' of node '{origin.node}' "
        f"({origin.kind.spec.type}), which has no such output." + (f" Did you mean '{close}'?" if close else "")
    )
