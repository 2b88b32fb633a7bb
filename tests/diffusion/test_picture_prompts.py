"""Pictures as prompts against diffusers' own pipelines with the same adapter, picture, noise and text."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.image_processor import IPAdapterMaskProcessor
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
from torch import Tensor

from diffusion.architectures import UNet2DConditionModel
from diffusion.changes import Call, Place, States
from diffusion.checkpoint import Parts, read_checkpoint, read_clip_vision
from diffusion.clip_vision import prepared
from diffusion.codecs import register
from diffusion.context import Context, View
from diffusion.families.ip_adapter import Layer, read_ip_adapter
from diffusion.header import WeightFileError
from diffusion.ip_adapter import AdapterNetwork
from diffusion.model_options import PicturePrompt
from diffusion.picture_prompts import SHARES, Join, LayerKeys, PictureAttention, attentions, check_fit, seen
from diffusion.regions import Box
from diffusion.values import Image, Model
from graph.codec import Codecs
from tests.diffusion.families.pipelines import (
    CFG,
    NEGATIVE,
    PROMPT,
    SIDE,
    STEPS,
    WEIGHTS,
    assert_same,
    corner,
    ids,
    picture,
    prompt,
    sampled,
    scheduler,
    start,
)
from tests.diffusion.tiny import tiny_text_encoder, tiny_unet, tiny_vae, write_tiny_checkpoint
from tests.diffusion.tiny_adapters import adapter_tensors, grouped, write_adapter
from tests.diffusion.tiny_families import tiny_sdxl
from tests.diffusion.tiny_vision import SIDE as SEEN
from tests.diffusion.tiny_vision import tiny_vision, write_vision

SCALE = 0.6
KINDS = ("plain", "plus", "full")


@pytest.fixture(scope="module")
def sd1(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("sd1") / "sd1.safetensors"), "prompted")


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory) -> Parts:
    return read_checkpoint(tiny_sdxl().write(tmp_path_factory.mktemp("xl") / "xl.safetensors"), "prompted xl")


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("adapters")


def option(home: Path, kind: str, unet: torch.nn.Module, image: Image | None = None, **told: Any) -> PicturePrompt:
    """A picture prompt by a tiny adapter of this kind."""
    family = str(unet.config["cross_attention_dim"])
    path = write_adapter(home / f"{kind}-{family}.safetensors", kind, unet)
    adapter = read_ip_adapter(path, f"{kind} {family}")
    vision = read_clip_vision(write_vision(home / "vision.safetensors"), "vision")
    wanted, unwanted = seen(adapter, vision, image or picture(), WEIGHTS)
    return PicturePrompt(adapter, wanted, unwanted, weight=SCALE, **told)


def under(model: Model, *options: PicturePrompt) -> Model:
    return replace(model, options=(*model.options, *options))


def sides(parts: Parts):
    return [prompt(text, parts.text_encoder) for text in (PROMPT, NEGATIVE)]


def sd1_pipeline(unet: torch.nn.Module) -> StableDiffusionPipeline:
    return StableDiffusionPipeline(
        *(tiny_vae(), None, None, unet, scheduler(), None, None, tiny_vision()), requires_safety_checker=False
    )


def theirs(kinds: tuple[str, ...], scales: list[Any], images: list[Tensor] | None = None, **options: Any) -> Tensor:
    """What diffusers' pipeline makes under adapters of these kinds."""
    unet, clip = copy.deepcopy(tiny_unet()), tiny_text_encoder()
    pipe = sd1_pipeline(unet)
    unet._load_ip_adapter_weights([grouped(adapter_tensors(kind, tiny_unet())) for kind in kinds])
    pipe.set_ip_adapter_scale(scales)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    with torch.no_grad():
        states = [clip(ids(text, 49407)).last_hidden_state for text in (PROMPT, NEGATIVE)]
    return pipe(
        prompt_embeds=states[0],
        negative_prompt_embeds=states[1],
        ip_adapter_image=images or [prepared(picture(), SEEN, "center")] * len(kinds),
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        height=SIDE,
        width=SIDE,
        latents=start(float(pipe.scheduler.init_noise_sigma)),
        output_type="latent",
        **options,
    ).images


