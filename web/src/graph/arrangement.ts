/**
 * Where nodes best stand: in columns along the flow, with few crossings, links short and level. Frames are arranged
 * inside first, and are then one block of the graph around them, so they stay together and nothing overlaps.
 */
import { Graph, layout } from "@dagrejs/dagre";
import { type Box, GRID, type Point } from "./point";

/** A node to be placed. */
export interface Item {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

/** A link between sockets that are so far below the tops of their nodes. */
export interface Wire {
  readonly from: string;
  readonly to: string;
  readonly fromY: number;
  readonly toY: number;
}

/** A frame: nodes and frames that stay together. */
export interface Group {
  readonly id: string;
  readonly nodes: readonly string[];
  readonly groups: readonly Group[];
}

export interface Arranging {
  readonly items: readonly Item[];
  readonly wires: readonly Wire[];
  readonly groups: readonly Group[];
  readonly at: Point;
}

export interface Arrangement {
  readonly nodes: Readonly<Record<string, Point>>;
  readonly frames: Readonly<Record<string, Box>>;
}

const COLUMN_GAP = 80;
const ROW_GAP = 32;
const WAY_GAP = 16;
const PADDING = 24;
const HEADER = 40;
const SWEEPS = 6;

/** Linked items from which on dagre would take seconds; then each stands as far right as what feeds it asks. */
const MANY = 200;

export function arrangement({ items, wires, groups, at }: Arranging): Arrangement {
  const sizes = new Map(items.map((item) => [item.id, item]));
  const grouped = new Set(groups.flatMap(nodesIn));
  const nodes = items.map((item) => item.id).filter((id) => !grouped.has(id));
  const block = blockOf({ id: "", nodes, groups }, sizes, wires);
  const places: Record<string, Point> = {};
  const frames: Record<string, Box> = {};
  const origin = { x: onGrid(at.x), y: onGrid(at.y) };
  for (const [id, place] of block.nodes) places[id] = moved(place, origin);
  for (const [id, box] of block.frames) frames[id] = { ...box, ...moved(box, origin) };
  return { nodes: places, frames };
}

function nodesIn(group: Group): readonly string[] {
  return [...group.nodes, ...group.groups.flatMap(nodesIn)];
}

function moved(place: Point, by: Point): Point {
  return { x: place.x + by.x, y: place.y + by.y };
}

function onGrid(value: number): number {
  return Math.round(value / GRID) * GRID;
}

function wholeCells(value: number): number {
  return Math.ceil(value / GRID) * GRID;
}

/** A graph arranged from its own top-left corner on. */
interface Block {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, Point>;
  readonly frames: ReadonlyMap<string, Box>;
}

function blockOf(group: Group, sizes: ReadonlyMap<string, Item>, wires: readonly Wire[]): Block {
  const inner = new Map(group.groups.map((one) => [`/${one.id}`, framed(one, sizes, wires)]));
  const own = group.nodes.flatMap((id) => sizes.get(id) ?? []);
  const blocks = [...inner].map(([id, { width, height }]): Item => ({ id, width, height }));
  const places = placed([...own, ...blocks], lifted(own, inner, wires));
  const nodes = new Map<string, Point>();
  const frames = new Map<string, Box>();
  for (const [id, place] of places) {
    const block = inner.get(id);
    if (!block) nodes.set(id, place);
    for (const [node, at] of block?.nodes ?? []) nodes.set(node, moved(at, place));
    for (const [frame, box] of block?.frames ?? [])
      frames.set(frame, { ...box, ...moved(box, place) });
  }
  const right = [...own, ...blocks].map((item) => (places.get(item.id)?.x ?? 0) + item.width);
  const bottom = [...own, ...blocks].map((item) => (places.get(item.id)?.y ?? 0) + item.height);
  return { width: Math.max(0, ...right), height: Math.max(0, ...bottom), nodes, frames };
}

/** A group arranged, with its frame around it. */
function framed(group: Group, sizes: ReadonlyMap<string, Item>, wires: readonly Wire[]): Block {
  const inside = blockOf(group, sizes, wires);
  const by = { x: PADDING, y: HEADER };
  const width = wholeCells(inside.width + 2 * PADDING);
  const height = wholeCells(inside.height + HEADER + PADDING);
  const frames = [...inside.frames].map(
    ([id, box]) => [id, { ...box, ...moved(box, by) }] as const,
  );
  return {
    width,
    height,
    nodes: new Map([...inside.nodes].map(([id, place]) => [id, moved(place, by)])),
    frames: new Map<string, Box>([[group.id, { x: 0, y: 0, width, height }], ...frames]),
  };
}

/** The wires between the things of one level: from and to what stands in a block they lead to the block. */
function lifted(
  own: readonly Item[],
  inner: ReadonlyMap<string, Block>,
  wires: readonly Wire[],
): readonly Wire[] {
  const homes = new Map(own.map(({ id }) => [id, { id, y: 0 }]));
  for (const [id, block] of inner)
    for (const [node, place] of block.nodes) homes.set(node, { id, y: place.y });
  return wires.flatMap(({ from, to, fromY, toY }) => {
    const [a, b] = [homes.get(from), homes.get(to)];
    if (!a || !b || a.id === b.id) return [];
    return [{ from: a.id, to: b.id, fromY: fromY + a.y, toY: toY + b.y }];
  });
}

/** Something in a column: an item, or the way of a wire through it. */
interface Cell {
  readonly id: string;
  readonly height: number;
  readonly gap: number;
  y: number;
}

/** What is linked together is arranged together; such parts stand in rows. */
function placed(items: readonly Item[], wires: readonly Wire[]): ReadonlyMap<string, Point> {
  const parts = partsOf(items, wires).map((part) => {
    const places = inColumns(part.items, part.wires);
    const right = part.items.map((item) => (places.get(item.id)?.x ?? 0) + item.width);
    const bottom = part.items.map((item) => (places.get(item.id)?.y ?? 0) + item.height);
    return { places, width: Math.max(...right), height: Math.max(...bottom) };
  });
  const corners = inRows(parts);
  return new Map(
    parts.flatMap(({ places }, at) =>
      [...places].map(([id, place]) => [id, moved(place, corners[at] ?? { x: 0, y: 0 })] as const),
    ),
  );
}

interface Part {
  readonly items: Item[];
  readonly wires: Wire[];
}

/** Sets of items that wires join, directly or not, in the order of their first items. */
function partsOf(items: readonly Item[], wires: readonly Wire[]): readonly Part[] {
  const parents = new Map(items.map(({ id }) => [id, id]));
  const rootOf = (id: string): string => {
    let root = id;
    for (let up = parents.get(root); up !== undefined && up !== root; up = parents.get(root)) {
      parents.set(root, parents.get(up) ?? up);
      root = up;
    }
    return root;
  };
  for (const { from, to } of wires) parents.set(rootOf(from), rootOf(to));
  const parts = new Map<string, Part>();
  for (const item of items) {
    const part = parts.get(rootOf(item.id));
    if (part) part.items.push(item);
    else parts.set(rootOf(item.id), { items: [item], wires: [] });
  }
  for (const wire of wires) parts.get(rootOf(wire.from))?.wires.push(wire);
  return [...parts.values()];
}

/** Corners of blocks put in rows, of about the shape of a screen together. */
function inRows(blocks: readonly { width: number; height: number }[]): readonly Point[] {
  const area = blocks.reduce((sum, block) => sum + block.width * block.height, 0);
  const width = Math.max(Math.sqrt(area) * 1.6, ...blocks.map((block) => block.width));
  const [corners, gap]: [Point[], number] = [[], 2 * ROW_GAP];
  let [x, y, height] = [0, 0, 0];
  for (const block of blocks) {
    if (x > 0 && x + block.width > width) [x, y, height] = [0, y + height + gap, 0];
    corners.push({ x, y });
    x += wholeCells(block.width) + gap;
    height = Math.max(height, wholeCells(block.height));
  }
  return corners;
}

function inColumns(items: readonly Item[], wires: readonly Wire[]): ReadonlyMap<string, Point> {
  const centres = items.length > MANY ? depthsOf(items, wires) : centresOf(items, wires);
  const lefts = [...new Set(items.map(({ id }) => centres.get(id)?.x ?? 0))].sort((a, b) => a - b);
  const places = new Map(lefts.map((x, at) => [x, at]));
  const columnOf = new Map(items.map(({ id }) => [id, places.get(centres.get(id)?.x ?? 0) ?? 0]));
  const columns: Cell[][] = lefts.map(() => []);
  for (const { id, height } of items) {
    const y = (centres.get(id)?.y ?? 0) - height / 2;
    columns[columnOf.get(id) ?? 0]?.push({ id, height: wholeCells(height), gap: ROW_GAP, y });
  }
  const joints = withWays(columns, columnOf, wires);
  for (const column of columns) column.sort((a, b) => a.y - b.y);
  settle(columns, joints);
  const widths = lefts.map((_, at) =>
    wholeCells(
      Math.max(...items.filter(({ id }) => columnOf.get(id) === at).map((item) => item.width)),
    ),
  );
  const xs = widths.map((_, at) =>
    widths.slice(0, at).reduce((sum, width) => sum + width + COLUMN_GAP, 0),
  );
  const heights = new Map(columns.flat().map((cell) => [cell.id, cell.y]));
  const top = Math.min(...items.map(({ id }) => heights.get(id) ?? 0));
  return new Map(
    items.map(({ id }) => [
      id,
      { x: xs[columnOf.get(id) ?? 0] ?? 0, y: (heights.get(id) ?? 0) - top },
    ]),
  );
}

/** The centres dagre gives: which column, and a first order in it. Nodes and edges go in by the height of sockets. */
function centresOf(items: readonly Item[], wires: readonly Wire[]): ReadonlyMap<string, Point> {
  const graph = new Graph({ multigraph: false });
  graph.setGraph({
    rankdir: "LR",
    ranksep: COLUMN_GAP,
    nodesep: ROW_GAP,
  });
  for (const { id, width, height } of items) graph.setNode(id, { width, height });
  for (const { from, to } of wires.toSorted((a, b) => a.fromY - b.fromY || a.toY - b.toY))
    graph.setEdge(from, to, {});
  layout(graph);
  return new Map(
    items.map(({ id }) => {
      const { x, y } = graph.node(id);
      return [id, { x: Math.round(Number(x)), y: Number(y) }];
    }),
  );
}

/** Columns by the longest way from a start, starts right before what they feed; wires that close circles do not count. */
function depthsOf(items: readonly Item[], wires: readonly Wire[]): ReadonlyMap<string, Point> {
  const [into, outOf] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const { id } of items) {
    into.set(id, []);
    outOf.set(id, []);
  }
  for (const { from, to } of wires) {
    into.get(to)?.push(from);
    outOf.get(from)?.push(to);
  }
  const open = new Map(items.map(({ id }) => [id, into.get(id)?.length ?? 0]));
  const depths = new Map<string, number>();
  const rest = new Set(items.map(({ id }) => id));
  const ready = [...rest].filter((id) => open.get(id) === 0);
  while (rest.size > 0) {
    const id = ready.shift() ?? [...rest][0] ?? "";
    if (!rest.delete(id)) continue;
    const before = (into.get(id) ?? []).flatMap((from) => depths.get(from) ?? []);
    depths.set(id, Math.max(-1, ...before) + 1);
    for (const to of outOf.get(id) ?? []) {
      const count = (open.get(to) ?? 0) - 1;
      open.set(to, count);
      if (count === 0) ready.push(to);
    }
  }
  for (const { id } of items) {
    const after = (outOf.get(id) ?? []).map((to) => depths.get(to) ?? 0);
    if (into.get(id)?.length === 0) depths.set(id, Math.max(0, Math.min(...after) - 1));
  }
  return new Map(items.map(({ id }, at) => [id, { x: depths.get(id) ?? 0, y: at * ROW_GAP }]));
}

