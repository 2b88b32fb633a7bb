import fc from "fast-check";
import { expect, test } from "vitest";
import { type Block, blocksOf, type Inline, inline } from "../../src/canvas/markdown";

test("headings, paragraphs, lists and code", () => {
  expect(
    blocksOf("# One\ntext\nmore\n\n- a\n- b\n1. c\n```\nx < y\n```").map((block) => block.kind),
  ).toEqual(["heading", "paragraph", "list", "list", "code"]);
});

test("bold, italic, code and links", () => {
  expect(inline("a **b** *c* `d` [e](https://x.org/y)")).toEqual([
    { kind: "text", text: "a " },
    { kind: "strong", parts: [{ kind: "text", text: "b" }] },
    { kind: "text", text: " " },
    { kind: "em", parts: [{ kind: "text", text: "c" }] },
    { kind: "text", text: " " },
    { kind: "code", text: "d" },
    { kind: "text", text: " " },
    { kind: "link", parts: [{ kind: "text", text: "e" }], to: "https://x.org/y" },
  ]);
});

const links = (parts: readonly Inline[]): readonly string[] =>
  parts.flatMap((part) => {
    if (part.kind === "link") return [part.to, ...links(part.parts)];
    return "parts" in part ? links(part.parts) : [];
  });

const linksOf = (blocks: readonly Block[]): readonly string[] =>
  blocks.flatMap((block) => {
    if (block.kind === "list") return block.items.flatMap(links);
    return "parts" in block ? links(block.parts) : [];
  });

test("links lead to web pages and nowhere else", () => {
  expect(linksOf(blocksOf("[x](javascript:alert(1)) [y](data:text/html,z) [z](//a.b)"))).toEqual(
    [],
  );
});

test("any text is read, and what it links to is a web page", () => {
  const mark = fc.constantFrom(
    "*",
    "**",
    "_",
    "`",
    "[a](",
    ")",
    "https://",
    "\n",
    "- ",
    "# ",
    "```",
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(mark, fc.string({ maxLength: 6 })), { maxLength: 40 }),
      (parts) => {
        for (const link of linksOf(blocksOf(parts.join("")))) expect(link).toMatch(/^https?:\/\//i);
      },
    ),
  );
});
