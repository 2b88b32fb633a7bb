import { Proportions } from "lucide-react";
import { type MouseEvent, useId } from "react";
import { numberRules } from "../graph/numberRules";
import { readSize, sizeFor } from "../graph/sizes";
import { useDocument, useDocumentStore } from "../state/document";
import { openPopup } from "../state/view";
import { t } from "../strings/t";
import { FieldRow } from "./FieldRow";
import { NumberField } from "./NumberField";
import css from "./NumberWidget.module.css";
import { SizePicker } from "./SizePicker";
import { setSize, sizeInputs } from "./sizeInputs";
import type { WidgetProps } from "./widget";

export function NumberWidget(props: WidgetProps) {
  const { node, input, value, onChange, place } = props;
  const id = useId();
  const store = useDocumentStore();
  const isSide = input.name === "width" || input.name === "height";
  const hasSize = useDocument((state) => isSide && sizeInputs(state, node) !== null);

  /** "16:9@1MP" in the field of one side sets both. */
  const takeSize = (text: string): boolean => {
    const read = readSize(text);
    const sides = read && sizeInputs(store.getState(), node);
    if (!sides) return false;
    setSize(store, node, sides, sizeFor(read.shape, read.pixels, sides.multiple));
    return true;
  };
  const pick = (event: MouseEvent<HTMLElement>): void => {
    const button = event.currentTarget;
    openPopup({
      anchor: button.getBoundingClientRect(),
      label: t("widgets.size"),
      onClosed: () => button.focus(),
      content: <SizePicker node={node} />,
    });
  };

  return (
    <FieldRow {...props} id={id}>
      <NumberField
        id={id}
        value={value}
        rules={numberRules(input)}
        placeholder={t("widgets.empty")}
        onChange={onChange}
        {...(hasSize ? { onText: takeSize } : {})}
      />
      {hasSize && place !== "inspector" && input.name === "width" ? (
        <button
          type="button"
          className={css.size}
          aria-label={t("widgets.size")}
          title={t("widgets.size")}
          onClick={pick}
        >
          <Proportions />
        </button>
      ) : null}
    </FieldRow>
  );
}
