/** A grid as a table of pictures with its values at the edges; one table for each value of a third axis. */
import { useState } from "react";
import { fileAddress } from "../api/client";
import { setInput } from "../graph/edits/nodes";
import type { Axis } from "../graph/variation";
import { documentOf } from "../state/documents";
import { isOver, type Run } from "../state/run";
import { filesOfRun, useRuns } from "../state/runs";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { saveFile } from "../ui/saveFile";
import { tellError } from "../ui/toasts";
import css from "./GridView.module.css";
import { drawnGrid } from "./gridPicture";
import { type Grid, type GridCell, stopGrid } from "./grids";

interface GridViewProps {
  readonly grid: Grid;
  readonly onClose: () => void;
}

export function GridView({ grid, onClose }: GridViewProps) {
  const [chosen, setChosen] = useState<GridCell | null>(null);
  const ids = new Set(grid.cells.map((cell) => cell.run));
  const runs = useRuns((all) => all.filter((run) => ids.has(run.info.id)));
  const runOf = (cell: GridCell): Run | undefined => runs.find((run) => run.info.id === cell.run);
  const done = runs.filter((run) => isOver(run.info)).length;
  const [rows, columns, pages] = arranged(grid.axes);
  const use = (cell: GridCell): void => {
    const store = documentOf(grid.document);
    if (!store) return;
    store.edit(t("results.gridUsed"), (c) =>
      Object.entries(cell.settings).reduce((workflow, [place, value]) => {
        const dot = place.lastIndexOf(".");
        const root = { ...c, workflow, scope: null };
        return setInput(root, place.slice(0, dot), place.slice(dot + 1), value);
      }, c.workflow),
    );
    onClose();
  };
  return (
    <section className={css.grid} aria-label={t("results.grid")}>
      <header className={css.head}>
        <span role="status">{t("results.gridProgress", { done, total: grid.cells.length })}</span>
        <span className={css.gap} />
        {chosen ? <Button onClick={() => use(chosen)}>{t("results.gridUse")}</Button> : null}
        {done < grid.cells.length ? (
          <Button onClick={() => void stopGrid().catch(tellError)}>
            {t("results.gridCancel")}
          </Button>
        ) : null}
        <Button disabled={done === 0} onClick={() => void save(grid, runOf).catch(tellError)}>
          {t("results.gridExport")}
        </Button>
      </header>
      {pages.values.map((page, pageAt) => (
        <table key={String(page)} className={css.table}>
          {pages.label ? (
            <caption className={css.caption}>
              {pages.label} {shownValue(page)}
            </caption>
          ) : null}
          <thead>
            <tr>
              <td className={css.corner}>{columns.label}</td>
              {columns.values.map((value) => (
                <th key={String(value)} scope="col">
                  {shownValue(value)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.values.map((value, rowAt) => (
              <tr key={String(value)}>
                <th scope="row">
                  {rows.label ? <small>{rows.label} </small> : null}
                  {shownValue(value)}
                </th>
                {columns.values.map((other, columnAt) => {
                  const cell = cellAt(grid, [columnAt, rowAt, pageAt]);
                  return (
                    <td key={String(other)}>
                      {cell ? (
                        <Picture
                          cell={cell}
                          run={runOf(cell)}
                          isChosen={cell === chosen}
                          onChoose={() => setChosen(cell)}
                        />
                      ) : null}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      ))}
    </section>
  );
}

interface PictureProps {
  readonly cell: GridCell;
  readonly run: Run | undefined;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function Picture({ cell, run, isChosen, onChoose }: PictureProps) {
  const file = run && filesOfRun(run)[0];
  const label = Object.entries(cell.settings)
    .map(([place, value]) => `${place} ${shownValue(value)}`)
    .join(", ");
  return (
    <button
      type="button"
      className={css.cell}
      aria-label={label}
      aria-pressed={isChosen}
      onClick={onChoose}
    >
      {file ? (
        <img src={fileAddress(file, 256)} alt="" />
      ) : (
        <span className={css.state}>{stateOf(run)}</span>
      )}
    </button>
  );
}

function stateOf(run: Run | undefined): string {
  if (!run) return "";
  if (run.info.state === "failed") return t("results.gridFailed");
  return run.info.total ? `${Math.round((100 * run.info.done) / run.info.total)} %` : "…";
}

const NO_AXIS: Axis = { place: "", label: "", values: [""] };

/** Rows, columns and pages: the first axis lies along the top, the second at the side. */
function arranged(axes: readonly Axis[]): readonly [Axis, Axis, Axis] {
  return [axes[1] ?? NO_AXIS, axes[0] ?? NO_AXIS, axes[2] ?? NO_AXIS];
}

function cellAt(grid: Grid, at: readonly number[]): GridCell | undefined {
  return grid.cells.find((cell) => cell.at.every((place, axis) => place === at[axis]));
}

export function shownValue(value: unknown): string {
  const text = String(value);
  return text.length > 40 ? `${text.slice(0, 38)}…` : text;
}

async function save(grid: Grid, runOf: (cell: GridCell) => Run | undefined): Promise<void> {
  const [rows, columns, pages] = arranged(grid.axes);
  const pictures = grid.cells.flatMap((cell) => {
    const run = runOf(cell);
    const file = run && filesOfRun(run)[0];
    return file
      ? [
          {
            at: [cell.at[0] ?? 0, cell.at[1] ?? 0, cell.at[2] ?? 0] as const,
            address: fileAddress(file),
          },
        ]
      : [];
  });
  saveFile("grid.png", await drawnGrid({ rows, columns, pages, pictures }));
}
