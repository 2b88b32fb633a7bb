"""Hidden inputs: what nodes of packs are told about the graph around them."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from graph.around import Around
from graph.comfyui.api import to_api
from nodes.comfyui.surroundings import pack_id


class DynamicPrompt:
    """The graph that runs, as nodes see it that look around in it: by id, in the form of the API JSON."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._paths = {pack_id(path): path for path in around.flat}

    def get_node(self, node_id: str) -> dict[str, Any]:
        """A node: `class_type` and `inputs`. Raises KeyError where there is none of that id."""
        path = self._paths[node_id]
        return api_of(self._around, path)[node_id]

    def has_node(self, node_id: str) -> bool:
        """Whether there is a node of that id."""
        return node_id in self._paths

    def all_node_ids(self) -> set[str]:
        """The ids of all nodes."""
        return set(self._paths)

    def get_original_prompt(self) -> dict[str, Any]:
        """All nodes."""
        return api_of(self._around)

    def get_real_node_id(self, node_id: str) -> str:
        """The id itself: nodes of expansions have ids of their own."""
        return node_id

    def get_display_node_id(self, node_id: str) -> str:
        """The id itself."""
        return node_id

    def get_parent_node_id(self, node_id: str) -> str | None:
        """The node that has expanded into this one, or the instance it is in; None for one of the workflow itself."""
        return node_id.rpartition(":")[0] or None


def api_of(around: Around, *paths: str) -> dict[str, Any]:
    """The graph, or some of its nodes, in the form of the API JSON, by the ids that packs know."""
    chosen = {path: around.flat[path] for path in paths} if paths else around.flat
    needed = {**chosen, **_origins(around, chosen)}
    specs = {type_id: around.catalogue.spec(type_id) for type_id in {node.type for node in needed.values()}}
    api = to_api(needed, {type_id: spec for type_id, spec in specs.items() if spec is not None})
    found: dict[str, Any] = {}
    for path in chosen:
        node = api.get(pack_id(path), api.get(path))
        if node is not None:
            given = around.workflow.node_at(path)
            found[pack_id(path)] = node | ({"_meta": {"title": given.title}} if given and given.title else {})
    return found


def _origins(around: Around, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The nodes that these are linked to; those that stand for values have no type of their own and are left out."""
    origins = {origin for node in chosen.values() for origin, _ in node.links.values()}
    return {origin: around.flat[origin] for origin in origins if origin in around.flat}


def _extra_information(around: Around) -> dict[str, Any] | None:
    return {"workflow": json.loads(around.client_workflow)} if around.client_workflow else None


_ANSWERS: Mapping[str, Callable[[Around], Any]] = MappingProxyType(
    {
        "UNIQUE_ID": lambda around: pack_id(around.node),
        "PROMPT": api_of,
        "DYNPROMPT": DynamicPrompt,
        "EXTRA_PNGINFO": _extra_information,
    }
)


def hidden_value(asked: str, around: Around | None) -> Any:
    """What a hidden input gets; None for what we do not tell (accounts), and outside of a run."""
    answer = _ANSWERS.get(asked)
    return answer(around) if answer is not None and around is not None else None
