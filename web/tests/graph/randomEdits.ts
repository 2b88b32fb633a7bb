/** Any edit there is, by numbers: they choose among what is in the document at that time. */
import fc from "fast-check";
import { specOf } from "../../src/graph/catalogue";
import { copyText, parseClipboard, paste } from "../../src/graph/clipboard";
import { align, distribute, sameWidth, straighten } from "../../src/graph/edits/arrange";
import * as frames from "../../src/graph/edits/frames";
import * as form from "../../src/graph/edits/interface";
import * as links from "../../src/graph/edits/links";
import * as nodes from "../../src/graph/edits/nodes";
import * as notes from "../../src/graph/edits/notes";
import * as subgraphs from "../../src/graph/edits/subgraphs";
import {
  graphAt,
  type LinkPlace,
  linksOf,
  SUBGRAPH,
  type Workflow,
} from "../../src/graph/workflow";
import { boxesOf, catalogue, contextOf, scopesOf } from "./documents";

export interface RandomEdit {
  readonly kind: number;
  readonly scope: number;
  readonly a: number;
  readonly b: number;
  readonly d: number;
  readonly on: boolean;
}

/** How many kinds of edits there are. */
export const KINDS = 56;

const number = fc.nat({ max: 9999 });

export const randomEdit: fc.Arbitrary<RandomEdit> = fc.record({
  kind: number,
  scope: number,
  a: number,
  b: number,
  d: number,
  on: fc.boolean(),
});

function pick<T>(list: readonly T[], at: number): T | undefined {
  return list[at % Math.max(1, list.length)];
}

