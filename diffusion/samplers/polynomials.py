"""Lagrange polynomials: how multistep samplers carry earlier answers over the next step."""

from collections.abc import Sequence

from numpy.polynomial import Polynomial


def lagrange(nodes: Sequence[float]) -> list[Polynomial]:
    """For each of the different `nodes` the polynomial that is 1 there and 0 at the others."""
    found = []
    for place, node in enumerate(nodes):
        others = [*nodes[:place], *nodes[place + 1 :]]
        unscaled = Polynomial.fromroots(others) if others else Polynomial([1.0])
        found.append(unscaled / unscaled(node))
    return found
