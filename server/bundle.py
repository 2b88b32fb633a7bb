"""The support bundle: what helps to find a fault, without what is nobody's business.

What people wrote (prompts, titles, file names, messages of errors) is left out rather than searched for: settings show
only numbers, choices and whether the rest is set; log lines show the message as it stands in the program with numbers
alone; failed runs show codes and node types. What is left then loses its paths, secrets and names.
"""

import asyncio
import io
import json
import re
import sqlite3
import sys
import time
import zipfile
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from graph.catalogue import Catalogue
from server import schema
from server.catalogue import packs_of
from server.redaction import Redaction
from server.run import Run
from server.settings import described

if TYPE_CHECKING:
    from server.core import Core
    from server.records import Records

LIBRARIES = (
    "torch", "diffusers", "transformers", "accelerate", "safetensors", "numpy", "scipy", "pillow", "pydantic",
    "aiohttp", "psutil", "prometheus-client", "comfyui-frontend-package",
)  # fmt: skip

FAILURES = 50
"""How many failed runs are told of."""

README = """\
Support bundle of Noisewright

versions.json    the program, Python, libraries
system.json      the machine, the workers with their devices, how many runs wait
settings.json    how the server is set; texts, paths and tokens only as "set" or "not set"
catalogue.json   ids of node types, packs, why something could not be loaded
failures.json    the last failed runs: codes of errors and types of nodes
database.json    version and size of the database
logs.json        the last lines of the log as they stand in the program: no text that was put into them

It holds no prompts, no workflows, no pictures, no tokens. Absolute paths, the name of the user and the name of the
machine are taken out. Look through it before you send it: it is text.
"""


async def bundle(core: "Core") -> bytes:
    """The archive, a ZIP file."""
    system = await core.facts.system(core)
    failures = await failed_runs(core.records)
    database = await core.database.read(database_facts)
    catalogue = core.catalogue.current
    logs = [
        {"time": entry.time, "level": entry.level, "logger": entry.logger, "text": entry.outline}
        for entry in core.facts.logs.entries()
        if entry.outline
    ]
    parts = {
        "system": system.model_dump(mode="json", exclude={"workers": {"__all__": {"run", "held"}}}),
        "settings": settings_facts(core),
        "database": database,
        "logs": logs,
    }

    def packed() -> bytes:
        parts["versions"] = {"noisewright": core.version, "python": sys.version, **library_versions()}
        parts["catalogue"] = catalogue_facts(catalogue) if catalogue else None
        parts["failures"] = [failure_facts(run, catalogue) for run in failures]
        return zipped(parts, redaction_of(core))

    return await asyncio.to_thread(packed)


def redaction_of(core: "Core") -> Redaction:
    """What takes out this server's secrets and places."""
    places = core.places
    named = {"data": places.data, "output": places.output, "input": places.input, "temp": places.temp}
    named |= {"cache": places.cache, "logs": places.logs, "templates": places.templates}
    named |= {f"models {number}": path for number, path in enumerate(places.models, 1)}
    named |= {f"packs {number}": path for number, path in enumerate(places.packs, 1)}
    token = core.settings.token
    return Redaction([token.get_secret_value()] if token else [], named)


def zipped(parts: dict[str, Any], redaction: Redaction) -> bytes:
    """Each part as a JSON file, redacted; and what to know about them."""
    file = io.BytesIO()
    moment = time.localtime()[:6]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        texts = {f"{name}.json": json.dumps(redaction.value(parts[name]), indent=1) for name in sorted(parts)}
        for name, text in {"README.txt": README, **texts}.items():
            archive.writestr(zipfile.ZipInfo(name, moment), text, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def settings_facts(core: "Core") -> dict[str, Any]:
    """Settings by name: numbers and choices as they are, of everything else only whether it is set."""
    facts: dict[str, Any] = {}
    for item in described(core.settings):
        plain = isinstance(item.value, bool | int | float) or item.name in ("precision", "metadata", "frontend")
        facts[item.name] = item.value if plain else ("not set" if item.value == item.default else "set")
    facts["host"] = "loopback" if core.settings.is_loopback else "another address"
    return facts


def catalogue_facts(catalogue: Catalogue) -> dict[str, Any]:
    """Ids of the node types, and what is wrong with them and with packs."""
    packs = packs_of(catalogue, everything=True)
    return {
        "types": list(catalogue.types()),
        "errors": dict(catalogue.errors),
        "packs": [pack.model_dump(mode="json", exclude={"path", "nodes"}) for pack in packs],
    }


async def failed_runs(records: "Records") -> list[Run]:
    """The last runs that failed, with their workflows; none that are private."""
    page = await records.page(states=("failed",), limit=FAILURES)
    found = [await records.full(run.id) for run in page.runs if not run.private]
    return [run for run in found if run is not None]


def failure_facts(run: Run, catalogue: Catalogue | None) -> dict[str, Any]:
    """A failed run: the code, the type of the node, and the types the workflow is made of; only types that are known,
    since what is not could be any text.
    """
    types = _types(run.workflow)
    known = frozenset(catalogue.types()) if catalogue else frozenset()

    def type_at(path: str) -> str:
        found = types.get(path.partition("/")[0], "")
        return found if found in known else ""

    code = run.error.code if run.error else ""
    return {
        "code": code if re.fullmatch(r"[a-z0-9_]{0,60}", code) else "other",
        "type": type_at(run.error.node) if run.error else "",
        "seconds": run.seconds,
        "starts": run.starts,
        "deaths": [{"type": type_at(death.node), "step": death.step} for death in run.deaths],
        "types": dict(Counter(type_id if type_id in known else "(unknown)" for type_id in types.values())),
    }


def database_facts(rows: sqlite3.Connection) -> dict[str, Any]:
    """Version and size of the database, and how many runs of each state it holds."""
    pragmas = ("page_count", "page_size", "freelist_count", "journal_mode")
    return {
        "schema": schema.version_of(rows),
        "schema_of_this_program": schema.VERSION,
        "sqlite": sqlite3.sqlite_version,
        **{name: rows.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas},
        "runs": dict(rows.execute("SELECT state, count(*) FROM runs GROUP BY state").fetchall()),
    }


def library_versions() -> dict[str, str]:
    """Versions of what is installed, read without importing it."""
    found: dict[str, str] = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _types(workflow: str) -> dict[str, str]:
    """Node id → type, of the text of a document that may be anything."""
    try:
        nodes = json.loads(workflow or "{}")["nodes"]
        return {name: str(node.get("type", "")) for name, node in nodes.items()}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return {}
