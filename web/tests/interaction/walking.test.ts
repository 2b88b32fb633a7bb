import { describe, expect, it } from "vitest";
import { boxesOf } from "../../src/graph/geometry";
import { freePlace } from "../../src/interaction/pointerPlace";
import { type Direction, firstNode, nodeTowards } from "../../src/interaction/walking";
import { contextOf, workflow } from "./world";

const boxes = boxesOf(contextOf(workflow));
const nodes = workflow.nodes ?? {};
const from = (id: string, direction: Direction) => nodeTowards(nodes, boxes, id, direction);

describe("walking from a node", () => {
  it("goes along links to the sides", () => {
    expect(from("decode", "left")).toBe("sample");
    expect(from("decode", "right")).toBe("save");
    expect(from("load", "right")).toBe("good");
  });

  it("goes up and down among those in line", () => {
    expect(from("good", "down")).toBe("bad");
    expect(from("bad", "up")).toBe("good");
    expect(from("sample", "down")).toBe("upscale");
  });

  it("goes to what stands there where no link leads", () => {
    expect(from("upscale", "left")).toBe("bad");
  });

  it("stays where there is no node that way", () => {
    expect(from("load", "left")).toBeNull();
    expect(from("gone", "left")).toBeNull();
  });

  it("begins at the top left", () => {
    expect(firstNode(boxes)).toBe("load");
    expect(firstNode({})).toBeNull();
  });

  it("comes back to where it came from along a chain", () => {
    for (const [a, b] of [
      ["sample", "decode"],
      ["decode", "save"],
    ] as const) {
      expect(from(a, "right")).toBe(b);
      expect(from(b, "left")).toBe(a);
    }
  });
});

describe("room for a new node", () => {
  it("is at the place where nothing stands", () => {
    expect(freePlace({}, null, { x: 13, y: 20 })).toEqual({ x: 16, y: 24 });
  });

  it("is beside the selected node, below what stands there", () => {
    const at = freePlace(boxes, "load", { x: 0, y: 0 });
    expect(at.x).toBe((boxes.load?.width ?? 0) + 80);
    const room = { ...at, width: 280, height: 200 };
    for (const box of Object.values(boxes)) {
      const apart =
        box.x >= room.x + room.width ||
        room.x >= box.x + box.width ||
        box.y >= room.y + room.height ||
        room.y >= box.y + box.height;
      expect(apart).toBe(true);
    }
  });
});
