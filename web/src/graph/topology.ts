/** Which nodes feed which: what comes before and after, circles, the order of work. */
import { type Graph, type LinkPlace, linksOf, type NodeId } from "./workflow";

type Neighbours = ReadonlyMap<NodeId, readonly NodeId[]>;

interface Ways {
  readonly back: Neighbours;
  readonly on: Neighbours;
}

const waysOfNodes = new WeakMap<object, Ways>();

/** For each node those that feed it, and those it feeds, each once. Links to nodes that are not there do not count. */
function waysOf(nodes: Graph["nodes"]): Ways {
  const known = waysOfNodes.get(nodes);
  if (known) return known;
  const back = new Map<NodeId, Set<NodeId>>();
  const on = new Map<NodeId, Set<NodeId>>();
  for (const id of Object.keys(nodes)) {
    back.set(id, new Set());
    on.set(id, new Set());
  }
  for (const { from, to } of linksOf(nodes)) {
    if (!back.has(from.node)) continue;
    back.get(to.node)?.add(from.node);
    on.get(from.node)?.add(to.node);
  }
  const ways = { back: listed(back), on: listed(on) };
  waysOfNodes.set(nodes, ways);
  return ways;
}

function listed(sets: ReadonlyMap<NodeId, ReadonlySet<NodeId>>): Neighbours {
  return new Map([...sets].map(([id, set]) => [id, [...set]]));
}

function reached(start: Iterable<NodeId>, ...ways: readonly Neighbours[]): Set<NodeId> {
  const [first] = ways;
  const seen = new Set([...start].filter((id) => first?.has(id)));
  const ahead = [...seen];
  for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
    for (const way of ways) {
      for (const next of way.get(id) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        ahead.push(next);
      }
    }
  }
  return seen;
}

/** These nodes and all that feed them. */
export function upstream(nodes: Graph["nodes"], ids: Iterable<NodeId>): ReadonlySet<NodeId> {
  return reached(ids, waysOf(nodes).back);
}

/** These nodes and all that they feed. */
export function downstream(nodes: Graph["nodes"], ids: Iterable<NodeId>): ReadonlySet<NodeId> {
  return reached(ids, waysOf(nodes).on);
}

/** These nodes and all that links lead to from them, either way. */
export function connected(nodes: Graph["nodes"], ids: Iterable<NodeId>): ReadonlySet<NodeId> {
  const { back, on } = waysOf(nodes);
  return reached(ids, back, on);
}

/** Nodes that feed a node directly. */
export function feeding(nodes: Graph["nodes"], id: NodeId): readonly NodeId[] {
  return waysOf(nodes).back.get(id) ?? [];
}

/** Nodes that a node feeds directly. */
export function fed(nodes: Graph["nodes"], id: NodeId): readonly NodeId[] {
  return waysOf(nodes).on.get(id) ?? [];
}

interface Asked {
  readonly node: NodeId;
  readonly reached: ReadonlySet<NodeId>;
}

const lastAsked = new WeakMap<object, { readonly up: Asked; readonly down: Asked }>();

/**
 * Whether a link closes a circle, each node taken as a whole. While a link is in hand one of its ends is asked about
 * with all others in turn, so what each end reaches is kept until another is asked about.
 */
export function wouldCycle(nodes: Graph["nodes"], { from, to }: LinkPlace): boolean {
  const last = lastAsked.get(nodes);
  if (last?.up.node === from.node) return last.up.reached.has(to.node);
  if (last?.down.node === to.node) return last.down.reached.has(from.node);
  const up = { node: from.node, reached: upstream(nodes, [from.node]) };
  const down = { node: to.node, reached: downstream(nodes, [to.node]) };
  lastAsked.set(nodes, { up, down });
  return up.reached.has(to.node);
}

