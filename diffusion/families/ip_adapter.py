"""IP-Adapters (Ye et al. 2023) in a file: their kind, their sizes and the models they fit, by names and shapes.

A file holds a projection of what CLIP sees into tokens (`image_proj`), and for each cross-attention layer of a U-Net
two linear layers that make keys and values of the tokens (`ip_adapter.1.to_k_ip`, `ip_adapter.3…`). Layers are counted
as diffusers counts attention: down, up, middle; odd numbers, since self-attention has the even ones. Loads no torch.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from diffusion import checkpoint
from diffusion.families import attending_to, seems
from diffusion.families.family import Component
from diffusion.families.shapes import count
from diffusion.families.unet import original_shapes
from diffusion.header import Header, WeightFileError, read_header
from diffusion.values import IpAdapter, Model, WeightFile

Stage = Literal["input", "output", "middle"]

HEAD_WIDTH = 64
"""Of the attention in the projection of "plus"."""

_STAGES: Mapping[str, Stage] = {"input_blocks": "input", "output_blocks": "output", "middle_block": "middle"}
_KEYS = re.compile(r"ip_adapter\.(\d+)\.to_k_ip\.weight")
_CROSS = re.compile(
    r"(input_blocks|output_blocks|middle_block)\.(?:(\d+)\.)?1\.transformer_blocks\.(\d+)\.attn2\.to_k\.weight"
)


@dataclass(frozen=True)
class Layer:
    """A cross-attention layer of a U-Net: where it is, as `diffusion.changes.Place` has it, how wide its keys are, and
    the tokens it attends to.
    """

    stage: Stage
    number: int
    depth: int
    width: int
    tokens: int


def read_ip_adapter(path: Path, digest: str) -> IpAdapter:
    """Recognise an IP-Adapter. Reads the header, no weights.

    Raises WeightFileError, in a sentence that names what the file looks like, where it is none that can be used.
    """
    found = _recognise(path, digest)
    return IpAdapter(found.config["kind"], WeightFile(str(path.resolve()), digest))


def component(file: WeightFile) -> Component:
    """The network of a file that `read_ip_adapter` has recognised."""
    return _recognise(Path(file.path), file.digest)


def layers(unet: Component) -> list[Layer]:
    """The cross-attention layers of a U-Net in the order of adapters: input, output, middle."""
    found = []
    for name, shape in original_shapes(unet).items():
        match = _CROSS.fullmatch(name)
        if match is not None:
            stage = _STAGES[match[1]]
            found.append(Layer(stage, int(match[2] or 0), int(match[3]), shape[0], shape[1]))
    order = list(_STAGES.values())
    return sorted(found, key=lambda layer: (order.index(layer.stage), layer.number, layer.depth))


def fitting(adapter: IpAdapter, model: Model) -> list[Layer]:
    """The layers of a model's U-Net that an adapter is for, in its order.

    Raises WeightFileError, naming both, where it was made for a model of another structure.
    """
    found, own = layers(checkpoint.component(model.file, "unet")), component(adapter.file).config
    widths, names = [layer.width for layer in found], (Path(adapter.file.path).name, Path(model.file.path).name)
    tokens = found[0].tokens if found else 0
    if own["tokens"] != tokens:
        raise WeightFileError(
            f"The IP-Adapter '{names[0]}' makes tokens of width {own['tokens']}{_told(own['tokens'])}, but the model "
            f"'{names[1]}' attends to tokens of width {tokens}{_told(tokens)}. Use an adapter made for this kind of "
            "model."
        )
    if list(own["widths"]) != widths:
        raise WeightFileError(
            f"The IP-Adapter '{names[0]}' was made for {len(own['widths'])} attention layers of widths "
            f"{_few(list(own['widths']))}; the model '{names[1]}' has {len(widths)} of widths {_few(widths)}. Use an "
            "adapter made for this kind of model."
        )
    return found


def _few(widths: list[int]) -> str:
    return ", ".join(str(width) for width in sorted(set(widths)))


def _told(tokens: int) -> str:
    known = attending_to(tokens)
    return f" ({known})" if known else ""


@lru_cache(maxsize=64)
def _recognise(path: Path, digest: str) -> Component:
    del digest  # part of the key: another content under the same path is another network
    header = read_header(path)
    numbers = sorted(int(match[1]) for name in header.tensors if (match := _KEYS.fullmatch(name)))
    if not numbers or not any(name.startswith("image_proj.") for name in header.tensors):
        raise WeightFileError(f"'{path.name}' is no IP-Adapter: {seems(header)}")
    shapes = [header.shape(f"ip_adapter.{number}.to_k_ip.weight") for number in numbers]
    config = _projection(header) | {"numbers": tuple(numbers), "widths": tuple(shape[0] for shape in shapes)}
    return Component("ip_adapter", header, "", "modules", config)


def _projection(header: Header) -> dict[str, Any]:
    """The kind of a projection and its sizes. seen: width of what it takes; tokens: of what it gives."""
    names, stem = header.tensors, "image_proj."
    _refuse_faces(header)
    if f"{stem}proj.weight" in names:
        tokens = header.shape(f"{stem}norm.weight")[0]
        out, seen = header.shape(f"{stem}proj.weight")
        return {"kind": "plain", "seen": seen, "tokens": tokens, "count": out // tokens}
    if f"{stem}proj.3.weight" in names:
        inner, seen = header.shape(f"{stem}proj.0.weight")
        return {"kind": "full", "seen": seen, "tokens": header.shape(f"{stem}proj.3.weight")[0], "inner": inner}
    if f"{stem}latents" in names:
        _, queries, width = header.shape(f"{stem}latents")
        tokens = header.shape(f"{stem}proj_out.weight")[0]
        return {
            "kind": "plus",
            "seen": header.shape(f"{stem}proj_in.weight")[1],
            "tokens": tokens,
            "count": queries,
            "width": width,
            "heads": header.shape(f"{stem}layers.0.0.to_q.weight")[0] // HEAD_WIDTH,
            "inner": header.shape(f"{stem}layers.0.1.1.weight")[0],
            "depth": count(names, re.escape(f"{stem}layers.") + r"(\d+)\."),
        }
    raise WeightFileError(
        f"'{header.path.name}' is an IP-Adapter of a kind that is not known here; known are the plain ones, plus (also "
        "for faces) and full."
    )


def _refuse_faces(header: Header) -> None:
    """FaceID kinds see no picture but numbers that another program has measured on a face."""
    names, stem = header.tensors, "image_proj."
    measured = f"{stem}perceiver_resampler.proj_in.weight" in names
    measured = measured or (f"{stem}norm.weight" in names and f"{stem}proj.0.weight" in names)
    if measured or any("to_k_lora" in name for name in names):
        raise WeightFileError(
            f"'{header.path.name}' is an IP-Adapter FaceID: it is told a face by InsightFace's recognition, which is "
            "not part of this version. Use 'plus-face' or 'full-face', which see the face itself."
        )
