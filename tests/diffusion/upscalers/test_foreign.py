"""Networks of other kinds: what is said without spandrel, and what is done with it, by one that only looks like it."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from diffusion.header import WeightFileError
from diffusion.memory import Weights
from diffusion.upscalers import foreign, read_upscaler
from tests.diffusion.upscalers.written import written

SWINIR = {"conv_first.weight": (4, 3, 3, 3), "layers.0.residual_group.blocks.0.norm1.weight": (4,)}


def tensors(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    return {name: torch.ones(shape) for name, shape in shapes.items()}


class Doubling(nn.Module):
    """Repeats pixels and adds its only weight."""

    def __init__(self, level: torch.Tensor) -> None:
        super().__init__()
        self.level = nn.Parameter(level)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.repeat_interleave(2, 2).repeat_interleave(2, 3) + self.level


class ImageModelDescriptor:
    """What spandrel says of a network."""

    def __init__(self, found: dict[str, torch.Tensor], outputs: int = 3) -> None:
        self.model = Doubling(found["level"])
        self.architecture = SimpleNamespace(name="Doubling")
        self.scale, self.input_channels, self.output_channels = 2, 3, outputs
        self.size_requirements = SimpleNamespace(minimum=0, multiple_of=4, square=False)

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        assert picture.shape[2] % 4 == picture.shape[3] % 4 == 0
        return self.model(picture).clamp(0, 1)


@pytest.fixture
def spandrel(monkeypatch) -> ModuleType:
    """A package with the part of spandrel's interface that is used."""

    class ModelLoader:
        def load_from_state_dict(self, found):
            if "level" not in found:
                raise ValueError("Unsupported model")
            return ImageModelDescriptor(found, outputs=4 if "four" in found else 3)

    module = ModuleType("spandrel")
    vars(module).update(ModelLoader=ModelLoader, ImageModelDescriptor=ImageModelDescriptor)
    monkeypatch.setitem(sys.modules, "spandrel", module)
    monkeypatch.setattr(foreign, "hide_broken_torchvision", lambda: False)
    return module


@pytest.fixture
def no_spandrel(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    monkeypatch.setattr(foreign, "hide_broken_torchvision", lambda: False)


@pytest.mark.usefixtures("no_spandrel")
@pytest.mark.parametrize(
    ("shapes", "seems"),
    [
        (SWINIR, "a SwinIR network"),
        ({"layers.0.residual_group.overlap_attn.qkv.weight": (4, 4)} | SWINIR, "a HAT network"),
        ({"before_RG.1.weight": (4,), "conv_first.weight": (4, 3, 3, 3)}, "a DAT network"),
        ({"block_1.c1_r.sk.weight": (4, 3, 1, 1)}, "a SPAN network"),
        ({"what.weight": (1,)}, "something unknown: 1 tensors such as 'what.weight'"),
    ],
)
def test_without_spandrel_the_sentence_says_what_it_is_and_what_to_install(tmp_path, shapes, seems):
    with pytest.raises(WeightFileError) as told:
        written(tmp_path / "net.safetensors", tensors(shapes))
    assert str(told.value) == (
        "'net.safetensors' is no upscaling model of a kind that is read here (ESRGAN, Real-ESRGAN, compact): it looks "
        f"like {seems}. Others are read where spandrel is installed: pip install 'noisewright[upscale]'."
    )


@pytest.mark.usefixtures("spandrel")
@pytest.mark.parametrize(
    ("name", "seems"),
    [
        ("lora_unet_down_blocks_0.lora_down.weight", "a LoRA, which changes a model but is none"),
        ("first_stage_model.decoder.conv_in.weight", r"an autoencoder \(VAE\) alone"),
        ("down_blocks.0.resnets.0.conv1.weight", "a U-Net alone"),
    ],
)
def test_what_is_plainly_something_else_is_not_tried(tmp_path, name, seems):
    with pytest.raises(WeightFileError, match=f"^'net.safetensors' is no upscaling model: it looks like {seems}"):
        written(tmp_path / "net.safetensors", tensors({name: (1, 1, 1, 1)}))


def test_a_spandrel_that_cannot_be_imported(tmp_path, monkeypatch):
    """As where the torchvision it needs is missing or broken."""
    (tmp_path / "spandrel.py").write_text("import torchvision_that_is_not_there\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "spandrel", raising=False)
    with pytest.raises(
        WeightFileError, match=r"spandrel, which reads others, is installed but cannot be imported: No mod"
    ):
        written(tmp_path / "net.safetensors", tensors(SWINIR))


@pytest.mark.usefixtures("spandrel")
def test_what_spandrel_does_not_know_either(tmp_path):
    told = r"spandrel cannot load it either \(Unsupported model\): it looks like a SwinIR network\.$"
    with pytest.raises(WeightFileError, match=told):
        written(tmp_path / "net.safetensors", tensors(SWINIR))


@pytest.mark.usefixtures("spandrel")
def test_one_that_makes_something_else_than_a_picture(tmp_path):
    with pytest.raises(
        WeightFileError, match="is a Doubling network, which does not make a larger picture of a picture"
    ):
        written(tmp_path / "net.safetensors", tensors({"level": (1,), "four": (1,)}))


@pytest.mark.usefixtures("spandrel")
@pytest.mark.parametrize("nested", [False, True])
def test_one_that_spandrel_knows_computes(tmp_path, nested):
    """In float32, whatever the precision, and on sides that fit it."""
    path = tmp_path / ("net.pth" if nested else "net.safetensors")
    level = {"level": torch.full((1,), 0.125)}
    torch.save({"params_ema": level}, path) if nested else save_file(level, path)
    recipe = read_upscaler(path, str(path))
    assert (recipe.architecture, recipe.scale) == ("spandrel", 2)
    picture = torch.rand(1, 3, 5, 9, generator=torch.Generator().manual_seed(0)) / 2
    with Weights("cpu", "bf16").lend(recipe) as upscaler:
        assert torch.equal(upscaler(picture), picture.repeat_interleave(2, 2).repeat_interleave(2, 3) + 0.125)
