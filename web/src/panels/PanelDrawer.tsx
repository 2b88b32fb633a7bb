/** The open panel at the left. Each is loaded when it is first opened. */
import { X } from "lucide-react";
import { type ComponentType, type LazyExoticComponent, lazy, Suspense } from "react";
import { type PanelId, togglePanel, useView } from "../state/view";
import { t } from "../strings/t";
import { Boundary } from "../ui/Boundary";
import { IconButton } from "../ui/IconButton";
import css from "./PanelDrawer.module.css";

const PARTS: Readonly<Record<PanelId, LazyExoticComponent<ComponentType>>> = {
  nodes: lazy(() => import("../interaction/NodesPanel")),
  workflows: lazy(() => import("../documents/WorkflowsPanel")),
  models: lazy(() => import("../documents/ModelsPanel")),
  gallery: lazy(() => import("../results/GalleryPanel")),
  history: lazy(() => import("../running/HistoryPanel")),
  outline: lazy(() => import("../interaction/OutlinePanel")),
  steps: lazy(() => import("./StepsPanel")),
};

export function PanelDrawer() {
  const panel = useView((state) => state.panel);
  if (!panel) return null;
  const Part = PARTS[panel];
  return (
    <section className={css.drawer} aria-label={t(`app.${panel}`)}>
      <header className={css.head}>
        <h2 className={css.title}>{t(`app.${panel}`)}</h2>
        <IconButton label={t("app.close")} icon={<X />} onClick={() => togglePanel(panel)} />
      </header>
      <div className={css.body}>
        <Boundary key={panel}>
          <Suspense>
            <Part />
          </Suspense>
        </Boundary>
      </div>
    </section>
  );
}
