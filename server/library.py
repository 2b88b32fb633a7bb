"""Workflows that people saved, and the templates that ship with the program.

A workflow is a file `NAME.json` below the folder of workflows, in canonical text. Its revision is a hash of its bytes:
who saves says which revision was changed, and of several who changed the same one wins.
"""

import asyncio
import hashlib
import json
import os
import shutil
import sys
import time
import unicodedata
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import quote

from graph.catalogue import Catalogue
from graph.errors import WorkflowError
from graph.problem import Problem
from graph.spec import Frozen
from graph.strict_json import parse
from graph.text import nearest
from graph.workflow import Workflow, dump, load_with_problems
from server.api import Refusal
from server.confined import PART, confined
from server.disk import disk_errors, sync_folder, write_durably
from server.integers import as_numbers
from server.places import Places

ENDING = ".json"
TEMPLATES = "templates"
"""The folder under whose name templates appear."""

PICTURES = "pictures"
"""The folder beside the templates with what they make, as small pictures."""

TRASH = ".trash"
"""Where deleted workflows go, each in a folder of its own, in which it has its name."""

KEPT = 500
"""Deleted workflows that can be restored; the oldest go first."""

LIMIT = 2**26
"""Bytes a workflow file may have."""

PICTURE = 2**29
"""Bytes a picture may have from which a workflow is read."""


class WorkflowInfo(Frozen):
    """A saved workflow, in short.

    name: with its folder, without ending. title: as the document says. modified: seconds since 1970. revision: of its
    content. folder: the part of the name before the last `/`. picture: the address of what it makes; "": there is none.
    """

    name: str
    title: str
    modified: float
    size: int
    revision: str
    is_template: bool
    folder: str
    picture: str = ""


@dataclass(frozen=True)
class Loaded:
    """A workflow file. text: as it stands there, which may be another program's document."""

    info: WorkflowInfo
    text: str

    @property
    def name(self) -> str:
        """With its folder, without ending."""
        return self.info.name

    @property
    def revision(self) -> str:
        """Of the text."""
        return self.info.revision


class Saved(NamedTuple):
    """What became of a document. problems: what of another program's could not be mapped. is_new: there was none."""

    info: WorkflowInfo
    problems: list[Problem]
    is_new: bool


