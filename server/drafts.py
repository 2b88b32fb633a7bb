"""Drafts: unsaved states of documents, kept for their owner until they are saved or let go.

An editor writes one a moment after each change, so that a closed window, a crash or another machine loses nothing. A
draft is kept as it came, whether or not it could run, in `drafts/OWNER/ID.json` below the home.
"""

import asyncio
import hashlib
import json
import re
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Annotated, Any

from pydantic import Field, ValidationError

from graph.spec import Frozen
from server.api import Refusal
from server.confined import confined
from server.disk import disk_errors, write_durably
from server.library import revision_of
from server.places import Places

ENDING = ".json"

MOST = 200
"""Drafts one owner may have."""

LARGEST = 2**24
"""Bytes one draft may have."""

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
OWNER = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""Owners whose names can be names of folders. Others have a digest's."""


class Draft(Frozen):
    """An unsaved state. document: as JSON, whole numbers beyond 2^53 in it as text. name: under which it was or will be
    saved. title: what the editor shows. base: the revision of the saved workflow that was changed; none: there is none.
    """

    document: dict[str, Any]
    name: Annotated[str, Field(max_length=1024)] = ""
    title: Annotated[str, Field(max_length=1024)] = ""
    base: Annotated[str, Field(max_length=64)] | None = None


class DraftInfo(Frozen):
    """A draft, in short. modified: seconds since 1970. size: in bytes. revision: of its content."""

    id: str
    title: str
    name: str
    base: str | None
    modified: float
    size: int
    revision: str


class DraftDetail(DraftInfo):
    """A draft, whole. document: as it was put."""

    document: dict[str, Any]


class Drafts:
    """The drafts of all owners."""

    def __init__(self, places: Places) -> None:
        self._root = places.drafts
        self._lock = Lock()

    async def list(self, owner: str) -> tuple[DraftInfo, ...]:
        """Those of an owner, the one changed last first."""
        return await asyncio.to_thread(self._list, owner)

    async def load(self, owner: str, key: str) -> DraftDetail:
        """One of them. Raises Refusal 404 where there is none."""
        return await asyncio.to_thread(self._load, owner, key)

    async def save(self, owner: str, key: str, draft: Draft, revision: str | None) -> DraftInfo:
        """Keep a draft. It is on the disk, whole, when this returns.

        revision: of the one it takes the place of; None: there is none of that id. Raises Refusal: 400 `bad_name`;
        409 `changed_meanwhile` (problems[0] has the revision there is; "": none); 413 `too_large`;
        422 `too_many_drafts`; 507 `no_space`.
        """
        return await asyncio.to_thread(self._save, owner, key, draft, revision)

    async def delete(self, owner: str, key: str) -> None:
        """Let a draft go. Raises Refusal 404 where there is none."""
        await asyncio.to_thread(self._delete, owner, key)

    # The same, in a thread

    def _list(self, owner: str) -> tuple[DraftInfo, ...]:
        found = []
        for path in self._folder(owner).glob(f"*{ENDING}"):
            with suppress(OSError, ValueError, Refusal):  # let go meanwhile, or not a draft of ours
                draft, info = _read(path)
                found.append(info)
        return tuple(sorted(found, key=lambda info: (-info.modified, info.id)))

    def _load(self, owner: str, key: str) -> DraftDetail:
        path = self._path(owner, key)
        try:
            draft, info = _read(path)
        except (OSError, ValueError) as error:
            raise _missing(key) from error
        return DraftDetail(**info.model_dump(), document=draft.document)

    def _save(self, owner: str, key: str, draft: Draft, revision: str | None) -> DraftInfo:
        path = self._path(owner, key)
        data = json.dumps(draft.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()
        if len(data) > LARGEST:
            raise Refusal(413, "too_large", f"The draft is larger than {LARGEST} bytes.")
        with disk_errors(key), self._lock:
            stored = path.read_bytes() if path.is_file() else None
            current = "" if stored is None else revision_of(stored)
            if (revision or "") != current:
                message = f"The draft '{key}' was {'changed' if current else 'let go'} meanwhile."
                hint = "Load it again, or keep yours under another id."
                raise Refusal(409, "changed_meanwhile", message, hint, problems=[{"revision": current}])
            path.parent.mkdir(parents=True, exist_ok=True)
            if stored is None and sum(1 for _ in path.parent.glob(f"*{ENDING}")) >= MOST:
                hint = "Save or delete some that are no longer needed."
                raise Refusal(422, "too_many_drafts", f"There are {MOST} drafts already.", hint)
            if data != stored:
                write_durably(path, data)
            return _info(path, draft, data)

    def _delete(self, owner: str, key: str) -> None:
        path = self._path(owner, key)
        with disk_errors(key), self._lock:
            if not path.is_file():
                raise _missing(key)
            path.unlink()

    def _folder(self, owner: str) -> Path:
        is_plain = OWNER.fullmatch(owner)
        return confined(self._root, owner if is_plain else hashlib.sha256(owner.encode()).hexdigest())

    def _path(self, owner: str, key: str) -> Path:
        if not ID.fullmatch(key):
            raise Refusal(400, "bad_name", f"'{key[:100]}' is no id of a draft.", "Use letters, digits, - and _.")
        return confined(self._folder(owner), f"{key}{ENDING}")


def _read(path: Path) -> tuple[Draft, DraftInfo]:
    """A draft's file. Raises OSError, or ValueError for what is none."""
    data = path.read_bytes()
    try:
        draft = Draft.model_validate_json(data)
    except ValidationError as error:
        raise ValueError(f"'{path.name}' is no draft") from error
    return draft, _info(path, draft, data)


def _info(path: Path, draft: Draft, data: bytes) -> DraftInfo:
    return DraftInfo(
        id=path.stem,
        title=draft.title,
        name=draft.name,
        base=draft.base,
        modified=path.stat().st_mtime,
        size=len(data),
        revision=revision_of(data),
    )


def _missing(key: str) -> Refusal:
    return Refusal(404, "no_draft", f"There is no draft '{key}'.")
