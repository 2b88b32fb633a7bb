/** How far copies stand from what they are copies of. */
import type { Point } from "../graph/point";

export const ASIDE: Point = { x: 24, y: 24 };
