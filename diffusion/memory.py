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
from diffusion.families import TEXT_PARTS, Component, Part
from diffusion.lora.patch import LoraPatch
from diffusion.precision import Precision, UnavailableError, choose, environment_of, wider
from diffusion.values import Model, TextEncoder, UpscaleModel, Vae, WeightFile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import torch
    from torch import nn

    from diffusion.held import Held, Strengths, Variant
    from diffusion.lease import Lease
    from diffusion.network import Network
    from diffusion.text.clip import ClipText
    from diffusion.upscaling import Upscaler
    from diffusion.vae import Autoencoder

log = logging.getLogger(__name__)

SHARE_OF_DEVICE = 0.8
"""Of a device's memory, how much weights may take if no budget is given; the rest is for what is computed with them."""

Recipe = Model | TextEncoder | Vae | UpscaleModel
"""What can be lent."""

Key = tuple[Part, str, str]
"""What makes two recipes use the same weights, whatever their patches: part, content digest, folder."""


@dataclass(eq=False)
class Weights:
    """Lends what recipes describe. One of it serves one device; threads may share it.

    device: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu". precision: "auto", "fp32", "bf16", "fp16". compile: let
    torch.compile make the denoiser faster for repeated sampling. budget: bytes that weights may take on the device;
    None: four fifths of it. note: is told, in a sentence, what a user should know (a computation repeated in wider
    precision, a LoRA of which a part fits nothing). Raises UnavailableError where there is no such device or precision.
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
    @overload
    def lend(self, recipe: UpscaleModel) -> AbstractContextManager[Upscaler]: ...
    @contextmanager
    def lend(self, recipe: Recipe) -> Iterator[Network | ClipText | Autoencoder | Upscaler]:
        """Lend what a recipe describes, ready to compute, inside a `with` block. It may be lent many times at once.

        Recipes that differ in their patches alone share the weights: each has a network of its own over them, so that
        several can be lent at once. Raises WeightFileError where a file cannot be loaded.
        """
        part, file, patches = _ingredients(recipe)
        key = (part, file.digest or file.path, file.part + file.rounding)
        with self._lock:
            held = self._held.get(key) or self._hold(key, part, file, recipe)
            loan = Loan(held, patches, self._borrowed(held, patches))
        try:
            yield _ready(recipe, self._lease(loan), self._count)
        finally:
            with self._lock:
                loan.variant.borrowers -= 1

    def release(self) -> None:
        """Drop all weights that nobody borrows at the moment."""
        with self._lock:
            self._held = {key: held for key, held in self._held.items() if held.borrowers}

    @property
    def bytes_held(self) -> int:
        """Bytes of weights in memory now."""
        return sum(held.all_nbytes for held in self._held.values())

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

    def _hold(self, key: Key, part: Part, file: WeightFile, recipe: Recipe) -> Held:
        component = _component(recipe, part, file)
        held = self._loaded(component, self._choice.precision)
        held.path = file.path
        self._held[key] = held
        self._loads += 1
        return held

    def _borrowed(self, held: Held, patches: tuple[LoraPatch, ...]) -> Variant:
        """The network over held weights that has these patches, borrowed once more."""
        from diffusion.held import strengths_of

        strengths = strengths_of(patches)
        if strengths not in held.variants:
            held.variants[strengths] = self._patched(held, patches)
        variant = held.variants[strengths]
        variant.borrowers += 1
        self._clock += 1
        variant.used = self._clock
        return variant

    def _patched(self, held: Held, patches: tuple[LoraPatch, ...]) -> Variant:
        stack, is_shared = held.stack(patches)
        if is_shared:
            held.forget_other_strengths(stack)
        else:
            for shortfall in dict.fromkeys(shortfall for found in stack.fits for shortfall in found.shortfalls):
                self.note(shortfall)
        merged = 0 if held.is_streamed else stack.merged_nbytes
        self._make_room(merged + (0 if is_shared else stack.nbytes), beside=held)
        return held.variant(stack, patches)

    def _loaded(self, component: Component, precision: Precision) -> Held:
        """Load a network, making room before."""
        import torch

        from diffusion.held import Held, Variant
        from diffusion.loading import load, weights_in_bytes
        from diffusion.lora.clone import clone
        from diffusion.packing import pack_convolutions
        from diffusion.streaming import pin, stream
        from diffusion.tensors import Residence

        device = torch.device(self._choice.device)
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        channels_last = precision != "fp32" and component.part not in TEXT_PARTS
        residence = Residence(device, dtype, channels_last)
        nbytes = weights_in_bytes(component, dtype)
        if not self._make_room(nbytes) and device.type != "cpu":
            self.note(
                f"{component.header.path.name}: its {component.part} takes {nbytes / 1e9:.1f} GB, more than is free on "
                f"{device}. Its layers are brought there one group after another, which is slower."
            )
            module = pin(load(component, Residence(torch.device("cpu"), dtype, channels_last)), device)
            held = Held(component, module, residence, precision, 0, True, partial(stream, device=device))
            held.variants[()] = Variant(held.finish(clone(module)))
            return held
        module = load(component, residence)
        finish = self._compiled if self.compile and component.part == "unet" else _unchanged
        if component.part == "unet" and not self.compile and device.type == "cpu" and dtype == torch.bfloat16:
            module = pack_convolutions(module)
        held = Held(component, module, residence, precision, nbytes, False, finish)
        held.variants[()] = Variant(finish(module))
        return held

    def _compiled(self, module: nn.Module) -> nn.Module:
        """A denoiser is asked many times: what makes each time faster is done once, here."""
        import torch

        _require_compiler(torch.device(self._choice.device))
        return torch.compile(module)  # pyright: ignore[reportReturnType] — a module, though declared as a function

    def _make_room(self, nbytes: int, beside: Held | None = None) -> bool:
        """Drop weights nobody borrows, least recently lent first, until `nbytes` more fit. Returns whether they do.

        What a network has besides the weights it shares leaves before them. beside: weights that stay.
        """
        idle: list[tuple[int, bool, Key, Strengths]] = []
        for key, held in self._held.items():
            if not held.borrowers and held is not beside:
                idle.append((held.used, True, key, ()))
            idle += [
                (variant.used, False, key, strengths)
                for strengths, variant in held.variants.items()
                if strengths and not variant.borrowers
            ]
        for _, is_whole, key, strengths in sorted(idle):
            if self.bytes_held + nbytes <= self._budget:
                break
            if is_whole:
                del self._held[key]
            else:
                del self._held[key].variants[strengths]
        return self.bytes_held + nbytes <= self._budget

    @cached_property
    def _budget(self) -> int:
        if self.budget is not None:
            return self.budget
        return int(SHARE_OF_DEVICE * _memory_of(self._choice.device))

    def _lease(self, loan: Loan) -> Lease:
        from diffusion.lease import Lease

        held = loan.held
        return Lease(loan.variant.run, held.residence, None if held.precision == "fp32" else partial(self._widen, loan))

    def _widen(self, loan: Loan, lease: Lease) -> None:
        """Load weights anew in a wider number type, unless another lease has done so, and put them into a lease."""
        with self._lock:
            held = loan.held
            if held.residence == lease.residence:
                precision = wider(held.precision, self._choice.device)
                self.note(
                    f"{held.component.header.path.name}: the {held.component.part} gave numbers too large for "
                    f"{held.precision}; it computes in {precision} from here on."
                )
                held.become(self._loaded(held.component, precision))
            loan.variant.borrowers -= 1
            loan.variant = self._borrowed(held, loan.patches)
            lease.run, lease.residence = loan.variant.run, held.residence
            if held.precision == "fp32":
                lease.widen = None


@dataclass(eq=False)
class Loan:
    """What one borrower has: which network over which weights, under which patches."""

    held: Held
    patches: tuple[LoraPatch, ...]
    variant: Variant


def _unchanged(module: nn.Module) -> nn.Module:
    return module


def _component(recipe: Recipe, part: Part, file: WeightFile) -> Component:
    if isinstance(recipe, UpscaleModel):
        from diffusion import upscalers

        return upscalers.component(file)
    return checkpoint.component(file, part, recipe.family)


def _ingredients(recipe: Recipe) -> tuple[Part, WeightFile, tuple[LoraPatch, ...]]:
    match recipe:
        case Model(file=file, patches=patches):
            return "unet", file, _checked(patches, "unet")
        case TextEncoder(files=(file,), patches=patches):
            part = checkpoint.text_part(file)
            return part, file, _checked(patches, part)
        case TextEncoder():
            raise TypeError("Text encoders are lent one at a time: each of `recipe.encoders`.")
        case Vae(file=file):
            return "vae", file, ()
        case UpscaleModel(file=file):
            return "upscaler", file, ()
    raise TypeError(
        f"Weights lend models, text encoders, autoencoders and upscaling models, not a {type(recipe).__name__}."
    )


def _checked(patches: tuple[object, ...], part: Part) -> tuple[LoraPatch, ...]:
    known = tuple(patch for patch in patches if isinstance(patch, LoraPatch))
    for patch in patches:
        if patch not in known:
            raise ValueError(f"Weights do not know how to apply a {type(patch).__name__} to a {part}.")
    return known


def _ready(recipe: Recipe, lease: Lease, count: Callable[[int], object]) -> Network | ClipText | Autoencoder | Upscaler:
    match recipe:
        case Model():
            from diffusion.network import Network
            from diffusion.predictions import chosen_prediction

            return Network(lease, chosen_prediction(recipe), checkpoint.space_of(recipe), count)
        case TextEncoder():
            from diffusion.text.clip import ClipText

            return ClipText(lease, checkpoint.states_of(recipe), recipe.last_layer)
        case Vae():
            from diffusion.vae import Autoencoder

            return Autoencoder(lease, recipe.space)
        case UpscaleModel():
            from diffusion.upscaling import Upscaler

            return Upscaler(lease)


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
