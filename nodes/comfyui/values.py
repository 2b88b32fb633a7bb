"""Values of ours as packs know them, and back, without loss.

| wire         | ours           | a pack's                                                                      |
|--------------|----------------|-------------------------------------------------------------------------------|
| IMAGE        | `Image`        | float32 [B, H, W, C]                                                          |
| MASK         | `Mask`         | float32 [B, H, W]                                                             |
| LATENT       | `Latent`       | {"samples": [B, C, *axes], "noise_mask": [B, 1, H, W], "batch_index": [int]}  |
| CONDITIONING | `Conditioning` | [[tokens [B, T, D], {"pooled_output": …, "area": …, "mask": …, …}], …]        |
| SIGMAS       | `Sigmas`       | float32 [n + 1]                                                               |
| MODEL …      | recipes        | `nodes.comfyui.models`: what can be asked of them                             |

Everything else passes as it is. Tensors are copied on both ways, so that nothing a pack does to what it was given, or
keeps of what it gave, changes a value that others have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

from diffusion.hooks import Hook
from diffusion.sampling_values import Sigmas
from diffusion.values import (
    Area,
    Conditioning,
    ConditioningEntry,
    Control,
    Image,
    Latent,
    LatentSpace,
    Mask,
    Model,
    Shown,
    TextEncoder,
    ToldPicture,
    Vae,
)
from graph.files import File
from graph.spec import ANY
from nodes.comfyui.sizes import size_facts, size_of

NOTHING: Mapping[str, Any] = MappingProxyType({})

CELL = 8
"""Picture pixels per unit of an area in a pack's conditioning, whatever the model's factor."""

ORIGIN = "noisewright"
"""In a pack's dict: what the value was made from, as far as its other keys cannot say it."""

AREA, RELATIVE = "area", "percentage"
SHOWN, SHOWN_MASK = "concat_latent_image", "concat_mask"
KNOWN_OF_LATENT = ("samples", "noise_mask", "batch_index", ORIGIN)
LATENT_CHANNELS = 4


class Untranslatable(TypeError):
    """A pack gave something that its declared type is not. The text completes "…, but it gave"."""


@dataclass(frozen=True, eq=False)
class PackLatent(Latent):
    """A latent with keys that a pack put beside it: "type", "downscale_ratio_spacial", …"""

    extras: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True)
class LatentOrigin:
    """What a latent's dict cannot say by its other keys. shape: of its samples."""

    space: LatentSpace | None
    empty_size: tuple[int, int] | None


class PackArea(tuple[Any, ...]):
    """An area in a pack's units, with the exact one."""

    exact: Area


def to_pack(value: object) -> Any:
    """A value as a pack takes it. Tensors are copies, in lists and dicts as well."""
    from nodes.comfyui.models import PackClip, PackModel, PackVae

    match value:
        case Image():
            return value.pixels.clone()
        case Mask():
            return value.values.clone()
        case Sigmas():
            return value.levels.clone()
        case Latent():
            return _latent_dict(value)
        case Conditioning():
            return [_pair(entry) for entry in value.entries]
        case Model():
            return PackModel(value)
        case TextEncoder():
            return PackClip(value)
        case Vae():
            return PackVae(value)
        case File():
            return value.name
    return copied(value)


def from_pack(value: object, wire: str = ANY) -> Any:
    """A pack's value as ours, for an output of type `wire`.

    Where the type does not say what it is ("*", several types, a pack's own), its form does: a dict with `samples` is
    a latent, a list of [tensor, dict] a conditioning, a float32 tensor [B, H, W, C ≤ 4] a picture, [B, H, W] a mask.
    Raises Untranslatable where the type says what it must be, and it is something else.
    """
    from nodes.comfyui.models import recipe_of

    if value is None:
        return None
    recipe = recipe_of(value)
    if recipe is not None:
        return recipe
    one = _READERS.get(wire) or _READERS.get(_form(value))
    return one(value) if one is not None else _plain(copied(value), wire)


