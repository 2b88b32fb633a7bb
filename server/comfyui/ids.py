"""Ids of nodes: ours are paths, `outer/inner`; a prompt's are any text, and nodes that others become have dots."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from graph.comfyui.api_reading import is_node
from graph.comfyui.extras import EXTRAS
from graph.document import Node, Workflow


class Place(NamedTuple):
    """Where a node stands for their clients.

    node: its id. display: the node of the prompt at which it is shown. parent: the node that has become it, None for
    one of the prompt. real: the node of the prompt that it belongs to.
    """

    node: str
    display: str
    parent: str | None
    real: str


class Ids:
    """The nodes of one prompt. theirs: path → id in the prompt."""

    def __init__(self, theirs: Mapping[str, str] = MappingProxyType({})) -> None:
        self.theirs = dict(theirs)
        self._paths = {name: path for path, name in self.theirs.items()}
        self._grown: dict[str, str] = {}  # ids of nodes that others have become → their paths, as they were met

    @classmethod
    def of(cls, prompt: Mapping[str, Any], workflow: Workflow) -> Self:
        """Those of a prompt that a client sent. workflow: what `workflow_of_api` made of it."""
        own = {path: _own(node) for path, node in workflow.nodes.items()}
        given = {path: path if name is None else name for path, name in own.items()}
        return cls({path: name for path, name in given.items() if name in prompt})

    @classmethod
    def of_flat(cls, paths: Iterable[str], prompt: Mapping[str, Any], workflow: Workflow) -> Self:
        """Those of a prompt that `to_api` made of our flat graph: ids as a file had them, or paths joined by `:`, or,
        where that would make two one, the paths themselves.
        """
        names: dict[str, str] = {}
        for path in paths:
            own = _own(workflow.nodes.get(path))
            names[path] = path.replace("/", ":") if own is None else own
        if not prompt.keys() <= set(names.values()):
            names = {path: path for path in names}
        return cls({path: name for path, name in names.items() if name in prompt})

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """What `to_json` gave; nothing for anything else."""
        pairs = data.items() if isinstance(data, dict) else ()
        return cls({path: name for path, name in pairs if type(path) is str and type(name) is str})

    def to_json(self) -> dict[str, str]:
        """To be kept with the run."""
        return self.theirs

    def place(self, path: str) -> Place:
        """Where the node with that path is shown. One that no node of the prompt has become stands for itself."""
        base, inner = self._split(path)
        real = self.theirs.get(base, base)
        if not inner:
            return Place(real, real, None, real)
        parts = [real, *inner]
        name = ".".join(parts)
        self._grown[name] = path
        return Place(name, real, ".".join(parts[:-1]), real)

    def ours(self, name: str) -> str | None:
        """The path of a node of the prompt, or of one that `place` has named; None if there is none of that id."""
        return self._paths.get(name) or self._grown.get(name)

    def folded(self, path: str) -> str:
        """The node of whose calls this is one: `node/0` is the first call of a node that is given several values."""
        while path not in self.theirs:
            head, _, last = path.rpartition("/")
            if not head or not (last.isascii() and last.isdecimal()):
                break
            path = head
        return path

    def _split(self, path: str) -> tuple[str, list[str]]:
        """The node of the prompt that stands for a path, and what comes after it: the longest that there is."""
        base, inner = path, []
        while base not in self.theirs and "/" in base:
            base, _, last = base.rpartition("/")
            inner.insert(0, last)
        return (base, inner) if base in self.theirs else (path.partition("/")[0], path.split("/")[1:])


def _own(node: Node | None) -> str | None:
    """The id that a node had in the file it was read from, if it is another than ours."""
    extras = node.extra.get(EXTRAS) if node is not None else None
    own = extras.get("id") if isinstance(extras, Mapping) else None
    return own if type(own) is str else None


def named(prompt: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A node of a prompt; empty where there is none of that id."""
    node = prompt.get(name)
    return node if isinstance(node, Mapping) and is_node(node) else {}
