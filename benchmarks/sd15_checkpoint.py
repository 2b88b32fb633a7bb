"""Write a checkpoint of Stable Diffusion 1.5's size and layout with seeded random weights: to measure, not to look at.

    python -m benchmarks.sd15_checkpoint PATH [--dtype fp16|fp32] [--seed 0]

Matrices are N(0, 1/fan_in), norms 1, biases 0, so that activations keep their size. About 2.1 GB in fp16.
"""

import argparse
import json
import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from diffusion.architectures import AutoencoderKL, CLIPTextConfig, CLIPTextModel, UNet2DConditionModel
from diffusion.original_layout import text_names, unet_names, vae_names

UNET = {
    "sample_size": 64,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
    "sample_size": 512,
}
TEXT = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
DTYPES = {"fp16": (torch.float16, "F16"), "fp32": (torch.float32, "F32")}


def shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of Stable Diffusion 1.5's tensors, as its files have them."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(**UNET).state_dict()
        vae = AutoencoderKL(**VAE).state_dict()
        text = CLIPTextModel(CLIPTextConfig(**TEXT)).state_dict()
    found = {file: tuple(unet[name].shape) for name, file in unet_names(list(unet), UNET["layers_per_block"]).items()}
    found |= {file: tuple(text[name].shape) for name, file in text_names(list(text)).items()}
    for name, file in vae_names(list(vae)).items():
        shape = tuple(vae[name].shape)
        found[file] = (*shape, 1, 1) if ".attn_1." in file and len(shape) == 2 else shape
    return found


def tensors(seed: int) -> Iterator[tuple[str, Tensor]]:
    """Each tensor in turn, float32, drawn from one generator."""
    generator = torch.Generator().manual_seed(seed)
    for name, shape in shapes().items():
        if len(shape) == 1:
            yield name, torch.full(shape, float("norm" in name and name.endswith("weight") or _is_unnamed_norm(name)))
        else:
            yield name, torch.randn(shape, generator=generator) / math.sqrt(math.prod(shape[1:]))


def _is_unnamed_norm(name: str) -> bool:
    """The U-Net's residual blocks call their norms by position: the first layer in, the first out, the last of all."""
    return name.endswith((".in_layers.0.weight", ".out_layers.0.weight", "diffusion_model.out.0.weight"))


def write(path: Path, dtype: str = "fp16", seed: int = 0) -> Path:
    """Write the checkpoint, one tensor in memory at a time."""
    kind, label = DTYPES[dtype]
    header, end = {}, 0
    for name, shape in shapes().items():
        size = math.prod(shape) * kind.itemsize
        header[name] = {"dtype": label, "shape": shape, "data_offsets": (end, end + size)}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in tensors(seed):
            file.write(tensor.to(kind).contiguous().view(torch.uint8).numpy().tobytes())
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--dtype", choices=DTYPES, default="fp16")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print(write(arguments.path, arguments.dtype, arguments.seed))
