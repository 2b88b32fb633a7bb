"""Weights in memory: lent inside a `with`, evictable outside it, within a budget. Loads no torch before it lends."""

from __future__ import annotations

import logging
import os
import platform
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, overload

from diffusion import checkpoint
from diffusion.families import Component, Part, family_named
from diffusion.precision import Precision, UnavailableError, choose, environment_of, wider
from diffusion.values import Model, TextEncoder, Vae, WeightFile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import torch
    from torch import nn

    from diffusion.lease import Lease
    from diffusion.network import Network
    from diffusion.tensors import Residence
    from diffusion.text.clip import ClipText
    from diffusion.vae import Autoencoder

log = logging.getLogger(__name__)

SHARE_OF_DEVICE = 0.8
"""Of a device's memory, how much weights may take if no budget is given; the rest is for what is computed with them."""

Key = tuple[Part, str, str, tuple[object, ...]]
"""What makes two recipes use the same weights: part, content digest, folder, patches."""


@dataclass(eq=False)
class Held:
    """Weights in memory. borrowers: how many leases are open. used: when it was last lent, by a counter. path: of the
    file they are from.
    """

    component: Component
    run: nn.Module
    residence: Residence
    precision: Precision
    nbytes: int
    borrowers: int = 0
    used: int = 0
    path: str = ""


@dataclass(eq=False)
class Weights:
    """Lends what recipes describe. One of it serves one device; threads may share it.

    device: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu". precision: "auto", "fp32", "bf16", "fp16". compile: let
    torch.compile make the denoiser faster for repeated sampling. budget: bytes that weights may take on the device;
    None: four fifths of it. note: is told, in a sentence, what a user should know (a computation repeated in wider
    precision). Raises UnavailableError where there is no such device or precision.
    """

    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    budget: int | None = None
    note: Callable[[str], object] = log.warning
    _held: dict[Key, Held] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)
    _clock: int = field(default=0, init=False, repr=False)
    _evaluations: int = field(default=0, init=False, repr=False)
    _loads: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._choice = choose(self.device, self.precision)

    @property
    def explain(self) -> str:
        """Where networks compute and why in this precision, in a sentence."""
        return f"Networks compute on {self._choice.device}. {self._choice.reason}"

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """All that decides, beside recipes and inputs, which numbers come out: for cache keys and run records."""
        return environment_of(self._choice, compile=self.compile)

    @overload
    def lend(self, recipe: Model) -> AbstractContextManager[Network]: ...
    @overload
    def lend(self, recipe: TextEncoder) -> AbstractContextManager[ClipText]: ...
    @overload
    def lend(self, recipe: Vae) -> AbstractContextManager[Autoencoder]: ...
    @contextmanager
    def lend(self, recipe: Model | TextEncoder | Vae) -> Iterator[Network | ClipText | Autoencoder]:
        """Lend what a recipe describes, ready to compute, inside a `with` block. It may be lent many times at once.

        Raises WeightFileError where the file cannot be loaded.
        """
        part, file, patches = _ingredients(recipe)
        key = (part, file.digest or file.path, file.part, patches)
        with self._lock:
            held = self._held.get(key) or self._hold(key, part, file)
            held.borrowers += 1
            self._clock += 1
            held.used = self._clock
        try:
            yield _ready(recipe, self._lease(held), self._count)
        finally:
            with self._lock:
                held.borrowers -= 1

    def release(self) -> None:
        """Drop all weights that nobody borrows at the moment."""
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if held.borrowers}

    @property
    def bytes_held(self) -> int:
        """Bytes of weights in memory now."""
        return sum(held.nbytes for held in self._held.values())

    def facts(self) -> dict[str, str | int]:
        """What it computes on: the device, its name, its memory in bytes, the version of torch."""
        import torch

        device = self._choice.device
        kind = "" if device == "cpu" else torch.cuda.get_device_name(device) if device.startswith("cuda") else device
        name = kind or platform.processor() or platform.machine()
        return {"device": device, "name": name, "torch": torch.__version__, "threads": torch.get_num_threads()}

    def room(self) -> dict[str, int]:
        """The device's memory in bytes, and how much of it is free now."""
        return dict(zip(("memory", "free"), _room_of(self._choice.device), strict=True))

    @property
    def held_files(self) -> tuple[str, ...]:
        """The paths of the files whose weights are in memory now, the one used last at the end."""
        with self._lock:
            held = sorted(self._held.values(), key=lambda item: item.used)
        return tuple(dict.fromkeys(item.path for item in held))

    @property
    def loads(self) -> int:
        """How many networks were loaded so far."""
        return self._loads

    @property
    def evaluations(self) -> int:
        """How many items denoisers have been asked about so far: a picture counts once a step, with guidance twice."""
        return self._evaluations

    def _count(self, items: int) -> None:
        with self._lock:
            self._evaluations += items

    def _hold(self, key: Key, part: Part, file: WeightFile) -> Held:
        if key[-1]:
            raise ValueError(f"Weights do not know how to apply a {type(key[-1][0]).__name__} to a {part}.")
        component = checkpoint.component(file, part)
        held = self._loaded(component, self._choice.precision)
        held.path = file.path
        self._held[key] = held
        self._loads += 1
        return held

    def _loaded(self, component: Component, precision: Precision) -> Held:
        """Load a network, making room before."""
        import torch

        from diffusion.loading import load, weights_in_bytes
        from diffusion.streaming import stream
        from diffusion.tensors import Residence

        device = torch.device(self._choice.device)
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        channels_last = precision != "fp32" and component.part != "text_encoder"
        residence = Residence(device, dtype, channels_last)
        nbytes = weights_in_bytes(component, dtype)
        if self._make_room(nbytes) or device.type == "cpu":
            module = load(component, residence)
        else:
            self.note(
                f"{component.header.path.name}: its {component.part} takes {nbytes / 1e9:.1f} GB, more than is free on "
                f"{device}. Its layers are brought there one group after another, which is slower."
            )
            module = stream(load(component, Residence(torch.device("cpu"), dtype, channels_last)), device)
            nbytes = 0
        return Held(component, self._prepared(module, component.part, residence), residence, precision, nbytes)

    def _prepared(self, module: nn.Module, part: Part, residence: Residence) -> nn.Module:
        """A denoiser is asked many times: what makes each time faster is done once, here."""
        import torch

        from diffusion.packing import pack_convolutions

        if part != "unet":
            return module
        if self.compile:
            _require_compiler(residence.device)
            return torch.compile(module)  # pyright: ignore[reportReturnType] — a module, though declared as a function
        if residence.device.type == "cpu" and residence.dtype == torch.bfloat16:
            return pack_convolutions(module)
        return module

    def _make_room(self, nbytes: int) -> bool:
        """Drop weights nobody borrows, least recently lent first, until `nbytes` more fit. Returns whether they do."""
        budget = self._budget
        idle = sorted((held.used, key) for key, held in self._held.items() if not held.borrowers)
        for _, key in idle:
            if self.bytes_held + nbytes <= budget:
                break
            del self._held[key]
        return self.bytes_held + nbytes <= budget

    @cached_property
    def _budget(self) -> int:
        if self.budget is not None:
            return self.budget
        return int(SHARE_OF_DEVICE * _memory_of(self._choice.device))

    def _lease(self, held: Held) -> Lease:
        from diffusion.lease import Lease

        return Lease(held.run, held.residence, None if held.precision == "fp32" else partial(self._widen, held))

    def _widen(self, held: Held, lease: Lease) -> None:
        """Load weights anew in a wider number type, unless another lease has done so, and put them into a lease."""
        with self._lock:
            if held.residence == lease.residence:
                precision = wider(held.precision, self._choice.device)
                self.note(
                    f"{held.component.header.path.name}: the {held.component.part} gave numbers too large for "
                    f"{held.precision}; it computes in {precision} from here on."
                )
                other = self._loaded(held.component, precision)
                held.run, held.residence = other.run, other.residence
                held.precision, held.nbytes = other.precision, other.nbytes
            lease.run, lease.residence = held.run, held.residence
            if held.precision == "fp32":
                lease.widen = None


