import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { around, type Box, type Point } from "../../src/graph/point";
import { linkOf, RAIL_IN, type Workflow } from "../../src/graph/workflow";
import { boxOfFrame } from "../../src/interaction/gestures/dragging";
import {
  type Ask,
  type Gesture,
  type GestureEvent,
  type Hit,
  IDLE,
  type Keys,
} from "../../src/interaction/gestures/gesture";
import { next } from "../../src/interaction/gestures/machine";
import type { World } from "../../src/interaction/gestures/world";
import { NOTHING } from "../../src/state/document";
import { contextOf, nodes, pointerAt, press, socketOf, workflow, worldOf } from "./world";

interface Played {
  readonly gesture: Gesture;
  readonly asks: readonly Ask[];
}

function play(world: World, ...events: readonly GestureEvent[]): Played {
  let gesture: Gesture = IDLE;
  const asks: Ask[] = [];
  for (const event of events) {
    const turn = next(world, gesture, event);
    gesture = turn.gesture;
    asks.push(...turn.asks);
  }
  return { gesture, asks };
}

function drag(world: World, hit: Hit, from: Point, to: Point, keys: Partial<Keys> = {}): Played {
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  return play(
    world,
    press(hit, from, keys),
    { type: "move", pointer: pointerAt(middle, keys) },
    { type: "move", pointer: pointerAt(to, keys) },
    { type: "up", pointer: pointerAt(to, keys) },
  );
}

function dragSocket(
  world: World,
  from: Parameters<typeof socketOf> extends [World, ...infer R] ? R : never,
  to: Point,
  keys: Partial<Keys> = {},
): Played {
  const socket = socketOf(world, ...from);
  return drag(world, { kind: "socket", socket }, socket, to, keys);
}

function isAround(outer: Box, inner: Box): boolean {
  const both = around([outer, inner]);
  return JSON.stringify(both) === JSON.stringify(outer);
}

function edited(asks: readonly Ask[], document: Workflow = workflow): Workflow {
  return asks.reduce(
    (whole, ask) => (ask.ask === "edit" ? ask.change(contextOf(whole)) : whole),
    document,
  );
}

const origin = (document: Workflow, node: string, input: string): string | null =>
  linkOf(document.nodes?.[node]?.inputs?.[input])?.join(".") ?? null;

const labels = (asks: readonly Ask[]): readonly string[] =>
  asks.flatMap((ask) => (ask.ask === "edit" ? [ask.label] : []));

const VOID: Point = { x: 1000, y: 900 };

