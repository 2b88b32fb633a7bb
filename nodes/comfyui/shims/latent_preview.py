"""`latent_preview`: previews of latents in the making. None is drawn for packs; the steps are reported."""

from collections.abc import Callable
from typing import Any, NoReturn

from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.shims.comfy.utils import ProgressBar


def get_previewer(device: Any, latent_format: Any) -> None:
    """None: nothing draws previews for packs."""
    del device, latent_format


def prepare_callback(model: Any, steps: int, x0_output_dict: dict[str, Any] | None = None) -> Callable[..., None]:
    """A function to be called after each step, which reports progress."""
    del model
    bar = ProgressBar(steps)

    def after(step: int, x0: Any, x: Any, total_steps: int) -> None:
        del x
        if x0_output_dict is not None:
            x0_output_dict["x0"] = x0
        bar.update_absolute(step + 1, total_steps)

    return after


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("latent_preview", name)
