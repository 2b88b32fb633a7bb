"""Batches taken apart and put together: nothing is lost, and the order stays."""

import pytest
import torch

from diffusion.batches import regrouped_images, regrouped_latents, single_images, single_latents
from diffusion.latents import empty
from diffusion.values import Image, Latent

DRAW = torch.Generator().manual_seed(1)


def images(*shapes: tuple[int, int, int, int], **facts: object) -> list[Image]:
    return [Image(torch.rand(shape, generator=DRAW), **facts) for shape in shapes]  # pyright: ignore[reportArgumentType]


def latent(batch: int, side: int = 2, *, mask: int | None = None, places: tuple[int, ...] | None = None) -> Latent:
    noise_mask = None if mask is None else torch.rand(mask, 8, 8, generator=DRAW)
    return Latent(torch.rand(batch, 4, side, side, generator=DRAW), noise_mask=noise_mask, batch_index=places)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_pictures_of_one_shape_come_out_in_order(size):
    given = images((3, 2, 5, 3), (1, 2, 5, 3), (3, 2, 5, 3))
    found = regrouped_images(given, size)
    assert all(len(image.pixels) == size for image in found[:-1])
    assert len(found[-1].pixels) <= size
    assert torch.equal(torch.cat([image.pixels for image in found]), torch.cat([image.pixels for image in given]))


def test_pictures_of_another_shape_or_range_begin_a_new_batch():
    given = [*images((2, 2, 5, 3), (1, 5, 2, 3)), *images((1, 5, 2, 3), range=(0.0, 255.0))]
    found = regrouped_images(given, 10)
    assert [(len(image.pixels), image.range) for image in found] == [(2, None), (1, None), (1, (0.0, 255.0))]
    assert regrouped_images([], 3) == []


def test_single_pictures_share_memory_with_their_batch():
    (batch,) = images((3, 2, 5, 3), source_bits=16)
    singles = single_images([batch])
    assert [image.pixels.data_ptr() for image in singles] == [batch.pixels[item].data_ptr() for item in range(3)]
    assert {image.source_bits for image in singles} == {16}


def test_latents_keep_their_masks_and_places():
    given = [latent(2, mask=2, places=(4, 9)), latent(1, mask=1, places=(0,))]
    (found,) = regrouped_latents(given, 8)
    assert found.batch_index == (4, 9, 0)
    assert torch.equal(found.samples, torch.cat([item.samples for item in given]))
    assert found.noise_mask is not None
    assert torch.equal(found.noise_mask, torch.cat([item.noise_mask for item in given if item.noise_mask is not None]))


def test_one_mask_for_a_batch_goes_with_every_item():
    given = latent(3, mask=1)
    singles = single_latents([given])
    assert given.noise_mask is not None
    assert all(single.noise_mask is not None for single in singles)
    assert all(torch.equal(single.noise_mask, given.noise_mask) for single in singles if single.noise_mask is not None)


def test_items_without_a_place_get_their_number_among_all():
    assert [item.batch_index for item in single_latents([latent(2), latent(2)])] == [(0,), (1,), (2,), (3,)]


def test_latents_of_another_shape_or_mask_begin_a_new_batch():
    given = [latent(2), latent(1, side=3), latent(1, side=3, mask=1), latent(1)]
    assert [len(item.samples) for item in regrouped_latents(given, 8)] == [2, 1, 1, 1]


def test_empty_latents_stay_empty():
    (found,) = regrouped_latents([empty(64, 32, 2), empty(64, 32, 1)], 8)
    assert (found.empty_size, found.samples.shape[0]) == ((32, 64), 3)
