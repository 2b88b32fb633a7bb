/** The graph editor: bars and panels docked around the canvas, nothing floating over it. */
import { lazy, Suspense, useEffect } from "react";
import { Canvas } from "../canvas/Canvas";
import { useKeymap } from "../commands/useKeymap";
import { startDocuments } from "../documents/start";
import { Tabs } from "../documents/Tabs";
import { Palette } from "../interaction/Palette";
import { PanelDrawer } from "../panels/PanelDrawer";
import { Rail } from "../panels/Rail";
import { BottomBar } from "../running/BottomBar";
import { RunButton } from "../running/RunButton";
import { startRunning } from "../running/start";
import { DocumentProvider } from "../state/document";
import { useDocuments } from "../state/documents";
import { followPreferences } from "../state/preferences";
import { useView } from "../state/view";
import { t } from "../strings/t";
import { Boundary } from "../ui/Boundary";
import { Empty } from "../ui/Empty";
import { PopupHost } from "../ui/PopupHost";
import css from "./EditorPage.module.css";
import { OverlayHost } from "./OverlayHost";

const Inspector = lazy(() => import("../panels/Inspector"));

let isStarted = false;

/** What goes on for as long as the page is open, whatever of it is shown. */
function start(open: string | null): void {
  if (isStarted) return;
  isStarted = true;
  void followPreferences();
  startRunning();
  void startDocuments(open);
}

export default function EditorPage({ open }: { readonly open: string | null }) {
  useEffect(() => start(open), [open]);
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
        <Palette />
        <OverlayHost />
        <PopupHost />
      </div>
    </DocumentProvider>
  );
}
