/** What a person can set for themselves: few things, each at once. */
import { useRef } from "react";
import type { OverlayProps } from "../pages/OverlayHost";
import {
  DEFAULTS,
  type Preferences,
  preferencesStore,
  setPreferences,
  usePreference,
} from "../state/preferences";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { SelectField, SwitchField } from "../ui/Field";
import { saveFile } from "../ui/saveFile";
import { tell } from "../ui/toasts";
import css from "./Settings.module.css";

/** What is set here and among the keys. What was learned from a person stays: stars, pins, how often, that they are no newcomer. */
const { welcomed, favourites, used, pairs, starred, recent, ...AT_FIRST } = DEFAULTS;

export default function Settings({ onClose }: OverlayProps) {
  const file = useRef<HTMLInputElement>(null);
  return (
    <Dialog
      title={t("search.settingsTitle")}
      onClose={onClose}
      actions={
        <>
          <Button look="quiet" onClick={() => setPreferences(AT_FIRST)}>
            {t("search.resetSettings")}
          </Button>
          <Button onClick={() => file.current?.click()}>{t("search.importSettings")}</Button>
          <Button onClick={download}>{t("search.exportSettings")}</Button>
        </>
      }
    >
      <div className={css.parts}>
        <section className={css.part}>
          <h3 className={css.heading}>{t("search.look")}</h3>
          <SelectField
            label={t("search.theme")}
            value={usePreference("theme")}
            options={[
              { value: "system", label: t("search.theme.system") },
              { value: "dark", label: t("search.theme.dark") },
              { value: "light", label: t("search.theme.light") },
            ]}
            onChange={(theme) => setPreferences({ theme })}
          />
          <SelectField
            label={t("search.density")}
            value={usePreference("density")}
            options={[
              { value: "compact", label: t("search.density.compact") },
              { value: "regular", label: t("search.density.regular") },
              { value: "roomy", label: t("search.density.roomy") },
            ]}
            onChange={(density) => setPreferences({ density })}
          />
          <SelectField
            label={t("search.links")}
            value={usePreference("links")}
            options={[
              { value: "curve", label: t("search.links.curve") },
              { value: "straight", label: t("search.links.straight") },
              { value: "orthogonal", label: t("search.links.orthogonal") },
            ]}
            onChange={(links) => setPreferences({ links })}
          />
          <SwitchField
            label={t("search.contrast")}
            checked={usePreference("contrast") === "high"}
            onChange={(on) => setPreferences({ contrast: on ? "high" : "normal" })}
          />
          <SwitchField
            label={t("search.reducedMotion")}
            checked={usePreference("motion") === "reduced"}
            onChange={(on) => setPreferences({ motion: on ? "reduced" : "system" })}
          />
        </section>
        <section className={css.part}>
          <h3 className={css.heading}>{t("search.working")}</h3>
          <SelectField
            label={t("search.wheel")}
            value={usePreference("wheel")}
            options={[
              { value: "auto", label: t("search.wheel.auto") },
              { value: "zoom", label: t("search.wheel.zoom") },
              { value: "pan", label: t("search.wheel.pan") },
            ]}
            onChange={(wheel) => setPreferences({ wheel })}
          />
          <SelectField
            label={t("search.edgePan")}
            value={usePreference("edgePan")}
            options={[
              { value: "off", label: t("search.edgePan.off") },
              { value: "slow", label: t("search.edgePan.slow") },
              { value: "normal", label: t("search.edgePan.normal") },
              { value: "fast", label: t("search.edgePan.fast") },
            ]}
            onChange={(speed) => setPreferences({ edgePan: speed })}
          />
          <SelectField
            label={t("search.weightStep")}
            value={String(usePreference("weightStep"))}
            options={["0.01", "0.05", "0.1"].map((value) => ({ value, label: value }))}
            onChange={(value) => setPreferences({ weightStep: Number(value) })}
          />
          <SwitchField
            label={t("search.grid")}
            checked={usePreference("grid")}
            onChange={(grid) => setPreferences({ grid })}
          />
          <SwitchField
            label={t("search.heal")}
            checked={usePreference("healOnDelete")}
            onChange={(healOnDelete) => setPreferences({ healOnDelete })}
          />
          <SwitchField
            label={t("search.previews")}
            checked={usePreference("previews")}
            onChange={(previews) => setPreferences({ previews })}
          />
          <SwitchField
            label={t("search.notify")}
            checked={usePreference("notify")}
            onChange={(notify) => void askToNotify(notify)}
          />
          <SwitchField
            label={t("search.neverForm")}
            checked={usePreference("neverForm")}
            onChange={(neverForm) => setPreferences({ neverForm })}
          />
        </section>
      </div>
      <input
        ref={file}
        type="file"
        accept="application/json,.json"
        className="visually-hidden"
        tabIndex={-1}
        aria-hidden
        onChange={(event) => void take(event.target.files?.[0])}
      />
    </Dialog>
  );
}

/** A browser asks the person before it lets a page tell them anything. */
async function askToNotify(notify: boolean): Promise<void> {
  const granted = !notify || (await Notification.requestPermission()) === "granted";
  if (granted) setPreferences({ notify });
}

function download(): void {
  const settings = JSON.stringify(preferencesStore.getState(), null, 2);
  saveFile("noisewright-settings.json", new Blob([settings], { type: "application/json" }));
}

/** Take over the settings of a file: those that are known, of the kind they have. */
async function take(file: File | undefined): Promise<void> {
  if (!file) return;
  const known = preferencesIn(await file.text());
  if (known) setPreferences(known);
  tell(t(known ? "search.imported" : "search.notSettings"), known ? {} : { tone: "error" });
}

export function preferencesIn(text: string): Partial<Preferences> | null {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof given !== "object" || given === null) return null;
  const defaults: Readonly<Record<string, unknown>> = { ...DEFAULTS };
  const known = Object.entries(given).filter(
    ([name, value]) =>
      name in defaults &&
      typeof value === typeof defaults[name] &&
      Array.isArray(value) === Array.isArray(defaults[name]),
  );
  return known.length ? Object.fromEntries(known) : null;
}
