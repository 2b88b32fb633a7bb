"""Models as files: recognises a checkpoint by its header and names its parts. Loads no torch for safetensors files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from diffusion.families import (
    TEXT_PARTS,
    Checkpoint,
    Component,
    Family,
    Folder,
    Part,
    TextStates,
    families,
    family_named,
    seems,
)
from diffusion.families.accounting import refuse_quantised
from diffusion.families.clip import sizes
from diffusion.families.clip_vision import clip_vision, clip_vision_folder
from diffusion.header import Header, WeightFileError, read_header
from diffusion.values import ClipVision, LatentSpace, Model, TextEncoder, Vae, WeightFile

if TYPE_CHECKING:
    from diffusion.prediction import Prediction

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
    texts: list[Part] = [part for part in TEXT_PARTS if checkpoint.components.get(part) is not None]

    def file(part: Part) -> WeightFile:
        alone = not folder and part not in texts
        return WeightFile(place, digest, "" if alone or (not folder and texts == ["text_encoder"]) else part)

    return Parts(
        Model(family.name, file("unet")),
        TextEncoder(family.name, tuple(file(part) for part in texts)),
        Vae(family.name, file("vae"), checkpoint.space),
    )


def read_unet(path: Path, digest: str, rounding: str = "") -> Model:
    """Recognise a denoiser: alone in a file, in a checkpoint, or in a diffusers folder. Reads headers, no weights.

    rounding: number type to which its weights are rounded ("fp8_e4m3fn", "fp8_e5m2"); "": none. Raises WeightFileError
    as `read_checkpoint` does.
    """
    family, _ = _recognise_unet(path, digest)
    return Model(family.name, WeightFile(str(path.resolve()), digest, "unet" if path.is_dir() else "", rounding))


def read_text_encoders(files: Sequence[tuple[Path, str]]) -> TextEncoder:
    """Recognise the text encoders of one model, each alone in a file with its digest, in any order. Reads headers.

    Raises WeightFileError, naming what the files look like, where they are not those of a known family.
    """
    found = [(read_header(path), digest) for path, digest in files]
    found.sort(key=lambda item: _text_width(item[0]))
    widths = [_text_width(header) for header, _ in found]
    named = {header.config["family"] for header, _ in found if "family" in header.config}
    candidates = [one for one in families().values() if len(one.widths) == len(found) and {one.name} >= named]
    published = {width for family in families().values() for width in family.widths.values()}
    for family in sorted(candidates, key=lambda one: list(one.widths.values()) != widths):
        pairs = list(zip(family.widths, found, strict=True))
        own = family.widths.values()
        if any(width != wanted and width in published for width, wanted in zip(widths, own, strict=True)):
            continue  # that of another family; smaller models of one are as wide as none
        if all(family.text_encoder(header, part) is not None for part, (header, _) in pairs):
            place = (WeightFile(str(header.path.resolve()), digest, part) for part, (header, digest) in pairs)
            return TextEncoder(family.name, tuple(place))
    told = " and ".join(
        f"'{header.path.name}' (states of width {width})" for (header, _), width in zip(found, widths, strict=True)
    )
    known = "; ".join(
        f"{family.title} takes {' and '.join(str(width) for width in family.widths.values())}"
        for family in families().values()
        if len(family.widths) == len(found)
    )
    raise WeightFileError(
        f"{told}: {'these are not the text encoders' if len(found) > 1 else 'this is not the text encoder'} of one "
        f"model of {_known()}. By the width of its states, {known}."
    )


def read_vae(path: Path, digest: str) -> Vae:
    """Recognise an autoencoder: alone in a file, in a checkpoint, or as a diffusers folder. Reads headers, no weights.

    A tiny autoencoder may be named by the file of its decoder (`…decoder…`); the encoder's is looked for beside it.
    Raises WeightFileError as `read_checkpoint` does, and for an encoder alone.
    """
    family, checkpoint = _recognise_vae(path, digest)
    file = WeightFile(str(path.resolve()), digest, "vae" if path.is_dir() else "")
    match checkpoint.components["vae"].config.get("half"):
        case "encoder":
            raise WeightFileError(
                f"'{path.name}' holds only the encoder of a tiny autoencoder. Put its decoder beside it and take that."
            )
        case "decoder":
            beside = path.with_name(path.name.replace("decoder", "encoder"))
            there = beside != path and beside.is_file()
            encoder = WeightFile(str(beside.resolve()), f"{digest} encoder") if there else None
            return Vae(family.name, file, checkpoint.space, encoder)
    return Vae(family.name, file, checkpoint.space)


def read_clip_vision(path: Path, digest: str) -> ClipVision:
    """Recognise CLIP's picture encoder: alone in a file, in an unCLIP checkpoint, or as a diffusers folder
    (`image_encoder`). Reads headers, no weights. Raises WeightFileError as `read_checkpoint` does.
    """
    _recognise_clip_vision(path, digest)
    return ClipVision(WeightFile(str(path.resolve()), digest, "clip_vision" if path.is_dir() else ""))


def vision_component(file: WeightFile) -> Component:
    """The picture encoder of a file that `read_clip_vision` has recognised."""
    return _recognise_clip_vision(Path(file.path), file.digest)


def component(file: WeightFile, part: Part, family: str = "") -> Component:
    """One network of a file that was recognised. family: of the recipe; only a text encoder alone has to know."""
    path = Path(file.path)
    if part == "vae":
        return _recognise_vae(path, file.digest)[1].components[part]
    if part == "unet":
        found = _recognise_unet(path, file.digest)[1].components[part]
        return replace(found, rounding=file.rounding) if file.rounding else found
    if path.is_dir() or sizes(header := read_header(path), "") is None:
        return _recognise(path, file.digest)[1].components[part]
    found = family_named(family).text_encoder(header, part)
    if found is None:
        raise WeightFileError(f"'{path.name}' holds no text encoder of {family_named(family).title}.")
    return found


def space_of(model: Model) -> LatentSpace:
    """The latent space of a denoiser."""
    return _recognise_unet(Path(model.file.path), model.file.digest)[1].space


def prediction_of(model: Model) -> Prediction:
    """What a denoiser's answers mean: as its file says, or else its family."""
    said = _recognise_unet(Path(model.file.path), model.file.digest)[1].prediction
    return (said or family_named(model.family).prediction)()