class Library:
    """The saved workflows. Names have `/` between folders; those of templates begin with `templates/`.

    Safe to use from several tasks, and beside other processes that do the same.
    """

    def __init__(self, places: Places, base_path: str = "") -> None:
        self._root = places.workflows
        self._templates = places.templates
        self._base_path = base_path
        self._known: dict[Path, tuple[tuple[int, int, int], str, str]] = {}
        self._lock = Lock()

    async def list(self) -> tuple[WorkflowInfo, ...]:
        """All workflows, saved ones first, by name."""
        return await asyncio.to_thread(self._list)

    async def names(self) -> tuple[str, ...]:
        """The names of all workflows, saved ones first."""
        return await asyncio.to_thread(lambda: tuple(name for name, _ in self._files()))

    async def load(self, name: str) -> Loaded:
        """A workflow's text. Raises Refusal 400 for what is no name, 404 for an unknown one."""
        return await asyncio.to_thread(self._load, name)

    async def save(
        self,
        name: str,
        document: Mapping[str, Any] | str,
        *,
        revision: str | None = None,
        overwrite: bool = False,
        catalogue: Catalogue | None = None,
        integers: bool = False,
    ) -> Saved:
        """Save a document in canonical text. It is on the disk, whole, when this returns.

        document: ours; with a `catalogue` also another program's, which is converted. revision: the one that was
        changed; None: there is none of that name yet, unless it is to `overwrite` what there is. integers: large
        numbers in it travelled as text (`server.integers`).
        Raises Refusal: 400 `bad_name`; 403 `read_only` for templates; 409 `changed_meanwhile` (problems[0] has the
        revision there is; "": none), `exists`, `name_taken` (differs in letter case alone); 422 `no_workflow`;
        507 `no_space`.
        """
        return await asyncio.to_thread(self._save, name, document, revision, overwrite, catalogue, integers)

    async def rename(self, old: str, new: str, revision: str | None = None) -> WorkflowInfo:
        """Give a workflow another name. revision: as for `save`; None: whichever there is. Raises Refusal."""
        return await asyncio.to_thread(self._rename, old, new, revision)

    async def delete(self, name: str, revision: str | None = None) -> str:
        """Put a workflow into the trash. Gives the id by which `restore` takes it back. Raises Refusal."""
        return await asyncio.to_thread(self._delete, name, revision)

    async def restore(self, trash_id: str) -> WorkflowInfo:
        """Take a workflow back from the trash, under its name. Raises Refusal 404, or 409 where the name is taken."""
        return await asyncio.to_thread(self._restore, trash_id)

    # The same, in a thread

    def _list(self) -> tuple[WorkflowInfo, ...]:
        found = []
        for name, path in self._files():
            with suppress(OSError):  # deleted while it was listed
                found.append(self._info(name, path))
        return tuple(found)

    def _files(self) -> Iterator[tuple[str, Path]]:
        """All workflow files with their names, sorted, templates last. Links that lead out are left out."""
        for root, before in ((self._root, ""), (self._templates, f"{TEMPLATES}/")):
            names = []
            for folder, below, files in os.walk(root):
                below[:] = sorted(item for item in below if not item.startswith("."))
                inside = Path(folder).relative_to(root)
                names += [(inside / item).as_posix() for item in files if item.endswith(ENDING)]
            for name in sorted(names, key=lambda item: (item.casefold(), item)):
                with suppress(Refusal):
                    path = confined(root, name)
                    if not path.name.startswith(".") and path.is_file():
                        yield before + name.removesuffix(ENDING), path

    def _info(self, name: str, path: Path, data: bytes | None = None) -> WorkflowInfo:
        """What is told of a workflow. data: its content, if it has just been read."""
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = self._known.get(path)
        if known is None or known[0] != stamp or data is not None:
            content = path.read_bytes() if data is None else data
            known = self._known[path] = (stamp, revision_of(content), _title(content))
        _, revision, title = known
        return WorkflowInfo(
            name=name,
            title=title,
            modified=status.st_mtime,
            size=status.st_size,
            revision=revision,
            is_template=name.startswith(f"{TEMPLATES}/"),
            folder=name.rpartition("/")[0],
            picture=self._picture(name),
        )

    def _picture(self, name: str) -> str:
        """Where the picture of a template is; "" for workflows without one."""
        first, _, rest = name.partition("/")
        has_one = first == TEMPLATES and (self._templates / PICTURES / f"{rest}.webp").is_file()
        return f"{self._base_path}/v1/template-pictures/{quote(rest)}" if has_one else ""

    def _load(self, name: str) -> Loaded:
        name, path = self._place(name)
        try:
            with path.open("rb") as file:
                data = file.read(LIMIT + 1)
            info = self._info(name, path, data)
        except OSError as error:
            raise self._missing(name) from error
        if len(data) > LIMIT:
            raise Refusal(422, "no_workflow", f"The workflow '{name}' is larger than {LIMIT} bytes.")
        try:
            return Loaded(info.model_copy(update={"revision": revision_of(data)}), data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise Refusal(422, "no_workflow", f"The workflow '{name}' is no UTF-8 text.") from error

    def _save(
        self,
        name: str,
        document: Mapping[str, Any] | str,
        revision: str | None,
        overwrite: bool,
        catalogue: Catalogue | None,
        integers: bool,
    ) -> Saved:
        name, path = self._place(name, own=True)
        with self._exclusive(name):
            stored = path.read_bytes() if path.is_file() else None
            _expect(name, revision, stored, overwrite)
            if stored is None:
                self._check_free(name, path)
            if integers:
                document = as_numbers(document, _json_of(stored), catalogue)
            workflow, problems = read_document(document, catalogue)
            data = dump(workflow).encode()
            path.parent.mkdir(parents=True, exist_ok=True)
            if data != stored:
                write_durably(path, data)
            return Saved(self._info(name, path, data), problems, stored is None)

    def _rename(self, old: str, new: str, revision: str | None) -> WorkflowInfo:
        old, source = self._place(old, own=True)
        new, target = self._place(new, own=True)
        with self._exclusive(new):
            if not source.is_file():
                raise self._missing(old)
            if revision is not None:
                _expect(old, revision, source.read_bytes(), overwrite=False)
            if target != source:
                self._check_free(new, target, besides=source)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
                sync_folder(target.parent)
                self._known.pop(source, None)
                self._tidy(source.parent)
            return self._info(new, target)

    def _delete(self, name: str, revision: str | None) -> str:
        name, path = self._place(name, own=True)
        with self._exclusive(name):
            if not path.is_file():
                raise self._missing(name)
            if revision is not None:
                _expect(name, revision, path.read_bytes(), overwrite=False)
            trash_id = f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}"
            target = self._root / TRASH / trash_id / path.relative_to(self._root)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
            self._known.pop(path, None)
            self._tidy(path.parent)
            for old in sorted(item.name for item in (self._root / TRASH).iterdir())[:-KEPT]:
                shutil.rmtree(self._root / TRASH / old, ignore_errors=True)
            return trash_id

    def _restore(self, trash_id: str) -> WorkflowInfo:
        folder = confined(self._root / TRASH, trash_id)
        with self._exclusive(trash_id):
            source = next(folder.rglob(f"*{ENDING}"), None) if folder.is_dir() and "/" not in trash_id else None
            if source is None:
                raise Refusal(404, "no_workflow", f"The trash has nothing under '{trash_id[:60]}'.")
            name, path = self._place(source.relative_to(folder).as_posix(), own=True)
            self._check_free(name, path)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, path)
            shutil.rmtree(folder, ignore_errors=True)
            return self._info(name, path)

    def _place(self, name: str, *, own: bool = False) -> tuple[str, Path]:
        """A name as it is written here, and the file it stands for. own: it must not be a template's."""
        asked = unicodedata.normalize("NFC", name).replace("\\", "/").removesuffix(ENDING)
        first, _, rest = asked.partition("/")
        if any(part.startswith(".") for part in asked.split("/") if part not in (".", "..")):
            raise Refusal(400, "bad_name", f"'{name[:100]}' is no name for a workflow: it begins with a dot.")
        if any(len(part.encode("utf-8", "replace")) > PART - len(ENDING) for part in asked.split("/")):
            raise Refusal(400, "bad_name", f"The name '{name[:100]}' is too long.", "Use a shorter name.")
        confined(self._root, asked)  # the name itself must be plain, not only that of the file
        if first.casefold() == TEMPLATES:
            if own:
                hint = "Save it under another name."
                raise Refusal(403, "read_only", f"'{name}' would be a template; they cannot be changed.", hint)
            return asked, confined(self._templates, f"{rest}{ENDING}")
        return asked, confined(self._root, f"{asked}{ENDING}")

    def _check_free(self, name: str, path: Path, besides: Path | None = None) -> None:
        """Raise Refusal 409 if there is something of that name already, or of one that differs in letter case alone,
        which other systems take for the same.
        """
        folder = self._root
        for part in path.relative_to(self._root).parts:
            if not folder.is_dir():
                return
            for other in os.listdir(folder):
                if _same(other, part) and folder / other != besides:
                    if other != part:
                        hint = "Use the letters as they are there, or another name."
                        raise Refusal(409, "name_taken", f"'{name}' clashes with '{other.removesuffix(ENDING)}'.", hint)
                    if folder / other == path:
                        raise Refusal(409, "exists", f"There is a workflow '{name}' already.", "Use another name.")
            folder /= part

    def _missing(self, name: str) -> Refusal:
        close = nearest(name, [known for known, _ in self._files()])
        hint = f"Did you mean '{close}'?" if close else ""
        return Refusal(404, "no_workflow", f"There is no workflow '{name}'.", hint)

    def _tidy(self, folder: Path) -> None:
        """Remove folders that have become empty."""
        with suppress(OSError):
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent

    @contextmanager
    def _exclusive(self, name: str) -> Iterator[None]:
        """Change workflows alone: of all threads, and of all processes that do it here."""
        with disk_errors(name), self._lock:
            self._root.mkdir(parents=True, exist_ok=True)
            with (self._root / ".lock").open("a+b") as file:
                _wait_for(file.fileno())
                yield  # the lock ends with the file


