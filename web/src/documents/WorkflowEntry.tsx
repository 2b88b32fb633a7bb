/** One saved workflow in the list: to be opened, dragged into the graph, renamed, duplicated, deleted. */
import { MoreHorizontal } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import type { WorkflowInfo } from "../api/schema";
import { activeDocument, openDocument, useDocuments } from "../state/documents";
import { WORKFLOW_DRAG } from "../state/dragged";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import { Menu, type MenuEntry } from "../ui/Menu";
import { tell, tellError } from "../ui/toasts";
import { ago } from "./ago";
import { insertNodes } from "./inserting";
import { loadWorkflow, restoreWorkflow, trashWorkflow } from "./library";
import { lastPart } from "./nameOf";
import { openSaved } from "./opening";
import { renameSaved } from "./renameSaved";
import { revealStore } from "./reveal";
import css from "./WorkflowEntry.module.css";

export function WorkflowEntry({ info }: { readonly info: WorkflowInfo }) {
  const [isRenamed, setRenamed] = useState(false);
  const isOpen = useDocuments(({ open, active }) =>
    open.some(({ getState }) => getState().id === active && getState().name === info.name),
  );
  const isRevealed = useStore(revealStore, (state) => state.name === info.name);
  const entry = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!isRevealed) return;
    entry.current?.focus();
    revealStore.setState({ name: "" });
  }, [isRevealed]);

  const entries: readonly MenuEntry[] = [
    { label: t("documents.open"), run: () => open(info) },
    { label: t("documents.insert"), run: () => void insert(info) },
    "separator",
    { label: t("documents.rename"), keys: "F2", run: () => setRenamed(true) },
    { label: t("documents.duplicate"), run: () => void copy(info) },
    "separator",
    { label: t("documents.delete"), danger: true, run: () => void remove(info) },
  ];
  return (
    <li className={css.entry} data-open={isOpen || undefined}>
      {isRenamed ? (
        <input
          ref={(input) => input?.select()}
          className={css.field}
          aria-label={t("documents.saveName")}
          defaultValue={info.name}
          spellCheck={false}
          onBlur={(event) => {
            setRenamed(false);
            void renameSaved(info.name, event.target.value.trim());
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.value = info.name;
            if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
          }}
        />
      ) : (
        <button
          ref={entry}
          type="button"
          className={css.open}
          draggable
          title={info.name}
          onClick={() => open(info)}
          onKeyDown={(event) => {
            if (event.key === "F2") setRenamed(true);
            if (event.key === "Delete") void remove(info);
          }}
          onDragStart={(event) => {
            event.dataTransfer.setData(WORKFLOW_DRAG, info.name);
            event.dataTransfer.effectAllowed = "copy";
          }}
        >
          <span className={css.name}>{lastPart(info.name)}</span>
          <span className={css.time}>{ago(Date.now() - info.modified * 1000)}</span>
        </button>
      )}
      <Menu
        entries={entries}
        trigger={
          <IconButton
            className={css.more ?? ""}
            label={t("documents.actions", { name: lastPart(info.name) })}
            icon={<MoreHorizontal />}
          />
        }
      />
    </li>
  );
}

const open = (info: WorkflowInfo): void => void openSaved(info.name).catch(tellError);

async function insert(info: WorkflowInfo): Promise<void> {
  const document = activeDocument();
  if (!document) return;
  try {
    const loaded = await loadWorkflow(info.name);
    insertNodes(document, loaded.document, null);
  } catch (error) {
    tellError(error);
  }
}

async function copy(info: WorkflowInfo): Promise<void> {
  try {
    const { document } = await loadWorkflow(info.name);
    const title = t("documents.copyName", { name: lastPart(info.name) });
    openDocument({ workflow: { ...document, title } });
  } catch (error) {
    tellError(error);
  }
}

/** Put it into the trash. An open tab of it stays, with what it holds. */
async function remove(info: WorkflowInfo): Promise<void> {
  try {
    const id = await trashWorkflow(info.name);
    tell(t("documents.deleted", { name: lastPart(info.name) }), {
      action: {
        label: t("documents.undo"),
        run: () => void restoreWorkflow(id).catch(tellError),
      },
    });
  } catch (error) {
    tellError(error);
  }
}
