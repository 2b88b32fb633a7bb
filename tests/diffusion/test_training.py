"""Training of the bundled models: data, loop, latents, losses and export, on synthetic glyphs and tiny networks."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from PIL import Image
from safetensors import safe_open
from torch import Tensor, nn

from diffusion.architectures import AutoencoderKL, CLIPTextModel
from diffusion.training import checkpoint, networks, parallel
from diffusion.training.drawing import drawn
from diffusion.training.export import exported, write_checkpoint
from diffusion.training.glyphs import Glyph, caption, read_glyphs
from diffusion.training.latents import SCALE_FACTOR, encoded, fold, preview_map, whitening
from diffusion.training.loop import Training, begin, rate, train
from diffusion.training.loss import alphas_cumprod, epsilon, patches, reconstruction
from diffusion.training.plates import Plate, atlas, composed, framed_plates, moved_plates, pair_plates
from diffusion.training.ranking import ranks
from diffusion.training.tokens import tokens


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def disc(name: str, colour: tuple[int, int, int], radius: int) -> Glyph:
    """A filled circle on nothing."""
    rows, columns = np.mgrid[:64, :64] - 31.5
    alpha = np.where(np.hypot(rows, columns) <= radius, 255, 0).astype(np.uint8)
    pixels = np.dstack([np.full((64, 64), value, np.uint8) for value in colour] + [alpha])
    return Glyph(name, (f"{name} disc",), pixels)


GLYPHS = [disc("ruby", (220, 20, 40), 30), disc("leaf", (20, 160, 60), 22), disc("sky", (60, 120, 240), 12)]


# ── data ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def entry(name: str, code: str, **changes: object) -> dict[str, object]:
    return {
        "name": name,
        "unified": code,
        "short_names": [name.lower().split()[0]],
        "image": f"{code.lower()}.png",
        "category": "Objects",
        "subcategory": "tool",
        "sort_order": int(code[:4], 16),
        "has_img_google": True,
    } | changes


def test_glyphs_are_read_without_flags_keycaps_variants_and_doubles(tmp_path: Path) -> None:
    entries = [
        entry("RED APPLE", "1F34E", short_names=["apple"]),
        entry("FLAG OF X", "1F1E6", category="Flags"),
        entry("KEYCAP 3", "0033-20E3", subcategory="keycap"),
        entry("MAN FARMER", "1F468-200D-1F33E", subcategory="person-role"),
        entry("FARMER", "1F9D1-200D-1F33E", subcategory="person-role"),
        entry("WOMAN BOWING", "1F647-200D-2640", subcategory="person-gesture"),
        entry("POMME", "1F34F", short_names=["green_apple"]),
    ]
    folder = tmp_path / "img" / "google" / "64"
    folder.mkdir(parents=True)
    (tmp_path / "emoji.json").write_text(json.dumps(entries))
    for number, item in enumerate(entries):
        colour = (0 if item["name"] == "POMME" else number, 9, 9, 255)
        Image.new("RGBA", (64, 64), colour).save(folder / str(item["image"]))
    found = {glyph.name: glyph.aliases for glyph in read_glyphs(tmp_path)}
    assert found == {"red apple": ("apple", "pomme", "green apple"), "farmer": ()}


def test_caption_is_plain_lower_case() -> None:
    assert caption("MAN: WHITE  HAIR_x") == "man white hair x"


def test_captions_determine_pictures() -> None:
    whole, half = atlas(GLYPHS)
    pictures: dict[str, Tensor] = {}
    for seed in range(4):
        generator = seeded(seed)
        plates = pair_plates(GLYPHS, 40, generator)
        for i in range(3):
            plates += framed_plates(GLYPHS, i, generator) + moved_plates(GLYPHS, i, generator)
        for plate in plates:
            picture = composed(plate, whole, half)
            assert torch.equal(picture, pictures.setdefault(plate.caption, picture)), plate.caption
    assert len(pictures) > 60


def test_plates_repeat_with_their_seed() -> None:
    assert pair_plates(GLYPHS, 9, seeded(5)) == pair_plates(GLYPHS, 9, seeded(5))
    assert moved_plates(GLYPHS, 1, seeded(5)) == moved_plates(GLYPHS, 1, seeded(5))


def test_composition_is_pillows() -> None:
    whole, half = atlas(GLYPHS)
    expected = Image.new("RGBA", (64, 64), (250, 216, 72, 255))
    expected.alpha_composite(Image.fromarray(GLYPHS[0].pixels))
    ours = composed(Plate("ruby on yellow background", ((0, None),), (250, 216, 72)), whole, half)
    theirs = torch.from_numpy(np.array(expected.convert("RGB"))).permute(2, 0, 1) / 255
    assert (ours - theirs).abs().max() < 1 / 255


def test_tokens_are_clips() -> None:
    row = tokens(["A photo of a cat"])[0].tolist()
    assert row[:7] == [49406, 320, 1125, 539, 320, 2368, 49407]  # as transformers' CLIPTokenizer gives them
    assert row[7:] == [49407] * 70


# ── loop ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def toy() -> tuple[Training, Callable[[torch.Generator], Tensor]]:
    """A line to be fitted: y = 2x - 1."""
    with networks.seeded(0):
        training = begin(nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1)))

    def loss(generator: torch.Generator) -> Tensor:
        x = torch.rand(32, 1, generator=generator)
        return (training.module(x) - 2 * x + 1).square().mean()

    return training, loss


def test_loss_falls() -> None:
    training, loss = toy()
    history = [progress.loss for progress in train(training, loss, peak=1e-2, warm_up=5, total=200, seed=1)]
    assert history[-1] < 0.05 * history[0]
    assert training.step == 200


def test_resumed_run_has_the_bits_of_an_unbroken_one(tmp_path: Path) -> None:
    unbroken, loss = toy()
    for _ in train(unbroken, loss, peak=1e-2, warm_up=5, total=40, seed=1):
        pass
    first, loss = toy()
    for progress in train(first, loss, peak=1e-2, warm_up=5, total=40, seed=1):
        if progress.step == 17:
            checkpoint.save(tmp_path / "state.pt", first)
            break
    second, loss = toy()
    assert checkpoint.resume(tmp_path / "state.pt", second)
    for _ in train(second, loss, peak=1e-2, warm_up=5, total=40, seed=1):
        pass
    for name, value in unbroken.module.state_dict().items():
        assert torch.equal(value, second.module.state_dict()[name]), name
        assert torch.equal(unbroken.average[name], second.average[name]), name


def test_nothing_to_resume(tmp_path: Path) -> None:
    assert not checkpoint.resume(tmp_path / "none.pt", toy()[0])


def test_rate_warms_up_and_falls() -> None:
    assert rate(0, 1.0, 10, 110) == pytest.approx(0.1)
    assert rate(10, 1.0, 10, 110) == pytest.approx(1.0)
    assert rate(60, 1.0, 10, 110) == pytest.approx(0.51)
    assert rate(110, 1.0, 10, 110) == pytest.approx(0.02)


def test_a_loss_that_is_not_finite_stops_the_run() -> None:
    training, _ = toy()
    with pytest.raises(FloatingPointError, match="step 1 is nan"):
        next(train(training, lambda _: torch.tensor(float("nan")), peak=1.0, warm_up=1, total=2, seed=0))


def test_a_lone_process_keeps_its_gradients(tmp_path: Path) -> None:
    gradient = torch.arange(3.0)
    with parallel.joined(0, 1, tmp_path / "meeting"):
        parallel.averaged([gradient])
    assert gradient.tolist() == [0, 1, 2]


# ── latents ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def autoencoder() -> AutoencoderKL:
    with networks.seeded(3):
        return networks.autoencoder((32, 32, 32)).eval().requires_grad_(False)


def test_folded_latents_are_white_and_decode_alike(autoencoder: AutoencoderKL) -> None:
    pictures = torch.rand(6, 3, 64, 64, generator=seeded())
    raw = encoded(autoencoder, [pictures]) / SCALE_FACTOR
    before = networks.decoded(autoencoder, raw)
    fold(autoencoder, whitening(raw))
    white = encoded(autoencoder, pictures.split(4))
    rows = white.double().movedim(1, -1).flatten(0, -2)
    assert rows.mean(0).abs().max() < 1e-4
    assert (rows.T @ rows / len(rows) - torch.eye(4)).abs().max() < 1e-3
    torch.testing.assert_close(networks.decoded(autoencoder, white / SCALE_FACTOR), before, rtol=1e-3, atol=1e-3)
    assert networks.moments(autoencoder, pictures)[1].max() == -30  # no noise in the posterior


def test_preview_map_finds_a_linear_map() -> None:
    latents = torch.randn(3, 4, 8, 8, generator=seeded())
    matrix, bias = torch.randn(4, 3, generator=seeded(1)), torch.tensor([0.3, 0.5, 0.7])
    small = torch.einsum("bchw,cd->bdhw", latents, matrix) + bias[:, None, None]
    found, constant = preview_map(latents, small.repeat_interleave(4, 2).repeat_interleave(4, 3))
    torch.testing.assert_close(torch.tensor(found), matrix, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.tensor(constant), bias, rtol=1e-4, atol=1e-4)


# ── losses ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_schedule_is_stable_diffusions() -> None:
    theirs = DDPMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear").alphas_cumprod
    torch.testing.assert_close(alphas_cumprod(), theirs, rtol=1e-4, atol=0)


class Oracle(nn.Module):
    """Knows the clean latents [B, C, H, W] and so the noise; `bias` is added to its answer."""

    def __init__(self, clean: Tensor, bias: float = 0.0) -> None:
        super().__init__()
        self.clean, self.bias = clean, bias

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor) -> Tensor:
        kept = alphas_cumprod()[timesteps][:, None, None, None]
        clean = self.clean.repeat(len(x) // len(self.clean), 1, 1, 1)
        return (x - kept.sqrt() * clean) / (1 - kept).sqrt() + self.bias


def test_epsilon_loss_is_nought_for_the_right_noise_and_weighted_otherwise() -> None:
    clean, context = torch.randn(500, 4, 4, 4, generator=seeded()), torch.zeros(500, 77, 8)
    assert epsilon(Oracle(clean), clean, context, seeded(1)) < 1e-6
    weights = (1 / alphas_cumprod()).clamp(max=30)
    loss = epsilon(Oracle(clean, bias=0.1), clean, context, seeded(1))
    assert loss.item() == pytest.approx(0.01 * weights.mean().item(), rel=0.01)


def test_patches_are_cells_in_reading_order() -> None:
    latents = torch.arange(2 * 4 * 4.0).reshape(1, 2, 4, 4)
    row = patches(latents)
    assert row.shape == (1, 4, 8)
    assert row[0, 1].tolist() == latents[0, :, 0:2, 2:4].flatten().tolist()


def test_reconstruction_is_nought_only_for_equal_pictures() -> None:
    picture = torch.rand(2, 3, 16, 16, generator=seeded())
    assert reconstruction(picture, picture) == 0
    assert reconstruction(picture + 0.1, picture).item() == pytest.approx(0.1 + 2 * 0.1)  # no edges differ


def test_drawing_lands_where_the_denoiser_points(autoencoder: AutoencoderKL) -> None:
    clean = torch.randn(2, 4, 16, 16, generator=seeded(4))
    context, empty = torch.zeros(2, 77, 8), torch.zeros(1, 77, 8)
    pictures = drawn(Oracle(clean), autoencoder, context, empty, steps=4)
    expected = (networks.decoded(autoencoder, clean / SCALE_FACTOR) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(pictures, expected, rtol=1e-3, atol=1e-3)


# ── judging and export ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_shifted_drawing_is_nearest_to_itself() -> None:
    whole, half = atlas(GLYPHS)
    drawings = torch.stack([composed(Plate("", ((i, None),)), whole, half) for i in range(3)])
    shifted = drawings.roll((1, -1), dims=(2, 3))
    assert ranks(shifted, [0, 1, 2], drawings) == [1, 1, 1]
    assert ranks(drawings[:1], [2], drawings)[0] > 1


@pytest.mark.parametrize(
    ("widths", "attends", "layers"),
    [((32, 64, 64), (False, True, True), 1), ((32, 64), (True, False), 2)],
)
def test_export_converts_back_bit_for_bit(
    tmp_path: Path, widths: tuple[int, ...], attends: tuple[bool, ...], layers: int
) -> None:
    unet, autoencoder = networks.unet(widths, attends, 32, layers), networks.autoencoder((32, 64))
    text = networks.text_encoder(32, 1)
    path = tmp_path / "small.safetensors"
    write_checkpoint(path, exported(unet, autoencoder, text), {"family": "sd1"})
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        assert json.loads(file.metadata()["noisewright.config"]) == {"family": "sd1"}
    back = convert_ldm_unet_checkpoint(dict(weights), dict(unet.config))
    assert_equal(back, unet.half().state_dict())
    back = convert_ldm_vae_checkpoint(dict(weights), dict(autoencoder.config))
    expected = autoencoder.half().state_dict()
    assert_equal({name: tensor.reshape(expected[name].shape) for name, tensor in back.items()}, expected)
    prefix = "cond_stage_model.transformer.text_model."
    words = {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}
    assert_equal(words, flat(text))
    parts = ("model.diffusion_model.", "first_stage_model.", prefix)
    assert all(name.startswith(parts) for name in weights)


def flat(text: CLIPTextModel) -> dict[str, Tensor]:
    return {name.removeprefix("text_model."): tensor for name, tensor in text.half().state_dict().items()}


def assert_equal(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        assert torch.equal(ours[name], tensor), name


def test_weights_that_half_precision_cannot_hold_are_named(tmp_path: Path) -> None:
    with pytest.raises(OverflowError, match=r"out\.weight does not fit.*100000"):
        write_checkpoint(tmp_path / "x.safetensors", {"out.weight": torch.tensor([1e5])}, {})
    assert not (tmp_path / "x.safetensors").exists()
