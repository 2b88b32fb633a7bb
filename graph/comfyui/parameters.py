"""A1111's infotext ("parameters"), read: a prompt, a negative prompt, and a line of `Key: value` pairs.

Forge, reForge, SD.Next and many savers for other programs write the same form. Values that hold a comma, a colon or a
line break are quoted as JSON text.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

NEGATIVE = "Negative prompt:"
_STEPS = re.compile(r"\s*Steps:\s*\d+")
_KEY = re.compile(r"\s*[A-Z][\w ]{0,40}: ")
_PATIENCE = 8
"""How many values that begin as JSON lists and are none are tried before all are taken as plain text."""


@dataclass(frozen=True)
class Infotext:
    """What an infotext says. settings: the pairs as they stand, quotes undone, in order. text: all of it."""

    prompt: str
    negative: str
    settings: Mapping[str, str]
    text: str = ""


def is_infotext(text: str) -> bool:
    """Whether a text looks like an infotext: it has a line of settings."""
    return _settings_line(_lines(text)) is not None


def parse(text: str) -> Infotext:
    """Read an infotext. Every text is one: without a line of settings all of it is the prompt. Takes linear time."""
    lines = _lines(text)
    place = _settings_line(lines)
    before = lines[:place]
    split = next((index for index, line in enumerate(before) if line.strip().startswith(NEGATIVE)), len(before))
    negative = "\n".join(before[split:]).strip().removeprefix(NEGATIVE).strip()
    settings = {} if place is None else dict(_pairs(lines[place])) | _blocks(lines[place + 1 :])
    return Infotext("\n".join(before[:split]).strip(), negative, settings, text)


def _lines(text: str) -> list[str]:
    return text.removeprefix("\ufeff").strip().replace("\r\n", "\n").split("\n")


def _settings_line(lines: list[str]) -> int | None:
    """Where the settings are: the last line that begins with the number of steps, else the last of 3 or more pairs."""
    for index in range(len(lines) - 1, -1, -1):
        if _STEPS.match(lines[index]):
            return index
    return next((index for index in range(len(lines) - 1, -1, -1) if _is_settings(lines[index])), None)


def _is_settings(line: str) -> bool:
    return bool(_KEY.match(line)) and len(dict(_pairs(line))) >= 3


def _blocks(lines: list[str]) -> dict[str, str]:
    """What extensions put below the settings: more lines of them, or `Key: value` with a value of several lines."""
    settings: dict[str, str] = {}
    blocks: dict[str, list[str]] = {}
    block: list[str] = []
    for line in lines:
        if _is_settings(line):
            settings |= dict(_pairs(line))
        elif _KEY.match(line):
            key, _, value = line.partition(":")
            block = blocks[key.strip()] = [value]
        else:
            block.append(line)
    return settings | {key: "\n".join(parts).strip() for key, parts in blocks.items()}


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """`Key: value, Key: value, …`. A part without a colon goes on with the value before it."""
    key, parts = "", [""]
    position, patience = 0, _PATIENCE
    while position < len(line):
        comma = _next_comma(line, position)
        colon = line.find(":", position, comma)
        if colon < 0:
            parts.append(line[position:comma])
            position = comma + 1
            continue
        if key:
            yield key, ",".join(parts).strip()
        key, start = line[position:colon].strip(), colon + 1
        while line[start : start + 1] == " ":
            start += 1
        value, end = "", start
        if patience and line[start : start + 1] in ('"', "[", "{"):
            value, end = _json_at(line, start)
            patience -= end == start
        comma = _next_comma(line, end)
        parts = [value + line[end:comma]]
        position = comma + 1
    if key:
        yield key, ",".join(parts).strip()


def _next_comma(line: str, start: int) -> int:
    found = line.find(",", start)
    return len(line) if found < 0 else found


def _json_at(line: str, start: int) -> tuple[str, int]:
    """What the JSON text, list or object at `start` says, a text undone, others as they stand; and where it ends."""
    try:
        value, end = _decoder.raw_decode(line, start)
    except (ValueError, RecursionError):
        return "", start
    return value if isinstance(value, str) else line[start:end], end


_decoder = json.JSONDecoder(strict=False)
