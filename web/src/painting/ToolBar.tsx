/** The tools, one beneath the other. */
import {
  Brush,
  Eraser,
  Hand,
  Lasso,
  type LucideIcon,
  PaintBucket,
  Pipette,
  SquareDashed,
} from "lucide-react";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import css from "./ToolBar.module.css";
import { TOOL_KEYS } from "./toolKeys";
import { setTool, TOOLS, type Tool, useToolSettings } from "./toolSettings";

const ICONS = {
  brush: Brush,
  eraser: Eraser,
  fill: PaintBucket,
  lasso: Lasso,
  rectangle: SquareDashed,
  eyedropper: Pipette,
  hand: Hand,
} satisfies Record<Tool, LucideIcon>;

interface ToolBarProps {
  /** Only where there are colours. */
  readonly picksColours: boolean;
  /** Chosen with a pointer: the keyboard belongs to the picture again. */
  readonly onChosen: () => void;
}

export function ToolBar({ picksColours, onChosen }: ToolBarProps) {
  const chosen = useToolSettings((state) => state.tool);
  const tools = TOOLS.filter((tool) => picksColours || tool !== "eyedropper");
  return (
    <nav className={css.bar} aria-label={t("painting.tools")}>
      {tools.map((tool) => {
        const Icon = ICONS[tool];
        return (
          <IconButton
            key={tool}
            label={t(`painting.tool.${tool}`)}
            keys={TOOL_KEYS[tool]}
            icon={<Icon />}
            pressed={tool === chosen}
            side="right"
            className={css.tool}
            onClick={(event) => {
              setTool(tool);
              if (event.detail > 0) onChosen();
            }}
          />
        );
      })}
    </nav>
  );
}
