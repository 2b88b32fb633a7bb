import numpy as np
import pytest
import torch
from PIL import Image as PilImage
from PIL import ImageChops

from diffusion import compositing
from diffusion.resize import resize
from diffusion.values import Image, Mask


def random_image(*shape: int, seed: int = 1, **facts) -> Image:
    levels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed))
    return Image(levels / 255, **facts)


def random_mask(*shape: int, seed: int = 5) -> Mask:
    return Mask(torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed)) / 255)


def pillow(image: Image) -> PilImage.Image:
    return PilImage.fromarray((image.pixels[0] * 255).round().byte().numpy())


CHOPS = {
    "multiply": ImageChops.multiply,
    "screen": ImageChops.screen,
    "difference": ImageChops.subtract,
    "overlay": ImageChops.overlay,
}


@pytest.mark.parametrize("mode", ["multiply", "screen", "overlay", "difference"])
def test_modes_are_pillows_to_its_rounding(mode):
    pair = random_image(1, 9, 8, 3), random_image(1, 9, 8, 3, seed=2)
    found = compositing.blended(*pair, 1.0, mode).pixels[0]
    expected = np.asarray(CHOPS[mode](*map(pillow, pair)), np.float32) / 255
    np.testing.assert_allclose(found, expected, atol=3.1 / 255)


def test_soft_light_is_that_of_the_standard_by_hand():
    below, above = torch.tensor([0.2, 0.2, 0.6, 0.6]), torch.tensor([0.3, 0.8, 0.3, 0.8])
    expected = [
        0.2 - 0.4 * 0.2 * 0.8,
        0.2 + 0.6 * (((16 * 0.2 - 12) * 0.2 + 4) * 0.2 - 0.2),
        0.6 - 0.4 * 0.6 * 0.4,
        0.6 + 0.6 * (0.6**0.5 - 0.6),
    ]
    pictures = [Image(values.reshape(1, 1, 4, 1)) for values in (below, above)]
    found = compositing.blended(*pictures, 1.0, "soft_light").pixels.flatten()
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("factor", [0.0, 0.25, 1.0])
def test_the_factor_goes_from_the_first_to_the_mode(factor):
    pair = random_image(2, 5, 4, 3), random_image(2, 5, 4, 3, seed=2)
    first, second = (image.pixels for image in pair)
    found = compositing.blended(*pair, factor, "normal").pixels
    assert torch.allclose(found, first * (1 - factor) + second * factor, atol=1e-6)
    if factor == 0:
        assert torch.equal(found, first)


def test_another_size_is_cut_and_resized_and_the_shorter_batch_begins_again():
    first, second = random_image(2, 6, 6, 3), random_image(3, 4, 8, 1, seed=2)
    found = compositing.blended(first, second, 1.0, "normal").pixels
    expected = resize(second.pixels.movedim(-1, 1), 6, 6, "bicubic", "center").movedim(1, -1).clamp(0, 1)
    assert found.shape == (3, 6, 6, 3)
    assert torch.allclose(found, expected.expand(-1, -1, -1, 3), atol=1e-6)
    assert torch.equal(compositing.blended(first, second, 0.0, "normal").pixels, first.pixels[[0, 1, 0]])


def test_alpha_is_mixed_not_blended():
    first, second = random_image(1, 4, 4, 4), random_image(1, 4, 4, 3, seed=2)
    found = compositing.blended(first, second, 0.25, "difference").pixels
    assert torch.allclose(found[..., 3], 0.75 * first.pixels[..., 3] + 0.25, atol=1e-6)


def test_blending_keeps_the_range_of_the_first():
    first, second = random_image(1, 4, 4, 1), random_image(1, 4, 4, 1, seed=2)
    measured = Image(first.pixels * 50 + 50, range=(50.0, 100.0))
    plain = compositing.blended(first, second, 0.5, "screen").pixels
    assert torch.allclose(compositing.blended(measured, second, 0.5, "screen").pixels, plain * 50 + 50, atol=1e-4)


def test_alpha_is_joined_and_split():
    image, mask = random_image(1, 6, 8, 3), random_mask(2, 6, 8)
    joined = compositing.with_alpha(image, mask)
    assert torch.equal(joined.pixels, torch.cat([image.pixels.repeat(2, 1, 1, 1), 1 - mask.values[..., None]], dim=-1))
    colours, transparency = compositing.without_alpha(joined)
    assert torch.equal(colours.pixels, image.pixels.repeat(2, 1, 1, 1))
    assert torch.allclose(transparency.values, mask.values, atol=1e-6)


