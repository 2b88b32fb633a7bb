// Writes src/api/schema.ts from what `python schema.py` prints. With --check: fails where the file is not that.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";

const web = join(dirname(fileURLToPath(import.meta.url)), "..");
const target = join(web, "src/api/schema.ts");
const python = process.env.PYTHON ?? "python";
const schema = JSON.parse(
  execFileSync(python, [join(web, "schema.py")], { encoding: "utf8", maxBuffer: 2 ** 26 }),
);
const written = await compile(schema, "Everything", {
  additionalProperties: false,
  bannerComment:
    "// Generated from the server's and the engine's own schemas by `npm run generate`. Not to be edited.",
  format: true,
  style: { printWidth: 100 },
  unreachableDefinitions: true,
});
// Which other definition mentions one is for no reader.
const made = written
  .replace(/^ *\*\n *\* This interface was referenced by .*\n *\* via the .*\n/gm, "")
  .replace(/^ *\/\*\*\n *\* This interface was referenced by .*\n *\* via the .*\n *\*\/\n/gm, "");
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== made) {
    process.stderr.write("src/api/schema.ts is not what the schemas say. Run: npm run generate\n");
    process.exit(1);
  }
} else writeFileSync(target, made);
