/** A seed: its value, what becomes of it after each run, and which one the last run used. */
import { Dices, Equal, Lock, Minus, Plus, Shuffle } from "lucide-react";
import { useId } from "react";
import { decimalOf, textOf } from "../graph/decimal";
import { setAfterRun, setInput } from "../graph/edits/nodes";
import { grouped, numberRules, settingOfNumber, within } from "../graph/numberRules";
import { pathOf } from "../graph/workflow";
import { randomBits } from "../state/afterRun";
import { shownGraph, useDocument, useDocumentStore } from "../state/document";
import { useUsedSeed } from "../state/runs";
import { type StringKey, t } from "../strings/t";
import { FieldRow } from "./FieldRow";
import { NumberField } from "./NumberField";
import css from "./SeedWidget.module.css";
import { labelOf, type WidgetProps } from "./widget";

const MODES = ["fixed", "random", "increment", "decrement"] as const;
type Mode = (typeof MODES)[number];

const LOOKS = {
  fixed: { Icon: Equal, name: "widgets.seedFixedShort", says: "widgets.seedFixed" },
  random: { Icon: Shuffle, name: "widgets.seedRandomShort", says: "widgets.seedRandom" },
  increment: { Icon: Plus, name: "widgets.seedIncrementShort", says: "widgets.seedIncrement" },
  decrement: { Icon: Minus, name: "widgets.seedDecrementShort", says: "widgets.seedDecrement" },
} as const satisfies Record<Mode, { Icon: typeof Plus; name: StringKey; says: StringKey }>;

export function SeedWidget(props: WidgetProps) {
  const { node, input, value, onChange, place } = props;
  const id = useId();
  const store = useDocumentStore();
  const mode: Mode = useDocument(
    (state) => shownGraph(state).nodes[node]?.after_run?.[input.name] ?? "fixed",
  );
  const path = useDocument((state) => pathOf(state.where, node));
  const used = useUsedSeed(path, input.name);
  const rules = numberRules(input);
  const label = labelOf(input);

  const roll = (): void => {
    const low = rules.minimum?.units ?? 0n;
    const count = (rules.maximum?.units ?? 2n ** 64n - 1n) - low + 1n;
    onChange(settingOfNumber({ units: low + (randomBits() % count), places: 0 }));
  };
  const choose = (next: Mode): void =>
    store.edit(t("widgets.seedSetMode", { input: label }), (context) =>
      setAfterRun(context, node, input.name, next === "fixed" ? null : next),
    );
  /** The value the last run had, and no other from now on: one step. */
  const lock = (): void => {
    const number = used === null ? null : decimalOf(used);
    if (!number) return;
    const setting = settingOfNumber(within(number, rules));
    store.edit(t("widgets.seedLock", { seed: textOf(number) }), (context) => {
      const workflow = setAfterRun(context, node, input.name, null);
      return setInput({ ...context, workflow }, node, input.name, setting);
    });
  };

  const now = decimalOf(value);
  const isOther = used !== null && (!now || textOf(now) !== used);
  const { Icon, says } = LOOKS[mode];
  const note =
    isOther || mode !== "fixed" ? (
      <span className={css.note}>
        <span className={css.says} title={isOther ? grouped(used) : undefined}>
          {isOther
            ? t("widgets.seedUsed", { seed: grouped(used) })
            : t("widgets.seedMode", { mode: t(says) })}
        </span>
        {isOther ? (
          <button
            type="button"
            className={css.small}
            aria-label={t("widgets.seedLock", { seed: used })}
            title={t("widgets.seedLock", { seed: grouped(used) })}
            onClick={lock}
          >
            <Lock />
          </button>
        ) : null}
      </span>
    ) : null;

  return (
    // In a node the note has its place by the mode alone, so that no node grows while it runs.
    <FieldRow {...props} id={id} below={place === "node" && mode === "fixed" ? null : note}>
      <NumberField id={id} className={css.value} value={value} rules={rules} onChange={onChange} />
      <button
        type="button"
        className={css.button}
        aria-label={t("widgets.seedRoll", { input: label })}
        title={t("widgets.seedRoll", { input: label })}
        onClick={roll}
      >
        <Dices />
      </button>
      <span className={css.mode} title={t("widgets.seedMode", { mode: t(says) })}>
        <Icon aria-hidden="true" />
        <select
          className={css.select}
          aria-label={t("widgets.seedSetMode", { input: label })}
          value={mode}
          onChange={(event) => {
            const chosen = MODES.find((one) => one === event.target.value);
            if (chosen) choose(chosen);
          }}
        >
          {MODES.map((one) => (
            <option key={one} value={one}>
              {t(LOOKS[one].name)}
            </option>
          ))}
        </select>
      </span>
    </FieldRow>
  );
}