def test_a_mask_of_another_size_is_resized_and_an_old_alpha_replaced():
    image, mask = random_image(3, 6, 8, 4), random_mask(1, 3, 4)
    joined = compositing.with_alpha(image, mask).pixels
    alpha = 1 - resize(mask.values[:, None], 6, 8, "bilinear")[:, 0]
    assert torch.equal(joined[..., :3], image.pixels[..., :3])
    assert torch.allclose(joined[..., 3], alpha.expand(3, 6, 8), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_without_alpha_a_picture_is_opaque(channels):
    image = random_image(2, 4, 5, channels)
    colours, transparency = compositing.without_alpha(image)
    assert torch.equal(colours.pixels, image.pixels)
    assert torch.equal(transparency.values, torch.zeros(2, 4, 5))
    grey = compositing.without_alpha(random_image(1, 4, 5, 2))[0]
    assert grey.pixels.shape == (1, 4, 5, 1)


def over(one: tuple[float, float], other: tuple[float, float], mode: str) -> tuple[float, float]:
    """The operators by hand, from the definitions: (colour times alpha, alpha) of source and destination."""
    (s, sa), (d, da) = one, other
    union = sa + da - sa * da
    return {
        "ADD": (min(s + d, 1), min(sa + da, 1)),
        "CLEAR": (0, 0),
        "DARKEN": ((1 - da) * s + (1 - sa) * d + min(s, d), union),
        "DST": (d, da),
        "DST_ATOP": (sa * d + (1 - da) * s, sa),
        "DST_IN": (d * sa, sa * da),
        "DST_OUT": (d * (1 - sa), (1 - sa) * da),
        "DST_OVER": (d + (1 - da) * s, da + (1 - da) * sa),
        "LIGHTEN": ((1 - da) * s + (1 - sa) * d + max(s, d), union),
        "MULTIPLY": (s * d, sa * da),
        "OVERLAY": (2 * s * d if 2 * d < da else sa * da - 2 * (da - d) * (sa - s), union),
        "SCREEN": (s + d - s * d, union),
        "SRC": (s, sa),
        "SRC_ATOP": (da * s + (1 - sa) * d, da),
        "SRC_IN": (s * da, sa * da),
        "SRC_OUT": (s * (1 - da), sa * (1 - da)),
        "SRC_OVER": (s + (1 - sa) * d, sa + (1 - sa) * da),
        "XOR": ((1 - da) * s + (1 - sa) * d, (1 - da) * sa + (1 - sa) * da),
    }[mode]


@pytest.mark.parametrize("mode", compositing.OPERATORS)
def test_operators_are_those_of_their_definition(mode):
    source, destination = random_image(1, 5, 5, 1), random_image(1, 5, 5, 1, seed=2)
    clear, unclear = random_mask(1, 5, 5), random_mask(1, 5, 5, seed=6)
    image, mask = compositing.composed(source, clear, destination, unclear, mode)
    flat = [tensor.flatten().tolist() for tensor in (source.pixels, clear.values, destination.pixels, unclear.values)]
    results = zip(image.pixels.flatten().tolist(), mask.values.flatten().tolist(), strict=True)
    for (s, st, d, dt), (colour, transparency) in zip(zip(*flat, strict=True), results, strict=True):
        expected, alpha = over((s * (1 - st), 1 - st), (d * (1 - dt), 1 - dt), mode)
        assert transparency == pytest.approx(1 - alpha, abs=1e-5)
        shown = min(max(expected / alpha, 0), 1) if alpha > 1e-5 else 0
        assert colour == pytest.approx(shown, abs=1e-3)


def test_source_over_is_pillows_to_its_rounding():
    source, destination = random_image(1, 8, 8, 3), random_image(1, 8, 8, 3, seed=2)
    clear, unclear = random_mask(1, 8, 8), Mask(torch.zeros(1, 8, 8))
    image, _ = compositing.composed(source, clear, destination, unclear, "SRC_OVER")
    layers = [pillow(compositing.with_alpha(*pair)) for pair in ((destination, unclear), (source, clear))]
    expected = np.asarray(PilImage.alpha_composite(*layers).convert("RGB"), np.float32) / 255
    np.testing.assert_allclose(image.pixels[0], expected, atol=1.1 / 255)


def test_the_result_has_the_size_of_the_source_and_the_longest_batch():
    source, destination = random_image(2, 6, 4, 4), random_image(1, 12, 12, 2, seed=2)
    image, mask = compositing.composed(source, random_mask(1, 3, 2), destination, random_mask(3, 12, 12), "SRC_ATOP")
    assert image.pixels.shape == (3, 6, 4, 3)
    assert mask.values.shape == (3, 6, 4)
    assert image.pixels.isfinite().all()


def test_unknown_modes_are_told():
    image, mask = random_image(1, 2, 2, 3), random_mask(1, 2, 2)
    with pytest.raises(ValueError, match=r"no blend mode 'multply'\. Did you mean 'multiply'\?"):
        compositing.blended(image, image, 0.5, "multply")
    with pytest.raises(ValueError, match=r"no mode of compositing 'SRC-OVER'\. Did you mean 'SRC_OVER'\?"):
        compositing.composed(image, mask, image, mask, "SRC-OVER")
