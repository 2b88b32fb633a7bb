/** Shown once, the first time: this machine, the models on it, and larger ones to get. */
import { useEffect, useState } from "react";
import { ask } from "../api/client";
import type { ModelInfo, SystemInfo } from "../api/schema";
import { StartingPoints } from "../documents/StartingPoints";
import { setPreferences } from "../state/preferences";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { tellError } from "../ui/toasts";
import css from "./Welcome.module.css";

/** How models that are there already are used; said, not run: it is for the person's own terminal. */
const ADOPT = "noisewright serve --models ~/ComfyUI/models";

interface Facts {
  readonly system: SystemInfo;
  readonly models: readonly ModelInfo[];
}

export function Welcome() {
  const [facts, setFacts] = useState<Facts | null>(null);
  useEffect(() => {
    Promise.all([
      ask<SystemInfo>("GET", "/v1/system"),
      ask<readonly ModelInfo[]>("GET", "/v1/models"),
    ]).then(([system, models]) => setFacts({ system, models }), tellError);
  }, []);
  const done = (): void => setPreferences({ welcomed: true });
  return (
    <section className={css.panel} aria-labelledby="welcome">
      <header className={css.head}>
        <div>
          <h2 id="welcome" className={css.title}>
            {t("pages.welcome")}
          </h2>
          <p className={css.text}>{t("pages.welcomeText")}</p>
        </div>
        <Button onClick={done}>{t("pages.begin")}</Button>
      </header>
      <div className={css.parts}>
        <section>
          <h3 className={css.heading}>{t("pages.machine")}</h3>
          <p>{facts ? machineOf(facts.system) : null}</p>
        </section>
        <section>
          <h3 className={css.heading}>{t("pages.models")}</h3>
          <p>{facts ? modelsOf(facts.models) : null}</p>
          <p className={css.text}>
            {t("pages.modelsAdopt")}
            <code>{ADOPT}</code>
          </p>
        </section>
        <section>
          <h3 className={css.heading}>{t("pages.getOne")}</h3>
          <p className={css.text}>{t("pages.getOneText")}</p>
          <StartingPoints onChosen={done} folder="checkpoints" most={2} />
        </section>
      </div>
    </section>
  );
}

function machineOf({ host, workers }: SystemInfo): string {
  const memory = gigabytes(host.memory_total);
  const device = workers.find(({ device }) => !["cpu", "auto"].includes(device))?.device;
  return device
    ? t("pages.machineDevice", { device, memory })
    : t("pages.machineCores", { cores: host.cores, memory });
}

function modelsOf(models: readonly ModelInfo[]): string {
  const others = models.filter(({ folder, own }) => folder === "checkpoints" && own).length;
  return others ? t("pages.modelsCount", { count: others }) : t("pages.modelsNone");
}

const gigabytes = (bytes: number | null): string =>
  bytes === null ? "?" : `${Math.round(bytes / 2 ** 30)} GB`;
