/** The page for newcomers: say what you would like to see, get four pictures, go on from one of them. */
import { Sparkles, Workflow as WorkflowIcon } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { useStore } from "zustand";
import { ask } from "../api/client";
import type { ModelInfo } from "../api/schema";
import { goTo } from "../route";
import { loadCatalogue } from "../state/catalogue";
import {
  followPreferences,
  preferencesStore,
  setPreferences,
  usePreference,
} from "../state/preferences";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { SelectField } from "../ui/Field";
import { tellError } from "../ui/toasts";
import { OverlayHost } from "./OverlayHost";
import { PictureRow } from "./PictureRow";
import { makeFour, rowsStore, type Wish } from "./rows";
import css from "./StartPage.module.css";
import { SHAPES, type Shape, sizeOf } from "./shapes";
import { start } from "./starting";
import { Welcome } from "./Welcome";

/** Things the included model has seen. */
const IDEAS = [
  "red apple",
  "grinning face",
  "sailboat",
  "owl",
  "cactus",
  "crescent moon",
  "hot air balloon",
];
const INCLUDED = "sprout.safetensors";
/** Pixels a side of a square picture, for models that do not tell. */
const SIDE = 512;

export default function StartPage() {
  const [prompt, setPrompt] = useState(IDEAS[0] ?? "");
  const [shape, setShape] = useState<Shape>("square");
  const [models, setModels] = useState<readonly ModelInfo[]>([]);
  const [model, setModel] = useState(INCLUDED);
  const rows = useStore(rowsStore, (state) => state.rows);
  const isWelcomed = usePreference("welcomed");
  const wishWith = (known: readonly ModelInfo[]): Wish => ({
    prompt,
    model,
    ...sizeOf(shape, sideOf(model, known)),
  });

  useEffect(() => {
    void begin().then(setModels, tellError);
  }, []);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    // The size is the model's: who is quicker than the list of models waits for it.
    const known = models.length > 0 ? Promise.resolve(models) : begin();
    void known.then((there) => makeFour(wishWith(there))).catch(tellError);
  };

  return (
    <div className={css.page}>
      <header className={css.top}>
        <strong>{t("app.name")}</strong>
        <Button
          look="quiet"
          icon={<WorkflowIcon />}
          onClick={() => {
            setPreferences({ welcomed: true });
            goTo({ page: "editor" });
          }}
        >
          {t("pages.editor")}
        </Button>
      </header>
      <main className={css.main}>
        <form className={css.form} onSubmit={submit}>
          <h1 className={css.title}>{t("pages.title")}</h1>
          <div className={css.line}>
            <input
              className={css.prompt}
              aria-label={t("pages.prompt")}
              placeholder={t("pages.promptHint")}
              value={prompt}
              autoComplete="off"
              onChange={(event) => setPrompt(event.target.value)}
            />
            <Button look="primary" type="submit" icon={<Sparkles />} className={css.make}>
              {t("pages.makeFour")}
            </Button>
          </div>
          <div className={css.options}>
            <fieldset className={css.shapes}>
              <legend className="visually-hidden">{t("pages.shape")}</legend>
              {SHAPES.map((item) => (
                <label key={item} className={css.shape}>
                  <input
                    type="radio"
                    name="shape"
                    className="visually-hidden"
                    checked={shape === item}
                    onChange={() => setShape(item)}
                  />
                  <i className={css[item]} />
                  {t(`pages.${item}`)}
                </label>
              ))}
            </fieldset>
            {models.length > 1 ? (
              <SelectField
                label={t("pages.model")}
                hideLabel
                value={model}
                options={models.map(({ name }) => ({ value: name, label: name }))}
                onChange={setModel}
              />
            ) : null}
            <p className={css.ideas}>
              {t("pages.ideas")}
              {IDEAS.map((idea) => (
                <button key={idea} type="button" onClick={() => setPrompt(idea)}>
                  {idea}
                </button>
              ))}
            </p>
          </div>
        </form>
        <section className={css.rows} aria-label={t("pages.results")}>
          {rows.map((row) => (
            <PictureRow key={row.id} row={row} wish={wishWith(models)} />
          ))}
        </section>
        {isWelcomed ? null : <Welcome />}
      </main>
      <OverlayHost />
    </div>
  );
}

const sideOf = (model: string, models: readonly ModelInfo[]): number =>
  models.find(({ name }) => name === model)?.side || SIDE;

let isBegun = false;

/**
 * Everything the page needs; the checkpoints there are. At the very first time a picture is under way before anything
 * was asked.
 */
async function begin(): Promise<readonly ModelInfo[]> {
  await Promise.all([start(), followPreferences(), loadCatalogue()]);
  const models = (await ask<readonly ModelInfo[]>("GET", "/v1/models")).filter(
    ({ folder }) => folder === "checkpoints",
  );
  if (!isBegun && !preferencesStore.getState().welcomed) {
    const size = sizeOf("square", sideOf(INCLUDED, models));
    void makeFour({ prompt: IDEAS[0] ?? "", model: INCLUDED, ...size }).catch(tellError);
  }
  isBegun = true;
  return models;
}