describe("a link in hand", () => {
  it("goes from an output to an input", () => {
    const world = worldOf();
    const to = socketOf(world, "sample", "input", "negative");
    const { asks, gesture } = dragSocket(world, ["bad", "output", "CONDITIONING"], to);
    expect(labels(asks)).toEqual(["connect"]);
    expect(origin(edited(asks), "sample", "negative")).toBe("bad.CONDITIONING");
    expect(gesture).toBe(IDLE);
  });

  it("goes from a free input to an output", () => {
    const world = worldOf();
    const to = socketOf(world, "bad", "output", "CONDITIONING");
    const { asks } = dragSocket(world, ["sample", "input", "negative"], to);
    expect(origin(edited(asks), "sample", "negative")).toBe("bad.CONDITIONING");
  });

  it("snaps to a socket that is near", () => {
    const world = worldOf();
    const { x, y } = socketOf(world, "sample", "input", "negative");
    const { asks } = dragSocket(world, ["bad", "output", "CONDITIONING"], { x: x - 20, y: y + 6 });
    expect(origin(edited(asks), "sample", "negative")).toBe("bad.CONDITIONING");
  });

  it("is carried off an input, and goes in the void", () => {
    const world = worldOf();
    const { asks } = dragSocket(world, ["sample", "input", "positive"], VOID);
    expect(labels(asks)).toEqual(["disconnect"]);
    expect(origin(edited(asks), "sample", "positive")).toBeNull();
  });

  it("moves to another input in one step", () => {
    const world = worldOf();
    const to = socketOf(world, "sample", "input", "negative");
    const after = edited(dragSocket(world, ["sample", "input", "positive"], to).asks);
    expect(origin(after, "sample", "positive")).toBeNull();
    expect(origin(after, "sample", "negative")).toBe("good.CONDITIONING");
  });

  it("stays where it was when it is put back", () => {
    const world = worldOf();
    const socket = socketOf(world, "sample", "input", "positive");
    const { asks } = play(
      world,
      press({ kind: "socket", socket }, socket),
      { type: "move", pointer: pointerAt(VOID) },
      { type: "up", pointer: pointerAt(socket) },
    );
    expect(asks).toEqual([]);
  });

  it("with Shift leaves the one at the input, and takes a second from its origin", () => {
    const world = worldOf();
    const to = socketOf(world, "sample", "input", "negative");
    const { asks, gesture } = dragSocket(world, ["sample", "input", "positive"], to, {
      shift: true,
    });
    const after = edited(asks);
    expect(origin(after, "sample", "positive")).toBe("good.CONDITIONING");
    expect(origin(after, "sample", "negative")).toBe("good.CONDITIONING");
    expect(gesture).toMatchObject({ kind: "connecting", isLoose: true });
  });

  it("with Ctrl moves all links of an output", () => {
    const world = worldOf({
      ...workflow,
      nodes: { ...workflow.nodes, other: { type: "Load", inputs: {} } },
      layout: { nodes: { ...workflow.layout?.nodes, other: { x: 0, y: 400 } } },
    });
    const to = socketOf(world, "other", "output", "CLIP");
    const { asks } = dragSocket(world, ["load", "output", "CLIP"], to, { ctrl: true });
    const after = edited(asks, world.context.workflow);
    expect(labels(asks)).toEqual(["moveLinks"]);
    expect(origin(after, "good", "clip")).toBe("other.CLIP");
    expect(origin(after, "bad", "clip")).toBe("other.CLIP");
    expect(origin(after, "sample", "model")).toBe("load.MODEL");
  });

  it("says why it does not fit, and changes nothing", () => {
    const world = worldOf();
    const to = socketOf(world, "sample", "input", "model");
    const { asks } = dragSocket(world, ["decode", "output", "IMAGE"], to);
    expect(asks).toMatchObject([{ ask: "say", why: { ok: false } }]);
  });

  it("does not fit where it would close a circle", () => {
    const world = worldOf();
    const socket = socketOf(world, "sample", "output", "LATENT");
    const { gesture } = play(world, press({ kind: "socket", socket }, socket), {
      type: "move",
      pointer: pointerAt(VOID),
    });
    const fitting = gesture.kind === "connecting" ? [...gesture.hand.fitting] : [];
    expect(fitting.some((key) => key.startsWith("upscale"))).toBe(true);
    expect(fitting.some((key) => key.startsWith("good"))).toBe(false);
  });

  it("dropped on a node takes its first free socket, not one that is taken", () => {
    const world = worldOf();
    const box = world.box("sample");
    const inside = { x: (box?.x ?? 0) + 120, y: (box?.y ?? 0) + 8 };
    const after = edited(dragSocket(world, ["bad", "output", "CONDITIONING"], inside).asks);
    expect(origin(after, "sample", "positive")).toBe("good.CONDITIONING");
    expect(origin(after, "sample", "negative")).toBe("bad.CONDITIONING");
  });

  it("in the void asks for a node, with Shift for a plain menu", () => {
    const world = worldOf();
    const from: [string, "output", string] = ["sample", "output", "LATENT"];
    expect(dragSocket(world, from, VOID).asks).toMatchObject([
      { ask: "palette", request: { at: VOID, link: { node: "sample", output: "LATENT" } } },
    ]);
    expect(dragSocket(world, from, VOID, { shift: true }).asks).toMatchObject([{ ask: "types" }]);
  });

  it("is taken by one click and put down by the next", () => {
    const world = worldOf();
    const from = socketOf(world, "bad", "output", "CONDITIONING");
    const to = socketOf(world, "sample", "input", "negative");
    const { asks, gesture } = play(
      world,
      press({ kind: "socket", socket: from }, from),
      { type: "up", pointer: pointerAt(from) },
      { type: "move", pointer: pointerAt(to) },
      press({ kind: "socket", socket: to }, to),
      { type: "up", pointer: pointerAt(to) },
    );
    expect(origin(edited(asks), "sample", "negative")).toBe("bad.CONDITIONING");
    expect(gesture).toBe(IDLE);
  });

  it("all break with an Alt-click", () => {
    const world = worldOf();
    const socket = socketOf(world, "load", "output", "CLIP");
    const { asks } = play(world, press({ kind: "socket", socket }, socket, { alt: true }), {
      type: "up",
      pointer: pointerAt(socket, { alt: true }),
    });
    const after = edited(asks);
    expect(origin(after, "good", "clip")).toBeNull();
    expect(origin(after, "bad", "clip")).toBeNull();
  });
});

