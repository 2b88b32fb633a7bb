"""Pictures far from the size that a checkpoint knows are told of before the run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from noisewright.engine import Engine
from tests import outlines

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "workflows" / "text-to-image.json"
SPROUT = "'sprout.safetensors' was trained on pictures of about 64 × 64."


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Iterator[Engine]:
    models = tmp_path_factory.mktemp("models")
    for kind in ("sd1", "sdxl"):
        outlines.write(models / "checkpoints" / f"{kind}.safetensors", outlines.checkpoint(kind))
    with Engine(data=tmp_path_factory.mktemp("home"), models=[models], device="cpu", keep="nothing") as engine:
        yield engine


@pytest.mark.parametrize(
    ("width", "height", "told"),
    [
        (64, 64, ""),
        (128, 128, ""),
        (512, 512, f"{SPROUT} One of 512 × 512 has 64 times as many pixels: things will repeat in it."),
        (64, 640, f"{SPROUT} One of 64 × 640 has 10 times as many pixels: things will repeat in it."),
        (16, 16, f"{SPROUT} One of 16 × 16 has 16 times fewer pixels: little will be recognised."),
    ],
)
def test_sizes_far_from_those_a_model_knows_are_told(engine, width, height, told):
    found = engine.foresee(engine.plan(TEMPLATE, settings={"width": width, "height": height}))
    assert len(found) == bool(told)
    assert "".join(found).startswith(told)


@pytest.mark.parametrize(
    ("checkpoint", "side", "is_told"),
    [("sd1", 1024, False), ("sd1", 2048, True), ("sd1", 128, True), ("sdxl", 512, False), ("sdxl", 256, True)],
)
@pytest.mark.parametrize("way", ["KSampler", "guider", "deep shrink"])
def test_a_model_is_found_through_what_changes_it(engine, checkpoint, side, is_told, way):
    flow = engine.flow()
    loaded = flow.add("CheckpointLoaderSimple", ckpt_name=f"{checkpoint}.safetensors")
    text = flow.add("CLIPTextEncode", text="an apple", clip=loaded.CLIP)
    empty = flow.add("EmptyLatentImage", width=side, height=side)
    model = flow.add("ModelSamplingDiscrete", model=loaded.MODEL, sampling="eps")
    if way == "deep shrink":
        is_told = False
        model = flow.add("PatchModelAddDownscale", model=model, downscale_method="bicubic", upscale_method="bicubic")
    if way == "guider":
        sampled = flow.add(
            "SamplerCustomAdvanced",
            noise=flow.add("RandomNoise", noise_seed=1),
            guider=flow.add("CFGGuider", model=model, positive=text, negative=text, cfg=4.0),
            sampler=flow.add("KSamplerSelect", sampler_name="euler"),
            sigmas=flow.add("BasicScheduler", model=model, scheduler="normal", steps=4, denoise=1.0),
            latent_image=empty,
        ).output
    else:
        sampled = flow.add(
            "KSampler", model=model, positive=text, negative=text, latent_image=empty, seed=1, steps=4, cfg=4.0,
            sampler_name="euler", scheduler="normal",
        )  # fmt: skip
    found = [told for told in engine.foresee(engine.plan(flow, sampled)) if "trained on" in told]
    assert len(found) == is_told


def test_a_picture_that_is_enlarged_later_is_none_of_it(engine):
    """The second pass begins with what the first has made."""
    assert engine.foresee(engine.plan(ROOT / "workflows" / "two-pass.json")) == ()
