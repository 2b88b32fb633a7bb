"""Published workflows: documents that others may run, with nothing to change but the inputs of their interface."""

import asyncio
import hashlib
import json
import re
import sqlite3
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from math import ceil
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.errors import InvalidWorkflow
from graph.problem import Problem, errors
from graph.spec import Frozen
from graph.text import nearest
from graph.workflow import dump, load
from server.api import Caller, Refusal
from server.catalogue import LiveCatalogue
from server.confined import confined, missing
from server.database import Database
from server.disk import disk_errors
from server.extent import extent_of
from server.form import Form, Narrowing, form_of
from server.lasting import model_files
from server.library import Library
from server.openapi import AppPath
from server.pictures import in_turn, metadata
from server.places import Places
from server.records import Records
from server.run import Run, SubmitRun, WebhookRequest
from server.runs import Runs
from server.settings import Settings
from server.submission import read
from server.webhooks import Webhooks

NAME = r"^[a-z0-9-]{1,60}$"
"""What a published workflow may be called."""

UPLOADS = "uploads"
"""The folder in `input` with the pictures that were sent for published workflows, by their sender."""

RECENT = 10
"""Runs from whose time it is guessed how long the next one takes."""

LONGEST_RETRY = 3600
"""Seconds somebody is asked to wait, at most."""

MINUTE = 60.0


class Limits(Frozen):
    """How much a run may ask for (`server.extent`), how many runs may wait, and how many are taken in a minute, of one
    caller. None: as much as the server takes.
    """

    pixels: int | None = Field(None, ge=1)
    steps: int | None = Field(None, ge=1)
    batch: int | None = Field(None, ge=1)
    waiting: int | None = Field(None, ge=1)
    per_minute: int | None = Field(None, ge=1, le=100_000)


class Publication(Frozen):
    """A workflow to be published. Give a document, or the name of a saved workflow: a copy of it is kept.

    fields: by name of the interface, less than its input takes. metadata: what pictures tell of how they were made;
    "full" tells the whole workflow. revision: the one that is replaced; none: whichever there is.
    """

    workflow: dict[str, Any] | None = None
    name: str = ""
    title: str = Field("", max_length=200)
    limits: Limits = Field(default_factory=lambda: Limits.model_validate({}))
    fields: dict[str, Narrowing] = Field(default_factory=dict)
    metadata: Literal["full", "minimal", "none"] = "minimal"
    revision: str | None = None


class RunApp(Frozen):
    """A run of a published workflow. inputs: by name of its interface; what is left out keeps its default."""

    inputs: dict[str, Any] = Field(default_factory=dict)
    private: bool = Field(False, description="nothing of it is kept but the files it writes")
    labels: dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=1000)]] = Field(
        default_factory=dict, max_length=32, description="for the caller's own use"
    )
    webhook: WebhookRequest | None = Field(None, description="who is told when the run is over")


class AppInfo(Frozen):
    """A published workflow. inputs: JSON Schema of what it takes. problem: why it cannot run now."""

    name: str
    title: str
    revision: str
    owner: str
    created: float
    changed: float
    limits: Limits
    inputs: dict[str, Any]
    problem: str
    url: str


@dataclass(frozen=True)
class App:
    """A published workflow, as it is kept. wanted: ids of the nodes whose files are its results; none: all."""

    name: str
    title: str
    text: str
    workflow: Workflow
    wanted: tuple[str, ...]
    limits: Limits
    fields: Mapping[str, Narrowing]
    metadata: Literal["full", "minimal", "none"]
    revision: str
    owner: str
    created: float
    changed: float

    @property
    def settings(self) -> str:
        """What is kept besides the document, as JSON."""
        fields = {name: item.model_dump(exclude_none=True) for name, item in self.fields.items()}
        kept = {"limits": self.limits.model_dump(), "fields": fields, "metadata": self.metadata, "wanted": self.wanted}
        return json.dumps(kept)


