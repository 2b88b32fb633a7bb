"""`/settings`, `/userdata`, `/users`: what ComfyUI's clients keep here, for each owner in a folder of its own."""

import asyncio
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from server.api import Caller, Refusal, read_bytes
from server.comfyui.bodies import answer, encoded, read_json, read_object
from server.comfyui.routing import Table
from server.confined import confined, opened, safe_name
from server.disk import disk_errors, write_durably

if TYPE_CHECKING:
    from server.comfyui.face import Face

routes = Table()

SETTINGS = "comfy.settings.json"
"""The file of settings in an owner's folder."""

LARGEST_SETTINGS = 4 * 2**20
"""Bytes that an owner's settings may have."""

MOST_FILES = 10_000
"""Files that an owner may keep."""

HALF_WRITTEN = ".part"


@routes.get("/users")
async def list_users(face: "Face", request: web.Request) -> web.Response:
    """There is one user to a token: clients need not ask who it is."""
    return answer({"storage": "server", "migrated": True})


@routes.post("/users")
async def add_user(face: "Face", request: web.Request) -> web.Response:
    """Not done here: tokens say who somebody is."""
    await read_json(face, request)
    return answer({"error": "Users are not made here: each token has its own files. Make a token."}, 400)


@routes.get("/settings")
async def read_settings(face: "Face", request: web.Request) -> web.Response:
    """All settings."""
    return answer(await asyncio.to_thread(_settings, _root(face, request["who"])))


@routes.post("/settings")
async def change_settings(face: "Face", request: web.Request) -> web.Response:
    """Set some settings; the others stay."""
    await _keep(face, request["who"], await read_object(face, request))
    return web.Response()


@routes.get("/settings/{id:.+}")
async def read_setting(face: "Face", request: web.Request) -> web.Response:
    """One setting; null where it is not set."""
    settings = await asyncio.to_thread(_settings, _root(face, request["who"]))
    return answer(settings.get(request.match_info["id"]))


@routes.post("/settings/{id:.+}")
async def change_setting(face: "Face", request: web.Request) -> web.Response:
    """Set one setting."""
    await _keep(face, request["who"], {request.match_info["id"]: await read_json(face, request)})
    return web.Response()


@routes.get("/userdata")
async def list_files(face: "Face", request: web.Request) -> web.Response:
    """The files of a folder: their paths in it, or, with `full_info`, more of them; with `split`, paths in parts."""
    query = request.query
    if not query.get("dir"):
        raise Refusal(400, "no_dir", "No folder is named.", "Say dir.")
    root = _root(face, request["who"])
    recurse, full, split = (query.get(name, "").lower() == "true" for name in ("recurse", "full_info", "split"))

    def found() -> list[Any]:
        folder = _path(root, query["dir"])
        if not folder.is_dir():
            raise Refusal(404, "no_dir", "There is no such folder.")
        files = sorted(_below(folder, deep=recurse))
        if full:
            return [_info(name, status) for name, status in files]
        return [[name, *name.split("/")] if split else name for name, _ in files]

    with disk_errors(query["dir"]):
        return answer(await asyncio.to_thread(found))


@routes.get("/v2/userdata")
async def list_everything(face: "Face", request: web.Request) -> web.Response:
    """All below a folder: folders first, each by name."""
    root, asked = _root(face, request["who"]), request.query.get("path", "")

    def found() -> list[dict[str, Any]]:
        folder = _path(root, asked) if asked.strip("/") else root
        if not folder.is_dir():
            if folder == root:
                return []
            raise Refusal(404, "no_dir", "There is no such folder.")
        below = asked.strip("/")
        entries = [_entry(below, name, status) for name, status in _below(folder, deep=True, folders=True)]
        return sorted(entries, key=lambda entry: (entry["type"] != "directory", entry["name"].casefold()))

    with disk_errors(asked):
        return answer(await asyncio.to_thread(found))


@routes.post("/userdata/{file:.+}/move/{dest:.+}")
async def move_file(face: "Face", request: web.Request) -> web.Response:
    """Give a file another name."""
    root = _root(face, request["who"])
    name, dest = request.match_info["file"], request.match_info["dest"]
    replace = request.query.get("overwrite", "").lower() != "false"

    def move() -> os.stat_result:
        source, target = _path(root, name), _path(root, dest)
        _existing(source, name)
        _check_target(target, dest, replace=replace or source == target)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)
        return target.stat()

    return await _changed(face, request, dest, move)


@routes.get("/userdata/{file:.+}")
async def read_file(face: "Face", request: web.Request) -> web.Response:
    """The content of a file. JSON is sent as that, all else as bytes to be saved: nothing in it is run."""
    root, name = _root(face, request["who"]), request.match_info["file"]

    def content() -> bytes:
        with opened(root, _path(root, name).relative_to(root).as_posix()) as file:
            return file.read()

    with disk_errors(name):
        data = await asyncio.to_thread(content)
    media = "application/json" if name.lower().endswith(".json") else "application/octet-stream"
    headers = {"Content-Disposition": "attachment", "Cache-Control": "private, no-cache"}
    return web.Response(body=data, content_type=media, headers=headers)


