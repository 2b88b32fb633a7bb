/** A choice that is not there: it stays, and this says what can be done. Nothing is chosen in its place by itself. */
import { Download, FolderSearch, ListFilter } from "lucide-react";
import { useEffect, useState } from "react";
import { ask } from "../api/client";
import type { Finding, ModelInfo } from "../api/schema";
import type { InputSpec } from "../graph/catalogue";
import { loadChoices } from "../state/choices";
import { useDocument } from "../state/document";
import { isOver, startDownload, stopDownload, useDownloadOf } from "../state/downloads";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { tellError } from "../ui/toasts";
import { DownloadLine } from "./DownloadLine";
import css from "./MissingChoice.module.css";
import { type Origin, originFacts, originOf } from "./modelOrigin";

interface MissingChoiceProps {
  readonly input: InputSpec;
  readonly name: string;
  readonly onChoose: (name: string) => void;
  readonly onOther: () => void;
}

export function MissingChoice({ input, name, onChoose, onOther }: MissingChoiceProps) {
  const { source } = input;
  return (
    <div className={css.missing}>
      <p className={css.title}>{t("widgets.missing", { name })}</p>
      <p className={css.help}>
        {t(source === null ? "widgets.notAChoice" : "widgets.missingHelp", { name })}
      </p>
      {source === null || source === "input" ? (
        <Button icon={<ListFilter />} onClick={onOther}>
          {t("widgets.chooseAnother")}
        </Button>
      ) : (
        <MissingModel source={source} name={name} onChoose={onChoose} onOther={onOther} />
      )}
    </div>
  );
}

interface MissingModelProps {
  readonly source: string;
  readonly name: string;
  readonly onChoose: (name: string) => void;
  readonly onOther: () => void;
}

function MissingModel({ source, name, onChoose, onOther }: MissingModelProps) {
  const required = useDocument((state) => state.workflow.requires?.models?.[name]);
  const download = useDownloadOf(source, name);
  const [origin, setOrigin] = useState<Origin | null>(null);
  const [found, setFound] = useState<readonly ModelInfo[] | null>(null);

  useEffect(() => {
    let isWanted = true;
    const told = (known: Origin | null): void => {
      if (isWanted) setOrigin(known);
    };
    void originOf(source, name, required).then(told);
    return () => {
      isWanted = false;
    };
  }, [source, name, required]);

  const locate = async (): Promise<void> => {
    try {
      await loadChoices(source);
      const queries = [required?.sha256, name.slice(name.lastIndexOf("/") + 1)].filter(Boolean);
      for (const q of queries) {
        const { models } = await ask<Finding>("GET", "/v1/models/find", { query: { q } });
        const those = models.filter((model) => model.folder === source && model.name !== name);
        setFound(those);
        if (those.length > 0) return;
      }
    } catch (error) {
      tellError(error);
    }
  };
  const get = async (from: Origin): Promise<void> => {
    try {
      await startDownload({
        source: from.address,
        folder: source,
        name,
        consent: true, // the button says which server is asked
        ...(from.sha256 ? { sha256: from.sha256 } : {}),
      });
    } catch (error) {
      tellError(error);
    }
  };

  return (
    <>
      {download && !(isOver(download) && download.state !== "failed") ? (
        <DownloadLine
          download={download}
          onStop={() => stopDownload(download.id).catch(tellError)}
        />
      ) : null}
      <div className={css.actions}>
        {origin && (!download || isOver(download)) ? (
          <Button
            look="primary"
            icon={<Download />}
            title={t("widgets.getFrom", { host: origin.host })}
            onClick={() => void get(origin)}
          >
            {t("widgets.get", { facts: originFacts(origin) })}
          </Button>
        ) : null}
        <Button
          icon={<FolderSearch />}
          title={t("widgets.locateHint")}
          onClick={() => void locate()}
        >
          {t("widgets.locate")}
        </Button>
        <Button icon={<ListFilter />} onClick={onOther}>
          {t("widgets.chooseAnother")}
        </Button>
      </div>
      <p className={css.help}>
        {origin ? t("widgets.getFrom", { host: origin.host }) : t("widgets.noSource")}
      </p>
      {found && found.length === 0 ? (
        <p className={css.help} role="status">
          {t("widgets.locateNothing", { source })}
        </p>
      ) : null}
      {found && found.length > 0 ? (
        <div className={css.found}>
          <p className={css.help}>{t("widgets.foundSimilar")}</p>
          {found.map((model) => (
            <Button key={model.name} onClick={() => onChoose(model.name)}>
              {t("widgets.take", { name: model.name })}
            </Button>
          ))}
        </div>
      ) : null}
    </>
  );
}
