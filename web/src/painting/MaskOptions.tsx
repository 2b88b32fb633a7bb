/** How a mask's edge runs, and how the mask is shown. */
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { type Desk, useDesk } from "./desk";
import css from "./MaskOptions.module.css";
import { isUnchanged, LARGEST_FEATHER, LARGEST_GROW } from "./maskEdge";
import { OverlayOpacity } from "./OverlayOpacity";
import { Section } from "./Section";
import { Slider } from "./Slider";
import { toolSettings, useToolSettings } from "./toolSettings";

export function MaskOptions({ desk }: { readonly desk: Desk }) {
  return (
    <>
      <EdgeOptions desk={desk} />
      <OverlayOptions />
    </>
  );
}

function EdgeOptions({ desk }: { readonly desk: Desk }) {
  const edge = useDesk(desk, (state) => state.edge);
  const busy = useDesk(desk, (state) => state.busy);
  const isTried = !isUnchanged(edge);
  return (
    <Section title={t("painting.edge")}>
      <Slider
        label={t("painting.grow")}
        value={edge.grow}
        min={-LARGEST_GROW}
        max={LARGEST_GROW}
        shown={t("painting.pixels", { count: edge.grow })}
        onChange={(grow) => desk.tryEdge({ ...edge, grow })}
      />
      <Slider
        label={t("painting.feather")}
        value={edge.feather}
        min={0}
        max={LARGEST_FEATHER}
        shown={t("painting.pixels", { count: edge.feather })}
        onChange={(feather) => desk.tryEdge({ ...edge, feather })}
      />
      <div className={css.actions}>
        <Button aria-disabled={!isTried} onClick={() => desk.tryEdge({ grow: 0, feather: 0 })}>
          {t("painting.reset")}
        </Button>
        <Button aria-disabled={!isTried || busy} onClick={() => desk.keepEdge()}>
          {t("painting.apply")}
        </Button>
      </div>
    </Section>
  );
}

function OverlayOptions() {
  const colour = useToolSettings((state) => state.overlayColour);
  return (
    <Section title={t("painting.overlay")}>
      <label className={css.colour}>
        {t("painting.overlayColour")}
        <input
          type="color"
          className={css.well}
          value={colour}
          onChange={(event) => toolSettings.setState({ overlayColour: event.target.value })}
        />
      </label>
      <OverlayOpacity label={t("painting.overlayOpacity")} />
    </Section>
  );
}
