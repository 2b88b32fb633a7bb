"""What a file says of its model's prediction: by marks among its tensors, or in its metadata. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from diffusion.header import Header, WeightFileError

if TYPE_CHECKING:
    from diffusion.prediction import Prediction

KINDS: Mapping[str | None, str | None] = {None: None, "epsilon": "eps", "v_prediction": "v", "eps": "eps", "v": "v"}
"""What diffusers' schedulers and our metadata call predictions, by our names."""


BETAS = (0.00085, 0.012)
"""The first and the last beta of the noise levels that Stable Diffusion 1, 2 and XL were trained on."""


def said(
    header: Header, scheduler: Mapping[str, Any], usual: str = "eps", betas: tuple[float, float] = BETAS
) -> Callable[[], Prediction] | None:
    """What a file's marks, its metadata, or a diffusers scheduler say of the prediction; None where they do not.

    usual: what is predicted where they speak of the noise levels alone. betas: those of the family.

    Marks are empty tensors of the names `v_pred` and `ztsnr`; metadata is `prediction` ("eps", "v") and
    `zero_terminal_snr` in `noisewright.config`. Raises WeightFileError for a prediction that is not known here.
    """
    edm = next((name for name in header.tensors if name.startswith("edm_")), None)
    if edm or scheduler.get("_class_name", "").startswith("EDM"):
        raise WeightFileError(
            f"'{header.path.name}' was trained with the noise levels of EDM (Karras et al. 2022), as "
            f"'{edm or scheduler['_class_name']}' says; this version does not read such models."
        )
    told = header.config.get("prediction", scheduler.get("prediction_type"))
    if told not in KINDS:
        raise WeightFileError(f"'{header.path.name}' predicts '{told}'; this version samples 'eps' and 'v' models.")
    kind = KINDS[told] if told is not None or "v_pred" not in header.tensors else "v"
    marked = "ztsnr" in header.tensors or scheduler.get("rescale_betas_zero_snr")
    zero = bool(header.config.get("zero_terminal_snr", marked))
    return None if kind is None and not zero else partial(prediction, kind or usual, zero_snr=zero, betas=betas)


def prediction(kind: str = "eps", *, zero_snr: bool = False, betas: tuple[float, float] = BETAS) -> Prediction:
    """Noise ("eps") or velocity ("v") over 1000 scaled-linear betas. zero_snr: of which the last leaves no signal.
    betas: the first and the last.
    """
    from diffusion.prediction import EpsPrediction, VPrediction, discrete_sigmas
    from diffusion.predictions import ending_in_noise

    table = discrete_sigmas(*betas)
    sigmas = ending_in_noise(table) if zero_snr else table
    return {"eps": EpsPrediction, "v": VPrediction}[kind](sigmas)