describe("nodes that are dragged", () => {
  const grab = (id: string): [Hit, Point] => [
    { kind: "node", node: id },
    { x: (worldOf().box(id)?.x ?? 0) + 10, y: (worldOf().box(id)?.y ?? 0) + 10 },
  ];
  const by = (at: Point, x: number, y: number): Point => ({ x: at.x + x, y: at.y + y });

  it("move in one step, together where they are selected", () => {
    const world = worldOf(workflow, { selection: nodes("good", "bad") });
    const [hit, at] = grab("good");
    const { asks } = drag(world, hit, at, by(at, 13, 531));
    const { layout } = edited(asks);
    expect(labels(asks)).toEqual(["move"]);
    expect(layout?.nodes?.good).toMatchObject({ x: 413, y: 531 });
    expect(layout?.nodes?.bad).toMatchObject({ x: 413, y: 731 });
  });

  it("keep to the grid, and with Ctrl do not", () => {
    const world = worldOf(workflow, { snaps: true });
    const [hit, at] = grab("upscale");
    const place = (keys: Partial<Keys>) =>
      edited(drag(world, hit, at, by(at, 101, 301), keys).asks).layout?.nodes?.upscale;
    expect(place({})).toMatchObject({ x: 904, y: 704 });
    expect(place({ ctrl: true })).toMatchObject({ x: 901, y: 701 });
  });

  it("come to rest in line with their neighbours", () => {
    const world = worldOf();
    const [hit, at] = grab("upscale");
    const moved = play(world, press(hit, at), {
      type: "move",
      pointer: pointerAt(by(at, 397, 200)),
    });
    expect(moved.gesture).toMatchObject({ kind: "dragging", delta: { x: 400 } });
    expect(moved.gesture.kind === "dragging" && moved.gesture.guides.length).toBeGreaterThan(0);
  });

  it("go into a link, and push what is behind to the right", () => {
    const world = worldOf();
    const [hit, at] = grab("upscale");
    const { asks } = drag(world, hit, at, by(at, 180, -390));
    const after = edited(asks);
    expect(labels(asks)).toEqual(["splice"]);
    expect(origin(after, "upscale", "samples")).toBe("sample.LATENT");
    expect(origin(after, "decode", "samples")).toBe("upscale.LATENT");
    const places = after.layout?.nodes ?? {};
    expect(places.decode?.x).toBeGreaterThanOrEqual((places.upscale?.x ?? 0) + 240);
    expect((places.save?.x ?? 0) - (places.decode?.x ?? 0)).toBe(400);
    expect(places.sample).toEqual(workflow.layout?.nodes?.sample);
  });

  it("with Alt are copied, and stay out of links", () => {
    const world = worldOf();
    const [hit, at] = grab("upscale");
    const { asks } = drag(world, hit, at, by(at, 180, -390), { alt: true });
    const after = edited(asks);
    expect(labels(asks)).toEqual(["duplicate"]);
    expect(Object.keys(after.nodes ?? {})).toHaveLength(8);
    expect(after.layout?.nodes?.upscale).toEqual(workflow.layout?.nodes?.upscale);
  });

  it("stay where they are pinned", () => {
    const pinned: Workflow = {
      ...workflow,
      layout: { nodes: { ...workflow.layout?.nodes, good: { x: 400, y: 0, pinned: true } } },
    };
    const [hit, at] = grab("good");
    expect(labels(drag(worldOf(pinned), hit, at, by(at, 50, 50)).asks)).toEqual([]);
  });

  it("leave their chain when they are shaken", () => {
    const world = worldOf();
    const [hit, at] = grab("decode");
    const swings = [60, -60, 60, -60, 60, -60].map(
      (x, place): GestureEvent => ({
        type: "move",
        pointer: pointerAt(by(at, x, 0), {}, place * 60),
      }),
    );
    const { asks } = play(world, press(hit, at), ...swings);
    expect(labels(asks)).toContain("extract");
    expect(origin(edited(asks), "decode", "samples")).toBeNull();
  });

  it("join the frame they are dropped in, or with F do not", () => {
    const framed: Workflow = {
      ...workflow,
      layout: {
        ...workflow.layout,
        frames: [{ id: "one", x: 1100, y: 600, width: 500, height: 500, nodes: [] }],
      },
    };
    const world = worldOf(framed);
    const [hit, at] = grab("upscale");
    const to = by(at, 400, 300);
    const joined = drag(world, hit, at, to);
    expect(edited(joined.asks, framed).layout?.frames?.[0]?.nodes).toEqual(["upscale"]);
    const left = play(
      world,
      press(hit, at),
      { type: "move", pointer: pointerAt(to) },
      { type: "toggleFrame" },
      { type: "up", pointer: pointerAt(to) },
    );
    expect(edited(left.asks, framed).layout?.frames?.[0]?.nodes).toEqual([]);
  });

  it("make the frame they are dropped in reach around them", () => {
    const framed: Workflow = {
      ...workflow,
      layout: {
        ...workflow.layout,
        frames: [
          { id: "inner", x: 1100, y: 600, width: 300, height: 100, nodes: [] },
          { id: "outer", x: 1000, y: 500, width: 500, height: 300, frames: ["inner"] },
        ],
      },
    };
    const world = worldOf(framed);
    const [hit, at] = grab("upscale");
    const { gesture, asks } = drag(world, hit, at, { x: 1350, y: 690 });
    expect(gesture).toEqual(IDLE);
    const after = edited(asks, framed);
    const box = worldOf(after).box("upscale");
    const [inner, outer] = (after.layout?.frames ?? []).map(boxOfFrame);
    expect(inner && box && isAround(inner, box)).toBe(true);
    expect(inner && outer && isAround(outer, inner)).toBe(true);
  });

  it("are selected for the menu that a finger resting on them asks for", () => {
    const [hit, at] = grab("good");
    const pointer = { ...pointerAt(at), isTouch: true };
    const { asks } = play(
      worldOf(workflow),
      { type: "down", pointer, hit, button: "left", isCutting: false },
      { type: "hold", pointer },
    );
    expect(asks.map(({ ask }) => ask)).toEqual(["select", "menu"]);
  });

  it("are not named by a double click on a socket, but ends of a subgraph are", () => {
    const world = worldOf(workflow);
    const socket = socketOf(world, "good", "output", "CONDITIONING");
    const twice = (node: string) => {
      const hit: Hit = { kind: "socket", socket: { ...socket, node } };
      return play(world, { type: "double", pointer: pointerAt(socket), hit }).asks;
    };
    expect(twice("good")).toEqual([]);
    expect(twice(RAIL_IN)).toEqual([{ ask: "nameEnd", socket: { ...socket, node: RAIL_IN } }]);
  });

  it("do not move in a locked graph", () => {
    const [hit, at] = grab("good");
    expect(labels(drag(worldOf(workflow, { isLocked: true }), hit, at, VOID).asks)).toEqual([]);
  });
});

