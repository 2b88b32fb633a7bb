/** What is being painted: the picture, its layers, and the way back. Knows nothing of the screen. */
import { CHANNELS, LAYERS, type LayerKind } from "./layers";
import { createPlane, type Plane } from "./plane";
import { Recording } from "./recording";
import type { Rect } from "./rect";
import { UndoLog } from "./undoLog";

export type Planes = Partial<Record<LayerKind, Plane>>;
type Listener = (layer: LayerKind, rect: Rect) => void;

export class Painting {
  readonly log = new UndoLog();
  readonly #planes: Planes;
  readonly #listeners = new Set<Listener>();

  constructor(
    readonly picture: Plane,
    planes: Planes,
  ) {
    this.#planes = { ...planes };
  }

  /** A layer's pixels; null until it is first painted on. */
  plane(layer: LayerKind): Plane | null {
    return this.#planes[layer] ?? null;
  }

  /** Begin to change a layer. */
  record(layer: LayerKind): Recording {
    const { width, height } = this.picture;
    const plane = this.#planes[layer] ?? createPlane(width, height, CHANNELS[layer]);
    this.#planes[layer] = plane;
    return new Recording(plane);
  }

  /** Whether anything would be lost by leaving. */
  get isChanged(): boolean {
    return this.log.position > 0;
  }

  /** Tell those who show the layer that some of its pixels are new. */
  readonly touch = (plane: Plane, rect: Rect): void => {
    const layer = LAYERS.find((kind) => this.#planes[kind] === plane);
    if (layer) for (const listener of this.#listeners) listener(layer, rect);
  };

  onTouch(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