@pytest.mark.parametrize("kind", KINDS)
def test_is_that_of_the_pipeline(kind, sd1, home):
    ours = sampled(under(sd1.model, option(home, kind, tiny_unet())), sides(sd1))
    assert_same(ours, theirs((kind,), [SCALE]))
    plain = sampled(sd1.model, sides(sd1))
    assert float((ours - plain).norm() / plain.norm()) > 1e-3  # the picture makes a difference


def test_is_that_of_the_pipeline_for_sdxl(sdxl, home):
    tiny = tiny_sdxl()
    unet = copy.deepcopy(tiny.unet)
    pipe = StableDiffusionXLPipeline(
        *(tiny_vae(), None, None, None, None, unet, scheduler(), tiny_vision()), add_watermarker=False
    )
    unet._load_ip_adapter_weights([grouped(adapter_tensors("plus", tiny.unet))])
    pipe.set_ip_adapter_scale([SCALE])
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler.set_timesteps(STEPS)
    (wanted,), (unwanted,) = (side.entries for side in sides(sdxl))
    made = pipe(
        prompt_embeds=wanted.tokens,
        pooled_prompt_embeds=wanted.pooled,
        negative_prompt_embeds=unwanted.tokens,
        negative_pooled_prompt_embeds=unwanted.pooled,
        ip_adapter_image=prepared(picture(), SEEN, "center"),
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        height=SIDE,
        width=SIDE,
        latents=start(float(pipe.scheduler.init_noise_sigma)),
        output_type="latent",
    ).images
    assert_same(sampled(under(sdxl.model, option(home, "plus", tiny.unet)), sides(sdxl)), made)


def test_several_pictures_stand_side_by_side(sd1, home):
    pair = Image(torch.cat([picture().pixels, 1 - picture().pixels]))
    ours = sampled(under(sd1.model, option(home, "plain", tiny_unet(), pair)), sides(sd1))
    assert_same(ours, theirs(("plain",), [SCALE], [prepared(pair, SEEN, "center")]))


def test_several_adapters_add_up(sd1, home):
    options = (option(home, "plain", tiny_unet()), replace(option(home, "full", tiny_unet()), weight=-0.3))
    ours = sampled(under(sd1.model, *options), sides(sd1))
    assert_same(ours, theirs(("plain", "full"), [SCALE, -0.3]))


def test_a_mask_says_where(sd1, home):
    ours = sampled(under(sd1.model, option(home, "plus", tiny_unet(), mask=corner().values)), sides(sd1))
    mask = IPAdapterMaskProcessor().preprocess(corner().values[:, None], height=SIDE, width=SIDE)
    assert_same(ours, theirs(("plus",), [SCALE], cross_attention_kwargs={"ip_adapter_masks": [mask]}))


def test_a_range_says_when(sd1, home):
    """Half of the range holds two of the four steps, at 999 and 666."""

    def stop(pipe: StableDiffusionPipeline, step: int, timestep: object, given: dict[str, Any]) -> dict[str, Any]:
        pipe.set_ip_adapter_scale([SCALE if step < 1 else 0.0])
        return given

    ours = sampled(under(sd1.model, option(home, "plain", tiny_unet(), end=0.5)), sides(sd1))
    assert_same(ours, theirs(("plain",), [SCALE], callback_on_step_end=stop))


def test_layers_share_the_weight_as_its_type_says(sd1, home):
    """Layers of the input stage at a fifth: those of `down_blocks`."""
    ours = sampled(under(sd1.model, option(home, "plain", tiny_unet(), weight_type="weak input")), sides(sd1))
    weak = theirs(("plain",), [{"down": SCALE * 0.2, "mid": SCALE, "up": SCALE}])
    assert_same(ours, weak)


def test_keys_and_values_are_computed_once_a_run(sd1, home, monkeypatch):
    asked = []
    true = AdapterNetwork.forward
    monkeypatch.setattr(AdapterNetwork, "forward", lambda self, seen: asked.append(seen) or true(self, seen))
    sampled(under(sd1.model, option(home, "plain", tiny_unet())), sides(sd1))
    assert len(asked) == 2  # of the wanted and of the unwanted


