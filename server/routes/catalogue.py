"""The node types there are, the packs they come from, and the files that can be chosen."""

import asyncio
from collections.abc import Set
from typing import Annotated

from aiohttp import web

from graph.files import INPUT
from graph.spec import Frozen, NodeSpec
from graph.text import meant
from server.api import Caller, Refusal, Routes
from server.catalogue import CatalogueInfo, PackInfo, packs_of
from server.core import Core
from server.redaction import without_paths

routes = Routes("catalogue")

MIME = "application/json"


class Choices(Frozen):
    """The names of the files of a folder, as inputs take them."""

    source: str
    names: list[str]


@routes.get("/v1/catalogue", refusals=(304, 503))
async def read_catalogue(core: Core, request: web.Request) -> Annotated[web.Response, CatalogueInfo]:
    """All node types with their inputs and outputs, what could not be loaded and why, and the packs.

    Its `ETag` is the revision; `If-None-Match` with it is answered 304.
    """
    edition = await core.catalogue.edition()
    tag = f'"{edition.revision}"'
    headers = {"ETag": tag, "Vary": "Accept-Encoding", "Cache-Control": "private, no-cache"}
    if any(asked.value in (edition.revision, "*") for asked in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if not _takes_gzip(request):
        body = await asyncio.to_thread(lambda: edition.encoded)
        return web.Response(body=body, headers=headers, content_type=MIME)
    body = await asyncio.to_thread(lambda: edition.compressed)
    headers |= {"Content-Encoding": "gzip", "ETag": f"W/{tag}"}  # other bytes than those without
    return web.Response(body=body, headers=headers, content_type=MIME)


@routes.get("/v1/catalogue/{name:.+}", refusals=(404, 503))
async def read_node_type(core: Core, name: str) -> NodeSpec:
    """One node type, by its id or one it replaces."""
    catalogue = await core.catalogue.get()
    spec = catalogue.spec(name)
    if spec is not None:
        return spec
    reason = catalogue.error(name)
    if reason:
        message = f"The node type '{name[:200]}' is not there: {without_paths(reason)}."
        raise Refusal(404, "node_type_missing", message, "Mend its pack, or remove it; then start the server again.")
    hint = await asyncio.to_thread(meant, name[:200], catalogue.types())
    raise Refusal(404, "unknown_node_type", f"There is no node type '{name[:200]}'.", hint)


@routes.get("/v1/choices/{source}", refusals=(404,))
async def read_choices(core: Core, source: str) -> Choices:
    """The files an input with this `source` can name, as they are now: "checkpoints", "loras", "input" …"""
    catalogue = core.catalogue.current
    inputs = (
        [item for name in catalogue.types() if (spec := catalogue.spec(name)) for item in spec.inputs]
        if catalogue
        else []
    )
    known = {*core.places.model_folders, INPUT} | {item.source for item in inputs if item.source}
    if source not in known:
        hint = meant(source[:200], sorted(known))
        raise Refusal(404, "unknown_source", f"There is no folder '{source[:200]}' to choose from.", hint)
    names = await asyncio.to_thread(lambda: core.places.folders().choices(source))
    wanted = [item.hints.get("suffixes") for item in inputs if item.source == source]
    if wanted and all(wanted):  # cards and other texts lie beside the models
        endings = {ending for endings in wanted for ending in endings or ()}
        names = tuple(name for name in names if _may_be_taken(name, endings))
    return Choices(source=source, names=list(names))


@routes.get("/v1/packs", refusals=(503,))
async def list_packs(core: Core, who: Caller) -> list[PackInfo]:
    """The packs of node types, also those that cannot be used, and why. Folders and tracebacks are for admins."""
    return packs_of(await core.catalogue.get(), everything=who.may("admin"))


def _takes_gzip(request: web.Request) -> bool:
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, *parameters = (text.strip() for text in part.split(";"))
        if coding in ("gzip", "x-gzip", "*"):
            return not any(text.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for text in parameters)
    return False


def _may_be_taken(name: str, endings: Set[str]) -> bool:
    """Whether inputs that take files of these endings may take it; folders have none."""
    _, dot, ending = name.rpartition("/")[2].rpartition(".")
    return not dot or f".{ending.lower()}" in endings
