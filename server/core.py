"""What the routes work with: everything is built once, by `server.serving`, and handed to them as `core`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.places import Places
from server.settings import Settings

if TYPE_CHECKING:
    from server.access import Access
    from server.apps import Apps
    from server.catalogue import LiveCatalogue
    from server.crew import Crew
    from server.database import Database
    from server.drafts import Drafts
    from server.facts import Facts
    from server.hub import Hub
    from server.library import Library
    from server.models.shelf import Shelf
    from server.prompt import Measure
    from server.records import Records
    from server.runs import Runs
    from server.webhooks import Webhooks


@dataclass(eq=False)
class Core:
    """The server without its faces. access: tokens and who has them. library: saved workflows. drafts: unsaved ones.
    shelf: model files. facts: what is measured and logged. apps: published workflows. webhooks: messages about runs
    that are over. measure: counts a prompt.
    """

    settings: Settings
    places: Places
    database: "Database"
    records: "Records"
    hub: "Hub"
    catalogue: "LiveCatalogue"
    crew: "Crew"
    runs: "Runs"
    access: "Access"
    library: "Library"
    drafts: "Drafts"
    shelf: "Shelf"
    facts: "Facts"
    apps: "Apps"
    webhooks: "Webhooks"
    measure: "Measure"
    version: str
