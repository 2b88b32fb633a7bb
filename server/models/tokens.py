"""Secrets that prove who asks at the hub and at Civitai. They are read when needed, sent to their own host, and told
to nobody.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.models.error import ModelError
from server.models.source import Source


@dataclass(frozen=True)
class Tokens:
    """Where tokens are looked for. environment: HF_TOKEN, HUGGING_FACE_HUB_TOKEN, CIVITAI_TOKEN, and what names the
    file the hub's own tools keep theirs in.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def token_for(self, source: Source) -> str:
        """The token for the host of a source, or "". Raises ModelError for one that cannot stand in a header."""
        match source.kind:
            case "hub":
                token = self._first("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN") or self._of_file()
            case "civitai":
                token = self._first("CIVITAI_TOKEN")
            case _:
                token = ""
        if token and not re.fullmatch(r"[\x21-\x7e]{1,4096}", token):
            raise ModelError("bad_token", f"The token for {source.host} has signs that no token has.", "Set it anew.")
        return token

    def _first(self, *names: str) -> str:
        return next((found for name in names if (found := self.environment.get(name, "").strip())), "")

    def _of_file(self) -> str:
        home = self.environment.get("HF_HOME") or "~/.cache/huggingface"
        path = Path(self.environment.get("HF_TOKEN_PATH") or f"{home}/token").expanduser()
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""
