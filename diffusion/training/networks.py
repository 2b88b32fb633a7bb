"""Sprout's three networks: Stable Diffusion 1's structure in miniature, as diffusers and transformers build it."""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel

__all__ = ["autoencoder", "text_encoder", "unet"]

VOCABULARY = 49408
POSITIONS = 77
BEGIN, END = 49406, 49407


def autoencoder(widths: tuple[int, ...] = (32, 64, 96)) -> AutoencoderKL:
    """RGB in -1..1 [B, 3, H, W] <-> latents [B, 4, H/4, W/4] for three widths (each further one halves again)."""
    model = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        block_out_channels=widths,
        layers_per_block=1,
        latent_channels=4,
        sample_size=64,
    )
    model.set_attn_processor(AttnProcessor())
    return model


def text_encoder(width: int = 128, layers: int = 4) -> CLIPTextModel:
    """CLIP's text model with its own vocabulary: tokens [B, 77] -> states [B, 77, width]."""
    config = CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=max(1, width // 64),
        max_position_embeddings=POSITIONS,
        hidden_act="quick_gelu",
        bos_token_id=BEGIN,
        eos_token_id=END,
        pad_token_id=END,
    )
    model = CLIPTextModel(config)
    model.set_attn_implementation("eager")  # the fused kernel's backward is slower on a CPU
    return model


def unet(widths: tuple[int, ...] = (64, 96, 96), attends: tuple[bool, ...] = (False, True, True), context: int = 128, layers: int = 1) -> UNet2DConditionModel:
    """The denoiser: (x [B, 4, h, w], t [B], context [B, 77, C]) -> epsilon. Eight heads everywhere, as in SD 1.

    attends: per level, shallowest first, whether it holds transformers (the middle always does).
    """
    down = tuple("CrossAttnDownBlock2D" if at else "DownBlock2D" for at in attends)
    up = tuple("CrossAttnUpBlock2D" if at else "UpBlock2D" for at in reversed(attends))
    model = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=down,
        up_block_types=up,
        block_out_channels=widths,
        layers_per_block=layers,
        cross_attention_dim=context,
        attention_head_dim=8,
    )
    model.set_attn_processor(AttnProcessor())  # the fused kernel's backward is several times slower for narrow heads on a CPU
    return model


def compute_dtype() -> torch.dtype:
    """bfloat16, which CPUs with AMX multiply several times faster; weights and optimiser stay float32."""
    return torch.bfloat16
