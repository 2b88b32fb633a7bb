/** Turns what pointers do on the stage into actions: painting, panning, pinching, adjusting the brush. */
import {
  type Action,
  adjustAction,
  eyedropperAction,
  fillAction,
  lassoAction,
  rectangleAction,
  strokeAction,
  type Touch,
} from "./actions";
import type { Desk } from "./desk";
import type { Point } from "./polygonCoverage";
import { pressureOf } from "./pressure";
import { toolSettings } from "./toolSettings";
import { pinched, toPicture, wheelFactor } from "./view";

/** The eraser end of a pen. */
const ERASER_BUTTON = 5;

export class Gestures {
  readonly #fingers = new Map<number, Point>();
  #pointer: number | null = null;
  #action: Action | null = null;
  #drag: { move(screen: Point): void } | null = null;
  #penSeen = false;

  constructor(
    readonly desk: Desk,
    readonly stage: HTMLElement,
  ) {}

  down(event: PointerEvent): void {
    if (event.pointerType === "pen") this.#penSeen = true;
    if (event.pointerType === "touch") {
      this.#fingers.set(event.pointerId, this.#screen(event));
      if (this.#fingers.size === 2) this.cancel();
    }
    if (this.#pointer !== null || this.#fingers.size > 1) return;
    this.stage.setPointerCapture(event.pointerId);
    this.#pointer = event.pointerId;
    this.#begin(event);
  }

  move(event: PointerEvent): void {
    const screen = this.#screen(event);
    if (this.#fingers.has(event.pointerId)) {
      this.#pinch(event.pointerId, screen);
      this.#fingers.set(event.pointerId, screen);
    }
    if (this.#drag === null) this.desk.state.setState({ cursor: this.#picture(screen) });
    if (event.pointerId !== this.#pointer) return;
    this.#drag?.move(screen);
    this.#action?.move(this.#touches(event));
  }

  up(event: PointerEvent): void {
    if (this.#fingers.delete(event.pointerId)) this.desk.state.setState({ cursor: null });
    if (event.pointerId !== this.#pointer) return;
    const action = this.#action;
    this.#release();
    action?.end();
  }

  leave(): void {
    if (this.#pointer === null) this.desk.state.setState({ cursor: null });
  }

  /** The system took a pointer away, for a gesture of its own. */
  lost(event: PointerEvent): void {
    this.#fingers.delete(event.pointerId);
    this.cancel();
  }

  /** Undo what the pointer is just doing. */
  cancel(): boolean {
    const action = this.#action;
    this.#release();
    action?.cancel();
    return action !== null;
  }

  wheel(event: WheelEvent): void {
    this.desk.zoom(wheelFactor(event), this.#screen(event));
  }

  /** Move the brush by the keyboard, in pixels of the picture. */
  nudge(dx: number, dy: number): void {
    const { picture } = this.desk.painting;
    const { cursor } = this.desk.state.getState();
    const from = cursor ?? { x: picture.width / 2, y: picture.height / 2 };
    const point = {
      x: Math.min(picture.width, Math.max(0, from.x + dx)),
      y: Math.min(picture.height, Math.max(0, from.y + dy)),
    };
    this.desk.state.setState({ cursor: point });
    if (this.#pointer === null) this.#action?.move([{ point, pressure: 1 }]);
  }

  /** Put the tool down at the brush, or lift it: painting without a pointer. */
  press(straight: boolean): void {
    if (this.#pointer !== null) return;
    if (this.#action) {
      const action = this.#action;
      this.#release();
      action.end();
      return;
    }
    this.nudge(0, 0);
    const { cursor } = this.desk.state.getState();
    if (cursor)
      this.#start({ point: cursor, pressure: 1 }, { alt: false, erases: false, straight });
  }

  #begin(event: PointerEvent): void {
    const screen = this.#screen(event);
    const pans =
      this.desk.state.getState().spaceHeld ||
      event.button === 1 ||
      toolSettings.getState().tool === "hand" ||
      (event.pointerType === "touch" && this.#penSeen);
    if (pans) {
      this.#drag = this.#pan(screen);
    } else if (event.button === 2 && event.altKey) {
      this.#drag = adjustAction(this.desk, screen);
    } else {
      const point = this.#picture(screen);
      this.desk.state.setState({ cursor: point });
      const touch = { point, pressure: pressureOf(event) };
      const erases = event.button === 2 || event.button === ERASER_BUTTON;
      this.#start(touch, { alt: event.altKey, erases, straight: event.shiftKey });
    }
  }

  #start(touch: Touch, keys: { alt: boolean; erases: boolean; straight: boolean }): void {
    const { desk } = this;
    if (!desk.canPaint) return;
    const { tool, removes } = toolSettings.getState();
    const picks = tool === "eyedropper" || (keys.alt && tool !== "lasso" && tool !== "rectangle");
    const takesAway = keys.erases || removes !== keys.alt;
    if (picks) this.#action = desk.picksColours ? eyedropperAction(desk, touch) : null;
    else if (tool === "fill") this.#action = fillAction(desk, touch, keys.erases || removes);
    else if (tool === "lasso") this.#action = lassoAction(desk, touch, takesAway);
    else if (tool === "rectangle") this.#action = rectangleAction(desk, touch, takesAway);
    else this.#action = strokeAction(desk, touch, keys.erases || tool === "eraser", keys.straight);
  }

  #pan(start: Point): { move(screen: Point): void } {
    let last = start;
    return {
      move: (screen) => {
        this.desk.pan(screen.x - last.x, screen.y - last.y);
        last = screen;
      },
    };
  }

  #pinch(moved: number, to: Point): void {
    const [a, b] = [...this.#fingers];
    if (!a || !b) return;
    const after = ([id, point]: [number, Point]): Point => (id === moved ? to : point);
    const { view } = this.desk.state.getState();
    this.desk.state.setState({
      view: pinched(view, [a[1], b[1]], [after(a), after(b)]),
      cursor: null,
    });
  }

  /** All points since the last event, not only the newest: fast strokes stay round. */
  #touches(event: PointerEvent): Touch[] {
    const events = event.getCoalescedEvents?.() ?? [];
    return (events.length > 0 ? events : [event]).map((each) => ({
      point: this.#picture(this.#screen(each)),
      pressure: pressureOf(each),
    }));
  }

  #release(): void {
    this.#pointer = null;
    this.#action = null;
    this.#drag = null;
  }

  /** In device pixels from the corner of the stage. */
  #screen(event: MouseEvent): Point {
    const { left, top } = this.stage.getBoundingClientRect();
    return {
      x: (event.clientX - left) * devicePixelRatio,
      y: (event.clientY - top) * devicePixelRatio,
    };
  }

  #picture(screen: Point): Point {
    return toPicture(this.desk.state.getState().view, screen);
  }
}
