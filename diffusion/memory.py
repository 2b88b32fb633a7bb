"""Weights in memory: lent inside a `with`, evictable outside it, within a budget. Loads no torch before it lends."""

from __future__ import annotations

import logging
import os
import platform
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, overload

from diffusion import lending
from diffusion.budget import Budget, give_back, room_of, said
from diffusion.families import TEXT_PARTS, Component, Part
from diffusion.holdings import Holdings, Key
from diffusion.lending import Recipe
from diffusion.lora.patch import LoraPatch
from diffusion.precision import Precision, UnavailableError, choose, environment_of, wider
from diffusion.values import Model, TextEncoder, UpscaleModel, Vae, WeightFile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import torch
    from torch import nn

    from diffusion.forecast import Drawn
    from diffusion.held import Held, Variant
    from diffusion.lease import Lease
    from diffusion.network import Network
    from diffusion.tensors import Residence
    from diffusion.text.clip import ClipText
    from diffusion.upscaling import Upscaler
    from diffusion.vae import Autoencoder

log = logging.getLogger(__name__)

NEGLIGIBLE = 2**26
"""Bytes of computing that are not worth refusing: what it takes is not known better than that."""


@dataclass(eq=False)
class Weights:
    """Lends what recipes describe. One of it serves one device; threads may share it.

    device: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu". precision: "auto", "fp32", "bf16", "fp16". compile: let
    torch.compile make the denoiser faster for repeated sampling. budget: bytes that weights and what is computed with
    them may take on the device; None: nine tenths of what is free whenever something comes. note: is told, in a
    sentence, what a user should know (a computation repeated in wider precision, a LoRA of which a part fits nothing).
    idle_unload: seconds after which weights leave memory if nothing is lent meanwhile; None: they stay. Raises
    UnavailableError where there is no such device or precision.
    """

    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    budget: int | None = None
    note: Callable[[str], object] = log.warning
    idle_unload: float | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)
    _clock: int = field(default=0, init=False, repr=False)
    _evaluations: int = field(default=0, init=False, repr=False)
    _loads: int = field(default=0, init=False, repr=False)
    _leaving: threading.Timer | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self._choice = choose(self.device, self.precision)
        self._holdings = Holdings(Budget(self._choice.device, self.budget))

    @property
    def _held(self) -> dict[Key, Held]:
        return self._holdings.held

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
    @overload
    def lend(self, recipe: Recipe) -> AbstractContextManager[Any]: ...
    @contextmanager
    def lend(self, recipe: Recipe) -> Iterator[Any]:
        """Lend what a recipe describes, ready to compute, inside a `with` block. It may be lent many times at once.

        Recipes that differ in their patches alone share the weights: each has a network of its own over them, so that
        several can be lent at once. Raises WeightFileError where a file cannot be loaded.
        """
        part, file, patches = lending.ingredients(recipe)
        key = (part, file.digest or file.path, file.part + file.rounding + lending.merged(recipe))
        with self._lock:
            self._stay()
            held = self._held.get(key) or self._hold(key, part, file, recipe)
            loan = Loan(held, patches, self._borrowed(held, patches))
        try:
            yield lending.ready(recipe, self._lease(loan), self._count)
        finally:
            with self._lock:
                loan.variant.borrowers -= 1
                self._leave_later()

    def release(self) -> None:
        """Drop all weights that nobody borrows at the moment, and give their memory back."""
        with self._lock:
            self._stay()
            dropped = self._holdings.release()
        if dropped:
            give_back(self._choice.device)

    @property
    def bytes_held(self) -> int:
        """Bytes of weights in memory now."""
        return self._holdings.nbytes

    def foresee(self, files: Sequence[tuple[Path, str]], drawn: Drawn | None = None) -> list[str]:
        """What will not fit as it is, in sentences: see `diffusion.forecast`. Loads no weights."""
        from diffusion.forecast import foreseen

        return foreseen(self._choice, self.budget, files, drawn)

    def facts(self) -> dict[str, str | int]:
        """What it computes on: the device, its name, its memory in bytes, the version of torch."""
        import torch

        device = self._choice.device
        kind = "" if device == "cpu" else torch.cuda.get_device_name(device) if device.startswith("cuda") else device
        name = kind or platform.processor() or platform.machine()
        return {"device": device, "name": name, "torch": torch.__version__, "threads": torch.get_num_threads()}

    def room(self) -> dict[str, int]:
        """The device's memory in bytes, and how much of it is free now."""
        return dict(zip(("memory", "free"), room_of(self._choice.device), strict=True))

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

    def _leave_later(self) -> None:
        """Once nothing is lent any more: let all leave, unless something is lent before."""
        if self.idle_unload is not None and not any(held.borrowers for held in self._held.values()):
            self._stay()
            self._leaving = threading.Timer(self.idle_unload, self.release)
            self._leaving.daemon = True
            self._leaving.start()

    def _stay(self) -> None:
        """Take that back."""
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None

    def _count(self, items: int) -> None:
        with self._lock:
            self._evaluations += items

    def _hold(self, key: Key, part: Part, file: WeightFile, recipe: Recipe) -> Held:
        component = lending.component(recipe, part, file)
        held = self._loaded(component, self._choice.precision)
        held.path = file.path
        self._held[key] = held
        self._loads += 1
        for shortfall in component.changed.shortfalls if component.changed is not None else ():
            self.note(shortfall)
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
        more = (0 if held.is_streamed else stack.merged_nbytes) + (0 if is_shared else stack.nbytes)
        self._holdings.make_room(more, beside=held)
        return held.variant(stack, patches)

    def _loaded(self, component: Component, precision: Precision) -> Held:
        """Load a network, making room before. One that does not fit has layers that come and go."""
        import torch

        from diffusion import held, loading
        from diffusion.tensors import Residence

        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        channels_last = precision != "fp32" and component.part not in TEXT_PARTS
        residence = Residence(torch.device(self._choice.device), dtype, channels_last)
        own = loading.own_bytes(component, residence)
        fits = self._holdings.make_room(own, whole=loading.weights_in_bytes(component, dtype))
        if not fits and _streams(component):
            return self._streamed(component, residence, precision)
        compiled = self.compile and component.part == "unet"
        finish = self._compiled if compiled else _ready(component)
        return held.whole(component, residence, precision, finish, packs=component.part == "unet" and not compiled)

    def _streamed(self, component: Component, residence: Residence, precision: Precision) -> Held:
        """A network whose layers come and go, with as many of them there as there is room for."""
        from diffusion import held, loading

        self.note(
            f"{component.header.path.name}: its {component.part.replace('_', ' ')} takes "
            f"{said(loading.own_bytes(component, residence))}, more than is left of the memory of {residence.device}. "
            "Its layers come and go as they are needed, which is slower."
        )
        found = held.streamed(component, residence, precision, _ready(component), room=0)
        self._holdings.keep_layers(found, 0)
        return found

    def _compiled(self, module: nn.Module) -> nn.Module:
        """A denoiser is asked many times: what makes each time faster is done once, here."""
        import torch

        from diffusion.unet import Denoiser

        _require_compiler(torch.device(self._choice.device))
        return torch.compile(Denoiser(module))  # pyright: ignore[reportReturnType] — a module, though declared as a function

    def _prepare(self, loan: Loan, lease: Lease, need: int) -> None:
        """Make room for computing: others leave, and if that is too little, layers of the network itself."""
        with self._lock:
            held = loan.held
            if held.residence == lease.residence and lease.turn is not held.turn:
                self._hand_over(loan, lease)  # another lease has found that layers must come and go
            if need <= NEGLIGIBLE:
                return
            kept = held.shelf.kept if held.shelf is not None else 0
            if (
                not self._holdings.make_room(need - kept, beside=held)
                and held.shelf is None
                and held.own
                and _streams(held.component)
            ):
                self._begin_streaming(loan, lease)
            self._holdings.keep_layers(held, need)
            if self.budget is not None and not self._holdings.fits(need):
                from diffusion.lease import MemoryShortage

                taken = self.budget - self._holdings.left
                raise MemoryShortage(
                    f"Computing takes about {said(need)} beside {said(taken)} of weights; the budget is "
                    f"{said(self.budget)}.", need + taken, self.budget,
                )  # fmt: skip

    def _relieve(self, loan: Loan, lease: Lease) -> bool:
        """Memory is out: what is idle leaves, then layers of the network itself, half of them at a time."""
        with self._lock:
            held, before = loan.held, len(self._held)
            self.release()
            if len(self._held) < before:
                return True
            if held.shelf is None:
                if not held.own or not _streams(held.component):
                    return False
                held.most = held.own // 2
                self._begin_streaming(loan, lease)
                return True
            if not held.shelf.kept:
                return False
            held.most = held.shelf.kept // 2
            self._holdings.keep_layers(held, 0)
            give_back(self._choice.device)
            return True

    def _begin_streaming(self, loan: Loan, lease: Lease) -> None:
        """Let layers of a network come and go from here on, and put it into a lease."""
        held = loan.held
        found = self._streamed(held.component, held.residence, held.precision)
        held.become(found)
        self._hand_over(loan, lease)
        give_back(self._choice.device)
        self._holdings.keep_layers(held, 0)

    def _hand_over(self, loan: Loan, lease: Lease) -> None:
        """Put the network that is held now into a lease."""
        held = loan.held
        loan.variant.borrowers -= 1
        loan.variant = self._borrowed(held, loan.patches)
        lease.run, lease.residence, lease.turn = loan.variant.run, held.residence, held.turn

    def _lease(self, loan: Loan) -> Lease:
        from diffusion.lease import Lease

        held = loan.held
        widen = None if held.precision == "fp32" else partial(self._widen, loan)
        prepare, relieve = partial(self._prepare, loan), partial(self._relieve, loan)
        return Lease(loan.variant.run, held.residence, widen, prepare, relieve, held.turn, self.note)

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
            self._hand_over(loan, lease)
            if held.precision == "fp32":
                lease.widen = None


@dataclass(eq=False)
class Loan:
    """What one borrower has: which network over which weights, under which patches."""

    held: Held
    patches: tuple[LoraPatch, ...]
    variant: Variant


def _ready(component: Component) -> Callable[[nn.Module], nn.Module]:
    """What makes a network of this kind compute: the way through a U-Net is ours."""
    if component.part == "unet":
        from diffusion.unet import Denoiser

        return Denoiser
    return _unchanged


def _streams(component: Component) -> bool:
    """Whether layers of a network may come and go. The others are small, or come whole from another library."""
    return component.part in ("unet", "vae", "controlnet", *TEXT_PARTS)


def _unchanged(module: nn.Module) -> nn.Module:
    return module


def _require_compiler(device: torch.device) -> None:
    """What torch compiles for a processor is C++. Raises UnavailableError where nothing can compile that."""
    compilers = (os.environ.get("CXX", "g++"), "g++", "clang++", "cl")
    if device.type == "cpu" and not any(shutil.which(name) for name in compilers):
        raise UnavailableError(
            "Compiling the denoiser needs a C++ compiler, and neither g++ nor clang++ is found. "
            "Install one, or run without --compile."
        )
