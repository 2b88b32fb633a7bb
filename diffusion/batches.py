"""Batches taken apart and put together: pictures and latents one by one, or in batches of a size."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

import torch

from diffusion.values import Image, Latent

T = TypeVar("T")


def single_images(images: Iterable[Image]) -> list[Image]:
    """Every picture of the batches as a batch of one, in order. They share memory with the batches."""
    return [replace(image, pixels=pixels[None]) for image in images for pixels in image.pixels]


def single_latents(latents: Iterable[Latent]) -> list[Latent]:
    """Every item of the batches as a batch of one, in order, with its noise mask and its place in the noise.

    An item without a place gets the number it has among all items, so that sampling gives it the noise it would have
    had in one batch of them all. They share memory with the batches.
    """
    singles: list[Latent] = []
    for latent in latents:
        mask, offset = latent.noise_mask, len(singles)
        for item in range(latent.samples.shape[0]):
            singles.append(
                replace(
                    latent,
                    samples=latent.samples[item : item + 1],
                    noise_mask=None if mask is None else mask[item % mask.shape[0]][None],
                    batch_index=(latent.batch_index[item] if latent.batch_index else offset + item,),
                )
            )
    return singles


def regrouped_images(images: Iterable[Image], size: int) -> list[Image]:
    """The pictures in batches of `size`, in order; the last may be smaller. One of another shape begins a new batch."""

    def alike(image: Image) -> Hashable:
        return tuple(image.pixels.shape[1:]), image.range, image.spacing, image.source_bits

    return [
        replace(group[0], pixels=torch.cat([image.pixels for image in group]))
        for group in _groups(single_images(images), size, alike)
    ]


def regrouped_latents(latents: Iterable[Latent], size: int) -> list[Latent]:
    """The items in batches of `size`, in order; the last may be smaller. Places in the noise: see `single_latents`.

    One of another shape or latent space, or with a noise mask of another size or without one, begins a new batch.
    """

    def alike(latent: Latent) -> Hashable:
        mask = None if latent.noise_mask is None else tuple(latent.noise_mask.shape)
        return tuple(latent.samples.shape[1:]), latent.space, latent.empty_size, mask

    return [
        replace(
            group[0],
            samples=torch.cat([latent.samples for latent in group]),
            noise_mask=None
            if group[0].noise_mask is None
            else torch.cat([latent.noise_mask for latent in group if latent.noise_mask is not None]),
            batch_index=tuple(place for latent in group for place in latent.batch_index or ()),
        )
        for group in _groups(single_latents(latents), size, alike)
    ]


def _groups(items: Sequence[T], size: int, alike: Callable[[T], Hashable]) -> list[list[T]]:
    """Items in groups of at most `size` that are alike, in order."""
    groups: list[list[T]] = []
    for item in items:
        if groups and len(groups[-1]) < size and alike(groups[-1][0]) == alike(item):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups
