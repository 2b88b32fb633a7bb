/** What can be set about the tool in hand. */
import { t } from "../strings/t";
import { SwitchField } from "../ui/Field";
import type { Desk } from "./desk";
import { useDesk } from "./desk";
import { EffectChoice } from "./EffectChoice";
import { Section } from "./Section";
import { Slider } from "./Slider";
import {
  LARGEST_SIZE,
  setHardness,
  setSize,
  type Tool,
  toolSettings,
  useToolSettings,
} from "./toolSettings";

/** Small sizes get more of the slider than large ones. */
const fromSlider = (place: number): number => Math.max(1, place * place * LARGEST_SIZE);
const toSlider = (size: number): number => Math.sqrt(size / LARGEST_SIZE);

const percent = (value: number): string =>
  t("painting.percent", { value: Math.round(value * 100) });

export function ToolOptions({ desk }: { readonly desk: Desk }) {
  const tool = useToolSettings((state) => state.tool);
  const layer = useDesk(desk, (state) => state.layer);
  const draws = tool === "brush" || tool === "eraser";
  const fills = tool === "fill" || tool === "lasso" || tool === "rectangle";
  return (
    <Section title={t(`painting.tool.${tool}`)}>
      {draws ? <BrushOptions /> : null}
      {fills ? <EffectChoice /> : null}
      {tool === "fill" ? <FillOptions /> : null}
      {draws || (fills && layer === "paint") ? <Opacity /> : null}
      {draws ? <PressureOptions /> : null}
      <Hint tool={tool} />
    </Section>
  );
}

function BrushOptions() {
  const size = useToolSettings((state) => state.size);
  const hardness = useToolSettings((state) => state.hardness);
  return (
    <>
      <Slider
        label={t("painting.size")}
        value={toSlider(size)}
        min={0}
        max={1}
        step={0.002}
        shown={t("painting.pixels", { count: size })}
        onChange={(place) => setSize(fromSlider(place))}
      />
      <Slider
        label={t("painting.hardness")}
        value={hardness}
        min={0}
        max={1}
        step={0.01}
        shown={percent(hardness)}
        onChange={setHardness}
      />
    </>
  );
}

function Opacity() {
  const opacity = useToolSettings((state) => state.opacity);
  return (
    <Slider
      label={t("painting.opacity")}
      value={opacity}
      min={0.01}
      max={1}
      step={0.01}
      shown={percent(opacity)}
      onChange={(value) => toolSettings.setState({ opacity: value })}
    />
  );
}

function FillOptions() {
  const fillsAlike = useToolSettings((state) => state.fillsAlike);
  const tolerance = useToolSettings((state) => state.tolerance);
  return (
    <>
      <SwitchField
        label={t("painting.fillsAlike")}
        checked={fillsAlike}
        onChange={(checked) => toolSettings.setState({ fillsAlike: checked })}
      />
      {fillsAlike ? (
        <Slider
          label={t("painting.tolerance")}
          value={tolerance}
          min={0}
          max={255}
          shown={String(tolerance)}
          onChange={(value) => toolSettings.setState({ tolerance: value })}
        />
      ) : null}
    </>
  );
}

function PressureOptions() {
  const size = useToolSettings((state) => state.pressureSize);
  const opacity = useToolSettings((state) => state.pressureOpacity);
  return (
    <fieldset>
      <legend>{t("painting.pressure")}</legend>
      <SwitchField
        label={t("painting.pressure.size")}
        checked={size}
        onChange={(checked) => toolSettings.setState({ pressureSize: checked })}
      />
      <SwitchField
        label={t("painting.pressure.opacity")}
        checked={opacity}
        onChange={(checked) => toolSettings.setState({ pressureOpacity: checked })}
      />
    </fieldset>
  );
}

function Hint({ tool }: { readonly tool: Tool }) {
  return <small>{t(`painting.hint.${tool}`)}</small>;
}
