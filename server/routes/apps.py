"""Published workflows: `/v1/apps/…`."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from graph.spec import Frozen
from server.api import Answer, Caller, Refusal, Routes
from server.apps import NAME, AppInfo, Publication, RunApp, folder_for
from server.confined import missing
from server.core import Core
from server.delivery import delivery, located
from server.pictures import format_by_name
from server.routes.files import ASIDE, file_part
from server.routes.runs import answer_for, base_of, digest_of, key_of, waits
from server.run import Run, RunInfo
from server.uploads import pieces, store_upload
from server.webhooks import WebhookKey

routes = Routes("apps")

AppName = Annotated[str, Field(pattern=NAME)]

UNFINISHED: Mapping[str, str] = {"failed": "failed", "cancelled": "was cancelled"}


class UploadedPicture(Frozen):
    """A picture that was sent. name: what inputs call it. width, height: in pixels."""

    name: str
    width: int
    height: int


class UploadName(Frozen):
    """name: of the picture; needed for a bare body."""

    name: str = Field("", max_length=255)


class ContentAsked(Frozen):
    """download: whether the file is to be saved, not shown."""

    download: bool = False


@routes.get("/v1/apps", scope="run:app")
async def list_apps(core: Core, who: Caller) -> list[AppInfo]:
    """List the published workflows that the caller may run."""
    return [await core.apps.info(app) for app in core.apps.of(who)]


@routes.get("/v1/apps/{name}", scope="run:app")
async def read_app(core: Core, name: str) -> AppInfo:
    """Get what a published workflow takes, and its limits."""
    return await core.apps.info(core.apps.get(name))


@routes.put("/v1/apps/{name}", scope="edit", also=(201,), refusals=(404, 409))
async def publish(core: Core, who: Caller, name: AppName, body: Publication) -> Answer[AppInfo]:
    """Publish a workflow under a name, or publish it anew.

    It must be able to run, and have an interface with inputs: these are all that a run of it can set. A copy is kept.
    """
    app, is_new = await core.apps.publish(name, body, who)
    return Answer(await core.apps.info(app), 201 if is_new else 200)


@routes.delete("/v1/apps/{name}", scope="edit")
async def unpublish(core: Core, name: str) -> None:
    """Take a published workflow back. Runs that were accepted go to their end."""
    await core.apps.unpublish(name)


@routes.get("/v1/apps/{name}/workflow", scope="edit", produces="application/json")
async def read_document(core: Core, name: str) -> web.Response:
    """Get the document of a published workflow."""
    return web.Response(text=core.apps.get(name).text, content_type="application/json")


@routes.get("/v1/apps/{name}/schema", scope="run:app")
async def read_schema(core: Core, name: str) -> dict[str, Any]:
    """Get the JSON Schema of the body of a run."""
    return await core.apps.schema(core.apps.get(name))


@routes.post("/v1/apps/{name}/runs", scope="run:app", status=202, also=(200,), refusals=(406, 409))
async def run_app(
    core: Core, who: Caller, request: web.Request, name: str, body: RunApp
) -> Annotated[Answer, RunInfo] | web.StreamResponse:
    """Run a published workflow.

    It is kept durably before the answer is sent: 202 and the run. With `Prefer: wait=60` the answer waits until the run
    is over, so many seconds at most, and is then 200: the run, or with `Accept: image/png` (`image/*`) its first
    picture. With an `Idempotency-Key`, a second request of the same body gives the run that the first one made.
    """
    app = core.apps.get(name)
    key = key_of(request.headers)
    digest = digest_of(body) if key else ""
    run = await core.apps.run(app, body, who, key=key, digest=digest, base=base_of(request))
    seconds = waits(request.headers)
    if seconds > 0 and not run.is_over:
        run = await core.runs.wait(run.id, seconds) or run
    ranges = _pictures_wanted(request.headers.get("Accept", ""))
    if ranges and seconds > 0 and run.is_over:
        return await _picture(core, who, run, ranges, seconds)
    answer = await answer_for(core, run, 0.0)
    applied = {"Preference-Applied": f"wait={seconds:.0f}"} if seconds > 0 else {}
    return Answer(answer.body, answer.status, {"Location": _place(core, run), **applied})


@routes.get("/v1/apps/{name}/runs/{run}", scope="run:app")
async def read_run(core: Core, who: Caller, name: str, run: str) -> RunInfo:
    """Get a run of a published workflow."""
    return core.runs.info(await core.apps.find(name, run, who))


@routes.get(
    "/v1/apps/{name}/runs/{run}/files/{place}", scope="run:app", produces="*/*", refusals=(412, 416), also=(206, 304)
)
async def read_file(
    core: Core, who: Caller, name: str, run: str, place: Annotated[int, Field(ge=0, le=100_000)], query: ContentAsked
) -> web.StreamResponse:
    """Get a file that a run wrote, by its place among the run's files."""
    files = (await core.apps.find(name, run, who)).files
    if place >= len(files):
        raise missing(str(place))
    _, file = files[place]
    path = await asyncio.to_thread(located, core.places, file["kind"], file["name"])
    return delivery(path, file["name"], inline=not query.download)


