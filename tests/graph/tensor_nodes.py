"""Toy node types that compute with torch."""

from typing import Any

from graph.node import node


class Tensor:
    """Stands for a tensor in annotations."""

    wire = "TENSOR"


@node("Random", category="toys")
def random(seed: int) -> Tensor:
    """A random matrix."""
    import torch

    return torch.randn(96, 96, generator=torch.Generator().manual_seed(seed))  # pyright: ignore[reportReturnType]


@node("Product", category="toys")
def product(a: Tensor, b: Tensor) -> Tensor:
    """A product, kept in bounds."""
    x: Any = a
    return (x @ b).tanh()


@node("Mix", category="toys")
def mix(a: Tensor, b: Tensor) -> Tensor:
    """Half of one, and the other."""
    x: Any = a
    return x * 0.5 + b
