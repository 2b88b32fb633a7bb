"""What Stable Diffusion 1, 2 and XL share: a convolutional U-Net with cross-attention to CLIP's states, and an
autoencoder with four latent channels. Loads no torch.

A family names what sets it apart in a `Structure`; how its files are read stands here. Widths and depths are read from
shapes, so a smaller model of the same structure is one of the family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from diffusion.families.accounting import account_for_all, refuse_quantised, without_weights
from diffusion.families.autoencoder import CHANNELS, autoencoder, tiny_autoencoder
from diffusion.families.clip import TextKind, text_encoder, text_folder
from diffusion.families.family import Checkpoint, Component, Family, Folder, Part, TextPlace
from diffusion.families.unet import FIRST, told_sizes, unet
from diffusion.header import Header, WeightFileError
from diffusion.original_layout import UNET_PREFIX
from diffusion.values import LatentSpace

if TYPE_CHECKING:
    from diffusion.prediction import Prediction

Said = Callable[[Header, Mapping[str, Any]], "Callable[[], Prediction] | None"]
"""What a file, or the scheduler's configuration beside it, says of the prediction; None where neither says."""


@dataclass(frozen=True)
class Structure:
    """What sets a family apart.

    fits: whether a U-Net of this configuration is of the family. texts: its text encoders, in the order in which their
    states stand side by side. space: its latent space. sizes: how many sizes its U-Net is told, if it is.
    prediction: what it means if the file does not say. said: what file or folder say of it. beside: channels of the
    picture that its U-Net always sees beside the latent; 0 where only models for repainting and for instructions do.
    """

    name: str
    title: str
    fits: Callable[[Mapping[str, Any]], bool]
    texts: tuple[TextKind, ...]
    space: LatentSpace
    prediction: Callable[[], Prediction]
    said: Said
    sizes: int = 0
    beside: int = 0


def family(of: Structure) -> Family:
    """The family of a structure."""
    return Family(
        of.name,
        of.title,
        recognise=partial(_recognise, of),
        assemble=partial(_assemble, of),
        vae=partial(_vae, of),
        prediction=of.prediction,
        unet=partial(_unet, of),
        text_encoder=partial(_text_encoder, of),
        widths=MappingProxyType({kind.part: kind.width for kind in of.texts}),
        texts=MappingProxyType(
            {kind.part: TextPlace(kind.prefix, kind.layouts[0], kind.name, kind.whole) for kind in of.texts}
        ),
    )


def _recognise(of: Structure, header: Header) -> Checkpoint | None:
    """A whole checkpoint in the original layout."""
    if UNET_PREFIX + FIRST not in header.tensors:
        return None
    ignored = without_weights(header)
    denoiser = unet(header, ignored)
    if denoiser is None or not of.fits(denoiser.config):
        return None
    refuse_quantised(header)
    found: dict[Part, Component | None] = {"unet": denoiser, "vae": autoencoder(header, ignored)}
    found |= {kind.part: text_encoder(header, kind, kind.prefix, ignored) for kind in of.texts}
    components: dict[Part, Component] = {}
    components |= {part: item for part, item in found.items() if item is not None}
    lacking = [name for part, name in _NAMES.items() if part in found and part not in components]
    if lacking:
        raise WeightFileError(
            f"'{header.path.name}' has a {of.title} U-Net but no {' and no '.join(lacking)}. A checkpoint needs U-Net, "
            "text encoder and autoencoder. Load the U-Net with 'Load Diffusion Model' (move the file into the folder "
            "'diffusion_models'), text encoder and autoencoder from files of their own with "
            f"'{'DualCLIPLoader' if len(of.texts) > 1 else 'Load CLIP'}' and 'Load VAE'."
        )
    said = of.said(header, {})
    account_for_all(header, of.title, [component.prefix for component in components.values()])
    return _checked(of, header, components, said)


def _assemble(of: Structure, folder: Folder) -> Checkpoint | None:
    """The networks of a diffusers folder, each with its config.json."""
    needed = {"unet", "vae", *(kind.part for kind in of.texts)}
    if {part for part in folder if part != "scheduler"} != needed:
        return None
    (header, config), (vae_header, vae_config) = folder["unet"], folder["vae"]
    if config.get("_class_name") != "UNet2DConditionModel" or vae_config.get("_class_name") != "AutoencoderKL":
        return None
    if header is None or vae_header is None or not of.fits(config):
        return None
    for part_header, _ in folder.values():
        if part_header is not None:
            refuse_quantised(part_header)
    components: dict[Part, Component] = {"unet": Component("unet", header, "", "modules", config)}
    for kind in of.texts:
        text_header, text_config = folder[kind.part]
        found = None if text_header is None else text_folder(text_header, text_config, kind)
        if found is None:
            return None
        components[kind.part] = found
    components["vae"] = Component("vae", vae_header, "", "modules", vae_config)
    scheduler = folder.get("scheduler", (None, {}))[1]
    return _checked(of, header, components, of.said(header, scheduler))


