"""What the metadata of a saved model say: its kind in the words of ModelSpec, and what shapes cannot tell.

ModelSpec: https://github.com/Stability-AI/ModelSpec.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from diffusion import checkpoint
from diffusion.families import Component
from diffusion.header import CONFIG
from diffusion.merging.patch import MergePatch
from diffusion.prediction import EpsPrediction, Prediction, VPrediction
from diffusion.predictions import chosen_prediction
from diffusion.values import LatentSpace, Model, TextEncoder, Vae

ARCHITECTURES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("sd1", "eps"): "stable-diffusion-v1",
        ("sd2", "eps"): "stable-diffusion-v2-512",
        ("sd2", "v"): "stable-diffusion-v2-768-v",
        ("sdxl", "eps"): "stable-diffusion-xl-v1-base",
        ("sdxl-refiner", "eps"): "stable-diffusion-xl-v1-refiner",
        ("sd-x4-upscaler", "v"): "stable-diffusion-x4-upscaler",
    }
)
"""ModelSpec's names, by family and prediction; a prediction that is not here is named like noise."""

KINDS: Mapping[str, str] = MappingProxyType({"eps": "epsilon", "v": "v"})
"""ModelSpec's names of predictions."""

LAST_SIGMA = 1000.0
"""A table that ends in noise alone has its last level above this, any other far below."""


def prediction_facts(model: Model) -> dict[str, Any]:
    """How a model's answers are told in files: `prediction` ("eps", "v") and `zero_terminal_snr`.

    Nothing where a sampling option stands for something that files have no word for.
    """
    for prediction in (chosen_prediction(model), checkpoint.prediction_of(model)):
        if type(prediction) in (EpsPrediction, VPrediction):
            kind = "v" if isinstance(prediction, VPrediction) else "eps"
            return {"prediction": kind} | ({"zero_terminal_snr": True} if _ends_in_noise(prediction) else {})
    return {}


def model_config(model: Model, component: Component) -> dict[str, Any]:
    """What shapes do not tell of a denoiser, for `Header.config`; of what its own file says, all is kept."""
    heads = component.config["attention_head_dim"]
    return {
        **component.header.config,
        "family": model.family,
        "unet": {"attention_heads": list(heads) if isinstance(heads, Sequence) else heads},
        "latent": latent_config(checkpoint.space_of(model)),
        **prediction_facts(model),
    }


def text_config(components: Iterable[Component]) -> dict[str, Any]:
    """What shapes do not tell of text encoders."""
    return {found.part: {"attention_heads": found.config["num_attention_heads"]} for found in components}


def latent_config(space: LatentSpace) -> dict[str, Any]:
    """What a latent space is, besides the number of its channels."""
    preview = {} if space.rgb is None else {"rgb": space.rgb, "rgb_bias": space.rgb_bias}
    return {"factor": space.factor, "scale_factor": space.scale, **preview}


def spec(recipe: Model | TextEncoder | Vae, part: str = "") -> dict[str, str]:
    """The kind of a model in ModelSpec's words. part: what of it the file holds ("lora", "vae"); "": a whole model."""
    told = prediction_facts(recipe) if isinstance(recipe, Model) else {}
    kind = told.get("prediction", "eps")
    name = ARCHITECTURES.get((recipe.family, kind), ARCHITECTURES.get((recipe.family, "eps"), recipe.family))
    facts = {"sai_model_spec": "1.0.0", "architecture": f"{name}/{part}" if part else name}
    if told:
        facts |= {"prediction_type": KINDS[kind], "predict_key": KINDS[kind]}
    if isinstance(recipe, Model | TextEncoder) and (merged := merged_from(recipe)):
        facts["merged_from"] = ", ".join(merged)
    return {f"modelspec.{key}": value for key, value in facts.items()}


def marks(model: Model) -> list[str]:
    """Names of empty tensors by which other programs know a prediction."""
    told = prediction_facts(model)
    return ["v_pred"] * (told.get("prediction") == "v") + ["ztsnr"] * told.get("zero_terminal_snr", False)


def merged_from(recipe: Model | TextEncoder) -> list[str]:
    """The names of the files whose weights are mixed in a recipe, its own first; none where nothing is mixed."""
    others = [patch.other for patch in recipe.patches if isinstance(patch, MergePatch)]
    if not others:
        return []
    names = [*_names(recipe), *(name for other in others for name in merged_from(other) or _names(other))]
    return list(dict.fromkeys(names))


def as_text(config: Mapping[str, Any]) -> dict[str, str]:
    """A configuration as metadata."""
    return {CONFIG: json.dumps(config, sort_keys=True)}


def _names(recipe: Model | TextEncoder) -> list[str]:
    files = (recipe.file,) if isinstance(recipe, Model) else recipe.files
    return [Path(file.path).name for file in files]


def _ends_in_noise(prediction: Prediction) -> bool:
    return prediction.sigma_max > LAST_SIGMA
