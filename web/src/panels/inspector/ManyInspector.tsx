/** Several nodes: what can be done with all of them. */
import { commandOf, isAvailable, runCommand } from "../../commands/all";
import type { NodeId } from "../../graph/workflow";
import { t } from "../../strings/t";
import { Button } from "../../ui/Button";
import css from "./inspector.module.css";
import { ModeButtons } from "./ModeButtons";
import { NodeColor } from "./NodeColor";

const ACTIONS = [
  "graph.frame",
  "graph.wrap",
  "graph.duplicate",
  "graph.arrange",
  "graph.alignLeft",
  "graph.alignTop",
  "graph.distributeX",
  "graph.distributeY",
  "graph.remove",
] as const;

export function ManyInspector({ nodes }: { readonly nodes: readonly NodeId[] }) {
  return (
    <div className={css.panel}>
      <div className={css.head}>
        <h3 className={css.heading}>{t("widgets.selectedCount", { count: nodes.length })}</h3>
        <ModeButtons nodes={nodes} />
        <NodeColor nodes={nodes} />
        <div className={css.line}>
          {ACTIONS.map((id) => {
            const command = commandOf(id);
            if (!command || !isAvailable(command)) return null;
            return (
              <Button key={id} onClick={() => runCommand(id)}>
                {t(command.title)}
              </Button>
            );
          })}
        </div>
      </div>
    </div>
  );
}
