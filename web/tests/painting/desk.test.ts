import { beforeEach, expect, test } from "vitest";
import { strokeAction } from "../../src/painting/actions";
import { Desk } from "../../src/painting/desk";
import { Painting, type Planes } from "../../src/painting/painting";
import { createPlane, type Plane } from "../../src/painting/plane";
import { keyAction } from "../../src/painting/toolKeys";
import { setColour, setTool, toolSettings } from "../../src/painting/toolSettings";

const SIDE = 300;
const first = toolSettings.getState();

beforeEach(() => {
  toolSettings.setState(first, true);
});

/** A white picture whose right half is black. */
function halves(): Plane {
  const picture = createPlane(SIDE, SIDE, 4);
  picture.data.fill(255);
  for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
    if (pixel % SIDE >= SIDE / 2) picture.data.set([0, 0, 0], pixel * 4);
  }
  return picture;
}

function opened(planes: Planes = {}): Desk {
  const picture = halves();
  const source = { pixels: picture, levels: [], isOpaque: true, isExact: true };
  return new Desk(new Painting(picture, planes), source, ["mask", "paint", "scribble"]);
}

const masked = (desk: Desk): number =>
  (desk.painting.plane("mask")?.data ?? new Uint8Array()).reduce(
    (sum, value) => sum + value / 255,
    0,
  );
const at = (x: number, y: number) => ({ point: { x, y }, pressure: 1 });

test("a fill stops where the picture looks different, and can be undone", async () => {
  const desk = opened();
  await desk.fill({ x: 10, y: 10 }, false);
  expect(masked(desk)).toBe((SIDE * SIDE) / 2);
  await desk.undo();
  expect(masked(desk)).toBe(0);
  await desk.redo();
  expect(masked(desk)).toBe((SIDE * SIDE) / 2);
});

test("a fill may take the whole layer, and may take away", async () => {
  const desk = opened();
  toolSettings.setState({ fillsAlike: false });
  await desk.fill({ x: 10, y: 10 }, false);
  expect(masked(desk)).toBe(SIDE * SIDE);
  toolSettings.setState({ fillsAlike: true });
  await desk.fill({ x: SIDE - 10, y: 10 }, true);
  expect(masked(desk)).toBe((SIDE * SIDE) / 2);
});

test("inverting twice is nothing, clearing is empty", async () => {
  const desk = opened();
  await desk.fill({ x: 10, y: 10 }, false);
  const before = desk.painting.plane("mask")?.data.slice();
  await desk.invert();
  expect(desk.painting.plane("mask")?.data).not.toEqual(before);
  await desk.invert();
  expect(
    Buffer.compare(desk.painting.plane("mask")?.data ?? Buffer.of(), before ?? Buffer.of()),
  ).toBe(0);
  await desk.clear();
  expect(masked(desk)).toBe(0);
});

test("a closed shape is filled by its area", async () => {
  const desk = opened();
  const corners = [at(20, 30), at(270, 30), at(270, 280)].map(({ point }) => point);
  await desk.fillShape(corners, false);
  expect(masked(desk)).toBeCloseTo((250 * 250) / 2, -1);
});

test("an edge is tried, tried again from the same mask, and kept as one step", async () => {
  const desk = opened();
  await desk.fill({ x: 10, y: 10 }, false);
  desk.tryEdge({ grow: 5, feather: 0 });
  desk.tryEdge({ grow: 10, feather: 0 });
  await expect.poll(() => desk.canPaint).toBe(true);
  expect(masked(desk)).toBe((SIDE / 2 + 10) * SIDE);
  desk.keepEdge();
  expect(desk.state.getState().edge).toEqual({ grow: 0, feather: 0 });
  await desk.undo();
  expect(masked(desk)).toBe((SIDE / 2) * SIDE);
});

test("an edge put back to nothing leaves the mask as it was", async () => {
  const desk = opened();
  await desk.fill({ x: 10, y: 10 }, false);
  desk.tryEdge({ grow: -20, feather: 8 });
  await expect.poll(() => desk.canPaint).toBe(true);
  desk.tryEdge({ grow: 0, feather: 0 });
  await expect.poll(() => desk.isTryingEdge).toBe(false);
  expect(masked(desk)).toBe((SIDE / 2) * SIDE);
  expect(desk.painting.log.position).toBe(1);
});

test("a stroke that is given up leaves nothing", () => {
  const desk = opened();
  const stroke = strokeAction(desk, at(50, 50), false, false);
  stroke.move([at(90, 90)]);
  expect(masked(desk)).toBeGreaterThan(0);
  stroke.cancel();
  expect(masked(desk)).toBe(0);
  expect(desk.painting.isChanged).toBe(false);
});

test("with Shift a line runs from where the last stroke ended", () => {
  const desk = opened();
  toolSettings.setState({ size: 10, hardness: 1 });
  strokeAction(desk, at(20, 100), false, false).end();
  strokeAction(desk, at(220, 100), false, true).end();
  expect(masked(desk)).toBeCloseTo(200 * 10 + Math.PI * 25, -1);
});

test("the eyedropper sees paint over the picture", async () => {
  const desk = opened();
  desk.pick({ x: 10, y: 10 });
  expect(toolSettings.getState().colour).toBe("#ffffff");
  desk.setLayer("paint");
  setColour("#336699");
  await desk.fill({ x: 10, y: 10 }, false);
  desk.pick({ x: SIDE - 10, y: 10 });
  expect(toolSettings.getState().colour).toBe("#000000");
  desk.pick({ x: 12, y: 12 });
  expect(toolSettings.getState().colour).toBe("#336699");
  expect(toolSettings.getState().recent).toEqual(["#336699"]);
});

test("a hidden layer shows itself when it is painted on", () => {
  const desk = opened();
  desk.setVisible("mask", false);
  strokeAction(desk, at(50, 50), false, false).end();
  expect(desk.state.getState().visible.mask).toBe(true);
});

const key = (pressed: string, more = {}) => ({
  key: pressed,
  code: "",
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...more,
});

test("keys choose tools and change the brush", () => {
  const desk = opened();
  const press = (...args: Parameters<typeof key>) =>
    keyAction(key(...args), desk, () => undefined)?.();
  setTool("brush");
  press("e");
  expect(toolSettings.getState().tool).toBe("eraser");
  toolSettings.setState({ size: 40, hardness: 0.5 });
  press("]", { code: "BracketRight" });
  expect(toolSettings.getState().size).toBe(44);
  press("{", { code: "BracketLeft", shiftKey: true });
  expect(toolSettings.getState().hardness).toBe(0.4);
  expect(keyAction(key("q"), desk, () => undefined)).toBeNull();
});

test("the tool is remembered, and what makes no sense is not", async () => {
  toolSettings.setState({ tool: "lasso", size: 77 });
  const kept = JSON.parse(localStorage.getItem("noisewright.painting") ?? "{}");
  expect(kept).toMatchObject({ tool: "lasso", size: 77 });
});
