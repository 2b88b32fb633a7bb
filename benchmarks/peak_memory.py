"""How much memory a picture takes: text to 256×256 with a checkpoint of Stable Diffusion 1.5's size, at `auto`.

    python -m benchmarks.peak_memory [--checkpoint PATH] [--steps 2] [--precision auto]

Runs `main.py run workflows/text-to-image.json` in a child process and prints the most memory it ever held (ru_maxrss).
Without a checkpoint one with seeded random weights is written to a temporary folder (2.1 GB). The peer is diffusers'
own pipeline, loaded from the same file in bfloat16, in another child process. Target: at most 3.0 GB.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.sd15_checkpoint import TEXT, UNET, VAE, write

ROOT = Path(__file__).parent.parent
TARGET = 3.0

PEER = """
import json, sys, torch
from pathlib import Path
from diffusion.architectures import AutoencoderKL, CLIPTextConfig, CLIPTextModel, UNet2DConditionModel
from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm, load_single_file_checkpoint
path, configs, steps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
load = dict(local_files_only=True, dtype=torch.bfloat16)
clip = create_diffusers_clip_model_from_ldm(
    CLIPTextModel, load_single_file_checkpoint(path), subfolder="text_encoder", config=str(configs),
    local_files_only=True, torch_dtype=torch.bfloat16)
unet = UNet2DConditionModel.from_single_file(path, config=str(configs), subfolder="unet", **load)
vae = AutoencoderKL.from_single_file(path, config=str(configs), subfolder="vae", **load)
with torch.inference_mode():
    tokens = clip(torch.full((2, 77), 49407)).last_hidden_state
    x = torch.randn(2, 4, 32, 32).bfloat16()
    for _ in range(steps):
        unet(x, 500, tokens)
    vae.decode(x[:1])
"""


def ours(checkpoint: Path, steps: int, precision: str, work: Path) -> list[str]:
    """The command that makes a picture."""
    models = work / "models" / "checkpoints"
    models.mkdir(parents=True)
    (models / "sd15.safetensors").symlink_to(checkpoint.resolve())
    settings = {
        "checkpoint.ckpt_name": "sd15.safetensors", "width": 256, "height": 256, "sample.steps": steps,
    }  # fmt: skip
    chosen = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    folders = ["--models", str(work / "models"), "--data", str(work / "data"), "--output", str(work / "output")]
    workflow = str(ROOT / "workflows" / "text-to-image.json")
    return [sys.executable, "main.py", "run", workflow, "--precision", precision, *folders, *chosen]


def peer(checkpoint: Path, steps: int, work: Path) -> list[str]:
    """The command that does the same with diffusers alone."""
    configs = {
        "unet": UNET | {"_class_name": "UNet2DConditionModel"},
        "vae": VAE | {"_class_name": "AutoencoderKL"},
        "text_encoder": TEXT | {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model"},
    }
    for part, config in configs.items():
        folder = work / "configs" / part
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return [sys.executable, "-c", PEER, str(checkpoint), str(work / "configs"), str(steps)]


def peak_of(command: list[str]) -> float:
    """Gigabytes (10⁹ bytes) the command held at most. In a child of its own: the figure is of all children so far."""
    measured = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", measured, *command], check=True, cwd=ROOT, capture_output=True, text=True
    )
    kilobytes = int(done.stdout) if sys.platform != "darwin" else int(done.stdout) / 1024
    return kilobytes * 1024 / 1e9


def compare(checkpoint: Path, steps: int, precision: str) -> bool:
    """Print both figures; whether the target is reached."""
    with tempfile.TemporaryDirectory() as folder:
        size = checkpoint.stat().st_size / 1e9
        own = peak_of(ours(checkpoint, steps, precision, Path(folder)))
        print(f"{size:.2f} GB checkpoint, text to 256×256 at {precision}: {own:.2f} GB (target: at most {TARGET} GB)")
        other = peak_of(peer(checkpoint, steps, Path(folder)))
        print(f"diffusers' modules, loaded from the file as bfloat16: {other:.2f} GB")
    return own <= TARGET


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--precision", default="auto")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        written = given.checkpoint or write(Path(temporary) / "sd15.safetensors")
        raise SystemExit(not compare(written, given.steps, given.precision))
