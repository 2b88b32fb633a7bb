/** The colour to paint with, and those used before. */
import { t } from "../strings/t";
import css from "./PaintColour.module.css";
import { Section } from "./Section";
import { setColour, useToolSettings } from "./toolSettings";

export function PaintColour() {
  const colour = useToolSettings((state) => state.colour);
  const recent = useToolSettings((state) => state.recent);
  return (
    <Section title={t("painting.colour")}>
      <label className={css.current}>
        <input
          type="color"
          className={css.well}
          aria-label={t("painting.colour")}
          value={colour}
          onChange={(event) => setColour(event.target.value)}
        />
        <span>{colour}</span>
      </label>
      {recent.length > 0 ? (
        <ul className={css.recent} aria-label={t("painting.recent")}>
          {recent.map((known) => (
            <li key={known}>
              <button
                type="button"
                className={css.swatch}
                style={{ background: known }}
                aria-label={t("painting.useColour", { colour: known })}
                aria-pressed={known === colour}
                onClick={() => setColour(known)}
              />
            </li>
          ))}
        </ul>
      ) : null}
    </Section>
  );
}
