/** One value of a list, by the type of its list. */
import type { InputSpec } from "../graph/catalogue";
import { numberRules, settingOfNumber } from "../graph/numberRules";
import { kindOf } from "./kindOf";
import css from "./ListItem.module.css";
import { readMixed, writeMixed } from "./mixedText";
import { NumberField } from "./NumberField";
import type { ChangeSetting } from "./widget";

interface ListItemProps {
  readonly input: InputSpec;
  readonly label: string;
  readonly value: unknown;
  readonly onChange: ChangeSetting;
}

export function ListItem({ input, label, value, onChange }: ListItemProps) {
  const kind = kindOf({ ...input, list: false });
  if (kind === "number" || kind === "seed") {
    const rules = numberRules(input);
    const least = rules.minimum ?? { units: 0n, places: 0 };
    return (
      <NumberField
        label={label}
        value={value}
        rules={rules}
        // A row of a list has no default; what is emptied becomes the least there is.
        onChange={(next, options) => onChange(next ?? settingOfNumber(least), options)}
      />
    );
  }
  if (kind === "toggle") {
    return (
      <input
        type="checkbox"
        className={css.box}
        aria-label={label}
        checked={value === true}
        onChange={(event) => onChange(event.target.checked)}
      />
    );
  }
  if (input.choices) {
    return (
      <select
        className={css.text}
        aria-label={label}
        value={String(value)}
        onChange={(event) => onChange(event.target.value)}
      >
        {input.choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    );
  }
  const isText = kind === "text" || kind === "lines" || kind === "prompt" || kind === "choice";
  return (
    <input
      className={css.text}
      aria-label={label}
      autoComplete="off"
      spellCheck={false}
      value={writeMixed(value)}
      onChange={(event) => {
        const text = event.target.value;
        onChange(isText ? text : readMixed(input.type, text), { merge: true });
      }}
    />
  );
}
