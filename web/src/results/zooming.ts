/** How a picture lies in a window: scaled, and moved. Pure, so that it can be proven. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** scale: window pixels a picture pixel. x, y: of the picture's top left corner in the window. */
export interface Lie {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export const LARGEST = 64;

/** The whole picture in the middle of the window; small ones in whole multiples, so that pixels stay square and sharp. */
export function fitted(picture: Size, window: Size): Lie {
  const room = Math.min(window.width / picture.width, window.height / picture.height) * 0.96;
  const scale = room >= 2 ? Math.floor(room) : Math.min(room, 1);
  return centred(picture, window, scale);
}

export function centred(picture: Size, window: Size, scale: number): Lie {
  return {
    scale,
    x: (window.width - picture.width * scale) / 2,
    y: (window.height - picture.height * scale) / 2,
  };
}

/** Scaled by a factor, so that what lies under a place of the window stays there. */
export function zoomed(
  lie: Lie,
  factor: number,
  at: { readonly x: number; readonly y: number },
): Lie {
  const scale = Math.max(0.02, Math.min(lie.scale * factor, LARGEST));
  const by = scale / lie.scale;
  return { scale, x: at.x - (at.x - lie.x) * by, y: at.y - (at.y - lie.y) * by };
}

/** By how much one turn of a wheel scales: in proportion to how far it was turned. */
export function factorOf(delta: number, mode: number): number {
  const pixels = mode === 1 ? delta * 16 : mode === 2 ? delta * 400 : delta;
  return Math.exp(-Math.max(-400, Math.min(pixels, 400)) / 400);
}
