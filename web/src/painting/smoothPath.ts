/** Smooth lines through the points a pointer reports. */
import type { Dab } from "./brush";

const halfway = (a: Dab, b: Dab): Dab => mixed(a, b, 0.5);

function mixed(a: Dab, b: Dab, t: number): Dab {
  return {
    x: a.x + (b.x - a.x) * t,
    y: a.y + (b.y - a.y) * t,
    radius: a.radius + (b.radius - a.radius) * t,
    flow: a.flow + (b.flow - a.flow) * t,
  };
}

/** Turns the points a pointer reports into a smooth line: arcs from middle to middle, bent towards the points. */
export class SmoothPath {
  #point: Dab | null = null;
  #middle: Dab | null = null;

  /** The dabs up to the middle of the newest stretch. */
  add(point: Dab): Dab[] {
    const control = this.#point;
    this.#point = point;
    if (control === null) {
      this.#middle = point;
      return [point];
    }
    const start = this.#middle ?? control;
    const end = halfway(control, point);
    this.#middle = end;
    return arc(start, control, end);
  }

  /** The dabs of the last half stretch. */
  end(): Dab[] {
    return this.#point === null ? [] : [this.#point];
  }
}

function arc(start: Dab, control: Dab, end: Dab): Dab[] {
  const length =
    Math.hypot(control.x - start.x, control.y - start.y) +
    Math.hypot(end.x - control.x, end.y - control.y);
  const pieces = Math.max(1, Math.ceil(length / Math.max(2, control.radius / 4)));
  return Array.from({ length: pieces }, (_, i) => {
    const t = (i + 1) / pieces;
    return mixed(mixed(start, control, t), mixed(control, end, t), t);
  });
}
