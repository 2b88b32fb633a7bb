/** Shows the dialog or page over the editor that was asked for (`showOverlay`). Each is loaded when it is first needed. */
import { type ComponentType, type LazyExoticComponent, lazy, Suspense } from "react";
import { type Overlay, showOverlay, useView } from "../state/view";
import { Boundary } from "../ui/Boundary";

export interface OverlayProps {
  readonly onClose: () => void;
  /** What was asked for. */
  readonly overlay: Overlay;
}

type Kind = Exclude<Overlay["kind"], "element">;

const PARTS: Readonly<Record<Kind, LazyExoticComponent<ComponentType<OverlayProps>>>> = {
  commands: lazy(() => import("../interaction/CommandList")),
  shortcuts: lazy(() => import("../interaction/Shortcuts")),
  settings: lazy(() => import("../panels/Settings")),
  templates: lazy(() => import("../documents/Templates")),
  open: lazy(() => import("../documents/OpenDialog")),
  save: lazy(() => import("../documents/SaveDialog")),
  find: lazy(() => import("../interaction/Find")),
  grid: lazy(() => import("../results/GridDialog")),
};

export function OverlayHost() {
  const overlay = useView((state) => state.overlay);
  if (!overlay) return null;
  const close = (): void => showOverlay(null);
  if (overlay.kind === "element") return overlay.element;
  const Part = PARTS[overlay.kind];
  return (
    <Boundary key={overlay.kind}>
      <Suspense>
        <Part onClose={close} overlay={overlay} />
      </Suspense>
    </Boundary>
  );
}
