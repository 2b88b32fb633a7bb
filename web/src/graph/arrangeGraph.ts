/** Auto layout: asks a worker where the nodes of a graph best stand, and puts them there. */
import type { Arrangement, Arranging, Group, Wire } from "./arrangement";
import { shownInputs, specOf } from "./catalogue";
import type { Context } from "./edits/context";
import { frameAt, framesAmong, setFrame } from "./edits/frames";
import { moveNodes } from "./edits/nodes";
import { around, type Box, type Boxes } from "./point";
import { type Graph, graphAt, type Layout, linksOf, type NodeId, type Workflow } from "./workflow";

/** Where nodes would stand, and frames around them; of all nodes where none are named. Pinned ones are left alone. */
export async function arrangedGraph(
  c: Context,
  ids: readonly NodeId[] | null,
  boxes: Boxes,
): Promise<Arrangement> {
  const graph = arrangingOf(c, ids, boxes);
  if (graph.items.length === 0) return { nodes: {}, frames: {} };
  const worker = new Worker(new URL("./arrange.worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise<Arrangement>((resolve, reject) => {
      worker.onmessage = (event: MessageEvent<Arrangement>) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(graph);
    });
  } finally {
    worker.terminate();
  }
}

/** The document with nodes and frames where an arrangement has them. */
export function arranged(c: Context, { nodes, frames }: Arrangement): Workflow {
  const workflow = moveNodes(c, nodes);
  return Object.entries(frames).reduce(
    (whole, [id, box]) => setFrame({ ...c, workflow: whole }, id, box),
    workflow,
  );
}

/** What the worker needs to know of a graph. */
export function arrangingOf(c: Context, ids: readonly NodeId[] | null, boxes: Boxes): Arranging {
  const { nodes, layout } = graphAt(c.workflow, c.scope);
  const asked = ids && ids.length > 0 ? ids : Object.keys(nodes);
  const chosen = new Set(asked.filter((id) => boxes[id] && !layout.nodes?.[id]?.pinned));
  const items = [...chosen].flatMap((id) => {
    const box = boxes[id];
    return box ? [{ id, width: box.width, height: box.height }] : [];
  });
  const frames = framesAmong(layout, chosen);
  const groups = frames.map((id) => groupOf(layout, id));
  const whole = around([
    ...[...chosen].flatMap((id) => boxes[id] ?? []),
    ...frames.flatMap((id) => frameBox(layout, id)),
  ]);
  return { items, wires: wiresOf(c, nodes, chosen), groups, at: whole ?? { x: 0, y: 0 } };
}

function frameBox(layout: Layout, id: string): readonly Box[] {
  const { x, y, width = 0, height = 0 } = frameAt(layout, id) ?? {};
  return x === undefined || y === undefined ? [] : [{ x, y, width, height }];
}

function groupOf(layout: Layout, id: string): Group {
  const frame = frameAt(layout, id);
  return {
    id,
    nodes: frame?.nodes ?? [],
    groups: (frame?.frames ?? []).map((inner) => groupOf(layout, inner)),
  };
}

/** About where rows of sockets are; only their order counts. */
const FIRST_ROW = 44;
const ROW = 24;

function wiresOf(c: Context, nodes: Graph["nodes"], chosen: ReadonlySet<NodeId>): readonly Wire[] {
  const rows = new Map<NodeId, { inputs: readonly string[]; outputs: readonly string[] }>();
  for (const id of chosen) {
    const node = nodes[id];
    if (!node) continue;
    const spec = specOf(c.catalogue, c.workflow, node, nodes);
    const inputs = shownInputs(spec, node).map((input) => input.name);
    rows.set(id, { inputs, outputs: spec.outputs.map((output) => output.name) });
  }
  const height = (names: readonly string[] | undefined, name: string): number =>
    FIRST_ROW + ROW * Math.max(0, names?.indexOf(name) ?? 0);
  return linksOf(nodes)
    .filter(({ from, to }) => chosen.has(from.node) && chosen.has(to.node))
    .map(({ from, to }) => ({
      from: from.node,
      to: to.node,
      fromY: height(rows.get(from.node)?.outputs, from.output),
      toY: height(rows.get(to.node)?.inputs, to.input),
    }));
}
