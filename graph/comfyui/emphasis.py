"""A1111's prompt syntax, rewritten as ComfyUI's.

Both have `(word:1.2)` and `(word)` for 1.1. A1111 besides has `[word]` for 1/1.1, multiplies weights inside each other
where ComfyUI takes the inner one, closes open brackets at the end, swaps words during sampling (`[from:to:when]`,
`[one|other]`), joins separately encoded parts with BREAK, composes prompts with AND, and names LoRAs in `<lora:…>`.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

STEP = 1.1
"""What one pair of brackets multiplies or divides a weight by."""

_TOKEN = re.compile(r"\\[()\[\]\\]|[()\[\]|]|:\s*[+-]?[.\d]+\s*(?=\))|:|[^\\()\[\]|:]+|\\")
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*")
_PARTNERS: Mapping[str, str] = MappingProxyType({")": "(", "]": "["})
_BREAK = re.compile(r"\bBREAK\b")
_AND = re.compile(r"\bAND\b")
_NETWORK = re.compile(r"<(\w+):([^<>]*)>")


@dataclass(frozen=True)
class Network:
    """A LoRA that a prompt names. model, clip: the strengths of its two parts."""

    name: str
    model: float
    clip: float


@dataclass(frozen=True)
class Part:
    """What AND joins: a prompt of its own. chunks: what BREAK joins, in ComfyUI's syntax, one or more."""

    chunks: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Prompt:
    """A prompt in ComfyUI's syntax. unmapped: (the words as they stood, what became of them)."""

    parts: tuple[Part, ...]
    networks: tuple[Network, ...] = ()
    unmapped: tuple[tuple[str, str], ...] = ()


def rewrite(prompt: str, embeddings: Collection[str] = (), steps: int = 20) -> Prompt:
    """Read a prompt of A1111.

    embeddings: the textual inversions it is known to use, which ComfyUI wants marked as `embedding:name`. steps: of the
    sampling, by which `[from:to:12]` is judged.
    Takes linear time and no recursion, so that no text, however nested, does harm.
    """
    prompt, networks, unmapped = _without_networks(prompt)
    parts: list[Part] = []
    texts = _AND.split(prompt)
    for text in texts:
        words, weight = _weighted(text) if len(texts) > 1 else (text, 1.0)
        chunks, swaps = _chunks(words, steps)
        unmapped += swaps
        parts.append(Part(tuple(_marked(chunk, embeddings) for chunk in chunks), weight))
    filled = tuple(part for part in parts if any(part.chunks)) or (Part(("",)),)
    return Prompt(filled, tuple(networks), tuple(unmapped))


def _without_networks(prompt: str) -> tuple[str, list[Network], list[tuple[str, str]]]:
    networks: list[Network] = []
    unmapped: list[tuple[str, str]] = []

    def take(tag: re.Match[str]) -> str:
        name, *rest = tag[2].split(":")
        if tag[1] not in ("lora", "lyco"):
            unmapped.append((tag[0], "it was left out: there is no node for it"))
            return ""
        named = dict(item.split("=", 1) for item in rest if "=" in item)
        numbers = [item for item in rest if "=" not in item]
        clip = _float(named.get("te", numbers[0] if numbers else "1"))
        model = _float(named.get("unet", numbers[1])) if len(numbers) > 1 else _float(named.get("unet", str(clip)))
        if not name or clip is None or model is None:
            unmapped.append((tag[0], "it was left out: its name or strength cannot be read"))
        else:
            networks.append(Network(name, model, clip))
        return ""

    return _NETWORK.sub(take, prompt).strip(), networks, unmapped


