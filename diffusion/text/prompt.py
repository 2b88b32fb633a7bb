"""The weights people write into prompts: `(word)`, `(word:1.3)`, escapes. Loads no torch.

Brackets multiply the weight by 1.1, nested ones again; a number after the last colon sets it instead, whatever weight
holds around them. `\\(` and `\\)` are brackets of the text itself. A bracket without a partner is text, as are square
brackets.
"""

import re
from dataclasses import dataclass

EMPHASIS = 1.1

_NUMBER = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$")
_OPEN, _CLOSE = "\ue000", "\ue001"  # stand for escaped brackets; private use, so no prompt has them


@dataclass(frozen=True)
class Piece:
    """A stretch of a prompt under one weight."""

    text: str
    weight: float


def parse(prompt: str) -> tuple[Piece, ...]:
    """Split a prompt into pieces of one weight each, in order; brackets and weights are gone from their texts."""
    text = prompt.replace("\\(", _OPEN).replace("\\)", _CLOSE)
    partner = _partners(text)
    pieces: list[Piece] = []
    weights, start, position = [1.0], 0, 0

    def end_piece(stop: int) -> None:
        if stop > start:
            plain = text[start:stop].replace(_OPEN, "(").replace(_CLOSE, ")")
            pieces.append(Piece(plain, weights[-1]))

    numbers: dict[int, re.Match[str]] = {}
    while position < len(text):
        if position in partner and text[position] == "(":
            end_piece(position)
            close = partner[position]
            number = _NUMBER.search(text, _last_colon(text, position + 1, close), close)
            if number is not None and number.start() > position + 1:
                numbers[close] = number
            weights.append(float(number[1]) if close in numbers and number is not None else weights[-1] * EMPHASIS)
            start = position + 1
        elif position in partner:
            end_piece(numbers[position].start() if position in numbers else position)
            weights.pop()
            start = position + 1
        position += 1
    end_piece(len(text))
    return tuple(pieces)


def _partners(text: str) -> dict[int, int]:
    """Where each bracket's partner is, both ways; brackets without one are not in it."""
    partner: dict[int, int] = {}
    opened: list[int] = []
    for position, character in enumerate(text):
        if character == "(":
            opened.append(position)
        elif character == ")" and opened:
            start = opened.pop()
            partner[start], partner[position] = position, start
    return partner


def _last_colon(text: str, start: int, stop: int) -> int:
    """Where the last colon in text[start:stop] is, or `stop`."""
    found = text.rfind(":", start, stop)
    return stop if found < 0 else found
