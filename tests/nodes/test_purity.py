"""No node changes what it is given: values may be cached and shared, so every tensor must be the same after a call.

Every node type is called with toy values made from its declaration: with its defaults, with every number moved, with
every number at its smallest, without what is optional, and with each choice of its short lists.
"""

import hashlib
import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image as Picture
from safetensors.torch import save_file
from torch import Tensor

import nodes
from diffusion.latent_files import to_bytes
from diffusion.memory import Weights
from diffusion.style_model import StyleNetwork
from diffusion.values import Conditioning, Image, Latent, LatentSpace, Mask, Model, TextEncoder, Vae
from graph.around import Around
from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.files import File
from graph.flat import FlatNode
from graph.folders import Folders, OutputFolder
from graph.node import NodeType
from graph.spec import InputSpec
from nodes.loops import LoopFlow
from tests.diffusion.lora.made import LINEAR, TEXT_LORA, plain_lora
from tests.diffusion.preprocessors.written import write_depth_anything, write_rt_detr, write_sam, write_vitpose
from tests.diffusion.tiny import seeded, tiny_tensors, tiny_text_encoder, tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_adapters import write_adapter
from tests.diffusion.tiny_control import tiny_control, write_original
from tests.diffusion.tiny_photomaker import write_photomaker
from tests.diffusion.tiny_vision import open_clip_tensors, tiny_vision, write_vision
from tests.diffusion.upscalers.written import compact_tensors, written

CATALOGUE = Catalogue.of(nodes.MODULES)

SHORT = 8
"""Lists of choices up to this length are gone through; samplers and schedulers have their own tests."""

TEXTS = {
    "expression": "1 + 1",
    "regex_pattern": "(red) (apple)",
    "points": "3, 4",
    "negative_points": "9, 9",
    "box": "2, 2, 12, 12",
}
"""Texts for inputs that do not take any."""

KIND_OF_FILE = {"LoadLatent": "latent", "unCLIPCheckpointLoader": "unclip"}
"""Nodes that take other files of a folder than most."""

REFUSED = {
    "KarrasScheduler-least",
    "ExponentialScheduler-least",
    "PolyexponentialScheduler-least",
    "BetaSamplingScheduler-least",
    "SamplerDPMPP_SDE-least",
    "SamplerDPMAdaptative-least",
    "SamplerDPMAdaptative-moved",
    "LatentConcat-dim=t",
    "LatentConcat-dim=-t",
    "LatentCut-dim=t",
    "ModelSamplingContinuousEDM-least",
    "ModelSamplingContinuousV-least",
    "ModelSamplingContinuousEDM-sampling=edm_playground_v2.5",
    "ModelSamplingContinuousEDM-sampling=cosmos_rflow",
    "LoraSave-default",
    "LoraSave-moved",
    "LoraSave-least",
    "LoraSave-lora_type=full_diff",
}
"""Calls that are answered with a sentence: there is no schedule, sampler or model for what they ask."""

CELLS = 16
"""Latent pixels of the toy values, each way."""


@dataclass(frozen=True)
class Record:
    """Where results come from: nothing to say."""

    metadata: str = "full"
    uses_pictures: bool = False

    def texts(self) -> dict[str, str]:
        return {"prompt": "{}"}


