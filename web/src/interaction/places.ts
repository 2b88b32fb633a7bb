/** Where something stands in a document: nodes, values, notes and frames of all its graphs, and the way there. */
import { type Catalogue, specOf } from "../graph/catalogue";
import {
  graphAt,
  type NodeId,
  type Scope,
  SUBGRAPH,
  scopeAt,
  settingOf,
  type Workflow,
} from "../graph/workflow";
import { canvas } from "../state/canvas";
import type { DocumentState, DocumentStore } from "../state/document";
import { t } from "../strings/t";

/**
 * text: what is found. about: more by which it can be found. kind: what it is, for people. where: the path of instances
 * around it. node: the one it is, or is of. at: where it stands, of what is no node.
 */
export interface Place {
  readonly id: string;
  readonly text: string;
  readonly about: string;
  readonly kind: string;
  readonly where: readonly NodeId[];
  readonly node: NodeId | null;
  readonly input?: string;
  readonly at?: { readonly x: number; readonly y: number };
}

/** Definitions inside definitions are looked into as far as this. */
const DEEPEST = 8;

/** All that can be found in a document: the graph that is shown first, then the others, each definition once. */
export function placesOf(state: DocumentState, catalogue: Catalogue): readonly Place[] {
  const seen = new Set<Scope>();
  const found: Place[] = [];
  const look = (where: readonly NodeId[]): void => {
    const scope = scopeAt(state.workflow, where);
    if (scope === undefined || seen.has(scope) || where.length > DEEPEST) return;
    seen.add(scope);
    found.push(...placesIn(state.workflow, scope, where, catalogue));
    for (const [id, node] of Object.entries(graphAt(state.workflow, scope).nodes))
      if (node.type.startsWith(SUBGRAPH)) look([...where, id]);
  };
  look(state.where);
  look([]);
  return found;
}

function placesIn(
  workflow: Workflow,
  scope: Scope,
  where: readonly NodeId[],
  catalogue: Catalogue,
): readonly Place[] {
  const { nodes, layout } = graphAt(workflow, scope);
  const path = where.join("/");
  const inNodes = Object.entries(nodes).flatMap(([id, node]): readonly Place[] => {
    const spec = specOf(catalogue, workflow, node, nodes);
    const title = node.title || spec.title;
    const values = Object.entries(node.inputs ?? {}).flatMap(([input, held]): readonly Place[] => {
      const value = settingOf(held);
      if (value === undefined || value === "" || typeof value === "object") return [];
      const text = `${input} ${String(value)}`;
      const facts = { id: `${path} ${id} ${input}`, text, about: `${String(value)} ${title}` };
      return [{ ...facts, kind: title, where, node: id, input }];
    });
    const about = `${spec.type} ${id}`;
    return [
      { id: `${path} ${id}`, text: title, about, kind: t("search.kindNode"), where, node: id },
      ...values,
    ];
  });
  const notes = (layout.notes ?? []).map(
    (note, place): Place => ({
      id: `${path} note ${place}`,
      text: note.text ?? "",
      about: "",
      kind: t("search.inNote"),
      where,
      node: note.node ?? null,
      at: { x: note.x ?? 0, y: note.y ?? 0 },
    }),
  );
  const frames = (layout.frames ?? []).map(
    (frame, place): Place => ({
      id: `${path} frame ${frame.id ?? place}`,
      text: frame.title ?? "",
      about: "",
      kind: t("search.inFrame"),
      where,
      node: null,
      at: { x: frame.x ?? 0, y: frame.y ?? 0 },
    }),
  );
  return [...inNodes, ...notes, ...frames].filter((place) => place.text);
}

/** Show a place: go into the graph it is in, select it, and bring it into view. */
export function jumpTo(store: DocumentStore, place: Place): void {
  if (place.where.join("/") !== store.getState().where.join("/")) store.goTo(place.where);
  const { node, input, at } = place;
  if (node !== null) store.select({ nodes: new Set([node]) });
  requestAnimationFrame(() => {
    const shown = canvas();
    if (!shown) return;
    if (node !== null) {
      shown.fit([node], { animated: true, closest: 1 });
      shown.focusNode(node, input);
    } else if (at) {
      const { width, height } = shown.shown();
      const { zoom } = shown.viewport();
      const middle = { x: (width / 2 - at.x) * zoom, y: (height / 2 - at.y) * zoom };
      shown.setViewport({ ...middle, zoom }, true);
    }
  });
}
