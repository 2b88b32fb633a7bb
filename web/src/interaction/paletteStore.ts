/** The search for a node to be placed: whether it is open, and for what. */
import { createStore } from "zustand";
import type { Point } from "../graph/point";
import type { LinkPlace, NodeId } from "../graph/workflow";

/**
 * at: where the node is placed, on the canvas. screen: where the palette opens. link: an end that the node is to be
 * joined to. between: a link it goes into. replace: the node it takes the place of. onChosen: instead of placing it.
 */
export interface PaletteRequest {
  readonly at: Point;
  readonly screen: Point;
  readonly link?:
    | { readonly node: NodeId; readonly output: string }
    | { readonly node: NodeId; readonly input: string };
  readonly between?: LinkPlace;
  readonly replace?: NodeId;
  readonly onChosen?: (type: string) => void;
}

export const paletteStore = createStore<{ readonly request: PaletteRequest | null }>(() => ({
  request: null,
}));

export function openPalette(request: PaletteRequest): void {
  paletteStore.setState({ request });
}

export function closePalette(): void {
  paletteStore.setState({ request: null });
}
