"""`comfy.model_management`: which device computes, and whether the work shall end. Models look after themselves."""

import gc
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn

from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.interruption import InterruptProcessingException
from nodes.comfyui.surroundings import current

if TYPE_CHECKING:
    import torch

XFORMERS_IS_AVAILABLE = False
"""Attention is computed by torch."""


class VRAMState(Enum):
    """How scarce memory on the device is."""

    DISABLED = 0
    NO_VRAM = 1
    LOW_VRAM = 2
    NORMAL_VRAM = 3
    HIGH_VRAM = 4
    SHARED = 5


class CPUState(Enum):
    """What computes."""

    GPU = 0
    CPU = 1
    MPS = 2


vram_state = VRAMState.NORMAL_VRAM


def get_torch_device() -> "torch.device":
    """The device that computes: that of the weights the node was lent, else the best there is."""
    import torch

    from diffusion.precision import choose

    return torch.device(choose(getattr(current().weights, "device", "auto")).device)


def get_torch_device_name(device: "torch.device") -> str:
    """A device's name, for people."""
    return str(device)


def intermediate_device() -> "torch.device":
    """Where values stay between nodes: always the CPU."""
    import torch

    return torch.device("cpu")


unet_offload_device = intermediate_device
vae_offload_device = intermediate_device
text_encoder_offload_device = intermediate_device


def vae_device() -> "torch.device":
    """Where pictures are coded."""
    return get_torch_device()


def text_encoder_device() -> "torch.device":
    """Where texts are encoded."""
    return get_torch_device()


def unet_inital_load_device(parameters: int, dtype: "torch.dtype") -> "torch.device":
    """Where a denoiser is loaded."""
    del parameters, dtype
    return get_torch_device()


def is_device_type(device: Any, kind: str) -> bool:
    """Whether a device is of a kind ("cpu", "cuda", "mps")."""
    return getattr(device, "type", str(device).partition(":")[0]) == kind


def is_device_cpu(device: Any) -> bool:
    """Whether a device is the CPU."""
    return is_device_type(device, "cpu")


def is_device_cuda(device: Any) -> bool:
    """Whether a device is one of CUDA's."""
    return is_device_type(device, "cuda")


def is_device_mps(device: Any) -> bool:
    """Whether a device is one of Apple's."""
    return is_device_type(device, "mps")


def is_nvidia() -> bool:
    """Whether the device that computes is one of NVIDIA's."""
    import torch

    return is_device_cuda(get_torch_device()) and torch.version.hip is None


def is_amd() -> bool:
    """Whether the device that computes is one of AMD's."""
    import torch

    return is_device_cuda(get_torch_device()) and torch.version.hip is not None


def is_intel_xpu() -> bool:
    """Whether the device that computes is one of Intel's."""
    return is_device_type(get_torch_device(), "xpu")


def cpu_mode() -> bool:
    """Whether the CPU computes."""
    return is_device_cpu(get_torch_device())


def mps_mode() -> bool:
    """Whether an Apple device computes."""
    return is_device_mps(get_torch_device())


def get_autocast_device(device: Any) -> str:
    """The kind of a device, as `torch.autocast` takes it."""
    return getattr(device, "type", "cuda")


def should_use_fp16(device: Any = None, *args: Any, **kwargs: Any) -> bool:
    """Whether half precision pays on a device."""
    del args, kwargs
    return not is_device_cpu(device if device is not None else get_torch_device())


def should_use_bf16(device: Any = None, *args: Any, **kwargs: Any) -> bool:
    """Whether bfloat16 pays on a device."""
    import torch

    del args, kwargs
    return is_device_cuda(device if device is not None else get_torch_device()) and torch.cuda.is_bf16_supported()


def _default_dtype(*args: Any, **kwargs: Any) -> "torch.dtype":
    """float32: what values hold between nodes."""
    import torch

    del args, kwargs
    return torch.float32


vae_dtype = _default_dtype
unet_dtype = _default_dtype
text_encoder_dtype = _default_dtype


def device_supports_non_blocking(device: Any) -> bool:
    """Whether copies to a device may go on in the background."""
    return is_device_cuda(device)


def xformers_enabled() -> bool:
    """Never: attention is computed by torch."""
    return False


xformers_enabled_vae = xformers_enabled


def pytorch_attention_enabled() -> bool:
    """Always."""
    return True


def dtype_size(dtype: "torch.dtype") -> int:
    """Bytes of a number."""
    return dtype.itemsize


def module_size(module: Any) -> int:
    """Bytes of a module's parameters and buffers."""
    return sum(tensor.nbytes for tensor in module.state_dict().values())


def cast_to_device(tensor: Any, device: Any, dtype: Any, copy: bool = False) -> Any:
    """A tensor on a device, in a number type."""
    return tensor.to(device=device, dtype=dtype, copy=copy)


def get_total_memory(dev: Any = None, torch_total_too: bool = False) -> Any:
    """Bytes of memory of a device; with `torch_total_too` twice."""
    return _memory(dev, torch_total_too, which=1)


def get_free_memory(dev: Any = None, torch_free_too: bool = False) -> Any:
    """Bytes free on a device; with `torch_free_too` twice."""
    return _memory(dev, torch_free_too, which=0)


def _memory(device: Any, twice: bool, *, which: int) -> Any:
    import psutil
    import torch

    device = device if device is not None else get_torch_device()
    if is_device_cuda(device):
        found = torch.cuda.mem_get_info(device)[which]
    else:
        memory = psutil.virtual_memory()
        found = memory.total if which else memory.available
    return (found, found) if twice else found


def soft_empty_cache(force: bool = False) -> None:
    """Give back memory that torch keeps for later."""
    import torch

    del force
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def unload_all_models() -> None:
    """Nothing to do: weights leave the device when others need the room."""


def cleanup_models(*args: Any, **kwargs: Any) -> None:
    """Nothing to do, for the same reason."""


def free_memory(memory_required: float, device: Any, keep_loaded: Any = ()) -> list[Any]:
    """Nothing to do, for the same reason."""
    del memory_required, device, keep_loaded
    return []


def loaded_models(only_currently_used: bool = False) -> list[Any]:
    """None that a pack could use."""
    del only_currently_used
    return []


def interrupt_current_processing(value: bool = True) -> None:
    """End the node that is running. Raises InterruptProcessingException, in its own thread."""
    if value:
        raise InterruptProcessingException


def processing_interrupted() -> bool:
    """Whether the node shall end."""
    return current().cancelled()


def throw_exception_if_processing_interrupted() -> None:
    """Raises InterruptProcessingException if the node shall end."""
    if current().cancelled():
        raise InterruptProcessingException


def __getattr__(name: str) -> Any:
    """Facts of the device, worked out when asked for."""
    import torch

    match name:
        case "OOM_EXCEPTION":
            return torch.OutOfMemoryError
        case "total_vram":
            return get_total_memory() / 2**20
        case "total_ram":
            return get_total_memory(torch.device("cpu")) / 2**20
        case "cpu_state":
            return CPUState.CPU if cpu_mode() else CPUState.MPS if mps_mode() else CPUState.GPU
        case "current_loaded_models":
            return []
    return _lacking(name)


def _lacking(name: str) -> NoReturn:
    lacking_attribute("comfy.model_management", name)
