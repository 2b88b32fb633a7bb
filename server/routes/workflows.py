"""Saved workflows and templates: list, load, save, rename, delete, restore; documents checked and converted.

A workflow's name is the rest of the path, with its folders and without ending. Its slashes may stand as they are or as
`%2F`; it is decoded once. A revision tells one content from another; it is also the ETag. With `integers=text` whole
numbers beyond 2^53, which JavaScript cannot hold, travel as decimal text, both ways.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from graph.catalogue import Catalogue, whence
from graph.document import FORMAT
from graph.problem import Problem, joined
from graph.spec import Frozen
from graph.workflow import Workflow, dump, to_json
from server.api import Answer, Refusal, Routes
from server.confined import confined, missing
from server.core import Core
from server.delivery import delivery, is_known, located
from server.integers import as_numbers, as_text
from server.library import PICTURES, WorkflowInfo, read_bytes_document, read_document
from server.submission import told

routes = Routes("workflows")

Integers = Literal["number", "text"]


class IntegersAsked(Frozen):
    """integers: whether whole numbers beyond 2^53 travel as numbers, or as text."""

    integers: Integers = "number"


class WorkflowDetail(WorkflowInfo):
    """A workflow. document: in our format. problems: what could not be mapped where the file is of another program."""

    document: dict[str, Any]
    problems: list[Problem]


class SaveWorkflow(Frozen):
    """A workflow to be saved. workflow: a document, ours or another program's, as JSON or as its text. revision: the
    one that was changed; none: there is no workflow of that name yet. overwrite: whatever there is.
    """

    workflow: dict[str, Any] | str
    revision: str | None = None
    overwrite: bool = False


class SavedWorkflow(WorkflowInfo):
    """A workflow that was saved. problems: what of another program's document could not be mapped."""

    problems: list[Problem]


class RenameWorkflow(Frozen):
    """name: the new one. revision: the one that is renamed; none: whichever there is."""

    name: str = Field(min_length=1, max_length=1024)
    revision: str | None = None


class Trashed(Frozen):
    """id: by which the workflow can be restored."""

    id: str


class FileNamed(Frozen):
    """A file by its name, as `/v1/files` has it: a picture that carries a workflow, or a document."""

    kind: Literal["input", "output", "temp"] = "input"
    name: str


class Document(Frozen):
    """A document: as JSON or as text, or in a file. outputs: the nodes wanted, when it is checked; none: all."""

    workflow: dict[str, Any] | str | None = None
    file: FileNamed | None = None
    outputs: tuple[str, ...] = ()


class Checked(Frozen):
    """What is wrong with a document. can_run: whether nothing of it stops a run."""

    can_run: bool
    problems: list[Problem]


class Converted(Frozen):
    """A document in our format, as JSON and as the canonical text of a file. problems: what could not be mapped."""

    workflow: dict[str, Any]
    text: str
    problems: list[Problem]


@routes.get("/v1/workflows")
async def list_workflows(core: Core) -> list[WorkflowInfo]:
    """List the saved workflows, and the templates behind them."""
    return list(await core.library.list())


@routes.get("/v1/workflows/{name:.+}", refusals=(400,), also=(304,))
async def load_workflow(
    core: Core, request: web.Request, name: str, query: IntegersAsked
) -> Answer[WorkflowDetail] | web.Response:
    """Load a workflow."""
    loaded = await core.library.load(name)
    if is_known(request, loaded.revision):
        return web.Response(status=304, headers=_tag(loaded.revision))
    catalogue = await _catalogue(core, loaded.text)
    workflow, problems = await asyncio.to_thread(read_document, loaded.text, catalogue)
    document = _json(workflow, query.integers)
    detail = WorkflowDetail(**loaded.info.model_dump(), document=document, problems=_told(problems))
    return Answer(detail, headers=_tag(loaded.revision))


@routes.get("/v1/template-pictures/{name:.+}", produces="image/webp", refusals=(400, 412, 416), also=(206, 304))
async def view_template_picture(core: Core, name: str) -> web.StreamResponse:
    """Get the picture of a template: what it makes with the bundled model."""
    file = f"{name}.webp"
    path = await asyncio.to_thread(confined, core.places.templates / PICTURES, file)
    if not path.is_file():
        raise missing(file)
    return delivery(path, file)


@routes.put("/v1/workflows/{name:.+}", scope="edit", refusals=(400, 403, 409, 412, 507), also=(201,))
async def save_workflow(
    core: Core, request: web.Request, name: str, query: IntegersAsked, body: SaveWorkflow
) -> Answer[SavedWorkflow]:
    """Save a workflow, whole and at once. 201: it is new.

    What was changed is told by `revision` in the body, or by `If-Match` (`If-None-Match: *`: there is none yet); where
    that is no longer so, nothing is saved: 409, with the header 412.
    """
    revision, overwrite, by_header = _expected(request, body.revision, body.overwrite)
    catalogue = await _catalogue(core, body.workflow)
    try:
        saved = await core.library.save(
            name,
            body.workflow,
            revision=revision,
            overwrite=overwrite,
            catalogue=catalogue,
            integers=query.integers == "text",
        )
    except Refusal as refusal:
        raise _unmet(refusal) if by_header else refusal from refusal.__cause__
    answer = SavedWorkflow(**saved.info.model_dump(), problems=_told(saved.problems))
    return Answer(answer, 201 if saved.is_new else 200, _tag(saved.info.revision))


