/** Puts what comes from elsewhere into the graph that is open. */

import type { InputSpec, NodeSpec } from "../graph/catalogue";
import { specOf } from "../graph/catalogue";
import { type Clip, paste } from "../graph/clipboard";
import type { Context } from "../graph/edits/context";
import { addNode, setInput } from "../graph/edits/nodes";
import { boxesOf } from "../graph/geometry";
import { around, type Point, snapped } from "../graph/point";
import { graphAt, type NodeId, type Workflow } from "../graph/workflow";
import { canvas } from "../state/canvas";
import { currentCatalogue } from "../state/catalogue";
import { contextOf, type DocumentStore } from "../state/document";
import { activeDocument } from "../state/documents";
import { t } from "../strings/t";
import { tell } from "../ui/toasts";

/** Insert the nodes of a workflow, the top-left one at a point of the canvas; null: below what is there. */
export function insertNodes(document: DocumentStore, workflow: Workflow, at: Point | null): void {
  const { nodes, layout } = graphAt(workflow, null);
  const clip: Clip = {
    kind: "clip",
    nodes,
    layout,
    subgraphs: workflow.subgraphs ?? {},
    origin: "",
  };
  let ids: readonly NodeId[] = [];
  document.edit(t("documents.insertNodes"), (context) => {
    const pasted = paste(context, clip, at ?? below(context));
    ids = Object.values(pasted.ids);
    return pasted.workflow;
  });
  document.select({ nodes: new Set(ids) });
  if (!at) show(ids);
  tell(t("documents.inserted", { count: ids.length }));
}

/** Make a node that loads a stored picture, at a point of the canvas; null: below what is there. */
export function placePicture(file: { readonly name: string }, at: Point | null = null): void {
  placeLoader("input", file.name, at, PICTURES);
}

/** Make a node that loads a model where the canvas is looked at; one that is selected and can, takes it instead. */
export function placeModel(folder: string, name: string): void {
  const document = activeDocument();
  if (!document) return;
  const state = document.getState();
  const context = contextOf(state);
  const [selected] = [...state.selection.nodes].filter((id) => inputFor(context, id, folder));
  if (selected === undefined) placeLoader(folder, name, null);
  else setFile(document, selected, folder, name);
}

/** Node types that are taken first, of those that load files of a folder. */
const PICTURES: readonly string[] = ["LoadImage"];

/** Make a node that loads a file of a folder, or set the one at that place on the screen to it. */
export function placeFile(folder: string, name: string, screen: Point): void {
  const document = activeDocument();
  const on = canvas();
  if (!document || !on) return;
  const node = on.nodeAt(screen);
  if (node !== null && inputFor(contextOf(document.getState()), node, folder))
    setFile(document, node, folder, name);
  else placeLoader(folder, name, on.fromScreen(screen), folder === "input" ? PICTURES : []);
}

function setFile(document: DocumentStore, node: NodeId, folder: string, name: string): void {
  const change = (context: Context): Workflow => {
    const input = inputFor(context, node, folder);
    return input ? setInput(context, node, input, name) : context.workflow;
  };
  document.edit(t("documents.setModel"), change, { select: { nodes: new Set([node]) } });
}

function placeLoader(
  folder: string,
  name: string,
  at: Point | null,
  preferred: readonly string[] = [],
): void {
  const document = activeDocument();
  if (!document) return;
  const loader = loaderOf(folder, preferred);
  if (!loader) return void tell(t("documents.noLoader", { folder }), { tone: "error" });
  let id: NodeId = "";
  document.edit(t("documents.addLoader"), (context) => {
    const added = addNode(context, loader.spec.type, at ?? below(context), {
      inputs: { [loader.input.name]: name },
    });
    id = added.id;
    return added.workflow;
  });
  document.select({ nodes: new Set([id]) });
  if (!at) show([id]);
}

/** The simplest node type that takes the name of a file of a folder: the one with the fewest inputs. */
function loaderOf(
  folder: string,
  preferred: readonly string[],
): { readonly spec: NodeSpec; readonly input: InputSpec } | null {
  const found = [...currentCatalogue().known.values()].flatMap((spec) => {
    const input = spec.inputs.find((item) => item.source === folder);
    return input && !spec.deprecated ? [{ spec, input }] : [];
  });
  const rank = ({ spec }: { readonly spec: NodeSpec }): number =>
    preferred.includes(spec.type) ? -1 : spec.inputs.length;
  return found.toSorted((a, b) => rank(a) - rank(b))[0] ?? null;
}

/** The input of a node that takes the name of a file of a folder. */
function inputFor(context: Context, id: NodeId, folder: string): string | null {
  const { nodes } = graphAt(context.workflow, context.scope);
  const node = nodes[id];
  if (!node) return null;
  const { inputs } = specOf(context.catalogue, context.workflow, node, nodes);
  return inputs.find((input) => input.source === folder)?.name ?? null;
}

const APART = 64;

/** Below all that stands on the canvas, at its left. */
function below(context: Context): Point {
  const box = around(Object.values(boxesOf(context)));
  return box ? { x: box.x, y: snapped(box.y + box.height + APART) } : { x: 0, y: 0 };
}

function show(ids: readonly NodeId[]): void {
  // Once the canvas knows them.
  requestAnimationFrame(() => canvas()?.fit(ids, { animated: true, closest: 1 }));
}
