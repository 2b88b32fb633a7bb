"""Keys and values of a fixed prompt in cross-attention: how often they are computed in a run, and what that saves.

    python -m benchmarks.keys_values [--checkpoint PATH] [--steps 20] [--size 64] [--precision auto]

The checkpoint is the bundled one, if none is given. A guided run is made twice, remembering what the layers for keys
and values made of the prompt and not; steps of both take turns, so that what else the machine does touches both.
Counted are calls of those layers. Target: one call of each in a run, with the same bits as with one in each step.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from diffusion.checkpoint import read_checkpoint
from diffusion.guidance import guided
from diffusion.keys_values import KeysValues
from diffusion.memory import Weights
from diffusion.network import Network
from diffusion.noise import initial_noise
from diffusion.samplers import Step, sampler
from diffusion.schedules import sigmas_for
from diffusion.values import Conditioning, ConditioningEntry, Model

BUNDLED = Path(__file__).parents[1] / "models" / "checkpoints" / "sprout.safetensors"
LAYERS = ("attn2.to_k", "attn2.to_v")


def run(network: Network, steps: int, size: int) -> Iterator[Step]:
    """A guided run from noise, of a prompt of 77 tokens and a negative one."""
    tokens = torch.randn(2, 77, network.inputs.tokens, generator=torch.Generator().manual_seed(0))
    pooled = torch.zeros(1, network.inputs.pooled) if network.inputs.pooled else None
    positive, negative = (Conditioning((ConditioningEntry(item, pooled),)) for item in tokens.split(1))
    shape = 1, network.space.channels, size // network.space.factor, size // network.space.factor
    sigmas = sigmas_for("normal", "euler", network.prediction, steps)
    x = initial_noise(shape, 0).to(network.device) * float(sigmas[0])
    return sampler("euler")(guided(network, positive, negative, 7.5, shape), x, sigmas)


@torch.inference_mode()
def compare(model: Model, precision: str, steps: int, size: int) -> bool:
    """Print all figures; whether the target is reached."""
    weights = Weights("auto", precision)
    print(weights.explain)
    calls = {True: 0, False: 0}
    taken: dict[bool, list[float]] = {True: [], False: []}
    ended: dict[bool, torch.Tensor] = {}
    with weights.lend(model) as remembering, weights.lend(model) as forgetting:
        forgetting.keys_values = KeysValues(most=0)
        turn = True

        def count(*_: object) -> None:
            calls[turn] += 1

        unet: Any = remembering._lease.run
        layers = [layer for name, layer in unet.named_modules() if name.endswith(LAYERS)]
        hooks = [layer.register_forward_hook(count) for layer in layers]
        runs = {True: run(remembering, steps, size), False: run(forgetting, steps, size)}
        for _ in range(steps):
            for turn in (True, False):
                begun = time.perf_counter()
                ended[turn] = next(runs[turn]).x
                taken[turn].append(time.perf_counter() - begun)
        for hook in hooks:
            hook.remove()
        kept = remembering.keys_values.nbytes
    same = torch.equal(ended[True], ended[False])
    first, later = taken[True][0], statistics.median(taken[True][1:])
    print(
        f"  {len(layers)} layers for keys and values, {steps} steps: {calls[True]} calls; each step anew {calls[False]}"
    )
    print(f"  kept {kept / 1e6:.2f} MB; the same bits: {'yes' if same else 'no'}")
    print(f"  first step {first:.4f} s, a later one {later:.4f} s, anew {statistics.median(taken[False][1:]):.4f} s")
    return same and calls[True] == len(layers) and calls[False] == steps * len(layers)


def main() -> None:
    """Measure, and say whether the target is reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=BUNDLED)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "fp16"))
    options = parser.parse_args()
    model = read_checkpoint(options.checkpoint, "").model
    if not compare(model, options.precision, options.steps, options.size):
        raise SystemExit("The target is not reached.")


if __name__ == "__main__":
    main()
