"""How long a prompt is, counted as it will be encoded, without loading torch."""

from collections.abc import Sequence

from diffusion.header import WeightFileError, read_header
from graph.errors import GraphError
from graph.folders import Folders
from server.prompt import PromptLength

TORCH_FREE = ".safetensors"
"""The ending of files whose shapes can be read without torch."""


def prompt_length(text: str, files: Folders) -> PromptLength:
    """Tokens and chunks of a prompt. files: finds the embeddings it names."""
    from diffusion.text.tokens import chunks, words

    uncounted: list[str] = []

    def vectors(name: str) -> Sequence[int]:
        count = _vectors(files, name)
        if count is None:
            uncounted.append(name)
        return range(1 if count is None else count)

    filled = chunks(words(text, vectors))
    tokens = sum(len(chunk.items) for chunk in filled)
    return PromptLength(tokens=tokens, chunks=len(filled), uncounted=list(dict.fromkeys(uncounted)))


def _vectors(files: Folders, name: str) -> int | None:
    """How many vectors an embedding has; None where that is not known."""
    try:
        path = files.locate("embeddings", name).path
        if path.suffix.lower() != TORCH_FREE:
            return None
        found = read_header(path).tensors
    except (GraphError, WeightFileError, OSError):
        return None
    chosen = next((found[key] for key in ("emb_params", "clip_l") if key in found), None)
    if chosen is None and len(found) == 1:
        chosen = next(iter(found.values()))
    if chosen is None or len(chosen.shape) not in (1, 2):
        return None
    return chosen.shape[0] if len(chosen.shape) == 2 else 1
