"""The network against diffusers' own module, called directly on the same weights."""

import pytest
import torch

from diffusion import packing
from diffusion.checkpoint import read_checkpoint
from diffusion.context import Context
from diffusion.memory import Weights
from tests.diffusion.test_packing import NEEDS_PACKING
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x").model


def question(batch: int, height: int, width: int):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(batch, 4, height, width, generator=generator)
    tokens = torch.randn(batch, 154, TEXT_WIDTH, generator=generator)
    return x, torch.linspace(3, 900, batch), tokens


def asked(*size: int):
    x, timestep, tokens = question(*size)
    return x, timestep, Context(tokens)


@pytest.mark.parametrize("size", [(1, 8, 8), (2, 9, 11), (3, 16, 5)])
def test_in_fp32_it_is_the_module_bit_for_bit(model, size):
    x, timestep, tokens = question(*size)
    truth = tiny_unet()(x, timestep, tokens).sample
    with Weights("cpu", "fp32").lend(model) as network:
        assert torch.equal(network(x, timestep, Context(tokens)), truth)
        assert torch.equal(network(x, timestep[:1], Context(tokens)), tiny_unet()(x, timestep[:1], tokens).sample)


@pytest.mark.parametrize("packs", [pytest.param(True, marks=NEEDS_PACKING), False])
def test_in_bf16_it_is_the_module_in_that_precision_and_layout(model, monkeypatch, packs):
    monkeypatch.setattr(packing, "possible", lambda: packs)
    x, timestep, tokens = question(2, 8, 8)
    unet = tiny_unet().to(torch.bfloat16).to(memory_format=torch.channels_last)
    truth = unet(x.to(torch.bfloat16, memory_format=torch.channels_last), timestep, tokens.bfloat16()).sample
    with Weights("cpu", "bf16").lend(model) as network:
        answer = network(x, timestep, Context(tokens))
    assert answer.dtype == torch.float32
    assert answer.is_contiguous()
    assert torch.equal(answer, truth.float())


def test_it_knows_what_its_answer_means(model):
    with Weights("cpu", "fp32").lend(model) as network:
        assert network.space.factor == 8
        assert network.device == torch.device("cpu")
        assert len(network.prediction.sigmas) == 1000
        assert network.prediction.sigma_max == pytest.approx(14.6146, abs=1e-3)  # SD 1's well-known largest sigma
        x, sigma = torch.ones(1, 4, 2, 2), 2.0
        assert torch.equal(network.prediction.denoised(x, torch.full_like(x, 0.25), sigma), torch.full_like(x, 0.5))


def test_it_leaves_its_inputs_alone(model):
    x, timestep, tokens = question(2, 8, 8)
    before = x.clone(), timestep.clone(), tokens.clone()
    with Weights("cpu", "fp32").lend(model) as network:
        network(x, timestep, Context(tokens))
    assert all(torch.equal(now, then) for now, then in zip((x, timestep, tokens), before, strict=True))


def test_every_item_of_a_question_is_counted(model):
    weights = Weights("cpu", "fp32")
    assert weights.evaluations == 0
    with weights.lend(model) as network:
        network(*asked(3, 8, 8))
        network(*asked(2, 4, 4))
    with weights.lend(model) as network:
        network(*asked(1, 8, 8))
    assert weights.evaluations == 6
