"""Pausing Python's cycle collector while very many objects are made that all live."""

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