describe("selecting", () => {
  const selected = (asks: readonly Ask[]) => {
    const last = asks.findLast((ask) => ask.ask === "select");
    return last?.ask === "select" ? [...(last.selection.nodes ?? [])] : null;
  };
  const corner = { x: 300, y: -100 };
  const far = { x: 900, y: 300 };
  const hit: Hit = { kind: "void" };

  it("to the right takes what is wholly inside, to the left what is touched", () => {
    const world = worldOf();
    expect(selected(drag(world, hit, corner, far).asks)).toEqual(["good", "bad"]);
    expect(selected(drag(world, hit, far, corner).asks)).toEqual(["good", "bad", "sample"]);
  });

  it("adds with Shift, turns over with Ctrl, takes away with Alt", () => {
    const world = worldOf(workflow, { selection: nodes("good", "save") });
    const by = (keys: Partial<Keys>) => selected(drag(world, hit, corner, far, keys).asks)?.sort();
    expect(by({ shift: true })).toEqual(["bad", "good", "save"]);
    expect(by({ ctrl: true })).toEqual(["bad", "save"]);
    expect(by({ alt: true })).toEqual(["save"]);
  });

  it("with Shift on a side of a node follows the links", () => {
    const world = worldOf();
    const click = (share: number) => {
      const box = world.box("sample");
      const at = { x: (box?.x ?? 0) + (box?.width ?? 0) * share, y: 10 };
      const keys = { shift: true };
      const up: GestureEvent = { type: "up", pointer: pointerAt(at, keys) };
      return selected(play(world, press({ kind: "node", node: "sample" }, at, keys), up).asks);
    };
    expect(click(0.1)?.sort()).toEqual(["good", "load", "sample"]);
    expect(click(0.9)?.sort()).toEqual(["decode", "sample", "save"]);
    expect(click(0.5)).not.toContain("upscale");
  });

  it("is as before when it is given up", () => {
    const world = worldOf(workflow, { selection: nodes("save") });
    const { asks } = play(
      world,
      press(hit, corner),
      { type: "move", pointer: pointerAt(far) },
      { type: "cancel" },
    );
    expect(selected(asks)).toEqual(["save"]);
  });
});

