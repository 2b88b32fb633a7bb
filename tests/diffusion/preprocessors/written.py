"""Small networks with random weights, in folders as transformers writes them."""

from pathlib import Path
from typing import Any

import torch

from diffusion.architectures import transformers_class as kind

SIDE = 56
"""The size that the depth networks are shown, in pixels."""


def write_depth_anything(folder: Path, **config: Any) -> Path:
    """Depth Anything with four layers; the path of its weights."""
    backbone = kind("Dinov2Config")(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=28,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    made = kind("DepthAnythingConfig")(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[8, 16, 24, 32],
        fusion_hidden_size=8,
        head_hidden_size=4,
        patch_size=14,
        **config,
    )
    return _written(folder, "DepthAnythingForDepthEstimation", made, _dpt_processor(multiple=14))


def write_dpt(folder: Path) -> Path:
    """DPT with four layers; the path of its weights."""
    made = kind("DPTConfig")(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=SIDE,
        patch_size=14,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 16, 24, 32],
        fusion_hidden_size=8,
        reassemble_factors=[4, 2, 1, 0.5],
        num_labels=2,
        is_hybrid=False,
    )
    return _written(folder, "DPTForDepthEstimation", made, _dpt_processor(multiple=1, keep=False))


def write_sam(folder: Path) -> Path:
    """Segment Anything on 64 × 64 pixels; the path of its weights."""
    vision = {
        "hidden_size": 16,
        "output_channels": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 64,
        "patch_size": 16,
        "window_size": 2,
        "global_attn_indexes": [1],
        "mlp_dim": 32,
        "num_pos_feats": 16,
    }
    prompt = {"hidden_size": 32, "image_size": 64, "patch_size": 16, "image_embedding_size": 4}
    decoder = {"hidden_size": 32, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16}
    made = kind("SamConfig")(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder)
    processor = kind("SamImageProcessorPil")(
        size={"longest_edge": 64}, pad_size={"height": 64, "width": 64}, mask_size={"longest_edge": 16}
    )
    return _written(folder, "SamModel", made, processor)


def write_vitpose(folder: Path, experts: int = 1) -> Path:
    """ViTPose on 32 × 24 pixels; the path of its weights."""
    backbone = kind("VitPoseBackboneConfig")(
        image_size=(32, 24),
        patch_size=[8, 8],
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        mlp_ratio=2,
        num_experts=experts,
        part_features=4,
        out_indices=[2],
    )
    made = kind("VitPoseConfig")(backbone_config=backbone, num_labels=17, scale_factor=4, use_simple_decoder=True)
    processor = kind("VitPoseImageProcessorPil")(size={"height": 32, "width": 24})
    return _written(folder, "VitPoseForPoseEstimation", made, processor)


def write_rt_detr(folder: Path) -> Path:
    """RT-DETR on 64 × 64 pixels with two classes, persons and others; the path of its weights."""
    backbone = kind("RTDetrResNetConfig")(
        embedding_size=8,
        hidden_sizes=[8, 16, 16, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
        out_indices=[2, 3, 4],
    )
    made = kind("RTDetrConfig")(
        backbone_config=backbone,
        encoder_in_channels=[16, 16, 16],
        encoder_hidden_dim=16,
        encoder_ffn_dim=32,
        encoder_layers=1,
        encoder_attention_heads=2,
        d_model=16,
        num_queries=12,
        decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=32,
        decoder_layers=2,
        decoder_attention_heads=2,
        num_denoising=0,
        id2label={0: "person", 1: "bicycle"},
        label2id={"person": 0, "bicycle": 1},
    )
    processor = kind("RTDetrImageProcessorPil")(size={"height": 64, "width": 64})
    return _written(folder, "RTDetrForObjectDetection", made, processor, spread=0.5)


def _dpt_processor(multiple: int, *, keep: bool = True) -> Any:
    return kind("DPTImageProcessorPil")(
        size={"height": SIDE, "width": SIDE}, keep_aspect_ratio=keep, ensure_multiple_of=multiple
    )


def _written(folder: Path, network: str, config: Any, processor: Any, spread: float = 0.2) -> Path:
    state = torch.random.get_rng_state()
    module = kind(network)(config)
    torch.manual_seed(0)
    for weight in module.parameters():
        torch.nn.init.normal_(weight, std=spread)
    for name, weight in module.named_parameters():
        if name in ("head.conv3.bias", "head.head.4.bias"):
            torch.nn.init.constant_(weight, 20.0)  # of networks for depth: what they answer below 0 is cut to 0
    torch.random.set_rng_state(state)
    module.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder / "model.safetensors"
