"""Accounting for the names in a checkpoint: which carry weights of a network, and which do not. Loads no torch."""

import re
from collections.abc import Iterable

from diffusion.header import Header, WeightFileError

IGNORED = re.compile(
    r"model_ema\..*|(sqrt_)?(one_minus_)?alphas_cumprod(_prev)?|betas|(sqrt|log)_(one_minus|recip|recipm1)_alphas_cumprod"
    r"|posterior_(variance|log_variance_clipped|mean_coef1|mean_coef2)|logvar|lvlb_weights|scale_factor|denoiser\.sigmas"
    r"|first_stage_model\.(loss|model_ema)\..*|embedding_manager\..*|v_pred|ztsnr"
    r"|(noise_augmentor|embedder)\..*"
    r"|(cond_stage_model|conditioner\.embedders\.\d)\.(logit_scale|text_projection)"
)
"""Names in original checkpoints that carry no weights of the networks: averages kept for training, tables, losses,
marks.
"""

QUANTISED = re.compile(
    r"(.*\.)?(scaled_fp8|scale_weight|weight_scale|comfy_quant|qweight|absmax|quant_map|quant_state\..*)"
)
"""Names that stand beside weights which mean something only together with them."""


def without_weights(header: Header) -> frozenset[str]:
    """Names that carry no weights of a network."""
    return frozenset(name for name in header.tensors if IGNORED.fullmatch(name))


def refuse_quantised(header: Header) -> None:
    """Raise WeightFileError where weights mean something only together with other tensors."""
    name = next((name for name in header.tensors if QUANTISED.fullmatch(name)), None)
    if name is not None:
        raise WeightFileError(
            f"'{header.path.name}' holds quantised weights, whose meaning depends on tensors such as '{name}'; this "
            "version does not read them. Use the same model in fp16, bf16 or plain fp8."
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