@dataclass(frozen=True)
class Workshop:
    """What calls need: values by wire type, files by folder, and services."""

    values: Mapping[str, Any]
    files: Mapping[tuple[str, str], File]
    services: Mapping[str, Any]

    def value(self, spec: InputSpec, node: str, numbers: str, choices: Mapping[str, str]) -> Any:
        """A value for one input. numbers: "default", "moved" or "least"; choices: those not to be the default."""
        if spec.list:
            return [self.value(spec.model_copy(update={"list": False}), node, numbers, choices)] * 2
        if spec.name in TEXTS:
            return TEXTS[spec.name]
        if spec.source is not None:
            return self.files[spec.source, KIND_OF_FILE.get(node, "")]
        if spec.choices is not None:
            return choices.get(spec.name, spec.choices[0] if spec.default is None else spec.default)
        kind = spec.type.partition(",")[0]
        if kind in ("INT", "FLOAT"):
            return number(spec, numbers)
        if kind == "STRING":
            return spec.default or "red apple"
        if kind == "BOOLEAN":
            return bool(spec.default) != (numbers == "moved")
        return self.values[kind] if spec.default is None else spec.default

    def services_of(self, node: str) -> dict[str, Any]:
        """What a node is lent. An end of a loop stands behind a start."""
        spec = node_type(node).spec
        start = FlatNode("start", node.replace("End", "Start"), {"initial_value1": 1}, {})
        links = {"flow": ("start", "flow"), "initial_value1": ("start", "value1")} if spec.input("flow") else {}
        flat = {"start": start, "node": FlatNode("node", node, {}, links)}
        around = Around("node", links, flat, Workflow({}), None, CATALOGUE)
        return {name: around if name == "around" else self.services[name] for name in spec.services}


def picture_files(home: Path) -> dict[str, File]:
    """What lets the tiny model follow pictures, by folder."""
    said = {"noisewright.config": json.dumps({"style_model": {"attention_heads": 2}})}
    save_file(seeded(StyleNetwork(64, 3, 64, 1, 2), 9).state_dict(), home / "style.safetensors", metadata=said)
    return {
        "clip_vision": File("vision.safetensors", write_vision(home / "vision.safetensors"), "11"),
        "style_models": File("style.safetensors", home / "style.safetensors", "12"),
        "ipadapter": File("ip.bin", write_adapter(home / "ip.bin", "plain", tiny_unet()), "13"),
        "photomaker": File("person.safetensors", write_photomaker(home / "person.safetensors", 40, 24), "20"),
    }


def vision_files(home: Path) -> dict[str, File]:
    """Networks that look at pictures, by folder."""
    return {
        "depth": File("net/model.safetensors", write_depth_anything(home / "depth" / "net"), "15"),
        "sams": File("sam/model.safetensors", write_sam(home / "sams" / "sam"), "16"),
        "pose": File("net/model.safetensors", write_vitpose(home / "pose" / "net"), "17"),
        "detection": File("net/model.safetensors", write_rt_detr(home / "detection" / "net"), "18"),
    }


def unclip_file(home: Path) -> File:
    """A checkpoint with a vision model in it, as unCLIP models have one."""
    said = {"unet": {"attention_heads": 8}, "text_encoder": {"attention_heads": 1}}
    tensors = tiny_tensors(factor=4) | open_clip_tensors(tiny_vision(), "embedder.model.visual.")
    save_file(tensors, home / "unclip.safetensors", metadata={"noisewright.config": json.dumps(said)})
    return File("unclip.safetensors", home / "unclip.safetensors", "14")


