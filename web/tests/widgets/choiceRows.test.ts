import { describe, expect, test } from "vitest";
import { foldersOf, ranked } from "../../src/widgets/choiceList";
import { choiceRows } from "../../src/widgets/choiceRows";
import { bytesText, fileOf, hostOf } from "../../src/widgets/modelOrigin";

const NAMES = Array.from({ length: 12 }, (_, at) => `${at % 2 ? "sd1" : "sdxl/photo"}/model-${at}`);
const PLAIN = { names: NAMES, query: "", folder: "", starred: [], recent: [], columns: 1 };

const namesIn = (rows: ReturnType<typeof choiceRows>): readonly string[] =>
  rows.flatMap((row) => (row.kind === "choices" ? row.names : []));

describe("the rows of choices", () => {
  test("each name stands once, starred and recent ones on top", () => {
    const rows = choiceRows({
      ...PLAIN,
      starred: ["sd1/model-3"],
      recent: ["sd1/model-3", "sd1/model-5"],
    });
    expect(namesIn(rows).slice(0, 2)).toEqual(["sd1/model-3", "sd1/model-5"]);
    expect(namesIn(rows).toSorted()).toEqual(NAMES.toSorted());
  });

  test("what is starred but gone is not shown", () => {
    expect(namesIn(choiceRows({ ...PLAIN, starred: ["gone"] }))).toEqual(NAMES);
  });

  test("a folder holds those below it", () => {
    expect(namesIn(choiceRows({ ...PLAIN, folder: "sdxl" }))).toHaveLength(6);
    expect(foldersOf(NAMES)).toEqual(["sd1", "sdxl", "sdxl/photo"]);
  });

  test("a query searches the whole path, and the name alone counts most", () => {
    expect(ranked(["xl/other/real", "real/other", "b"], "real")[0]).toBe("xl/other/real");
    expect(ranked(NAMES, "photo10")).toEqual(["sdxl/photo/model-10"]);
  });
});

describe("where models come from", () => {
  test("the file and the host of an address", () => {
    expect(fileOf("hf:owner/repo/sub/a.safetensors@main")).toBe("a.safetensors");
    expect(fileOf("https://example.org/a/b.pth?download=true")).toBe("b.pth");
    expect(hostOf("hf:owner/repo/a@main")).toBe("huggingface.co");
    expect(hostOf("https://example.org/b")).toBe("example.org");
  });

  test("sizes have two digits or more", () => {
    expect(bytesText(0)).toBe("0 B");
    expect(bytesText(4_265_146_304)).toBe("4.3 GB");
    expect(bytesText(335_000_000)).toBe("335 MB");
  });
});
