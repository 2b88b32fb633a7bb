"""`/view` and `/upload`: pictures that go out and come in. What browsers would run is never shown, only saved."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from aiohttp import BodyPartReader, web

from graph.strict_json import parse
from server.api import PATIENCE, Refusal, is_plain
from server.comfyui.bodies import answer
from server.comfyui.routing import Table
from server.confined import opened, plain_parts
from server.delivery import bytes_answer, delivery, etag_of, is_known, located, not_modified
from server.disk import disk_errors
from server.pictures import Channel, channel, in_turn, preview
from server.places import Places
from server.uploads import Stored, multipart_errors, pieces, store_mask, store_upload

if TYPE_CHECKING:
    from server.comfyui.face import Face

routes = Table()

FIELD = 2**16
"""Bytes that a field beside the file may have."""

FIELDS = 100
"""Fields that a form may have."""


class Named(NamedTuple):
    """A file as they name it. kind: of folder. subfolder: "" for none."""

    kind: str
    subfolder: str
    filename: str

    @property
    def name(self) -> str:
        """Its path in the folder."""
        return f"{self.subfolder}/{self.filename}" if self.subfolder else self.filename


@routes.get("/view")
async def view(face: "Face", request: web.Request) -> web.StreamResponse:
    """A file; or, of a picture, another encoding or some channels.

    404 where there is none, or no `filename`; 400 for what is no name of a file, or an unknown `type`; 403 for a
    sub-folder outside.
    """
    query = request.query
    places = face.core.places
    named = named_in(query, "output", places)
    path = await asyncio.to_thread(located, places, named.kind, named.name)
    wanted, asked = query.get("preview", ""), query.get("channel")
    channels: Channel = "rgb" if asked == "rgb" else "a" if asked == "a" else "rgba"
    if not wanted and channels == "rgba":
        return delivery(path, named.filename)
    etag = f"{await asyncio.to_thread(etag_of, path)}-{channels}-{wanted.encode().hex()[:80]}"
    if is_known(request, etag):
        return not_modified(etag)
    with disk_errors(named.name):
        if wanted:
            data, media = await in_turn(_previewed, path.parent, path.name, wanted, channels)
        else:
            data, media = await in_turn(_channels, path.parent, path.name, channels), "image/png"
    return bytes_answer(data, media, etag)


@routes.post("/upload/image")
async def upload_image(face: "Face", request: web.Request) -> web.Response:
    """Store a file among the input, or, with `type`, the other files."""
    form = await _Form.read(face, request)
    with form.file:
        facts = _target(form, request)
        stored = await store_upload(pieces(form.file), core=face.core, **facts)
    return answer(_told(stored))


@routes.post("/upload/mask")
async def upload_mask(face: "Face", request: web.Request) -> web.Response:
    """Store a picture that is there already, `original_ref`, with the alpha of the one that is sent."""
    form = await _Form.read(face, request)
    with form.file:
        facts = _target(form, request)
        try:
            reference = parse(form.fields.get("original_ref", ""))
        except ValueError as error:
            raise Refusal(400, "bad_reference", f"original_ref {error}.", 'Send {"filename": "a.png"}.') from error
        kind, folder, filename = named_in(_object(reference), "output", face.core.places, status=400)
        stored = await store_mask(face.core, pieces(form.file), (kind, folder, filename), **facts)
    return answer(_told(stored))


def named_in(given: Mapping[str, Any], kind: str, places: Places, *, status: int = 404) -> Named:
    """The file that a query names, or a reference of a form. kind: of folder, unless it says another.

    The name may end with its folder: "a.png [input]". Raises Refusal: `status` where no name is given, 400 for what is
    no name of a file and an unknown folder, 403 for a sub-folder that leads out.
    """
    filename, subfolder = given.get("filename"), given.get("subfolder") or ""
    kind = given.get("type") or kind
    if filename is None:
        raise Refusal(status, "no_file", "No file is named.", "Say filename.")
    if not all(type(text) is str and is_plain(text) for text in (filename, subfolder, kind)):
        raise Refusal(400, "bad_name", "filename, subfolder and type are texts.")
    stem, mark, end = filename.rpartition(" [")
    if mark and end.removesuffix("]") in places.kinds and end.endswith("]"):
        filename, kind = stem, end.removesuffix("]")
    if not filename or filename[0] in "/\\" or ".." in filename:
        raise Refusal(400, "bad_name", "filename is no name of a file.")
    if kind not in places.kinds:
        raise Refusal(
            400, "unknown_kind", f"There is no folder '{kind[:40]}'.", f"There are: {', '.join(places.kinds)}."
        )
    folder = subfolder.replace("\\", "/").strip("/") if subfolder[:1] not in ("/", "\\") else subfolder
    if folder:
        try:
            plain_parts(folder)
        except Refusal as refusal:
            raise Refusal(403, "outside", f"The sub-folder is no plain one: {refusal}") from refusal
    return Named(kind, folder, filename.replace("\\", "/").rpartition("/")[2])


class _Form(NamedTuple):
    """A form with a file. file: on the disk, at its beginning; its name is gone already."""

    file: BinaryIO
    filename: str
    fields: Mapping[str, str]

    @classmethod
    async def read(cls, face: "Face", request: web.Request) -> "_Form":
        """A multipart body: the part `image`, and texts before or behind it. Raises Refusal 400, 408, 413."""
        if request.content_type != "multipart/form-data":
            raise Refusal(400, "no_multipart", "The body is no form.", "Send multipart/form-data with the part image.")
        limit = face.core.settings.max_upload
        if (request.content_length or 0) > limit + FIELDS * FIELD:
            raise Refusal(413, "too_large", f"The file is larger than {limit} bytes.")
        file: BinaryIO | None = None
        filename, fields = "", {}
        try:
            with multipart_errors():
                reader = await request.multipart()
                for _ in range(FIELDS):
                    part = await asyncio.wait_for(reader.next(), PATIENCE)
                    if part is None:
                        break
                    if not isinstance(part, BodyPartReader):
                        raise Refusal(400, "bad_multipart", "The body has a multipart in a multipart.")
                    if part.name == "image" and file is None:
                        filename = part.filename or ""
                        file = await _spooled(part, face.core.places, limit)
                    else:
                        fields[part.name or ""] = (await _whole(part)).decode("utf-8", "replace")
                else:
                    raise Refusal(400, "bad_multipart", f"The form has more than {FIELDS} fields.")
            if file is None or not filename:
                raise Refusal(400, "no_file", "The form has no file with a name.", "Send the file as the part image.")
            if not all(map(is_plain, (filename, *fields.values()))):
                raise Refusal(400, "bad_name", "The form has text with a NUL.")
        except BaseException:
            if file is not None:
                file.close()
            raise
        return cls(file, filename, fields)


def _target(form: _Form, request: web.Request) -> dict[str, Any]:
    """Where a file goes. Raises Refusal 403 for folders that only who may edit writes to."""
    kind = form.fields.get("type") or "input"
    if kind != "input" and not request["who"].may("edit"):
        raise Refusal(403, "forbidden", f"Files of '{kind[:40]}' are stored by who may edit.", "Store it as 'input'.")
    return {
        "kind": kind,
        "subfolder": form.fields.get("subfolder", ""),
        "name": form.filename,
        "overwrite": form.fields.get("overwrite", "").lower() in ("true", "1"),
    }


async def _spooled(part: BodyPartReader, places: Places, limit: int) -> BinaryIO:
    """The content of a part, put aside: what comes behind it says where it goes."""

    def opened_file() -> BinaryIO:
        places.temp.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=places.temp, prefix=".", suffix=".part")  # type: ignore[return-value]  # a BinaryIO but in name

    with disk_errors(part.filename or "image"):
        file = await asyncio.to_thread(opened_file)
        try:
            size = 0
            async for piece in pieces(part):
                size += len(piece)
                if size > limit:
                    raise Refusal(413, "too_large", f"The file is larger than {limit} bytes.")
                await asyncio.to_thread(file.write, piece)
            await asyncio.to_thread(file.seek, 0)
        except BaseException:
            file.close()
            raise
    return file


async def _whole(part: BodyPartReader) -> bytes:
    data = bytearray()
    async for piece in pieces(part):
        data += piece
        if len(data) > FIELD:
            raise Refusal(413, "too_large", f"A field of the form is larger than {FIELD} bytes.")
    return bytes(data)


def _previewed(folder: Path, name: str, wanted: str, channels: str) -> tuple[bytes, str]:
    with opened(folder, name) as file:
        return preview(file, wanted, channels)


def _channels(folder: Path, name: str, channels: Channel) -> bytes:
    with opened(folder, name) as file:
        return channel(file, channels)


def _object(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else {}


def _told(stored: Stored) -> dict[str, str]:
    return {"name": stored.name, "subfolder": stored.subfolder, "type": stored.kind}
