/** From the pressure of a pen to the brush. */

/** What the pressure of a pen steers. */
export interface PressureUse {
  readonly size: boolean;
  readonly opacity: boolean;
}

/** The lightest touch still leaves a line of this part of the brush. */
const THINNEST = 0.1;

/** How hard a pointer presses, 0 to 1. Only pens measure it: a mouse says 0.5 whatever is done to it. */
export function pressureOf(pointer: {
  readonly pointerType: string;
  readonly pressure: number;
}): number {
  if (pointer.pointerType !== "pen") return 1;
  return Math.min(1, Math.max(0, pointer.pressure));
}

/** Radius and flow of a dab. Pressure is eased (p^1.5), so that light touches can be told apart. */
export function pressed(
  pressure: number,
  radius: number,
  use: PressureUse,
): { radius: number; flow: number } {
  const eased = pressure ** 1.5;
  return {
    radius: use.size ? Math.max(0.5, radius * (THINNEST + (1 - THINNEST) * eased)) : radius,
    flow: use.opacity ? eased : 1,
  };
}
