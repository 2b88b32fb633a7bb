import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lookOf } from "../../src/canvas/socketLook";

test("families have shapes", () => {
  expect(lookOf("MODEL").shape).toBe("square");
  expect(lookOf("LATENT").shape).toBe("circle");
  expect(lookOf("INT").shape).toBe("diamond");
  expect(lookOf("*").shape).toBe("ring");
  expect(lookOf("INT,FLOAT")).toBe(lookOf("INT"));
});

test("types nobody thought of look the same every time, in one of twelve hues", () => {
  expect(lookOf("FOO_BAR")).toEqual(lookOf("FOO_BAR"));
  const hues = new Set(Array.from({ length: 500 }, (_, place) => lookOf(`T${place}`).color));
  expect(hues.size).toBe(12);
});

test("every colour is a token of each theme", () => {
  const tokens = readFileSync("src/styles/tokens.css", "utf8");
  for (const type of ["MODEL", "CLIP", "VAE", "CONTROL_NET", "LORA", "SIGMAS", "AUDIO", "COMBO"]) {
    const [, token] = /^var\((--[\w-]+)\)$/.exec(lookOf(type).color) ?? [];
    expect(tokens.split(`${token}:`).length).toBe(3);
  }
});
