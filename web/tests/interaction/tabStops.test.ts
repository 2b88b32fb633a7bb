// @vitest-environment happy-dom
import { beforeEach, expect, it } from "vitest";
import { passFields, stopsFrom } from "../../src/interaction/tabStops";

const PAGE = `
  <button id="before"></button>
  <div data-keys="canvas" tabindex="0" id="canvas">
    <div data-card="a" tabindex="0" id="a"><input id="a1"><button tabindex="-1"></button><input id="a2"></div>
    <div data-card="b" tabindex="-1" id="b"><input id="b1"></div>
  </div>
  <button id="after"></button>`;

beforeEach(() => {
  document.body.innerHTML = PAGE;
  Object.assign(HTMLElement.prototype, { checkVisibility: () => true });
});

/** Press Tab where the keyboard is; where it is led, or null where the browser goes on by itself. */
function tab(from: string, shiftKey = false): string | null {
  document.getElementById(from)?.focus();
  const event = new KeyboardEvent("keydown", { key: "Tab", shiftKey, cancelable: true });
  passFields(event);
  return event.defaultPrevented ? (document.activeElement?.id ?? null) : null;
}

it("leaves the fields of a node to the browser", () => {
  expect(tab("a1")).toBeNull();
  expect(tab("a2", true)).toBeNull();
});

it("leads past the fields of other nodes, both ways", () => {
  expect(tab("a2")).toBe("after");
  expect(tab("after", true)).toBe("a2");
});

it("does not hold the keyboard at the canvas itself, where Tab is a command", () => {
  expect(tab("canvas")).toBeNull();
});

it("tells what comes after an element and before it, the nearest first", () => {
  const all = [...document.querySelectorAll("input")];
  const from = document.getElementById("a2");
  if (!from) throw new Error("no such element");
  expect(stopsFrom(all, from, false).map(({ id }) => id)).toEqual(["b1"]);
  expect(stopsFrom(all, from, true).map(({ id }) => id)).toEqual(["a1"]);
});
