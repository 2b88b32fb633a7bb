"""The order in which nodes run: every node after those it needs, with memory in mind. Linear, without recursion."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from graph.errors import GraphError
from graph.flat import Flat, FlatNode


def ordered(flat: Flat, wanted: Sequence[str], loads: Callable[[FlatNode], bool]) -> list[str]:
    """The wanted nodes and all they need, depth first, so that one output is finished before the next is begun.

    Among the inputs of a node, those computed from one model follow each other, and what holds more results at once
    comes first (Sethi and Ullman 1970). Wanted nodes keep their order, but those of one model follow each other.
    loads: whether a node brings a model into play. Raises GraphError for a cycle (with its path) or a dangling link.
    """
    order, arranged = _walk(flat, wanted, {}), dict[str, list[str]]()
    need, origin = dict[str, int](), dict[str, str]()
    for node_id in order:
        node = flat[node_id]
        sources = [source for source, _ in node.links.values()]
        if len(sources) > 1:
            sources = list(dict.fromkeys(sources))
            best = _arranged(sources, need, origin)
            if best != sources:
                arranged[node_id] = best
            need[node_id] = max([need[source] + held for held, source in enumerate(best)])
        else:
            need[node_id] = need[sources[0]] if sources else 1
        upstream = next((origin[source] for source in sources if source in origin), None)
        if upstream is not None:
            origin[node_id] = upstream
        elif loads(node):
            origin[node_id] = node_id
    targets = _grouped(wanted, origin) if origin else list(wanted)
    if not arranged and targets == list(wanted):
        return order
    return _walk(flat, targets, arranged)


def _walk(flat: Flat, wanted: Iterable[str], arranged: Mapping[str, list[str]]) -> list[str]:
    """The nodes that `wanted` leads to, each after its inputs. arranged: inputs of a node in another order than its."""
    order: list[str] = []
    state: dict[str, bool] = {}  # False: its inputs are being visited; True: done
    for target in wanted:
        stack = [target]
        while stack:
            node_id = stack[-1]
            known = state.get(node_id)
            if known is None:
                state[node_id] = False
                sources = arranged.get(node_id)
                if sources is None:
                    sources = [source for source, _ in _node(flat, node_id, stack).links.values()]
                waiting = [source for source in reversed(sources) if state.get(source) is not True]
                for source in waiting:
                    if source in state:
                        raise GraphError(_cycle(stack, state, source))
                stack += waiting
                if waiting:
                    continue
            stack.pop()
            if not state[node_id]:
                state[node_id] = True
                order.append(node_id)
    return order


def _node(flat: Flat, node_id: str, stack: list[str]) -> FlatNode:
    node = flat.get(node_id)
    if node is None:
        after = f" Node '{stack[-2]}' is linked to it." if len(stack) > 1 else ""
        raise GraphError(f"There is no node '{node_id}' in the workflow.{after}")
    return node


def _cycle(stack: list[str], state: Mapping[str, bool], node_id: str) -> str:
    """A sentence with the path of the cycle that closes at `node_id`."""
    path = [name for name in stack[stack.index(node_id) :] if state.get(name) is False]
    circle = " → ".join(f"'{name}'" for name in [*reversed(path), path[-1]])
    return f"The links form a circle: {circle}. Remove one of them."


def _arranged(sources: list[str], need: Mapping[str, int], origin: Mapping[str, str]) -> list[str]:
    """Inputs of one model together, the groups and their members by how much they hold, most first."""
    groups: dict[str, list[str]] = {}
    for source in sources:
        groups.setdefault(origin.get(source, source), []).append(source)
    for members in groups.values():
        members.sort(key=lambda source: -need[source])
    return [source for members in sorted(groups.values(), key=lambda members: -need[members[0]]) for source in members]


def _grouped(wanted: Iterable[str], origin: Mapping[str, str]) -> list[str]:
    """The wanted nodes with those of one model together, in the order in which each model comes first."""
    groups: dict[str, list[str]] = {}
    for target in wanted:
        groups.setdefault(origin.get(target, target), []).append(target)
    return [target for members in groups.values() for target in members]
