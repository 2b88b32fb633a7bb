"""T2I-Adapter's style adapter (Mou et al. 2023) in a file, sizes read from shapes. Loads no torch."""

from functools import lru_cache
from pathlib import Path

from diffusion.families import seems
from diffusion.families.family import Component
from diffusion.families.shapes import count
from diffusion.header import WeightFileError, read_header
from diffusion.values import StyleModel, WeightFile

HEADS = 8
"""Of the published adapter, which shapes do not say."""

NEEDED = ("style_embedding", "proj", "ln_pre.weight", "transformer_layes.0.attn.in_proj_weight")
"""Names by which it is known; one of them is misspelt in all files there are."""


def read_style_model(path: Path, digest: str) -> StyleModel:
    """Recognise a style adapter. Reads the header, no weights. Raises WeightFileError, naming what the file looks like,
    where it is none.
    """
    _recognise(path, digest)
    return StyleModel(WeightFile(str(path.resolve()), digest))


def component(file: WeightFile) -> Component:
    """The network of a file that `read_style_model` has recognised."""
    return _recognise(Path(file.path), file.digest)


@lru_cache(maxsize=64)
def _recognise(path: Path, digest: str) -> Component:
    del digest  # part of the key: another content under the same path is another network
    header = read_header(path)
    if any(name not in header.tensors for name in NEEDED):
        raise WeightFileError(f"'{path.name}' is no style model of T2I-Adapter: {seems(header)}")
    _, tokens, width = header.shape("style_embedding")
    config = {
        "width": width,
        "tokens": tokens,
        "context": header.shape("proj")[1],
        "layers": count(header.tensors, r"transformer_layes\.(\d+)\."),
        "heads": header.config.get("style_model", {}).get("attention_heads", HEADS),
    }
    return Component("style_model", header, "", "modules", config)
