"""How much memory SDXL takes: text to picture with a random checkpoint of its size (fp16, 6.9 GB), at `auto`.

    python -m benchmarks.sdxl_memory [--checkpoint PATH] [--steps 2] [--size 256] [--precision auto] [--memory auto]
                                     [--without-peer]

Runs `main.py run workflows/text-to-image.json` in a child process and watches it. Peak is the most physical memory it
ever had (ru_maxrss: its own pages and those of the mapped file), own the part that no file backs (RssAnon, Linux). Then
as much new memory as the file has bytes is filled once, and the file is read plainly and its networks are loaded: from
the disk, where the system can be asked to forget the file, and from the system's cache. Networks that are cast as a
whole need both, that reading and that memory. The peer is diffusers' modules, loaded from the same file in bfloat16,
where there is memory for that. Without a checkpoint one is written to a temporary folder. Target: a peak of at most
8.5 GB.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor

from benchmarks.sd15_checkpoint import VAE
from diffusion.architectures import AutoencoderKL, CLIPTextConfig, CLIPTextModel, UNet2DConditionModel
from diffusion.original_layout import open_clip_places, text_names, unet_names, vae_names

ROOT = Path(__file__).parent.parent
TARGET = 8.5
NEEDED_ON_DISK = 8e9
PEER_NEEDS = 2.5
"""Times the file's size, that the peer takes in memory at most: the file's tensors, and the networks made of them."""

UNET: dict[str, Any] = {
    "sample_size": 128,
    "block_out_channels": (320, 640, 1280),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 2,
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
CLIP_L: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
}
CLIP_G: dict[str, Any] = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
}

LOAD = """
import sys, time
from pathlib import Path
from typing import Any
import diffusion.loading, diffusion.network, diffusion.text.clip, diffusion.unet
from diffusion.checkpoint import read_checkpoint
from diffusion.memory import Weights
began = time.perf_counter()
parts, weights = read_checkpoint(Path(sys.argv[1]), "measured"), Weights("auto", sys.argv[2])
for recipe in (*parts.text_encoder.encoders, parts.model, parts.vae):
    with weights.lend(recipe):
        pass
print(time.perf_counter() - began)
"""

FILLING = """
import sys, time, torch
count, began = int(sys.argv[1]), time.perf_counter()
torch.empty(count, dtype=torch.uint8).fill_(1)
print(time.perf_counter() - began)
"""

PEER = """
import json, sys, torch
from pathlib import Path
from typing import Any
from diffusion.architectures import AutoencoderKL, UNet2DConditionModel
path, configs, steps, side = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
load = dict(local_files_only=True, torch_dtype=torch.bfloat16)
unet = UNet2DConditionModel.from_single_file(path, config=str(configs), subfolder="unet", **load)
vae = AutoencoderKL.from_single_file(path, config=str(configs), subfolder="vae", **load)
with torch.inference_mode():
    x, tokens = torch.randn(2, 4, side, side).bfloat16(), torch.randn(2, 77, 2048).bfloat16()
    added = {"text_embeds": torch.randn(2, 1280).bfloat16(), "time_ids": torch.zeros(2, 6).bfloat16()}
    for _ in range(steps):
        unet(x, 500, tokens, added_cond_kwargs=added)
    vae.decode(x[:1])
