"""What of a recipe tells its network from others of the same file."""

from typing import Any

import pytest
import torch

from diffusion.checkpoint import read_checkpoint
from diffusion.context import Context
from diffusion.lending import computed
from diffusion.memory import Weights
from diffusion.model_options import CompiledNetwork, ComputeType
from diffusion.values import Model
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint

X, TIME, TOKENS = torch.ones(1, 4, 8, 8), torch.tensor([10.0]), torch.ones(1, 77, TEXT_WIDTH)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x").model


def test_the_last_option_says_in_which_type_it_computes(model: Model) -> None:
    half = model.with_option(ComputeType("bf16"))
    assert computed(model, "fp32") == ("fp32", "")
    assert computed(half, "fp32") == ("bf16", "bf16")
    assert computed(half, "bf16") == ("bf16", "")
    assert computed(half.with_option(ComputeType(None)), "fp16") == ("fp16", "")
    assert computed(half.with_option(CompiledNetwork("inductor")), "fp32") == ("bf16", "bf16inductor")


def test_a_model_computes_in_its_own_type_and_others_as_usual(model: Model) -> None:
    unet: Any = tiny_unet()
    half = unet.to(torch.bfloat16).to(memory_format=torch.channels_last)
    x = X.to(torch.bfloat16, memory_format=torch.channels_last)
    truth = half(x, TIME, TOKENS.bfloat16()).sample.float()
    weights = Weights("cpu", "fp32")
    with weights.lend(model) as plain, weights.lend(model.with_option(ComputeType("bf16"))) as network:
        assert torch.equal(network(X, TIME, Context(TOKENS)), truth)
        assert torch.equal(plain(X, TIME, Context(TOKENS)), tiny_unet()(X, TIME, TOKENS).sample)
    with weights.lend(model.with_option(ComputeType("fp32"))):
        pass
    assert weights.loads == 2
