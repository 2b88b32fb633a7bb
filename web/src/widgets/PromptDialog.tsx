/** A prompt in the whole window. */
import type { InputSpec } from "../graph/catalogue";
import { type NodeId, settingOf } from "../graph/workflow";
import { shownGraph, useDocument, useDocumentStore } from "../state/document";
import { Dialog } from "../ui/Dialog";
import { useChangeInput } from "./NodeWidget";
import css from "./PromptDialog.module.css";
import PromptEditor from "./PromptEditor";
import { TokenCount } from "./TokenCount";
import { labelOf } from "./widget";

interface PromptDialogProps {
  readonly node: NodeId;
  readonly input: InputSpec;
  readonly onClose: () => void;
}

export default function PromptDialog({ node, input, onClose }: PromptDialogProps) {
  const store = useDocumentStore();
  const held = useDocument((state) =>
    settingOf(shownGraph(state).nodes[node]?.inputs?.[input.name]),
  );
  const value = held === undefined ? input.default : held;
  const text = typeof value === "string" ? value : "";
  const onChange = useChangeInput(node, input);
  return (
    <Dialog
      title={labelOf(input)}
      size="wide"
      onClose={onClose}
      actions={<TokenCount text={text} />}
    >
      <div className={css.box}>
        <PromptEditor
          label={labelOf(input)}
          text={text}
          caret={null}
          onChange={(next) => onChange(next, { merge: true })}
          onUndo={() => store.undo()}
          onRedo={() => store.redo()}
          onLeave={() => undefined}
        />
      </div>
    </Dialog>
  );
}
