"""Latents and what takes them, followed through a plan to the headers of files."""

from collections.abc import Iterator

import pytest

from graph.errors import InvalidWorkflow
from graph.flow import Added, Flow
from noisewright.engine import Engine
from tests import outlines


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("models")
    for family in ("sd1", "sdxl"):
        outlines.write(folder / "checkpoints" / f"{family}.safetensors", outlines.checkpoint(family))
    outlines.write(folder / "vae" / "alone.safetensors", outlines.vae(""))
    with Engine(data=tmp_path_factory.mktemp("home"), models=[folder], device="cpu", keep="nothing") as engine:
        yield engine


def checkpoint(flow: Flow, family: str) -> Added:
    return flow.add("CheckpointLoaderSimple", ckpt_name=f"{family}.safetensors")


def sampled(flow: Flow, loaded: Added, latent: Added | None = None) -> Added:
    text = flow.add("CLIPTextEncode", text="", clip=loaded.CLIP)
    return flow.add(
        "KSampler", model=loaded.MODEL, positive=text, negative=text, cfg=1.0, sampler_name="euler",
        scheduler="normal", latent_image=latent or flow.add("EmptyLatentImage", width=64, height=64),
    )  # fmt: skip


def test_latents_are_followed_through_what_resizes_them_and_models_through_lora(engine: Engine):
    flow = engine.flow()
    first, other = checkpoint(flow, "sd1"), checkpoint(flow, "sdxl")
    larger = flow.add("LatentUpscaleBy", samples=sampled(flow, first), upscale_method="bilinear", scale_by=2.0)
    picture = flow.add("VAEDecode", samples=larger, vae=other.VAE)
    with pytest.raises(InvalidWorkflow, match=r"of Stable Diffusion 1 \('sd1.safetensors'\) with the autoencoder of"):
        engine.plan(flow, picture)


def test_a_second_model_of_another_family_is_told_before_the_first_samples(engine: Engine):
    flow = engine.flow()
    first, other = checkpoint(flow, "sd1"), checkpoint(flow, "sdxl")
    with pytest.raises(InvalidWorkflow, match=r"would go on from latents of Stable Diffusion 1 .* with the model of"):
        engine.plan(flow, sampled(flow, other, sampled(flow, first)))


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_an_autoencoder_of_the_same_kind_is_taken(engine: Engine, family: str):
    flow = engine.flow()
    loaded = checkpoint(flow, family)
    own = flow.add("VAEDecode", samples=sampled(flow, loaded), vae=loaded.VAE)
    alone = flow.add("VAELoader", vae_name="alone.safetensors")
    both = flow.add("VAEDecode", samples=sampled(flow, loaded), vae=alone)
    assert engine.plan(flow, own, both).steps


def test_nothing_is_said_of_an_empty_latent(engine: Engine):
    flow = engine.flow()
    latent = flow.add("EmptyLatentImage", width=64, height=64)
    picture = flow.add("VAEDecode", samples=latent, vae=checkpoint(flow, "sdxl").VAE)
    assert engine.plan(flow, picture).steps
