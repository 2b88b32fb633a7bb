"""Files of three folders: `input` (what people bring), `output` and `temp` (what runs write).

A file's name is the rest of the path. Its slashes may stand as they are or as `%2F`; it is decoded once.
"""

import asyncio
import bisect
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from aiohttp import BodyPartReader, web
from pydantic import Field

from graph.spec import Frozen
from server.api import PATIENCE, Answer, Caller, Refusal, Routes
from server.confined import confined
from server.core import Core
from server.delivery import (
    bytes_answer,
    delivery,
    etag_of,
    is_hidden,
    is_known,
    located,
    media_type,
    not_modified,
    url_of,
)
from server.disk import disk_errors
from server.pictures import forget_thumbnails, format_by_name, in_turn, metadata, thumbnail
from server.uploads import Stored, multipart_errors, pieces, store_upload

routes = Routes("files")

Kind = Literal["input", "output", "temp"]

ASIDE = 2**16
"""Bytes that a multipart may have around its file, and in a part before it."""


class StoredFile(Frozen):
    """A file. name: its path in the folder of its kind. modified: seconds since 1970. url: of its content; thumbnail:
    of a small picture of it, empty for what is no picture.
    """

    kind: Kind
    name: str
    size: int
    modified: float
    media_type: str
    url: str
    thumbnail: str


class FileList(Frozen):
    """A page of files. total: of all pages. next: `after` of the next page; empty: this is the last."""

    files: list[StoredFile]
    total: int
    next: str


class FilesAsked(Frozen):
    """Which files. prefix: of their names ("portraits/"). after: `next` of the page before."""

    sort: Literal["newest", "name"] = "newest"
    prefix: str = Field("", max_length=200)
    after: str = Field("", max_length=400)
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class UploadAsked(Frozen):
    """How to store an upload. name: also with sub-folders; needed for a bare body. overwrite: what has that name."""

    name: str = Field("", max_length=1024)
    overwrite: bool = False


class Uploaded(StoredFile):
    """A file that was sent. is_new: False where a file of that name and content was there. sha256: of its content.
    width, height: in pixels; 0 for what is no picture.
    """

    is_new: bool
    sha256: str
    width: int
    height: int


class PictureFacts(Frozen):
    """What a picture says of itself. documents: by key, the texts it carries of how it was made, as they stand in it:
    `noisewright` (a workflow), `noisewright_run` (a run record), `prompt` and `workflow` (ComfyUI), `parameters`.
    """

    width: int
    height: int
    mode: str
    format: str
    frames: int
    documents: dict[str, str]


class ContentAsked(Frozen):
    """download: whether the file is to be saved, not shown."""

    download: bool = False


class ThumbnailAsked(Frozen):
    """size: of the longer side in pixels, rounded up to 64, 128, 256, 512 or 1024."""

    size: Annotated[int, Field(ge=1, le=1024)] = 256


@routes.get("/v1/files/{kind}")
async def list_files(core: Core, kind: Kind, query: FilesAsked) -> FileList:
    """List the files of a kind."""
    found = await asyncio.to_thread(_found, core.places.kinds[kind], query.prefix)
    keyed = sorted((_key(query.sort, name, status), name, status) for name, status in found)
    start = bisect.bisect_right([key for key, _, _ in keyed], _after(query)) if query.after else 0
    page = keyed[start : start + query.limit]
    more = start + query.limit < len(keyed)
    last = f"{page[-1][2].st_mtime_ns}/{page[-1][1]}" if more and page else ""
    return FileList(
        files=[StoredFile(**_facts(core, kind, name, status)) for _, name, status in page],
        total=len(keyed),
        next=last,
    )


@routes.post(
    "/v1/files/{kind}", scope="run", status=201, consumes="multipart/form-data", refusals=(403, 409, 507), also=(200,)
)
async def upload_file(
    core: Core, who: Caller, request: web.Request, kind: Kind, query: UploadAsked
) -> Answer[Uploaded]:
    """Store a file: the part `file` of a multipart body, or a bare body under `?name=`.

    Taken are pictures, sound, films and latents; pictures are decoded first, and the ending of the name becomes that of
    the content. 200: it was there already. Other folders than `input` need the scope `edit`.
    """
    if kind != "input" and not who.may("edit"):
        raise Refusal(403, "forbidden", f"Files of '{kind}' are stored by who may edit.", "Store it as 'input'.")
    limit = core.settings.max_upload
    if (request.content_length or 0) > limit + ASIDE:
        raise Refusal(413, "too_large", f"The file is larger than {limit} bytes.")
    if request.content_type == "multipart/form-data":
        part = await file_part(request)
        name, source = query.name or part.filename or "", pieces(part)
    else:
        name, source = query.name, pieces(request.content)
    if not name:
        raise Refusal(400, "no_name", "The file has no name.", "Say ?name= or send a file name with the part.")
    stored = await store_upload(source, core=core, kind=kind, name=name, overwrite=query.overwrite)
    return Answer(await asyncio.to_thread(_uploaded, core, stored), 201 if stored.is_new else 200)


