"""Latents that would come to an autoencoder or a model of another family, told before the run from the headers of the
files.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from diffusion.checkpoint import read_unet, read_vae, space_of
from diffusion.families import family_named
from diffusion.header import WeightFileError
from diffusion.values import LatentSpace
from graph.files import File
from graph.plan import Plan
from graph.problem import Problem
from graph.work import Work
from noisewright.foresight import FOLDERS

log = logging.getLogger(__name__)

Part = Literal["unet", "vae"]

WIRES: Mapping[Part, str] = MappingProxyType({"unet": "MODEL", "vae": "VAE"})
"""What a link brings that holds a part."""

GUIDED = ("MODEL", "GUIDER")
"""What a node has that makes latents by sampling."""

OF_SDXL, OF_SD = ("sdxl", "xl_vae", "xl-vae", "vae_xl", "vae-xl"), ("sd15", "sd1.5", "vae-ft-", "kl-f8-anime")
"""Parts of the names of autoencoders that are published alone in a file; nothing in these files says whose they are."""


class Origin(NamedTuple):
    """A file that a denoiser or an autoencoder is of."""

    part: Part
    path: Path
    digest: str


Origins = frozenset[Origin] | None
"""All that something may be of; None where that is not known."""


class Known(NamedTuple):
    """file: its name. space: its latent space. title: of its family, "" for an autoencoder alone, which may be that of
    several.
    """

    file: str
    space: LatentSpace
    title: str


def mismatches(planned: Plan) -> list[Problem]:
    """Nodes of a plan that would decode latents of another family than their autoencoder's, or go on from latents of
    another family than their model's: all sampling before them would be for nothing.

    Where models and latents cannot be followed to their files, as through nodes of packs that may turn latents of one
    family into those of another, nothing is said. An autoencoder that is another family's by its name alone is a
    warning in the log. Loads no torch for safetensors files.
    """
    taking = [(step.work, wires) for step in planned.steps if step.action == "run" and (wires := _takes(step.work))]
    if not taking:
        return []
    given: dict[str, dict[str, Origins]] = {}
    for node, work in planned.works.items():  # each after those that it is linked to
        given[node] = _given(work, given)
    found = list[Problem]()
    for work, wires in taking:
        latent, taker = _known(_linked(work, given, ("LATENT",))), _known(_linked(work, given, wires))
        if latent is None or taker is None:
            continue
        if _differ(latent.space, taker.space):
            found.append(_problem(work, wires, latent, taker))
        elif not taker.title and (whose := _by_name(taker.file, latent)):
            log.warning(
                "By its name, the autoencoder '%s' is one of %s, but it is to decode latents of %s ('%s'), whose "
                "numbers mean other colours. If so, connect an autoencoder of %s.",
                *(taker.file, whose, latent.title, latent.file, latent.title),
            )
    return found


def _problem(work: Work, wires: tuple[str, ...], latent: Known, taker: Known) -> Problem:
    one, other = (f"of {each.title} ('{each.file}')" if each.title else f"'{each.file}'" for each in (latent, taker))
    why = "their numbers mean other colours"
    if (latent.space.channels, latent.space.factor) != (taker.space.channels, taker.space.factor):
        mine, theirs = (f"{each.space.channels} channels and factor {each.space.factor}" for each in (latent, taker))
        why = f"those have {mine}, it takes {theirs}"
    is_vae = wires == ("VAE",)
    decodes, goes_on = "decode latents {} with the autoencoder {}", "go on from latents {} with the model {}"
    return Problem(
        code="wrong_link_type",
        node=work.node,
        input=next(name for name, _, _, _ in work.links if _wire(work, name) in wires),
        message=f"Node '{work.node}' ({work.kind.spec.type}) would "
        f"{(decodes if is_vae else goes_on).format(one, other)}: {why}.",
        hint=f"Connect an autoencoder of the same family as '{latent.file}'."
        if is_vae
        else "Decode the latents with their own VAE, and encode the picture with that of the other model.",
    )


def _takes(work: Work) -> tuple[str, ...]:
    """By links of which types comes what a node decodes latents with, or goes on from them; () for other nodes."""
    wires = {_wire(work, name) for name, _, _, _ in work.links}
    if "LATENT" not in wires:
        return ()
    if wires & set(GUIDED):
        return GUIDED
    return ("VAE",) if "VAE" in wires and any(each.type == "IMAGE" for each in work.kind.spec.outputs) else ()


def _given(work: Work, given: dict[str, dict[str, Origins]]) -> dict[str, Origins]:
    """What each of a node's outputs, by wire type, is of."""
    wires = {_wire(work, name) for name, _, _, _ in work.links}
    denoiser = _linked(work, given, GUIDED) if wires & set(GUIDED) else _named(work, "unet")
    autoencoder = _linked(work, given, ("VAE",)) if "VAE" in wires else _named(work, "vae")
    latent = _linked(work, given, ("LATENT",))
    if work.kind.spec.pack:
        latent = None
    elif wires & set(GUIDED):
        latent = denoiser
    elif "VAE" in wires:
        latent = autoencoder
    return {**dict.fromkeys(GUIDED, denoiser), "VAE": autoencoder, "LATENT": latent}


def _linked(work: Work, given: dict[str, dict[str, Origins]], wires: tuple[str, ...]) -> Origins:
    """What comes by the links to inputs of these types."""
    together = frozenset[Origin]()
    for name, source, _, _ in work.links:
        wire = _wire(work, name)
        if wire in wires:
            origins = given[source].get(wire)
            if origins is None:
                return None
            together |= origins
    return together or None


def _named(work: Work, part: Part) -> Origins:
    """The only file with such a part that a node names."""
    files: list[File] = [
        file for name, found in work.files.items() if work.kind.sources[name] in FOLDERS[WIRES[part]] for file in found
    ]
    return frozenset({Origin(part, files[0].path, files[0].digest)}) if len(files) == 1 else None


def _known(origins: Origins) -> Known | None:
    """What all origins agree on; None where they do not, or where one is no model, which the node that loads it
    tells.
    """
    try:
        known = [_read(origin) for origin in sorted(origins or ())]
    except (WeightFileError, OSError):
        return None
    return known[0] if known and all(each.space == known[0].space for each in known) else None


def _read(origin: Origin) -> Known:
    if origin.part == "unet":
        model = read_unet(origin.path, origin.digest)
        return Known(origin.path.name, space_of(model), family_named(model.family).title)
    vae = read_vae(origin.path, origin.digest)
    return Known(origin.path.name, vae.space, family_named(vae.family).title if vae.space.name else "")


def _wire(work: Work, name: str) -> str:
    return work.kind.inputs[name].type


def _differ(one: LatentSpace, other: LatentSpace) -> bool:
    named = one.name and other.name and one.name != other.name
    return bool(named) or (one.channels, one.factor) != (other.channels, other.factor)


def _by_name(file: str, latent: Known) -> str:
    """The family that the name of an autoencoder's file speaks of, where it is another one; "" otherwise."""
    name, is_xl = file.lower(), latent.space.name == "sdxl"
    if not is_xl and any(part in name for part in OF_SDXL):
        return "SDXL"
    return "Stable Diffusion 1" if is_xl and any(part in name for part in OF_SD) else ""
