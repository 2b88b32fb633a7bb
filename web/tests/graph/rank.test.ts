import { describe, expect, test } from "vitest";
import { ranked, score, searchable } from "../../src/graph/rank";

const names = [
  "Load Checkpoint",
  "Load CLIP",
  "CLIP Text Encode",
  "KSampler",
  "KSampler Advanced",
  "VAE Decode",
  "Save Image",
  "Image Scale",
  "Upscale Latent",
];
const candidates = names.map((item) => ({ item, texts: [searchable(item)] }));
const first = (query: string) => ranked(query, candidates)[0];

describe("ranking", () => {
  test.each([
    ["ksampler", "KSampler"],
    ["lclip", "Load CLIP"],
    ["loadch", "Load Checkpoint"],
    ["cte", "CLIP Text Encode"],
    ["scale", "Image Scale"],
    ["encode text", "CLIP Text Encode"],
    ["dcode", "VAE Decode"],
    ["upsclat", "Upscale Latent"],
  ])("%s finds %s first", (query, name) => {
    expect(first(query)).toBe(name);
  });

  test("a better kind of match wins over any use, and use decides between equals", () => {
    const used = (name: string) => (name === "KSampler Advanced" ? 100 : 0);
    expect(ranked("ksampler", candidates, used)[0]).toBe("KSampler");
    expect(ranked("load", candidates, (name) => (name === "Load CLIP" ? 2 : 1))[0]).toBe(
      "Load CLIP",
    );
  });

  test("nothing typed gives everything, the most used first, else in the order they had", () => {
    const used = (name: string) => (name === "Save Image" ? 1 : 0);
    expect(ranked("", candidates, used)).toEqual([
      "Save Image",
      ...names.filter((name) => name !== "Save Image"),
    ]);
  });

  test("what holds the letters in no order is not found", () => {
    expect(score("zzz", searchable("KSampler"))).toBeUndefined();
    expect(score("relpmask", searchable("KSampler"))).toBeUndefined();
  });

  test("CamelCase ids are split where people see words", () => {
    expect(searchable("CLIPTextEncode").words).toEqual(["clip", "text", "encode"]);
    expect(searchable("VAEDecodeTiled").words).toEqual(["vae", "decode", "tiled"]);
  });
});
