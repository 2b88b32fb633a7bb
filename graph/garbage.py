"""Keeping Python's cycle collector from looking at very many objects that all live."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """No collection inside the block, or the function it decorates.

    A workflow of 10,000 nodes becomes hundreds of thousands of objects. None of them is garbage, but the collector
    looks at all of them again and again: half the time of loading, checking and planning. Not for what runs nodes.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def overlook() -> None:
    """Have the collector never again look at what lives now: for a process that has imported what it needs.

    torch, diffusers and transformers come with half a million objects. To look at them takes a fifth of a second, in
    which nothing else is computed. Not while anything is there that is to leave again: what refers to itself in circles
    would stay for good.
    """
    gc.collect()
    gc.freeze()
