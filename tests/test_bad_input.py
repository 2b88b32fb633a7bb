"""Bad input as people meet it: whole workflows with a file of the wrong kind, or with parts that contradict each other.

Each is told before a sampler has done a step, by the node that the file or the setting belongs to, in a sentence that
names both sides and the way out.
"""

import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch

from graph.errors import InvalidWorkflow
from graph.events import NodeFailed, NodeFinished, NodeProgress
from graph.flow import Added, Flow
from graph.workflow import Link, dump, to_json
from noisewright.commands import main
from noisewright.engine import Engine
from tests import outlines
from tests.outlines import Shapes

ATTENTION = "down_blocks_0_attentions_0_transformer_blocks_0"
KEY = f"lora_unet_{ATTENTION}_attn2_to_k"
QUERY = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q"
ENCODERS = "lora_{}_text_model_encoder_layers_0_self_attn_q_proj"
SD1, SDXL = outlines.checkpoint("sd1"), outlines.checkpoint("sdxl")
UNET = {name.removeprefix("model.diffusion_model."): shape for name, shape in outlines.unet("sd1").items()}
LEFT = "Use the same model in fp16, bf16 or plain fp8."


def without(shapes: Shapes, beginning: str) -> Shapes:
    return {name: shape for name, shape in shapes.items() if not name.startswith(beginning)}


def beside(*names: str, instead: bool = False) -> Shapes:
    """A checkpoint with tensors beside one of its weights, or in its place."""
    rest = without(SD1, f"{QUERY}.weight") if instead else SD1
    return {**rest, **{f"{QUERY}.{name}": (1,) for name in names}}


