"""Control networks against a call of diffusers' own modules, and what holds whatever their weights are."""

import pytest
import torch
from torch import Tensor

from diffusion.architectures import ControlNetModel
from diffusion.context import Context
from diffusion.control_networks import ControlAdapter
from diffusion.families.controlnet import read_control_net, with_task
from diffusion.lease import Lease
from diffusion.memory import Weights
from diffusion.tensors import Residence
from diffusion.values import ControlNet
from tests.diffusion.tiny import TEXT_WIDTH, seeded, tiny_unet
from tests.diffusion.tiny_control import tiny_adapter, tiny_control, tiny_union, write
from tests.diffusion.tiny_families import G_WIDTH, L_WIDTH, POOLED, tiny_sdxl

WEIGHTS = Weights("cpu", "fp32")
SDXL = tiny_sdxl()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


X, TIMESTEP = drawn(2, 4, 8, 10), torch.tensor([500.0, 500.0])
PICTURES = drawn(2, 3, 64, 80, seed=1)
PLAIN = Context(drawn(2, 5, TEXT_WIDTH, seed=2))
TOLD = Context(
    drawn(2, 5, L_WIDTH + G_WIDTH, seed=2), drawn(2, POOLED, seed=3), torch.tensor([[64.0, 80, 0, 0, 64, 80]] * 2)
)
ADDED = {"text_embeds": TOLD.pooled, "time_ids": TOLD.sizes}


def asked(net: ControlNet, context: Context, items: slice = slice(0, 2)) -> list[Tensor]:
    """What a network adds to the skips, and behind the middle."""
    told = (context.pooled, context.sizes)
    rows = Context(context.tokens[items], *(None if each is None else each[items] for each in told))
    with torch.no_grad(), WEIGHTS.lend(net) as network:
        found = network(X[items], TIMESTEP[items], rows, network.look(PICTURES[items]))
    assert found.middle is not None
    assert list(found.skips) == list(range(len(found.skips)))
    assert not found.entered
    return [*found.skips.values(), found.middle]


def small_control() -> ControlNetModel:
    """One for SDXL that attends to nothing."""
    config = SDXL.unet.config
    shared = ("block_out_channels", "layers_per_block", "addition_embed_type", "addition_time_embed_dim")
    return seeded(
        ControlNetModel(
            **{name: config[name] for name in (*shared, "projection_class_embeddings_input_dim")},
            down_block_types=("DownBlock2D", "DownBlock2D"),
            mid_block_type="UNetMidBlock2D",
        ),
        25,
    )


@pytest.mark.parametrize(
    ("module", "context", "added"),
    [
        (tiny_control(tiny_unet()), PLAIN, None),
        (tiny_control(SDXL.unet), TOLD, ADDED),
        (small_control(), TOLD, ADDED),
    ],
    ids=["sd1", "sdxl", "small"],
)
def test_the_way_through_gives_the_bits_of_the_module(tmp_path, module, context, added):
    heads = module.config["attention_head_dim"]
    net = read_control_net(write(module, tmp_path / "net.safetensors", heads), str(tmp_path))
    with torch.no_grad():
        skips, middle = module(X, TIMESTEP, context.tokens, PICTURES, added_cond_kwargs=added, return_dict=False)
    for ours, theirs in zip(asked(net, context), [*skips, middle], strict=True):
        assert torch.equal(ours, theirs)


@pytest.fixture(scope="module")
def union(tmp_path_factory) -> ControlNet:
    path = write(tiny_union(SDXL.unet), tmp_path_factory.mktemp("union") / "union.safetensors", [2, 4])
    return with_task(read_control_net(path, str(path)), "depth")


def test_a_union_answers_as_the_module_does(union):
    one = slice(0, 1)
    told = torch.zeros(1, 6)
    told[:, 1] = 1
    with torch.no_grad():
        skips, middle = tiny_union(SDXL.unet)(
            *(X[one], TIMESTEP[one], TOLD.tokens[one], [PICTURES[one]], told, [1], [1.0]),
            added_cond_kwargs={name: each[one] for name, each in ADDED.items()},
            return_dict=False,
        )
    for ours, theirs in zip(asked(union, TOLD, one), [*skips, middle], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_pictures_of_a_batch_do_not_change_each_other_in_a_union(union):
    together = asked(union, TOLD)
    for item in range(2):
        for whole, alone in zip(together, asked(union, TOLD, slice(item, item + 1)), strict=True):
            torch.testing.assert_close(whole[item : item + 1], alone, rtol=1e-4, atol=1e-4)


def test_averaged_answers_are_the_same_everywhere(tmp_path):
    path = write(tiny_control(tiny_unet()), tmp_path / "net_shuffle.safetensors")
    plain = read_control_net(write(tiny_control(tiny_unet()), tmp_path / "net.safetensors"), str(tmp_path))
    averaged = asked(read_control_net(path, str(path)), PLAIN)
    for mean, answer in zip(averaged, asked(plain, PLAIN), strict=True):
        assert mean.shape == answer.shape
        torch.testing.assert_close(mean, answer.mean((2, 3), keepdim=True).expand_as(answer))


@pytest.mark.parametrize(
    ("kind", "latent", "pixels"),
    [
        ("full_adapter", (64, 96), (512, 768)),
        ("light_adapter", (63, 97), (504, 776)),
        ("full_adapter_xl", (128, 128), (1024, 1024)),
        ("full_adapter_xl", (125, 127), (1008, 1024)),
    ],
)
def test_an_adapter_takes_pictures_of_whole_squares(kind, latent, pixels):
    adapter = tiny_adapter(kind, [32, 64, 64])
    lease = Lease(adapter.adapter, Residence(torch.device("cpu"), torch.float32))
    assert ControlAdapter(lease).size(*latent) == pixels


def test_features_fit_latents_of_odd_sizes():
    """Behind each halving, a U-Net's convolutions leave one pixel more than half of an odd number."""
    adapter = tiny_adapter("full_adapter_xl", [32, 64, 64, 64])
    network = ControlAdapter(Lease(adapter.adapter, Residence(torch.device("cpu"), torch.float32)))
    with torch.no_grad():
        made = network.look(torch.zeros(1, 3, *network.size(13, 19)))
    assert [tuple(each.shape[2:]) for each in made] == [(7, 10), (7, 10), (4, 5), (4, 5)]


def test_a_network_larger_than_its_memory_gives_the_same_bits(tmp_path, monkeypatch):
    path = write(tiny_control(SDXL.unet), tmp_path / "net.safetensors", [2, 4], torch.float16)
    net = read_control_net(path, str(path))
    whole = asked(net, TOLD)
    monkeypatch.setattr(f"{__name__}.WEIGHTS", Weights("cpu", "fp32", budget=3_000_000, note=(said := []).append))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(asked(net, TOLD), whole, strict=True))
    assert "its ControlNet takes 14 MB" in said[0]