def states_of(recipe: TextEncoder) -> TextStates:
    """What is taken of a recipe's only text encoder."""
    (file,) = recipe.files
    return component(file, text_part(file), recipe.family).states


def text_part(file: WeightFile) -> Part:
    """Which text encoder of a model a file is, or holds."""
    return TEXT_PARTS[1] if file.part == TEXT_PARTS[1] else TEXT_PARTS[0]


@lru_cache(maxsize=64)
def _recognise(path: Path, digest: str) -> tuple[Family, Checkpoint]:
    del digest  # part of the key: another content under the same path is another model
    parts, header = (_folder_parts(path), None) if path.is_dir() else ({}, read_header(path))
    found = _first(header, lambda family: family.assemble(parts) if header is None else family.recognise(header))
    if found is not None:
        return found
    if header is None:
        raise WeightFileError(f"The diffusers model in '{path}' is of no family that is known here ({_known()}).")
    raise WeightFileError(f"'{path.name}' is not a checkpoint of {_known()}: {seems(header)}")


@lru_cache(maxsize=64)
def _recognise_unet(path: Path, digest: str) -> tuple[Family, Checkpoint]:
    if path.is_dir():
        return _recognise(path, digest)
    header = read_header(path)
    found = _whole(header) or _first(header, lambda family: family.unet(header))
    if found is not None:
        return found
    raise WeightFileError(f"'{path.name}' holds no denoiser (U-Net) of {_known()}: {seems(header)}")


@lru_cache(maxsize=64)
def _recognise_vae(path: Path, digest: str) -> tuple[Family, Checkpoint]:
    if path.is_dir() and (path / "model_index.json").exists():
        return _recognise(path, digest)
    header = _folder_part(path)[0] if path.is_dir() else read_header(path)
    found = _whole(header) or _first(header, lambda family: family.vae(header))
    if found is not None:
        return found
    raise WeightFileError(f"'{path.name}' holds no autoencoder (VAE) of {_known()}: {seems(header)}")


@lru_cache(maxsize=64)
def _recognise_clip_vision(path: Path, digest: str) -> Component:
    del digest
    header, config = _folder_part(path) if path.is_dir() else (read_header(path), None)
    found = clip_vision(header) if config is None else clip_vision_folder(header, config)
    if found is None:
        raise WeightFileError(f"'{path.name}' holds no CLIP vision model, which sees pictures: {seems(header)}")
    return found


def _whole(header: Header) -> tuple[Family, Checkpoint] | None:
    """The checkpoint that a file is; None where it is none, or one of which only a part can be used."""
    try:
        return _first(header, lambda family: family.recognise(header))
    except WeightFileError:
        return None


def _first(header: Header | None, recognise: Callable[[Family], Checkpoint | None]) -> tuple[Family, Checkpoint] | None:
    """The first family that recognises something. Raises the first refusal where none does."""
    refused: WeightFileError | None = None
    for family in _candidates(header):
        try:
            found = recognise(family)
        except WeightFileError as error:
            refused = refused or error  # a family that a pack has added may know better
            continue
        if found is not None:
            return family, found
    if refused is not None:
        if header is not None:
            refuse_quantised(header)  # then that is why other things are missing
        raise refused
    return None


def _text_width(header: Header) -> int:
    found = sizes(header, "")
    if found is None:
        raise WeightFileError(f"'{header.path.name}' is no CLIP text encoder: {seems(header)}")
    return found[1]["hidden_size"]


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


def _folder_parts(path: Path) -> Folder:
    index = path / "model_index.json"
    if not index.exists():
        raise WeightFileError(f"The folder '{path}' is no diffusers model: it has no model_index.json.")
    scheduler = path / "scheduler" / "scheduler_config.json"
    config = _read_json(scheduler) if scheduler.exists() else {}
    parts = {part: _folder_part(path / part) for part in get_args(Part) if (path / part).is_dir()}
    return {**parts, "scheduler": (None, config)}


def _folder_part(path: Path) -> tuple[Header, Mapping[str, Any]]:
    if not (path / "config.json").exists():
        raise WeightFileError(f"The folder '{path}' is no network of a diffusers model: it has no config.json.")
    file = next((path / name for name in WEIGHTS_IN_FOLDER if (path / name).exists()), None)
    if file is None:
        raise WeightFileError(
            f"The folder '{path}' has none of the files that hold weights: {', '.join(WEIGHTS_IN_FOLDER)}."
        )
    return read_header(file), _read_json(path / "config.json")


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
