"""`nodes`: our own node types, as the classes that packs call."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NoReturn

from graph.spec import InputSpec
from nodes.comfyui.absent import Lacking, lacking_attribute
from nodes.comfyui.built_in import built_in, called
from nodes.comfyui.interruption import InterruptProcessingException
from nodes.comfyui.shims._saving import PreviewImage, SaveImage

__all__ = ["MAX_RESOLUTION", "NODE_CLASS_MAPPINGS", "PreviewImage", "SaveImage", "common_ksampler"]

MAX_RESOLUTION = 16384
EXTENSION_WEB_DIRS: dict[str, str] = {}

METHODS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "KSampler": ("sample", ()),
        "KSamplerAdvanced": ("sample", ()),
        "CheckpointLoaderSimple": ("load_checkpoint", ()),
        "VAELoader": ("load_vae", ()),
        "CLIPTextEncode": ("encode", ("clip", "text")),
        "CLIPSetLastLayer": ("set_last_layer", ()),
        "ConditioningCombine": ("combine", ()),
        "ConditioningConcat": ("concat", ()),
        "ConditioningAverage": ("addWeighted", ()),
        "ConditioningSetArea": ("append", ()),
        "ConditioningSetAreaPercentage": ("append", ()),
        "ConditioningSetMask": ("append", ("conditioning", "mask", "set_cond_area", "strength")),
        "ConditioningSetTimestepRange": ("set_range", ()),
        "ConditioningZeroOut": ("zero_out", ()),
        "VAEDecode": ("decode", ("vae", "samples")),
        "VAEDecodeTiled": ("decode", ("vae", "samples", "tile_size", "overlap", "temporal_size", "temporal_overlap")),
        "VAEEncode": ("encode", ("vae", "pixels")),
        "VAEEncodeTiled": ("encode", ("vae", "pixels", "tile_size", "overlap", "temporal_size", "temporal_overlap")),
        "VAEEncodeForInpaint": ("encode", ("vae", "pixels", "mask", "grow_mask_by")),
        "EmptyLatentImage": ("generate", ()),
        "LatentUpscale": ("upscale", ()),
        "LatentUpscaleBy": ("upscale", ()),
        "LatentRotate": ("rotate", ()),
        "LatentFlip": ("flip", ()),
        "LatentComposite": ("composite", ()),
        "LatentBlend": ("blend", ()),
        "LatentCrop": ("crop", ()),
        "LatentFromBatch": ("frombatch", ()),
        "RepeatLatentBatch": ("repeat", ()),
        "SetLatentNoiseMask": ("set_mask", ()),
        "SaveLatent": ("save", ()),
        "LoadLatent": ("load", ()),
        "LoadImage": ("load_image", ()),
        "LoadImageMask": ("load_image", ()),
        "ImageScale": ("upscale", ()),
        "ImageScaleBy": ("upscale", ()),
        "ImageInvert": ("invert", ()),
        "ImageBatch": ("batch", ()),
        "ImagePadForOutpaint": ("expand_image", ()),
        "EmptyImage": ("generate", ()),
        "ImageCompositeMasked": ("composite", ()),
        "MaskComposite": ("combine", ()),
        "MaskToImage": ("mask_to_image", ()),
        "ImageToMask": ("image_to_mask", ()),
        "ImageColorToMask": ("image_to_mask", ()),
        "SolidMask": ("solid", ()),
        "InvertMask": ("invert", ()),
        "CropMask": ("crop", ()),
        "FeatherMask": ("feather", ()),
        "GrowMask": ("expand_mask", ()),
        "ThresholdMask": ("image_to_mask", ()),
    }
)
"""Node type → the name of the method that packs call, and the order of its parameters where that of the inputs is
another."""

RUN = "run"
"""The method of node types whose method has no other name here."""


@cache
def class_of(type_id: str) -> type:
    """The class that stands for one of our node types. Raises Lacking for a type that we do not have."""
    own = {"SaveImage": SaveImage, "PreviewImage": PreviewImage}.get(type_id)
    if own is not None:
        return own
    found = built_in().node_type(type_id)
    if found is None:
        raise Lacking(f"nodes.NODE_CLASS_MAPPINGS['{type_id}']")
    spec = found.spec
    method, order = METHODS.get(type_id, (RUN, ()))
    names = order or tuple(item.name for item in spec.inputs)

    def run(self: Any, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        del self
        return called(found, dict(zip(names, args, strict=False)) | kwargs)

    groups = {
        "required": {item.name: _entry(item) for item in spec.inputs if not item.optional},
        "optional": {item.name: _entry(item) for item in spec.inputs if item.optional},
    }
    body = {
        "INPUT_TYPES": classmethod(lambda cls: groups),
        "RETURN_TYPES": tuple(item.type for item in spec.outputs),
        "RETURN_NAMES": tuple(item.name for item in spec.outputs),
        "FUNCTION": method,
        "CATEGORY": spec.category,
        "DESCRIPTION": spec.help,
        "OUTPUT_NODE": spec.output,
        method: run,
    }
    return type(type_id, (), body)


def _entry(item: InputSpec) -> tuple[Any, dict[str, Any]]:
    facts = {"default": item.default, "min": item.minimum, "max": item.maximum, "tooltip": item.help or None}
    options = {name: value for name, value in facts.items() if value is not None} | item.hints
    return (list(item.choices) if item.choices is not None else item.type), options


class _Classes(dict[str, type]):
    """`NODE_CLASS_MAPPINGS`: our node types by id; what packs put in stays theirs."""

    def __missing__(self, type_id: str) -> type:
        if built_in().spec(type_id) is None:
            raise KeyError(type_id)
        return class_of(type_id)

    def __contains__(self, type_id: object) -> bool:
        return super().__contains__(type_id) or (isinstance(type_id, str) and built_in().spec(type_id) is not None)

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys([*built_in().types(), *super().__iter__()])

    def get(self, key: str, default: Any = None) -> Any:
        """The class of a node type."""
        return self[key] if key in self else default  # noqa: SIM401 — this is `get`


NODE_CLASS_MAPPINGS: dict[str, type] = _Classes()
NODE_DISPLAY_NAME_MAPPINGS: dict[str, str] = {}


def common_ksampler(
    model: Any,
    seed: int,
    steps: int,
    cfg: float,
    sampler_name: str,
    scheduler: str,
    positive: Any,
    negative: Any,
    latent: Any,
    denoise: float = 1.0,
    disable_noise: bool = False,
    start_step: int | None = None,
    last_step: int | None = None,
    force_full_denoise: bool = False,
) -> tuple[Any, ...]:
    """Sample, as `KSampler` and `KSamplerAdvanced` do. Raises Lacking for what neither of them can."""
    common = {"model": model, "steps": steps, "cfg": cfg, "sampler_name": sampler_name, "scheduler": scheduler}
    common |= {"positive": positive, "negative": negative, "latent_image": latent}
    whole = start_step is None and last_step is None and not disable_noise
    if whole:
        return class_of("KSampler")().sample(seed=seed, denoise=denoise, **common)
    if denoise != 1.0:
        raise Lacking("nodes.common_ksampler(denoise=… with start_step, last_step or disable_noise)")
    return class_of("KSamplerAdvanced")().sample(
        add_noise="disable" if disable_noise else "enable",
        noise_seed=seed,
        start_at_step=start_step or 0,
        end_at_step=10000 if last_step is None else last_step,
        return_with_leftover_noise="disable" if force_full_denoise else "enable",
        **common,
    )


def interrupt_processing(value: bool = True) -> None:
    """End the node that is running. Raises InterruptProcessingException."""
    if value:
        raise InterruptProcessingException


def before_node_execution() -> None:
    """Raises InterruptProcessingException if the node shall end."""
    from nodes.comfyui.shims.comfy.model_management import throw_exception_if_processing_interrupted

    throw_exception_if_processing_interrupted()


def __getattr__(name: str) -> Any:
    """A node type by its id; other names are lacking."""
    if not name.startswith("_") and built_in().spec(name) is not None:
        return class_of(name)
    return _lacking(name)


def _lacking(name: str) -> NoReturn:
    lacking_attribute("nodes", name)
