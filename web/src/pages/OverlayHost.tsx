/** Shows the dialog or page over the editor that was asked for (`showOverlay`). Each is loaded when it is first needed. */
import type { ComponentType } from "react";
import { type Overlay, showOverlay, useView } from "../state/view";
import { Boundary } from "../ui/Boundary";
import { onDemand } from "../ui/onDemand";

export interface OverlayProps {
  readonly onClose: () => void;
  /** What was asked for. */
  readonly overlay: Overlay;
}

type Kind = Exclude<Overlay["kind"], "element">;

const PARTS: Readonly<Record<Kind, ComponentType<OverlayProps>>> = {
  commands: onDemand(() => import("../interaction/CommandList")),
  shortcuts: onDemand(() => import("../interaction/Shortcuts")),
  settings: onDemand(() => import("../panels/Settings")),
  templates: onDemand(() => import("../documents/Templates")),
  open: onDemand(() => import("../documents/OpenDialog")),
  save: onDemand(() => import("../documents/SaveDialog")),
  find: onDemand(() => import("../interaction/Find")),
  grid: onDemand(() => import("../results/GridDialog")),
};

export function OverlayHost() {
  const overlay = useView((state) => state.overlay);
  if (!overlay) return null;
  const close = (): void => showOverlay(null);
  if (overlay.kind === "element") return overlay.element;
  const Part = PARTS[overlay.kind];
  return (
    <Boundary key={overlay.kind}>
      <Part onClose={close} overlay={overlay} />
    </Boundary>
  );
}
