"""Where and in which number type networks compute, and why. Loads no torch where the answer is known without it.

`fp32` is the reference. `auto` takes half precision where the hardware computes it: float16 on a GPU, bfloat16 on a
processor with AMX or AVX512-BF16; elsewhere on processors half precision would be slower than float32.
"""

import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Literal, get_args

Precision = Literal["fp32", "bf16", "fp16"]
DEVICE_KINDS = ("cpu", "cuda", "mps", "xpu")

NEWEST_WITHOUT_HALF = (6, 9)
"""CUDA compute capability: tensor cores for float16 begin with 7.0; before, it is slower than float32 or overflows."""


class UnavailableError(ValueError):
    """A device or precision that was asked for is not there. Its text is a sentence for people."""


@dataclass(frozen=True)
class Choice:
    """device: as torch names it ("cpu", "cuda:0"). reason: why this precision, as a sentence."""

    device: str
    precision: Precision
    reason: str

    @property
    def kind(self) -> str:
        """The kind of device: "cpu", "cuda", "mps", "xpu"."""
        return self.device.partition(":")[0]


def choose(device: str = "auto", precision: str = "auto") -> Choice:
    """Settle what `--device` and `--precision` ask for. Raises UnavailableError where there is no such device or
    precision.
    """
    if precision not in ("auto", *get_args(Precision)):
        raise UnavailableError(f"There is no precision '{precision}'. Use auto, {', '.join(get_args(Precision))}.")
    place = _device(device)
    if precision != "auto":
        return Choice(place, precision, f"{precision} was asked for.")  # pyright: ignore[reportArgumentType] — checked above
    if place == "cpu":
        feature = native_bf16()
        if feature:
            return Choice(place, "bf16", f"bf16: this processor multiplies bfloat16 natively ({feature}).")
        return Choice(
            place, "fp32", "fp32: this processor has neither AMX nor AVX512-BF16, so half precision would be slower."
        )
    return _on_gpu(place)


def environment_of(choice: Choice, *, compile: bool = False) -> dict[str, str]:  # noqa: A002 — the name of the option
    """All that decides, beside recipes and inputs, which numbers come out: for cache keys and run records."""
    return {
        "device": choice.kind,
        "precision": choice.precision,
        "compile": "yes" if compile else "no",
        **{name: metadata.version(name) for name in ("torch", "diffusers", "transformers")},
    }


def wider(precision: Precision, device: str) -> Precision:
    """What a computation that overflowed is repeated in: bfloat16 has float32's range, float32 its digits too."""
    if precision == "fp16" and device.startswith("cuda"):
        import torch

        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "fp32"


@cache
def native_bf16() -> str:
    """The feature by which this processor multiplies bfloat16 ("AMX", "AVX512-BF16"), or ""."""
    if sys.platform == "linux":
        flags = _cpu_flags(Path("/proc/cpuinfo"))
        found = {"AMX": {"amx_tile", "amx_bf16"} <= flags, "AVX512-BF16": "avx512_bf16" in flags}
    else:
        import torch

        found = {
            "AMX": torch.cpu._is_amx_tile_supported(),  # noqa: SLF001 — torch has no public way to ask
            "AVX512-BF16": torch.cpu._is_avx512_bf16_supported(),  # noqa: SLF001 — likewise
        }
    return next((feature for feature, there in found.items() if there), "")


def _cpu_flags(path: Path) -> set[str]:
    """What the kernel says the first processor can do."""
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("flags"):
                return set(line.partition(":")[2].split())
    return set()


def _device(wanted: str) -> str:
    kind, _, index = wanted.partition(":")
    if kind not in ("auto", *DEVICE_KINDS) or (index and not index.isdigit()):
        raise UnavailableError(f"There is no device '{wanted}'. Use auto, cpu, cuda, cuda:1, mps or xpu.")
    if kind == "cpu":
        return "cpu"
    if kind == "auto" and _torch_is_for_cpus():
        return "cpu"
    import torch

    counts = {
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
        "xpu": torch.xpu.device_count() if torch.xpu.is_available() else 0,
    }
    if kind == "auto":
        found = next((name for name, count in counts.items() if count), None)
        return "cpu" if found is None else f"{found}:0"
    if counts[kind] <= int(index or 0):
        raise UnavailableError(
            f"There is no device '{wanted}' that this torch ({torch.__version__}) can use; "
            f"it sees {counts[kind]} of that kind. 'doctor' says what is there."
        )
    return f"{kind}:{index or 0}"


def _torch_is_for_cpus() -> bool:
    """Whether the installed torch is the build without any accelerator, which its version says."""
    return sys.platform != "darwin" and metadata.version("torch").endswith("+cpu")


def _on_gpu(device: str) -> Choice:
    import torch

    if device.startswith("cuda"):
        capability = torch.cuda.get_device_capability(device)
        name = torch.cuda.get_device_name(device)
        if capability <= NEWEST_WITHOUT_HALF:
            return Choice(
                device,
                "fp32",
                f"fp32: {name} (compute capability {capability[0]}.{capability[1]}) is not faster in half precision.",
            )
        return Choice(device, "fp16", f"fp16: {name} computes float16 in tensor cores.")
    return Choice(device, "fp16", f"fp16: the {device.partition(':')[0]} device computes float16.")
