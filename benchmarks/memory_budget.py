"""What a budget of memory is worth: Stable Diffusion 1.5's size in float32 at 256×256, with and without `--memory`.

    python -m benchmarks.memory_budget [--checkpoint PATH] [--memory 1.5GB] [--steps 2] [--size 256] [--dtype both]

Makes a picture twice, each in a process of its own: with all the memory there is, and within the budget. Prints how far
the memory of the process's own (RssAnon) grew after the imports, at its highest, and the digests of the latents and of
the picture, which must be the same. Without a checkpoint two with seeded random weights are written to a temporary
folder, one after the other: in fp16 (2.1 GB, each weight is cast when it comes) and in fp32 (4.3 GB, the mapped file
itself serves). Target: growth ≤ budget + 10 %.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.sd15_checkpoint import write
from diffusion.budget import parse_memory

ROOT = Path(__file__).parent.parent
OVER = 1.1


def own_bytes() -> int:
    """Memory of this process that no file backs, in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
    raise OSError("This kernel does not say what of a process's memory is its own (RssAnon).")


def watched(peak: list[int]) -> None:
    """Keep the highest figure."""
    while True:
        peak[0] = max(peak[0], own_bytes())
        time.sleep(0.002)


def measured(checkpoint: Path, memory: str, steps: int, size: int) -> dict[str, object]:
    """Make a picture in this process: the growth of its memory, the seconds, and what came out."""
    import torch

    import diffusion.loading
    import diffusion.network
    import diffusion.text.clip
    import diffusion.unet  # noqa: F401 — imports are not what is measured
    from diffusion.checkpoint import read_checkpoint
    from diffusion.memory import Weights
    from diffusion.sampling import sample
    from diffusion.text.encoding import encode
    from diffusion.vae import decode
    from diffusion.values import Latent

    before, peak = own_bytes(), [0]
    threading.Thread(target=watched, args=(peak,), daemon=True).start()
    told: list[str] = []
    began = time.perf_counter()
    parts = read_checkpoint(checkpoint, "measured")
    weights = Weights("cpu", "fp32", budget=parse_memory(memory), note=told.append)
    with torch.inference_mode():
        positive, negative = (encode(text, parts.text_encoder, weights, Path) for text in ("red apple", ""))
        run = sample(
            parts.model,
            positive,
            negative,
            Latent(torch.zeros(1, 4, size // 8, size // 8)),
            weights=weights,
            seed=1,
            steps=steps,
            cfg=7.0,
            sampler="euler",
            scheduler="normal",
        )
        while True:
            try:
                next(run)
            except StopIteration as end:
                latent = end.value
                break
        pixels = decode(latent, parts.vae, weights).pixels
    return {
        "growth": peak[0] - before,
        "seconds": round(time.perf_counter() - began, 1),
        "latent": hashlib.sha256(latent.samples.numpy().tobytes()).hexdigest()[:16],
        "picture": hashlib.sha256(pixels.numpy().tobytes()).hexdigest()[:16],
        "told": told,
    }


def compare(checkpoint: Path, memory: str, steps: int, size: int) -> bool:
    """Print both; whether the bits are the same and the budget was kept."""
    found = {}
    for amount in ("auto", memory):
        command = [sys.executable, "-m", "benchmarks.memory_budget", "--measure", "--checkpoint", str(checkpoint),
                   "--memory", amount, "--steps", str(steps), "--size", str(size)]  # fmt: skip
        done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        found[amount] = one = json.loads(done.stdout.splitlines()[-1])
        print(f"--memory {amount}: {one['growth'] / 1e9:.2f} GB more than after the imports, {one['seconds']} s, "
              f"latent {one['latent']}, picture {one['picture']}", flush=True)  # fmt: skip
        for sentence in one["told"]:
            print(f"  {sentence}")
    limit = OVER * (parse_memory(memory) or 0)
    is_same = all(found["auto"][what] == found[memory][what] for what in ("latent", "picture"))
    print(f"Same bits: {'yes' if is_same else 'no'}. At most {limit / 1e9:.2f} GB: "
          f"{'yes' if found[memory]['growth'] <= limit else 'no'}.")  # fmt: skip
    return is_same and found[memory]["growth"] <= limit


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--memory", default="1.5GB")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--dtype", choices=("fp16", "fp32", "both"), default="both")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(given.checkpoint, given.memory, given.steps, given.size)))
        raise SystemExit(0)
    if given.checkpoint:
        raise SystemExit(not compare(given.checkpoint, given.memory, given.steps, given.size))
    kept = []
    for dtype in ("fp16", "fp32") if given.dtype == "both" else (given.dtype,):
        with tempfile.TemporaryDirectory() as temporary:
            print(f"A file in {dtype}:", flush=True)
            file = write(Path(temporary) / f"sd15-{dtype}.safetensors", dtype)
            kept.append(compare(file, given.memory, given.steps, given.size))
    raise SystemExit(not all(kept))