def test_scaled_keys_and_values(sd1, home):
    """Keys and values times the weight, which is attention at another temperature."""
    made = option(home, "plain", tiny_unet(), scales_keys=True)
    with WEIGHTS.lend(made.adapter) as keys:
        (key, value), *_ = keys(made.wanted)
    (layer, *_), query = attentions(under(sd1.model, made), WEIGHTS, lambda percent: 0.0), torch.randn(1, 8, 16, 4)
    place = Place("input", 1, 0, "cross")
    states = States(query, torch.zeros_like(query), torch.zeros_like(query))
    call = Call((4, 4), Context(torch.zeros(1, 1, 1), sigma=0.0, views=(View(0, Box(0, 0, 4, 4), (4, 4)),)))
    found = layer.attended(states, place, call, lambda states: torch.zeros_like(query))
    heads = [(each * SCALE).view(1, -1, 8, 4).transpose(1, 2) for each in (key, value)]
    weights = (query @ heads[0].mT / 2).softmax(-1)
    torch.testing.assert_close(found, weights @ heads[1], rtol=1e-4, atol=1e-5)


def added(mask: Tensor | None, view: View, size: tuple[int, int], count: int) -> Tensor:
    """What is added for a row where attention gives 1 everywhere, [count]."""
    layers = {Place("input", 1, 0, "cross"): LayerKeys(torch.zeros(2, 3, 4), torch.ones(2, 3, 4), 1.0)}
    query = torch.zeros(1, 2, count, 2)
    call = Call(size, Context(torch.zeros(1, 1, 1), views=(view,)))
    change = PictureAttention(layers, mask=mask)
    states = States(query, query, query)
    return change.attended(states, Place("input", 1, 0, "cross"), call, lambda states: states.value)[0, 0, :, 0]


def test_a_region_has_its_part_of_the_mask():
    mask = torch.zeros(1, 16, 32)
    mask[..., 16:] = 1  # the right half of a latent of 8 × 16
    whole = (8, 16)
    assert added(mask, View(0, Box(2, 8, 4, 8), whole), (4, 8), 32).tolist() == [1.0] * 32
    assert added(mask, View(0, Box(2, 0, 4, 8), whole), (4, 8), 32).tolist() == [0.0] * 32
    assert added(None, View(0, Box(2, 0, 4, 8), whole), (4, 8), 32).tolist() == [1.0] * 32


def test_each_item_of_a_batch_has_its_mask_in_turn():
    masks = torch.stack([torch.zeros(8, 8), torch.ones(8, 8)])
    box = Box(0, 0, 8, 8)
    values = [float(added(masks, View(item, box, (8, 8)), (8, 8), 64)[0]) for item in range(3)]
    assert values == [0.0, 1.0, 0.0]


def test_a_mask_is_laid_on_layers_of_any_size():
    """13 × 9 latent pixels are 7 × 5 behind one halving."""
    mask = torch.zeros(1, 7, 5)
    mask[:, 2] = 1
    shares = added(mask, View(0, Box(0, 0, 13, 9), (13, 9)), (13, 9), 35).view(7, 5)
    torch.testing.assert_close(shares, mask[0])


def test_other_places_and_noise_levels_are_left_alone():
    layers = {Place("input", 1, 0, "cross"): LayerKeys(torch.zeros(2, 3, 4), torch.ones(2, 3, 4), 1.0)}
    query = torch.rand(1, 2, 5, 2)
    states = States(query, query, query)
    view = View(0, Box(0, 0, 1, 5), (1, 5))
    for place, sigma in (
        (Place("input", 1, 0, "self"), 1.0),
        (Place("input", 1, 1, "cross"), 1.0),
        (Place("input", 1, 0, "cross"), 0.4),
        (Place("input", 1, 0, "cross"), 2.1),
    ):
        call = Call((1, 5), Context(torch.zeros(1, 1, 1), sigma=sigma, views=(view,)))
        change = PictureAttention(layers, begin=2.0, end=0.5)
        assert change.attended(states, place, call, lambda states: states.value) is query


