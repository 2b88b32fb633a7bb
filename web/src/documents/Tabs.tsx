/** The open documents as tabs, with what can be done with them. */
import { Menu as MenuIcon, Plus } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { useStore } from "zustand";
import { type DocumentStore, useDocumentStore } from "../state/document";
import { activate, moveDocument, useDocuments } from "../state/documents";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import { Menu, MenuAt } from "../ui/Menu";
import { closeTab, moveTab } from "./actions";
import { DropZones } from "./DropZones";
import { fileMenu, newMenu, tabMenu } from "./fileMenu";
import { KeptStatus } from "./KeptStatus";
import { renamingStore } from "./renaming";
import { Tab } from "./Tab";
import { TabName } from "./TabName";
import css from "./Tabs.module.css";

interface MenuAtTab {
  readonly document: DocumentStore;
  readonly at: { readonly x: number; readonly y: number };
}

const idOf = (document: DocumentStore): string => document.getState().id;

const nameInPlace = (document: DocumentStore): void =>
  renamingStore.setState({ document: idOf(document) });

export function Tabs() {
  const open = useDocuments((state) => state.open);
  const active = useDocumentStore();
  const [menu, setMenu] = useState<MenuAtTab | null>(null);
  const renamed = useStore(renamingStore, (state) => state.document);
  const inPlace = open.find((document) => idOf(document) === renamed);

  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    const tabs = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=tab]")];
    const place = event.target instanceof HTMLElement ? tabs.indexOf(event.target) : -1;
    const document = open[place];
    if (!document) return;
    const step = STEPS[event.key];
    if (step !== undefined && event.ctrlKey && event.shiftKey) moveTab(document, step);
    else if (step !== undefined) tabs[(place + step + tabs.length) % tabs.length]?.focus();
    else if (event.key === "Home") tabs[0]?.focus();
    else if (event.key === "End") tabs.at(-1)?.focus();
    else if (event.key === "F2") nameInPlace(document);
    else if (event.key === "Delete") {
      closeTab(document);
      (tabs[place + 1] ?? tabs[place - 1])?.focus();
    } else return;
    event.preventDefault();
  };

  return (
    <div className={css.bar}>
      <Menu
        entries={fileMenu(active)}
        trigger={<IconButton label={t("documents.menu")} icon={<MenuIcon />} />}
      />
      <div
        className={css.tabs}
        role="tablist"
        aria-label={t("documents.tabs")}
        onKeyDown={onKeyDown}
        onWheel={(event) => {
          event.currentTarget.scrollLeft += event.deltaY;
        }}
      >
        {open.map((document) => (
          <Tab
            key={idOf(document)}
            document={document}
            isActive={document === active}
            onShow={() => activate(idOf(document))}
            onClose={() => closeTab(document)}
            onRename={() => nameInPlace(document)}
            onMenu={(at) => setMenu({ document, at })}
            onDropped={(id) => moveDocument(id, open.indexOf(document))}
          />
        ))}
      </div>
      <Menu
        entries={newMenu()}
        trigger={<IconButton label={t("documents.newTab")} icon={<Plus />} />}
      />
      <KeptStatus key={idOf(active)} document={active} />
      {menu ? (
        <MenuAt
          entries={tabMenu(menu.document, () => nameInPlace(menu.document))}
          at={menu.at}
          onClose={() => setMenu(null)}
        />
      ) : null}
      {inPlace ? (
        <TabName
          key={idOf(inPlace)}
          document={inPlace}
          onClose={() => renamingStore.setState({ document: null })}
        />
      ) : null}
      <DropZones />
    </div>
  );
}

const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1 };