class Apps:
    """The published workflows of one server. clock: seconds that only rise, for how many runs a minute are taken."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        database: Database,
        records: Records,
        catalogue: LiveCatalogue,
        library: Library,
        runs: Runs,
        webhooks: Webhooks,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self._settings = settings
        self._places = places
        self._database = database
        self._records = records
        self._catalogue = catalogue
        self._library = library
        self._runs = runs
        self._webhooks = webhooks
        self._apps: dict[str, App] = {}
        self._forms: dict[str, tuple[str, str, Form, list[Problem]]] = {}
        self._coming: Counter[str] = Counter()
        self._taken: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._keys: dict[tuple[str, str, str], tuple[asyncio.Lock, int]] = {}
        self._publishing = asyncio.Lock()

    @classmethod
    async def open(cls, *facts: Any) -> Self:
        """The published workflows that are kept."""
        apps = cls(*facts)
        rows = await apps._database.read(
            lambda connection: connection.execute(
                "SELECT name, title, document, settings, revision, owner, created, changed FROM apps ORDER BY name"
            ).fetchall()
        )
        for row in rows:
            apps._apps[row[0]] = _app(*row)
        return apps

    # What there is

    def of(self, who: Caller) -> list[App]:
        """Those the caller may run, by name."""
        return [app for _, app in sorted(self._apps.items()) if who.may(f"run:app:{app.name}")]

    def get(self, name: str) -> App:
        """Raises Refusal 404 for an unknown one."""
        app = self._apps.get(name)
        if app is None:
            close = nearest(name, self._apps)
            raise Refusal(
                404,
                "no_app",
                f"There is no published workflow '{name[:60]}'.",
                f"Did you mean '{close}'?" if close else "",
            )
        return app

    async def info(self, app: App) -> AppInfo:
        """What is told of one."""
        form, problems = await self._form(app)
        return AppInfo(
            name=app.name,
            title=app.title,
            revision=app.revision,
            owner=app.owner,
            created=app.created,
            changed=app.changed,
            limits=app.limits,
            inputs=form.schema(),
            problem=problems[0].message if problems else "",
            url=f"{self._settings.base_path}/v1/apps/{app.name}",
        )

    async def schema(self, app: App) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of the body of a run."""
        form, _ = await self._form(app)
        body = RunApp.model_json_schema()
        definitions = body.pop("$defs", {})
        webhook = definitions["WebhookRequest"]
        properties = body["properties"] | {"inputs": form.schema() | {"default": {}}}
        properties["webhook"] = properties["webhook"] | {"anyOf": [webhook, {"type": "null"}]}
        return body | {"title": app.title or app.name, "properties": properties}

    async def paths(self, who: Caller) -> tuple[AppPath, ...]:
        """For the OpenAPI document: those the caller may run."""
        if self._catalogue.current is None:
            return ()
        return tuple([AppPath(app.name, app.title, _help(app), await self.schema(app)) for app in self.of(who)])

    # Publishing

    async def publish(self, name: str, asked: Publication, who: Caller) -> tuple[App, bool]:
        """Keep a copy of a workflow for others to run. Gives it, and whether there was none of that name.

        Raises Refusal: 409 `changed_meanwhile` for another revision than there is; 422 with all problems for a document
        that cannot run, has no interface, or inputs there that cannot be published; 404 for an unknown saved workflow.
        """
        document = await self._document(asked)
        catalogue = await self._catalogue.get()
        workflow, _ = await asyncio.to_thread(read, document, catalogue)
        wanted = _wanted(workflow, catalogue)
        found = await self._runs.check(workflow, wanted)
        form, faults = form_of(workflow, catalogue, asked.fields, self._places.model_folders)
        if wrong := errors([*found, *faults]) or list(model_files(workflow, catalogue, wanted)):
            raise _invalid(wrong, "cannot be published")
        _check_limits(asked.limits, extent_of(workflow, catalogue).unclear)
        _check_extent(asked.limits, workflow, catalogue, (0, 1))
        async with self._publishing:
            before = self._apps.get(name)
            if asked.revision is not None and asked.revision != (before.revision if before else ""):
                raise Refusal(
                    409,
                    "changed_meanwhile",
                    f"'{name}' is at the revision '{before.revision if before else ''}'.",
                    "Look at what was changed, and send that revision.",
                )
            now = time.time()
            app = App(
                name=name,
                title=asked.title or workflow.title or name,
                text=dump(workflow),
                workflow=workflow,
                wanted=wanted,
                limits=asked.limits,
                fields=asked.fields,
                metadata=asked.metadata,
                revision="",
                owner=before.owner if before else who.owner,
                created=before.created if before else now,
                changed=now,
            )
            app = _revised(app)
            await self._database.write(lambda connection: _keep(connection, app), durable=True)
            self._apps[name] = app
            self._forms[name] = (app.revision, self._catalogue.revision, form, [])
        return app, before is None

    async def unpublish(self, name: str) -> None:
        """Take one back. Runs of it that were accepted go to their end, and their files stay."""
        self.get(name)
        async with self._publishing:
            await self._database.write(
                lambda connection: connection.execute("DELETE FROM apps WHERE name = ?", (name,)).rowcount, durable=True
            )
            self._apps.pop(name, None)
            self._forms.pop(name, None)

    # Running

    async def run(
        self, app: App, asked: RunApp, who: Caller, *, key: str = "", digest: str = "", base: str = ""
    ) -> Run:
        """Accept a run; it is kept before this returns. key, digest: as `Runs.submit`. base: as `Webhooks.follow`.

        Raises Refusal: 422 with all problems for what it does not take, `over_limit`, `key_reused`; 429 `queue_full`,
        `too_often`; 409 `not_runnable` where the server lacks what it needs.
        """
        async with self._alone(who.owner, app.name, key):
            if (before := await self._runs.earlier(who.owner, app.name, key, digest)) is not None:
                return before
            form, problems = await self._form(app)
            if problems:
                raise Refusal(409, "not_runnable", f"'{app.name}' cannot run now: {problems[0].message}")
            catalogue = await self._catalogue.get()
            values = form.read(asked.inputs)
            pictures = {
                field.name: values[field.name]
                for field in form.fields
                if field.kind == "picture" and field.name in values
            }
            values |= {name: f"{folder_for(who.owner)}/{given}" for name, given in pictures.items()}
            size = await self._size(pictures, who)
            workflow = await asyncio.to_thread(form.filled, app.workflow, values, catalogue)
            await asyncio.to_thread(_check_extent, app.limits, workflow, catalogue, size)

            async def submit(run_id: str, hook: dict[str, Any] | None) -> Run:
                submitted = SubmitRun.model_validate(
                    {
                        "outputs": app.wanted,
                        "title": app.title,
                        "private": asked.private,
                        "metadata": app.metadata,
                        "labels": asked.labels,
                    }
                )
                return await self._runs.submit(
                    submitted, who, app=app.name, key=key, digest=digest, hook=hook, workflow=workflow, run_id=run_id
                )

            await self._check_room(app)
            with self._coming_in(app), self._counted(app, who):
                return await self._webhooks.follow(asked.webhook, who.owner, base, submit)

    async def find(self, name: str, run_id: str, who: Caller) -> Run:
        """A run of that published workflow. Raises Refusal 404 for one of another, or of somebody else."""
        run = await self._runs.find(run_id, who)
        if run.app != name:
            raise Refusal(404, "unknown_run", f"There is no run '{run_id[:60]}' of '{name[:60]}'.")
        return run

    # Inside

    async def _document(self, asked: Publication) -> Mapping[str, Any] | bytes:
        if (asked.workflow is None) == (not asked.name):
            raise Refusal(422, "no_workflow", "Give either a `workflow` or the `name` of one.")
        if asked.workflow is not None:
            return asked.workflow
        return (await self._library.load(asked.name)).text.encode()

    async def _form(self, app: App) -> tuple[Form, Sequence[Problem]]:
        """What it takes as the catalogue is now, and why it cannot run with that."""
        catalogue = await self._catalogue.get()
        known = self._forms.get(app.name)
        if known is None or known[:2] != (app.revision, self._catalogue.revision):
            form, problems = form_of(app.workflow, catalogue, app.fields, self._places.model_folders)
            problems += model_files(
                app.workflow, catalogue, app.wanted
            )  # it may have been published before that was asked
            known = self._forms[app.name] = (app.revision, self._catalogue.revision, form, problems)
        return known[2], known[3]

    async def _size(self, pictures: Mapping[str, str], who: Caller) -> tuple[int, int]:
        """The pixels of the largest of these pictures, and the frames of the longest. Raises Refusal 404."""
        pixels, frames = 0, 1
        for name in pictures.values():
            path = confined(self._places.input / folder_for(who.owner), name)
            if not await asyncio.to_thread(path.is_file):
                raise missing(name)
            with disk_errors(name):
                facts = await in_turn(metadata, path)
            pixels, frames = max(pixels, facts["width"] * facts["height"]), max(frames, facts["frames"])
        return pixels, frames

    async def _check_room(self, app: App) -> None:
        """Raise Refusal 429 where as many runs wait as may."""
        most = app.limits.waiting
        if most is None or self._waiting(app) < most:
            return
        seconds = await self._retry_seconds(app)
        if (waiting := self._waiting(app)) >= most:
            raise Refusal(
                429,
                "queue_full",
                f"{waiting} runs of '{app.name}' wait already, which is as many as may.",
                f"Send it again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )

    def _waiting(self, app: App) -> int:
        held = ("waiting", "paused")
        known = sum(run.app == app.name and run.state in held for run in self._runs.active.values())
        return known + self._coming[app.name]

    async def _retry_seconds(self, app: App) -> int:
        """When there should be room again: a line as long as this one takes as long as recent runs took."""
        page = await self._records.page(app=app.name, states=("done",), limit=RECENT)
        mean = sum(run.seconds for run in page.runs) / len(page.runs) if page.runs else 0.0
        return min(max(1, ceil(mean * self._waiting(app))), LONGEST_RETRY)

    @contextmanager
    def _coming_in(self, app: App) -> Iterator[None]:
        """Count a run that is being accepted."""
        self._coming[app.name] += 1
        try:
            yield
        finally:
            self._coming[app.name] -= 1

    @contextmanager
    def _counted(self, app: App, who: Caller) -> Iterator[None]:
        """Count a run of the last minute, unless it is refused. Raises Refusal 429 where there were too many."""
        most, now = app.limits.per_minute, self.clock()
        if most is None:
            yield
            return
        taken = self._taken[app.name, who.owner]
        while taken and now - taken[0] >= MINUTE:
            taken.popleft()
        if len(taken) >= most:
            seconds = max(1, ceil(MINUTE - (now - taken[0])))
            raise Refusal(
                429,
                "too_often",
                f"'{app.name}' takes {most} runs a minute.",
                f"Send it again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
        taken.append(now)
        try:
            yield
        except BaseException:
            taken.remove(now)
            raise

    @asynccontextmanager
    async def _alone(self, owner: str, name: str, key: str) -> AsyncIterator[None]:
        """One request of a key at a time: a second one finds the run of the first."""
        if not key:
            yield
            return
        place = (owner, name, key)
        lock, users = self._keys.get(place, (asyncio.Lock(), 0))
        self._keys[place] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._keys.pop(place)
            if users > 1:
                self._keys[place] = (lock, users - 1)


def folder_for(owner: str) -> str:
    """The folder in `input` for what an owner sends."""
    plain = re.fullmatch(r"[a-z0-9-]{1,60}", owner)
    return f"{UPLOADS}/{owner if plain else hashlib.sha256(owner.encode('utf-8', 'replace')).hexdigest()[:32]}"


def _wanted(workflow: Workflow, catalogue: Catalogue) -> tuple[str, ...]:
    """The output nodes among those the interface names; none: all there are."""
    found = []
    for item in workflow.interface.outputs:
        node = workflow.nodes.get(item.node)
        spec = catalogue.spec(node.type) if node is not None else None
        if spec is not None and spec.output and not item.output:
            found.append(item.node)
    return tuple(dict.fromkeys(found))


def _check_limits(limits: Limits, unclear: Mapping[str, str]) -> None:
    """Raise Refusal 422 for limits of what nobody can tell before the run."""
    for place, what in unclear.items():
        counted = (what,) if what != "batch" else ("batch", "pixels")
        for name in counted:
            if getattr(limits, name) is not None:
                raise Refusal(
                    422,
                    "unclear_limit",
                    f"'{name}' cannot be limited: '{place}' is computed while the workflow runs.",
                    "Set a number there, or link it to a node that only holds one.",
                )


def _check_extent(limits: Limits, workflow: Workflow, catalogue: Catalogue, picture: tuple[int, int]) -> None:
    """Raise Refusal 422 for a run that asks for more than it may. picture: pixels and frames of what it loads."""
    try:
        extent = extent_of(workflow, catalogue).with_pictures(*picture)
    except InvalidWorkflow as error:
        raise Refusal(422, "invalid_workflow", str(error)) from error
    for name in ("pixels", "steps", "batch"):
        asked, most = getattr(extent, name), getattr(limits, name)
        if most is not None and asked > most:
            raise Refusal(
                422, "over_limit", f"This asks for {asked} ({name}), but {most} is the limit.", "Ask for less."
            )


def _invalid(problems: list[Problem], what: str) -> Refusal:
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    return Refusal(
        422,
        "invalid_workflow",
        f"The workflow {what}: {problems[0].sentence()}{more}",
        problems=[problem.model_dump(mode="json") for problem in problems],
    )


def _help(app: App) -> str:
    """What is said of it in the description of the interface."""
    limits = [f"{name} {value}" for name, value in app.limits.model_dump(exclude_none=True).items()]
    return f"Run the published workflow '{app.name}'." + (f" Limits: {', '.join(limits)}." if limits else "")


def _revised(app: App) -> App:
    """With the revision of its content."""
    parts = json.dumps([app.title, app.text, app.settings])
    revision = hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:16]
    return replace(app, revision=revision)


def _keep(connection: sqlite3.Connection, app: App) -> None:
    row = (app.name, app.title, app.text, app.settings, app.revision, app.owner, app.created, app.changed)
    connection.execute(
        "INSERT INTO apps (name, title, document, settings, revision, owner, created, changed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET title = excluded.title,"
        " document = excluded.document, settings = excluded.settings, revision = excluded.revision,"
        " changed = excluded.changed",
        row,
    )


def _app(
    name: str, title: str, text: str, settings: str, revision: str, owner: str, created: float, changed: float
) -> App:
    """A row of the table."""
    kept = json.loads(settings)
    return App(
        name=name,
        title=title,
        text=text,
        workflow=load(text),
        wanted=tuple(kept["wanted"]),
        limits=Limits.model_validate(kept["limits"]),
        fields={field: Narrowing.model_validate(item) for field, item in kept["fields"].items()},
        metadata=kept["metadata"],
        revision=revision,
        owner=owner,
        created=created,
        changed=changed,
    )
