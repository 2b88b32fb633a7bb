"""What does not leave the machine: secrets, paths and names of persons, taken out of text."""

import getpass
import os
import re
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

HIDDEN = "***"

SECRETS = (
    # …?token=abc, password: abc, "api_key": "abc"
    re.compile(
        r"""(?P<before>(?:token|password|passwd|secret|api[_-]?key)["']?\s*[=:]\s*["']?)"""
        r"""(?!\*\*\*)(?P<secret>[^\s"'&,;<>)\]}]+)""",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<before>\b(?:authorization|cookie|set-cookie)['\"]?\s*[=:]\s*['\"]?)(?P<secret>[^\r\n'\"]+)", re.I),
    re.compile(r"(?P<before>\bbearer\s+)(?P<secret>[A-Za-z0-9+/=._~-]{6,})", re.IGNORECASE),
    re.compile(r"(?P<before>://[^/\s:@]*:)(?P<secret>[^/\s@]+)(?=@)"),
    re.compile(r"(?P<before>\b(?:hf|ghp|github_pat|sk|nw)_)(?P<secret>[A-Za-z0-9_-]{16,})"),
)
"""What looks like a secret, whoever wrote the line: what stands `before` it stays."""


def without_secrets(text: str, known: Iterable[str] = ()) -> str:
    """The text without what looks like a token, password or cookie, and without the secrets that are known."""
    for secret in known:
        if secret:
            text = text.replace(secret, HIDDEN)
    for pattern in SECRETS:
        text = pattern.sub(rf"\g<before>{HIDDEN}", text)
    return text


def without_paths(text: str, places: Mapping[str, Path] | None = None) -> str:
    """The text without absolute paths: `<data>/x.png` for what lies in a place that has a name, `~/x` for what lies in
    the person's home folder, and of any other only the last part: `…/x.png`.
    """
    named = {str(path): f"<{name}>" for name, path in (places or {}).items()}
    with suppress(RuntimeError):
        named.setdefault(str(Path.home()), "~")
    # The longest first: <output> lies in <data>.
    for path in sorted(named, key=len, reverse=True):
        if len(path) > 1:
            text = re.sub(rf"{re.escape(path)}(?![\w-]|\.\w)", named[path].replace("\\", "/"), text)
    return _absolute().sub(_last_part, text)


class Redaction:
    """Takes out of text what a stranger must not read: secrets, paths, the names of the user and of the host.

    secrets: those that are known. places: folders by the name that stands for them ("data").
    """

    def __init__(self, secrets: Iterable[str] = (), places: Mapping[str, Path] | None = None) -> None:
        self._secrets = tuple(secrets)
        self._places = dict(places or {})
        names = {name: mark for mark, name in (("<user>", _user()), ("<host>", socket.gethostname())) if len(name) > 2}
        self._names = {name.lower(): mark for name, mark in names.items()}
        alternatives = "|".join(re.escape(name) for name in sorted(self._names, key=len, reverse=True))
        self._named = re.compile(rf"(?<![A-Za-z0-9])(?:{alternatives})(?![A-Za-z0-9])", re.IGNORECASE)

    def text(self, text: str) -> str:
        """One text."""
        text = without_paths(without_secrets(text, self._secrets), self._places)
        return self._named.sub(lambda found: self._names[found[0].lower()], text) if self._names else text

    def value(self, value: Any) -> Any:
        """A JSON value with every text in it, keys too."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(key)): self.value(item) for key, item in value.items()}
            case list() | tuple():
                return [self.value(item) for item in value]
            case _:
                return value


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # nobody has this number
        return ""


@cache
def _absolute() -> re.Pattern[str]:
    """What looks like an absolute path here: below a folder that is at the top of this machine (`/v1/runs` is none),
    on a drive, or on a share. Quoted, it may hold spaces.
    """
    tops = {"home", "Users", "root", "tmp", "var", "opt", "mnt", "media", "srv", "usr", "etc", "private", "Volumes"}
    with suppress(OSError):
        tops |= {entry.name for entry in os.scandir("/") if entry.is_dir()}
    top = "|".join(re.escape(name) for name in sorted(tops, key=len, reverse=True))
    start = rf"(?:/(?:{top})[/\\]|[A-Za-z]:[\\/]|\\\\[^\s\\/]+[\\/])"
    quoted = rf"""(?P<quote>["'`])(?P<quoted>{start}[^"'`\r\n]*)(?P=quote)"""
    return re.compile(rf"""{quoted}|(?<![\w.~>])(?P<bare>{start}[^\s'"`|<>;,)\]}}]*)""")


def _last_part(found: re.Match[str]) -> str:
    quote = found["quote"] or ""
    last = re.split(r"[/\\]", (found["quoted"] or found["bare"]).rstrip("/\\"))[-1]
    return f"{quote}…/{last}{quote}"
