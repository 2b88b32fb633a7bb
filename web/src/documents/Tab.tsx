/** One tab: what the document is called, whether it has unsaved changes, and whether a run of it is at work. */
import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { useStore } from "zustand";
import { type DocumentStore, isChanged } from "../state/document";
import { runsStore } from "../state/runStore";
import { t } from "../strings/t";
import { nameOf } from "./nameOf";
import css from "./Tab.module.css";

/** What is dragged when a tab is: the id of its document. */
const TAB = "application/x-noisewright-tab";

interface TabProps {
  readonly document: DocumentStore;
  readonly isActive: boolean;
  readonly onShow: () => void;
  readonly onClose: () => void;
  readonly onRename: () => void;
  readonly onMenu: (at: { readonly x: number; readonly y: number }) => void;
  /** Another tab was dropped on this one. */
  readonly onDropped: (id: string) => void;
}

export function Tab(props: TabProps) {
  const { document, isActive } = props;
  const id = useStore(document, (state) => state.id);
  const name = useStore(document, nameOf);
  const path = useStore(document, (state) => state.name);
  const isDirty = useStore(document, isChanged);
  const isRunning = useIsRunning(id);
  const tab = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isActive) tab.current?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [isActive]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: by keyboard the tab in it closes with Delete
    <div
      ref={tab}
      className={css.tab}
      data-active={isActive || undefined}
      role="presentation"
      onAuxClick={(event) => {
        if (event.button === 1) props.onClose();
      }}
      onMouseDown={(event) => {
        if (event.button === 1) event.preventDefault(); // no scrolling by the wheel button
      }}
    >
      <button
        type="button"
        role="tab"
        className={css.name}
        aria-selected={isActive}
        data-document={id}
        tabIndex={isActive ? 0 : -1}
        title={path || name}
        draggable
        onClick={props.onShow}
        onDoubleClick={props.onRename}
        onContextMenu={(event) => {
          event.preventDefault();
          const isByKey = event.clientX === 0 && event.clientY === 0;
          const { left, bottom } = event.currentTarget.getBoundingClientRect();
          props.onMenu(isByKey ? { x: left, y: bottom } : { x: event.clientX, y: event.clientY });
        }}
        onDragStart={(event) => {
          event.dataTransfer.setData(TAB, id);
          event.dataTransfer.effectAllowed = "move";
        }}
        onDragOver={(event) => {
          if (!event.dataTransfer.types.includes(TAB)) return;
          event.preventDefault();
          event.dataTransfer.dropEffect = "move";
        }}
        onDrop={(event) => {
          const dropped = event.dataTransfer.getData(TAB);
          if (!dropped) return;
          event.preventDefault();
          props.onDropped(dropped);
        }}
      >
        <span className={css.ring} data-running={isRunning || undefined} />
        <span className={css.label}>{name}</span>
        {isRunning ? <span className="visually-hidden">, {t("documents.running")}</span> : null}
        {isDirty ? <span className="visually-hidden">, {t("documents.changed")}</span> : null}
      </button>
      <button
        type="button"
        className={css.close}
        data-dirty={isDirty || undefined}
        tabIndex={-1}
        aria-hidden
        title={t("documents.closeTab", { name })}
        onClick={props.onClose}
      >
        <span className={css.dot} />
        <X />
      </button>
    </div>
  );
}

function useIsRunning(document: string): boolean {
  return useStore(runsStore, ({ runs, latest }) => {
    const state = runs[latest[document] ?? ""]?.info.state;
    return state === "running" || state === "waiting";
  });
}