def number(spec: InputSpec, numbers: str) -> int | float:
    """A number an input takes: its default, one beside it, or its smallest unless that is below zero."""
    usual = spec.default if spec.default is not None else spec.minimum or 1
    if numbers == "least" and spec.minimum is not None and spec.minimum >= 0:
        return spec.minimum
    if numbers == "moved":
        step = spec.hints.get("step", 1) if spec.type == "INT" else 0.25
        return usual + step if spec.maximum is None or usual + step <= spec.maximum else usual - step
    return usual


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A tiny model, and values as its nodes make them."""
    home = tmp_path_factory.mktemp("home")
    checkpoint = write_tiny_checkpoint(home / "models" / "checkpoints" / "tiny.safetensors", factor=4)
    weights = Weights()
    services = {
        "weights": weights,
        "files": Folders(models=(home / "models",), input=(home / "input",)),
        "output": OutputFolder(home / "output", home / "temp"),
        "record": Record(),
        "resume": None,
    }
    noise = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.rand(shape, generator=noise)

    file = File("tiny.safetensors", checkpoint, hashlib.sha256(checkpoint.read_bytes()).hexdigest())
    model, clip, vae = function("CheckpointLoaderSimple")(file)
    space: LatentSpace = vae.space
    side = CELLS * space.factor
    latent = Latent(random(2, 4, CELLS, CELLS), space, noise_mask=random(2, side, side), batch_index=(1, 3))
    prompt = function("CLIPTextEncode")("red apple", clip, weights=weights, **files_if_wanted(services))
    values: dict[str, Any] = {
        "MODEL": model,
        "CLIP": clip,
        "VAE": vae,
        "IMAGE": Image(random(2, side, side, 4)),
        "MASK": Mask(random(2, side, side)),
        "LATENT": latent,
        "CONDITIONING": function("ConditioningSetMask")(prompt, Mask(random(1, side, side)), 0.7, "default"),
        "FLOW_CONTROL": LoopFlow(total=2),
    }
    upscaler = written(home / "models" / "upscale_models" / "tiny.safetensors", compact_tensors())
    values["UPSCALE_MODEL"] = upscaler
    net = write_original(tiny_control(tiny_unet()), home / "net.safetensors", heads=8)
    control_net = File("net.safetensors", net, "7")
    values["CONTROL_NET"] = function("ControlNetLoader")(control_net)
    values["STITCH"] = function("InpaintCrop")(values["IMAGE"], values["MASK"]).stitch
    values |= {
        "NOISE": function("RandomNoise")(7),
        "SIGMAS": function("BasicScheduler")(model, "karras", 2),
        "SAMPLER": function("KSamplerSelect")("euler_ancestral"),
        "GUIDER": function("CFGGuider")(model, values["CONDITIONING"], values["CONDITIONING"], 3.0),
        "LATENT_OPERATION": function("LatentOperationSharpen")(3),
    }
    values |= {
        "HOOK_KEYFRAMES": function("CreateHookKeyframe")(0.5, 0.3).HOOK_KF,
        "TIMESTEPS_RANGE": function("ConditioningTimestepsRange")(0.2, 0.8).TIMESTEPS_RANGE,
    }
    lora = File("tiny.safetensors", lora_file(home / "lora.safetensors"), "6")
    values["HOOKS"] = function("SetHookKeyframes")(function("CreateHookLora")(lora), values["HOOK_KEYFRAMES"])
    pictured = picture_files(home)
    vision = function("CLIPVisionLoader")(pictured["clip_vision"])
    values |= {
        "CLIP_VISION": vision,
        "CLIP_VISION_OUTPUT": function("CLIPVisionEncode")(vision, values["IMAGE"], "none", weights=weights),
        "STYLE_MODEL": function("StyleModelLoader")(pictured["style_models"]),
        "IPADAPTER": function("IPAdapterModelLoader")(pictured["ipadapter"]),
        "PHOTOMAKER": function("PhotoMakerLoader")(pictured["photomaker"]),
    }
    seeing = vision_files(home)
    values |= {
        "DEPTH_MODEL": function("DepthModelLoader")(seeing["depth"]),
        "SAM_MODEL": function("SegmentAnythingLoader")(seeing["sams"]),
        "POSE_MODEL": function("PoseModelLoader")(seeing["pose"]),
        "PERSON_DETECTOR": function("PersonDetectorLoader")(seeing["detection"]),
    }
    values["*"] = values["IMAGE"]
    (home / "input").mkdir()
    Picture.new("RGBA", (20, 12), (10, 20, 30, 128)).save(home / "input" / "picture.png")
    (home / "input" / "some.latent").write_bytes(to_bytes(latent, {}))
    files = {
        **{(folder, ""): found for folder, found in seeing.items()},
        ("checkpoints", ""): file,
        ("checkpoints", "unclip"): unclip_file(home),
        ("vae", ""): file,
        ("diffusion_models", ""): file,
        ("loras", ""): lora,
        ("hypernetworks", ""): File("net.pt", hypernetwork_file(home / "net.pt"), "19"),
        ("text_encoders", ""): File("clip.safetensors", clip_file(home / "clip.safetensors"), "5"),
        ("controlnet", ""): control_net,
        ("upscale_models", ""): File("tiny.safetensors", Path(upscaler.file.path), "4"),
        **{(folder, ""): named for folder, named in pictured.items()},
        ("input", ""): File("picture.png", home / "input" / "picture.png", "1"),
        ("input", "latent"): File("some.latent", home / "input" / "some.latent", "2"),
    }
    return Workshop(values, files, services)


def lora_file(path: Path) -> Path:
    """A LoRA for one layer of the U-Net and one of the text encoder."""
    save_file(plain_lora(tiny_unet(), (LINEAR,))[0] | TEXT_LORA, path)
    return path


def hypernetwork_file(path: Path) -> Path:
    """Networks of one layer for what attends to the text."""
    layer = {"linear.0.weight": torch.eye(64), "linear.0.bias": torch.zeros(64)}
    torch.save({64: (layer, layer)}, path)
    return path


def clip_file(path: Path) -> Path:
    """A text encoder alone, with a projection, which is what each of SDXL's may be."""
    weights = tiny_text_encoder().state_dict() | {"text_projection.weight": torch.eye(64)}
    save_file(weights, path)
    return path


