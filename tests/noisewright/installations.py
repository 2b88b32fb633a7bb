"""Small installations of other programs, as people have them: with models of many kinds, pictures, packs and faults."""

import json
import os
import shutil
import struct
from pathlib import Path

from PIL import Image, PngImagePlugin

ROOT = Path(__file__).parent.parent.parent
SPROUT = ROOT / "models" / "checkpoints" / "sprout.safetensors"
WORKFLOWS = ROOT / "tests" / "data" / "comfyui"
PACKS = ROOT / "tests" / "data" / "custom_nodes"

INFOTEXT = "red apple\nSteps: 2, Sampler: Euler, CFG scale: 4, Seed: 4, Size: 64x64, Model: {}"

HARMFUL = """from pathlib import Path

Path(__file__).with_name("was_imported").write_text("harm")
raise SystemExit("imported")

class Harm:
    pass

NODE_CLASS_MAPPINGS = {"Harmful Node": Harm}
"""

POWER = """import torch

from .more import *

SUFFIX = " (someone)"


class Power:
    NAME = "Power Thing" + SUFFIX


NODE_CLASS_MAPPINGS = {Power.NAME: Power}
NODE_CLASS_MAPPINGS["Second Thing"] = Power
NODE_CLASS_MAPPINGS.update({f"Third{SUFFIX}": Power, str(3): Power})
"""


