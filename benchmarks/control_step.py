"""What a ControlNet's step costs beside the networks: a guided step of Stable Diffusion 1.5's size, steered.

    python -m benchmarks.control_step [--checkpoint PATH] [--steps 8] [--size 256] [--precision auto]

Without a checkpoint one with seeded random weights is written to a temporary folder (2.1 GB), and beside it a
ControlNet of that size (0.7 GB). The peer is a bare call of diffusers' ControlNet and of its U-Net with what the
ControlNet adds, the very same modules in the same precision and layout, with both prompts as one batch. Step and bare
calls take turns, so that what else the machine does touches both. Target: at most 1.05 times the bare calls.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from safetensors.torch import save_file

from benchmarks.sd15_checkpoint import TEXT, UNET, write
from diffusion.architectures import ControlNetModel
from diffusion.checkpoint import read_checkpoint
from diffusion.controlling import controlled
from diffusion.families.controlnet import read_control_net
from diffusion.latents import empty
from diffusion.lora.clone import clone
from diffusion.memory import Weights
from diffusion.original_layout import control_names
from diffusion.sampling import sample
from diffusion.tensors import Residence
from diffusion.unet import Denoiser
from diffusion.values import Conditioning, ConditioningEntry, Control, ControlNet, Model

FIRST_STEPS = 2
"""Left out: they set up what later ones reuse."""


def write_control_net(path: Path, seed: int = 1) -> Path:
    """Write a ControlNet of Stable Diffusion 1.5's size with seeded random weights, fp16, in the original layout."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in ControlNetModel(**_control_config()).state_dict().items()}
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, file in control_names(list(shapes), UNET["layers_per_block"]).items():
        shape = shapes[name]
        weight = torch.ones(shape) * float("norm" in name and name.endswith("weight"))
        if len(shape) > 1:
            weight = torch.randn(shape, generator=generator) / shape[1:].numel() ** 0.5
        tensors[file] = weight.half()
    save_file(tensors, path)
    return path


def _control_config() -> dict[str, Any]:
    names = ("block_out_channels", "layers_per_block", "cross_attention_dim", "attention_head_dim")
    return {name: UNET[name] for name in names}


@torch.inference_mode()
def measure(model: Model, net: ControlNet, precision: str, steps: int, size: int) -> float:
    """How many times the bare calls a guided, steered step takes: medians, told in seconds."""
    weights = Weights("auto", precision)
    print(weights.explain)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 77, TEXT["hidden_size"], generator=generator)
    picture = torch.rand(1, 3, size, size, generator=generator)
    control = Control(net, picture)
    positive, negative = (controlled(Conditioning((ConditioningEntry(item),)), control) for item in tokens.split(1))
    options = {"seed": 0, "steps": steps + FIRST_STEPS, "cfg": 7.5, "sampler": "euler", "scheduler": "normal"}
    with weights.lend(model) as network, weights.lend(net) as steerer:
        unet = clone(cast("Denoiser", network._lease.run).unet)
        cast("Any", unet).set_attn_processor(AttnProcessor2_0())
        bare = _bare(unet, steerer._lease.run, network._lease.residence, tokens, picture)
        run = sample(model, positive, negative, empty(size, size), weights=weights, **options)
        taken = [(_seconds(lambda: next(run)), _seconds(bare)) for _ in range(steps + FIRST_STEPS)][FIRST_STEPS:]
        run.close()
    step, calls = (statistics.median(column) for column in zip(*taken, strict=True))
    print(f"  steered step {step:.3f} s, bare calls {calls:.3f} s, ratio {step / calls:.3f}")
    return step / calls


def _bare(
    unet: Any, control: Any, residence: Residence, tokens: torch.Tensor, picture: torch.Tensor
) -> Callable[[], object]:
    """A call of both modules, as diffusers' pipelines make it: each time the picture is looked at anew."""
    layout = torch.channels_last if residence.channels_last else torch.contiguous_format
    side = picture.shape[-1] // 8
    x = torch.randn(2, 4, side, side, generator=torch.Generator().manual_seed(1))
    x, pictures = (
        each.to(residence.device, residence.dtype, memory_format=layout) for each in (x, picture.repeat(2, 1, 1, 1))
    )
    told = tokens.to(residence.device, residence.dtype)
    timesteps = torch.tensor([500.0, 500.0]).to(residence.device)

    def calls() -> torch.Tensor:
        skips, middle = control(x, timesteps, told, pictures, return_dict=False)
        return unet(
            *(x, timesteps, told),
            down_block_additional_residuals=skips,
            mid_block_additional_residual=middle,
            return_dict=False,
        )[0].cpu()

    return calls


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--size", type=int, default=256, help="side of the picture in pixels")
    parser.add_argument("--precision", default="auto")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        checkpoint = given.checkpoint or write(Path(temporary) / "sd15.safetensors")
        steering = write_control_net(Path(temporary) / "control.safetensors")
        ratio = measure(
            read_checkpoint(checkpoint, "").model,
            read_control_net(steering, ""),
            given.precision,
            given.steps,
            given.size,
        )
        raise SystemExit(ratio > 1.05)
