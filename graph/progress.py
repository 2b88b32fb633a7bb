"""How a long node reports: it yields `Progress` and returns its result."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Preview:
    """A small picture of a result in the making: encoded bytes and their MIME type."""

    mime: str
    data: bytes


@dataclass(frozen=True)
class Progress:
    """`done` of `total` steps. preview: draws a preview, called only if somebody looks; a Preview itself is a result,
    and reaches everybody who follows the run. state: from which to resume.

    state: a mapping of names to tensors, numbers, text, or such mappings; the node that takes the service `resume` gets
    the last one back when its run was cut off. It must not be changed after it was yielded.
    """

    done: int
    total: int
    preview: Callable[[], Preview] | Preview | None = None
    state: object | None = None


Steps = Generator[Progress, None, T]
"""The return annotation of a long node: `-> Steps[Latent]`. Closing the generator cancels the node."""