def copied(value: object) -> Any:
    """A value whose tensors, lists and dicts are its own. Objects of other kinds are passed on as they are."""
    if _is_tensor(value):
        return value.detach().clone()  # pyright: ignore[reportAttributeAccessIssue] — a tensor
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    if type(value) is list:
        return [copied(item) for item in value]
    if type(value) is tuple:
        return tuple(copied(item) for item in value)
    return value


def same(one: object, other: object) -> bool:
    """Whether two values of ours are equal, tensors number by number."""
    if one is other:
        return True
    if _is_tensor(one) and _is_tensor(other):
        import torch

        return one.shape == other.shape and torch.equal(one, other)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType] — tensors
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if type(one) is not type(other) or _is_tensor(one):
        return False
    if is_dataclass(one) and not isinstance(one, type):
        return all(same(getattr(one, part.name), getattr(other, part.name)) for part in fields(one))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) in (int, float, str, bool, bytes) and one == other


def _is_tensor(value: object) -> bool:
    """Whether a value is a tensor. torch is loaded if there is one; so this loads nothing."""
    return hasattr(value, "detach") and hasattr(value, "numel") and hasattr(value, "clone")


def _form(value: object) -> str:
    """The wire type that a value has by its form, or "*"."""
    if _is_tensor(value):
        import torch

        tensor: Any = value
        if tensor.dtype == torch.float32 and tensor.ndim == 4 and 1 <= tensor.shape[-1] <= 4:
            return "IMAGE"
        return "MASK" if tensor.dtype == torch.float32 and tensor.ndim == 3 else ANY
    if isinstance(value, dict) and _is_tensor(value.get("samples")):
        return "LATENT"
    if isinstance(value, list) and value and all(map(_is_pair, value)):
        return "CONDITIONING"
    return ANY


def _is_pair(item: object) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and _is_tensor(item[0]) and isinstance(item[1], dict)


def _plain(value: object, wire: str) -> Any:
    """Numbers of numpy and torch as Python's, where a number or text is declared."""
    scalar: Any = value
    if not _is_tensor(value) and hasattr(value, "dtype") and getattr(value, "shape", None) == ():
        scalar = scalar.item()
    elif wire in ("INT", "FLOAT", "BOOLEAN") and hasattr(value, "dtype"):
        try:
            scalar = scalar.item()
        except (RuntimeError, ValueError) as error:
            raise Untranslatable(_described(value)) from error
    return bool(scalar) if wire == "BOOLEAN" and type(scalar) is int else scalar


# Pictures and masks


def _floats(value: object) -> Any:
    """A float32 tensor on the CPU, whose memory nobody else has. Raises Untranslatable for anything else."""
    import torch

    if not _is_tensor(value):
        raise Untranslatable(_described(value))
    tensor: Any = value
    return tensor.detach().to("cpu", torch.float32, copy=True).contiguous()


def _image(value: object) -> Image:
    tensor = _floats(value)
    if tensor.ndim == 3:
        tensor = tensor[None] if tensor.shape[-1] <= LATENT_CHANNELS else tensor[..., None]
    elif tensor.ndim == 2:
        tensor = tensor[None, :, :, None]
    if tensor.ndim != 4:
        raise Untranslatable(_described(value))
    return Image(tensor)


def _mask(value: object) -> Mask:
    tensor = _floats(value)
    if tensor.ndim == 2:
        tensor = tensor[None]
    elif tensor.ndim == 4 and tensor.shape[1] == 1:
        tensor = tensor[:, 0]
    elif tensor.ndim == 4 and tensor.shape[-1] == 1:
        tensor = tensor[..., 0]
    if tensor.ndim != 3:
        raise Untranslatable(_described(value))
    return Mask(tensor)


# Noise levels


