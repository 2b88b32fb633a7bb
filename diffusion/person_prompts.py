"""Prompts in which a word is the person on pictures: PhotoMaker (Li et al. 2023, §3.2, "stacked ID embedding")."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from diffusion.families.photomaker import component
from diffusion.services import Weights
from diffusion.text.encoding import FindEmbedding, encode
from diffusion.text.tokens import LENGTH, Word, chunks, words
from diffusion.values import Conditioning, Image, PhotoMaker, TextEncoder

TRIGGER = "photomaker"
"""The word that stands behind the one that becomes the person."""


def encoded(
    text: str,
    photomaker: PhotoMaker,
    image: Image,
    clip: TextEncoder,
    weights: Weights,
    find_embedding: FindEmbedding,
) -> Conditioning:
    """A prompt in which the word before `photomaker` is the person on the pictures [B, H, W, C].

    The last token of that word stands there once for each picture, and each is fused with one; `photomaker` itself is
    taken out. Raises ValueError where the prompt has it not exactly once, or first, where there are more pictures than
    a prompt has room for, and where the text encoders are not SDXL's.
    """
    name, config = Path(photomaker.file.path).name, component(photomaker.file).config
    count = len(image.pixels)
    if count > LENGTH:
        raise ValueError(f"PhotoMaker was given {count} pictures; a prompt has room for {LENGTH}. Give it fewer.")
    place = list[tuple[int, int]]()

    def expanded(parts: Sequence[Word]) -> list[Word]:
        found, begin = _expanded(parts, text, count)
        place[:] = _places(found, begin, count)
        return found

    conditioning = encode(text, clip, weights, find_embedding, expanded)
    width = config["vision"]["projection_dim"] + config["second"]
    entries = []
    with weights.lend(photomaker) as sight:
        for entry in conditioning.entries:
            if entry.tokens.shape[2] != width:
                raise ValueError(
                    f"PhotoMaker '{name}' fuses pictures with states of width {width}, but the CLIP gives states of "
                    f"width {entry.tokens.shape[2]}. Connect the CLIP of an SDXL checkpoint."
                )
            tokens = entry.tokens.clone()
            columns = [chunk * (LENGTH + 2) + 1 + column for chunk, column in place]
            tokens[0, columns] = sight.fused(image, tokens[0, columns])
            entries.append(replace(entry, tokens=tokens))
    return Conditioning(tuple(entries))


def _expanded(parts: Sequence[Word], text: str, count: int) -> tuple[list[Word], int]:
    """The words without the trigger, the last token of the one before it `count` times; and which of all tokens is the
    first of those.
    """
    (mark,) = words(TRIGGER, lambda name: ())
    size = len(mark.items)
    found = [place for place, word in enumerate(parts) if _begins(word, mark)]
    if len(found) != 1 or found[0] == 0 or not parts[found[0] - 1].items:
        raise ValueError(
            f"The prompt '{text[:80]}' has {len(found)} times the word '{TRIGGER}'"
            f"{', with none before it' if found == [0] else ''}. Write it once, behind the word that shall be the "
            f"person: 'a man {TRIGGER} on a beach'."
        )
    at = found[0]
    person, rest = parts[at - 1], replace(parts[at], items=parts[at].items[size:])
    whole = replace(person, items=(*person.items[:-1], *(person.items[-1],) * count))
    begin = sum(len(word.items) for word in parts[: at - 1]) + len(person.items) - 1
    return [*parts[: at - 1], whole, *([rest] if rest.items else []), *parts[at + 1 :]], begin


def _begins(word: Word, mark: Word) -> bool:
    """Whether a word begins with the tokens of another; punctuation may stand behind them."""
    begin = word.items[: len(mark.items)]
    return all(isinstance(item, int) for item in begin) and begin == mark.items


def _places(parts: Sequence[Word], begin: int, count: int) -> list[tuple[int, int]]:
    """In which chunk, and where in it, `count` tokens stand from the one on that is `begin` of all."""
    all_places = [(chunk, column) for chunk, each in enumerate(chunks(parts)) for column in range(len(each.items))]
    return all_places[begin : begin + count]
