"""Files on their way out: found by the names requests give them, and sent so that no browser runs them."""

import os
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from graph.files import INPUT
from server.confined import confined, missing
from server.pictures import format_by_name
from server.places import Places
from server.uploads import folder_of

OPAQUE = "application/octet-stream"


def located(places: Places, kind: str, name: str) -> Path:
    """The file a request names, in the folder of a kind; pictures that templates load count as input.

    Raises Refusal: 400 for what is no name inside the folder, 404 where there is no such file. Hidden files, those half
    written among them, are none.
    """
    folders = [folder_of(places, kind)] + ([places.templates / "input"] if kind == INPUT else [])
    for folder in folders:
        path = confined(folder, name)
        if path.is_file() and not is_hidden(name):
            return path
    raise missing(name)


def is_hidden(name: str) -> bool:
    """Whether a part of a name begins with a dot."""
    return any(part.startswith(".") for part in name.replace("\\", "/").split("/"))


def url_of(kind: str, name: str, base_path: str = "", route: str = "files") -> str:
    """Where a file can be fetched."""
    return f"{base_path}/v1/{route}/{kind}/{quote(name)}"


def media_type(name: str) -> str:
    """What a file is sent as: a picture's type by its ending, else bytes."""
    kind = format_by_name(name)
    return kind.media_type if kind is not None else OPAQUE


def headers_of(name: str, *, inline: bool = True) -> dict[str, str]:
    """The headers with which the content of a file is sent: shown are raster pictures alone, all else is for saving.
    inline: False: pictures too.

    A picture that is a page as well stays a picture (`nosniff`), and had it scripts, they would not run (`sandbox`).
    """
    kind = format_by_name(name)
    shown = "inline" if inline and kind is not None and kind.inline else "attachment"
    base = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\%' else "_" for letter in base
    )
    return {
        "Content-Type": media_type(name),
        "Content-Disposition": f"{shown}; filename=\"{plain}\"; filename*=UTF-8''{quote(base, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }


def delivery(path: Path, name: str, *, inline: bool = True) -> web.FileResponse:
    """The content of a file, whole or the range that is asked for, with an ETag from its time and size."""
    return web.FileResponse(path, headers=headers_of(name, inline=inline), chunk_size=2**18)


def etag_of(path: Path) -> str:
    """The tag of a file's content as it is now. Raises Refusal 404 where it is gone."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise missing(path.name) from error
    return f"{status.st_mtime_ns:x}-{status.st_size:x}"


def is_known(request: web.Request, etag: str) -> bool:
    """Whether the client has this already (`If-None-Match`)."""
    return any(tag.value in (etag, "*") for tag in request.if_none_match or ())


def bytes_answer(data: bytes, media: str, etag: str) -> web.Response:
    """A picture made for the answer."""
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{etag}"',
    }
    return web.Response(body=data, content_type=media, headers=headers)


def not_modified(etag: str) -> web.Response:
    """The answer to a client that has it already."""
    return web.Response(status=304, headers={"ETag": f'"{etag}"', "Cache-Control": "private, no-cache"})
