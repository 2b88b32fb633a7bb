"""`comfy.comfy_types.node_typing`: names of types, and the classes that nodes derive from."""

from enum import Enum
from typing import Any, NoReturn

from nodes.comfyui.absent import lacking_attribute

InputTypeDict = InputTypeOptions = HiddenInputTypeDict = dict[str, Any]
FileLocator = dict[str, str]


class IO(str, Enum):  # noqa: UP042 — packs use members as plain texts
    """Types of values, by name."""

    STRING = "STRING"
    IMAGE = "IMAGE"
    MASK = "MASK"
    LATENT = "LATENT"
    BOOLEAN = "BOOLEAN"
    INT = "INT"
    FLOAT = "FLOAT"
    COMBO = "COMBO"
    CONDITIONING = "CONDITIONING"
    SAMPLER = "SAMPLER"
    SIGMAS = "SIGMAS"
    GUIDER = "GUIDER"
    NOISE = "NOISE"
    CLIP = "CLIP"
    CONTROL_NET = "CONTROL_NET"
    VAE = "VAE"
    MODEL = "MODEL"
    LORA_MODEL = "LORA_MODEL"
    LOSS_MAP = "LOSS_MAP"
    CLIP_VISION = "CLIP_VISION"
    CLIP_VISION_OUTPUT = "CLIP_VISION_OUTPUT"
    STYLE_MODEL = "STYLE_MODEL"
    GLIGEN = "GLIGEN"
    UPSCALE_MODEL = "UPSCALE_MODEL"
    AUDIO = "AUDIO"
    WEBCAM = "WEBCAM"
    POINT = "POINT"
    FACE_ANALYSIS = "FACE_ANALYSIS"
    BBOX = "BBOX"
    SEGS = "SEGS"
    VIDEO = "VIDEO"
    ANY = "*"
    NUMBER = "FLOAT,INT"
    PRIMITIVE = "STRING,FLOAT,INT,BOOLEAN"


class ComfyNodeABC:
    """What classes derive from to have the names of the interface at hand."""

    DESCRIPTION = ""
    CATEGORY = ""
    EXPERIMENTAL = False
    DEPRECATED = False


class CheckLazyMixin:
    """Gives a class a `check_lazy_status` that wants every lazy input."""

    def check_lazy_status(self, **kwargs: Any) -> list[str]:
        """The inputs that are not there yet."""
        return [name for name, value in kwargs.items() if value is None]


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy.comfy_types", name)
