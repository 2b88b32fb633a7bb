"""`/models`, `/embeddings`, `/experiment/models`, `/view_metadata`: which model files there are, and what they say."""

import asyncio
import base64
import binascii
import io
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from aiohttp import web

from graph.folders import EMBEDDINGS, MODEL_INDEX
from graph.strict_json import parse
from server.api import Refusal
from server.comfyui.bodies import answer, large_answer
from server.comfyui.routing import Table
from server.confined import confined, missing
from server.delivery import bytes_answer, etag_of
from server.disk import disk_errors
from server.models.error import ModelError
from server.models.header import SAFETENSORS, read_header
from server.models.name import has_suffix
from server.pictures import FORMATS, in_turn, preview

if TYPE_CHECKING:
    from server.comfyui.face import Face

routes = Table()

PICTURES = tuple(suffix for kind in FORMATS.values() for suffix in kind.suffixes)
"""Endings of pictures that may lie beside a model and show what it makes."""

COVER = "ssmd_cover_images"
"""Under what a file of weights may hold such a picture itself."""

LARGEST = 2**20
"""Bytes that the texts of a model may have to be told."""


@routes.get("/embeddings")
async def list_embeddings(face: "Face", request: web.Request) -> web.Response:
    """Embeddings, as prompts name them: without their endings."""
    names = await asyncio.to_thread(_names, face, EMBEDDINGS)
    return answer([os.path.splitext(name)[0] for name in names])


@routes.get("/models")
async def list_folders(face: "Face", request: web.Request) -> web.Response:
    """The kinds of models."""
    return answer(list(face.core.places.model_folders))


@routes.get("/models/{folder:.+}")
async def list_models(face: "Face", request: web.Request) -> web.Response:
    """The models of one kind."""
    folder = _folder(face, request)
    return answer(await asyncio.to_thread(_names, face, folder))


@routes.get("/experiment/models")
async def list_places(face: "Face", request: web.Request) -> web.Response:
    """The kinds of models, and the folders they lie in. Where these are is told to admins alone."""
    everything = request["who"].may("admin")

    def places() -> list[dict[str, Any]]:
        return [
            {
                "name": folder,
                "folders": [str(place) if everything else place.name for place in face.files.places(folder)],
            }
            for folder in face.core.places.model_folders
        ]

    return await large_answer(places, request)


@routes.get("/experiment/models/preview/{folder}/{index}/{filename:.+}")
async def view_model(face: "Face", request: web.Request) -> web.Response:
    """The picture beside a model, or in it, as WebP."""
    folder, text, name = _folder(face, request), request.match_info["index"], request.match_info["filename"]
    index = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else -1
    with disk_errors(name):
        places = await asyncio.to_thread(face.files.places, folder)
        if not 0 <= index < len(places):
            raise missing(name)
        data, media, etag = await in_turn(_picture, places[index], name)
    return bytes_answer(data, media, etag)


@routes.get("/experiment/models/{folder}")
async def list_files(face: "Face", request: web.Request) -> web.Response:
    """The models of one kind with their sizes and times."""
    folder = _folder(face, request)
    return await large_answer(lambda: _files(face, folder), request)


@routes.get("/view_metadata/{folder}")
async def read_metadata(face: "Face", request: web.Request) -> web.Response:
    """What a safetensors file says of itself in texts."""
    folder, name = _folder(face, request), request.query.get("filename", "")
    if not name.lower().endswith(SAFETENSORS):
        raise missing(name)
    try:
        with disk_errors(name):
            metadata = await asyncio.to_thread(_metadata, face, folder, name)
    except Refusal as refusal:
        raise missing(name) from refusal
    return answer(metadata)


def _folder(face: "Face", request: web.Request) -> str:
    """A kind of models. Raises Refusal 404 for one there is not."""
    folder = request.match_info["folder"]
    if folder not in face.core.places.model_folders:
        raise Refusal(404, "unknown_folder", f"There is no folder '{folder[:100]}' of models.")
    return folder


def _names(face: "Face", folder: str) -> list[str]:
    places = face.files.places(folder)
    return [name for name in face.files.choices(folder) if _is_model(face, places, name)]


def _is_model(face: "Face", places: tuple[Path, ...], name: str) -> bool:
    if has_suffix(name, face.core.places.suffixes):
        return True
    return "." not in PurePosixPath(name).name and any((place / name / MODEL_INDEX).is_file() for place in places)


def _files(face: "Face", folder: str) -> list[dict[str, Any]]:
    found = []
    places = face.files.places(folder)
    for name in _names(face, folder):
        for index, place in enumerate(places):
            try:
                status = place.joinpath(*PurePosixPath(name).parts).stat()
            except OSError:
                continue
            times = {"modified": status.st_mtime, "created": status.st_ctime}
            found.append({"name": name, "pathIndex": index, **times, "size": status.st_size})
            break
    return found


def _metadata(face: "Face", folder: str, name: str) -> dict[str, str]:
    for place in face.files.places(folder):
        path = confined(place, name, links=True)
        if path.is_file():
            try:
                metadata = dict(read_header(path).metadata)
            except ModelError as error:
                raise missing(name) from error
            if metadata and sum(map(len, metadata.values())) <= LARGEST:
                return metadata
            break
    raise missing(name)


def _picture(place: Path, name: str) -> tuple[bytes, str, str]:
    path = confined(place, name, links=True)
    if not path.is_file():
        raise missing(name)
    stem = path.with_suffix("")
    for ending in PICTURES:
        for beside in (stem.with_name(stem.name + ending), stem.with_name(f"{stem.name}.preview{ending}")):
            if beside.is_file():
                return *preview(beside, "webp"), etag_of(beside)
    if path.suffix.lower() in SAFETENSORS:
        try:
            covers = parse(read_header(path).metadata.get(COVER, "[]"))
            data = base64.b64decode(covers[0])
        except (ModelError, ValueError, TypeError, LookupError, binascii.Error) as error:
            raise missing(name) from error
        return *preview(io.BytesIO(data), "webp"), etag_of(path)
    raise missing(name)
