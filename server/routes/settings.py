"""How the server is set, to be read; and what clients want to remember for a person."""

import json
import sqlite3
from typing import Annotated, Any

from aiohttp import web
from pydantic import RootModel

from server.api import Caller, Refusal, Routes
from server.core import Core
from server.settings import SettingInfo, described

routes = Routes("settings")

LARGEST = 256 * 2**10
"""Bytes that the preferences of one person may have, as JSON in ASCII."""


class Preferences(RootModel[dict[str, Any]]):
    """Whatever a client wants to find again: an object, kept for the person and given back as it was."""


@routes.get("/v1/settings", scope="admin")
async def read_settings(core: Core) -> list[SettingInfo]:
    """How the server was started, and where each setting comes from. They change by starting it again."""
    return described(core.settings)


@routes.get("/v1/preferences")
async def read_preferences(core: Core, who: Caller) -> Annotated[web.Response, Preferences]:
    """What a client keeps for the person who asks; `{}` at first."""
    key = _key(who)
    row = await core.database.read(
        lambda rows: rows.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
    )
    return web.Response(text=row[0] if row else "{}", content_type="application/json")


@routes.put("/v1/preferences", scope="run", status=204, refusals=(413,))
async def write_preferences(core: Core, who: Caller, body: Preferences) -> None:
    """Put other preferences in the place of all there were."""
    text, key = json.dumps(body.root, separators=(",", ":")), _key(who)
    if len(text) > LARGEST:
        message = f"The preferences have {len(text)} bytes; at most {LARGEST} are kept."
        raise Refusal(413, "too_large", message, "Keep files with /v1/files instead.")

    def put(rows: sqlite3.Connection) -> None:
        rows.execute("INSERT OR REPLACE INTO settings (key, value) VALUES (?, ?)", (key, text))

    await core.database.write(put)


def _key(who: Caller) -> str:
    return f"preferences:{who.owner}"
