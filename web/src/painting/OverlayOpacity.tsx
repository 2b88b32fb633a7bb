/** How strongly a mask or the dark behind a scribble covers the picture on the screen. */
import { t } from "../strings/t";
import { Slider } from "./Slider";
import { toolSettings, useToolSettings } from "./toolSettings";

export function OverlayOpacity({ label }: { readonly label: string }) {
  const opacity = useToolSettings((state) => state.overlayOpacity);
  return (
    <Slider
      label={label}
      value={opacity}
      min={0.1}
      max={1}
      step={0.01}
      shown={t("painting.percent", { value: Math.round(opacity * 100) })}
      onChange={(overlayOpacity) => toolSettings.setState({ overlayOpacity })}
    />
  );
}
