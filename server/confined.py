"""File names that come with requests: they never lead out of their folder.

One function stands between every such name and the file system. What it refuses on one system it refuses on all, so
that a folder can move from Linux to Windows and no name changes its meaning there.
"""

import os
import re
import stat
import unicodedata
from pathlib import Path
from typing import BinaryIO

from server.api import Refusal

PART = 255
"""Bytes of UTF-8 that a name between two slashes may have: what common file systems take."""

WHOLE = 1024
"""Bytes that a whole name may have."""

DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
"""Names that Windows gives to devices, with any ending, in any folder ("Naming Files, Paths, and Namespaces")."""

_ENCODED = re.compile(r"%(2e|2f|5c|00|25)", re.IGNORECASE)
_INVISIBLE = re.compile("[\u202a-\u202e\u2066-\u2069]")
_REPLACED = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]')
_ROOM = 200
"""Bytes of a new name: leaves room for a number and for what is put before and behind while it is written."""


def confined(root: Path, name: str, *, links: bool = False) -> Path:
    """The path of the file or folder `name` in the folder `root`; it need not exist.

    name: parts with `/` or `\\` between them, decoded once. links: whether links may lead out of the folder, as those
    in folders of models do. Raises Refusal 400 for whatever is no plain relative name on every system: empty, absolute,
    with a drive, a share, a stream (`a.png:x`), `.` or `..`, control characters, what is still percent-encoded, names
    of devices, dots or spaces at an end, too long; and for what lies outside because of a link.
    """
    parts = plain_parts(name)
    path = root.joinpath(*parts)
    if not links and not Path(_real(path, name)).is_relative_to(_real(root, name)):
        raise _refusal(name, "leads out of its folder by a link")
    return path


def plain_parts(name: str) -> list[str]:
    """The parts of a name, where it is one that `confined` takes wherever there are no links; else Refusal 400."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise _refusal(name, "is not Unicode text") from None
    if not name:
        raise _refusal(name, "is empty")
    if size > WHOLE:
        raise _refusal(name, f"is longer than {WHOLE} bytes")
    parts = name.replace("\\", "/").split("/")
    if parts[0] == "":
        raise _refusal(name, "is absolute")
    for part in parts:
        if fault := _fault(part):
            raise _refusal(name, fault)
    return parts


def opened(root: Path, name: str, *, links: bool = False) -> BinaryIO:
    """A confined file, opened to be read, and looked at again once it is open: it is a plain file, and still the one
    that the name led to.

    Raises Refusal: 400 as `confined`, 404 where there is none.
    """
    path = confined(root, name, links=links)
    real = _real(path, name)
    if not links and not Path(real).is_relative_to(_real(root, name)):  # it became a link meanwhile
        raise _refusal(name, "leads out of its folder by a link")
    flags = os.O_RDONLY
    for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):  # a pipe would wait for its other end
        flags |= getattr(os, flag, 0)
    try:
        number = os.open(real, flags)
    except OSError as error:
        raise missing(name) from error
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise missing(name)
        if not links and (_real(path, name) != real or not os.path.samestat(status, os.lstat(real))):
            raise _refusal(name, "was exchanged while it was opened")
        return os.fdopen(number, "rb")
    except OSError as error:
        os.close(number)
        raise missing(name) from error
    except Refusal:
        os.close(number)
        raise


def missing(name: str) -> Refusal:
    """The refusal for a file that is not there."""
    return Refusal(404, "no_file", f"There is no file '{_printable(name)}'.")


def safe_name(text: str, otherwise: str = "file") -> str:
    """A name for a new file, as near to `text` as all systems allow: one part, at most 200 bytes, its ending kept.

    otherwise: the name where nothing of the text can stay. `confined` takes every name this gives.
    """
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", _REPLACED.sub("_", text)))
    text = _ENCODED.sub(r"_\1", text).strip(" .")
    stem, dot, ending = text.rpartition(".")
    if not dot or len(ending.encode()) > 20:
        stem, dot, ending = text, "", ""
    while len(stem.encode()) + len(dot) + len(ending.encode()) > _ROOM:
        stem = stem[:-1]
    stem = stem.rstrip(" .") or otherwise
    if stem.split(".")[0].rstrip(" ").casefold() in DEVICES:
        stem = f"_{stem}"
    return f"{stem}{dot}{ending}"


def _real(path: Path, name: str) -> str:
    """Where a path leads, all links followed. Raises Refusal 404 where a link is exchanged while it is followed."""
    try:
        return os.path.realpath(path)
    except OSError as error:
        raise missing(name) from error


def _fault(part: str) -> str:
    """What is wrong with one part of a name; "" if nothing is."""
    if part in ("", ".", ".."):
        return f"has the part '{part}'"
    if any(unicodedata.category(letter) == "Cc" for letter in part):
        return "has a control character"
    if ":" in part:
        return "has a colon"
    if _ENCODED.search(part):
        return "is encoded twice"
    if part[-1] in ". ":
        return "has a part that ends with a dot or a space"
    if part.split(".")[0].rstrip(" ").casefold() in DEVICES:
        return "has a part that Windows takes for a device"
    if len(part.encode()) > PART:
        return f"has a part longer than {PART} bytes"
    return ""


def _refusal(name: str, fault: str) -> Refusal:
    return Refusal(
        400, "bad_name", f"The name '{_printable(name)}' {fault}.", "Use a path inside the folder, as 'a/b.png'."
    )


def _printable(name: str) -> str:
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)
    return text if len(text) <= 100 else f"{text[:99]}…"
