"""Training state on disk: written whole or not at all, read without running code."""

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from diffusion.training.loop import Progress, Training

__all__ = ["averaged", "keep", "load", "resume", "save", "store"]

SAVE_EVERY = 120.0
"""Seconds between two writes of a run's state."""
TELL_EVERY = 25
"""Steps between two lines in the log."""

log = logging.getLogger(__name__)


def store(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values to `path` in one stroke: a crash leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".part")
    torch.save(content, draft)
    os.replace(draft, path)


def load(path: Path) -> dict[str, Any]:
    """What `store` wrote. Raises FileNotFoundError."""
    return torch.load(path, map_location="cpu", weights_only=True)


def save(path: Path, training: Training) -> None:
    """Write a run's weights, optimiser, average and step number."""
    store(
        path,
        {
            "step": training.step,
            "module": training.module.state_dict(),
            "optimizer": training.optimizer.state_dict(),
            "average": training.average,
        },
    )


def resume(path: Path, training: Training) -> bool:
    """Put a saved run's state into `training` (same architecture); False where there is no such file."""
    if not path.exists():
        return False
    state = load(path)
    training.module.load_state_dict(state["module"])
    training.optimizer.load_state_dict(state["optimizer"])
    training.average = state["average"]
    training.step = state["step"]
    return True


def averaged(path: Path, module: nn.Module) -> None:
    """Put a saved run's averaged weights into `module` (same architecture), ready for use: frozen, in eval mode."""
    state = load(path)
    module.load_state_dict(state["module"] | state["average"])
    module.requires_grad_(False).eval()


def keep(path: Path, training: Training, steps: Iterator[Progress]) -> None:
    """Run `steps` to their end. Says figures every 25 steps and writes the state every two minutes and at the end."""
    saved, started, first = time.monotonic(), time.monotonic(), training.step
    for progress in steps:
        if progress.step % TELL_EVERY == 0:
            pace = (time.monotonic() - started) / (progress.step - first)
            log.info("step %d: loss %.4f, rate %.1e, %.3f s", progress.step, progress.loss, progress.rate, pace)
        if time.monotonic() - saved > SAVE_EVERY:
            save(path, training)
            saved = time.monotonic()
    save(path, training)
