/** The working table of the picture editor: the painting, what is shown of it, and everything that can be done. */
import { createStore, type StoreApi, useStore } from "zustand";
import type { Dab } from "./brush";
import { EdgePreview } from "./edgePreview";
import { floodFill } from "./floodFill";
import type { Ink } from "./ink";
import type { LayerKind, PaintedResult } from "./layers";
import { isUnchanged, type MaskEdge } from "./maskEdge";
import { clear, everywhere, fromPixels, invert, layShape } from "./operations";
import { paintedResult } from "./paintedResult";
import type { Painting } from "./painting";
import { planeRect } from "./plane";
import { type Point, polygonCoverage } from "./polygonCoverage";
import type { ReadPicture } from "./readPicture";
import type { Recording } from "./recording";
import { type Rect, spanned } from "./rect";
import { seenChannel } from "./seenColour";
import { finished, type Steps, spread } from "./steps";
import {
  colourOf,
  hexOf,
  rememberColour,
  setColour,
  setSize,
  setTool,
  toolSettings,
} from "./toolSettings";
import type { UndoLog } from "./undoLog";
import { centred, fitted, moved, type Size, type View, zoomedAt } from "./view";

const NO_EDGE: MaskEdge = { grow: 0, feather: 0 };
const MARGIN = 24;

export interface DeskState {
  readonly layer: LayerKind;
  readonly visible: Readonly<Record<LayerKind, boolean>>;
  readonly view: View;
  readonly viewport: Size;
  /** Where the brush is, in the picture; null: nowhere. */
  readonly cursor: Point | null;
  /** The shape that is being drawn. */
  readonly outline: readonly Point[] | null;
  readonly edge: MaskEdge;
  readonly spaceHeld: boolean;
  /** Whether a large change is being worked out. */
  readonly busy: boolean;
  readonly problem: string | null;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
}

export class Desk {
  readonly state: StoreApi<DeskState>;
  /** Where the last stroke ended: a line with Shift goes on from there. */
  lastDab: Dab | null = null;
  readonly #closing = new AbortController();
  #preview: EdgePreview | null = null;
  #showing: Promise<void> | null = null;

  constructor(
    readonly painting: Painting,
    readonly source: ReadPicture,
    readonly layers: readonly LayerKind[],
  ) {
    this.state = createStore<DeskState>(() => ({
      layer: layers[0] ?? "mask",
      visible: { mask: true, paint: true, scribble: true },
      view: { scale: 1, x: 0, y: 0 },
      viewport: { width: 0, height: 0 },
      cursor: null,
      outline: null,
      edge: NO_EDGE,
      spaceHeld: false,
      busy: false,
      problem: null,
      canUndo: false,
      canRedo: false,
    }));
    const { width, height } = painting.picture;
    const { tool, size } = toolSettings.getState();
    if (tool === "eyedropper" && !this.picksColours) setTool("brush");
    if (size === 0) setSize(Math.max(1, Math.min(width, height) / 12));
  }

  /** Stop what still runs. */
  close(): void {
    this.#closing.abort();
    for (const level of this.source.levels) level.close();
  }

  /** Only paint has colours. */
  get picksColours(): boolean {
    return this.layers.includes("paint");
  }

  get canPaint(): boolean {
    return !this.state.getState().busy;
  }

  ink(erases: boolean): Ink {
    const { colour, opacity } = toolSettings.getState();
    return { colour: colourOf(colour), erases, opacity };
  }

  /** Begin to change the chosen layer. It becomes visible: nobody paints blindly. */
  record(): Recording {
    this.keepEdge();
    const { layer, visible } = this.state.getState();
    if (!visible[layer]) this.setVisible(layer, true);
    if (layer === "paint") rememberColour();
    return this.painting.record(layer);
  }

  /** Close a stroke. */
  commit(recording: Recording): void {
    finished(this.painting.log.push(recording));
    this.#tellLog();
  }

  revert(recording: Recording): void {
    for (const rect of recording.restore()) this.painting.touch(recording.plane, rect);
  }

  undo(): Promise<void> {
    return this.#step((log) => log.undo(this.painting.touch));
  }

  redo(): Promise<void> {
    return this.#step((log) => log.redo(this.painting.touch));
  }

