"""Data-parallel training on one machine: equal processes with a thread each, gradients averaged once a step.

On a shared CPU this beats threads inside an operator: processes wait for one another once a step, not once an operator.
"""

import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
from torch import Tensor

__all__ = ["averaged", "run"]


def run(work: Callable[[int], None], count: int, meeting: Path) -> None:
    """Call `work(rank)` in `count` processes (in this one where count is 1) and wait for all; an error in one ends all.

    work: a function that can be pickled. meeting: a path in an existing folder through which the processes find each other.
    """
    if count == 1:
        work(0)
        return
    meeting.unlink(missing_ok=True)
    multiprocessing.spawn(_joined, (work, count, str(meeting)), nprocs=count)


def averaged(gradients: Iterable[Tensor]) -> None:
    """Replace gradients by their mean over all processes, in place; the identity in a lone process."""
    if not dist.is_initialized():
        return
    tensors = list(gradients)
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def _joined(rank: int, work: Callable[[int], None], count: int, meeting: str) -> None:
    torch.set_num_threads(1)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=count, timeout=timedelta(minutes=10))
    try:
        work(rank)
    finally:
        dist.destroy_process_group()
