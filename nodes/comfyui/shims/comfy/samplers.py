"""`comfy.samplers`: the names of samplers and schedulers, and noise levels."""

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from diffusion.names import SAMPLERS, SCHEDULERS
from nodes.comfyui.absent import Lacking, lacking_attribute

if TYPE_CHECKING:
    from torch import Tensor

SAMPLER_NAMES: list[str] = list(SAMPLERS)
SCHEDULER_NAMES: list[str] = list(SCHEDULERS)
SCHEDULER_HANDLERS: dict[str, str] = {name: name for name in SCHEDULERS}
KSAMPLER_NAMES: list[str] = [name for name in SAMPLERS if name not in ("ddim", "uni_pc", "uni_pc_bh2")]


OURS = (tuple(SAMPLER_NAMES), tuple(SCHEDULER_NAMES), dict(SCHEDULER_HANDLERS), tuple(KSAMPLER_NAMES))
"""What these hold but for what a pack does to them."""


def restored() -> tuple[list[str], list[str]]:
    """Take back what a pack did to the lists of names; which samplers and schedulers it had added.

    Packs put names there and the functions into other modules; there is nobody here to call these.
    """
    added = (
        [str(name) for name in dict.fromkeys((*SAMPLER_NAMES, *KSAMPLER_NAMES)) if name not in OURS[0]],
        [str(name) for name in dict.fromkeys((*SCHEDULER_NAMES, *SCHEDULER_HANDLERS)) if name not in OURS[1]],
    )
    SAMPLER_NAMES[:], SCHEDULER_NAMES[:], handlers, KSAMPLER_NAMES[:] = OURS
    SCHEDULER_HANDLERS.clear()
    SCHEDULER_HANDLERS.update(handlers)
    KSampler.SAMPLERS, KSampler.SCHEDULERS = SAMPLER_NAMES, SCHEDULER_NAMES
    return added


class KSampler:
    """The names that widgets offer. It samples nothing: that is `nodes.common_ksampler`."""

    SAMPLERS: ClassVar[list[str]] = SAMPLER_NAMES
    SCHEDULERS: ClassVar[list[str]] = SCHEDULER_NAMES
    DISCARD_PENULTIMATE_SIGMA_SAMPLERS: ClassVar[set[str]] = {"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise Lacking("comfy.samplers.KSampler(…)")


def calculate_sigmas(model_sampling: Any, scheduler_name: str, steps: int) -> "Tensor":
    """Noise levels float32 [steps + 1], falling to 0. model_sampling: `MODEL.get_model_object("model_sampling")`."""
    from diffusion.schedules import schedule

    return schedule(scheduler_name, model_sampling, steps)


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy.samplers", name)