@routes.post(
    "/v1/apps/{name}/files",
    scope="run:app",
    status=201,
    consumes="multipart/form-data",
    refusals=(409, 507),
    also=(200,),
)
async def upload_picture(
    core: Core, who: Caller, request: web.Request, name: str, query: UploadName
) -> Answer[UploadedPicture]:
    """Send a picture for an input: the part `file` of a multipart body, or a bare body under `?name=`.

    It can be named by the caller alone. The answer's name counts: its ending becomes that of the content.
    """
    core.apps.get(name)
    limit = core.settings.max_upload
    if (request.content_length or 0) > limit + ASIDE:
        raise Refusal(413, "too_large", f"The file is larger than {limit} bytes.")
    if request.content_type == "multipart/form-data":
        part = await file_part(request)
        given, source = query.name or part.filename or "", pieces(part)
    else:
        given, source = query.name, pieces(request.content)
    base = given.replace("\\", "/").rpartition("/")[2]
    if not base:
        raise Refusal(400, "no_name", "The picture has no name.", "Say ?name= or send a file name with the part.")
    stored = await store_upload(source, core=core, kind="input", subfolder=folder_for(who.owner), name=base)
    answer = UploadedPicture(name=stored.name, width=stored.width, height=stored.height)
    return Answer(answer, 201 if stored.is_new else 200)


@routes.get("/v1/webhook-key", scope="run:app")
async def read_webhook_key(core: Core, who: Caller) -> Answer[WebhookKey]:
    """Get the key with which messages to the caller's webhooks are signed, where the request brings no secret."""
    return Answer(WebhookKey(key=await core.webhooks.key(who.owner)), headers={"Cache-Control": "no-store"})


async def _picture(core: Core, who: Caller, run: Run, ranges: list[str], seconds: float) -> web.StreamResponse:
    """The first picture of a run that is over, those of nodes that are wanted first. Raises Refusal: 422 for a run that
    failed, 409 for one that was cancelled, 406 where there is no picture of an accepted type.
    """
    headers = {"Location": _place(core, run), "Preference-Applied": f"wait={seconds:.0f}"}
    full = await core.runs.find(run.id, who)
    if full.state != "done":
        why = full.error.message if full.error is not None else ""
        status = 422 if full.state == "failed" else 409
        hint = full.error.hint if full.error is not None else ""
        message = f"The run {UNFINISHED.get(full.state, full.state)}. {why}".strip()
        raise Refusal(status, f"run_{full.state}", message, hint, headers=headers)
    order = {node: place for place, node in enumerate(full.wanted)}
    for _, file in sorted(full.files, key=lambda item: order.get(item[0], len(order))):
        kind = format_by_name(file["name"])
        if kind is not None and any(_fits(kind.media_type, wanted) for wanted in ranges):
            path = await asyncio.to_thread(located, core.places, file["kind"], file["name"])
            answer = delivery(path, file["name"])
            answer.headers.update(headers)
            return answer
    raise Refusal(
        406,
        "not_acceptable",
        f"The run wrote no picture of the type {', '.join(ranges)[:200]}.",
        "Accept application/json to see what it wrote.",
        headers=headers,
    )


def _pictures_wanted(accept: str) -> list[str]:
    """The types of pictures that an Accept header asks for; none where it would rather have JSON (RFC 9110, 12.5.1)."""
    found: list[tuple[str, float]] = []
    for part in accept.split(","):
        media, *parameters = (text.strip().lower() for text in part.split(";"))
        weights = [text[2:] for text in parameters if text.startswith("q=")]
        try:
            weight = float(weights[0]) if weights else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            found.append((media, weight))
    pictures = [(media, weight) for media, weight in found if media.startswith("image/")]
    json = max((weight for media, weight in found if media in ("application/json", "application/*")), default=0.0)
    best = max((weight for _, weight in pictures), default=0.0)
    return [media for media, _ in sorted(pictures, key=lambda item: -item[1])] if best > json else []


def _fits(media: str, wanted: str) -> bool:
    return wanted in ("image/*", media)


def _place(core: Core, run: Run) -> str:
    return f"{core.settings.base_path}/v1/apps/{run.app}/runs/{run.id}"
