/** A number that is scrubbed by dragging, stepped by keys and wheel, and typed, also as a sum. */
import {
  type KeyboardEvent,
  useEffect,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { compare, type Decimal, decimalOf, numberOf, plus, textOf, times } from "../graph/decimal";
import { evaluate } from "../graph/expression";
import { grouped, type NumberRules, settingOfNumber, within } from "../graph/numberRules";
import { t } from "../strings/t";
import { classes } from "../ui/classes";
import css from "./NumberField.module.css";
import { useScrub } from "./useScrub";
import { useWheel } from "./useWheel";
import type { ChangeSetting } from "./widget";

interface NumberFieldProps {
  readonly id?: string;
  /** Its name, where no label belongs to it. */
  readonly label?: string;
  readonly value: unknown;
  readonly rules: NumberRules;
  /** What stands there while there is no value. */
  readonly placeholder?: string;
  readonly onChange: ChangeSetting;
  /** A text that is more than a number ("16:9@1MP"): whether it was taken. */
  readonly onText?: (text: string) => boolean;
  readonly className?: string | undefined;
}

const NOTED = 2500;

/** Digits that may find no room in a node. */
const LONG = 10;

export function NumberField({
  id,
  label,
  value,
  rules,
  placeholder,
  onChange,
  onText,
  className,
}: NumberFieldProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const [note, setNote] = useNote();
  const field = useRef<HTMLInputElement>(null);
  const isReplaced = useRef(false);
  const number = decimalOf(value);

  const give = (wanted: Decimal, merge = false): void => {
    const taken = within(wanted, rules);
    setNote(compare(taken, wanted) === 0 ? "" : limitWord(wanted, rules));
    if (!number || compare(taken, number) !== 0) onChange(settingOfNumber(taken), { merge });
  };
  const step = (count: bigint): void => {
    const from = number ?? rules.minimum ?? { units: 0n, places: 0 };
    give(plus(from, times(rules.step, count)), true);
  };
  const reset = (): void => {
    setDraft(null);
    onChange(undefined);
  };
  const commit = (): void => {
    if (draft === null) return;
    setDraft(null);
    if (draft.trim() === "") onChange(undefined);
    else if (!onText?.(draft)) {
      const result = evaluate(draft, number);
      if (result) give(result);
      else setNote(t("widgets.notNumber"));
    }
  };
  const edit = (text?: string): void => {
    setDraft(text ?? (number ? textOf(number) : ""));
    isReplaced.current = text === undefined;
  };

  // The number is selected as soon as its text is there: the next key may come before the next frame.
  const isEditing = draft !== null;
  useLayoutEffect(() => {
    if (isEditing && isReplaced.current) field.current?.select();
  }, [isEditing]);

  // A node that leaves the screen takes its fields with it: what was typed is not to be lost.
  const commitLeft = useEffectEvent(commit);
  useEffect(() => () => commitLeft(), []);

  useScrub(field, {
    isActive: draft === null,
    origin: () => number ?? rules.minimum ?? { units: 0n, places: 0 },
    rules,
    onChange: (next) => give(next, true),
    onClick: () => {
      field.current?.focus();
      edit();
    },
  });
  useWheel(field, (count) => step(BigInt(count)));

  const onKeyDown = (event: KeyboardEvent): void => {
    const { key } = event;
    const stops = (): void => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (event.nativeEvent.isComposing) return;
    if (key === "ArrowUp" || key === "ArrowDown") {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      stops();
      commit();
      step((key === "ArrowUp" ? 1n : -1n) * (event.shiftKey ? 10n : 1n));
    } else if (key === "Enter" && (event.ctrlKey || event.metaKey || event.altKey)) {
      commit(); // it runs the graph, with what was typed
    } else if (key === "Enter") {
      stops();
      if (draft === null) edit();
      else commit();
    } else if (key === "Escape" && draft !== null) {
      stops();
      setDraft(null);
    } else if (draft === null && (key === "Backspace" || key === "Delete")) {
      stops();
      reset();
    } else if (draft === null && isStart(event)) {
      stops();
      edit(key);
    }
  };

  return (
    <span className={classes(css.field, className)}>
      <input
        ref={field}
        id={id}
        className={css.input}
        role="spinbutton"
        inputMode="decimal"
        autoComplete="off"
        spellCheck={false}
        aria-label={label}
        aria-valuenow={number ? numberOf(number) : undefined}
        aria-valuetext={number ? textOf(number) : undefined}
        aria-valuemin={rules.minimum ? numberOf(rules.minimum) : undefined}
        aria-valuemax={rules.maximum ? numberOf(rules.maximum) : undefined}
        aria-invalid={(value !== null && value !== undefined && !number) || undefined}
        placeholder={placeholder}
        title={number && textOf(number).length > LONG ? grouped(textOf(number)) : undefined}
        readOnly={!isEditing}
        data-editing={isEditing || undefined}
        value={draft ?? (number ? grouped(textOf(number)) : String(value ?? ""))}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={commit}
        onDoubleClick={(event) => {
          event.stopPropagation();
          reset();
          field.current?.blur();
        }}
      />
      {note ? (
        <span role="status" className={css.note}>
          {note}
        </span>
      ) : null}
    </span>
  );
}

/** Whether a key begins a number or a sum. */
function isStart(event: KeyboardEvent): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey && /^[-+*/.\d(]$/.test(event.key);
}

function limitWord(wanted: Decimal, { minimum, maximum }: NumberRules): string {
  if (minimum && compare(wanted, minimum) < 0)
    return t("widgets.atLeast", { low: grouped(textOf(minimum)) });
  if (maximum && compare(wanted, maximum) > 0)
    return t("widgets.atMost", { high: grouped(textOf(maximum)) });
  return t("widgets.wholeOnly");
}

/** A word that goes away by itself. */
function useNote(): readonly [string, (text: string) => void] {
  const [note, setNote] = useState("");
  useEffect(() => {
    if (!note) return;
    const timer = setTimeout(() => setNote(""), NOTED);
    return () => clearTimeout(timer);
  }, [note]);
  return [note, setNote];
}
