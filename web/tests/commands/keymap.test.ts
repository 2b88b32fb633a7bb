import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { allCommands } from "../../src/commands/all";
import { t } from "../../src/strings/t";

const page = readFileSync("../docs/editor.md", "utf8");

/** Views one to nine are alike: the page tells of the first. */
const isTold = (id: string): boolean => !/^view\.(keep|go)[2-9]$/.test(id);

test("docs/editor.md has the keys of every command", () => {
  const missing = allCommands
    .filter((command) => command.keys?.length && isTold(command.id))
    .map(
      (command) =>
        `| ${command.keys?.map((key) => `\`${key}\``).join(" ")} | ${t(command.title)} |`,
    )
    .filter((line) => !page.includes(line));
  expect(missing).toEqual([]);
});

test("no two commands have one id, and none shares a key with another where both could hold", () => {
  const ids = allCommands.map((command) => command.id);
  expect(ids.filter((id, place) => ids.indexOf(id) !== place)).toEqual([]);
  const keyed = allCommands.flatMap((command) =>
    command.isAvailable ? [] : (command.keys ?? []).map((key) => ({ key, id: command.id })),
  );
  const twice = keyed.filter(
    ({ key }, place) => keyed.findIndex((other) => other.key === key) !== place,
  );
  expect(twice).toEqual([]);
});