def test_the_negative_side_sees_the_negative_picture(home, sd1):
    made = option(home, "plain", tiny_unet())
    vision = read_clip_vision(write_vision(home / "vision.safetensors"), "vision")
    other = Image(1 - picture().pixels)
    wanted, unwanted = seen(made.adapter, vision, picture(), WEIGHTS, negative=other)
    assert torch.equal(wanted, made.wanted)
    torch.testing.assert_close(unwanted, seen(made.adapter, vision, other, WEIGHTS)[0])
    # With both pictures the same, guidance has no picture to go by: only the texts differ.
    same = replace(made, unwanted=made.wanted)
    text = prompt(PROMPT, sd1.text_encoder)
    ours = sampled(under(sd1.model, same), (text, text), cfg=9.0)
    torch.testing.assert_close(ours, sampled(under(sd1.model, same), (text, text), cfg=1.0), rtol=1e-3, atol=1e-4)


def test_pictures_are_joined(home):
    made = option(home, "plain", tiny_unet())
    vision = read_clip_vision(write_vision(home / "vision.safetensors"), "vision")
    pixels = torch.rand(3, 30, 30, 3, generator=torch.Generator().manual_seed(1))

    def joined(join: Join) -> Tensor:
        return seen(made.adapter, vision, Image(pixels), WEIGHTS, join)[0]

    each = joined("concat")
    assert len(each) == 3
    torch.testing.assert_close(joined("add"), each[:1] + each[1:2] + each[2:])
    torch.testing.assert_close(joined("average"), (each[:1] + each[1:2] + each[2:]) / 3)
    torch.testing.assert_close(joined("subtract"), each[:1] - (each[1:2] + each[2:]) / 2)


@pytest.mark.parametrize(
    ("kind", "shares"),
    [
        ("linear", [1.0, 1.0, 1.0, 1.0, 1.0]),
        ("weak output", [1.0, 1.0, 1.0, 0.2, 0.2]),
        ("weak middle", [1.0, 1.0, 0.2, 1.0, 1.0]),
        ("strong middle", [0.2, 0.2, 1.0, 0.2, 0.2]),
        ("style transfer", [0.0, 0.0, 0.0, 0.0, 1.0]),
        ("composition", [0.0, 1.0, 0.0, 0.0, 0.0]),
        ("style and composition", [0.0, 1.0, 0.0, 0.0, 1.0]),
        ("strong style transfer", [1.0, 0.0, 1.0, 1.0, 1.0]),
    ],
)
def test_shares_of_layers(kind, shares):
    """diffusers names style `up_blocks.0.attentions.1`, layout `down_blocks.2.attentions.1`: output 1, input 8."""
    places = (("input", 7), ("input", 8), ("middle", 0), ("output", 0), ("output", 1))
    assert [SHARES[kind](Layer(stage, number, 0, 1, 1)) for stage, number in places] == shares


def test_what_does_not_fit_is_told_before_sampling(sd1, sdxl, home):
    made = option(home, "plain", tiny_unet())
    with pytest.raises(WeightFileError, match=r"tokens of width 64, but the model 'xl.safetensors' .* of width 192"):
        check_fit(made.adapter, sdxl.model, "linear")
    with pytest.raises(ValueError, match=r"'composition' names layers of SDXL, but this model is .*'sd1'"):
        check_fit(made.adapter, sd1.model, "composition")
    check_fit(made.adapter, sd1.model, "weak middle")
    vision = read_clip_vision(write_vision(home / "wide.safetensors", tiny_vision(projection=32)), "wide")
    with pytest.raises(ValueError, match=r"of width 48, but the CLIP vision model 'wide.safetensors' gives .* 32"):
        seen(made.adapter, vision, picture(), WEIGHTS)


def test_an_adapter_for_other_layers_does_not_fit(sd1, home):
    config = dict(tiny_unet().config) | {"block_out_channels": (64, 64)}
    path = write_adapter(home / "wide-layers.safetensors", "plain", UNet2DConditionModel.from_config(config))
    with pytest.raises(WeightFileError, match=r"4 attention layers of widths 64; the model .* has 4 of widths 32, 64"):
        check_fit(read_ip_adapter(path, "layers"), sd1.model, "linear")


def test_a_model_with_a_picture_has_a_digest_of_its_own(sd1, home):
    codecs = Codecs()
    register(codecs)
    made = option(home, "plain", tiny_unet())
    models = (sd1.model, under(sd1.model, made), under(sd1.model, replace(made, wanted=made.wanted + 1)))
    digests = [codecs.digest(model) for model in models]
    assert None not in digests
    assert len(set(digests)) == 3
    assert codecs.digest(under(sd1.model, replace(made))) == digests[1]