def _sigmas(value: object) -> Sigmas:
    tensor = _floats(value)
    if tensor.ndim != 1:
        raise Untranslatable(_described(value))
    return Sigmas(tensor)


# Latents


def _latent_dict(latent: Latent) -> dict[str, Any]:
    given: dict[str, Any] = {"samples": latent.samples.clone()}
    if latent.noise_mask is not None:
        given["noise_mask"] = latent.noise_mask[:, None].clone()
    if latent.batch_index is not None:
        given["batch_index"] = list(latent.batch_index)
    if latent.space is not None or latent.empty_size is not None:
        given[ORIGIN] = LatentOrigin(latent.space, latent.empty_size)
    if isinstance(latent, PackLatent):
        given |= copied(dict(latent.extras))
    return given


def _latent(value: object) -> Latent:
    if not isinstance(value, dict) or "samples" not in value:
        raise Untranslatable(_described(value))
    samples = _floats(value["samples"])
    if samples.ndim < 3:
        raise Untranslatable(f"a dict whose 'samples' is {_described(value['samples'])}")
    origin = value.get(ORIGIN)
    space = origin.space if isinstance(origin, LatentOrigin) else None
    mask = value.get("noise_mask")
    index = value.get("batch_index")
    latent = Latent(
        samples,
        space if space is not None and samples.shape[1] == space.channels else None,
        noise_mask=_mask(_flat_mask(mask)).values if mask is not None else None,
        batch_index=tuple(map(int, index)) if index is not None and len(index) == samples.shape[0] else None,
        empty_size=_empty_size(samples, origin),
    )
    extras = {key: copied(item) for key, item in value.items() if key not in KNOWN_OF_LATENT}
    if not extras:
        return latent
    return PackLatent(**{part.name: getattr(latent, part.name) for part in fields(latent)}, extras=extras)


def _flat_mask(mask: Any) -> Any:
    """A mask [B, 1, H, W] of a video may be [B, C, T, H, W] in packs; its frames become items."""
    return mask.reshape(-1, *mask.shape[-2:]) if _is_tensor(mask) and mask.ndim == 5 else mask


