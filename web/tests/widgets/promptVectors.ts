/** What the engine's own parser (`diffusion/text/prompt.py`) makes of prompts: text and weight of each piece. */
export const PROMPT_VECTORS: readonly [string, readonly (readonly [string, number])[]][] = [
  [
    "a (cat:1.3) sits",
    [
      ["a ", 1.0],
      ["cat", 1.3],
      [" sits", 1.0],
    ],
  ],
  ["((x))", [["x", 1.21]]],
  [
    "(a (b) c:0.5)",
    [
      ["a ", 0.5],
      ["b", 0.55],
      [" c", 0.5],
    ],
  ],
  ["(a:b:1.2)", [["a:b", 1.2]]],
  [
    "\\(not\\) (yes)",
    [
      ["(not) ", 1.0],
      ["yes", 1.1],
    ],
  ],
  ["(open", [["(open", 1.0]]],
  ["close)", [["close)", 1.0]]],
  ["(:1.2)", [[":1.2", 1.1]]],
  ["(a:1e-1)", [["a", 0.1]]],
  [
    "((a:1.5) b)",
    [
      ["a", 1.5],
      [" b", 1.1],
    ],
  ],
  ["(a: 2 )", [["a", 2.0]]],
  ["( :3)", [[" ", 3.0]]],
  [
    "x (y) [z] {a|b} embedding:foo",
    [
      ["x ", 1.0],
      ["y", 1.1],
      [" [z] {a|b} embedding:foo", 1.0],
    ],
  ],
  ["(a:1.2:)", [["a:1.2:", 1.1]]],
  ["(10:30)", [["10", 30.0]]],
  ["((((d))))", [["d", 1.4641]]],
  ["a\\\\(b)", [["a\\(b)", 1.0]]],
  [
    "(a (b:1.1)",
    [
      ["(a ", 1.0],
      ["b", 1.1],
    ],
  ],
];