"""


def shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of SDXL's tensors, as its files have them."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(**UNET).state_dict()
        vae = AutoencoderKL(**VAE).state_dict()
        text = CLIPTextModel(CLIPTextConfig(**CLIP_L)).state_dict()
        big = CLIPTextModel(CLIPTextConfig(**CLIP_G)).state_dict()
    found = {file: tuple(unet[name].shape) for name, file in unet_names(list(unet), UNET["layers_per_block"]).items()}
    prefix = "conditioner.embedders.0.transformer.text_model."
    found |= {file: tuple(text[name].shape) for name, file in text_names(list(text), prefix).items()}
    prefix = "conditioner.embedders.1.model."
    for name, place in open_clip_places([*big, "text_projection.weight"], prefix).items():
        shape = tuple(big[name].shape) if name in big else (1280, 1280)
        found[place.name] = shape if place.third is None else (3 * shape[0], *shape[1:])
    for name, file in vae_names(list(vae)).items():
        shape = tuple(vae[name].shape)
        found[file] = (*shape, 1, 1) if ".attn_1." in file and len(shape) == 2 else shape
    return found


def tensors(found: dict[str, tuple[int, ...]], seed: int = 0) -> Iterator[Tensor]:
    """Each tensor in turn, fp16: cut out of one block of normal numbers and scaled to keep the size of activations."""
    block = torch.randn(2**26 + 2**20, generator=torch.Generator().manual_seed(seed))
    for number, (name, shape) in enumerate(found.items()):
        if len(shape) < 2:
            is_norm = name.endswith("weight") and "embedding" not in name and len(shape) == 1
            yield torch.full(shape, float(is_norm), dtype=torch.float16)
            continue
        begin, count = 7919 * number % 2**20, math.prod(shape)
        scale = 1 / math.sqrt(math.prod(shape[1:])) if "token_embedding" not in name else 0.02
        yield (block[begin : begin + count] * scale).half().reshape(shape)


def write(path: Path) -> Path:
    """Write the checkpoint, one tensor in memory at a time."""
    found, header, end = shapes(), {}, 0
    for name, shape in found.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": (end, end + size)}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors(found):
            file.write(tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return path


def ours(checkpoint: Path, work: Path, steps: int, size: int, precision: str, memory: str) -> list[str]:
    """The command that makes a picture."""
    models = work / "models" / "checkpoints"
    models.mkdir(parents=True)
    (models / "sdxl.safetensors").symlink_to(checkpoint.resolve())
    settings = {
        "checkpoint.ckpt_name": "sdxl.safetensors", "width": size, "height": size, "sample.steps": steps,
    }  # fmt: skip
    chosen = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    folders = ["--models", str(work / "models"), "--data", str(work / "data"), "--output", str(work / "output")]
    workflow = str(ROOT / "workflows" / "text-to-image.json")
    return [sys.executable, "main.py", "run", workflow, "--precision", precision, "--memory", memory, *folders, *chosen]


def peer(checkpoint: Path, work: Path, steps: int, size: int) -> list[str]:
    """The command that does the same with diffusers' modules alone, without its text encoders."""
    configs = {"unet": UNET | {"_class_name": "UNet2DConditionModel"}, "vae": VAE | {"_class_name": "AutoencoderKL"}}
    for part, config in configs.items():
        folder = work / "configs" / part
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return [sys.executable, "-c", PEER, str(checkpoint), str(work / "configs"), str(steps), str(size // 8)]


def watched(command: list[str]) -> tuple[float, float, float]:
    """Run a command: the most memory it had, the most that was its own, both in GB, and the seconds it took."""
    began, peak, own = time.perf_counter(), 0, 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for line in _status(process.pid):
                if line.startswith("VmHWM"):
                    peak = max(peak, int(line.split()[1]))
                elif line.startswith("RssAnon"):
                    own = max(own, int(line.split()[1]))
            time.sleep(0.01)
        if process.returncode:
            raise SystemExit(f"{command[0]} ended with {process.returncode}.")
    return peak * 1024 / 1e9, own * 1024 / 1e9, time.perf_counter() - began


def _status(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return []  # it has just ended


def reading(path: Path) -> float:
    """Seconds to read the file plainly, as it is read when weights are loaded."""
    began, buffer = time.perf_counter(), bytearray(2**26)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return time.perf_counter() - began


def forget(path: Path) -> None:
    """Have the system give up what it keeps of a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(script: str, *arguments: str) -> float:
    """The seconds that a script of ours prints, run in a process of its own."""
    command = [sys.executable, "-c", script, *arguments]
    return float(subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout)


def measure(checkpoint: Path, work: Path, given: argparse.Namespace) -> bool:
    """Print all figures; whether the target is reached."""
    size = checkpoint.stat().st_size
    print(f"{size / 1e9:.2f} GB checkpoint, text to {given.size}×{given.size} at {given.precision}, "
          f"--memory {given.memory}", flush=True)  # fmt: skip
    peak, own, seconds = watched(ours(checkpoint, work, given.steps, given.size, given.precision, given.memory))
    print(f"ours: peak {peak:.2f} GB (target: at most {TARGET} GB), own {own:.2f} GB, {seconds:.0f} s", flush=True)
    filling = timed(FILLING, str(size))
    print(f"filling {size / 1e9:.1f} GB of new memory: {filling:.1f} s", flush=True)
    prepared = {"disk": forget, "cache": reading} if hasattr(os, "posix_fadvise") else {"cache": reading}
    for place, prepare in prepared.items():
        prepare(checkpoint)
        plain = reading(checkpoint)
        prepare(checkpoint)
        loading = timed(LOAD, str(checkpoint), given.precision)
        print(f"from the {place}: reading the file {plain:.1f} s, loading its networks {loading:.1f} s", flush=True)
    free = psutil.virtual_memory().available
    if given.without_peer or free < PEER_NEEDS * size:
        print(f"without the peer, which takes up to {PEER_NEEDS * size / 1e9:.0f} GB; {free / 1e9:.0f} GB are free")
    else:
        other = watched(peer(checkpoint, work, given.steps, given.size))
        print(f"diffusers' U-Net and autoencoder alone, bfloat16: peak {other[0]:.2f} GB, own {other[1]:.2f} GB")
    return peak <= TARGET


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--memory", default="auto")
    parser.add_argument("--without-peer", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if asked.checkpoint is None and shutil.disk_usage(temporary).free < NEEDED_ON_DISK:
            raise SystemExit(f"{temporary} has less than {NEEDED_ON_DISK / 1e9:.0f} GB left. Name a --checkpoint.")
        found = asked.checkpoint or write(Path(temporary) / "sdxl.safetensors")
        raise SystemExit(not measure(found, Path(temporary), asked))