@routes.patch("/v1/workflows/{name:.+}", scope="edit", refusals=(403, 409, 412, 507))
async def rename_workflow(core: Core, request: web.Request, name: str, body: RenameWorkflow) -> Answer[WorkflowInfo]:
    """Give a workflow another name."""
    revision, _, by_header = _expected(request, body.revision, overwrite=True)
    try:
        info = await core.library.rename(name, body.name, revision)
    except Refusal as refusal:
        raise _unmet(refusal) if by_header else refusal from refusal.__cause__
    return Answer(info, headers=_tag(info.revision))


@routes.delete("/v1/workflows/{name:.+}", scope="edit", status=200, refusals=(400, 403, 412))
async def delete_workflow(core: Core, request: web.Request, name: str) -> Trashed:
    """Put a workflow into the trash (`If-Match`: if it is still this revision)."""
    revision, _, _ = _expected(request, None, overwrite=True)
    try:
        return Trashed(id=await core.library.delete(name, revision))
    except Refusal as refusal:
        raise _unmet(refusal) from refusal.__cause__


@routes.post("/v1/workflows/restore", scope="edit", refusals=(403, 404, 409, 507))
async def restore_workflow(core: Core, body: Trashed) -> WorkflowInfo:
    """Take a workflow back from the trash."""
    return await core.library.restore(body.id)


@routes.post("/v1/workflows/check", scope="run", refusals=(404,))
async def check_workflow(core: Core, query: IntegersAsked, body: Document) -> Checked:
    """Say all that is wrong with a document. Nothing is run, nothing saved."""
    workflow, problems = await _read(core, body, query.integers)
    found = await core.runs.check(workflow, body.outputs)
    problems = joined(problems, found, whence(await core.catalogue.get()))
    return Checked(can_run=all(item.severity != "error" for item in problems), problems=_told(problems))


@routes.post("/v1/workflows/convert", scope="run", refusals=(404,))
async def convert_workflow(core: Core, query: IntegersAsked, body: Document) -> Converted:
    """Turn a document of another program, or one that a picture carries, into ours."""
    workflow, problems = await _read(core, body, query.integers)
    text = await asyncio.to_thread(dump, workflow)
    return Converted(workflow=_json(workflow, query.integers), text=text, problems=_told(problems))


async def _read(core: Core, given: Document, integers: Integers) -> tuple[Workflow, list[Problem]]:
    """The workflow of a document. Raises Refusal 422 where there is none, 400 and 404 for a file."""
    catalogue = await core.catalogue.get()
    if (given.workflow is None) == (given.file is None):
        raise Refusal(422, "no_workflow", "Give either a `workflow` or a `file`.")
    if given.file is not None:
        path = await asyncio.to_thread(located, core.places, given.file.kind, given.file.name)
        return await asyncio.to_thread(read_bytes_document, path, given.file.name, catalogue)
    document = as_numbers(given.workflow, None, catalogue) if integers == "text" else given.workflow
    return await asyncio.to_thread(read_document, document or {}, catalogue)


async def _catalogue(core: Core, document: Mapping[str, Any] | str) -> Catalogue | None:
    """What it takes to read a document: ours can be read before there is a catalogue."""
    text = document[:200] if isinstance(document, str) else f'"{document.get("format")}"'
    is_ours = f'"{FORMAT}"' in text
    return core.catalogue.current if is_ours else await core.catalogue.get()


def _expected(request: web.Request, revision: str | None, overwrite: bool) -> tuple[str | None, bool, bool]:
    """Which revision is changed, whether any may be, and whether a header says so."""
    if request.if_match:
        tag = request.if_match[0].value
        return (None, True, True) if tag == "*" else (tag, False, True)
    if any(tag.value == "*" for tag in request.if_none_match or ()):
        return None, False, True
    return revision, overwrite, False


def _unmet(refusal: Refusal) -> Refusal:
    """What a header demanded is not so: HTTP's own status for it (RFC 9110, 13.1)."""
    if refusal.info.code in ("changed_meanwhile", "exists"):
        refusal.status = 412
    return refusal


def _json(workflow: Workflow, integers: Integers) -> dict[str, Any]:
    document = _sendable(to_json(workflow))
    return as_text(document) if integers == "text" else document


def _told(problems: list[Problem]) -> list[Problem]:
    return [Problem.model_validate(_sendable(item.model_dump())) for item in told(problems)]


def _sendable(value: Any) -> Any:
    """A JSON value without halves of surrogate pairs, which files may hold but UTF-8 cannot."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_sendable(name): _sendable(item) for name, item in value.items()}
    return [_sendable(item) for item in value] if isinstance(value, (list, tuple)) else value


def _tag(revision: str) -> dict[str, str]:
    return {"ETag": f'"{revision}"', "Cache-Control": "private, no-cache"}
