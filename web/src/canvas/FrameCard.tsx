/** A frame around nodes: its header moves them, its edges size it. Collapsed it is a bar. */
import { ChevronDown, ChevronRight } from "lucide-react";
import { memo, useState } from "react";
import { membersOf, setFrame } from "../graph/edits/frames";
import { useGesture } from "../interaction/gestureStore";
import { shownGraph, useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import css from "./FrameCard.module.css";
import type { SceneFrame } from "./scene";

const EDGES = ["n", "s", "e", "w", "ne", "nw", "se", "sw"] as const;

export const FrameCard = memo(function FrameCard({ shown }: { readonly shown: SceneFrame }) {
  const { id, frame, isCollapsed } = shown;
  const store = useDocumentStore();
  const isSelected = useDocument((state) => state.selection.frames.has(id));
  const isJoined = useGesture((state) => state.joined === id);
  const [isNaming, setNaming] = useState(false);
  const title = frame.title || t("canvas.frame");
  const toggle = (): void =>
    store.edit(t(isCollapsed ? "canvas.didExpandFrame" : "canvas.didCollapseFrame"), (context) =>
      setFrame(context, id, { "x-collapsed": isCollapsed ? undefined : true }),
    );
  const rename = (text: string): void => {
    setNaming(false);
    store.edit(t("canvas.didRenameFrame"), (context) => setFrame(context, id, { title: text }));
  };
  const color = frame.color || "var(--border)";
  return (
    <section
      className={css.frame}
      aria-label={title}
      data-frame-of={id}
      data-selected={isSelected || undefined}
      data-joined={isJoined || undefined}
      data-collapsed={isCollapsed || undefined}
      style={{
        borderColor: `color-mix(in oklab, ${color} 55%, transparent)`,
        backgroundColor: `color-mix(in oklab, ${color} 9%, ${isCollapsed ? "var(--node)" : "transparent"})`,
      }}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: naming is in the frame's menu, too */}
      <header
        className={css.header}
        data-frame={id}
        onDoubleClick={(event) => {
          event.stopPropagation();
          setNaming(true);
        }}
      >
        <button
          type="button"
          className={css.toggle}
          aria-expanded={!isCollapsed}
          aria-label={t(isCollapsed ? "canvas.expand" : "canvas.collapse")}
          onClick={toggle}
          onDoubleClick={(event) => event.stopPropagation()}
        >
          {isCollapsed ? <ChevronRight /> : <ChevronDown />}
        </button>
        {isNaming ? (
          <input
            className={css.name}
            aria-label={t("canvas.frame")}
            defaultValue={frame.title ?? ""}
            // biome-ignore lint/a11y/noAutofocus: it is there because somebody asked to write in it
            autoFocus
            onBlur={(event) => rename(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter") event.currentTarget.blur();
              if (event.key === "Escape") setNaming(false);
              event.stopPropagation();
            }}
          />
        ) : (
          <span className={css.title}>{title}</span>
        )}
        {isCollapsed ? <MemberCount id={id} /> : null}
      </header>
      {isCollapsed
        ? null
        : EDGES.map((edge) => (
            <span key={edge} className={css.edge} data-frame={id} data-frame-edge={edge} />
          ))}
    </section>
  );
});

function MemberCount({ id }: { readonly id: string }) {
  const count = useDocument((state) => membersOf(shownGraph(state).layout, id).length);
  return <span className={css.count}>{t("canvas.frameNodes", { count })}</span>;
}
