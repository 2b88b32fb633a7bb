/** A model that is not here: get it, locate it under another name, or choose another for all nodes that name it. */
import { Download, FolderSearch } from "lucide-react";
import { useEffect, useState } from "react";
import { ask } from "../api/client";
import type { Finding } from "../api/schema";
import { setInput } from "../graph/edits/nodes";
import { useChoices } from "../state/choices";
import { useDocumentStore } from "../state/document";
import { isOver, startDownload, stopDownload, useDownloadOf } from "../state/downloads";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { tell, tellError } from "../ui/toasts";
import { DownloadLine } from "../widgets/DownloadLine";
import { type Origin, originFacts, originOf } from "../widgets/modelOrigin";
import css from "./MissingDialog.module.css";
import type { MissingModel } from "./missing";
import { lastPart } from "./nameOf";

export function MissingModelEntry({ model }: { readonly model: MissingModel }) {
  const { folder, name, uses, required } = model;
  const document = useDocumentStore();
  const { names } = useChoices(folder);
  const download = useDownloadOf(folder, name);
  const [origin, setOrigin] = useState<Origin | null>(null);
  useEffect(() => {
    void originOf(folder, name, required ?? undefined).then(setOrigin);
  }, [folder, name, required]);

  const choose = (chosen: string): void => {
    document.edit(t("documents.model"), (context) =>
      uses.reduce(
        (workflow, { scope, node, input }) =>
          setInput({ ...context, workflow, scope }, node, input, chosen),
        context.workflow,
      ),
    );
    tell(t("documents.located", { name: chosen }));
  };
  const locate = async (): Promise<void> => {
    try {
      const found = await similar(model);
      if (found) choose(found);
      else tell(t("documents.locateNone", { name: lastPart(name) }));
    } catch (error) {
      tellError(error);
    }
  };
  const get = async (from: Origin): Promise<void> => {
    try {
      await startDownload({
        source: from.address,
        folder,
        name,
        consent: true, // the button says which server is asked
        ...(from.sha256 ? { sha256: from.sha256 } : {}),
      });
    } catch (error) {
      tellError(error);
    }
  };
  return (
    <li className={css.entry}>
      <span className={css.name}>{name}</span>
      <small className={css.facts}>
        {folder}
        {" · "}
        {t("documents.usedBy", { count: uses.length })}
        {" · "}
        {origin ? t("widgets.getFrom", { host: origin.host }) : t("documents.noSource")}
      </small>
      {download && !isOver(download) ? (
        <DownloadLine
          download={download}
          onStop={() => void stopDownload(download.id).catch(tellError)}
        />
      ) : (
        <div className={css.actions}>
          {origin ? (
            <Button look="primary" icon={<Download />} onClick={() => void get(origin)}>
              {t("documents.getSize", { size: originFacts(origin) })}
            </Button>
          ) : null}
          <Button icon={<FolderSearch />} onClick={() => void locate()}>
            {t("documents.locate")}
          </Button>
          {names && names.length > 0 ? (
            <select
              className={css.select}
              aria-label={t("documents.chooseOther")}
              value=""
              onChange={(event) => choose(event.target.value)}
            >
              <option value="" disabled>
                {t("documents.chooseOther")}
              </option>
              {names.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          ) : null}
        </div>
      )}
    </li>
  );
}

/** The model here that has the digest the document tells, or the same file name elsewhere; null where there is none. */
async function similar({ folder, name, required }: MissingModel): Promise<string | null> {
  for (const q of [required?.sha256, lastPart(name.replaceAll("\\", "/"))]) {
    if (!q) continue;
    const { how, models } = await ask<Finding>("GET", "/v1/models/find", { query: { q } });
    const found = models.find((one) => one.folder === folder);
    if (found && how !== "text") return found.name;
  }
  return null;
}
