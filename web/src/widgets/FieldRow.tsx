/** What stands around every widget: its name, its control, and the dot that puts it back. */
import type { KeyboardEvent, ReactNode } from "react";
import { canvas } from "../state/canvas";
import { t } from "../strings/t";
import { classes } from "../ui/classes";
import css from "./FieldRow.module.css";
import { helpOf, shownValue } from "./inputText";
import { labelOf, type WidgetProps } from "./widget";

interface FieldRowProps extends Omit<WidgetProps, "value"> {
  /** Of the element that the name belongs to. */
  readonly id: string;
  readonly children?: ReactNode;
  /** Below the line, filling what is left: all of a node's place where there are no children. */
  readonly area?: ReactNode;
  /** Beside the name, where that has a line of its own. */
  readonly beside?: ReactNode;
  /** Below the line, where the widget has more to say. */
  readonly below?: ReactNode;
}

export function FieldRow({
  id,
  node,
  input,
  isDefault,
  isLinked,
  onChange,
  place,
  children,
  area,
  beside,
  below,
}: FieldRowProps) {
  const canReset = !isDefault && !isLinked && !input.required;
  /** Esc leads from a field back to its node. */
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape" || place !== "node" || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.target instanceof HTMLElement) event.target.blur();
    canvas()?.focusNode(node);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the controls inside
    <div
      onKeyDown={onKeyDown}
      className={classes(css.field, css[place], !children && css.bare, "nodrag")}
      data-linked={isLinked || undefined}
    >
      <div className={css.line} data-line="" title={helpOf(input)}>
        <label className={css.label} htmlFor={id}>
          {labelOf(input)}
        </label>
        {canReset ? (
          <button
            type="button"
            className={css.reset}
            tabIndex={-1}
            aria-label={t("widgets.reset", { input: labelOf(input) })}
            title={resetTitle(input.default)}
            onClick={() => onChange(undefined)}
          />
        ) : null}
        {beside && place !== "node" ? <span className={css.beside}>{beside}</span> : null}
        {children ? <div className={css.control}>{children}</div> : null}
      </div>
      {area ? <div className={css.area}>{area}</div> : null}
      {below ? <div className={css.below}>{below}</div> : null}
    </div>
  );
}

function resetTitle(value: unknown): string {
  if (value === null || value === "") return t("widgets.backToNothing");
  return t("widgets.backToDefault", { value: shownValue(value) });
}
