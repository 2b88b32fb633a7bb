"""The server without its socket: everything built once, in order, and taken down in the other."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from graph.errors import GraphError
from server.access import Access
from server.apps import Apps
from server.catalogue import LiveCatalogue
from server.core import Core
from server.crew import Crew, devices_of
from server.database import Database
from server.disk import sweep
from server.drafts import Drafts
from server.facts import Facts
from server.foreman import Foreman
from server.hub import Hub
from server.library import Library
from server.models.shelf import Shelf
from server.places import Places
from server.prompt import Measure
from server.records import Records
from server.runs import Runs
from server.settings import Settings
from server.webhooks import Webhooks
from server.worker import Worker

log = logging.getLogger(__name__)

PARKING_SECONDS = 4.2
"""How long runs may take to come to the end of their step when the server ends."""

PRUNE_SECONDS = 3600.0
"""How often the history is cut to what is kept."""


@asynccontextmanager
async def opened(
    settings: Settings,
    places: Places,
    version: str,
    hire: Callable[[str, str], Worker],
    measure: Measure,
    told: Callable[..., Webhooks] = Webhooks,
) -> AsyncIterator[Core]:
    """The server without its socket. hire: makes a worker for a name and a device. measure: counts a prompt. told:
    makes what sends webhooks. Nothing has begun yet.
    """
    async with AsyncExitStack() as stack:
        database = await Database.open(places.database)
        stack.push_async_callback(database.close)
        secrets = [settings.token.get_secret_value()] if settings.token is not None else []
        facts = Facts(version, secrets)
        stack.enter_context(facts.logs.attached())
        records = Records(database)
        hub = Hub(records, facts.preview_dropped)
        await hub.start()
        stack.push_async_callback(hub.close)
        access = await Access.open(database, settings)
        if access.shown:
            facts.logs.hide(access.shown)
        catalogue = LiveCatalogue(places.catalogue)
        catalogue.load()
        library = Library(places, settings.base_path)
        shelf = Shelf(
            places, hub=hub, offline=settings.offline, private=settings.private_addresses, counted=facts.downloaded
        )
        stack.push_async_callback(shelf.close)
        crew = Crew(hire, devices_of(settings.devices, settings.workers))
        foreman = Foreman(crew, records, hub, catalogue, places, facts, previews=settings.previews)
        runs = Runs(settings, places, records, hub, catalogue, crew, library, foreman)
        webhooks = told(database, records, settings, runs.info)
        foreman.ended = webhooks.ended
        stack.push_async_callback(webhooks.close)
        apps = await Apps.open(settings, places, database, records, catalogue, library, runs, webhooks)
        core = Core(
            settings,
            places,
            database,
            records,
            hub,
            catalogue,
            crew,
            runs,
            access,
            library,
            Drafts(places),
            shelf,
            facts,
            apps,
            webhooks,
            measure,
            version,
        )
        stack.push_async_callback(_wound_up, core, foreman)
        swept = [places.input, places.output, places.temp, places.workflows, places.drafts]
        sweeping = asyncio.create_task(asyncio.to_thread(sweep, swept), name="sweeping")
        stack.push_async_callback(_over, sweeping)
        await webhooks.start()
        await runs.start()
        crew.begin(foreman)
        pruning = asyncio.create_task(_prune(core), name="pruning")
        stack.callback(pruning.cancel)
        yield core


async def _over(task: "asyncio.Task[int]") -> None:
    """Wait for what was begun beside."""
    await asyncio.gather(task, return_exceptions=True)


async def _wound_up(core: Core, foreman: Foreman) -> None:
    foreman.end()
    await core.crew.end(PARKING_SECONDS)
    await foreman.settled()


async def _prune(core: Core) -> None:
    """Cut the history to what is kept, now and then."""
    while True:
        try:
            removed = await core.records.prune(time.time() - core.settings.keep_days * 86400, core.settings.keep_runs)
            if removed:
                log.info("%d runs were removed from the history", removed)
        except GraphError as error:
            log.warning("The history could not be cut: %s", error)
        await asyncio.sleep(PRUNE_SECONDS)
