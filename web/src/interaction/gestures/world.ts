/** What a gesture may know of the graph and the canvas it happens on. */
import type { Context } from "../../graph/edits/context";
import type { Box, Point } from "../../graph/point";
import type { Graph, LinkPlace, NodeId, Workflow } from "../../graph/workflow";
import type { Selection } from "../../state/document";
import type { PlacedSocket } from "./sockets";

export type Change = (context: Context) => Workflow;

export interface World {
  readonly context: Context;
  readonly graph: Graph;
  readonly selection: Selection;
  readonly isLocked: boolean;
  /** Whether what is dragged keeps to the grid. */
  readonly snaps: boolean;
  readonly zoom: number;
  /** The part of the canvas that can be seen. */
  readonly shown: Box;
  /** The nodes that stand on the canvas, with the rails of a definition. */
  readonly ids: readonly NodeId[];
  /** The links that are drawn, with those of the rails. */
  readonly links: readonly LinkPlace[];
  readonly box: (node: NodeId) => Box | null;
  readonly sockets: (node: NodeId) => readonly PlacedSocket[];
  readonly nodeAt: (screen: Point) => NodeId | null;
  /** The way a link takes on the canvas, as straight pieces. */
  readonly way: (link: LinkPlace) => readonly Point[];
}
