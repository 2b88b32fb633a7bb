"""Which hosts a person has allowed to be asked. Nothing goes online before."""

import json
from datetime import UTC, datetime
from pathlib import Path

from graph.atomic import atomic_write
from server.models.error import ModelError
from server.models.source import Source


class Consents:
    """Yeses, kept in a small file, host by host. offline: none counts."""

    def __init__(self, path: Path, *, offline: bool = False) -> None:
        self._path = path
        self._offline = offline

    def covers(self, source: Source) -> bool:
        """Whether a source may be asked. Raises ModelError where nothing may."""
        if self._offline:
            raise ModelError(
                "offline",
                f"'{source.text}' is not fetched: this program is set to stay offline.",
                "Leave out --offline, NOISEWRIGHT_OFFLINE and `offline` in settings.toml.",
                status=409,
            )
        return source.host in self._hosts()

    def give(self, source: Source) -> None:
        """Keep a yes to the host of a source. Where it cannot be written it counts this once."""
        hosts = self._hosts() | {source.host: datetime.now(UTC).isoformat(timespec="seconds")}
        try:
            atomic_write(self._path, json.dumps({"hosts": hosts}, indent=2).encode() + b"\n")
        except OSError:
            return

    def _hosts(self) -> dict[str, str]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))["hosts"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}
        return {host: str(when) for host, when in kept.items()} if isinstance(kept, dict) else {}
