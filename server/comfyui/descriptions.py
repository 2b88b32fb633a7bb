"""`/object_info`: what node types there are, described once and kept as long as nothing of it changes."""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import web

from graph.comfyui.object_info import node_info, object_info
from graph.folders import Folders
from server.catalogue import Edition, LiveCatalogue
from server.comfyui.bodies import JSON, answer, encoded, takes_gzip
from server.comfyui.routing import Table

if TYPE_CHECKING:
    from server.comfyui.face import Face

routes = Table()


class Descriptions:
    """The answer as it was last made. files: whose names stand in it as choices. expected: node types that a client
    takes for granted; those that are not there are described as ones not to be used.
    """

    def __init__(self, catalogue: LiveCatalogue, files: Folders, expected: Sequence[str] = ()) -> None:
        self._catalogue = catalogue
        self._files = files
        self._expected = expected
        self._revision = ""
        self._listed: Mapping[str, tuple[str, ...]] = {}
        self._plain = self._zipped = b""
        self._making = asyncio.Lock()

    async def get(self, *, zipped: bool) -> bytes:
        """The JSON, made again if a node type or a listing has changed. Raises Refusal 503 while no types are known."""
        edition = await self._catalogue.edition()
        async with self._making:
            await asyncio.to_thread(self._look, edition)
            return self._zipped if zipped else self._plain

    def _look(self, edition: Edition) -> None:
        choices = self._files.choices
        if edition.revision == self._revision and all(choices(name) == had for name, had in self._listed.items()):
            return
        listed: dict[str, tuple[str, ...]] = {}

        def look_up(folder: str) -> tuple[str, ...]:
            listed[folder] = choices(folder)
            return listed[folder]

        described = object_info(edition.catalogue, look_up)
        described |= {name: _absent(name) for name in self._expected if name not in described}
        plain = encoded(described)
        self._plain, self._zipped = plain, gzip.compress(plain, 6, mtime=0)
        self._revision, self._listed = edition.revision, listed


def _absent(name: str) -> dict[str, Any]:
    """A node type that is not there, for clients that cannot start without its name. They do not offer it."""
    return {
        "input": {"required": {}},
        "input_order": {"required": []},
        "output": [],
        "output_is_list": [],
        "output_name": [],
        "name": name,
        "display_name": name,
        "description": "This node type is not available here: a workflow with it is refused.",
        "python_module": "nodes",
        "category": "not available",
        "output_node": False,
        "deprecated": True,
    }


@routes.get("/object_info")
async def describe_all(face: "Face", request: web.Request) -> web.Response:
    """All node types."""
    zipped = takes_gzip(request)
    body = await face.descriptions.get(zipped=zipped)
    headers = {"Vary": "Accept-Encoding", "Cache-Control": "private, no-cache"}
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=body, headers=headers, content_type=JSON)


@routes.get("/object_info/{node_class:.+}")
async def describe_one(face: "Face", request: web.Request) -> web.Response:
    """One node type; nothing for one there is not."""
    name = request.match_info["node_class"]
    spec = (await face.core.catalogue.get()).spec(name)
    if spec is None:
        return answer({})
    return answer({name: await asyncio.to_thread(node_info, spec, face.files.choices)})
