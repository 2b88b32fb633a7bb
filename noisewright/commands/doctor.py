"""`doctor`: what this machine can do, where things lie, and how to mend what keeps a GPU from being used."""

import argparse
import importlib.metadata
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from diffusion.names import MODEL_FOLDERS, WEIGHT_SUFFIXES
from noisewright import __version__
from noisewright.commands.opening import add_compute, add_models, engine_of
from noisewright.home import Home

LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "numpy", "pillow")


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("doctor", help="say what this machine can do and where things lie")
    add_compute(command)
    add_models(command)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Print one fact a line."""
    facts: list[tuple[str, str]] = [
        ("noisewright", __version__),
        ("python", f"{platform.python_version()} on {platform.platform()}"),
    ]
    facts += [(name, importlib.metadata.version(name)) for name in LIBRARIES]
    engine = engine_of(arguments, home)
    facts += [("compute", engine.weights.explain), ("memory", _memory())]
    facts += [
        ("data", f"{home.data}{'' if _writable(home.data) else ' (cannot be written)'}"),
        ("bundled", str(home.bundled)),
    ]
    files = engine.folders()
    for folder in MODEL_FOLDERS:
        names = [name for name in files.choices(folder) if name.lower().endswith(WEIGHT_SUFFIXES)]
        if names:
            facts.append((f"models/{folder}", ", ".join(names)))
    width = max(len(name) for name, _ in facts)
    for name, text in facts:
        print(f"{name:{width}}  {text}")
    if advice := unused_gpu_advice():
        print(f"\n{advice}", file=sys.stderr)
    return 0


def unused_gpu_advice() -> str | None:
    """The pip line that makes torch use a GPU which is there but which it cannot see; None where nothing is amiss."""
    import torch

    version = torch.__version__.partition("+")[0]
    if shutil.which("nvidia-smi") and not torch.cuda.is_available():
        index = " --index-url https://download.pytorch.org/whl/cu130" if sys.platform == "win32" else ""
        return (
            f"An NVIDIA GPU is there, but this build of torch ({torch.__version__}) cannot use it. "
            f"Install one that can:\n  pip install --force-reinstall torch=={version}{index}"
        )
    if sys.platform == "linux" and Path("/dev/kfd").exists() and not torch.cuda.is_available():
        return (
            f"An AMD GPU is there, but this build of torch ({torch.__version__}) cannot use it. "
            f"Install one that can:\n  pip install --force-reinstall torch=={version} --index-url https://download.pytorch.org/whl/rocm7.0"
        )
    return None


def _memory() -> str:
    import psutil

    memory = psutil.virtual_memory()
    return f"{memory.available / 2**30:.1f} GiB free of {memory.total / 2**30:.1f} GiB"


def _writable(folder: Path) -> bool:
    import os

    existing = next((place for place in (folder, *folder.parents) if place.exists()), None)
    return existing is not None and os.access(existing, os.W_OK)