def weights(path: Path, shapes: dict[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> Path:
    """A safetensors file of zeros in half precision, written after the format's description."""
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, shape in shapes.items():
        size = 2
        for axis in shape:
            size *= axis
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return path


def lora(path: Path, width: int = 768) -> Path:
    """A LoRA of one attention, as kohya's programs write it."""
    name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    shapes = {f"{name}.alpha": (), f"{name}.lora_down.weight": (4, width), f"{name}.lora_up.weight": (320, 4)}
    return weights(path, shapes)


def sdxl(path: Path) -> Path:
    """A file with the names by which an SDXL checkpoint is known."""
    return weights(
        path,
        {
            "model.diffusion_model.input_blocks.0.0.weight": (8, 4, 3, 3),
            "model.diffusion_model.label_emb.0.0.weight": (8, 8),
            "conditioner.embedders.1.model.ln_final.weight": (8,),
            "first_stage_model.decoder.conv_in.weight": (8, 4, 3, 3),
        },
    )


def picture(path: Path, age: float = 0.0, **texts: str) -> Path:
    """A picture that carries texts. age: seconds before a fixed time."""
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    os.utime(path, (1_700_000_000 - age,) * 2)
    return path


def workflow(path: Path, name: str, *, checkpoint: str = "sprout.safetensors") -> Path:
    """One of the test workflows of ComfyUI's, with another checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (WORKFLOWS / name).read_text(encoding="utf-8")
    path.write_text(text.replace("sprout.safetensors", checkpoint), encoding="utf-8")
    return path


def shifted(path: Path) -> Path:
    """A workflow with a node type of ComfyUI's own that is not here."""
    api = json.loads(text_of("text-to-image.api.json").replace("sprout.safetensors", "mine/little.safetensors"))
    (loader,) = [key for key, node in api.items() if node["class_type"] == "CheckpointLoaderSimple"]
    (sampler,) = [node for node in api.values() if node["class_type"] == "KSampler"]
    settings = {"model": [loader, 0], "shift": 1.73}
    api["shift"] = {"class_type": "ModelSamplingAuraFlow", "inputs": settings}
    sampler["inputs"]["model"] = ["shift", 0]
    path.write_text(json.dumps(api), encoding="utf-8")
    return path


def text_of(name: str) -> str:
    return (WORKFLOWS / name).read_text(encoding="utf-8")


def comfyui(root: Path) -> Path:
    """An installation of ComfyUI with all that can be right and wrong."""
    for folder in ("comfy", "input", "models/configs"):
        (root / folder).mkdir(parents=True)
    (root / "main.py").write_text("raise SystemExit('run')\n")
    models = root / "models"
    (models / "checkpoints" / "mine").mkdir(parents=True)
    shutil.copy(SPROUT, models / "checkpoints" / "mine" / "little.safetensors")
    sdxl(models / "checkpoints" / "large.safetensors")
    cut = weights(models / "checkpoints" / "cut.safetensors", {"a": (64, 64)})
    cut.write_bytes(cut.read_bytes()[:-100])
    (models / "checkpoints" / "page.safetensors").write_text("<!DOCTYPE html><html>Log in</html>")
    (models / "checkpoints" / "old.ckpt").write_bytes(b"\x80\x02}q\x00.")
    (models / "checkpoints" / "half.pt").write_bytes(b"PK\x03\x04" + bytes(100))
    (models / "checkpoints" / "put_checkpoints_here").write_bytes(b"")
    weights(models / "diffusion_models" / "flow.safetensors", {"double_blocks.0.img_attn.qkv.weight": (9, 3)})
    lora(models / "loras" / "small.safetensors")
    lora(models / "loras" / "wide.safetensors", 2048)
    weights(models / "ipadapter" / "ip.safetensors", {"image_proj.proj.weight": (4, 4)})
    (models / "loras" / "again").symlink_to(models / "loras", target_is_directory=True)
    (models / "loras" / "gone.safetensors").symlink_to(root / "nowhere.safetensors")
    saved = root / "user" / "default" / "workflows"
    workflow(saved / "runs.json", "text-to-image.json", checkpoint="mine/little.safetensors")
    workflow(saved / "runs-api.json", "text-to-image.api.json", checkpoint="mine/little.safetensors")
    workflow(saved / "deep" / "large.json", "text-to-image.json", checkpoint="large.safetensors")
    workflow(saved / "cut.json", "text-to-image.json", checkpoint="cut.safetensors")
    workflow(saved / "missing.json", "text-to-image.json", checkpoint="nobody-has-it.safetensors")
    workflow(saved / "misplaced.json", "text-to-image.json", checkpoint="wide.safetensors")
    workflow(saved / "packs.json", "packs-missing.json")
    workflow(saved / "loras.json", "bypassed-loras.json")
    shifted(saved / "shifted.json")
    workflow(saved / "picture.json", "image-to-image.json")
    picture(root / "input" / "mine.png")
    load = saved / "picture.json"
    load.write_text(load.read_text(encoding="utf-8").replace("apple.png", "mine.png"), encoding="utf-8")
    (saved / "broken.json").write_text('{"nodes": [')
    output = root / "output"
    for number in range(3):
        name = f"{number}.png"
        picture(output / name, number, workflow=(saved / "runs.json").read_text(), prompt="{}")
    picture(output / "bare.png", 10)
    picture(output / "old.png", 1000, prompt=text_of("text-to-image.api.json"))
    packs = root / "custom_nodes"
    for name in ("image_filters", "needs_missing", "mask_tools.py", "needs_package.py"):
        source = PACKS / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, packs / name)
    (packs / "harmful").mkdir()
    (packs / "harmful" / "__init__.py").write_text(HARMFUL)
    (packs / "harmful" / "prestartup_script.py").write_text(HARMFUL)
    (packs / "Power-Things").mkdir()
    (packs / "Power-Things" / "__init__.py").write_text(POWER)
    (packs / "Power-Things" / "more.py").write_text("import json\n")
    (packs / "off.disabled").mkdir()
    return root


def web_ui(root: Path, *, forge: bool = False) -> Path:
    """An installation of A1111's web UI, or of Forge."""
    for folder in ("modules", "models", "extensions", *(["modules_forge"] if forge else [])):
        (root / folder).mkdir(parents=True)
    (root / "webui.py").write_text("raise SystemExit('run')\n")
    (root / "models" / "Stable-diffusion").mkdir()
    shutil.copy(SPROUT, root / "models" / "Stable-diffusion" / "little.safetensors")
    lora(root / "models" / "Lora" / "small.safetensors")
    weights(root / "embeddings" / "style.safetensors", {"emb_params": (2, 768)})
    picture(root / "outputs" / "txt2img-images" / "2024-01-01" / "1.png", parameters=INFOTEXT.format("little"))
    picture(root / "outputs" / "txt2img-images" / "2024-01-01" / "2.png", parameters=INFOTEXT.format("gone"))
    return root


def state_of(root: Path) -> dict[str, tuple[int, int, int]]:
    """Everything below a folder: names, sizes, times."""
    found = {}
    for folder, below, files in os.walk(root):
        for name in [*below, *files, "."]:
            status = os.lstat(Path(folder, name))
            found[os.path.join(folder, name)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found