FILES: Mapping[str, Shapes] = {
    "checkpoints/sd1": SD1,
    "checkpoints/sd2": outlines.checkpoint("sd2"),
    "checkpoints/sdxl": SDXL,
    "checkpoints/refiner": outlines.checkpoint("sdxl-refiner"),
    "checkpoints/inpaint": outlines.checkpoint("sd1", beside=5),
    "checkpoints/unclip": {**outlines.checkpoint("sd2", told=2048), "noise_augmentor.data_mean": (1, 1024)},
    "checkpoints/no-text": without(SD1, "cond_stage_model."),
    "checkpoints/no-texts": without(SDXL, "conditioner."),
    "checkpoints/no-vae": without(SD1, "first_stage_model."),
    "checkpoints/unet": UNET,
    "checkpoints/lora": outlines.lora({KEY: (32, 768)}),
    "checkpoints/flux": {"double_blocks.0.img_attn.qkv.weight": (9216, 3072)},
    "checkpoints/scaled": {**beside("scale_weight"), "model.diffusion_model.scaled_fp8": (0,)},
    "checkpoints/nf4": beside("weight.absmax", "weight.quant_map", "weight.quant_state.bitsandbytes__nf4"),
    "checkpoints/int8": beside("SCB", "weight_format"),
    "checkpoints/gptq": beside("qweight", "scales", "qzeros", "g_idx", instead=True),
    "checkpoints/nunchaku": beside("qweight", "wscales", "lora_down", "lora_up", "smooth", instead=True),
    "checkpoints/torchao": beside("weight:_data", "weight:_scale", instead=True),
    "checkpoints/quanto": beside("weight._data", "weight._scale", instead=True),
    "checkpoints/hqq": beside("W_q", instead=True),
    "checkpoints/comfy": beside("comfy_quant", "weight_scale"),
    "checkpoints/whole": SD1,
    "checkpoints/four": SD1,
    "loras/sd1": outlines.lora({KEY: (32, 768)}),
    "loras/part": outlines.lora({KEY: (32, 768), "lora_unet_middle_block_9_proj_in": (32, 32)}),
    "loras/sd2": outlines.lora({KEY: (32, 1024)}),
    "loras/sdxl": outlines.lora({KEY: (32, 2048)}),
    "loras/sdxl-texts": outlines.lora({ENCODERS.format("te1"): (768, 768), ENCODERS.format("te2"): (1280, 1280)}),
    "loras/flux": outlines.lora({"lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072)}),
    "loras/flux-and-text": outlines.lora(
        {"lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072), ENCODERS.format("te1"): (768, 768)}
    ),
    "loras/sd3": outlines.lora({"lora_unet_joint_blocks_0_x_block_attn_qkv": (4608, 1536)}),
    "loras/wan": outlines.lora({"diffusion_model.blocks.0.self_attn.q": (5120, 5120)}),
    "loras/glora": {f"{KEY}.{name}.weight": (4, 4) for name in ("a1", "a2", "b1", "b2")},
    "loras/ia3": {f"{KEY}.weight": (32, 1), f"{KEY}.on_input": ()},
    "loras/checkpoint": SD1,
    "loras/embedding": {"emb_params": (4, 768)},
    "controlnet/sd1": outlines.control_net("sd1"),
    "controlnet/sd2": outlines.control_net("sd2"),
    "controlnet/sdxl": outlines.control_net("sdxl"),
    "controlnet/flux": {"controlnet_blocks.0.weight": (9, 9), "single_transformer_blocks.0.attn.to_q.weight": (9, 9)},
    "controlnet/xlabs": {"controlnet_blocks.0.weight": (9, 9), "input_hint_block.0.weight": (16, 3, 3, 3)},
    "controlnet/nf4": {**outlines.control_net("sd1"), "input_blocks.0.0.weight.absmax": (1,)},
    "controlnet/adapter-sdxl": outlines.adapter([320, 640, 1280, 1280], "full_adapter_xl"),
    "controlnet/adapter-sd1": outlines.adapter([320, 640, 1280, 1280]),
    "controlnet/lora": outlines.lora({KEY: (32, 768)}),
    "vae/flux": outlines.vae("", channels=16),
    "vae/quarter": outlines.vae("", levels=3),
    "vae/sdxl_vae": outlines.vae(""),
    "vae/scaled": {**outlines.vae(""), "decoder.conv_in.scale_weight": (1,)},
    "vae/esrgan": {"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)},
    "upscale_models/vae": outlines.vae(""),
    "upscale_models/unknown": {"head.0.weight": (64, 3, 3, 3), "tail.weight": (3, 64, 3, 3)},
    "text_encoders/clip_l": outlines.text_encoder(768),
    "text_encoders/clip_h": outlines.text_encoder(1024),
    "text_encoders/clip_g": outlines.text_encoder(1280),
    "text_encoders/t5": {"encoder.block.0.layer.0.SelfAttention.q.weight": (9, 9)},
    "text_encoders/scaled": {**outlines.text_encoder(768), "scaled_fp8": (0,)},
    "clip_vision/vit-l": outlines.vision(1024, 768),
    "clip_vision/vit-h": outlines.vision(1280, 1024),
    "clip_vision/text": outlines.text_encoder(768),
    "style_models/sd1": outlines.style(1024, 768),
    "style_models/redux": {"redux_up.weight": (9, 9)},
    "ipadapter/sd1": outlines.picture_prompt(768, (32, 32, 32, 64)),
    "ipadapter/sdxl": outlines.picture_prompt(2048, (32, 32, 32, 64)),
    "ipadapter/faceid": {
        **without(outlines.picture_prompt(768, (32,)), "image_proj."),
        "image_proj.proj.0.weight": (9, 512),
        "image_proj.norm.weight": (9,),
    },
    "embeddings/sd2": {"emb_params": (4, 1024)},
    "embeddings/sdxl": {"clip_l": (4, 768), "clip_g": (4, 1280)},
    "embeddings/lora": outlines.lora({KEY: (32, 768)}),
}
"""Folder and name, and the tensors that are in it."""

DTYPES = {"checkpoints/whole": {f"{QUERY}.weight": "I8"}, "checkpoints/four": {f"{QUERY}.weight": "F4"}}

RAW: Mapping[str, bytes] = {
    "gguf": b"GGUF\x03\0\0\0" + bytes(100),
    "page": b"<!DOCTYPE html><html>Log in</html>",
    "empty": b"",
    "begun": bytes(5000),
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "pickle": pickle.dumps(print, protocol=2),
}
"""Files of no kind under the name of a checkpoint."""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    """Folders of models."""
    folder = tmp_path_factory.mktemp("models")
    for name, shapes in FILES.items():
        outlines.write(folder / f"{name}.safetensors", shapes, DTYPES.get(name))
    for name, content in RAW.items():
        (folder / "checkpoints" / f"{name}.safetensors").write_bytes(content)
    whole = (folder / "checkpoints" / "unet.safetensors").read_bytes()
    (folder / "checkpoints" / "cut.safetensors").write_bytes(whole[: len(whole) // 2])
    torch.save({"weight": torch.ones(2)}, folder / "checkpoints" / "renamed.safetensors")
    return folder


@pytest.fixture(scope="module")
def engine(shelf, tmp_path_factory) -> Iterator[Engine]:
    with Engine(data=tmp_path_factory.mktemp("home"), models=[shelf], device="cpu", keep="nothing") as engine:
        yield engine


class Desk:
    """A workflow in the making. Files are named without their ending."""

    def __init__(self, engine: Engine) -> None:
        self.flow: Flow = engine.flow()

    def add(self, kind: str, **inputs: Any) -> Added:
        return self.flow.add(kind, **inputs)

    def checkpoint(self, name: str = "sd1") -> Added:
        return self.add("CheckpointLoaderSimple", ckpt_name=f"{name}.safetensors")

    def text(self, loaded: Added, text: str = "an apple") -> Added:
        return self.add("CLIPTextEncode", text=text, clip=loaded.CLIP)

    def picture(self, side: int = 64) -> Added:
        return self.add("EmptyImage", width=side, height=side)

    def sample(self, model: Any, positive: Any, negative: Any = None, latent: Any = None, **settings: Any) -> Added:
        latent = latent or self.add("EmptyLatentImage", width=64, height=64)
        told = {"seed": 1, "steps": 6, "cfg": 4.0, "sampler_name": "euler", "scheduler": "normal", **settings}
        return self.add(
            "KSampler", model=model, positive=positive, negative=negative or positive, latent_image=latent, **told
        )


Build = Callable[[Desk], Added]


def plainly(name: str) -> Build:
    """A picture with a checkpoint."""

    def build(desk: Desk) -> Added:
        loaded = desk.checkpoint(name)
        return desk.sample(loaded.MODEL, desk.text(loaded))

    return build


def with_lora(name: str, checkpoint: str = "sd1") -> Build:
    def build(desk: Desk) -> Added:
        loaded = desk.checkpoint(checkpoint)
        lora = desk.add("LoraLoader", model=loaded.MODEL, clip=loaded.CLIP, lora_name=f"{name}.safetensors")
        return desk.sample(lora.MODEL, desk.text(lora))

    return build


def with_control(name: str, checkpoint: str = "sd1", side: int = 64, **settings: Any) -> Build:
    def build(desk: Desk) -> Added:
        loaded, net = desk.checkpoint(checkpoint), desk.add("ControlNetLoader", control_net_name=f"{name}.safetensors")
        text = desk.text(loaded)
        steered = desk.add(
            "ControlNetApplyAdvanced", positive=text, negative=text, control_net=net, image=desk.picture(side),
            strength=1.0, **settings,
        )  # fmt: skip
        return desk.sample(loaded.MODEL, steered.positive, steered.negative)

    return build


def decoded_by(vae: Callable[[Desk], Link | Added], checkpoint: str = "sd1") -> Build:
    def build(desk: Desk) -> Added:
        decoder = vae(desk)  # first: it would be read beside a sampler, and one of this size takes milliseconds
        return desk.add("VAEDecode", samples=plainly(checkpoint)(desk), vae=decoder)

    return build


def loaded_vae(name: str) -> Callable[[Desk], Added]:
    return lambda desk: desk.add("VAELoader", vae_name=f"{name}.safetensors")


def begun_with(vae: str, checkpoint: str = "sd1") -> Build:
    """A picture encoded by one checkpoint's VAE, gone on with by another model."""

    def build(desk: Desk) -> Added:
        loaded = desk.checkpoint(checkpoint)
        latent = desk.add("VAEEncode", pixels=desk.picture(), vae=desk.checkpoint(vae).VAE)
        return desk.sample(loaded.MODEL, desk.text(loaded), latent=latent, denoise=0.5)

    return build


def encoded_by(clip: Callable[[Desk], Link | Added], checkpoint: str, text: str = "an apple") -> Build:
    def build(desk: Desk) -> Added:
        return desk.sample(desk.checkpoint(checkpoint).MODEL, desk.add("CLIPTextEncode", text=text, clip=clip(desk)))

    return build


def clip_of(name: str) -> Callable[[Desk], Link]:
    return lambda desk: desk.checkpoint(name).CLIP


def clip(*names: str) -> Callable[[Desk], Added]:
    if len(names) == 1:
        return lambda desk: desk.add("CLIPLoader", clip_name=f"{names[0]}.safetensors", type="stable_diffusion")
    files = {f"clip_name{place}": f"{name}.safetensors" for place, name in enumerate(names, 1)}
    return lambda desk: desk.add("DualCLIPLoader", type="sdxl", **files)


def upscaled(name: str) -> Build:
    return lambda desk: desk.add(
        "ImageUpscaleWithModel",
        upscale_model=desk.add("UpscaleModelLoader", model_name=f"{name}.safetensors"),
        image=desk.picture(),
    )


def look(desk: Desk, vision: str) -> Added:
    loaded = desk.add("CLIPVisionLoader", clip_name=f"{vision}.safetensors")
    return desk.add("CLIPVisionEncode", clip_vision=loaded, image=desk.picture(), crop="center")


def prompted(name: str, vision: str = "vit-h", checkpoint: str = "sd1", **settings: Any) -> Build:
    def build(desk: Desk) -> Added:
        loaded = desk.checkpoint(checkpoint)
        told = {"weight": 1.0, "weight_type": "linear", "combine_embeds": "concat", "embeds_scaling": "V only"}
        model = desk.add(
            "IPAdapterAdvanced", model=loaded.MODEL, image=desk.picture(),
            ipadapter=desk.add("IPAdapterModelLoader", ipadapter_file=f"{name}.safetensors"),
            clip_vision=desk.add("CLIPVisionLoader", clip_name=f"{vision}.safetensors"),
            **{"start_at": 0.0, "end_at": 1.0, **told, **settings},
        )  # fmt: skip
        return desk.sample(model, desk.text(loaded))

    return build


def styled(name: str, vision: str, checkpoint: str = "sd1") -> Build:
    def build(desk: Desk) -> Added:
        loaded = desk.checkpoint(checkpoint)
        style = desk.add("StyleModelLoader", style_model_name=f"{name}.safetensors")
        text = desk.add(
            "StyleModelApply", conditioning=desk.text(loaded), style_model=style, strength=1.0,
            clip_vision_output=look(desk, vision), strength_type="multiply",
        )  # fmt: skip
        return desk.sample(loaded.MODEL, text)

    return build


def told_picture(checkpoint: str, vision: str = "vit-h") -> Build:
    def build(desk: Desk) -> Added:
        loaded = desk.checkpoint(checkpoint)
        text = desk.add("unCLIPConditioning", conditioning=desk.text(loaded), clip_vision_output=look(desk, vision))
        return desk.sample(loaded.MODEL, text)

    return build


def conditioned(change: Callable[[Desk, Added], tuple[Added, ...]], checkpoint: str = "sd1") -> Build:
    """change: what the two conditionings are that are made of an encoded prompt."""

    def build(desk: Desk) -> Added:
        loaded = desk.checkpoint(checkpoint)
        return desk.sample(loaded.MODEL, *change(desk, desk.text(loaded)))

    return build


def ranged(start: float, end: float) -> Callable[[Desk, Added], Added]:
    return lambda desk, text: desk.add("ConditioningSetTimestepRange", conditioning=text, start=start, end=end)


def outside(desk: Desk, text: Added) -> Added:
    area = {"width": 64, "height": 64, "strength": 1.0}
    places = ({"x": 512, "y": 0}, {"x": 0, "y": 640})
    both = [desk.add("ConditioningSetArea", conditioning=text, **area, **place) for place in places]
    return desk.add("ConditioningCombine", conditioning_1=both[0], conditioning_2=both[1])


def masked_out(desk: Desk, text: Added) -> Added:
    mask = desk.add("SolidMask", value=0.0, width=64, height=64)
    return desk.add("ConditioningSetMask", conditioning=text, mask=mask, strength=1.0, set_cond_area="default")


def joined(kind: str, **settings: Any) -> Build:
    """Prompts for two families in one."""

    def change(desk: Desk, text: Added) -> tuple[Added, Added]:
        other = desk.text(desk.checkpoint("sdxl"))
        return desk.add(kind, conditioning_to=text, conditioning_from=other, **settings), text

    return conditioned(change)


def combined(desk: Desk, text: Added) -> tuple[Added, Added]:
    other = desk.text(desk.checkpoint("sd1"))
    return desk.add("ConditioningCombine", conditioning_1=text, conditioning_2=other), text


def for_sdxl(desk: Desk) -> Added:
    sizes = dict.fromkeys(("width", "height", "target_width", "target_height"), 1024)
    return desk.add(
        "CLIPTextEncodeSDXL", clip=desk.checkpoint().CLIP, crop_w=0, crop_h=0, text_g="an apple", text_l="", **sizes
    )


QUANTISED = "'{}.safetensors' holds quantised weights ({})"
OTHER_TEXT = "The conditioning was made for another model: its tokens are "

CASES: list[tuple[str, Build, str, tuple[str, ...]]] = [
    ("a LoRA for SDXL on SD 1", with_lora("sdxl"), "LoraLoader",
     ("'sdxl.safetensors' looks like a LoRA for Stable Diffusion XL, but 'sd1.safetensors' is a Stable "
      "Diffusion 1 model", "Use a LoRA made for the same family")),
    ("a LoRA for SD 1 on SDXL", with_lora("sd1", "sdxl"), "LoraLoader",
     ("a LoRA for Stable Diffusion 1, but 'sdxl.safetensors' is a Stable Diffusion XL model",)),
    ("a LoRA for SD 2 on SD 1", with_lora("sd2"), "LoraLoader",
     ("a LoRA for Stable Diffusion 2, but 'sd1.safetensors' is a Stable Diffusion 1 model",)),
    ("a LoRA for SDXL's text encoders on SD 1", with_lora("sdxl-texts"), "LoraLoader",
     ("'sdxl-texts.safetensors' changes two text encoders and looks like a LoRA for Stable Diffusion XL",
      "'sd1.safetensors' is a Stable Diffusion 1 model, which has one. Use a LoRA made for the same family")),
    ("a LoRA for Flux on SD 1", with_lora("flux"), "LoraLoader",
     ("'flux.safetensors' fits no tensor", "(Stable Diffusion 1)", "a LoRA for Flux. Use a LoRA made for")),
    ("a LoRA for Flux and its CLIP on SD 1", with_lora("flux-and-text"), "LoraLoader", ("a LoRA for Flux. Use",)),
    ("a LoRA for SD 3 on SD 1", with_lora("sd3"), "LoraLoader", ("a LoRA for Stable Diffusion 3. Use a LoRA",)),
    ("a LoRA for Wan on SD 1", with_lora("wan"), "LoraLoader", ("it looks like a LoRA for Wan. Use a LoRA",)),
    ("GLoRA", with_lora("glora"), "LoraLoader",
     ("'glora.safetensors' changes a model in the way of GLoRA, which this version does not know: it knows LoRA, LoCon",
      "Use a file of one of these kinds.")),
    ("(IA)³", with_lora("ia3"), "LoraLoader", ("in the way of (IA)³",)),
    ("a checkpoint as LoRA", with_lora("checkpoint"), "LoraLoader",
     ("'checkpoint.safetensors' is no LoRA: it looks like a Stable Diffusion 1 checkpoint.",
      "Load it with 'Load Checkpoint'.")),
    ("an embedding as LoRA", with_lora("embedding"), "LoraLoader",
     ("is no LoRA: it looks like a textual inversion embedding, which a prompt names as embedding:NAME.",)),
    ("a LoRA as checkpoint", plainly("lora"), "CheckpointLoaderSimple",
     ("'lora.safetensors' is not a checkpoint of Stable Diffusion 1,", "it looks like a LoRA", "with 'Load LoRA'")),
    ("a U-Net as checkpoint", plainly("unet"), "CheckpointLoaderSimple",
     ("it looks like a U-Net alone. Load it with 'Load Diffusion Model'.",)),
    ("Flux as checkpoint", plainly("flux"), "CheckpointLoaderSimple",
     ("is not a checkpoint of Stable Diffusion 1, Stable Diffusion 2, Stable Diffusion XL", "like a Flux model")),
    ("a checkpoint without text encoder", plainly("no-text"), "CheckpointLoaderSimple",
     ("'no-text.safetensors' has a Stable Diffusion 1 U-Net but no text encoder.",
      "Load the U-Net with 'Load Diffusion Model'", "files of their own with 'Load CLIP' and 'Load VAE'.")),
    ("SDXL without text encoders", plainly("no-texts"), "CheckpointLoaderSimple",
     ("has a Stable Diffusion XL U-Net but no text encoder", "with 'DualCLIPLoader' and 'Load VAE'")),
    ("a checkpoint without VAE", plainly("no-vae"), "CheckpointLoaderSimple",
     ("'no-vae.safetensors' has a Stable Diffusion 1 U-Net but no autoencoder (VAE).", "'Load VAE'.")),
    ("scaled fp8", plainly("scaled"), "CheckpointLoaderSimple",
     (QUANTISED.format("scaled", "with scales beside them"), "this version does not read them", LEFT)),
    ("NF4", plainly("nf4"), "CheckpointLoaderSimple", (QUANTISED.format("nf4", "bitsandbytes, 4 bits"), LEFT)),
    ("LLM.int8", plainly("int8"), "CheckpointLoaderSimple", (QUANTISED.format("int8", "bitsandbytes, 8 bits"), LEFT)),
    ("GPTQ", plainly("gptq"), "CheckpointLoaderSimple", (QUANTISED.format("gptq", "GPTQ, AWQ"), LEFT)),
    ("SVDQuant", plainly("nunchaku"), "CheckpointLoaderSimple",
     (QUANTISED.format("nunchaku", "SVDQuant, Nunchaku"), LEFT)),
    ("torchao", plainly("torchao"), "CheckpointLoaderSimple", (QUANTISED.format("torchao", "torchao, quanto"), LEFT)),
    ("quanto", plainly("quanto"), "CheckpointLoaderSimple", (QUANTISED.format("quanto", "torchao, quanto"), LEFT)),
    ("HQQ", plainly("hqq"), "CheckpointLoaderSimple", (QUANTISED.format("hqq", "HQQ"), LEFT)),
    ("comfy_quant", plainly("comfy"), "CheckpointLoaderSimple",
     (QUANTISED.format("comfy", "with scales beside them"), LEFT)),
    ("whole numbers", plainly("whole"), "CheckpointLoaderSimple", ("' is of the number type I8, which means", LEFT)),
    ("four bits", plainly("four"), "CheckpointLoaderSimple", ("' is of the number type F4, which means", LEFT)),
    ("a quantised ControlNet", with_control("nf4"), "ControlNetLoader",
     (QUANTISED.format("nf4", "bitsandbytes, 4 bits"), LEFT)),
    ("a quantised VAE", decoded_by(loaded_vae("scaled")), "VAELoader",
     (QUANTISED.format("scaled", "with scales beside them"), LEFT)),
    ("a quantised text encoder", encoded_by(clip("scaled"), "sd1"), "CLIPLoader",
     (QUANTISED.format("scaled", "with scales beside them"), LEFT)),
    ("GGUF", plainly("gguf"), "CheckpointLoaderSimple",
     ("'gguf.safetensors' is no file of weights: it looks like a GGUF file", "in fp16, bf16 or plain fp8")),
    ("a web page", plainly("page"), "CheckpointLoaderSimple",
     ("it looks like a web page saved under this name; the download needed a login or another address.",)),
    ("an empty file", plainly("empty"), "CheckpointLoaderSimple", ("it is empty;", "get the file again.")),
    ("a download that has only begun", plainly("begun"), "CheckpointLoaderSimple",
     ("it begins with zeros; the download did not finish; get the file again.",)),
    ("a Git LFS pointer", plainly("pointer"), "CheckpointLoaderSimple", ("fetch the file itself with 'git lfs pu",)),
    ("a file that was cut off", plainly("cut"), "CheckpointLoaderSimple",
     ("'cut.safetensors' was cut off: it has", "get the file again.")),
    ("a pickle that runs code", plainly("pickle"), "CheckpointLoaderSimple",
     ("holds Python objects, which could run code", "Use a .safetensors file of the same model.")),
    ("a torch file under another ending", plainly("renamed"), "CheckpointLoaderSimple",
     ("'renamed.safetensors' is not a checkpoint of", "1 tensors such as 'weight'")),
    ("a ControlNet for SDXL on SD 1", with_control("sdxl"), "KSampler",
     ("The ControlNet 'sdxl.safetensors' steers a model that attends to tokens of width 2048 (Stable Diffusion XL)",
      "but 'sd1.safetensors' is a model of Stable Diffusion 1, which attends to tokens of width 768",
      "Load a ControlNet made for Stable Diffusion 1.")),
    ("a ControlNet for SD 1 on SDXL", with_control("sd1", "sdxl"), "KSampler",
     ("width 768 (Stable Diffusion 1)", "'sdxl.safetensors' is a model of Stable Diffusion XL",
      "Load a ControlNet made for Stable Diffusion XL.")),
    ("a ControlNet for SD 2 on SD 1", with_control("sd2"), "KSampler",
     ("width 1024 (Stable Diffusion 2)", "Load a ControlNet made for Stable Diffusion 1.")),
    ("a ControlNet for Flux", with_control("flux"), "ControlNetLoader",
     ("'flux.safetensors' is no ControlNet and no T2I-Adapter: it looks like a ControlNet for a transformer such as",)),
    ("a ControlNet for Flux with a picture's layers", with_control("xlabs"), "ControlNetLoader",
     ("it looks like a ControlNet for a transformer such as Flux.",)),
    ("a T2I-Adapter for SDXL on SD 1", with_control("adapter-sdxl"), "KSampler",
     ("The T2I-Adapter 'adapter-sdxl.safetensors' makes features", "as those for SDXL do",
      "'sd1.safetensors', a model of Stable Diffusion 1", "Load an adapter that was made for this kind of model.")),
    ("a T2I-Adapter for SD 1 on SDXL", with_control("adapter-sd1", "sdxl"), "KSampler",
     ("as those for Stable Diffusion 1 do", "'sdxl.safetensors', a model of Stable Diffusion XL")),
    ("a LoRA as ControlNet", with_control("lora"), "ControlNetLoader", ("Load it with 'Load LoRA'.",)),
    ("a control that ends before it begins", with_control("sd1", start_percent=0.8, end_percent=0.2),
     "ControlNetApplyAdvanced", ("The control is to hold from 0.8 to 0.2 of the sampling", "Exchange the two")),
    ("SDXL's VAE on SD 1", decoded_by(lambda desk: desk.checkpoint("sdxl").VAE), "",
     ("(VAEDecode) would decode latents of Stable Diffusion 1 ('sd1.safetensors') with the autoencoder of Stable "
      "Diffusion XL ('sdxl.safetensors')", "Connect an autoencoder of the same family as 'sd1.safetensors'.")),
    ("SD 1's VAE on SDXL", decoded_by(lambda desk: desk.checkpoint("sd1").VAE, "sdxl"), "",
     ("would decode latents of Stable Diffusion XL", "of Stable Diffusion 1 ('sd1.safetensors')")),
    ("a VAE of another factor", decoded_by(loaded_vae("quarter")), "",
     ("with the autoencoder 'quarter.safetensors': those have 4 channels and factor 8, it takes 4 channels and f",)),
    ("Flux' VAE on SD 1", decoded_by(loaded_vae("flux")), "VAELoader",
     ("'flux.safetensors' is an autoencoder with 16 latent channels; Stable Diffusion 1, 2 and XL have 4.",
      "Load an autoencoder made for one of these.")),
    ("an upscaler as VAE", decoded_by(loaded_vae("esrgan")), "VAELoader",
     ("it looks like an upscaling model. Load it with 'Load Upscale Model'.",)),
    ("SDXL's latents on SD 1", begun_with("sdxl"), "",
     ("(KSampler) would go on from latents of Stable Diffusion XL ('sdxl.safetensors') with the model of Stable "
      "Diffusion 1 ('sd1.safetensors')", "Decode the latents with their own VAE")),
    ("a VAE as upscaler", upscaled("vae"), "UpscaleModelLoader",
     ("'vae.safetensors' is no upscaling model: it looks like an autoencoder (VAE) alone. Load it with 'Load VAE'.",)),
    ("an upscaler of an unknown kind", upscaled("unknown"), "UpscaleModelLoader",
     ("'unknown.safetensors' is no upscaling model",)),
    ("SD 1's text on SDXL", encoded_by(clip_of("sd1"), "sdxl"), "KSampler",
     (f"{OTHER_TEXT}768 wide (Stable Diffusion 1), but 'sdxl.safetensors' is a model of Stable Diffusion XL and "
      "attends to tokens of width 2048. Encode the text with the CLIP of that model.",)),
    ("SD 2's text on SDXL", encoded_by(clip("clip_h"), "sdxl"), "KSampler", (f"{OTHER_TEXT}1024 wide (Stable Diff",)),
    ("the refiner's text on SDXL", encoded_by(clip("clip_g"), "sdxl"), "KSampler",
     (f"{OTHER_TEXT}1280 wide (Stable Diffusion XL refiner), but 'sdxl.safetensors'",)),
    ("SD 1's text on SD 2", encoded_by(clip("clip_l"), "sd2"), "KSampler",
     (f"{OTHER_TEXT}768 wide (Stable Diffusion 1), but 'sd2.safetensors' is a model of Stable Diffusion 2",)),
    ("texts of two families combined", conditioned(combined, "sdxl"), "KSampler", (f"{OTHER_TEXT}768 wide",)),
    ("texts of two families in a row", joined("ConditioningConcat"), "ConditioningConcat",
     ("one has tokens of width 768, the other of width 2048. Encode both texts with the same CLIP.",)),
    ("texts of two families blended", joined("ConditioningAverage", conditioning_to_strength=0.5),
     "ConditioningAverage", ("one has tokens of width 768, the other of width 2048. Encode both texts with the",)),
    ("two texts for one encoder", for_sdxl, "CLIPTextEncodeSDXL",
     ("A text was given for each of 2 encoders, as SDXL has them, but the CLIP of 'sd1.safetensors' is that of Stable "
      "Diffusion 1, which has one.", "Encode one text with 'CLIP Text Encode (Prompt)'")),
    ("CLIP L twice", encoded_by(clip("clip_l", "clip_l"), "sdxl"), "DualCLIPLoader",
     ("these are not the text encoders of one model", "Stable Diffusion XL takes 768 and 1280.")),
    ("CLIP G twice", encoded_by(clip("clip_g", "clip_g"), "sdxl"), "DualCLIPLoader", ("takes 768 and 1280.",)),
    ("T5 as CLIP", encoded_by(clip("t5"), "sd1"), "CLIPLoader",
     ("'t5.safetensors' is no CLIP text encoder: it looks like a T5 text encoder.",)),
    ("an embedding for SD 2 on SD 1", encoded_by(clip_of("sd1"), "sd1", "embedding:sd2"), "CLIPTextEncode",
     ("The embedding 'sd2.safetensors' has vectors of width 1024 (Stable Diffusion 2); this text encoder takes 768.",
      "Use an embedding made for the same family of models.")),
    ("an embedding for SDXL on SD 2", encoded_by(clip_of("sd2"), "sd2", "embedding:sdxl"), "CLIPTextEncode",
     ("has vectors of width 768 (SDXL); this text encoder takes 1024.",)),
    ("a LoRA as embedding", encoded_by(clip_of("sd1"), "sd1", "embedding:lora"), "CLIPTextEncode",
     ("'lora.safetensors' is no textual inversion embedding: it looks like a LoRA", "Load it with 'Load LoRA'.")),
    ("an embedding that is not there", encoded_by(clip_of("sd1"), "sd1", "embedding:nothing"), "CLIPTextEncode",
     ("There is no file 'nothing' in the folder 'embeddings'.",)),
    ("an IP-Adapter for SDXL on SD 1", prompted("sdxl"), "IPAdapterAdvanced",
     ("The IP-Adapter 'sdxl.safetensors' makes tokens of width 2048 (Stable Diffusion XL), but the model "
      "'sd1.safetensors' attends to tokens of width 768 (Stable Diffusion 1).", "Use an adapter made for this kind")),
    ("an IP-Adapter for SD 1 on SDXL", prompted("sd1", checkpoint="sdxl"), "IPAdapterAdvanced",
     ("width 768 (Stable Diffusion 1), but the model 'sdxl.safetensors'",)),
    ("an IP-Adapter for faces", prompted("faceid"), "IPAdapterModelLoader",
     ("'faceid.safetensors' is an IP-Adapter FaceID: it is told a face by InsightFace's recognition",
      "Use 'plus-face' or 'full-face'")),
    ("an IP-Adapter with another CLIP", prompted("sd1", "vit-l"), "IPAdapterAdvanced",
     ("The IP-Adapter 'sd1.safetensors' takes a picture's vector of width 1024, but the CLIP vision model "
      "'vit-l.safetensors' gives a picture's vector of width 768. Load CLIP ViT-H.",)),
    ("a picture that ends before it begins", prompted("sd1", start_at=0.8, end_at=0.2), "IPAdapterAdvanced",
     ("The picture is to hold from 0.8 to 0.2",)),
    ("a text encoder as CLIP vision", prompted("sd1", "text"), "CLIPVisionLoader",
     ("'text.safetensors' holds no CLIP vision model, which sees pictures", "Load it with 'Load CLIP'.")),
    ("a style with another CLIP", styled("sd1", "vit-h"), "StyleModelApply",
     ("'sd1.safetensors' takes states of width 1024, but the CLIP vision model gave states of width 1280.",
      "Encode the picture with CLIP ViT-L.")),
    ("a style on SDXL", styled("sd1", "vit-l", "sdxl"), "StyleModelApply",
     ("makes tokens of width 768, but the conditioning has tokens of width 2048 (Stable Diffusion XL).",
      "Use it with a model of Stable Diffusion 1.")),
    ("a style for Flux", styled("redux", "vit-l"), "StyleModelLoader", ("it looks like a style model for Flux",)),
    ("a picture told to SD 1", told_picture("sd1"), "KSampler",
     ("The conditioning tells of a picture (unCLIPConditioning), but the model 'sd1.safetensors' is no unCLIP model.",
      "Load an unCLIP checkpoint, or use an IP-Adapter.")),
    ("a picture told without its statistics", told_picture("unclip"), "KSampler",
     ("'unclip.safetensors' does not say how CLIP's vectors are normed", "Use the whole unCLIP checkpoint")),
    ("an inpainting model that is shown nothing", plainly("inpaint"), "KSampler",
     ("This model repaints pictures: it must be shown one, with a mask.", "through InpaintModelConditioning")),
    ("areas outside of the picture", conditioned(lambda desk, text: (outside(desk, text), text)), "KSampler",
     ("A conditioning's area begins at x = 512, y = 0, outside of the picture of 64 × 64 pixels.", "Move the area")),
    ("a range that ends before it begins", conditioned(lambda desk, text: (ranged(0.8, 0.2)(desk, text), text)),
     "ConditioningSetTimestepRange", ("The prompt is to hold from 0.8 to 0.2 of the sampling", "Exchange the two")),
    ("empty ranges", conditioned(lambda desk, text: (ranged(0.5, 0.5)(desk, text),) * 2), "KSampler",
     ("Nothing says what the picture shall show in any step", "a timestep range from 0 to 1.")),
    ("ranges that leave steps without a prompt", conditioned(lambda desk, text: (ranged(0.0, 0.5)(desk, text),) * 2),
     "KSampler", ("Nothing says what the picture shall show in steps 4 to 6 of 6", "a timestep range from 0 to 1.")),
    ("masks that leave nothing", conditioned(lambda desk, text: (masked_out(desk, text),) * 2), "KSampler",
     ("Nothing says what the picture shall show in any step", "with a strength and a mask above 0")),
]  # fmt: skip
"""What is wrong; the workflow; the type of the node that tells it ("": told before anything runs); parts of what it
says.
"""


def told(engine: Engine, wanted: Added, flow: Flow) -> tuple[str, str]:
    """The type of the first node that fails, and what it says. Fails where a sampler has done a step."""
    asked, failed = engine.weights.evaluations, list[NodeFailed]()
    try:
        with closing(engine.events(flow, wanted)) as events:
            for event in events:
                assert not isinstance(event, NodeProgress), "a sampler has begun"
                if isinstance(event, NodeFailed):
                    failed.append(event)
    except InvalidWorkflow as error:
        return "", str(error)
    assert failed, "nothing was said"
    assert engine.weights.evaluations == asked
    return flow.workflow().nodes[failed[0].node].type, f"{failed[0].message} {failed[0].hint}".strip()


@pytest.mark.parametrize(("build", "at", "parts"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_it_is_told_before_sampling_begins(engine, build, at, parts):
    desk = Desk(engine)
    node, sentence = told(engine, build(desk), desk.flow)
    assert node == at, sentence
    for part in parts:
        assert part in sentence


def inpainted(checkpoint: str, negative_side: int = 64) -> Build:
    """Repainted, where the negative prompt shows a picture of another size."""

    def build(desk: Desk) -> Added:
        loaded = desk.checkpoint(checkpoint)
        text = desk.text(loaded)
        shown = [
            desk.add(
                "InpaintModelConditioning", positive=text, negative=text, vae=loaded.VAE, pixels=desk.picture(side),
                mask=desk.add("SolidMask", value=1.0, width=side, height=side), noise_mask=True,
            )
            for side in (64, negative_side)
        ]  # fmt: skip
        return desk.sample(loaded.MODEL, shown[0].positive, shown[1].negative, shown[0].latent)

    return build


def steered_alone(desk: Desk) -> Added:
    loaded = desk.checkpoint()
    net, text = desk.add("ControlNetLoader", control_net_name="sd1.safetensors"), desk.text(loaded)
    steered = desk.add("ControlNetApply", conditioning=text, control_net=net, image=desk.picture(), strength=1.0)
    return desk.sample(loaded.MODEL, steered, text)


def refined(desk: Desk) -> Added:
    loaded = desk.checkpoint("sdxl")
    text = desk.add("CLIPTextEncodeSDXLRefiner", ascore=6.0, width=64, height=64, text="an apple", clip=loaded.CLIP)
    return desk.sample(loaded.MODEL, text)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(with_control("sd1", side=200), id="a control picture of another size"),
        pytest.param(with_control("sd1", side=1), id="a control picture of one pixel"),
        pytest.param(steered_alone, id="a control for the positive prompt alone"),
        pytest.param(with_control("sd1", start_percent=0.5, end_percent=0.5), id="a control that is switched off"),
        pytest.param(inpainted("sd1"), id="a picture shown to a model that is shown none"),
        pytest.param(inpainted("inpaint", 128), id="pictures of two sizes"),
        pytest.param(refined, id="the refiner's sizes on SDXL's base"),
        pytest.param(plainly("unclip"), id="an unCLIP model that is told no picture"),
    ],
)
def test_what_can_be_done_is_done(engine, build):
    """A control picture and a picture shown are resized, and what a model is not told it does without."""
    desk = Desk(engine)
    assert engine.value(desk.flow, build(desk)).samples.shape == (1, 4, 8, 8)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        pytest.param(
            conditioned(lambda desk, text: (ranged(0.0, 0.5)(desk, text), text)),
            "No entry of the positive conditioning holds in steps 4 to 6 of 6; the negative one stands in its place",
            id="steps without a positive prompt",
        ),
        pytest.param(
            conditioned(lambda desk, text: (masked_out(desk, text), half(desk, text))),
            "A part of the picture lies in no area and no mask of the positive or the negative conditioning",
            id="a part of the picture without any prompt",
        ),
        pytest.param(
            decoded_by(loaded_vae("sdxl_vae")),
            "By its name, the autoencoder 'sdxl_vae.safetensors' is one of SDXL, but it is to decode latents of Stable "
            "Diffusion 1 ('sd1.safetensors')",
            id="an autoencoder that is another family's by its name",
        ),
    ],
)
def test_what_is_doubtful_is_a_warning(engine, caplog, build, sentence):
    desk = Desk(engine)
    engine.run(desk.flow, build(desk))
    assert sentence in caplog.text


def half(desk: Desk, text: Added) -> Added:
    area = {"width": 0.5, "height": 1.0, "x": 0.0, "y": 0.0, "strength": 1.0}
    return desk.add("ConditioningSetAreaPercentage", conditioning=text, **area)


def test_a_cut_below_zero_is_told_by_the_check(engine):
    desk = Desk(engine)
    encoded = for_sdxl(desk)
    workflow = desk.flow.workflow()
    content = to_json(workflow)
    content["nodes"][str(encoded)]["inputs"]["crop_w"] = -8
    (problem,) = engine.check(json.dumps(content).encode(), str(encoded))
    assert problem.code == "out_of_range"
    assert "-8" in problem.message


@pytest.mark.parametrize("kind", ["LoraLoader", "LoraLoaderModelOnly", "LoraStack"])
def test_what_fits_in_part_is_counted_at_its_node(engine, kind):
    """A warning, which people see where they would mend it: neither in a log alone nor at the sampler."""
    desk = Desk(engine)
    loaded = desk.checkpoint()
    clip = {} if kind == "LoraLoaderModelOnly" else {"clip": loaded.CLIP}
    lora = {"lora_name1": "part.safetensors"} if kind == "LoraStack" else {"lora_name": "part.safetensors"}
    node = str(desk.add(kind, model=loaded.MODEL, **clip, **lora))
    finished = [event for event in engine.events(desk.flow, node) if isinstance(event, NodeFinished)]
    shown = {event.node: event.outputs.get("warnings") for event in finished}
    assert shown == {
        str(loaded): None,
        node: [
            "part.safetensors: 1 of the 2 layers that it changes in the U-Net fit none of 'sd1.safetensors' (such as "
            "'lora_unet_middle_block_9_proj_in') and are left out; the others are applied."
        ],
    }


@pytest.fixture
def written(engine, shelf, tmp_path, monkeypatch) -> Callable[[Build], list[str]]:
    """Writes a workflow that saves a picture; gives the arguments of a command for it."""
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "data"))

    def write(build: Build) -> list[str]:
        desk = Desk(engine)
        desk.add("SaveImage", images=build(desk), filename_prefix="picture")
        path = tmp_path / "workflow.json"
        path.write_text(dump(desk.flow.workflow()), encoding="utf-8")
        return [str(path), "--models", str(shelf)]

    return write


@pytest.mark.parametrize(
    ("build", "command", "code", "sentence"),
    [
        pytest.param(
            decoded_by(lambda desk: desk.checkpoint("sdxl").VAE), "plan", 2,
            "Error: Node 'VAEDecode' (VAEDecode) would decode latents of Stable Diffusion 1 ('sd1.safetensors') with "
            "the autoencoder of Stable Diffusion XL ('sdxl.safetensors'): their numbers mean other colours. Connect an "
            "autoencoder of the same family as 'sd1.safetensors'.",
            id="plan",
        ),
        pytest.param(
            lambda desk: desk.add(
                "VAEDecode", samples=with_lora("sdxl")(desk), vae=desk.checkpoint().VAE
            ), "run", 1,
            "'sdxl.safetensors' looks like a LoRA for Stable Diffusion XL, but 'sd1.safetensors' is a "
            "Stable Diffusion 1 model, whose "
            "U-Net attends to text states of width 768. Use a LoRA made for the same family of models.",
            id="run",
        ),
    ],
)  # fmt: skip
def test_the_sentence_reaches_the_command_line_whole(written, capsys, build, command, code, sentence):
    assert main([command, *written(build)]) == code
    captured = capsys.readouterr()
    assert sentence in " ".join(captured.err.split())
    assert captured.out == ""
