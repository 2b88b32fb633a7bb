"""Textual inversion (Gal et al. 2022): learnt vectors that stand in a prompt like words."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from diffusion.families import seems
from diffusion.header import WeightFileError, read_header, torch_content
from diffusion.tensors import Reader, Residence


def load_embedding(path: Path, width: int) -> Tensor:
    """The vectors of a textual inversion, float32 [n, width]. Takes the forms of A1111, diffusers and SDXL pairs
    (`clip_l` and `clip_g`, of which that of the width is taken).

    Raises WeightFileError where the file holds no such vectors, or vectors of another width.
    """
    tensors = _tensors(path)
    known = [tensors[name] for name in ("emb_params", "clip_l", "clip_g") if name in tensors]
    chosen = next((one for one in known if one.shape[-1:] == (width,)), known[0] if known else None)
    if chosen is None and len(tensors) == 1:
        chosen = next(iter(tensors.values()))
    if chosen is None or chosen.ndim not in (1, 2):
        raise WeightFileError(f"'{path.name}' is no textual inversion embedding: {seems(read_header(path))}")
    vectors = chosen.float().reshape(-1, chosen.shape[-1])
    if vectors.shape[1] != width:
        widths = {768: " (Stable Diffusion 1)", 1024: " (Stable Diffusion 2)", 1280: " (SDXL)"}
        made_for = " (SDXL)" if "clip_g" in tensors else widths.get(vectors.shape[1], "")
        raise WeightFileError(
            f"The embedding '{path.name}' has vectors of width {vectors.shape[1]}{made_for}; this text encoder takes "
            f"{width}. Use an embedding made for the same family of models."
        )
    return vectors


def _tensors(path: Path) -> Mapping[str, Tensor]:
    header = read_header(path)
    if header.format == "safetensors":
        reader = Reader(header, Residence(torch.device("cpu"), torch.float32))
        return {name: reader.read(name) for name in header.tensors}
    content = torch_content(path, device="cpu")
    if isinstance(content, dict) and "string_to_param" in content:
        content = dict(content["string_to_param"])
    if not isinstance(content, dict):
        return {}
    return {str(name): tensor.detach() for name, tensor in content.items() if isinstance(tensor, torch.Tensor)}
