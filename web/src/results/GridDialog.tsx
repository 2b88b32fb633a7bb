/** Vary inputs and look at what becomes of it: up to three axes, a picture for every combination. */
import { useMemo, useState } from "react";
import { useStore } from "zustand";
import { type InputSpec, isField, specOf } from "../graph/catalogue";
import { type Axis, BadValue, countOf, MOST, valuesOf } from "../graph/variation";
import { graphAt, linkOf, settingOf } from "../graph/workflow";
import type { OverlayProps } from "../pages/OverlayHost";
import { currentCatalogue } from "../state/catalogue";
import type { DocumentStore } from "../state/document";
import { activeDocument } from "../state/documents";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { SelectField } from "../ui/Field";
import css from "./GridDialog.module.css";
import { GridView } from "./GridView";
import { gridStore, makeGrid } from "./grids";

/** An input that can be varied. */
interface Variable {
  readonly place: string;
  readonly label: string;
  readonly input: InputSpec;
  readonly value: unknown;
}

interface Row {
  readonly place: string;
  readonly text: string;
}

const ROWS = 3;

export default function GridDialog({ onClose, overlay }: OverlayProps) {
  const store = activeDocument();
  const grid = useStore(gridStore, (state) => state.grid);
  if (!store) return null;
  return (
    <Dialog title={t("results.grid")} onClose={onClose} size="wide">
      <div className={css.parts}>
        <Choosing store={store} first={overlay.kind === "grid" ? (overlay.place ?? "") : ""} />
        {grid ? <GridView grid={grid} onClose={onClose} /> : null}
      </div>
    </Dialog>
  );
}

interface ChoosingProps {
  readonly store: DocumentStore;
  /** The input that is varied first, if somebody said so. */
  readonly first: string;
}

function Choosing({ store, first }: ChoosingProps) {
  const variables = useMemo(() => variablesOf(store), [store]);
  const [rows, setRows] = useState<readonly Row[]>(() =>
    Array.from({ length: ROWS }, (_, at) => {
      const place = at === 0 ? first : "";
      return { place, text: firstText(variables, place) };
    }),
  );
  const set = (at: number, change: Partial<Row>): void =>
    setRows(rows.map((row, place) => (place === at ? { ...row, ...change } : row)));
  const outcome = axesOf(rows, variables);
  const count = outcome.axes ? countOf(outcome.axes) : 0;
  const problem =
    outcome.problem ?? (count > MOST ? t("results.gridTooMany", { count, most: MOST }) : null);
  const options = [
    { value: "", label: t("results.gridNone") },
    ...variables.map(({ place, label }) => ({ value: place, label })),
  ];
  return (
    <section className={css.choosing}>
      <p className={css.help}>{t("results.gridHelp")}</p>
      {rows.map((row, at) => {
        const variable = variables.find(({ place }) => place === row.place);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows are places, and stay
          <div key={at} className={css.row}>
            <SelectField
              label={t("results.gridInput", { number: at + 1 })}
              value={row.place}
              options={options}
              onChange={(place) => set(at, { place, text: firstText(variables, place) })}
            />
            {variable ? (
              <label className={css.values}>
                <span>{t("results.gridValues")}</span>
                <textarea
                  rows={isNumeric(variable.input) ? 1 : 3}
                  value={row.text}
                  placeholder={t(
                    isNumeric(variable.input) ? "results.gridNumbers" : "results.gridTexts",
                  )}
                  onChange={(event) => set(at, { text: event.target.value })}
                />
              </label>
            ) : null}
          </div>
        );
      })}
      <footer className={css.foot}>
        <p className={css.problem} role="status">
          {problem}
        </p>
        <Button
          look="primary"
          disabled={problem !== null || count === 0}
          onClick={() => outcome.axes && void makeGrid(store, outcome.axes)}
        >
          {t("results.gridRun", { count })}
        </Button>
      </footer>
    </section>
  );
}

const isNumeric = (input: InputSpec): boolean => /INT|FLOAT/.test(input.type);

function firstText(variables: readonly Variable[], place: string): string {
  const variable = variables.find((item) => item.place === place);
  if (!variable) return "";
  const { input, value } = variable;
  return input.choices ? input.choices.slice(0, 4).join("\n") : String(value ?? "");
}

interface Outcome {
  readonly axes: readonly Axis[] | null;
  readonly problem: string | null;
}

function axesOf(rows: readonly Row[], variables: readonly Variable[]): Outcome {
  const axes: Axis[] = [];
  for (const row of rows) {
    const variable = variables.find(({ place }) => place === row.place);
    if (!variable) continue;
    try {
      const values = valuesOf(row.text, variable.input);
      if (values.length) axes.push({ place: variable.place, label: variable.label, values });
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      const { text } = error;
      return { axes: null, problem: t("results.gridBad", { text, input: variable.input.name }) };
    }
  }
  return axes.length ? { axes, problem: null } : { axes: null, problem: t("results.gridEmpty") };
}

/** The settings of the outermost graph, those of the interface first and by the names it has for them. */
function variablesOf(store: DocumentStore): readonly Variable[] {
  const { workflow } = store.getState();
  const catalogue = currentCatalogue();
  const { nodes } = graphAt(workflow, null);
  const entries = workflow.interface?.inputs ?? [];
  const order = entries.map(({ node, input }) => `${node}.${input}`);
  const all = Object.entries(nodes).flatMap(([id, node]) => {
    const spec = specOf(catalogue, workflow, node, nodes);
    return spec.inputs
      .filter((input) => isField(input) && !linkOf(node.inputs?.[input.name]))
      .map((input): Variable => {
        const place = `${id}.${input.name}`;
        return {
          place,
          label:
            entries[order.indexOf(place)]?.label || `${node.title || spec.title} · ${input.name}`,
          input,
          value: settingOf(node.inputs?.[input.name]) ?? input.default,
        };
      });
  });
  const rank = ({ place }: Variable): number => {
    const at = order.indexOf(place);
    return at < 0 ? order.length : at;
  };
  return all.toSorted((a, b) => rank(a) - rank(b));
}
