"""PhotoMaker (Li et al. 2023) in a file, sizes read from shapes. Loads no torch.

Its parts, by TencentARC's code (github.com/TencentARC/PhotoMaker, Apache-2.0): `id_encoder`, a CLIP vision model with a
second projection and what fuses both with a text's states, and `lora_weights`, a LoRA for the U-Net.
"""

from functools import lru_cache
from pathlib import Path

from diffusion.families import seems
from diffusion.families.clip_vision import clip_vision
from diffusion.families.family import Component
from diffusion.header import Header, WeightFileError, read_header
from diffusion.values import PhotoMaker, WeightFile

PREFIX = "id_encoder."
NEEDED = ("vision_model.embeddings.class_embedding", "visual_projection_2.weight", "fuse_module.mlp1.fc1.weight")
SECOND_VERSION = "qformer_perceiver."
"""How the names of what only the second version has begin."""


def read_photomaker(path: Path, digest: str) -> PhotoMaker:
    """Recognise PhotoMaker's first version. Reads the header, no weights. Raises WeightFileError, naming what the file
    looks like, where it is another one.
    """
    _recognise(path, digest)
    return PhotoMaker(WeightFile(str(path.resolve()), digest))


def component(file: WeightFile) -> Component:
    """The network of a file that `read_photomaker` has recognised."""
    return _recognise(Path(file.path), file.digest)


@lru_cache(maxsize=64)
def _recognise(path: Path, digest: str) -> Component:
    del digest  # part of the key: another content under the same path is another network
    header = read_header(path)
    own = {name.removeprefix(PREFIX): info for name, info in header.tensors.items() if name.startswith(PREFIX)}
    if any(name.startswith(SECOND_VERSION) for name in own):
        raise WeightFileError(
            f"'{path.name}' is PhotoMaker's second version, which also looks at faces with InsightFace; this version "
            "reads the first (photomaker-v1)."
        )
    vision = clip_vision(Header(path, header.format, own, header.metadata))
    if vision is None or any(name not in own for name in NEEDED):
        raise WeightFileError(f"'{path.name}' is no PhotoMaker: {seems(header)}")
    first, second = (own[f"{name}.weight"].shape[0] for name in ("visual_projection", "visual_projection_2"))
    width = own["fuse_module.mlp1.fc1.weight"].shape[0]
    if first + second != width:
        raise WeightFileError(
            f"'{path.name}': its vision model gives vectors of widths {first} and {second}, which are not {width} "
            "together, as what fuses them with a text takes them."
        )
    unused = frozenset(f"{PREFIX}{name}" for name in own if name.endswith("embeddings.position_ids"))
    return Component("photomaker", header, PREFIX, "modules", {"vision": vision.config, "second": second}, unused)
