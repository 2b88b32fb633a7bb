/** Commands that move the view, remember it, and go in and out of subgraphs. */
import type { Command } from "../../commands/command";
import { isObject, withGraph, withParts } from "../../graph/workflow";
import { canvas } from "../../state/canvas";
import { type DocumentState, shownGraph, type Viewport } from "../../state/document";
import { activeDocument } from "../../state/documents";
import { chosenInstance, chosenNodes, edit, shown } from "../chosen";
import { lastView, leftView } from "../viewHistory";

/** Where a graph's layout keeps the views a person wants to come back to. */
const VIEWS = "x-views";

const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const;

export const viewingCommands: readonly Command[] = [
  {
    id: "view.fit",
    title: "interaction.fit",
    keys: ["F"],
    run: () => show((api) => api.fit(someNodes(), { animated: true, closest: 1 })),
  },
  {
    id: "view.fitAll",
    title: "interaction.fitAll",
    keys: ["Shift+1"],
    run: () => show((api) => api.fit(undefined, { animated: true })),
  },
  {
    id: "view.fitSelection",
    title: "interaction.fitSelection",
    keys: ["Shift+2"],
    isAvailable: () => someNodes() !== undefined,
    run: () => show((api) => api.fit(someNodes(), { animated: true, closest: 2 })),
  },
  {
    id: "view.realSize",
    title: "interaction.zoomReal",
    keys: ["Shift+0"],
    run: () =>
      show((api) => {
        const { x, y, width, height } = api.shown();
        const { zoom } = api.viewport();
        const [left, top] = [x + width / 2, y + height / 2];
        const view = { x: (width * zoom) / 2 - left, y: (height * zoom) / 2 - top, zoom: 1 };
        api.setViewport(view, true);
      }),
  },
  {
    id: "view.back",
    title: "interaction.viewBack",
    keys: ["Alt+Left"],
    run: () => {
      const store = activeDocument();
      const view = store && lastView(store);
      if (view) canvas()?.setViewport(view, true);
    },
  },
  ...NUMBERS.map(
    (number): Command => ({
      id: `view.keep${number}`,
      title: `interaction.keepView${number}`,
      keys: [`Ctrl+Shift+${number}`],
      run: () => keepView(number),
    }),
  ),
  ...NUMBERS.map(
    (number): Command => ({
      id: `view.go${number}`,
      title: `interaction.goToView${number}`,
      keys: [`Alt+Shift+${number}`],
      isAvailable: () => keptView(shown(), number) !== null,
      run: () => {
        const view = keptView(shown(), number);
        if (view) show((api) => api.setViewport(view, true));
      },
    }),
  ),
  {
    id: "graph.enter",
    title: "interaction.enter",
    isAvailable: () => chosenInstance() !== null,
    run: () => {
      const id = chosenInstance();
      if (id !== null) activeDocument()?.enter(id);
    },
  },
  {
    id: "graph.leave",
    title: "interaction.leave",
    keys: ["Escape"],
    isAvailable: () => hasSelection() || isInside(),
    run: leave,
  },
];

/** The selected nodes; undefined, for all, where there are none. */
function someNodes(): readonly string[] | undefined {
  const ids = chosenNodes();
  return ids.length > 0 ? ids : undefined;
}

/** Move the view; where it was can be come back to. */
function show(move: (api: NonNullable<ReturnType<typeof canvas>>) => void): void {
  const [api, store] = [canvas(), activeDocument()];
  if (!api || !store) return;
  leftView(store, api.viewport());
  move(api);
}

function keepView(number: (typeof NUMBERS)[number]): void {
  const api = canvas();
  if (!api) return;
  const { x, y, zoom } = api.viewport();
  const view = [Math.round(x), Math.round(y), Math.round(zoom * 1000) / 1000];
  edit(`interaction.keepView${number}`, ({ workflow, scope }) => {
    const state = shown();
    if (!state) return workflow;
    const { nodes, layout } = shownGraph(state);
    const views = isObject(layout[VIEWS]) ? layout[VIEWS] : {};
    const kept = withParts(layout, { [VIEWS]: { ...views, [number]: view } });
    return withGraph(workflow, scope, { nodes, layout: kept });
  });
}

function keptView(state: DocumentState | null, number: number): Viewport | null {
  const views = state ? shownGraph(state).layout[VIEWS] : undefined;
  const view = isObject(views) ? views[number] : undefined;
  if (!Array.isArray(view)) return null;
  const [x, y, zoom] = view.map(Number);
  return Number.isFinite(x) && Number.isFinite(y) && Number.isFinite(zoom)
    ? { x: x ?? 0, y: y ?? 0, zoom: zoom ?? 1 }
    : null;
}

function hasSelection(): boolean {
  const selection = shown()?.selection;
  return selection
    ? selection.nodes.size + selection.links.size + selection.frames.size + selection.notes.size > 0
    : false;
}

const isInside = (): boolean => (shown()?.where.length ?? 0) > 0;

/** Out of the selection first, then out of the subgraph. */
function leave(): void {
  const store = activeDocument();
  if (!store) return;
  if (hasSelection()) {
    store.select({});
    return;
  }
  const { where } = store.getState();
  const instance = where.at(-1);
  store.goTo(where.slice(0, -1));
  if (instance !== undefined) store.select({ nodes: new Set([instance]) });
}
