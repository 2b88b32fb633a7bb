"""Hypernetworks: read as the web UI writes them, and over diffusers' own layers as the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from diffusion.changes import Call, Place
from diffusion.checkpoint import read_checkpoint
from diffusion.header import WeightFileError
from diffusion.hypernetworks import Heeding, heeding, read_pairs, with_hypernetwork
from diffusion.keys_values import KeysValues
from diffusion.latents import empty
from diffusion.memory import Weights
from diffusion.model_options import Hypernetwork
from diffusion.sampling import sample
from diffusion.values import Conditioning, ConditioningEntry, Model, WeightFile
from tests.diffusion.small_unet import TOKEN, WIDTH, draw, ours, small_unet, theirs
from tests.diffusion.tiny import TEXT_WIDTH, WIDTHS, seeded, write_tiny_checkpoint

SMALL = (TOKEN, WIDTH, 2 * WIDTH, 4 * WIDTH)
"""All that attention looks at in the small U-Net."""


class Residual(nn.Module):
    """One network as its trainers build it: `linear` is a sequence of layers, activations, norms and dropout."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.linear = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)


def plain(width: int) -> Residual:
    return Residual(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))


def rich(width: int) -> Residual:
    """Two layers inside, norms, dropout, and an activation behind the last layer, too."""
    inner = int(1.5 * width)
    layers: list[nn.Module] = []
    for begin, end in ((width, inner), (inner, inner), (inner, width)):
        layers += [nn.Linear(begin, end), nn.Hardswish(), nn.LayerNorm(end), nn.Dropout(0.3)]
    return Residual(*layers[:-1])


def linear(width: int) -> Residual:
    return Residual(nn.Linear(width, width), nn.Linear(width, width))


PLAIN: dict[str, Any] = {"activation_func": "relu", "activate_output": False, "layer_structure": [1, 2, 1]}
RICH: dict[str, Any] = {
    "activation_func": "swish", "activate_output": True, "is_layer_norm": True, "use_dropout": True,
    "layer_structure": [1, 1.5, 1.5, 1], "name": "rich", "step": 5000, "sd_checkpoint": "abc", "optional_info": None,
}  # fmt: skip
KINDS = {"plain": (plain, PLAIN), "rich": (rich, RICH), "linear": (linear, {})}


def networks(kind: str, widths: Sequence[int] = SMALL) -> dict[int, tuple[nn.Module, nn.Module]]:
    build = KINDS[kind][0]
    return {width: (seeded(build(width), 2 * width), seeded(build(width), 2 * width + 1)) for width in widths}


def written(path: Path, pairs: Mapping[int, tuple[nn.Module, nn.Module]], said: Mapping[str, Any]) -> Path:
    torch.save({width: [net.state_dict() for net in pair] for width, pair in pairs.items()} | dict(said), path)
    return path


def file(path: Path) -> WeightFile:
    return WeightFile(str(path), path.name)


class Around(nn.Module):
    """A projection of diffusers' attention that sees what a network adds."""

    def __init__(self, projection: Any, network: nn.Module, strength: float) -> None:
        super().__init__()
        self.in_features = projection.in_features
        self.projection, self.network, self.strength = projection, network, strength

    def forward(self, x: Tensor) -> Tensor:
        return self.projection(x + self.strength * self.network(x))