/** A wire from one column to the next, by the cells it joins. */
interface Joint {
  readonly left: Cell;
  readonly right: Cell;
  readonly leftY: number;
  readonly rightY: number;
}

/** Wires as joints between neighbouring columns; those that are longer get a way through the columns between. */
function withWays(
  columns: readonly Cell[][],
  columnOf: ReadonlyMap<string, number>,
  wires: readonly Wire[],
): readonly Joint[] {
  const cells = new Map(columns.flat().map((cell) => [cell.id, cell]));
  const joints: Joint[] = [];
  wires.forEach((wire, index) => {
    const [a, b] = [cells.get(wire.from), cells.get(wire.to)];
    const [start, end] = [columnOf.get(wire.from) ?? 0, columnOf.get(wire.to) ?? 0];
    if (!a || !b || start >= end) return;
    let [left, leftY] = [a, wire.fromY];
    const [from, to] = [a.y + wire.fromY, b.y + wire.toY];
    for (let at = start + 1; at < end; at++) {
      const y = from + ((to - from) * (at - start)) / (end - start);
      const way: Cell = { id: `/way/${index}/${at}`, height: 0, gap: WAY_GAP, y };
      columns[at]?.push(way);
      joints.push({ left, right: way, leftY, rightY: 0 });
      [left, leftY] = [way, 0];
    }
    joints.push({ left, right: b, leftY, rightY: wire.toY });
  });
  return joints;
}