def _unet(of: Structure, header: Header) -> Checkpoint | None:
    """A denoiser alone, or the one of a checkpoint."""
    ignored = without_weights(header)
    found = unet(header, ignored)
    if found is None or not of.fits(found.config):
        return None
    refuse_quantised(header)
    _check_channels(of, header, found.config, found.config["out_channels"])
    said = of.said(header, {})
    return Checkpoint(MappingProxyType({"unet": found}), _space(of, header, found.config["out_channels"]), said)


def _text_encoder(of: Structure, header: Header, part: Part) -> Component | None:
    """A text encoder alone in a file, as this part of the family."""
    refuse_quantised(header)
    return next((text_encoder(header, kind) for kind in of.texts if kind.part == part), None)


def _vae(of: Structure, header: Header) -> Checkpoint | None:
    """An autoencoder. Alone it may be that of any of these families, so that its latent space has no name."""
    tiny = tiny_autoencoder(header)
    if tiny is not None:
        # It speaks a family's model scale, and is told from those of others by its file's name alone.
        fits = ("xl" in header.path.stem.lower()) == (of.space.name == "sdxl")
        halvings = len(tiny.config["decoder_block_out_channels"]) - 1
        return Checkpoint(MappingProxyType({"vae": tiny}), _space(of, header, CHANNELS, halvings)) if fits else None
    found = autoencoder(header)
    if found is None:
        return None
    refuse_quantised(header)
    space = _space(of, header, found.config["latent_channels"], len(found.config["block_out_channels"]) - 1)
    return Checkpoint(MappingProxyType({"vae": found}), replace(space, name=""))


_NAMES: Mapping[Part, str] = MappingProxyType(
    {"text_encoder": "text encoder", "text_encoder_2": "OpenCLIP text encoder", "vae": "autoencoder (VAE)"}
)


def _checked(
    of: Structure, header: Header, components: Mapping[Part, Component], said: Callable[[], Prediction] | None
) -> Checkpoint:
    """The model, if its networks fit together and are of a kind that can be sampled."""
    denoiser, vae = components["unet"].config, components["vae"].config
    texts = [components[kind.part].config for kind in of.texts]
    _check_channels(of, header, denoiser, vae["latent_channels"])
    width = sum(text["hidden_size"] for text in texts)
    if denoiser["cross_attention_dim"] != width:
        raise WeightFileError(
            f"'{header.path.name}': its text encoder gives states of width {width}, "
            f"its U-Net takes {denoiser['cross_attention_dim']}."
        )
    if of.sizes and told_sizes(denoiser, texts[-1]["projection_dim"]) != of.sizes:
        raise WeightFileError(
            f"'{header.path.name}': its U-Net is told {denoiser['projection_class_embeddings_input_dim']} numbers; a "
            f"{of.title} model with its text encoder is told {texts[-1]['projection_dim']} and {of.sizes} sizes."
        )
    halvings = len(vae["block_out_channels"]) - 1
    space = _space(of, header, vae["latent_channels"], halvings, vae.get("scaling_factor"))
    return Checkpoint(MappingProxyType(dict(components)), space, said)


def _check_channels(of: Structure, header: Header, denoiser: Mapping[str, Any], channels: int) -> None:
    beside = denoiser["in_channels"] - channels
    # Where it need not be: none; a picture, for instructions; a mask and a picture, to repaint.
    if (
        beside not in ((of.beside,) if of.beside else (0, channels, channels + 1))
        or denoiser["out_channels"] != channels
    ):
        raise WeightFileError(
            f"'{header.path.name}': its U-Net takes {denoiser['in_channels']} channels and gives "
            f"{denoiser['out_channels']}; the latents of {of.title} have {channels}."
        )


def _space(
    of: Structure, header: Header, channels: int, halvings: int | None = None, scale: float | None = None
) -> LatentSpace:
    """The family's latent space, with what the file says of its own. halvings, scale: of its autoencoder, if known."""
    latent = header.config.get("latent", {})
    factor = latent.get("factor", of.space.factor) if halvings is None else 2**halvings
    if latent.get("factor", factor) != factor:
        raise WeightFileError(
            f"'{header.path.name}': its metadata says factor {latent['factor']}, but its autoencoder halves "
            f"{halvings} times, which is {factor}."
        )
    space = replace(
        of.space, channels=channels, factor=factor, scale=latent.get("scale_factor", scale or of.space.scale)
    )
    if "rgb" not in latent:
        return space
    bias = latent.get("rgb_bias", (0.0, 0.0, 0.0))
    rgb = tuple((row[0], row[1], row[2]) for row in latent["rgb"])
    return replace(space, rgb=rgb, rgb_bias=(bias[0], bias[1], bias[2]))