def function(type_id: str) -> Any:
    return node_type(type_id).function


def node_type(type_id: str) -> NodeType:
    found = CATALOGUE.node_type(type_id)
    assert found is not None
    return found


def files_if_wanted(services: Mapping[str, Any]) -> dict[str, Any]:
    return {name: services[name] for name in node_type("CLIPTextEncode").spec.services if name != "weights"}


def calls() -> Iterator[Any]:
    for type_id in CATALOGUE.types():
        inputs = node_type(type_id).spec.inputs
        for numbers in ("default", "moved", "least"):
            yield pytest.param(type_id, numbers, {}, id=f"{type_id}-{numbers}")
        for item in inputs:
            if item.choices is not None and len(item.choices) <= SHORT:
                for choice in item.choices[1:]:
                    yield pytest.param(type_id, "default", {item.name: choice}, id=f"{type_id}-{item.name}={choice}")


@pytest.mark.parametrize(("type_id", "numbers", "choices"), list(calls()))
def test_a_call_leaves_its_inputs_as_they_were(
    type_id: str, numbers: str, choices: Mapping[str, str], workshop: Workshop
) -> None:
    spec = node_type(type_id).spec
    given = {
        item.name: workshop.value(item, type_id, numbers, choices)
        for item in spec.inputs
        if not (item.optional and numbers == "least") or item.type == "*"
    }
    before = fingerprint(given)
    choice = "".join(f"{name}={value}" for name, value in choices.items())
    refused = f"{type_id}-{choice or numbers}" in REFUSED
    with torch.inference_mode(), pytest.raises(ValueError, match=r"\.$") if refused else nullcontext():
        result = finished(function(type_id)(**given, **workshop.services_of(type_id)))
    assert fingerprint(given) == before
    assert refused or result is not None or not spec.outputs


def finished(result: Any) -> Any:
    """What a node returns, when it is through with its steps."""
    while inspect.isgenerator(result):
        try:
            next(result)
        except StopIteration as stop:
            return stop.value
    return result


def fingerprint(value: Any) -> Any:
    """The value with every tensor in it replaced by its shape and the hash of its bytes."""
    if isinstance(value, Tensor):
        return tuple(value.shape), hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()
    if is_dataclass(value):
        return type(value).__name__, tuple(fingerprint(getattr(value, part.name)) for part in fields(value))
    if isinstance(value, Mapping):
        return tuple((name, fingerprint(item)) for name, item in value.items())
    if isinstance(value, tuple | list):
        return tuple(fingerprint(item) for item in value)
    return repr(value)


def test_every_value_with_tensors_is_looked_into(workshop: Workshop) -> None:
    """The check would see a change anywhere in a value."""
    for kind in (Image, Mask, Latent, Conditioning):
        value = workshop.values[kind.wire]
        tensors = list(tensors_in(value))
        assert tensors
        for tensor in tensors:
            before = fingerprint(value)
            kept = tensor.clone()
            tensor.view(-1)[0] += 1
            assert fingerprint(value) != before
            tensor.copy_(kept)
    assert {Model.wire, TextEncoder.wire, Vae.wire} <= workshop.values.keys()


def tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif is_dataclass(value):
        for part in fields(value):
            yield from tensors_in(getattr(value, part.name))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors_in(item)
