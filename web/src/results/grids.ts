/** Grids in the making: one run a cell. They go on while the page that shows them is closed. */
import { createStore } from "zustand";
import { ask } from "../api/client";
import { type Axis, type Cell, cellsOf } from "../graph/variation";
import type { DocumentStore } from "../state/document";
import { runDocument } from "../state/runs";
import { uniqueId } from "../state/uniqueId";
import { tellError } from "../ui/toasts";

export interface GridCell extends Cell {
  /** The run that makes it; null until it is submitted. */
  readonly run: string | null;
}

export interface Grid {
  readonly id: string;
  readonly document: string;
  readonly axes: readonly Axis[];
  readonly cells: readonly GridCell[];
}

export const gridStore = createStore<{ readonly grid: Grid | null }>(() => ({ grid: null }));

/** Submit a run for every cell. What cells share the server computes once, and finds again for the others. */
export async function makeGrid(store: DocumentStore, axes: readonly Axis[]): Promise<void> {
  const id = uniqueId();
  const cells = cellsOf(axes);
  gridStore.setState({
    grid: {
      id,
      document: store.getState().id,
      axes,
      cells: cells.map((cell) => ({ ...cell, run: null })),
    },
  });
  for (const [place, cell] of cells.entries()) {
    if (gridStore.getState().grid?.id !== id) return; // another one was begun, or this one stopped
    try {
      // The seed is drawn once: cells differ in what is varied, and in nothing else.
      const info = await runDocument(store, {
        settings: cell.settings,
        labels: { grid: id },
        keepSeeds: place > 0,
      });
      put(id, place, info.id);
    } catch (error) {
      tellError(error);
      return;
    }
  }
}

function put(id: string, place: number, run: string): void {
  gridStore.setState(({ grid }) => {
    if (grid?.id !== id) return {};
    const cells = grid.cells.map((cell, at) => (at === place ? { ...cell, run } : cell));
    return { grid: { ...grid, cells } };
  });
}

/** Submit no more cells, and cancel those that are not made yet. */
export async function stopGrid(): Promise<void> {
  const { grid } = gridStore.getState();
  if (!grid) return;
  const runs = grid.cells.flatMap((cell) => cell.run ?? []);
  gridStore.setState({ grid: { ...grid, id: `${grid.id} stopped` } });
  if (runs.length) await ask("POST", "/v1/queue/cancel", { body: { runs } });
}