/** Every node after those that feed it, as near to the document's order as that allows; circles last. */
export function executionOrder(nodes: Graph["nodes"]): readonly NodeId[] {
  const { back, on } = waysOf(nodes);
  const ids = Object.keys(nodes);
  const place = new Map(ids.map((id, index) => [id, index]));
  const open = new Map(ids.map((id) => [id, back.get(id)?.length ?? 0]));
  const order: NodeId[] = [];
  let ready = ids.filter((id) => open.get(id) === 0);
  while (ready.length > 0) {
    const next: NodeId[] = [];
    for (const id of ready) {
      order.push(id);
      for (const target of on.get(id) ?? []) {
        const count = (open.get(target) ?? 0) - 1;
        open.set(target, count);
        if (count === 0) next.push(target);
      }
    }
    ready = next.sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0));
  }
  const done = new Set(order);
  return [...order, ...ids.filter((id) => !done.has(id))];
}

/** Nodes without outputs in use, the ends of the graph, in the document's order. */
export function ends(nodes: Graph["nodes"]): readonly NodeId[] {
  const { on } = waysOf(nodes);
  return Object.keys(nodes).filter((id) => on.get(id)?.length === 0);
}

/**
 * One circle for each knot of nodes that wait for each other, as a path along the flow that ends where it began: the
 * shortest through the knot's first node. The engine tells the same (`graph/circles.py`).
 */
export function circles(nodes: Graph["nodes"]): readonly (readonly NodeId[])[] {
  const { back } = waysOf(nodes);
  const ids = Object.keys(nodes);
  const on = new Map<NodeId, NodeId[]>(ids.map((id) => [id, []]));
  for (const id of ids) for (const origin of back.get(id) ?? []) on.get(origin)?.push(id);
  const place = new Map(ids.map((id, index) => [id, index]));
  const inOrder = (a: NodeId, b: NodeId): number => (place.get(a) ?? 0) - (place.get(b) ?? 0);
  return knots(ids, on)
    .map((knot) => knot.toSorted(inOrder))
    .sort((a, b) => inOrder(a[0] ?? "", b[0] ?? ""))
    .map((knot) => circleIn(knot, on));
}

/** Sets of nodes that each reach all others of their set by links: Tarjan's algorithm, without recursion. */
function knots(ids: readonly NodeId[], on: Neighbours): NodeId[][] {
  const found: NodeId[][] = [];
  const index = new Map<NodeId, number>();
  const low = new Map<NodeId, number>();
  const stack: NodeId[] = [];
  const onStack = new Set<NodeId>();
  const lower = (id: NodeId, value: number): void => {
    low.set(id, Math.min(low.get(id) ?? value, value));
  };
  for (const start of ids) {
    if (index.has(start)) continue;
    const calls: { id: NodeId; at: number }[] = [{ id: start, at: 0 }];
    for (let call = calls.at(-1); call; call = calls.at(-1)) {
      const { id } = call;
      if (call.at === 0) {
        index.set(id, index.size);
        lower(id, index.size - 1);
        stack.push(id);
        onStack.add(id);
      }
      const next = on.get(id)?.[call.at++];
      if (next !== undefined) {
        if (!index.has(next)) calls.push({ id: next, at: 0 });
        else if (onStack.has(next)) lower(id, index.get(next) ?? 0);
        continue;
      }
      calls.pop();
      const caller = calls.at(-1);
      if (caller) lower(caller.id, low.get(id) ?? 0);
      if (low.get(id) !== index.get(id)) continue;
      const knot = stack.splice(stack.indexOf(id));
      for (const member of knot) onStack.delete(member);
      if (knot.length > 1 || on.get(id)?.includes(id)) found.push(knot);
    }
  }
  return found;
}

function circleIn(knot: readonly NodeId[], on: Neighbours): NodeId[] {
  const start = knot[0] ?? "";
  const members = new Set(knot);
  const before = new Map<NodeId, NodeId>();
  const ahead = [start];
  for (let at = 0; at < ahead.length && !before.has(start); at++) {
    const here = ahead[at] ?? "";
    for (const next of on.get(here) ?? []) {
      if (!members.has(next) || before.has(next)) continue;
      before.set(next, here);
      ahead.push(next);
    }
  }
  const path = [start];
  let here = before.get(start);
  while (here !== undefined && here !== start) {
    path.push(here);
    here = before.get(here);
  }
  return [...path, start].reverse();
}
