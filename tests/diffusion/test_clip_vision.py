"""CLIP's view of pictures, against transformers' own model and picture processor."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from safetensors.torch import save_file
from torch import nn
from torch.nn.functional import conv2d, gelu, layer_norm, linear
from transformers import CLIPVisionModelWithProjection
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from diffusion.checkpoint import read_clip_vision, vision_component
from diffusion.clip_vision import encode, prepared
from diffusion.header import WeightFileError
from diffusion.memory import Weights
from diffusion.values import ClipVision, ClipVisionOutput, Image
from tests.diffusion.tiny import write_tiny_checkpoint
from tests.diffusion.tiny_vision import SAID, SIDE, open_clip_tensors, tiny_vision, write_vision

WEIGHTS = Weights("cpu", "fp32")


@pytest.fixture(scope="module")
def model() -> CLIPVisionModelWithProjection:
    return tiny_vision()


def noise(height: int = 60, width: int = 45, batch: int = 2) -> Image:
    """Coarse random colours, in 8-bit levels."""
    coarse = torch.rand(batch, 3, 6, 5, generator=torch.Generator().manual_seed(3))
    large = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")
    return Image((large.movedim(1, -1) * 255).round() / 255)


def processed(image: Image, **settings) -> torch.Tensor:
    pictures = [Picture.fromarray((each * 255).round().byte().numpy()) for each in image.pixels]
    crop = {"height": SIDE, "width": SIDE}
    processor = CLIPImageProcessorPil(**{"size": {"shortest_edge": SIDE}, "crop_size": crop, **settings})
    return torch.from_numpy(np.stack(processor(pictures)["pixel_values"]))


def truth(model: CLIPVisionModelWithProjection, pixels: torch.Tensor) -> ClipVisionOutput:
    out = model(pixels, output_hidden_states=True)
    return ClipVisionOutput(out.image_embeds, out.last_hidden_state, out.hidden_states[-2])


def assert_alike(found: ClipVisionOutput, wanted: ClipVisionOutput):
    for name in ("image_embeds", "last_hidden", "penultimate"):
        torch.testing.assert_close(getattr(found, name), getattr(wanted, name), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("size", [(60, 45), (45, 60), (28, 28), (20, 33)])
def test_pictures_are_prepared_as_clip_has_them(size):
    image, level = noise(*size), 1 / 255 / 0.26
    found, wanted = prepared(image, SIDE, "center"), processed(image)
    assert found.shape == wanted.shape == (2, 3, SIDE, SIDE)
    assert (found - wanted).abs().max() <= 2 * level  # Pillow computes with 8-bit weights
    assert (found - wanted).abs().mean() <= level / 4


def test_without_crop_a_picture_is_squeezed():
    image = noise(60, 45)
    squeezed = processed(image, size={"height": SIDE, "width": SIDE}, do_center_crop=False)
    assert (prepared(image, SIDE, "none") - squeezed).abs().max() <= 2 / 255 / 0.26


def test_a_picture_in_another_range_and_a_grey_one_are_prepared_as_colours():
    grey = Image(noise().pixels[..., :1])
    colours = Image(grey.pixels.expand(-1, -1, -1, 3))
    assert torch.equal(prepared(grey, SIDE, "center"), prepared(colours, SIDE, "center"))
    ranged = Image(noise().pixels * 2 - 1, range=(-1.0, 1.0))
    torch.testing.assert_close(prepared(ranged, SIDE, "center"), prepared(noise(), SIDE, "center"), atol=0.02, rtol=0)


@pytest.mark.parametrize("layout", ["transformers", "open_clip", "unclip", "alone", "folder"])
def test_sees_what_transformers_model_sees(layout, model, tmp_path: Path):
    said = {"noisewright.config": json.dumps(SAID)}
    path = tmp_path / "vision.safetensors"
    others = {"text_model.final_layer_norm.weight": torch.ones(3), "logit_scale": torch.ones(())}
    match layout:
        case "transformers":
            save_file(model.state_dict() | others, path, metadata=said)
        case "open_clip":
            save_file(open_clip_tensors(model) | {"transformer.resblocks.0.ln_1.weight": torch.ones(3)}, path, said)
        case "unclip":
            save_file(open_clip_tensors(model, "embedder.model.visual."), path, metadata=said)
        case "alone":
            save_file(open_clip_tensors(model, ""), path, metadata=said)
        case "folder":
            path = tmp_path / "image_encoder"
            model.save_pretrained(path)
    vision, image = read_clip_vision(path, layout), noise()
    found = encode(image, vision, WEIGHTS)
    assert found.image_embeds.dtype == torch.float32
    assert_alike(found, truth(model, prepared(image, SIDE, "center")))


def test_nothing_is_the_mean_colour(model, tmp_path: Path):
    with WEIGHTS.lend(read_clip_vision(write_vision(tmp_path / "v.safetensors"), "n")) as sight:
        assert sight.side == SIDE
        assert_alike(sight.nothing(), truth(model, torch.zeros(1, 3, SIDE, SIDE)))


def test_weights_of_torchs_own_kind_are_read(model, tmp_path: Path):
    torch.save(model.state_dict(), tmp_path / "v.bin")
    found = vision_component(read_clip_vision(tmp_path / "v.bin", "b").file)
    assert found.config["hidden_size"] == 64
    assert found.config["hidden_act"] == "quick_gelu"  # three layers: nothing deeper than OpenAI's


@pytest.mark.parametrize(
    ("width", "layers", "heads", "activation"),
    [(768, 12, 12, "quick_gelu"), (1024, 24, 16, "quick_gelu"), (1280, 32, 16, "gelu"), (1664, 48, 16, "gelu")],
)
def test_the_published_models_are_known_by_their_shapes(width, layers, heads, activation, tmp_path: Path):
    stem = "vision_model.encoder.layers."
    tensors = {
        "vision_model.embeddings.class_embedding": torch.zeros(width),
        "vision_model.embeddings.patch_embedding.weight": torch.zeros(width, 3, 14, 14, dtype=torch.float16),
        "vision_model.embeddings.position_embedding.weight": torch.zeros(257, width, dtype=torch.float16),
        f"{stem}0.mlp.fc1.weight": torch.zeros(4 * width, 1),
        f"{stem}{layers - 1}.layer_norm1.weight": torch.zeros(width),
        "visual_projection.weight": torch.zeros(1024, width, dtype=torch.float16),
    }
    save_file(tensors, tmp_path / "v.safetensors")
    config = vision_component(read_clip_vision(tmp_path / "v.safetensors", str(width)).file).config
    assert (config["num_attention_heads"], config["hidden_act"], config["image_size"]) == (heads, activation, 224)
    assert (config["num_hidden_layers"], config["intermediate_size"]) == (layers, 4 * width)


def test_what_is_no_vision_model_is_named(model, tmp_path: Path):
    checkpoint = write_tiny_checkpoint(tmp_path / "model.safetensors")
    with pytest.raises(WeightFileError, match=r"'model.safetensors' holds no CLIP vision model"):
        read_clip_vision(checkpoint, "c")
    tensors = {name: tensor for name, tensor in model.state_dict().items() if name != "visual_projection.weight"}
    save_file(tensors, tmp_path / "bare.safetensors")
    with pytest.raises(WeightFileError, match="without its projection"):
        read_clip_vision(tmp_path / "bare.safetensors", "p")


def test_a_missing_tensor_is_named(model, tmp_path: Path):
    tensors = {name: tensor for name, tensor in model.state_dict().items() if "pre_layrnorm" not in name}
    save_file(tensors, tmp_path / "cut.safetensors", metadata={"noisewright.config": json.dumps(SAID)})
    vision: ClipVision = read_clip_vision(tmp_path / "cut.safetensors", "m")
    with pytest.raises(WeightFileError, match="its clip vision lacks 2 tensors"), WEIGHTS.lend(vision):
        pass


@torch.no_grad()
def open_clip_truth(weights: dict[str, torch.Tensor], pixels: torch.Tensor) -> torch.Tensor:
    """OpenCLIP's vision transformer, from torch's own layers and the names in its files."""

    def norm(states: torch.Tensor, name: str) -> torch.Tensor:
        return layer_norm(states, states.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])

    patches = conv2d(pixels, weights["conv1.weight"], stride=weights["conv1.weight"].shape[-1]).flatten(2).mT
    first = weights["class_embedding"].expand(len(pixels), 1, -1)
    states = norm(torch.cat([first, patches], dim=1) + weights["positional_embedding"], "ln_pre")
    for number in range(3):
        stem = f"transformer.resblocks.{number}"
        attention = nn.MultiheadAttention(states.shape[-1], 2, batch_first=True)
        attention.load_state_dict({name: weights[f"{stem}.attn.{name}"] for name in attention.state_dict()})
        normed = norm(states, f"{stem}.ln_1")
        states = states + attention(normed, normed, normed, need_weights=False)[0]
        inner = gelu(linear(norm(states, f"{stem}.ln_2"), *(weights[f"{stem}.mlp.c_fc.{leaf}"] for leaf in LEAVES)))
        states = states + linear(inner, *(weights[f"{stem}.mlp.c_proj.{leaf}"] for leaf in LEAVES))
    return norm(states[:, 0], "ln_post") @ weights["proj"]


LEAVES = ("weight", "bias")


def test_names_of_open_clip_mean_what_they_mean_there(model, tmp_path: Path):
    weights = open_clip_tensors(model, "")
    save_file(weights, tmp_path / "v.safetensors", metadata={"noisewright.config": json.dumps(SAID)})
    found = encode(noise(), read_clip_vision(tmp_path / "v.safetensors", "truth"), WEIGHTS)
    wanted = open_clip_truth(weights, prepared(noise(), SIDE, "center"))
    torch.testing.assert_close(found.image_embeds, wanted, rtol=1e-4, atol=1e-5)
