"""Latents turned, cut and combined: against numpy, torch's interpolation and closed forms."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from diffusion import latents
from diffusion.noise import initial_noise
from diffusion.values import Latent, LatentSpace, Mask

SD = LatentSpace("sd", channels=4, factor=8, scale=0.18215)
SMALL = LatentSpace("small", channels=4, factor=4, scale=1.0)
WIDE = LatentSpace("wide", channels=16, factor=8, scale=1.5305, shift=0.0609)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def latent(height: int = 16, width: int = 24, batch: int = 1, space: LatentSpace | None = SD, **more: object) -> Latent:
    channels = space.channels if space else 4
    return replace(Latent(noise(batch, channels, height, width)), space=space, **more)


class TestEmpty:
    def test_holds_zeros_at_an_eighth_and_knows_its_picture_size(self) -> None:
        made = latents.empty(520, 64, batch=3)
        assert made.samples.shape == (3, 4, 8, 65)
        assert not made.samples.any()
        assert made.empty_size == (64, 520)
        assert made.space is None

    @pytest.mark.parametrize("space", [SD, SMALL, WIDE])
    def test_is_made_anew_for_a_space(self, space: LatentSpace) -> None:
        made = latents.in_space(latents.empty(96, 64, batch=2), space)
        assert made.samples.shape == (2, space.channels, 64 // space.factor, 96 // space.factor)
        assert (made.space, made.empty_size) == (space, None)

    def test_stays_empty_through_everything_that_changes_its_size(self) -> None:
        start = latents.empty(128, 256, batch=2)
        sizes = {
            "upscale": latents.upscale(start, 512, 320, "bislerp"),
            "upscale_by": latents.upscale_by(start, 1.5, "area"),
            "rotate": latents.rotate(start, 1),
            "flip": latents.flip(start, vertically=True),
            "crop": latents.crop(start, 64, 100, 32, 0),
            "from_batch": latents.from_batch(start, 1, 1),
            "repeat": latents.repeat(start, 2),
        }
        assert {name: item.empty_size for name, item in sizes.items()} == {
            "upscale": (320, 512),
            "upscale_by": (384, 192),
            "rotate": (128, 256),
            "flip": (256, 128),
            "crop": (100, 64),
            "from_batch": (256, 128),
            "repeat": (256, 128),
        }
        for name, item in sizes.items():
            height, width = item.empty_size or (0, 0)
            batch = {"from_batch": 1, "repeat": 4}.get(name, 2)
            assert item.samples.shape == (batch, 4, height // 8, width // 8), name

    def test_keeps_sizes_that_only_a_factor_below_eight_can_have(self) -> None:
        assert latents.upscale_by(latents.empty(68, 60), 2.0, "bilinear").empty_size == (120, 136)

    @pytest.mark.parametrize("scale", [0.3, 1.01, 1.5, 2.7])
    def test_is_scaled_as_the_latent_it_becomes(self, scale: float) -> None:
        first = latents.in_space(latents.upscale_by(latents.empty(520, 64), scale, "area"), SD)
        then = latents.upscale_by(latents.in_space(latents.empty(520, 64), SD), scale, "area")
        assert first.samples.shape == then.samples.shape

    @pytest.mark.parametrize(("x", "y"), [(0, 0), (12, 7), (420, 500), (4000, 4000)])
    def test_is_cropped_as_the_latent_it_becomes(self, x: int, y: int) -> None:
        start = latents.empty(512, 520)
        first = latents.in_space(latents.crop(start, 100, 120, x, y), SD)
        then = latents.crop(latents.in_space(start, SD), 100, 120, x, y)
        assert first.samples.shape == then.samples.shape


class TestSpace:
    def test_a_foreign_latent_with_the_right_channels_is_believed(self) -> None:
        assert latents.in_space(latent(space=None), SMALL).space == SMALL

    def test_another_space_is_refused(self) -> None:
        with pytest.raises(ValueError, match="'sd' .*'small'.*Decode it with its own VAE"):
            latents.in_space(latent(space=SD), SMALL)

    def test_other_channels_are_refused(self) -> None:
        with pytest.raises(ValueError, match="4 channels .*'wide'"):
            latents.in_space(latent(space=None), WIDE)

    def test_the_same_space_with_other_preview_colours_is_the_same(self) -> None:
        coloured = replace(SD, rgb=((1.0, 0.0, 0.0),) * 4)
        assert latents.in_space(latent(space=SD), coloured).space == SD


class TestNoiseMask:
    def test_one_mask_holds_for_all(self) -> None:
        values = torch.rand(1, 5, 7)
        assert torch.equal(latents.with_noise_mask(latent(batch=3), Mask(values)).noise_mask, values)

    def test_masks_are_repeated_or_cut_to_the_batch(self) -> None:
        values = torch.arange(2.0)[:, None, None].expand(2, 4, 4)
        assert latents.with_noise_mask(latent(batch=5), Mask(values)).noise_mask[:, 0, 0].tolist() == [0, 1, 0, 1, 0]
        three = torch.arange(3.0)[:, None, None].expand(3, 4, 4)
        assert latents.with_noise_mask(latent(batch=2), Mask(three)).noise_mask[:, 0, 0].tolist() == [0, 1]


class TestUpscale:
    @pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic"])
    def test_is_torchs_interpolation_at_the_size_over_the_factor(self, method: str) -> None:
        start = latent()
        for space in (SD, SMALL):
            made = latents.upscale(replace(start, space=space), 256, 512, method)
            size = 512 // space.factor, 256 // space.factor
            assert torch.equal(made.samples, interpolate(start.samples, size=size, mode=method))

    def test_zero_twice_changes_nothing(self) -> None:
        start = latent()
        assert latents.upscale(start, 0, 0, "area") is start

    def test_zero_once_keeps_the_shape(self) -> None:
        assert latents.upscale(latent(16, 24), 0, 256, "area").samples.shape[-2:] == (32, 48)
        assert latents.upscale(latent(16, 24), 96, 0, "area").samples.shape[-2:] == (8, 12)

    def test_leaves_at_least_eight_latent_pixels(self) -> None:
        for space in (SD, SMALL):
            assert latents.upscale(latent(space=space), 8, 16, "area").samples.shape[-2:] == (8, 8)

    def test_cropping_around_the_centre_does_not_stretch(self) -> None:
        start = latent(16, 24)
        made = latents.upscale(start, 256, 256, "bilinear", "center")
        assert torch.equal(made.samples, interpolate(start.samples[..., 4:20], size=(32, 32), mode="bilinear"))

    def test_cropping_cuts_the_noise_mask_too(self) -> None:
        mask = torch.zeros(1, 128, 192)
        mask[..., 32:160] = 1
        made = latents.upscale(latent(16, 24, noise_mask=mask), 256, 256, "bilinear", "center")
        assert torch.equal(made.noise_mask, torch.ones(1, 256, 256))

    def test_without_cropping_the_noise_mask_stays(self) -> None:
        start = latent(noise_mask=torch.rand(1, 30, 40))
        assert latents.upscale(start, 256, 256, "bilinear").noise_mask is start.noise_mask

    def test_by_a_factor_goes_to_the_nearest_latent_pixel(self) -> None:
        assert latents.upscale_by(latent(16, 24), 1.6, "area").samples.shape[-2:] == (26, 38)
        assert latents.upscale_by(latent(16, 24, space=SMALL), 1.6, "area").samples.shape[-2:] == (26, 38)
        assert latents.upscale_by(latent(16, 24), 0.01, "area").samples.shape[-2:] == (1, 1)


class TestTurning:
    @pytest.mark.parametrize("turns", range(4))
    def test_is_clockwise_as_numpy_turns_backwards(self, turns: int) -> None:
        start = latent(noise_mask=torch.rand(1, 16, 24))
        made = latents.rotate(start, turns)
        assert np.array_equal(made.samples.numpy(), np.rot90(start.samples.numpy(), -turns, axes=(2, 3)))
        assert np.array_equal(made.noise_mask.numpy(), np.rot90(start.noise_mask.numpy(), -turns, axes=(1, 2)))

    def test_the_top_left_corner_goes_to_the_top_right(self) -> None:
        start = torch.zeros(1, 4, 8, 8)
        start[..., 0, 0] = 1
        assert latents.rotate(Latent(start), 1).samples[0, 0, 0, 7] == 1

    def test_flipping_mirrors_picture_and_mask(self) -> None:
        start = latent(noise_mask=torch.rand(1, 16, 24))
        for vertically, axis in ((True, -2), (False, -1)):
            made = latents.flip(start, vertically=vertically)
            assert np.array_equal(made.samples.numpy(), np.flip(start.samples.numpy(), axis))
            assert np.array_equal(made.noise_mask.numpy(), np.flip(start.noise_mask.numpy(), axis))

    def test_a_sound_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"latents of pictures.*\[1, 64, 100\]"):
            latents.rotate(Latent(torch.zeros(1, 64, 100)), 1)


class TestCrop:
    def test_cuts_in_units_of_the_factor(self) -> None:
        start = latent(32, 40)
        assert torch.equal(latents.crop(start, 100, 64, 17, 30).samples, start.samples[..., 3:11, 2:14])
        small = replace(start, space=SMALL)
        assert torch.equal(latents.crop(small, 101, 64, 17, 30).samples, start.samples[..., 7:23, 4:29])

    def test_leaves_out_what_lies_outside_and_keeps_eight_latent_pixels(self) -> None:
        start = latent(16, 24)
        assert torch.equal(latents.crop(start, 512, 512, 9000, 80).samples, start.samples[..., 8:, 16:])

    def test_a_latent_smaller_than_that_stays_whole(self) -> None:
        start = latent(6, 5)
        assert torch.equal(latents.crop(start, 512, 512, 16, 16).samples, start.samples)

    @pytest.mark.parametrize("scale", [1, 4, 8])
    def test_the_noise_mask_keeps_its_place(self, scale: int) -> None:
        """A mask that is one at a single latent pixel still is one there, at whatever resolution it came."""
        mask = torch.zeros(1, 16, 24)
        mask[0, 5, 11] = 1
        mask = mask.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
        made = latents.crop(latent(16, 24, noise_mask=mask), 64, 64, 64, 16)
        back = interpolate(made.noise_mask[:, None], size=(8, 8), mode="area")[0, 0]
        expected = torch.zeros(8, 8)
        expected[3, 3] = 1
        assert torch.equal(back, expected)

    def test_a_mask_whose_pixels_would_be_split_is_resized_first(self) -> None:
        made = latents.crop(latent(16, 24, noise_mask=torch.ones(1, 5, 7)), 64, 64, 24, 16)
        assert torch.equal(made.noise_mask, torch.ones(1, 64, 64))

    def test_does_not_hold_on_to_the_whole(self) -> None:
        made = latents.crop(latent(64, 64), 64, 64, 0, 0)
        assert made.samples.untyped_storage().nbytes() == made.samples.nbytes


class TestBatch:
    def test_items_are_taken_with_their_places(self) -> None:
        start = latent(batch=5, noise_mask=torch.rand(5, 4, 4))
        made = latents.from_batch(start, 2, 2)
        assert torch.equal(made.samples, start.samples[2:4])
        assert torch.equal(made.noise_mask, start.noise_mask[2:4])
        assert made.batch_index == (2, 3)

    def test_taking_from_what_was_taken_remembers_the_first_places(self) -> None:
        made = latents.from_batch(latents.from_batch(latent(batch=6), 2, 4), 1, 2)
        assert made.batch_index == (3, 4)

    def test_there_is_always_one_item(self) -> None:
        start = latent(batch=3)
        assert latents.from_batch(start, 60, 5).batch_index == (2,)
        assert latents.from_batch(start, 1, 64).batch_index == (1, 2)

    def test_noise_is_that_of_the_whole_batch(self) -> None:
        start = latent(batch=4)
        made = latents.from_batch(start, 1, 2)
        whole = initial_noise(start.samples.shape, 7)
        assert torch.equal(initial_noise(made.samples.shape, 7, made.batch_index), whole[1:3])

    def test_one_mask_for_all_stays_one(self) -> None:
        start = latent(batch=3, noise_mask=torch.rand(1, 4, 4))
        assert latents.from_batch(start, 1, 2).noise_mask.shape[0] == 1
        assert latents.repeat(start, 2).noise_mask.shape[0] == 1

    def test_repeating_goes_round(self) -> None:
        start = latent(batch=2, noise_mask=torch.rand(2, 4, 4))
        made = latents.repeat(start, 3)
        assert np.array_equal(made.samples.numpy(), np.tile(start.samples.numpy(), (3, 1, 1, 1)))
        assert np.array_equal(made.noise_mask.numpy(), np.tile(start.noise_mask.numpy(), (3, 1, 1)))
        assert made.batch_index is None

    def test_repetitions_get_places_of_their_own(self) -> None:
        start = latent(batch=2, batch_index=(3, 5))
        assert latents.repeat(start, 3).batch_index == (3, 5, 6, 8, 9, 11)

    def test_a_sound_can_be_repeated_too(self) -> None:
        assert latents.repeat(Latent(torch.zeros(1, 64, 100)), 2).samples.shape == (2, 64, 100)


class TestComposite:
    def test_lays_one_on_the_other_and_cuts_what_hangs_over(self) -> None:
        below, above = latent(16, 16), latent(8, 8)
        made = latents.composite(below, above, 80, 32).samples
        assert torch.equal(made[..., 4:12, 10:], above.samples[..., :, :6])
        outside = torch.ones(16, 16, dtype=torch.bool)
        outside[4:12, 10:] = False
        assert torch.equal(made[..., outside], below.samples[..., outside])

    def test_places_follow_the_factor(self) -> None:
        below, above = latent(16, 16, space=SMALL), latent(8, 8, space=SMALL)
        assert torch.equal(latents.composite(below, above, 16, 8).samples[..., 2:10, 4:12], above.samples)

    def test_feathers_inner_edges_in_equal_steps(self) -> None:
        below, above = Latent(torch.zeros(1, 1, 16, 16)), Latent(torch.ones(1, 1, 8, 8))
        made = latents.composite(below, above, 0, 32, feather=32).samples[0, 0]
        rise = torch.tensor([0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25])
        assert torch.allclose(made[4:12, 0], rise)  # left edge of the canvas: only top and bottom fade
        assert torch.allclose(made[7, :8], torch.tensor([1, 1, 1, 1, 1, 0.75, 0.5, 0.25]))
        assert torch.allclose(made[4:12, 7], rise * 0.25)

    def test_outside_is_refused(self) -> None:
        with pytest.raises(ValueError, match="outside the first, which is 128×128 pixels"):
            latents.composite(latent(16, 16), latent(8, 8), 128, 0)

    def test_other_spaces_are_refused(self) -> None:
        with pytest.raises(ValueError, match="'sd'.*'small'"):
            latents.composite(latent(space=SD), latent(space=SMALL), 0, 0)
        with pytest.raises(ValueError, match="4 and 16 channels"):
            latents.composite(Latent(noise(1, 4, 8, 8)), Latent(noise(1, 16, 8, 8)), 0, 0)

    def test_an_empty_canvas_takes_the_other_ones_space(self) -> None:
        above = latent(8, 8, space=SMALL)
        made = latents.composite(latents.empty(64, 64), above, 16, 0)
        assert (made.space, made.empty_size, made.samples.shape) == (SMALL, None, (1, 4, 16, 16))
        assert torch.equal(made.samples[..., :8, 4:12], above.samples)

    def test_an_empty_canvas_under_a_foreign_latent_has_its_channels(self) -> None:
        made = latents.composite(latents.empty(64, 64), Latent(noise(1, 16, 8, 8)), 0, 0)
        assert made.samples.shape == (1, 16, 8, 8)

    def test_an_empty_latent_laid_on_a_picture_erases(self) -> None:
        made = latents.composite(latent(16, 16), latents.empty(64, 64), 0, 0).samples
        assert not made[..., :8, :8].any()

    def test_empty_on_empty_is_empty(self) -> None:
        below = latents.empty(64, 64)
        assert latents.composite(below, latents.empty(32, 32), 0, 0).empty_size == (64, 64)

    def test_a_single_picture_goes_with_a_batch(self) -> None:
        assert latents.composite(latent(batch=3), latent(8, 8), 0, 0).samples.shape[0] == 3
        assert latents.composite(latent(), latent(8, 8, batch=3), 0, 0).samples.shape[0] == 3
        with pytest.raises(ValueError, match="3 and 2 pictures"):
            latents.composite(latent(batch=3), latent(8, 8, batch=2), 0, 0)


class TestBlend:
    def test_weighs_first_and_second(self) -> None:
        first, second = latent(), Latent(noise(1, 4, 16, 24, seed=1), space=SD)
        made = latents.blend(first, second, 0.3).samples
        assert torch.allclose(made, torch.lerp(second.samples, first.samples, 0.3), atol=1e-6)

    def test_the_second_is_resized_around_its_centre(self) -> None:
        first, second = latent(16, 16), latent(8, 12)
        made = latents.blend(first, second, 0.0).samples
        assert torch.equal(made, interpolate(second.samples[..., 2:10], size=(16, 16), mode="bicubic"))

    def test_mask_and_places_are_the_firsts(self) -> None:
        first = latent(noise_mask=torch.rand(1, 4, 4), batch_index=(3,))
        made = latents.blend(first, latent(), 0.5)
        assert (made.noise_mask is first.noise_mask, made.batch_index) == (True, (3,))

    def test_an_empty_one_counts_as_zeros(self) -> None:
        second = latent(16, 16, space=SMALL)
        made = latents.blend(latents.empty(64, 64), second, 0.25)
        assert made.space == SMALL
        assert torch.allclose(made.samples, second.samples * 0.75)
        assert latents.blend(latents.empty(64, 64), latents.empty(32, 32), 0.5).empty_size == (64, 64)

    def test_other_spaces_are_refused(self) -> None:
        with pytest.raises(ValueError, match="'wide'"):
            latents.blend(latent(), latent(space=WIDE), 0.5)