def under(unet: Any, pairs: Mapping[int, tuple[nn.Module, nn.Module]], strength: float) -> Any:
    for module in unet.modules():
        if hasattr(module, "to_k") and (pair := pairs.get(module.to_k.in_features)):
            module.to_k, module.to_v = (
                Around(projection, net, strength)
                for projection, net in zip((module.to_k, module.to_v), pair, strict=True)
            )
    return unet


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("widths", [SMALL, (TOKEN,), (WIDTH,)], ids=str)
def test_it_changes_what_diffusers_projects(kind: str, widths: Sequence[int], tmp_path: Path) -> None:
    pairs = networks(kind, widths)
    path = written(tmp_path / "net.pt", pairs, KINDS[kind][1])
    x, tokens = draw(2, 4, 16, 16), draw(2, 7, TOKEN)
    made = ours(small_unet(), x, tokens, heeding(Hypernetwork(file(path), 0.7)))
    truth = theirs(under(small_unet(), pairs, 0.7), x, tokens)
    torch.testing.assert_close(made, truth, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(made, ours(small_unet(), x, tokens), rtol=1e-2, atol=1e-2)


def test_several_act_one_after_the_other(tmp_path: Path) -> None:
    one, two = (written(tmp_path / f"{kind}.pt", networks(kind), KINDS[kind][1]) for kind in ("plain", "rich"))
    x, tokens = draw(1, 4, 16, 16), draw(1, 7, TOKEN)
    changes = [heeding(Hypernetwork(file(path), strength)) for path, strength in ((one, 1.0), (two, -0.5))]
    # The first one is nearest to what is looked at, and so the outer one around the projection.
    truth = theirs(under(under(small_unet(), networks("rich"), -0.5), networks("plain"), 1.0), x, tokens)
    torch.testing.assert_close(ours(small_unet(), x, tokens, *changes), truth, rtol=1e-4, atol=1e-5)


def test_the_names_of_old_files_are_read(tmp_path: Path) -> None:
    """Before they had a sequence: `linear1` and `linear2`, and no activation."""
    pairs = networks("linear", (TOKEN,))
    old = {
        name.replace("linear.0", "linear1").replace("linear.1", "linear2"): tensor.half()
        for name, tensor in pairs[TOKEN][0].state_dict().items()
    }
    torch.save({"step": 3, TOKEN: (old, old)}, tmp_path / "old.pt")
    x = draw(2, 7, TOKEN)
    for_keys, _ = read_pairs(tmp_path / "old.pt", "cpu")[TOKEN]
    torch.testing.assert_close(for_keys(x), pairs[TOKEN][0](x), rtol=1e-2, atol=1e-2)


def test_where_a_file_does_not_say_so_its_last_layer_is_active(tmp_path: Path) -> None:
    pairs = networks("plain", (TOKEN,))
    written(tmp_path / "net.pt", pairs, {"activation_func": "relu"})
    x = draw(2, 7, TOKEN)
    for_keys, _ = read_pairs(tmp_path / "net.pt", "cpu")[TOKEN]
    torch.testing.assert_close(for_keys(x), pairs[TOKEN][0](x).relu())


# In runs.


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors")
    return read_checkpoint(path, "x").model


def picture(model: Model, precision: str = "fp32") -> Tensor:
    positive, negative = (Conditioning((ConditioningEntry(draw(1, 77, TEXT_WIDTH, seed=seed)),)) for seed in (1, 2))
    run = sample(
        model, positive, negative, empty(64, 64), weights=Weights("cpu", precision), seed=0, steps=3, cfg=5.0,
        sampler="euler", scheduler="normal",
    )  # fmt: skip
    while True:
        try:
            next(run)
        except StopIteration as stop:
            return stop.value.samples


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_remembered_keys_and_values_are_those_it_has_changed(
    model: Model, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "net.pt", networks("rich", (TEXT_WIDTH, WIDTHS[0])), RICH)
    plain_picture = picture(model, precision)
    made = picture(with_hypernetwork(file(path), model, 0.8), precision)
    assert not torch.allclose(made, plain_picture, rtol=1e-2, atol=1e-2)
    assert torch.equal(picture(model, precision), plain_picture)
    monkeypatch.setattr(KeysValues, "_has_room", lambda *_: False)
    assert torch.equal(picture(with_hypernetwork(file(path), model, 0.8), precision), made)


def test_with_strength_0_the_bits_are_those_without(model: Model, tmp_path: Path) -> None:
    path = written(tmp_path / "net.pt", networks("plain", (TEXT_WIDTH,)), PLAIN)
    assert torch.equal(picture(with_hypernetwork(file(path), model, 0.0)), picture(model))


# What does not fit.


def test_one_for_another_kind_of_model_is_told_with_both_sides(model: Model, tmp_path: Path) -> None:
    path = written(tmp_path / "net.pt", networks("plain", (24, 32, 48)), PLAIN)
    sentence = (
        r"'net.pt' is for another kind of model: it changes what is 24, 32 or 48 wide, but 'tiny.safetensors' attends "
        r"to tokens 64 wide, and to features 32 or 64 wide"
    )
    with pytest.raises(WeightFileError, match=sentence):
        with_hypernetwork(file(path), model, 1.0)


@pytest.mark.parametrize("widths", [(64, 24), (32,), (64, 32)], ids=str)
def test_one_for_several_kinds_or_for_some_layers_fits(model: Model, widths: Sequence[int], tmp_path: Path) -> None:
    path = written(tmp_path / "net.pt", networks("plain", widths), PLAIN)
    made = with_hypernetwork(file(path), model, 0.5)
    assert made == replace(model, options=(Hypernetwork(file(path), 0.5),))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"a": torch.zeros(3)}, "is no hypernetwork: it has no pair of networks for any width"),
        (torch.zeros(3), "holds a Tensor, not named tensors"),
        ({TOKEN: [plain(TOKEN).state_dict()]}, "is no hypernetwork"),
        ({TOKEN: [plain(WIDTH).state_dict()] * 2}, f"layers for width {TOKEN} do not lead from {TOKEN} numbers back"),
        ({TOKEN: [{"linear.0.weight": torch.zeros(TOKEN, TOKEN)}] * 2}, "is a damaged hypernetwork"),
        ({TOKEN: [plain(TOKEN).state_dict()] * 2, "activation_func": "rellu"}, "Did its author mean 'relu'"),
    ],
    ids=range(6),
)
def test_other_files_are_told(content: Any, sentence: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(WeightFileError, match=sentence):
        read_pairs(tmp_path / "net.pt", "meta")


def test_a_model_in_its_place_is_told(model: Model) -> None:
    with pytest.raises(WeightFileError, match="is no hypernetwork: it looks like"):
        read_pairs(Path(model.file.path), "meta")


def test_what_was_seen_in_16_bits_leaves_the_numbers_of_the_file_as_they_are() -> None:
    layer = nn.Linear(4, 4)
    layer.weight.data = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))
    heeded, states = Heeding({4: (layer, layer)}, 0.5), torch.randn(1, 3, 4, generator=torch.Generator().manual_seed(1))
    place, call = Place("input", 1, 0, "cross"), cast(Call, None)
    with torch.no_grad():
        truth = states + 0.5 * (states @ layer.weight.T + layer.bias)
        heeded.projecting(states.bfloat16(), states.bfloat16(), place, call)
        torch.testing.assert_close(heeded.projecting(states, states, place, call)[0], truth)
