"""Answers foreseen from earlier ones, so that a model need not be asked at every noise level.

Zhou et al. 2025, "Less is Enough: Training-Free Video Diffusion Acceleration via Runtime-Adaptive Caching" (EasyCache,
arXiv 2507.02860): from one noise level to the next the answer v changes with the input u at a rate ‖v − v'‖ / ‖u − u'‖
that stays about the same. So the share by which it will have changed is known before anybody is asked. As long as these
shares, added up, stay below a threshold, the last true answer v' stands for it. Here u is the latent as networks are
shown it, v the noise (or the velocity of a flow) that an answer finds in it, (x − D) / sigma, whatever the network
itself predicts; norms are sums of absolute values.

The paper takes u + (v' − u') instead, for video transformers. The noise that U-Nets find stays nearer to v': with the
bundled model, Euler steps and as many questions spared, latents come out about half as far from those without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

import torch
from torch import Tensor

from diffusion.model_options import ForeseenAnswers
from diffusion.prediction import Prediction

Part = Callable[[Tensor], Tensor]
"""What of a latent [B, C, H, W] a question is about, [B, C, h, w]."""

NODES: Mapping[str, str] = MappingProxyType({"network": "EasyCache", "guidance": "LazyCache"})
"""By what name people know the reuse of each level."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the last question that was truly answered, and of those since.

    asked: its latent, as networks are shown it; sigma: its noise level, 0-d. rate: how much answers change with
    latents, [B], infinite as long as there was but one. seen: the latent of the last question of all. error: the shares
    by which answers have changed since, added up, [B]. noises: of the answers.
    """

    asked: Tensor
    sigma: Tensor
    rate: Tensor
    seen: Tensor
    error: Tensor
    noises: tuple[Tensor, ...]

    def flat(self) -> dict[str, Tensor]:
        """By name."""
        named = {part.name: getattr(self, part.name) for part in fields(self) if part.name != "noises"}
        return named | {f"noise.{place}": noise for place, noise in enumerate(self.noises)}

    @classmethod
    def of(cls, flat: Mapping[str, Tensor]) -> Known | None:
        """Back from `flat`; None where nothing is known yet."""
        if "asked" not in flat:
            return None
        named = {part.name: flat[part.name] for part in fields(cls) if part.name != "noises"}
        count = sum(name.startswith("noise.") for name in flat)
        return cls(**named, noises=tuple(flat[f"noise.{place}"] for place in range(count)))


@dataclass(frozen=True, eq=False)
class Reuse:
    """Answers questions where they can be foreseen. begin, end: at noise levels begin ≥ sigma ≥ end."""

    option: ForeseenAnswers
    prediction: Prediction
    begin: float
    end: float

    def __call__(
        self,
        x: Tensor,
        sigma: Tensor,
        parts: Sequence[Part],
        ask: Callable[[], Sequence[Tensor]],
        alike: Callable[[float], bool],
        memory: dict[str, Tensor],
    ) -> list[Tensor]:
        """The denoised answers to x [B, C, H, W] at the noise level sigma (0-d), one for each of its parts.

        ask: gets the true ones. alike: whether what is asked here is what was asked at another noise level, so that
        answers can be compared. memory: of the run, where it remembers under `option.level`; a run that is resumed
        needs it again. All items of a batch are foreseen, or none: the one that changes most decides.
        """
        level, seen = float(sigma), self.prediction.scale_input(x, sigma)
        told = _Told(self.option.level, memory)
        known = Known.of(told.recalled())
        if known is not None and not _comparable(known, seen, parts, alike):
            known = None
        told.count("questions")
        if known is not None and self.end <= level <= self.begin:
            error = known.error + known.rate * _distance(parts, seen, known.seen) / _total(known.noises)
            if bool((error < self.option.threshold).all()):
                told.remember(replace(known, seen=seen, error=error))
                told.count("foreseen")
                return [part(x) - sigma * noise for part, noise in zip(parts, known.noises, strict=True)]
        answers = list(ask())
        noises = tuple((part(x) - answer) / sigma for part, answer in zip(parts, answers, strict=True))
        told.remember(_learned(known, seen, level, parts, noises))
        return answers


@dataclass(frozen=True)
class _Told:
    """What is remembered of one level in a run's memory."""

    level: str
    memory: dict[str, Tensor]

    def recalled(self) -> dict[str, Tensor]:
        prefix = f"{self.level}.known."
        return {name.removeprefix(prefix): value for name, value in self.memory.items() if name.startswith(prefix)}

    def remember(self, known: Known) -> None:
        prefix = f"{self.level}.known."
        for name in self.recalled():
            del self.memory[prefix + name]
        self.memory.update({prefix + name: value for name, value in known.flat().items()})

    def count(self, what: str) -> None:
        name = f"{self.level}.{what}"
        self.memory[name] = self.memory.get(name, torch.tensor(0)) + 1


def reuses(options: Sequence[object], prediction: Prediction) -> Mapping[str, Reuse]:
    """What foresees answers, by level, as the last option for each says."""
    found = dict[str, Reuse]()
    for level in NODES:
        option = _chosen(options, level)
        if option is not None:
            begin, end = (prediction.percent_to_sigma(percent) for percent in (option.start, option.end))
            found[level] = Reuse(option, prediction, begin, end)
    return MappingProxyType(found)


def said(options: Sequence[object], memory: Mapping[str, Tensor]) -> Iterator[str]:
    """How much was spared in a run that ended with this memory, in sentences, where options want it told."""
    for level, name in NODES.items():
        option = _chosen(options, level)
        if option is not None and option.verbose:
            questions, foreseen = (int(memory.get(f"{level}.{what}", 0)) for what in ("questions", "foreseen"))
            yield (
                f"{name}: the model was asked {questions - foreseen} times instead of {questions}; {foreseen} of its "
                "answers were foreseen."
            )


def _chosen(options: Sequence[object], level: str) -> ForeseenAnswers | None:
    found = (option for option in reversed(options) if isinstance(option, ForeseenAnswers) and option.level == level)
    return next(found, None)


def _comparable(known: Known, seen: Tensor, parts: Sequence[Part], alike: Callable[[float], bool]) -> bool:
    """Whether questions about these parts of a latent were answered before. A sampler may enlarge the latent."""
    return known.asked.shape == seen.shape and len(known.noises) == len(parts) and alike(float(known.sigma))


def _learned(
    known: Known | None, seen: Tensor, level: float, parts: Sequence[Part], noises: tuple[Tensor, ...]
) -> Known:
    """What is known after a true answer."""
    rate, error = seen.new_full((len(seen),), torch.inf), seen.new_zeros(len(seen))
    if known is not None:
        moved = _distance(parts, seen, known.asked)
        changed = _total([after - before for after, before in zip(noises, known.noises, strict=True)])
        rate = torch.where(moved > 0, changed / moved, known.rate)  # a latent may be asked about twice
    return Known(seen, torch.tensor(level, dtype=torch.float64), rate, seen, error, noises)


def _distance(parts: Sequence[Part], one: Tensor, other: Tensor) -> Tensor:
    return _total([part(one) - part(other) for part in parts])


def _total(tensors: Sequence[Tensor]) -> Tensor:
    """The sum of all absolute values of each item, [B]."""
    return torch.stack([tensor.abs().flatten(1).sum(1) for tensor in tensors]).sum(0)
