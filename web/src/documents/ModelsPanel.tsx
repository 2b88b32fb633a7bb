/** The panel of models: those that are here, by folder; those being fetched; those to begin with; and any by address. */

import { Search, ShieldCheck } from "lucide-react";
import { useEffect, useState } from "react";
import { useStore } from "zustand";
import { downloadsStore } from "../state/downloads";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { TextField } from "../ui/Field";
import { AddModel } from "./AddModel";
import { DownloadEntry } from "./DownloadEntry";
import { grouped } from "./grouped";
import { ModelEntry } from "./ModelEntry";
import css from "./ModelsPanel.module.css";
import { matching } from "./matching";
import { refreshDownloads, refreshModels, useModels } from "./models";
import { StartingPoints } from "./StartingPoints";
import { verify } from "./verify";

export default function ModelsPanel() {
  const models = useModels((state) => state.models);
  const isLoaded = useModels((state) => state.isLoaded);
  const failure = useModels((state) => state.failure);
  const downloads = useStore(downloadsStore, (state) => state.downloads);
  const [query, setQuery] = useState("");
  useEffect(() => {
    void refreshModels();
    void refreshDownloads();
  }, []);

  const found = matching(models, query, (model) => `${model.folder} ${model.name} ${model.family}`);
  const folders = [...grouped(found, (model) => model.folder)];
  return (
    <div className={css.panel}>
      <TextField
        label={t("documents.searchModels")}
        hideLabel
        placeholder={t("documents.searchModels")}
        icon={<Search />}
        type="search"
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      {failure ? (
        <Empty text={t("documents.modelsAway", { reason: failure.message })}>
          <Button onClick={() => void refreshModels()}>{t("documents.tryAgain")}</Button>
        </Empty>
      ) : null}
      {Object.keys(downloads).length > 0 ? (
        <section>
          <h3 className={css.heading}>{t("documents.downloads")}</h3>
          <ul className={css.list}>
            {Object.values(downloads).map((download) => (
              <DownloadEntry key={download.id} download={download} />
            ))}
          </ul>
        </section>
      ) : null}
      {folders.map(([folder, entries]) => (
        <section key={folder}>
          <h3 className={css.heading}>{folder}</h3>
          <ul className={css.list}>
            {entries.map((model) => (
              <ModelEntry key={model.name} model={model} />
            ))}
          </ul>
        </section>
      ))}
      {isLoaded && found.length === 0 ? (
        <Empty text={t(models.length === 0 ? "documents.noModels" : "documents.noModelFound")} />
      ) : null}
      {models.length > 0 && !query ? (
        <Button look="quiet" icon={<ShieldCheck />} onClick={() => void verify([])}>
          {t("documents.verifyAll")}
        </Button>
      ) : null}
      {query ? null : (
        <>
          <section>
            <h3 className={css.heading}>{t("documents.addModel")}</h3>
            <AddModel />
          </section>
          <section>
            <h3 className={css.heading}>{t("documents.startingPoints")}</h3>
            <StartingPoints />
          </section>
        </>
      )}
    </div>
  );
}
