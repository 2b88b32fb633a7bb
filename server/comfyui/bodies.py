"""JSON as it comes in and goes out at ComfyUI's routes."""

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from graph.comfyui.reading import parse_loosely
from graph.strict_json import finite
from server.api import LARGE, Refusal, check_text, read_bytes

if TYPE_CHECKING:
    from server.comfyui.face import Face

JSON = "application/json"


async def read_json(face: "Face", request: web.Request) -> Any:
    """The JSON of a body, whatever its type is said to be. Numbers that JSON has not (NaN) are null, as Python's
    clients send them. Raises Refusal: 413 where it is too large, 400 for what is none.
    """
    data = await read_bytes(request, face.core.settings.max_json)
    return await asyncio.to_thread(_parsed, data) if len(data) > LARGE else _parsed(data)


async def read_object(face: "Face", request: web.Request) -> dict[str, Any]:
    """The JSON object of a body. Raises Refusal as `read_json`, and 400 for anything else."""
    value = await read_json(face, request)
    if type(value) is not dict:
        raise Refusal(400, "not_json", "The body is no JSON object.", 'Send an object, as {"clear": true}.')
    return value


def answer(value: Any, status: int = 200) -> web.Response:
    """A JSON value. ASCII alone; numbers that JSON has not are null."""
    return web.Response(body=encoded(value), status=status, content_type=JSON)


async def large_answer(make: Callable[[], Any], request: web.Request) -> web.Response:
    """A JSON value that takes a while to be made: in a thread; compressed for those who take that."""
    zipped = takes_gzip(request)

    def work() -> bytes:
        data = encoded(make())
        return gzip.compress(data, 1, mtime=0) if zipped and len(data) > LARGE // 64 else data

    data = await asyncio.to_thread(work)
    headers = {"Vary": "Accept-Encoding"}
    if data[:2] == b"\x1f\x8b":  # JSON never begins so
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=data, headers=headers, content_type=JSON)


def encoded(value: Any) -> bytes:
    """A value as JSON."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        return json.dumps(finite(value), separators=(",", ":"), allow_nan=False).encode()


def takes_gzip(request: web.Request) -> bool:
    """Whether the client reads answers compressed by gzip."""
    for part in request.headers.get("Accept-Encoding", "").lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";")
        if coding in ("gzip", "*"):
            return weight.rstrip("0.") != "q="
    return False


def _parsed(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(400, "not_json", f"The body is not UTF-8: byte {error.start}.") from error
    found = parse_loosely(text)
    if found is None:
        raise Refusal(400, "not_json", "The body is no JSON, or nested too deep.")
    if b"\\u" in data:
        try:
            check_text(found.value)
        except ValueError as error:
            raise Refusal(400, "not_json", f"The body {error}.") from error
    return found.value
