"""Circles in a graph: found in one pass, described by a path, without recursion."""

from collections import deque
from collections.abc import Iterable, Mapping


def circles(origins: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """One circle for each knot of nodes that wait for each other, as a path along the flow that ends where it began.

    origins: node → nodes that feed it; names that are no node are ignored. Linear in nodes and links.
    """
    if _in_order(origins):
        return []
    waiting = {node: {origin for origin in feeding if origin in origins} for node, feeding in origins.items()}
    fed: dict[str, list[str]] = {node: [] for node in origins}
    for node, feeding in waiting.items():
        for origin in feeding:
            fed[origin].append(node)
    open_inputs = {node: len(feeding) for node, feeding in waiting.items()}
    ready = [node for node, count in open_inputs.items() if not count]
    while ready:
        done = ready.pop()
        del open_inputs[done]
        for node in fed[done]:
            open_inputs[node] -= 1
            if not open_inputs[node]:
                ready.append(node)
    if not open_inputs:
        return []
    return _in_knots(
        list(open_inputs), {node: [item for item in fed[node] if item in open_inputs] for node in open_inputs}
    )


def _in_order(origins: Mapping[str, Iterable[str]]) -> bool:
    """Whether every node stands after those that feed it, as in most documents: then there is no circle."""
    seen: set[str] = set()
    for node, feeding in origins.items():
        for origin in feeding:
            if origin not in seen and origin in origins:
                return False
        seen.add(node)
    return True


def _in_knots(nodes: list[str], fed: Mapping[str, list[str]]) -> list[list[str]]:
    import networkx  # only where there is a circle: it takes 0.1 s

    graph = networkx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((origin, node) for origin in nodes for node in fed[origin])
    place = {node: index for index, node in enumerate(nodes)}
    knots = sorted(
        (sorted(knot, key=place.__getitem__) for knot in networkx.strongly_connected_components(graph)),
        key=lambda knot: place[knot[0]],
    )
    return [_circle(knot, fed) for knot in knots if len(knot) > 1 or knot[0] in fed[knot[0]]]


def _circle(knot: list[str], fed: Mapping[str, list[str]]) -> list[str]:
    """The shortest circle through the first node of a knot."""
    start, members = knot[0], set(knot)
    before: dict[str, str] = {}
    ahead = deque([start])
    while start not in before:
        here = ahead.popleft()
        for node in fed[here]:
            if node in members and node not in before:
                before[node] = here
                ahead.append(node)
    path = [start]
    while len(path) == 1 or path[-1] != start:
        path.append(before[path[-1]])
    return path[::-1]
