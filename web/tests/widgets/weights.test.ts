import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { marksOf, stretchesOf } from "../../src/graph/promptMarks";
import { piecesOf, weighed } from "../../src/graph/weights";
import { PROMPT_VECTORS } from "./promptVectors";

const prompt = fc
  .array(
    fc.constantFrom(
      "(",
      ")",
      ":1.2",
      ":",
      " ",
      ",",
      "cat",
      "red",
      "\\(",
      "\\)",
      "[x]",
      "0.5",
      "\n",
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(""));

const wordsOf = (text: string): string =>
  piecesOf(text)
    .map((piece) => piece.text)
    .join("");

describe("weights are read as the engine reads them", () => {
  test.each(PROMPT_VECTORS)("%s", (text, pieces) => {
    const read = piecesOf(text).map((piece) => [piece.text, Number(piece.weight.toFixed(9))]);
    expect(read).toEqual(pieces);
  });
});

describe("changing a weight", () => {
  const up = (text: string, from: number, to = from) => weighed({ text, from, to }, 0.05);

  test("wraps the word under the caret", () => {
    expect(up("a red cat", 4)).toEqual({ text: "a (red:1.05) cat", from: 3, to: 6 });
  });

  test("wraps what is selected, without the spaces around it", () => {
    expect(up("a red cat ", 1, 10).text).toBe("a (red cat:1.05) ");
  });

  test("moves the weight of the brackets around the caret, and takes them away at one", () => {
    expect(up("(red:1.05)", 3).text).toBe("(red:1.1)");
    expect(weighed({ text: "(red:1.05)", from: 3, to: 3 }, -0.05).text).toBe("red");
  });

  test("begins at 1.1 for brackets without a number, and at 1.21 for two", () => {
    expect(up("(red)", 2).text).toBe("(red:1.15)");
    expect(up("((red))", 3).text).toBe("((red:1.26))");
  });

  test("takes an embedding as one word, and no LoRA", () => {
    expect(up("embedding:easy neg", 3).text).toBe("(embedding:easy:1.05) neg");
    expect(up("<lora:a:1>", 3).text).toBe("<lora:a:1>");
  });

  test("widens a selection that cuts through brackets", () => {
    expect(up("a (b c) d", 0, 4).text).toBe("(a (b c):1.05) d");
  });

  test("takes the whole brackets where a selection cuts through their number", () => {
    expect(up("(red cat:1.2)", 5, 10).text).toBe("(red cat:1.25)");
    expect(up("(:1.2:1.2)", 1, 6).text).toBe("(:1.2:1.25)");
  });

  test("leaves brackets around nothing as they are", () => {
    expect(weighed({ text: "()", from: 0, to: 1 }, -0.05).text).toBe("()");
    expect(up("a () b", 3).text).toBe("a () b");
  });

  test("never goes below nothing", () => {
    expect(weighed({ text: "(red:0.02)", from: 2, to: 2 }, -0.05).text).toBe("(red:0)");
  });

  test("keeps every word, whatever is selected in whatever text", () => {
    fc.assert(
      fc.property(prompt, fc.nat(40), fc.nat(40), fc.boolean(), (text, a, b, isUp) => {
        const [from, to] = [Math.min(a, b, text.length), Math.min(Math.max(a, b), text.length)];
        const after = weighed({ text, from, to }, isUp ? 0.05 : -0.05);
        expect(wordsOf(after.text)).toBe(wordsOf(text));
        expect(after.from).toBeLessThanOrEqual(after.to);
        expect(after.to).toBeLessThanOrEqual(after.text.length);
      }),
    );
  });

  test("up and down again is what was there before, for words without brackets", () => {
    fc.assert(
      fc.property(fc.nat(8), (place) => {
        const text = "red cat b";
        const once = weighed({ text, from: place, to: place }, 0.05);
        expect(weighed(once, -0.05).text).toBe(text);
      }),
    );
  });

  test("ten steps of 0.05 are a half, without noise", () => {
    let now = { text: "cat", from: 1, to: 1 };
    for (let count = 0; count < 10; count++) now = weighed(now, 0.05);
    expect(now.text).toBe("(cat:1.5)");
  });
});

describe("marks", () => {
  test("name the parts of a prompt", () => {
    const kinds = (text: string) => marksOf(text).map(({ kind }) => kind);
    expect(kinds("(a:1.2)")).toEqual(["more", "number"]);
    expect(kinds("(a:0.5) [b] {c|d}")).toEqual(["less", "number", "square", "choice"]);
    expect(kinds("embedding:x <lora:y:1>")).toEqual(["embedding", "lora"]);
    expect(kinds("a // b\nc /* d */")).toEqual(["comment", "comment"]);
  });

  test("cut a prompt without losing a letter", () => {
    fc.assert(
      fc.property(prompt, (text) => {
        expect(
          stretchesOf(text)
            .map((stretch) => stretch.text)
            .join(""),
        ).toBe(text);
      }),
    );
  });
});
