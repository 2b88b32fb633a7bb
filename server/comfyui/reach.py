"""Who needs whom among the nodes of a prompt. `origins`: node → the nodes that it needs, all of them keys too."""

from collections.abc import Collection, Iterable, Mapping, Sequence

MOST_DEPENDENT = 100
"""Outputs that an entry names at most as depending on its node: all of them, of ten thousand nodes each, would be
gigabytes.
"""

Origins = Mapping[str, Sequence[str]]


def needed(outputs: Sequence[str], origins: Origins) -> dict[str, None]:
    """The nodes that outputs need, themselves among them, each before what it needs."""
    found: dict[str, None] = {}
    ahead = list(reversed(outputs))
    while ahead:
        name = ahead.pop()
        if name not in found:
            found[name] = None
            ahead.extend(reversed(origins[name]))
    return found


def tainted(bad: Collection[str], origins: Origins) -> set[str]:
    """These nodes and all that need one of them."""
    fed: dict[str, list[str]] = {}
    for name, needs in origins.items():
        for origin in needs:
            fed.setdefault(origin, []).append(name)
    found, ahead = set(bad), list(bad)
    while ahead:
        for name in fed.get(ahead.pop(), ()):
            if name not in found:
                found.add(name)
                ahead.append(name)
    return found


def dependent(outputs: Iterable[str], origins: Origins) -> dict[str, list[str]]:
    """Node → the outputs that need it, the first `MOST_DEPENDENT`."""
    found: dict[str, list[str]] = {name: [] for name in origins}
    for output in outputs:
        ahead = [output]
        while ahead:
            name = ahead.pop()
            known = found[name]
            # Where a node has as many as it may name, so have all that it needs.
            if len(known) < MOST_DEPENDENT and (not known or known[-1] != output):
                known.append(output)
                ahead.extend(origins[name])
    return found
