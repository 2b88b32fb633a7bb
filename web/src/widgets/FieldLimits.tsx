/** Sets the limits and the step of one number field, within what its node takes. */
import { useEffect, useRef } from "react";
import type { InputSpec } from "../graph/catalogue";
import { textOf } from "../graph/decimal";
import { asSetUp, type FieldLayout, fieldLayoutOf, setFieldLayout } from "../graph/fieldLayout";
import { numberRules } from "../graph/numberRules";
import type { NodeId } from "../graph/workflow";
import { shownGraph, useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import css from "./FieldLimits.module.css";
import { NumberBox } from "./NumberBox";
import { labelOf } from "./widget";

interface FieldLimitsProps {
  readonly node: NodeId;
  readonly input: InputSpec;
}

const PARTS = ["minimum", "maximum", "step"] as const;
const NONE = { minimum: undefined, maximum: undefined, step: undefined };

export default function FieldLimits({ node, input }: FieldLimitsProps) {
  const store = useDocumentStore();
  const field = useDocument((state) => fieldLayoutOf(shownGraph(state).layout, node, input.name));
  const change = (patch: { readonly [K in (typeof PARTS)[number]]?: number | undefined }): void =>
    store.edit(t("widgets.setLimits", { input: labelOf(input) }), (context) =>
      setFieldLayout(context, node, input.name, patch),
    );
  const lines = useRef<HTMLDivElement>(null);
  // The popup was open before this part of it was loaded, and gave the keyboard to itself.
  useEffect(() => lines.current?.querySelector("input")?.focus(), []);
  const isOwn = PARTS.every((part) => field?.[part] === undefined);
  return (
    <div ref={lines} className={css.limits}>
      {PARTS.map((part) => (
        <div key={part} className={css.line}>
          <span>{t(`widgets.${part}`)}</span>
          <NumberBox
            className={css.number}
            label={t(`widgets.${part}`)}
            value={field?.[part]}
            rules={rulesOf(part, input, field)}
            placeholder={ownText(part, input)}
            onChange={(value) => change({ [part]: typeof value === "number" ? value : undefined })}
          />
        </div>
      ))}
      <Button look="quiet" disabled={isOwn} onClick={() => change(NONE)}>
        {t("widgets.ownLimits")}
      </Button>
    </div>
  );
}

/** What one of the three may be: limits do not cross, and a step is more than nothing. */
function rulesOf(
  part: (typeof PARTS)[number],
  input: InputSpec,
  field: FieldLayout | undefined,
): ReturnType<typeof numberRules> {
  const own = numberRules(input);
  const now = numberRules(asSetUp(input, field));
  if (part === "minimum") return { ...own, maximum: now.maximum };
  if (part === "maximum") return { ...own, minimum: now.minimum };
  const least = own.isWhole ? { units: 1n, places: 0 } : { units: 1n, places: 6 };
  return { ...own, minimum: least, maximum: null };
}

function ownText(part: (typeof PARTS)[number], input: InputSpec): string {
  const { minimum, maximum, step } = numberRules(input);
  const own = { minimum, maximum, step }[part];
  return own ? textOf(own) : t("widgets.noLimit");
}