def _ingredients(recipe: Model | TextEncoder | Vae) -> tuple[Part, WeightFile, tuple[object, ...]]:
    match recipe:
        case Model(file=file, patches=patches):
            return "unet", file, patches
        case TextEncoder(files=(file,), patches=patches):
            return "text_encoder", file, patches
        case Vae(file=file):
            return "vae", file, ()
    raise TypeError(f"Weights lend models, text encoders and autoencoders, not a {type(recipe).__name__}.")


def _ready(
    recipe: Model | TextEncoder | Vae, lease: Lease, count: Callable[[int], object]
) -> Network | ClipText | Autoencoder:
    match recipe:
        case Model():
            from diffusion.network import Network

            return Network(lease, family_named(recipe.family).prediction(), checkpoint.space_of(recipe), count)
        case TextEncoder():
            from diffusion.text.clip import ClipText

            return ClipText(lease, recipe.last_layer)
        case Vae():
            from diffusion.vae import Autoencoder

            return Autoencoder(lease, recipe.space)


def _require_compiler(device: torch.device) -> None:
    """What torch compiles for a processor is C++. Raises UnavailableError where nothing can compile that."""
    compilers = (os.environ.get("CXX", "g++"), "g++", "clang++", "cl")
    if device.type == "cpu" and not any(shutil.which(name) for name in compilers):
        raise UnavailableError(
            "Compiling the denoiser needs a C++ compiler, and neither g++ nor clang++ is found. "
            "Install one, or run without --compile."
        )


def _memory_of(device: str) -> int:
    """Bytes: what is free on a GPU now, or all the memory of the machine."""
    total, free = _room_of(device)
    return free if device.partition(":")[0] in ("cuda", "xpu") else total


def _room_of(device: str) -> tuple[int, int]:
    """Bytes a device has, and those that are free now."""
    import psutil
    import torch

    match device.partition(":")[0]:
        case "cuda":
            free, total = torch.cuda.mem_get_info(device)
        case "xpu":
            free, total = torch.xpu.mem_get_info(device)
        case "mps":
            total = torch.mps.recommended_max_memory()
            free = max(0, total - torch.mps.driver_allocated_memory())
        case _:
            memory = psutil.virtual_memory()
            total, free = memory.total, memory.available
    return total, free