  /** Fill from a point: what looks alike there, or the whole layer. */
  fill({ x, y }: Point, erases: boolean): Promise<void> {
    const { picture } = this.painting;
    const [column, row] = [Math.floor(x), Math.floor(y)];
    if (column < 0 || row < 0 || column >= picture.width || row >= picture.height)
      return Promise.resolve();
    const { fillsAlike, tolerance } = toolSettings.getState();
    const paint = this.painting.plane("paint");
    const ink = this.ink(erases);
    return this.#change(function* (recording, told) {
      if (!fillsAlike) return yield* layShape(recording, planeRect(picture), everywhere, ink, told);
      const { covered, bounds } = yield* floodFill(picture, paint, column, row, tolerance);
      yield* layShape(recording, bounds, fromPixels(picture, covered), ink, told);
    });
  }

  /** Fill a closed shape. */
  fillShape(points: readonly Point[], erases: boolean): Promise<void> {
    const xs = points.map(({ x }) => x);
    const ys = points.map(({ y }) => y);
    const bounds = spanned(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys));
    const ink = this.ink(erases);
    return this.#change((recording, told) =>
      layShape(recording, bounds, (rect) => polygonCoverage(points, rect), ink, told),
    );
  }

  invert(): Promise<void> {
    if (this.state.getState().layer === "paint") return Promise.resolve();
    return this.#change(invert);
  }

  clear(): Promise<void> {
    return this.#change(clear);
  }

  /** Take the colour that is seen at a point. */
  pick({ x, y }: Point): void {
    const { picture } = this.painting;
    const [column, row] = [Math.floor(x), Math.floor(y)];
    if (column < 0 || row < 0 || column >= picture.width || row >= picture.height) return;
    const paint = this.state.getState().visible.paint ? this.painting.plane("paint") : null;
    const channel = (index: number) =>
      seenChannel(picture, paint, row * picture.width + column, index);
    setColour(hexOf([channel(0), channel(1), channel(2)]));
  }

  /** Try another edge of the mask. It is kept with the next change, or with `keepEdge`. */
  tryEdge(edge: MaskEdge): void {
    if (this.#preview === null && !this.canPaint) return;
    this.setVisible("mask", true);
    this.state.setState({ edge });
    this.#preview ??= new EdgePreview(this.painting.record("mask"), this.#telling("mask"));
    this.#showing ??= this.#showEdge(this.#preview).finally(() => {
      this.#showing = null;
    });
  }

  get isTryingEdge(): boolean {
    return this.#preview !== null;
  }

  /** Make the edge that is being tried the mask's own. */
  keepEdge(): void {
    const preview = this.#preview;
    if (preview === null || !this.canPaint) return;
    this.#preview = null;
    this.state.setState({ edge: NO_EDGE });
    this.commit(preview.recording);
  }

  setLayer(layer: LayerKind): void {
    if (!this.canPaint) return;
    this.keepEdge();
    this.lastDab = null;
    this.state.setState({ layer });
  }

  setVisible(layer: LayerKind, isVisible: boolean): void {
    this.state.setState(({ visible }) => ({ visible: { ...visible, [layer]: isVisible } }));
  }

  fit(): void {
    const { viewport } = this.state.getState();
    this.state.setState({ view: fitted(this.painting.picture, viewport, MARGIN) });
  }

  /** A picture pixel as large as a pixel of the screen. */
  fullSize(): void {
    const { viewport } = this.state.getState();
    this.state.setState({ view: centred(this.painting.picture, viewport, 1) });
  }

  /** Zoom to a point of the screen; without one, to the middle. */
  zoom(factor: number, at?: Point): void {
    const { view, viewport } = this.state.getState();
    const middle = { x: viewport.width / 2, y: viewport.height / 2 };
    this.state.setState({ view: zoomedAt(view, at ?? middle, factor) });
  }

  pan(dx: number, dy: number): void {
    this.state.setState(({ view }) => ({ view: moved(view, dx, dy) }));
  }

  /** The stage has another size. At first the picture is fitted; later what was in the middle stays there. */
  resize(viewport: Size): void {
    const before = this.state.getState().viewport;
    this.state.setState({ viewport });
    if (before.width === 0) this.fit();
    else this.pan((viewport.width - before.width) / 2, (viewport.height - before.height) / 2);
  }

  async result(): Promise<PaintedResult> {
    await this.#showing;
    this.keepEdge();
    this.state.setState({ busy: true });
    try {
      return await paintedResult(this.painting, this.layers);
    } finally {
      this.state.setState({ busy: false });
    }
  }

  /** Follow the edge that is wanted until it is shown: while one is worked out the slider may have moved on. */
  #showEdge(preview: EdgePreview): Promise<void> {
    return this.#busily(async () => {
      for (let shown: MaskEdge | null = null; shown !== this.state.getState().edge; ) {
        shown = this.state.getState().edge;
        await spread(preview.show(shown), this.#closing.signal);
        if (this.#closing.signal.aborted) return;
      }
      if (isUnchanged(this.state.getState().edge)) this.#preview = null;
    }, preview.recording);
  }

  /** One change of an area, piece by piece, as one step of the way back. */
  async #change(
    work: (recording: Recording, told: (rect: Rect) => void) => Steps<void>,
  ): Promise<void> {
    if (!this.canPaint) return;
    const { painting } = this;
    const recording = this.record();
    const told = (rect: Rect): void => painting.touch(recording.plane, rect);
    const steps = function* (): Steps<void> {
      yield* work(recording, told);
      yield* painting.log.push(recording);
    };
    await this.#busily(() => spread(steps(), this.#closing.signal), recording);
  }

  async #step(steps: (log: UndoLog) => Steps<boolean>): Promise<void> {
    if (!this.canPaint) return;
    this.keepEdge();
    await this.#busily(() => spread(steps(this.painting.log), this.#closing.signal));
  }

  /** What goes wrong is told, and what it changed so far is put back. */
  async #busily(work: () => Promise<unknown>, recording?: Recording): Promise<void> {
    this.state.setState({ busy: true, problem: null });
    try {
      await work();
    } catch (error) {
      if (recording) this.revert(recording);
      this.#preview = null;
      this.state.setState({
        edge: NO_EDGE,
        problem: error instanceof Error ? error.message : String(error),
      });
    } finally {
      this.state.setState({ busy: false });
      this.#tellLog();
    }
  }

  #telling(layer: LayerKind): (rect: Rect) => void {
    return (rect) => {
      const plane = this.painting.plane(layer);
      if (plane) this.painting.touch(plane, rect);
    };
  }

  #tellLog(): void {
    const { canUndo, canRedo } = this.painting.log;
    this.state.setState({ canUndo, canRedo });
  }
}

export function useDesk<T>(desk: Desk, select: (state: DeskState) => T): T {
  return useStore(desk.state, select);
}
