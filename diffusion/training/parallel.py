"""Data-parallel training on one machine: equal processes with a thread each, gradients averaged once a step.

On a shared CPU this beats threads inside an operator: processes wait for one another once a step, not once an operator.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["averaged", "joined"]


@contextmanager
def joined(rank: int, count: int, meeting: Path) -> Iterator[None]:
    """Within it, this process is number `rank` of `count` that average gradients.

    Each computes with one thread on a core of its own (where the system can pin it).

    meeting: a file that does not exist yet, the same for all, through which the processes find each other.
    A lone process (count 1) keeps its threads and needs no meeting.
    """
    if count == 1:
        yield
        return
    threads, cores = torch.get_num_threads(), _cores()
    torch.set_num_threads(1)
    _pin(cores[rank % len(cores) :][:1])  # a scheduler that puts two processes on one core halves the pace
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    address = f"file://{meeting.resolve()}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=count, timeout=timedelta(minutes=10))
    try:
        yield
    finally:
        dist.destroy_process_group()
        torch.set_num_threads(threads)
        _pin(cores)


def averaged(gradients: Iterable[Tensor]) -> None:
    """Replace gradients by their mean over all processes, in place; nothing happens in a lone process."""
    if not dist.is_initialized():
        return
    tensors = list(gradients)
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for tensor, part in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def _cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _pin(cores: list[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
