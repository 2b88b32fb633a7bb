"""Accounting for the names in a checkpoint: which carry weights of a network, and which do not. Loads no torch."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from diffusion.header import Header, WeightFileError

IGNORED = re.compile(
    r"model_ema\..*|(sqrt_)?(one_minus_)?alphas_cumprod(_prev)?|betas|(sqrt|log)_(one_minus|recip|recipm1)_alphas_cumprod"
    r"|posterior_(variance|log_variance_clipped|mean_coef1|mean_coef2)|logvar|lvlb_weights|scale_factor|denoiser\.sigmas"
    r"|first_stage_model\.(loss|model_ema)\..*|embedding_manager\..*|v_pred|ztsnr"
    r"|(noise_augmentor|embedder|low_scale_model)\..*"
    r"|(cond_stage_model|conditioner\.embedders\.\d)\.(logit_scale|text_projection)"
)
"""Names in original checkpoints that carry no weights of the networks: averages kept for training, tables, losses,
marks.
"""

QUANTISED: Mapping[str, re.Pattern[str]] = MappingProxyType({
    kind: re.compile(rf"(.*\.)?({names})")
    for kind, names in {
        "bitsandbytes, 4 bits": r"absmax|nested_absmax|quant_map|nested_quant_map|quant_state\..*",
        "bitsandbytes, 8 bits": r"SCB|weight_format",
        "SVDQuant, Nunchaku": r"wscales|wtscale|wcscales|smooth_factor(_orig)?|smooth(_orig)?",
        "GPTQ, AWQ": r"qweight|qzeros|g_idx",
        "HQQ": r"W_q",
        "torchao, quanto": r".*(:_data|:_scale|\._data|\._scale|_weight_qdata|_weight_scale)",
        "with scales beside them": r"scaled_fp8|scale_weight|weight_scale(_2)?|comfy_quant",
    }.items()
})  # fmt: skip
"""How weights may be quantised, by names that stand beside them: they mean something only together."""

PLAIN = "Use the same model in fp16, bf16 or plain fp8."

WHOLE = frozenset({"U8", "I8", "U16", "I16", "I32", "U32", "F4", "F6_E2M3", "F6_E3M2", "F8_E8M0"})
"""Number types that hold parts of quantised weights; no weight is stored so by itself."""


def without_weights(header: Header) -> frozenset[str]:
    """Names that carry no weights of a network."""
    return frozenset(name for name in header.tensors if IGNORED.fullmatch(name))


def refuse_quantised(header: Header) -> None:
    """Raise WeightFileError, saying of which kind they are, where weights mean something only together with other
    tensors.
    """
    for kind, pattern in QUANTISED.items():
        name = next((name for name in header.tensors if pattern.fullmatch(name)), None)
        if name is not None:
            raise WeightFileError(
                f"'{header.path.name}' holds quantised weights ({kind}), whose meaning depends on tensors such as "
                f"'{name}'; this version does not read them. {PLAIN}"
            )
    weights = ((name, info.dtype) for name, info in header.tensors.items() if name.endswith(".weight"))
    found = next(((name, dtype) for name, dtype in weights if dtype in WHOLE), None)
    if found is not None:
        raise WeightFileError(
            f"'{header.path.name}' holds quantised weights: '{found[0]}' is of the number type {found[1]}, which means "
            f"something only together with a scale; this version does not read them. {PLAIN}"
        )


def account_for_all(header: Header, title: str, prefixes: Iterable[str]) -> None:
    """Raise WeightFileError where a checkpoint of a family has tensors below none of its networks' prefixes."""
    known = tuple(prefixes)
    strangers = [name for name in header.tensors if not name.startswith(known) and not IGNORED.fullmatch(name)]
    if strangers:
        raise WeightFileError(
            f"'{header.path.name}' looks like a {title} checkpoint, but {len(strangers)} of its tensors "
            f"belong to none of its networks: {', '.join(strangers[:3])}{', …' if len(strangers) > 3 else ''}."
        )