@routes.post("/userdata/{file:.+}")
async def write_file(face: "Face", request: web.Request) -> web.Response:
    """Keep a file. `overwrite=false`: only where there is none of that name."""
    root, name = _root(face, request["who"]), request.match_info["file"]
    replace = request.query.get("overwrite", "").lower() != "false"
    data = await read_bytes(request, face.core.settings.max_json)

    def write() -> os.stat_result:
        path = _path(root, name)
        _check_target(path, name, replace=replace)
        if not path.exists() and sum(1 for _ in _below(root, deep=True)) >= MOST_FILES:
            raise Refusal(409, "folder_full", f"{MOST_FILES} files are kept already.", "Delete some.")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, data)
        return path.stat()

    return await _changed(face, request, name, write)


@routes.delete("/userdata/{file:.+}")
async def delete_file(face: "Face", request: web.Request) -> web.Response:
    """Remove a file."""
    root, name = _root(face, request["who"]), request.match_info["file"]

    def remove() -> None:
        path = _path(root, name)
        _existing(path, name)
        path.unlink()

    async with face.keeping:
        with disk_errors(name):
            await asyncio.to_thread(remove)
    return web.Response(status=204)


async def _changed(face: "Face", request: web.Request, name: str, change: Any) -> web.Response:
    """Change a file, and tell its path, or, with `full_info`, more of it."""
    async with face.keeping:
        with disk_errors(name):
            status = await asyncio.to_thread(change)
    path = name.replace("\\", "/")
    return answer(_info(path, status) if request.query.get("full_info", "").lower() == "true" else path)


def _root(face: "Face", who: Caller) -> Path:
    """The folder of an owner."""
    name = safe_name(who.owner)
    if name != who.owner or name != name.casefold():  # two owners may become one name, also where case is not seen
        name = f"{name}-{hashlib.sha256(who.owner.encode()).hexdigest()[:12]}"
    return face.core.places.user / name


def _path(root: Path, name: str) -> Path:
    """A file of an owner. Raises Refusal 403 for what leads out of its folder, 400 for what is no name."""
    try:
        path = confined(root, name.rstrip("/"))
    except Refusal as refusal:
        parts = name.replace("\\", "/").split("/")
        outside = parts[0] == "" or ".." in parts or "link" in refusal.info.message
        raise Refusal(403 if outside else 400, "bad_name", refusal.info.message, refusal.info.hint) from refusal
    if name.endswith(HALF_WRITTEN):
        raise Refusal(400, "bad_name", f"Names that end with {HALF_WRITTEN} are for files that are not whole yet.")
    return path


def _existing(path: Path, name: str) -> None:
    if not path.is_file():
        raise Refusal(404, "no_file", f"There is no file '{name[:100]}'.")


def _check_target(path: Path, name: str, *, replace: bool) -> None:
    """Raise Refusal 409 where a file cannot be put."""
    if path.is_dir():
        raise Refusal(409, "is_folder", f"'{name[:100]}' is a folder.")
    if not replace and os.path.lexists(path):
        raise Refusal(409, "exists", f"There is a file '{name[:100]}' already.")


def _below(root: Path, *, deep: bool, folders: bool = False) -> Iterator[tuple[str, os.stat_result]]:
    """The files below a folder, by their paths in it; with `folders`, these too. Links are left out."""
    waiting = [(root, "")]
    while waiting:
        folder, inside = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink() or entry.name.endswith(HALF_WRITTEN):
                        continue
                    with suppress(OSError, UnicodeEncodeError):  # gone meanwhile, or no text
                        name = inside + entry.name
                        name.encode()
                        if entry.is_dir():
                            if deep:
                                waiting.append((Path(entry.path), f"{name}/"))
                            if folders:
                                yield name, entry.stat()
                        elif entry.is_file():
                            yield name, entry.stat()
        except OSError:
            continue


def _info(name: str, status: os.stat_result) -> dict[str, Any]:
    times = {"modified": round(status.st_mtime * 1000), "created": round(status.st_ctime * 1000)}
    return {"path": name, "size": status.st_size, **times}


def _entry(below: str, name: str, status: os.stat_result) -> dict[str, Any]:
    path = f"{below}/{name}" if below else name
    if stat.S_ISDIR(status.st_mode):
        return {"name": name.rpartition("/")[2], "path": path, "type": "directory"}
    facts = {"size": status.st_size, "modified": round(status.st_mtime * 1000)}
    return {"name": name.rpartition("/")[2], "path": path, "type": "file", **facts}


def _settings(root: Path) -> dict[str, Any]:
    """What is kept; nothing where the file is damaged."""
    try:
        data = json.loads((root / SETTINGS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if type(data) is dict else {}


async def _keep(face: "Face", who: Caller, changes: dict[str, Any]) -> None:
    root = _root(face, who)

    def keep() -> None:
        data = encoded(_settings(root) | changes)
        if len(data) > LARGEST_SETTINGS:
            raise Refusal(413, "too_large", f"Settings have at most {LARGEST_SETTINGS} bytes in all.")
        root.mkdir(parents=True, exist_ok=True)
        write_durably(root / SETTINGS, data)

    async with face.keeping:
        with disk_errors(SETTINGS):
            await asyncio.to_thread(keep)