@routes.get("/v1/files/{kind}/{name:.+}", produces="*/*", refusals=(412, 416), also=(206, 304))
async def read_file(core: Core, kind: Kind, name: str, query: ContentAsked) -> web.StreamResponse:
    """Get the content of a file, or a range of it. What is no picture is sent to be saved, never to be shown."""
    path = await asyncio.to_thread(located, core.places, kind, name)
    return delivery(path, name, inline=not query.download)


@routes.delete("/v1/files/{kind}/{name:.+}", scope="edit", refusals=(400,))
async def delete_file(core: Core, kind: Kind, name: str) -> None:
    """Delete a file."""
    with disk_errors(name):
        await asyncio.to_thread(_delete, core, kind, name)


@routes.get("/v1/thumbnails/{kind}/{name:.+}", produces="image/webp", refusals=(400, 413, 415), also=(304,))
async def read_thumbnail(
    core: Core, request: web.Request, kind: Kind, name: str, query: ThumbnailAsked
) -> web.StreamResponse:
    """Get a small picture of a picture, as WebP."""
    path = await asyncio.to_thread(located, core.places, kind, name)
    etag = f"{await asyncio.to_thread(etag_of, path)}-{query.size}"
    if is_known(request, etag):
        return not_modified(etag)
    with disk_errors(name):
        data = await in_turn(thumbnail, path, query.size, cache=core.places.cache)
    return bytes_answer(data, "image/webp", etag)


@routes.get("/v1/metadata/{kind}/{name:.+}", refusals=(400, 413, 415))
async def read_metadata(core: Core, kind: Kind, name: str) -> PictureFacts:
    """Get what a picture says of itself and of how it was made."""
    path = await asyncio.to_thread(located, core.places, kind, name)
    with disk_errors(name):
        facts = await in_turn(metadata, path)
    return PictureFacts.model_validate(facts)


async def file_part(request: web.Request) -> BodyPartReader:
    """The part `file` of a multipart body; small parts before it are passed over."""
    with multipart_errors():
        reader = await request.multipart()
        while (part := await asyncio.wait_for(reader.next(), PATIENCE)) is not None:
            if not isinstance(part, BodyPartReader):
                raise Refusal(400, "bad_multipart", "The body has a multipart in a multipart.")
            if part.name == "file":
                return part
            passed = 0
            async for piece in pieces(part):
                passed += len(piece)
                if passed > ASIDE:
                    message = f"A part before 'file' is larger than {ASIDE} bytes."
                    raise Refusal(413, "too_large", message, "Send the file as the part 'file'.")
    raise Refusal(400, "no_file_part", "The body has no part 'file'.", "Send the file as the part 'file'.")


def _found(root: Path, prefix: str) -> list[tuple[str, os.stat_result]]:
    """The files below a folder whose names begin so, without hidden files, links, and names that are not text."""
    found: list[tuple[str, os.stat_result]] = []
    waiting = [(root, "")]
    while waiting:
        folder, inside = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = inside + entry.name
                    if is_hidden(entry.name) or entry.is_symlink() or not _is_text(name):
                        continue
                    if entry.is_dir() and (name.startswith(prefix) or prefix.startswith(f"{name}/")):
                        waiting.append((Path(entry.path), f"{name}/"))
                    elif name.startswith(prefix) and entry.is_file():
                        found.append((name, entry.stat()))
        except OSError:  # removed meanwhile, or not to be read
            continue
    return found


def _key(sort: str, name: str, status: os.stat_result) -> tuple[int, str, str]:
    """By what files are sorted: lower goes first."""
    return (-status.st_mtime_ns, name, "") if sort == "newest" else (0, name.casefold(), name)


def _after(query: FilesAsked) -> tuple[int, str, str]:
    """The key of the last file of the page before. Raises Refusal 422 for what is none."""
    time, _, name = query.after.partition("/")
    if not name or not time.isascii() or not time.isdigit():
        raise Refusal(422, "invalid", "query.after: This is no `next` of a page.")
    return (-int(time), name, "") if query.sort == "newest" else (0, name.casefold(), name)


def _facts(core: Core, kind: Kind, name: str, status: os.stat_result) -> dict[str, Any]:
    base = core.settings.base_path
    return {
        "kind": kind,
        "name": name,
        "size": status.st_size,
        "modified": status.st_mtime,
        "media_type": media_type(name),
        "url": url_of(kind, name, base),
        "thumbnail": url_of(kind, name, base, "thumbnails") if format_by_name(name) is not None else "",
    }


def _uploaded(core: Core, stored: Stored) -> Uploaded:
    kind: Kind = stored.kind  # pyright: ignore[reportAssignmentType] - it came from the path
    with disk_errors(stored.name):
        facts = _facts(core, kind, stored.full_name, stored.path.stat())
    return Uploaded(**facts, is_new=stored.is_new, sha256=stored.sha256, width=stored.width, height=stored.height)


def _delete(core: Core, kind: str, name: str) -> None:
    located(core.places, kind, name)
    path = confined(core.places.kinds[kind], name)
    if not path.is_file():
        raise Refusal(403, "read_only", f"'{name}' belongs to a template.", "Templates cannot be changed.")
    status = path.stat()
    path.unlink(missing_ok=True)
    forget_thumbnails(path, status, core.places.cache)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
