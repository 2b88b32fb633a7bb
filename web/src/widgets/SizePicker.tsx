/** The size of a picture by its shape and area. */
import { ArrowLeftRight } from "lucide-react";
import { useState } from "react";
import { decimalOf } from "../graph/decimal";
import type { NumberRules } from "../graph/numberRules";
import { MEGAPIXEL, SHAPES, type Size, shapeOf, sizeFor } from "../graph/sizes";
import type { NodeId } from "../graph/workflow";
import { useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import { NumberBox } from "./NumberBox";
import css from "./SizePicker.module.css";
import { setSize, sideOf, sizeInputs } from "./sizeInputs";

const AREA: NumberRules = {
  isWhole: false,
  minimum: decimalOf("0.01"),
  maximum: decimalOf(64),
  step: { units: 25n, places: 2 },
};

const MULTIPLES = [8, 16, 32, 64] as const;

export function SizePicker({ node }: { readonly node: NodeId }) {
  const store = useDocumentStore();
  const width = useSide(node, "width");
  const height = useSide(node, "height");
  const [chosen, setChosen] = useState<number | null>(null);
  const sides = sizeInputs(store.getState(), node);
  if (!sides) return null;
  const multiple = chosen ?? sides.multiple;
  const size: Size = { width, height };
  const pixels = width * height > 0 ? width * height : MEGAPIXEL;
  const shape = shapeOf(size, multiple);
  const give = (next: Size): void => setSize(store, node, sides, next);

  return (
    <div className={css.picker}>
      <fieldset className={css.shapes}>
        <legend className="visually-hidden">{t("widgets.sizeShape")}</legend>
        {SHAPES.map((one) => (
          <button
            key={nameOf(one)}
            type="button"
            className={css.shape}
            aria-pressed={shape === one}
            onClick={() => give(sizeFor(one, pixels, multiple))}
          >
            <span className={css.frame}>
              <i style={outline(one)} />
            </span>
            {nameOf(one)}
          </button>
        ))}
      </fieldset>
      <div className={css.line}>
        <span className={css.area}>
          <span>{t("widgets.sizeArea")}</span>
          <NumberBox
            label={t("widgets.sizeArea")}
            value={Number((pixels / MEGAPIXEL).toFixed(2))}
            rules={AREA}
            onChange={(area) => {
              if (typeof area === "number")
                give(sizeFor(shape ?? size, area * MEGAPIXEL, multiple));
            }}
          />
        </span>
        <select
          className={css.multiple}
          aria-label={t("widgets.sizeMultiple", { number: multiple })}
          value={multiple}
          onChange={(event) => setChosen(Number(event.target.value))}
        >
          {[...new Set<number>([sides.multiple, ...MULTIPLES])]
            .toSorted((a, b) => a - b)
            .map((number) => (
              <option key={number} value={number}>
                {t("widgets.sizeMultiple", { number })}
              </option>
            ))}
        </select>
        <IconButton
          label={t("widgets.sizeSwap")}
          icon={<ArrowLeftRight />}
          onClick={() => give({ width: height, height: width })}
        />
      </div>
    </div>
  );
}

function useSide(node: NodeId, side: "width" | "height"): number {
  return useDocument((state) => {
    const input = sizeInputs(state, node)?.[side];
    return input ? sideOf(state, node, input) : Number.NaN;
  });
}

const nameOf = ({ width, height }: Size): string => `${width}:${height}`;

const LONGEST = 18;

function outline({ width, height }: Size): { width: number; height: number } {
  const scale = LONGEST / Math.max(width, height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}
