"""How LoRA files name what they hold: the spellings of all trainers, brought to one. Loads no torch.

A tensor's name is a stem, which names a layer, and an ending, which says what the tensor is to it:
`lora_unet_down_blocks_0_attentions_0_proj_in` + `.lora_down.weight`.
"""

import re

_TENSOR = re.compile(
    r"(?P<stem>.+?)(?:"
    r"(?P<up>(?:\.lora_up|\.lora_B(?:\.default)?|[._]lora\.up|\.lora_linear_layer\.up)(?:\.weight)?)"
    r"|(?P<down>(?:\.lora_down|\.lora_A(?:\.default)?|[._]lora\.down|\.lora_linear_layer\.down)(?:\.weight)?)"
    r"|(?P<mid>\.lora_mid\.weight)"
    r"|(?P<magnitude>\.lora_magnitude_vector(?:\.default)?(?:\.weight)?)"
    r"|\.(?P<other>alpha|dora_scale|hada_w[12]_[ab]|hada_t[12]|lokr_w[12](?:_[ab])?|lokr_t2|oft_blocks|rescale"
    r"|diff|diff_b|set_weight|w_norm|b_norm)"
    r")"
)

_PARTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "text_encoder_2",
        re.compile(
            r"(?:(?:lora|oft)_te2_|text_encoder_2\.|(?:text_encoders\.)?clip_g\.)(?:transformer[._])?(?:text_model[._])?"
        ),
    ),
    (
        "text_encoder",
        re.compile(
            r"(?:(?:lora|oft)_te1?_|text_encoder\.|(?:text_encoders\.)?clip_[lh]\.)(?:transformer[._])?(?:text_model[._])?"
        ),
    ),
    ("unet", re.compile(r"(?:lora|oft)_unet_|lycoris_|unet\.|(?:model\.)?diffusion_model\.")),
)
_BARE_TEXT = re.compile(r"text_model[._]|(?=encoder[._]layers[._])")


def split(name: str) -> tuple[str, str] | None:
    """The stem and the role of a tensor: `up`, `down`, `mid`, `magnitude`, or its ending as it stands (`hada_w1_a`).

    None for a name that is no part of a LoRA.
    """
    found = _TENSOR.fullmatch(name)
    if found is None:
        return None
    return found["stem"], found["other"] or next(role for role in ("up", "down", "mid", "magnitude") if found[role])


def place(stem: str) -> tuple[str, str]:
    """The network that a stem is about, and the layer in it, its name with `_` for `.`.

    The network is one of `diffusion.families.Part`; the layer is spelt as the file has it, as diffusers and
    transformers or as the first checkpoints do. A stem without prefix is about the U-Net, unless it reads like a text
    encoder's.
    """
    stem = stem.replace("base_model.model.", "").replace(".processor.", ".")
    for part, prefix in _PARTS:
        found = prefix.match(stem)
        if found is not None:
            return part, stem[found.end() :].replace(".", "_")
    found = _BARE_TEXT.match(stem)
    part, rest = ("unet", stem) if found is None else ("text_encoder", stem[found.end() :])
    return part, rest.replace(".", "_")