/** The document after the edit. */
export function edited(workflow: Workflow, edit: RandomEdit): Workflow {
  const { a, b, d, on } = edit;
  const c = contextOf(workflow, pick(scopesOf(workflow), edit.scope) ?? null);
  const graph = graphAt(workflow, c.scope);
  const ids = Object.keys(graph.nodes);
  const node = pick(ids, a) ?? "stale";
  const other = pick(ids, b) ?? "stale";
  const some = ids.filter((_, at) => (d >> (at % 12)) & 1);
  const spec = (id: string) => {
    const found = graph.nodes[id];
    return found && specOf(c.catalogue, workflow, found, graph.nodes);
  };
  const input = pick(spec(node)?.inputs ?? [], d)?.name ?? "stale";
  const output = pick(spec(other)?.outputs ?? [], d + 1)?.name ?? "stale";
  const link = pick(linksOf(graph.nodes), d);
  const place: LinkPlace = { from: { node: other, output }, to: { node, input } };
  const types = [
    ...catalogue.known.keys(),
    ...Object.keys(workflow.subgraphs ?? {}).map((name) => SUBGRAPH + name),
  ].filter((type) => subgraphs.canUse(workflow, c.scope, type));
  const type = pick(types, b) ?? "Any";
  const at = { x: (a % 50) * 8, y: (b % 50) * 8 };
  const boxes = boxesOf(graph);
  const frame = pick(graph.layout.frames ?? [], b)?.id ?? "stale";
  const names = Object.keys(workflow.subgraphs ?? {});
  const definition = c.scope === null ? undefined : workflow.subgraphs?.[c.scope];
  const side = on ? "inputs" : "outputs";
  const end = pick<{ name: string }>(definition?.[side] ?? [], a)?.name ?? "stale";
  const entry = pick(workflow.interface?.inputs ?? [], d)?.name ?? "stale";

  const edits: readonly (() => Workflow)[] = [
    () => nodes.addNode(c, type, at, on ? { id: node, title: "New" } : {}).workflow,
    () => nodes.removeNodes(c, [node, other], { heal: on }),
    () => nodes.removeNodes(c, some, { heal: on }),
    () => nodes.moveNodes(c, { [node]: at, [other]: { x: 1, y: 2 } }),
    () =>
      nodes.setInput(c, node, input, pick<unknown>([1, "x", { a: 1 }, null, undefined, [2]], b)),
    () => nodes.renameNode(c, node, on ? "Title" : ""),
    () => nodes.setMode(c, some, pick(["mute", "bypass", null] as const, a) ?? null),
    () => nodes.setAfterRun(c, node, input, on ? "increment" : null),
    () => nodes.setNodeLayout(c, some, { collapsed: on, color: "#123456", pinned: a % 7 === 0 }),
    () => nodes.duplicateNodes(c, some.slice(0, 3), at, { keepIncoming: on }).workflow,
    () => (links.judge(c, place).ok ? links.connect(c, place) : workflow),
    () => (links.judge(c, place).ok ? links.connect(c, place) : workflow),
    () => links.disconnect(c, link?.to ?? { node, input }),
    () => links.disconnectAll(c, node, on ? { input } : { output }),
    () => (link ? links.moveLinks(c, link.from, { node: other, output }) : workflow),
    () => (link && links.splice(c, link, node)) || workflow,
    () => links.extract(c, some.slice(0, 2)),
    () => {
      const pair = pick(links.swappable(c, node), b);
      return pair ? links.swapInputs(c, node, pair[0], pair[1]) : workflow;
    },
    () => links.replaceNode(c, node, type),
    () => links.lazyConnect(c, other, node) ?? workflow,
    () =>
      links.connectMany(c, [{ node: other, output }, ...(link ? [link.from] : [])], {
        node,
        input,
      }),
    () => (link ? links.connectThrough(c, link, type, at) : workflow),
    () => links.setWaypoints(c, link?.to ?? { node, input }, on ? [at] : []),
    () => links.setWireless(c, link?.to ?? { node, input }, on),
    () => frames.addFrame(c, some, { ...at, width: 200, height: 100 }).workflow,
    () => frames.removeFrame(c, frame),
    () => frames.setFrame(c, frame, { title: "T", color: on ? "#fff" : undefined }),
    () => frames.moveFrame(c, frame, at, { members: on }),
    () => frames.joinFrame(c, frame, some),
    () => frames.leaveFrames(c, some),
    () => frames.nestFrame(c, frame, on ? (pick(graph.layout.frames ?? [], a)?.id ?? null) : null),
    () => notes.addNote(c, at, "A note", on ? node : undefined).workflow,
    () => notes.setNote(c, a % 3, { text: `${d}` }),
    () => notes.removeNote(c, a % 3),
    () => subgraphs.wrap(c, some, "Wrapped")?.workflow ?? workflow,
    () => subgraphs.unwrap(c, node).workflow,
    () => subgraphs.makeUnique(c, node),
    () =>
      subgraphs.addEnd(c, side, "", on ? { node, socket: input } : { node: other, socket: output }),
    () => subgraphs.removeEnd(c, side, end),
    () => subgraphs.renameEnd(c, side, end, pick(["new", "in1", "out1"], d) ?? "new"),
    () => subgraphs.moveEnd(c, side, end, d % 3),
    () =>
      subgraphs.connectEnd(
        c,
        side,
        end,
        on ? { node, socket: input } : { node: other, socket: output },
      ),
    () => subgraphs.disconnectEnd(c, node, input),
    () => subgraphs.promote(c, node, input),
    () =>
      subgraphs.renameDefinition(workflow, pick(names, a) ?? "stale", pick(["A", "B"], d) ?? "A"),
    () => subgraphs.deleteUnusedDefinitions(workflow),
    () => form.addToForm(c, node, input),
    () => form.removeFromForm(c, node, input),
    () => form.moveInForm(c, entry, d % 3),
    () => form.setFormEntry(c, entry, { label: on ? "Label" : undefined, name: "name" }),
    () => form.addResult(c, node),
    () =>
      align(
        c,
        some,
        pick(["left", "right", "top", "bottom", "centre-x", "centre-y"] as const, a) ?? "top",
        boxes,
      ),
    () => distribute(c, some, on ? "x" : "y", boxes),
    () => straighten(c, some, boxes, () => 40),
    () => sameWidth(c, some, boxes),
    () => {
      const clip = parseClipboard(copyText(c, some.slice(0, 4), on ? [frame] : []));
      const into = contextOf(workflow, pick(scopesOf(workflow), a) ?? null);
      return clip?.kind === "clip"
        ? paste(into, clip, at, { keepIncoming: on }).workflow
        : workflow;
    },
  ];
  if (edits.length !== KINDS) throw new Error(`There are ${edits.length} kinds of edits.`);
  return (pick(edits, edit.kind) ?? (() => workflow))();
}
