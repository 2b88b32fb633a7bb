"""How folders of models are laid out by the programs people use, as data."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from graph.errors import GraphError

LAYOUTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "checkpoints": ("checkpoints", "Stable-diffusion"),
        "vae": ("vae", "VAE"),
        "loras": ("loras", "Lora", "LyCORIS"),
        "controlnet": ("controlnet", "t2i_adapter", "ControlNet"),
        "embeddings": ("embeddings",),
        "upscale_models": ("upscale_models", "ESRGAN", "RealESRGAN", "SwinIR"),
        "text_encoders": ("text_encoders", "clip", "text_encoder"),
        "diffusion_models": ("diffusion_models", "unet"),
        "clip_vision": ("clip_vision",),
        "style_models": ("style_models",),
        "diffusers": ("diffusers",),
        "hypernetworks": ("hypernetworks",),
        "gligen": ("gligen",),
        "vae_approx": ("vae_approx", "VAE-approx"),
    }
)
"""Kind of file → the sub-folders it lies in: of ComfyUI's layout first, then of A1111's and Forge's."""

INSIDE = ("", "models")
"""Where these sub-folders lie below a folder of models: in it, or in its `models` (it is a whole installation)."""

OTHER_NAMES: Mapping[str, str] = MappingProxyType({"clip": "text_encoders", "unet": "diffusion_models"})
"""Older names of kinds, as `extra_model_paths.yaml` files have them."""

EXTRA_PATHS = "extra_model_paths.yaml"
"""The file beside ComfyUI in which people name the folders of their models."""

SAVED: Mapping[str, str] = MappingProxyType(
    {
        "checkpoints": "checkpoints",
        "vae": "vae",
        "loras": "loras",
        "text_encoders": "clip",
        "diffusion_models": "diffusion_models",
    }
)
"""Kind of file → where in the output folder nodes save such models unless they are told otherwise."""


def saved_below(output: Path) -> dict[str, tuple[Path, ...]]:
    """Kind of file → the folder in which saved models of that kind lie. They need not exist."""
    return {kind: (output / name,) for kind, name in SAVED.items()}


def folders_below(root: Path, kind: str) -> list[Path]:
    """The folders below `root` in which files of that kind may lie. They need not exist."""
    return [root / inside / name for inside in INSIDE for name in LAYOUTS.get(kind, (kind,))]


def extra_paths_of(root: Path) -> Path | None:
    """The file of model paths that a root of models is, or that lies in it; None without one."""
    file = root if root.suffix.lower() in (".yaml", ".yml") else root / EXTRA_PATHS
    return file if file.is_file() else None


def check_roots(roots: Iterable[Path], origin: str = "--models") -> None:
    """Raise GraphError for a root of models that is neither a folder nor a file of model paths that can be read.

    origin: by what the roots were named.
    """
    for root in roots:
        place = root.expanduser()
        if (file := extra_paths_of(place)) is not None:
            read_extra_paths(file)
        elif not place.is_dir():
            raise GraphError(
                f"{origin}: There is no folder '{root}' of models. Name another or an {EXTRA_PATHS}, or leave it out."
            )


def read_extra_paths(path: Path) -> dict[str, tuple[Path, ...]]:
    """Kind → folders, from an `extra_model_paths.yaml`: sections with `base_path` and paths, one or several lines each;
    what follows a `#` on a line is a comment.

    Paths are relative to `base_path`, and that to the file's own folder. Sections with `is_default` come first.
    Raises GraphError with a sentence where the file cannot be read or says something else.
    """
    import yaml

    try:
        sections = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GraphError(f"'{path}' cannot be read as model paths: {' '.join(str(error).split())}") from error
    if not isinstance(sections, dict) or not all(isinstance(section, dict | None) for section in sections.values()):
        raise GraphError(f"'{path}' is not a file of model paths: it must hold sections, each with `kind: path` lines.")
    found: dict[str, list[Path]] = {}
    for section in sorted(filter(None, sections.values()), key=lambda section: not section.get("is_default")):
        base = path.absolute().parent / Path(str(section.get("base_path") or "")).expanduser()
        for kind, value in section.items():
            if kind not in ("base_path", "is_default"):
                lines = _lines(path, kind, value)
                found.setdefault(OTHER_NAMES.get(kind, kind), []).extend(base / line for line in lines)
    return {kind: tuple(folders) for kind, folders in found.items()}


def _lines(path: Path, kind: str, value: Any) -> list[Path]:
    if not isinstance(value, str):
        raise GraphError(f"'{path}': the paths of '{kind}' must be text, one path a line; got {value!r}.")
    paths = (re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip() for line in value.splitlines())
    return [Path(text).expanduser() for text in paths if text]
