/** A graph drawn small: its nodes as boxes and its links as curves. */
import { linkPath, svgPath } from "../canvas/linkPath";
import { lookOf } from "../canvas/socketLook";
import { type Catalogue, specOf } from "../graph/catalogue";
import { boxesOf, geometryOf } from "../graph/geometry";
import { around, type Box, type Point } from "../graph/point";
import { graphAt, linkId, linksOf, type NodeId, type Workflow } from "../graph/workflow";

export interface SchematicNode extends Box {
  readonly id: NodeId;
  readonly title: string;
}

/** color: a CSS colour that follows the theme. path: as SVG has it. */
export interface SchematicLink {
  readonly id: string;
  readonly path: string;
  readonly color: string;
}

export interface Schematic {
  readonly box: Box;
  readonly nodes: readonly SchematicNode[];
  readonly links: readonly SchematicLink[];
}

const EDGE = 24;
const REGULAR = { density: "regular", preview: true } as const;

/** The outermost graph. */
export function schematicOf(workflow: Workflow, catalogue: Catalogue): Schematic {
  const { nodes, layout } = graphAt(workflow, null);
  const boxes = boxesOf({ workflow, catalogue, scope: null });
  const socketAt = (
    id: NodeId,
    side: "input" | "output",
    name: string,
  ): (Point & { type: string }) | null => {
    const node = nodes[id];
    const box = boxes[id];
    if (!node || !box) return null;
    const spec = specOf(catalogue, workflow, node, nodes);
    const { sockets } = geometryOf(spec, node, layout.nodes?.[id], REGULAR);
    const socket = sockets.find((item) => item.side === side && item.name === name);
    return socket ? { x: box.x + socket.x, y: box.y + socket.y, type: socket.type } : null;
  };
  const links = linksOf(nodes).flatMap((link): SchematicLink[] => {
    const from = socketAt(link.from.node, "output", link.from.output);
    const to = socketAt(link.to.node, "input", link.to.input);
    if (!from || !to) return [];
    const path = svgPath(linkPath("curve", [from, to]));
    return [{ id: linkId(link), path, color: lookOf(from.type).color }];
  });
  const inside = around(Object.values(boxes)) ?? { x: 0, y: 0, width: 320, height: 180 };
  return {
    box: {
      x: inside.x - EDGE,
      y: inside.y - EDGE,
      width: inside.width + 2 * EDGE,
      height: inside.height + 2 * EDGE,
    },
    nodes: Object.entries(boxes).map(([id, box]) => {
      const node = nodes[id];
      const title = node ? node.title || specOf(catalogue, workflow, node, nodes).title : id;
      return { id, title, ...box };
    }),
    links,
  };
}
