"""`node_helpers`: small things that nodes share."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from nodes.comfyui.absent import lacking_attribute


def conditioning_set_values(conditioning: Any, values: Mapping[str, Any] | None = None, append: bool = False) -> Any:
    """A conditioning with facts set in each of its entries. append: lists are lengthened instead of replaced."""
    result = []
    for tokens, facts in conditioning:
        new = dict(facts)
        for name, value in (values or {}).items():
            new[name] = facts[name] + value if append and facts.get(name) is not None else value
        result.append([tokens, new])
    return result


def pillow(fn: Callable[[Any], Any], arg: Any) -> Any:
    """Call a function of PIL that reads a picture; damaged files are read as far as they go."""
    from PIL import ImageFile, UnidentifiedImageError

    before = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        return fn(arg)
    except (OSError, UnidentifiedImageError, ValueError):
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        return fn(arg)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def hasher() -> Callable[..., Any]:
    """The hash function for files."""
    return hashlib.sha256


def string_to_torch_dtype(string: str) -> Any:
    """ "fp16", "bf16", "fp32" as torch's number type."""
    import torch

    return {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}.get(string)


def image_alpha_fix(destination: Any, source: Any) -> tuple[Any, Any]:
    """Two pictures [B, H, W, C] with as many channels: the one that has less gets an opaque alpha."""
    import torch

    have, want = destination.shape[-1], source.shape[-1]
    if want < have:
        source = torch.nn.functional.pad(source, (0, have - want), value=1.0)
    elif have < want:
        destination = torch.nn.functional.pad(destination, (0, want - have), value=1.0)
    return destination, source


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("node_helpers", name)
