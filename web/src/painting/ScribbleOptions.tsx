/** How far the picture steps back behind a scribble. */
import { t } from "../strings/t";
import { OverlayOpacity } from "./OverlayOpacity";
import { Section } from "./Section";

export function ScribbleOptions() {
  return (
    <Section title={t("painting.layer.scribble")}>
      <OverlayOpacity label={t("painting.backdrop")} />
    </Section>
  );
}
