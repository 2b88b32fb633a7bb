/** The rail at the left: which panel is open. */
import {
  Boxes,
  Clock,
  HelpCircle,
  Images,
  ListTree,
  type LucideIcon,
  Package,
  Settings,
  Undo2,
  Workflow,
} from "lucide-react";
import { commandOf } from "../commands/all";
import { shown } from "../commands/keys";
import { keysOf } from "../commands/useKeymap";
import { type PanelId, showOverlay, togglePanel, useView } from "../state/view";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import css from "./Rail.module.css";

const PANELS: readonly { readonly id: PanelId; readonly Icon: LucideIcon }[] = [
  { id: "nodes", Icon: Boxes },
  { id: "workflows", Icon: Workflow },
  { id: "models", Icon: Package },
  { id: "gallery", Icon: Images },
  { id: "history", Icon: Clock },
  { id: "outline", Icon: ListTree },
  { id: "steps", Icon: Undo2 },
];

export function Rail() {
  const panel = useView((state) => state.panel);
  return (
    <nav className={css.rail} aria-label={t("app.panels")}>
      {PANELS.map(({ id, Icon }) => (
        <IconButton
          key={id}
          side="right"
          label={t(`app.${id}`)}
          icon={<Icon />}
          pressed={panel === id}
          keys={keysFor(`view.${id}`)}
          onClick={() => togglePanel(id)}
        />
      ))}
      <span className={css.gap} />
      <IconButton
        side="right"
        label={t("app.shortcuts")}
        icon={<HelpCircle />}
        keys="?"
        onClick={() => showOverlay({ kind: "shortcuts" })}
      />
      <IconButton
        side="right"
        label={t("app.settings")}
        icon={<Settings />}
        keys={keysFor("view.settings")}
        onClick={() => showOverlay({ kind: "settings" })}
      />
    </nav>
  );
}

function keysFor(id: string): string {
  const command = commandOf(id);
  return shown((command && keysOf(command)[0]) ?? "");
}