/** Orders the columns by what their cells are wired to, sweeping to and fro, and keeps the order with fewest crossings. */
function settle(columns: readonly Cell[][], joints: readonly Joint[]): void {
  const into = byCell(joints, (joint) => joint.right);
  const outOf = byCell(joints, (joint) => joint.left);
  const asked = (cell: Cell, way: "right" | "left" | "both"): number => {
    const heights = [
      ...(way === "left" ? [] : (into.get(cell) ?? [])).map(
        (joint) => joint.left.y + joint.leftY - joint.rightY,
      ),
      ...(way === "right" ? [] : (outOf.get(cell) ?? [])).map(
        (joint) => joint.right.y + joint.rightY - joint.leftY,
      ),
    ];
    if (heights.length === 0) return cell.y;
    return heights.reduce((sum, y) => sum + y, 0) / heights.length;
  };
  let best = {
    crossings: crossingsOf(columns, into),
    orders: columns.map((column) => [...column]),
  };
  for (const column of columns) pack(column, (cell) => cell.y);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const way = sweep % 2 === 0 ? "right" : "left";
    for (const column of way === "right" ? columns : columns.toReversed()) {
      const wanted = new Map(column.map((cell) => [cell, asked(cell, way)]));
      column.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      pack(column, (cell) => wanted.get(cell) ?? cell.y);
    }
    const crossings = crossingsOf(columns, into);
    if (crossings < best.crossings)
      best = { crossings, orders: columns.map((column) => [...column]) };
  }
  columns.forEach((column, at) => {
    column.splice(0, column.length, ...(best.orders[at] ?? []));
  });
  for (const way of ["right", "left", "right", "both"] as const)
    for (const column of way === "left" ? columns.toReversed() : columns)
      pack(column, (cell) => asked(cell, way));
}

