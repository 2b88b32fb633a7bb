"""`comfy.sd`: naming the parts of a checkpoint."""

from pathlib import Path
from typing import Any, NoReturn

from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.surroundings import current


def load_checkpoint_guess_config(
    ckpt_path: str, output_vae: bool = True, output_clip: bool = True, *args: Any, **kwargs: Any
) -> tuple[Any, ...]:
    """(model, clip, vae, None) of a checkpoint in one of the folders of models."""
    from nodes.comfyui.values import to_pack
    from nodes.loaders import load_checkpoint

    del args, kwargs
    files = current().files
    path = Path(ckpt_path)
    name = next(
        (path.relative_to(place).as_posix() for place in files.places("checkpoints") if path.is_relative_to(place)),
        path.name,
    )
    parts = load_checkpoint(files.find("checkpoints", name))
    return (
        to_pack(parts.MODEL),
        to_pack(parts.CLIP) if output_clip else None,
        to_pack(parts.VAE) if output_vae else None,
        None,
    )


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy.sd", name)
