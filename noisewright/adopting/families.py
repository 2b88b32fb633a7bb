"""Which family of models a file belongs to, from names and shapes in its header, also where we cannot run it yet.

What is recognised here is only named: whether a file can be used, the families themselves decide
(`diffusion.families`). Markers are tensor names in the published files of each family.
"""

import re

from diffusion.header import Header

SD1, SD2, SDXL = "Stable Diffusion 1", "Stable Diffusion 2", "Stable Diffusion XL"

WIDTHS = {768: SD1, 1024: SD2, 2048: SDXL, 1280: "Stable Diffusion XL refiner"}
"""Width of the text states that a U-Net's cross-attention takes."""

NAMED: tuple[tuple[str, str], ...] = (
    ("stable-diffusion-xl", SDXL),
    ("sdxl", SDXL),
    ("stable-diffusion-v1", SD1),
    ("sd_v1", SD1),
    ("sd_1", SD1),
    ("stable-diffusion-v2", SD2),
    ("sd_v2", SD2),
    ("stable-diffusion-3", "Stable Diffusion 3"),
    ("sd3", "Stable Diffusion 3"),
    ("flux", "Flux"),
    ("qwen", "Qwen-Image"),
    ("hunyuan", "Hunyuan"),
    ("wan", "Wan"),
)
"""How training programs name a base model in the metadata `modelspec.architecture` and `ss_base_model_version`."""

MARKERS: tuple[tuple[str, str], ...] = (
    (r"\nconditioner\.embedders\.1\.", SDXL),
    (r"lora_te2_", SDXL),
    (r"text_encoder_2\.", SDXL),
    (r"\nclip_g\n", SDXL),
    (r"\nconditioner\.embedders\.0\.model\.", "Stable Diffusion XL refiner"),
    (r"\ncond_stage_model\.model\.transformer\.resblocks", SD2),
    (r"distilled_guidance_layer\.", "Chroma"),
    (r"joint_blocks[._]\d", "Stable Diffusion 3"),
    (r"double_blocks[._]\d+[._]img_attn_(qkv|proj)\.weight", "HunyuanVideo"),
    (r"double_blocks[._]\d", "Flux"),
    (r"single_transformer_blocks[._]\d", "Flux"),
    (r"transformer_blocks[._]\d+[._](img|txt)_mod", "Qwen-Image"),
    (r"blocks[._]\d+[._]cross_attn[._][kqvo][._]", "Wan"),
    (r"cap_embedder\.", "Lumina 2"),
)
"""What stands in the tensor names of a family, one name a line. Plain letters at its beginning make it fast."""

_MARKERS = tuple((re.compile(pattern), family) for pattern, family in MARKERS)
_ATTENTION = re.compile(r"\n(.*attn2[._]to_k[._].*(?<!lora_up\.)(?<!lora_B\.)weight)(?=\n)")


def family_of(header: Header) -> str:
    """The title of a file's family; "" where nothing tells."""
    for key in ("modelspec.architecture", "ss_base_model_version"):
        name = str(header.metadata.get(key, "")).lower()
        for start, family in NAMED:
            if name.startswith(start):
                return family
    names = "\n".join(["", *header.tensors, ""])
    for matcher, family in _MARKERS:
        if matcher.search(names):
            return family
    return _by_width(header, names) or _by_embedding(header)


def _by_width(header: Header, names: str) -> str:
    """The family whose text states the cross-attention of a U-Net, a ControlNet or a LoRA takes."""
    for match in _ATTENTION.finditer(names):
        shape = header.tensors[match[1]].shape
        if len(shape) >= 2 and shape[1] in WIDTHS:
            return WIDTHS[shape[1]]
    return ""


def _by_embedding(header: Header) -> str:
    """The family of a textual inversion, whose vectors are as wide as the text encoder."""
    info = header.tensors.get("emb_params")
    width = info.shape[-1] if info is not None and info.shape else 0
    return WIDTHS.get(width, "") if width in (768, 1024) else ""
