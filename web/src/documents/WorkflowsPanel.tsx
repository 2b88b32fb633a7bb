/** The panel of workflows: unsaved drafts, what is saved, by folder, and the way to templates. */

import { LayoutTemplate, Plus, Search } from "lucide-react";
import { useEffect, useState } from "react";
import type { WorkflowInfo } from "../api/schema";
import { showOverlay } from "../state/view";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { TextField } from "../ui/Field";
import { DraftList } from "./DraftList";
import { grouped } from "./grouped";
import { refreshLibrary, useLibrary } from "./library";
import { matching } from "./matching";
import { refreshDrafts, useDrafts } from "./offering";
import { openNew } from "./opening";
import { WorkflowEntry } from "./WorkflowEntry";
import css from "./WorkflowsPanel.module.css";

export default function WorkflowsPanel() {
  const workflows = useLibrary((state) => state.workflows);
  const failure = useLibrary((state) => state.failure);
  const isLoaded = useLibrary((state) => state.isLoaded);
  const drafts = useDrafts((all) => all);
  const [query, setQuery] = useState("");
  useEffect(() => {
    void refreshLibrary();
    void refreshDrafts();
  }, []);

  const own = workflows.filter((info) => !info.is_template);
  const found = matching(own, query, (info) => `${info.name} ${info.title}`);
  return (
    <div className={css.panel}>
      <div className={css.head}>
        <TextField
          label={t("documents.search")}
          hideLabel
          placeholder={t("documents.search")}
          icon={<Search />}
          type="search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
        <div className={css.buttons}>
          <Button icon={<Plus />} onClick={() => openNew()}>
            {t("documents.new")}
          </Button>
          <Button icon={<LayoutTemplate />} onClick={() => showOverlay({ kind: "templates" })}>
            {t("documents.templates")}
          </Button>
        </div>
      </div>
      {failure ? (
        <Empty text={t("documents.libraryAway", { reason: failure.message })}>
          <Button onClick={() => void refreshLibrary()}>{t("documents.tryAgain")}</Button>
        </Empty>
      ) : null}
      {drafts.length > 0 && !query ? (
        <section>
          <h3 className={css.folder}>{t("documents.drafts")}</h3>
          <DraftList drafts={drafts} />
        </section>
      ) : null}
      {byFolder(found).map(([folder, entries]) => (
        <section key={folder}>
          <h3 className={css.folder}>{folder || t("documents.folderless")}</h3>
          <ul className={css.list}>
            {entries.map((info) => (
              <WorkflowEntry key={info.name} info={info} />
            ))}
          </ul>
        </section>
      ))}
      {isLoaded && !failure && found.length === 0 ? (
        <Empty text={t(own.length === 0 ? "documents.noWorkflows" : "documents.nothingFound")} />
      ) : null}
    </div>
  );
}

/** Folders by name, those without one first. */
function byFolder(
  workflows: readonly WorkflowInfo[],
): readonly (readonly [string, readonly WorkflowInfo[]])[] {
  const folders = grouped(workflows, (info) => info.folder);
  return [...folders].toSorted(([a], [b]) => a.localeCompare(b));
}