def read_document(document: Mapping[str, Any] | str, catalogue: Catalogue | None) -> tuple[Workflow, list[Problem]]:
    """A document as ours; what of another program's could not be mapped. Raises Refusal 422 for what is none."""
    text = document if isinstance(document, str) else json.dumps(document)
    try:
        workflow, problems = load_with_problems(text, catalogue)
    except WorkflowError as error:
        raise Refusal(422, "no_workflow", str(error)) from error
    return workflow, list(problems)


def read_bytes_document(path: Path, name: str, catalogue: Catalogue | None) -> tuple[Workflow, list[Problem]]:
    """`read_document` of a file: also of a picture that carries one. name: what the file is called in messages."""
    with disk_errors(name), path.open("rb") as file:
        data = file.read(PICTURE + 1)
    if len(data) > PICTURE:
        raise Refusal(422, "no_workflow", f"The file '{name}' is larger than {PICTURE} bytes.")
    try:
        workflow, problems = load_with_problems(data, catalogue)
    except WorkflowError as error:
        raise Refusal(422, "no_workflow", f"'{name}': {error}") from error
    return workflow, list(problems)


def revision_of(data: bytes) -> str:
    """What tells one content from another: half a SHA-256."""
    return hashlib.sha256(data).hexdigest()[:32]


def _expect(name: str, revision: str | None, stored: bytes | None, overwrite: bool) -> None:
    """Raise Refusal 409 where the file is not as who changes it believes."""
    current = "" if stored is None else revision_of(stored)
    if revision is None:
        if stored is not None and not overwrite:
            hint = "Load it and save with its revision, or use another name."
            raise Refusal(
                409, "exists", f"There is a workflow '{name}' already.", hint, problems=[{"revision": current}]
            )
    elif revision != current:
        happened = "changed" if current else "deleted"
        hint = "Load it again, or save under another name."
        message = f"The workflow '{name}' was {happened} meanwhile."
        raise Refusal(409, "changed_meanwhile", message, hint, problems=[{"revision": current}])


def _same(one: str, other: str) -> bool:
    """Whether systems that disregard letter case take two names for the same."""
    return unicodedata.normalize("NFC", one).casefold() == unicodedata.normalize("NFC", other).casefold()


def _json_of(data: bytes | None) -> Any:
    """What a file holds, if it is JSON."""
    try:
        return parse(data.decode()) if data is not None else None
    except ValueError:
        return None


def _title(data: bytes) -> str:
    document = _json_of(data) if len(data) <= LIMIT else None
    title = document.get("title") if isinstance(document, dict) else None
    return title.encode("utf-8", "replace").decode() if isinstance(title, str) else ""


def _wait_for(number: int) -> None:
    """Wait until no other process has a file, and have it until it is closed. Where the disk has no locks, go on."""
    with suppress(OSError):
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(number, msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX)
