/** Whether fills and shapes add or take away. */
import { t } from "../strings/t";
import css from "./EffectChoice.module.css";
import { toolSettings, useToolSettings } from "./toolSettings";

export function EffectChoice() {
  const removes = useToolSettings((state) => state.removes);
  return (
    <fieldset className={css.choice}>
      <legend className="visually-hidden">{t("painting.effect")}</legend>
      {[false, true].map((choice) => (
        <label key={String(choice)} className={css.option}>
          <input
            type="radio"
            name="painting-effect"
            className={css.radio}
            checked={removes === choice}
            onChange={() => toolSettings.setState({ removes: choice })}
          />
          {t(choice ? "painting.removes" : "painting.adds")}
        </label>
      ))}
    </fieldset>
  );
}