function byCell(
  joints: readonly Joint[],
  cellOf: (joint: Joint) => Cell,
): ReadonlyMap<Cell, readonly Joint[]> {
  const found = new Map<Cell, Joint[]>();
  for (const joint of joints) {
    const list = found.get(cellOf(joint));
    if (list) list.push(joint);
    else found.set(cellOf(joint), [joint]);
  }
  return found;
}

/** How many pairs of wires cross, sockets told apart. */
function crossingsOf(
  columns: readonly (readonly Cell[])[],
  into: ReadonlyMap<Cell, readonly Joint[]>,
): number {
  let crossings = 0;
  columns.forEach((column, at) => {
    const before = new Map((columns[at - 1] ?? []).map((cell, index) => [cell, index]));
    const starts = column.flatMap((cell) =>
      (into.get(cell) ?? [])
        .toSorted((a, b) => a.rightY - b.rightY)
        .map((joint) => ({ index: before.get(joint.left) ?? 0, y: joint.leftY })),
    );
    const order = starts.toSorted((a, b) => a.index - b.index || a.y - b.y);
    const places = new Map(order.map((start, index) => [start, index]));
    crossings += inversions(starts.map((start) => places.get(start) ?? 0));
  });
  return crossings;
}

/** Pairs of numbers of which the larger stands first, counted while they are merged in order. */
function inversions(numbers: readonly number[]): number {
  let count = 0;
  const merged = (list: readonly number[]): readonly number[] => {
    if (list.length < 2) return list;
    const half = list.length >> 1;
    const [left, right] = [merged(list.slice(0, half)), merged(list.slice(half))];
    const all: number[] = [];
    let at = 0;
    for (const number of right) {
      for (let next = left[at]; next !== undefined && next <= number; next = left[++at])
        all.push(next);
      count += left.length - at;
      all.push(number);
    }
    return [...all, ...left.slice(at)];
  };
  merged(numbers);
  return count;
}

/**
 * Puts the cells of a column, in their order, as near as can be to where they are wanted, without overlap: the least
 * sum of squares, by pooling neighbours that push each other.
 */
function pack(column: readonly Cell[], wanted: (cell: Cell) => number): void {
  const offsets: number[] = [];
  let offset = 0;
  column.forEach((cell, at) => {
    const next = column[at + 1];
    offsets.push(offset);
    if (next) offset += cell.height + Math.min(cell.gap, next.gap);
  });
  const pools: { sum: number; count: number }[] = [];
  column.forEach((cell, at) => {
    let pool = { sum: wanted(cell) - (offsets[at] ?? 0), count: 1 };
    for (let last = pools.at(-1); last; last = pools.at(-1)) {
      if (last.sum / last.count < pool.sum / pool.count) break;
      pools.pop();
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count };
    }
    pools.push(pool);
  });
  let at = 0;
  for (const { sum, count } of pools) {
    const start = onGrid(sum / count);
    for (let index = 0; index < count; index++, at++) {
      const cell = column[at];
      if (cell) cell.y = start + (offsets[at] ?? 0);
    }
  }
}
