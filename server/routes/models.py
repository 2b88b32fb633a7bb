"""`/v1/models`: model files and their downloads."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import Field

from graph.spec import Frozen
from server.api import Refusal, Routes
from server.core import Core
from server.models.error import ModelError
from server.models.inventory import Finding, ModelInfo, Verdict
from server.models.shelf import DownloadInfo, DownloadRequest
from server.models.starting_points import Suggestion

routes = Routes("models")


class ListQuery(Frozen):
    """folder: of models; empty: all."""

    folder: str = Field("", max_length=100)


class FindQuery(Frozen):
    """q: a name, the beginning of a digest, or a part of a name."""

    q: str = Field(min_length=1, max_length=500)


class MemoryQuery(Frozen):
    """memory_gb: what there is, in 10⁹ bytes; left out: whatever it takes."""

    memory_gb: float | None = Field(None, gt=0)


class VerifyRequest(Frozen):
    """models: names, with their folder where it takes that; none: all there are."""

    models: list[str] = Field(default_factory=list, max_length=1000)


class RemoveQuery(Frozen):
    """A model, by its folder and its name in it."""

    folder: str = Field(min_length=1, max_length=100)
    name: str = Field(min_length=1, max_length=500)


class CancelQuery(Frozen):
    """keep: what was fetched stays, and can be gone on with."""

    keep: bool = False


@routes.get("/v1/models", refusals=(404,))
async def list_models(core: Core, query: ListQuery) -> tuple[ModelInfo, ...]:
    """The model files there are."""
    with _refusing():
        return await core.shelf.list(query.folder)


@routes.get("/v1/models/find")
async def find_models(core: Core, query: FindQuery) -> Finding:
    """Models a text may mean."""
    return await core.shelf.find(query.q)


@routes.get("/v1/models/starting-points")
async def starting_points(core: Core, query: MemoryQuery) -> tuple[Suggestion, ...]:
    """Well-known models to begin with, the one that needs the least memory first."""
    return core.shelf.starting_points(query.memory_gb)


@routes.post("/v1/models/downloads", scope="admin", status=202, refusals=(409, 429))
async def start_download(core: Core, body: DownloadRequest) -> DownloadInfo:
    """Fetch a model. The answer comes at once; `download_progress` events and the list of downloads tell the rest."""
    with _refusing():
        return await core.shelf.start_download(body)


@routes.get("/v1/models/downloads", scope="admin")
async def list_downloads(core: Core) -> tuple[DownloadInfo, ...]:
    """Downloads of this server, and what earlier ones left unfinished ("paused")."""
    return await core.shelf.downloads()


@routes.get("/v1/models/downloads/{download_id}", scope="admin")
async def show_download(core: Core, download_id: str) -> DownloadInfo:
    """One download."""
    with _refusing():
        return await core.shelf.download(download_id)


@routes.delete("/v1/models/downloads/{download_id}", scope="admin")
async def cancel_download(core: Core, download_id: str, query: CancelQuery) -> None:
    """End a download and take it from the list."""
    with _refusing():
        await core.shelf.cancel(download_id, keep=query.keep)


@routes.post("/v1/models/verify", scope="edit", refusals=(404,))
async def verify_models(core: Core, body: VerifyRequest) -> tuple[Verdict, ...]:
    """Read models anew, and say which are not what was fetched. It takes as long as reading them takes."""
    with _refusing():
        return await core.shelf.verify(body.models)


@routes.delete("/v1/models", scope="edit", refusals=(404, 409))
async def remove_model(core: Core, query: RemoveQuery) -> None:
    """Remove a model from the person's own models folder."""
    with _refusing():
        await core.shelf.remove(query.folder, query.name)


@contextmanager
def _refusing() -> Iterator[None]:
    """What went wrong with models, as an answer."""
    try:
        yield
    except ModelError as error:
        headers = {"Retry-After": "60"} if error.status == 429 else {}
        raise Refusal(error.status, error.code, error.message, error.hint, headers=headers) from error
