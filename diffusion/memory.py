"""Weights in memory: lent inside a `with`, evictable outside it, within a budget. Loads no torch before it lends."""

from __future__ import annotations

import logging
import platform
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, overload

from diffusion import lending
from diffusion.budget import Budget, give_back, room_of, said
from diffusion.compiling import require_backend
from diffusion.families import TEXT_PARTS, Component, Part
from diffusion.finishing import compiled, finishing
from diffusion.holdings import Holdings, Key
from diffusion.lending import Recipe
from diffusion.lora.patch import LoraPatch
from diffusion.parts import ESTIMATED, WORDS, called, casts_in_layers, streams
from diffusion.precision import Precision, choose, environment_of, wider
from diffusion.values import Model, TextEncoder, UpscaleModel, Vae, WeightFile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import nn

    from diffusion.forecast import Drawn, Needed
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
    sentence, what a user should know (a computation repeated in wider precision, layers that come and go).
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
    _loans: dict[Loan, Lease] = field(default_factory=dict, init=False, repr=False)

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
        precision, computed = lending.computed(recipe, self._choice.precision)
        key = (part, file.digest or file.path, file.part + file.rounding + lending.merged(recipe) + computed)
        with self._lock:
            self._stay()
            held = self._held.get(key) or self._hold(key, part, file, recipe, precision)
            loan, lease = self._lent(held, patches)
            self._loans[loan] = lease
        try:
            yield lending.ready(recipe, lease, self._count)
        finally:
            with self._lock:
                del self._loans[loan]
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

    def foresee(self, needed: Sequence[Needed], drawn: Drawn | None = None) -> list[str]:
        """What will not fit as it is, in sentences: see `diffusion.forecast`. Loads no weights."""
        from diffusion.forecast import foreseen

        return foreseen(self._choice, self.budget, needed, drawn)

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

    def _hold(self, key: Key, part: Part, file: WeightFile, recipe: Recipe, precision: Precision) -> Held:
        component = lending.component(recipe, part, file)
        require_backend(component.compiler, self._choice.device)
        held = self._loaded(component, precision)
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
        more = (0 if held.is_streamed else stack.merged_nbytes) + (0 if is_shared else stack.nbytes)
        self._holdings.make_room(more, beside=held)
        return held.variant(stack, patches)

    def _loaded(self, component: Component, precision: Precision) -> Held:
        """Load a network, making room before. One that does not fit has layers that come and go.

        Raises MemoryShortage where it comes whole, or its largest layer does, and that is more than a budget.
        """
        import torch

        from diffusion import held, loading
        from diffusion.lease import is_out_of_memory
        from diffusion.shortage import out_of_memory
        from diffusion.tensors import Residence

        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
        channels_last = precision != "fp32" and component.part not in TEXT_PARTS
        residence = Residence(torch.device(self._choice.device), dtype, channels_last)
        own, can_stream = loading.own_bytes(component, residence), streams(component)
        is_compiled = self.compile and component.part == "unet" and not component.compiler
        if not is_compiled and casts_in_layers(component, self._choice.device, self.budget, own):
            return self._streamed(component, residence, precision, most=0)
        fits = self._holdings.make_room(own, whole=loading.weights_in_bytes(component, dtype))
        if not fits and can_stream:
            return self._streamed(component, residence, precision)
        if not fits:
            self._require(component, "The weights of {} come whole and take", own)
        finish = partial(compiled, device=residence.device) if is_compiled else finishing(component)
        while True:
            try:
                packs = component.part == "unet" and not (is_compiled or component.compiler)
                return held.whole(component, residence, precision, finish, packs=packs)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = str(error).partition("\n")[0]
            # Not inside `except`: a traceback holds on to what was loaded.
            if self._holdings.release():
                give_back(self._choice.device)
            elif can_stream:
                return self._streamed(component, residence, precision)
            else:
                raise out_of_memory(called(component), self._choice.device, reason, is_wide=precision == "fp32")

    def _streamed(
        self, component: Component, residence: Residence, precision: Precision, most: int | None = None
    ) -> Held:
        """A network whose layers come and go. most: bytes of them that stay at most, where that is how it shall be;
        None: as many as there is room for, and it is told.
        """
        if most is None:
            self._tell_of_layers(component, residence)
        found = self._in_layers(component, residence, precision)
        found.most = most
        assert found.shelf is not None
        if not self._holdings.make_room(found.shelf.least):
            self._require(component, "The largest layer of {} takes", found.shelf.least)
        self._holdings.keep_layers(found, 0)
        return found

    def _in_layers(
        self, component: Component, residence: Residence, precision: Precision, whole: nn.Module | None = None
    ) -> Held:
        """The same with none there yet, or those of the whole network."""
        from diffusion import held

        return held.streamed(component, residence, precision, finishing(component), whole=whole)

    def _tell_of_layers(self, component: Component, residence: Residence) -> None:
        from diffusion import loading

        self.note(
            f"{component.header.path.name}: its {WORDS[component.part]} takes "
            f"{said(loading.own_bytes(component, residence))}, more than is left of the memory of {residence.device}. "
            "Its layers come and go as they are needed, which is slower."
        )

    def _require(self, component: Component, what: str, need: int) -> None:
        """Room in a budget for `need` bytes, from networks that are lent if need be, or raise MemoryShortage."""
        from diffusion.shortage import over_budget

        self._thin(need)
        if self.budget is not None and need > NEGLIGIBLE and not self._holdings.fits(need):
            taken, is_all = self.budget - self._holdings.left, not self._loans and component.part not in ESTIMATED
            raise over_budget(what.format(called(component)), need, taken, self.budget, is_all=is_all)

    def _thin(self, need: int, beside: Held | None = None) -> None:
        """Let layers of networks come and go that are lent but do not compute now, the largest first, until there is
        room for `need` bytes.
        """
        others = [held for held in self._held.values() if held is not beside and held.can_stream]
        for held in sorted(others, key=lambda held: -held.own):
            if not self._holdings.make_room(need, beside=beside):
                self._begin_streaming(held, need)

    def _prepare(self, loan: Loan, lease: Lease, need: int) -> None:
        """Make room for computing: others leave, and if that is too little, layers of the network itself, and at last
        those of others that are lent.
        """
        del lease
        if need <= NEGLIGIBLE:
            return
        with self._lock:
            held = loan.held
            if not self._holdings.make_room(need - held.kept, beside=held) and held.can_stream:
                self._begin_streaming(held, need)
            self._thin(need - held.kept, beside=held)
            self._holdings.keep_layers(held, need)
            if self.budget is not None and not self._holdings.fits(need):
                from diffusion.shortage import over_budget

                what = f"Computing with {called(held.component)} takes about"
                raise over_budget(what, need, self.budget - self._holdings.left, self.budget)

    def _relieve(self, loan: Loan, lease: Lease) -> bool:
        """Memory is out: what is idle leaves, then layers of the network itself, half of them at a time, then those of
        others that are lent.
        """
        del lease
        with self._lock:
            before = len(self._held)
            self.release()
            if len(self._held) < before:
                return True
            others = sorted(self._held.values(), key=lambda held: -held.taken)
            for held in (loan.held, *(other for other in others if other is not loan.held)):
                if held.can_stream or held.kept:
                    held.most = (held.kept if held.is_streamed else held.own) // 2
                    if not held.is_streamed:
                        self._begin_streaming(held, 0)
                    self._holdings.keep_layers(held, 0)
                    give_back(self._choice.device)
                    return True
            return False

    def _begin_streaming(self, held: Held, need: int) -> None:
        """Let layers of a network come and go from here on, also where it is lent. need: bytes to leave free."""
        residence = held.residence
        self._tell_of_layers(held.component, residence)
        held.become(self._in_layers(held.component, residence, held.precision, held.module))
        for loan, lease in self._loans.items():
            if loan.held is held and lease.residence == residence:
                self._hand_over(loan, lease)
        self._holdings.keep_layers(held, need)
        give_back(self._choice.device)

    def _hand_over(self, loan: Loan, lease: Lease) -> None:
        """Put the network that is held now into a lease."""
        held = loan.held
        loan.variant.borrowers -= 1
        loan.variant = self._borrowed(held, loan.patches)
        lease.take(loan.variant.run, held.residence, held.turn)

    def _lent(self, held: Held, patches: tuple[LoraPatch, ...]) -> tuple[Loan, Lease]:
        from diffusion.lease import Lease

        variant = self._borrowed(held, patches)
        said_of = {"what": called(held.component), "config": held.component.config}
        lease = Lease(variant.run, held.residence, turn=held.turn, note=self.note, **said_of)
        loan = Loan(held, patches, variant)
        lease.widen = None if held.precision == "fp32" else partial(self._widen, loan)
        lease.prepare, lease.relieve = partial(self._prepare, loan), partial(self._relieve, loan)
        return loan, lease

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
    """What one borrower has: which network over which weights, under which patches.

    It does not know its lease, which knows it: in a circle both would hold on to weights that have left.
    """

    held: Held
    patches: tuple[LoraPatch, ...]
    variant: Variant
