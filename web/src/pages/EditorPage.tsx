/** The graph editor: bars and panels docked around the canvas, nothing floating over it. */
import { lazy, Suspense, useEffect } from "react";
import { Canvas } from "../canvas/Canvas";
import { useKeymap } from "../commands/useKeymap";
import { Notices } from "../documents/Notices";
import { Tabs } from "../documents/Tabs";
import { PaletteHost } from "../interaction/PaletteHost";
import { PanelDrawer } from "../panels/PanelDrawer";
import { Rail } from "../panels/Rail";
import { BottomBar } from "../running/BottomBar";
import { RunButton } from "../running/RunButton";
import { DocumentProvider } from "../state/document";
import { useDocuments } from "../state/documents";
import { useView } from "../state/view";
import { t } from "../strings/t";
import { Boundary } from "../ui/Boundary";
import { Empty } from "../ui/Empty";
import { PopupHost } from "../ui/PopupHost";
import css from "./EditorPage.module.css";
import { OverlayHost } from "./OverlayHost";
import { start } from "./starting";

const Inspector = lazy(() => import("../panels/Inspector"));

export default function EditorPage({ open }: { readonly open: string | null }) {
  useEffect(() => void start(open), [open]);
  useKeymap();
  const focusMode = useView((state) => state.focusMode);
  const hasInspector = useView((state) => state.inspector);
  const shown = useDocuments(({ open, active }) =>
    open.find((store) => store.getState().id === active),
  );
  if (!shown) return <Empty text={t("app.loading")} />;
  return (
    <DocumentProvider value={shown}>
      <div className={css.page} data-focus={focusMode || undefined}>
        <header className={css.top}>
          <Tabs />
          <RunButton />
        </header>
        <Notices />
        <div className={css.middle}>
          {focusMode ? null : <Rail />}
          {focusMode ? null : <PanelDrawer />}
          <main className={css.canvas} aria-label={t("app.canvas")}>
            <Boundary key={shown.getState().id}>
              <Canvas />
            </Boundary>
          </main>
          {hasInspector && !focusMode ? (
            <aside className={css.inspector} aria-label={t("app.inspector")}>
              <Suspense>
                <Inspector />
              </Suspense>
            </aside>
          ) : null}
        </div>
        {focusMode ? null : <BottomBar />}
        <PaletteHost />
        <OverlayHost />
        <PopupHost />
      </div>
    </DocumentProvider>
  );
}
