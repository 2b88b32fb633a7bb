/** A workflow's graph as an SVG file, in the colours of the theme. */
import type { Catalogue } from "../graph/catalogue";
import type { Workflow } from "../graph/workflow";
import { schematicOf } from "./schematic";

const HEADER = 32;

/** token: the value of a custom property of the theme, such as `--node`. */
export function graphSvg(
  workflow: Workflow,
  catalogue: Catalogue,
  token: (name: string) => string,
): string {
  const { box, nodes, links } = schematicOf(workflow, catalogue);
  const colour = (css: string): string =>
    css.replace(/var\((--[\w-]+)\)/g, (_, name: string) => token(name).trim());
  const [canvas, node, header, hairline, text] = [
    "canvas",
    "node",
    "header",
    "hairline",
    "text",
  ].map((name) => token(`--${name}`).trim());
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box.x} ${box.y} ${box.width} ${box.height}" width="${box.width}" height="${box.height}" font-family="Inter, system-ui, sans-serif" font-size="12.5">`,
    `<rect x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" fill="${canvas}"/>`,
    ...links.map(
      ({ path, color }) =>
        `<path d="${path}" fill="none" stroke="${colour(color)}" stroke-width="2.25"/>`,
    ),
    ...nodes.map(({ x, y, width, height, title }) =>
      [
        `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="10" fill="${node}" stroke="${hairline}"/>`,
        `<path d="M${x} ${y + Math.min(HEADER, height)}v${10 - Math.min(HEADER, height)}a10 10 0 0 1 10 -10h${width - 20}a10 10 0 0 1 10 10v${Math.min(HEADER, height) - 10}z" fill="${header}"/>`,
        `<text x="${x + 12}" y="${y + 20}" fill="${text}" font-weight="600">${escaped(title)}</text>`,
      ].join(""),
    ),
    "</svg>",
    "",
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
