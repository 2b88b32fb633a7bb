"""Nodes for pictures as prompts: each hands its settings to the function that computes."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from diffusion import clip_vision as computing
from diffusion.checkpoint import read_checkpoint
from diffusion.header import WeightFileError
from diffusion.memory import Weights
from diffusion.picture_prompts import seen
from diffusion.style_model import StyleNetwork, styled
from diffusion.values import (
    ClipVision,
    ClipVisionOutput,
    Conditioning,
    ConditioningEntry,
    Image,
    IpAdapter,
    Mask,
    Model,
)
from graph.files import File
from graph.folders import Folders
from graph.node import node_type_of
from nodes.conditioning import encode_text
from nodes.picture_prompts import (
    apply_style,
    encode_person,
    encode_picture,
    load_clip_vision,
    load_ip_adapter,
    load_photomaker,
    load_style_model,
    load_unclip_checkpoint,
    prompt_with_picture,
    tell_picture,
)
from tests.diffusion.tiny import seeded, tiny_tensors, tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_adapters import write_adapter
from tests.diffusion.tiny_photomaker import write_photomaker
from tests.diffusion.tiny_vision import open_clip_tensors, tiny_vision, write_vision

WEIGHTS = Weights("cpu", "fp32")
IMAGE = Image(torch.rand(1, 40, 60, 3, generator=torch.Generator().manual_seed(0)))
OTHER = Image(1 - IMAGE.pixels)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def vision(home) -> ClipVision:
    return load_clip_vision(File("vision.safetensors", write_vision(home / "vision.safetensors"), "v"))


@pytest.fixture(scope="module")
def adapter(home) -> IpAdapter:
    return load_ip_adapter(File("ip.bin", write_adapter(home / "ip.bin", "plain", tiny_unet()), "a"))


@pytest.fixture(scope="module")
def model(home) -> Model:
    return read_checkpoint(write_tiny_checkpoint(home / "sd1.safetensors"), "m").model


def same(one: ClipVisionOutput, other: ClipVisionOutput) -> bool:
    names = ("image_embeds", "last_hidden", "penultimate")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def test_a_picture_is_looked_at(vision):
    squeezed = encode_picture(vision, IMAGE, "none", weights=WEIGHTS)
    assert same(squeezed, computing.encode(IMAGE, vision, WEIGHTS, "none"))
    assert not same(squeezed, encode_picture(vision, IMAGE, "center", weights=WEIGHTS))


def test_a_picture_becomes_an_option_of_the_model(model, adapter, vision):
    mask = Mask(torch.rand(1, 8, 8))
    pair = Image(torch.cat([IMAGE.pixels, OTHER.pixels]))
    settings = (pair, 0.7, "weak input", "average", 0.1, 0.8, "K+V")
    prompted = prompt_with_picture(model, adapter, *settings, vision, OTHER, mask, weights=WEIGHTS)
    (option,) = prompted.options
    assert (option.weight, option.weight_type, option.start, option.end) == (0.7, "weak input", 0.1, 0.8)
    assert (option.adapter, option.scales_keys, option.mask is mask.values) == (adapter, True, True)
    wanted, unwanted = seen(adapter, vision, pair, WEIGHTS, "average", OTHER)
    assert torch.equal(option.wanted, wanted)
    assert torch.equal(option.unwanted, unwanted)
    twice = prompt_with_picture(
        prompted, adapter, IMAGE, 1.0, "linear", "concat", 0.0, 1.0, "V only", vision, weights=WEIGHTS
    )
    assert twice.options[0] is option
    assert (twice.options[1].scales_keys, twice.options[1].mask) == (False, None)


def test_what_does_not_fit_is_told_before_sampling(model, adapter, vision, home):
    settings = (IMAGE, 1.0, "composition", "concat", 0.0, 1.0, "V only", vision)
    with pytest.raises(ValueError, match="'composition' names layers of SDXL"):
        prompt_with_picture(model, adapter, *settings, weights=WEIGHTS)
    with pytest.raises(WeightFileError, match=r"'sd1.safetensors' is no IP-Adapter"):
        load_ip_adapter(File("sd1.safetensors", home / "sd1.safetensors", "m"))


def test_an_unclip_checkpoint_has_four_parts(home, vision):
    said = {"unet": {"attention_heads": 8}, "text_encoder": {"attention_heads": 1}}
    said["clip_vision"] = {"attention_heads": 2, "activation": "gelu"}
    tensors = tiny_tensors() | open_clip_tensors(tiny_vision(), "embedder.model.visual.")
    save_file(tensors, home / "unclip.safetensors", metadata={"noisewright.config": json.dumps(said)})
    parts = load_unclip_checkpoint(File("unclip.safetensors", home / "unclip.safetensors", "u"))
    known = read_checkpoint(home / "unclip.safetensors", "u")
    assert tuple(parts[:3]) == (known.model, known.text_encoder, known.vae)
    looked = [encode_picture(each, IMAGE, "center", weights=WEIGHTS) for each in (parts.CLIP_VISION, vision)]
    torch.testing.assert_close(looked[0].image_embeds, looked[1].image_embeds)
    with pytest.raises(WeightFileError, match="holds no CLIP vision model"):
        load_unclip_checkpoint(File("sd1.safetensors", home / "sd1.safetensors", "m"))


def test_a_picture_is_told(vision):
    text = Conditioning((ConditioningEntry(torch.zeros(1, 2, 3)),))
    look = encode_picture(vision, IMAGE, "center", weights=WEIGHTS)
    (entry,) = tell_picture(text, look, -0.5, 0.25).entries
    (told,) = entry.told
    assert (told.strength, told.noise) == (-0.5, 0.25)
    assert torch.equal(told.embeds, look.image_embeds)


def test_a_style_is_applied(vision, home):
    save_file(seeded(StyleNetwork(64, 3, 64, 1, 8), 9).state_dict(), home / "style.safetensors")
    style = load_style_model(File("style.safetensors", home / "style.safetensors", "s"))
    text = Conditioning((ConditioningEntry(torch.zeros(1, 2, 64)),))
    look = encode_picture(vision, IMAGE, "center", weights=WEIGHTS)
    (entry,) = apply_style(text, style, look, 0.5, "multiply", weights=WEIGHTS).entries
    (wanted,) = styled(text, style, look, WEIGHTS, 0.5).entries
    assert torch.equal(entry.tokens, wanted.tokens)
    assert entry.tokens.shape == (1, 5, 64)


def test_a_word_becomes_the_person_on_pictures(tmp_path):
    clip = read_checkpoint(write_tiny_checkpoint(tmp_path / "sd.safetensors"), "a person").text_encoder
    path = write_photomaker(tmp_path / "person.safetensors", 40, 24)
    person, services = load_photomaker(File(path.name, path, "p")), {"weights": WEIGHTS, "files": Folders((tmp_path,))}
    spec = node_type_of(encode_person).spec
    assert spec.inputs[3].default == "photograph of photomaker"
    (entry,) = encode_person(person, IMAGE, clip, "a cat photomaker", **services).entries
    (plain,) = encode_text("a cat", clip, **services).entries
    assert (entry.tokens != plain.tokens).any(2)[0].nonzero().flatten().tolist() == [2]


def test_inputs_of_picture_prompts():
    spec = node_type_of(prompt_with_picture).spec
    assert [(item.name, item.type, item.optional) for item in spec.inputs] == [
        ("model", "MODEL", False),
        ("ipadapter", "IPADAPTER", False),
        ("image", "IMAGE", False),
        ("weight", "FLOAT", False),
        ("weight_type", "COMBO", False),
        ("combine_embeds", "COMBO", False),
        ("start_at", "FLOAT", False),
        ("end_at", "FLOAT", False),
        ("embeds_scaling", "COMBO", False),
        ("clip_vision", "CLIP_VISION", False),
        ("image_negative", "IMAGE", True),
        ("attn_mask", "MASK", True),
    ]
    assert [(item.name, item.type) for item in spec.outputs] == [("MODEL", "MODEL")]
    assert node_type_of(load_ip_adapter).spec.inputs[0].source == "ipadapter"