def _empty_size(samples: Any, origin: object) -> tuple[int, int] | None:
    """(height, width) in picture pixels of a latent that holds nothing: zeros, of no model's latent space."""
    known = origin if isinstance(origin, LatentOrigin) else LatentOrigin(None, None)
    if samples.ndim != 4 or known.space is not None or bool(samples.any()):
        return None
    height, width = samples.shape[-2] * CELL, samples.shape[-1] * CELL
    if known.empty_size is not None and (height, width) == tuple(max(CELL, s // CELL * CELL) for s in known.empty_size):
        return known.empty_size
    return height, width


# Conditionings


def _pair(entry: ConditioningEntry) -> list[Any]:
    facts: dict[str, Any] = copied(dict(entry.extras))
    facts["pooled_output"] = None if entry.pooled is None else entry.pooled.clone()
    if entry.area is not None:
        facts[AREA] = _pack_area(entry.area)
    if entry.area is not None or entry.strength != 1.0:
        facts["strength"] = entry.strength
    if entry.mask is not None:
        facts["mask"] = entry.mask.clone()
    if entry.mask is not None or entry.mask_strength != 1.0:
        facts["mask_strength"] = entry.mask_strength
    if entry.mask is not None or entry.mask_bounds:
        facts["set_area_to_bounds"] = entry.mask_bounds
    if (entry.start, entry.end) != (0.0, 1.0):
        facts |= {"start_percent": entry.start, "end_percent": entry.end}
    if entry.size is not None:
        facts |= size_facts(entry.size)
    if entry.shown is not None:
        facts[SHOWN] = entry.shown.samples.clone()
        facts |= {} if entry.shown.mask is None else {SHOWN_MASK: entry.shown.mask.clone()}
    facts |= {key: getattr(entry, name) for name, (key, _) in _WHOLE.items() if getattr(entry, name)}
    facts |= {"default": True} if entry.is_default else {}
    return [entry.tokens.clone(), facts]


def _shown(facts: dict[str, Any]) -> Shown | None:
    """The picture that the facts have for a model that is shown one, which is taken out of them."""
    samples, mask = facts.pop(SHOWN, None), facts.pop(SHOWN_MASK, None)
    return None if samples is None else Shown(_floats(samples), None if mask is None else _mask(mask).values)


def _pack_area(area: Area) -> PackArea:
    """(height, width, y, x) in units of 8 pixels, or the same in fractions of the picture behind "percentage"."""
    sides = (area.height, area.width, area.y, area.x)
    given = PackArea((RELATIVE, *sides) if area.relative else [int(side // CELL) for side in sides])
    given.exact = area
    return given


def _conditioning(value: object) -> Conditioning:
    if not isinstance(value, list | tuple) or not all(map(_is_pair, value)):
        raise Untranslatable(_described(value))
    return Conditioning(tuple(_entry(*item) for item in value))


def _entry(tokens: Any, given: Mapping[str, Any]) -> ConditioningEntry:
    facts = dict(given)
    pooled, mask, area = (facts.pop(name, None) for name in ("pooled_output", "mask", AREA))
    mask = None if mask is None else _mask(mask).values
    numbers = {name: facts.pop(key) for name, key in _NUMBERS.items() if facts.get(key) is not None}
    whole = {name: _whole(facts, key, kind) for name, (key, kind) in _WHOLE.items()}
    tokens = _floats(tokens)
    if tokens.ndim != 3:
        raise Untranslatable(f"a conditioning whose tokens are {_described(tokens)}")
    entry = ConditioningEntry(
        tokens,
        pooled=None if pooled is None else _floats(pooled),
        area=None if area is None else _area(area),
        mask=mask,
        mask_bounds=bool(facts.pop("set_area_to_bounds", False)),
        size=size_of(facts),
        shown=_shown(facts),
        is_default=bool(facts.pop("default", False)),
        extras=MappingProxyType(copied(facts)),
    )
    return replace(entry, **whole, **{name: float(number) for name, number in numbers.items()})


_NUMBERS: Mapping[str, str] = MappingProxyType(
    {"strength": "strength", "mask_strength": "mask_strength", "start": "start_percent", "end": "end_percent"}
)


_WHOLE: Mapping[str, tuple[str, type]] = MappingProxyType(
    {"controls": ("control", Control), "hooks": ("hooks", Hook), "told": ("unclip_conditioning", ToldPicture)}
)
"""Parts of an entry that packs pass on as they are: their key in a pack's facts, and the class of their items."""


def _whole(facts: dict[str, Any], key: str, kind: type) -> tuple[Any, ...]:
    """What the facts have under the key, taken out of them if it is ours."""
    value = facts.get(key)
    is_ours = isinstance(value, tuple) and all(isinstance(item, kind) for item in value)
    return facts.pop(key) if is_ours else ()


def _area(area: Sequence[Any]) -> Area:
    if isinstance(area, PackArea):
        return area.exact
    relative = len(area) == 5 and area[0] == RELATIVE
    sides = [float(side) * (1 if relative else CELL) for side in (area[1:] if relative else area)]
    if len(sides) != 4:
        raise Untranslatable(f"a conditioning with the area {area!r}")
    return Area(*sides, relative=relative)


_READERS: Mapping[str, Any] = MappingProxyType(
    {"IMAGE": _image, "MASK": _mask, "SIGMAS": _sigmas, "LATENT": _latent, "CONDITIONING": _conditioning}
)


def _described(value: object) -> str:
    if _is_tensor(value):
        return f"a tensor of shape {list(value.shape)}"  # pyright: ignore[reportAttributeAccessIssue] — a tensor
    return f"a {type(value).__name__}"