def _float(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _weighted(text: str) -> tuple[str, float]:
    """A part of an AND: `words` or `words :0.7`."""
    words, colon, number = text.rpartition(":")
    weight = _float(number) if colon else None
    return (text.strip(), 1.0) if weight is None or text.rstrip().endswith(")") else (words.strip(), weight)


def _marked(chunk: str, embeddings: Collection[str]) -> str:
    if not embeddings:
        return chunk
    names = "|".join(re.escape(name) for name in sorted(embeddings, key=len, reverse=True))
    return re.sub(rf"(?<![\w:-])({names})(?![\w-])", r"embedding:\1", chunk)


# Brackets


@dataclass(eq=False)
class _Group:
    """A pair of brackets ("(" or "["), or the whole prompt (""). weight: the number it ends with. start: its place."""

    kind: str
    start: int = 0
    parts: "list[str | _Mark | _Group]" = field(default_factory=list)
    weight: float | None = None


class _Mark(NamedTuple):
    """A colon or bar between square brackets, which may part what is swapped."""

    text: str


@dataclass
class _Reading:
    """A prompt's brackets. is_plain: ComfyUI reads them the same way. swaps: as `Prompt.unmapped`."""

    prompt: str
    tree: _Group
    is_plain: bool
    steps: int
    swaps: list[tuple[str, str]] = field(default_factory=list)


def _chunks(prompt: str, steps: int) -> tuple[list[str], list[tuple[str, str]]]:
    """The parts between BREAKs in ComfyUI's syntax, and what was swapped for what during sampling."""
    reading = _read(prompt, steps)
    if reading.is_plain and not _BREAK.search(prompt):
        return [prompt], []
    chunks: list[list[tuple[str, float]]] = [[]]
    for text, weight in _pieces(reading):
        first, *rest = _BREAK.split(text)
        chunks[-1].append((first, weight))
        chunks += ([(words, weight)] for words in rest)
    written = (
        "".join(
            _written("".join(text for text, _ in run), weight)
            for weight, run in groupby(chunk, key=lambda piece: piece[1])
        ).strip()
        for chunk in chunks
    )
    return [text for text in written if text] or [""], reading.swaps


def _read(prompt: str, steps: int) -> _Reading:
    stack = [_Group("")]
    opened = {"(": 0, "[": 0}
    is_plain = True
    for found in _TOKEN.finditer(prompt):
        token, top = found[0], stack[-1]
        partner = _PARTNERS.get(token)
        if token in opened:
            stack.append(_Group(token, found.start()))
            top.parts.append(stack[-1])
            opened[token] += 1
            is_plain &= token == "("
        elif partner and opened[partner]:
            is_plain &= top.kind == partner
            kind = ""
            while kind != partner:
                kind = stack.pop().kind
                opened[kind] -= 1
        elif token[0] == ":" and len(token) > 1 and top.kind == "(" and (weight := _float(token[1:])) is not None:
            top.weight = weight
            is_plain &= len(stack) == 2  # inside others ComfyUI's number stands alone, A1111's multiplies
        elif token in (":", "|") and top.kind == "[":
            top.parts.append(_Mark(token))
        else:
            is_plain &= token not in (")", "]", r"\[", r"\]", "\\\\")
            top.parts.append(token[1] if len(token) == 2 and token[0] == "\\" else token)
    return _Reading(prompt, stack[0], is_plain and len(stack) == 1, steps)


def _pieces(reading: _Reading) -> Iterator[tuple[str, float]]:
    """The text in order, each piece with all that its brackets multiply to."""
    stack = [(iter(reading.tree.parts), 1.0)]
    while stack:
        parts, weight = stack[-1]
        part = next(parts, None)
        if part is None:
            stack.pop()
        elif isinstance(part, str):
            yield part, weight
        elif isinstance(part, _Mark):
            yield part.text, weight
        elif part.kind == "(":
            stack.append((iter(part.parts), weight * (STEP if part.weight is None else part.weight)))
        else:
            kept = _kept(reading, part)
            stack.append((iter(part.parts), weight / STEP) if kept is None else (iter(kept), weight))


def _kept(reading: _Reading, group: _Group) -> "list[str | _Mark | _Group] | None":
    """What square brackets that swap words leave. None for those that only weigh.

    Of `[one|other]` it is the first, of `[from:to:when]` what holds for more of the steps.
    """
    marks = [index for index, part in enumerate(group.parts) if isinstance(part, _Mark)]
    bars = [index for index in marks if group.parts[index] == _Mark("|")]
    if bars:
        kept = group.parts[: bars[0]]
    elif len(marks) in (1, 2) and marks[-1] == len(group.parts) - 2:
        when = group.parts[-1]
        number = _float(when) if isinstance(when, str) else None
        if number is None:
            return None
        before = group.parts[: marks[0]] if len(marks) == 2 else []
        after = group.parts[marks[0] + 1 : marks[1]] if len(marks) == 2 else group.parts[: marks[0]]
        kept = after if (number if number <= 1 else number / reading.steps) < 0.5 else before
    else:
        return None
    words = reading.prompt[group.start : group.start + 60]
    end = words.find("]")
    words = words[: end + 1] if end >= 0 else f"{words}…"
    reading.swaps.append((words, "words are not swapped while sampling here; one of them stays"))
    return kept


def _written(text: str, weight: float) -> str:
    """Text under a weight, in ComfyUI's syntax."""
    escaped = text.replace("(", r"\(").replace(")", r"\)")
    words = escaped.strip()
    if abs(weight - 1) < 1e-4 or not words:
        return escaped
    before = escaped[: len(escaped) - len(escaped.lstrip())]
    return f"{before}({words}:{max(-1e4, min(weight, 1e4)):.4g}){escaped[len(before) + len(words) :]}"