describe("a stroke", () => {
  const across = (does: "cut" | "dot") => {
    const world = worldOf();
    const keys = does === "cut" ? { ctrl: true } : { shift: true };
    const at = (y: number) => ({ x: 1120, y });
    const down: GestureEvent = {
      type: "down",
      pointer: pointerAt(at(-50), keys),
      hit: { kind: "void" },
      button: "right",
      isCutting: false,
    };
    return play(
      world,
      down,
      { type: "move", pointer: pointerAt(at(0), keys) },
      { type: "move", pointer: pointerAt(at(200), keys) },
      { type: "up", pointer: pointerAt(at(200), keys) },
    ).asks;
  };

  it("cuts the links it crosses", () => {
    const after = edited(across("cut"));
    expect(origin(after, "decode", "samples")).toBeNull();
    expect(origin(after, "save", "images")).toBe("decode.IMAGE");
  });

  it("puts dots on them with Shift", () => {
    const dots = edited(across("dot")).layout?.["x-waypoints"];
    expect(dots).toMatchObject({ decode: { samples: [[1120, expect.any(Number)]] } });
  });
});

it("never throws, and is idle after a cancel, whatever happens", () => {
  const world = worldOf();
  const coordinate = fc.integer({ min: -200, max: 2000 });
  const keys = fc.record({ ctrl: fc.boolean(), shift: fc.boolean(), alt: fc.boolean() });
  const pointer = fc
    .tuple(fc.record({ x: coordinate, y: coordinate }), keys, fc.integer({ min: 0, max: 2000 }))
    .map(([at, held, time]) => pointerAt(at, held, time));
  const hits: readonly Hit[] = [
    { kind: "void" },
    { kind: "node", node: "good" },
    { kind: "node", node: "gone" },
    { kind: "frame", id: "gone" },
    { kind: "note", index: 3 },
    { kind: "socket", socket: socketOf(world, "good", "input", "clip") },
    { kind: "socket", socket: socketOf(world, "load", "output", "CLIP") },
    { kind: "edge", thing: { kind: "node", node: "good" }, edge: "se" },
  ];
  const hit = fc.constantFrom(...hits);
  const event: fc.Arbitrary<GestureEvent> = fc.oneof(
    fc.record({
      type: fc.constant("down" as const),
      pointer,
      hit,
      button: fc.constantFrom("left" as const, "right" as const),
      isCutting: fc.boolean(),
    }),
    fc.record({ type: fc.constant("move" as const), pointer }),
    fc.record({ type: fc.constant("up" as const), pointer }),
    fc.record({ type: fc.constant("hold" as const), pointer }),
    fc.record({ type: fc.constant("double" as const), pointer, hit }),
    fc.constant({ type: "toggleFrame" } as const),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const { gesture, asks } = play(world, ...events, { type: "cancel" });
      expect(gesture).toBe(IDLE);
      expect(edited(asks).format).toBe(workflow.format);
    }),
    { numRuns: 150 },
  );
  expect(NOTHING.nodes.size).toBe(0);
});
