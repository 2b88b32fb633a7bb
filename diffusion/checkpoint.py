"""Models as files: recognises a checkpoint by its header and names its parts. Loads no torch for safetensors files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from diffusion.families import Checkpoint, Component, Family, Part, families, looks_like
from diffusion.header import Header, WeightFileError, read_header
from diffusion.values import LatentSpace, Model, TextEncoder, Vae, WeightFile

WEIGHTS_IN_FOLDER: tuple[str, ...] = (
    "diffusion_pytorch_model.safetensors",
    "model.safetensors",
    "diffusion_pytorch_model.fp16.safetensors",
    "model.fp16.safetensors",
    "diffusion_pytorch_model.bin",
    "pytorch_model.bin",
)
"""Files that hold the weights of one network in a diffusers folder, the preferred first."""


@dataclass(frozen=True)
class Parts:
    """What a checkpoint consists of, as recipes."""

    model: Model
    text_encoder: TextEncoder
    vae: Vae


def read_checkpoint(path: Path, digest: str) -> Parts:
    """Recognise a checkpoint: one file, or a diffusers folder with model_index.json. Reads headers, no weights.

    Raises WeightFileError, in a sentence that names what the file looks like, where it is no checkpoint of a known
    family.
    """
    family, checkpoint = _recognise(path, digest)
    place, folder = str(path.resolve()), path.is_dir()

    def file(part: Part) -> WeightFile:
        return WeightFile(place, digest, part if folder else "")

    return Parts(
        Model(family.name, file("unet")),
        TextEncoder(family.name, (file("text_encoder"),)),
        Vae(family.name, file("vae"), checkpoint.space),
    )


def read_vae(path: Path, digest: str) -> Vae:
    """Recognise an autoencoder: alone in a file, in a checkpoint, or as a diffusers folder. Reads headers, no weights.

    Raises WeightFileError as `read_checkpoint` does.
    """
    family, checkpoint = _recognise_vae(path, digest)
    return Vae(family.name, WeightFile(str(path.resolve()), digest, "vae" if path.is_dir() else ""), checkpoint.space)


def component(file: WeightFile, part: Part) -> Component:
    """One network of a file that `read_checkpoint` or `read_vae` has recognised."""
    path = Path(file.path)
    _, checkpoint = _recognise_vae(path, file.digest) if part == "vae" else _recognise(path, file.digest)
    return checkpoint.components[part]


def space_of(model: Model) -> LatentSpace:
    """The latent space of a denoiser."""
    return _recognise(Path(model.file.path), model.file.digest)[1].space


@lru_cache(maxsize=64)
def _recognise(path: Path, digest: str) -> tuple[Family, Checkpoint]:
    del digest  # part of the key: another content under the same path is another model
    parts, header = (_folder_parts(path), None) if path.is_dir() else (None, read_header(path))
    refused: WeightFileError | None = None
    for family in _candidates(header):
        try:
            found = family.recognise(header) if header is not None else family.assemble(parts or {})
        except WeightFileError as error:
            refused = refused or error  # a family that a pack has added may know better
            continue
        if found is not None:
            return family, found
    if refused is not None:
        raise refused
    if header is None:
        raise WeightFileError(f"The diffusers model in '{path}' is of no family that is known here ({_known()}).")
    raise WeightFileError(f"'{path.name}' is not a checkpoint of {_known()}: it looks like {looks_like(header)}.")


@lru_cache(maxsize=64)
def _recognise_vae(path: Path, digest: str) -> tuple[Family, Checkpoint]:
    if path.is_dir() and (path / "model_index.json").exists():
        return _recognise(path, digest)
    header = _folder_part(path)[0] if path.is_dir() else read_header(path)
    for family in _candidates(header):
        found = family.vae(header)
        if found is not None:
            return family, found
    raise WeightFileError(
        f"'{path.name}' holds no autoencoder (VAE) of {_known()}: it looks like {looks_like(header)}."
    )


def _candidates(header: Header | None) -> tuple[Family, ...]:
    """The families to try: the one that the file names, or all."""
    named = header.config.get("family") if header is not None else None
    if named is None:
        return tuple(families().values())
    known = families()
    if named not in known:
        place = header.path.name if header is not None else ""
        raise WeightFileError(f"'{place}' says it is of the family '{named}'; known are {', '.join(known)}.")
    return (known[named],)


def _folder_parts(path: Path) -> Mapping[Part, tuple[Header, Mapping[str, Any]]]:
    index = path / "model_index.json"
    if not index.exists():
        raise WeightFileError(f"The folder '{path}' is no diffusers model: it has no model_index.json.")
    _refuse_other_predictions(path)
    return {part: _folder_part(path / part) for part in get_args(Part) if (path / part).is_dir()}


def _folder_part(path: Path) -> tuple[Header, Mapping[str, Any]]:
    if not (path / "config.json").exists():
        raise WeightFileError(f"The folder '{path}' is no network of a diffusers model: it has no config.json.")
    file = next((path / name for name in WEIGHTS_IN_FOLDER if (path / name).exists()), None)
    if file is None:
        raise WeightFileError(
            f"The folder '{path}' has none of the files that hold weights: {', '.join(WEIGHTS_IN_FOLDER)}."
        )
    return read_header(file), _read_json(path / "config.json")


def _refuse_other_predictions(path: Path) -> None:
    scheduler = path / "scheduler" / "scheduler_config.json"
    if scheduler.exists():
        predicts = _read_json(scheduler).get("prediction_type", "epsilon")
        if predicts != "epsilon":
            raise WeightFileError(
                f"The diffusers model in '{path}' predicts '{predicts}'; this version samples 'epsilon' models."
            )


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightFileError(f"'{path}' is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise WeightFileError(f"'{path}' is not a JSON object.")
    return content


def _known() -> str:
    return ", ".join(family.title for family in families().values())
