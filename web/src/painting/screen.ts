/** Draws the desk: the picture on its board with the layers over it, and the brush above all. At most once a frame. */
import type { Desk, DeskState } from "./desk";
import { drawCursor } from "./drawCursor";
import { LAYERS, type LayerKind } from "./layers";
import { LayerTiles } from "./layerTiles";
import { planeRect } from "./plane";
import { intersection, type Rect, spanned, union } from "./rect";
import { colourOf, toolSettings } from "./toolSettings";
import { toPicture, toScreen } from "./view";

/** From here on pixels are shown as squares. */
const SQUARES_FROM = 2;
const CHECK = 8;
/** What a frame may spend on tiles; what is left over comes in the next. */
const TILES_MS = 12;

export interface ScreenColours {
  readonly light: string;
  readonly dark: string;
}

export class Screen {
  readonly #tiles: Record<LayerKind, LayerTiles> = {
    mask: new LayerTiles(),
    paint: new LayerTiles(),
    scribble: new LayerTiles(),
  };
  readonly #leave: (() => void)[];
  #frame = 0;
  /** The part of the screen to draw anew: all of it, or a rectangle. */
  #dirty: Rect | "all" | null = "all";

  constructor(
    readonly desk: Desk,
    readonly board: CanvasRenderingContext2D,
    readonly above: CanvasRenderingContext2D,
    readonly colours: ScreenColours,
  ) {
    this.#leave = [
      desk.painting.onTouch((layer, rect) => this.#touched(layer, rect)),
      desk.state.subscribe((state, before) => this.#stateChanged(state, before)),
      toolSettings.subscribe(() => this.#draw("all")),
    ];
    this.#draw("all");
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    for (const leave of this.#leave) leave();
  }

  #stateChanged(state: DeskState, before: DeskState): void {
    const isSame =
      state.view === before.view &&
      state.visible === before.visible &&
      state.viewport === before.viewport &&
      state.layer === before.layer;
    this.#draw(isSame ? null : "all");
  }

  #touched(layer: LayerKind, rect: Rect): void {
    const plane = this.desk.painting.plane(layer);
    if (!plane) return;
    this.#tiles[layer].touch(plane, rect);
    const { view } = this.desk.state.getState();
    const from = toScreen(view, rect);
    const to = toScreen(view, { x: rect.x + rect.width, y: rect.y + rect.height });
    this.#draw(spanned(from.x - 2, from.y - 2, to.x + 2, to.y + 2));
  }

  #draw(part: Rect | "all" | null): void {
    if (part === "all" || this.#dirty === "all") this.#dirty = "all";
    else this.#dirty = union(this.#dirty, part);
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNow();
    });
  }

  #drawNow(): void {
    const state = this.desk.state.getState();
    this.#resize(state);
    const whole = planeRect(state.viewport);
    const part = this.#dirty === "all" ? whole : this.#dirty && intersection(whole, this.#dirty);
    this.#dirty = null;
    if (part) this.#drawBoard(state, part);
    drawCursor(this.above, state, toolSettings.getState());
  }

  #resize({ viewport }: DeskState): void {
    for (const { canvas } of [this.board, this.above]) {
      if (canvas.width === viewport.width && canvas.height === viewport.height) continue;
      canvas.width = viewport.width;
      canvas.height = viewport.height;
      this.#dirty = "all";
    }
  }

  #drawBoard(state: DeskState, part: Rect): void {
    const { board } = this;
    board.save();
    board.beginPath();
    board.rect(part.x, part.y, part.width, part.height);
    board.clip();
    board.clearRect(part.x, part.y, part.width, part.height);
    board.imageSmoothingEnabled = state.view.scale < SQUARES_FROM;
    this.#drawPicture(state, part);
    for (const layer of LAYERS.toReversed())
      if (state.visible[layer]) this.#drawLayer(layer, state, part);
    board.restore();
  }

  #drawPicture({ view }: DeskState, part: Rect): void {
    const { board } = this;
    const place = this.#place();
    const seen = intersection(place, part);
    if (seen === null) return;
    this.#drawChecks(seen);
    const level = levelAt(this.desk.source.levels, view.scale);
    if (level) board.drawImage(level, place.x, place.y, place.width, place.height);
  }

  /** Where the picture lies on the screen, on whole pixels. */
  #place(): Rect {
    const { view } = this.desk.state.getState();
    const { width, height } = this.desk.painting.picture;
    const [x, y] = [Math.round(view.x), Math.round(view.y)];
    const right = Math.round(view.x + width * view.scale);
    const bottom = Math.round(view.y + height * view.scale);
    return { x, y, width: Math.max(1, right - x), height: Math.max(1, bottom - y) };
  }

  #drawChecks(seen: Rect): void {
    const { board, colours } = this;
    const side = CHECK * devicePixelRatio;
    board.fillStyle = colours.light;
    board.fillRect(seen.x, seen.y, seen.width, seen.height);
    board.fillStyle = colours.dark;
    board.beginPath();
    for (let row = Math.floor(seen.y / side); row * side < seen.y + seen.height; row++) {
      for (let column = Math.floor(seen.x / side); column * side < seen.x + seen.width; column++) {
        if ((row + column) % 2 !== 0) continue;
        const check = { x: column * side, y: row * side, width: side, height: side };
        const inside = intersection(check, seen);
        if (inside) board.rect(inside.x, inside.y, inside.width, inside.height);
      }
    }
    board.fill();
  }

  #drawLayer(layer: LayerKind, state: DeskState, part: Rect): void {
    const plane = this.desk.painting.plane(layer);
    const { overlayColour, overlayOpacity } = toolSettings.getState();
    const { board } = this;
    if (layer === "scribble" && (plane || state.layer === "scribble"))
      this.#dim(part, overlayOpacity);
    if (!plane) return;
    const tiles = this.#tiles[layer];
    if (layer === "mask") tiles.setColour(colourOf(overlayColour));
    const from = toPicture(state.view, part);
    const to = toPicture(state.view, { x: part.x + part.width, y: part.y + part.height });
    board.globalAlpha = layer === "mask" ? overlayOpacity : 1;
    const seen = spanned(from.x, from.y, to.x, to.y);
    const isComplete = tiles.draw(board, plane, seen, state.view, performance.now() + TILES_MS);
    board.globalAlpha = 1;
    if (!isComplete) this.#draw(part);
  }

  /** A scribble is white on black: the picture steps back behind it. */
  #dim(part: Rect, opacity: number): void {
    const seen = intersection(this.#place(), part);
    if (seen === null) return;
    this.board.globalAlpha = opacity;
    this.board.fillStyle = "#000000";
    this.board.fillRect(seen.x, seen.y, seen.width, seen.height);
    this.board.globalAlpha = 1;
  }
}

/** The smallest picture that still has a pixel for every pixel on the screen: quick to draw, and without jitter. */
function levelAt(levels: readonly ImageBitmap[], scale: number): ImageBitmap | undefined {
  return levels[Math.min(levels.length - 1, Math.max(0, Math.floor(Math.log2(1 / scale))))];
}
