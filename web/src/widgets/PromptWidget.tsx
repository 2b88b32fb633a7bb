/** A prompt: tinted text until somebody writes in it, then an editor that is loaded for the purpose. */
import { Maximize2 } from "lucide-react";
import { type DragEvent, lazy, Suspense, useId, useState } from "react";
import { useDocumentStore } from "../state/document";
import { readFile } from "../state/dragged";
import { showOverlay } from "../state/view";
import { t } from "../strings/t";
import { tell, tellError } from "../ui/toasts";
import { FieldRow } from "./FieldRow";
import { HeightHandle } from "./HeightHandle";
import { PromptText } from "./PromptText";
import css from "./PromptWidget.module.css";
import { promptOfPicture } from "./promptOfPicture";
import { TokenCount } from "./TokenCount";
import { labelOf, type WidgetProps } from "./widget";

const loadEditor = () => import("./PromptEditor");
const PromptEditor = lazy(loadEditor);
const PromptDialog = lazy(() => import("./PromptDialog"));

/** Where the editor is to have its caret: where the pointer was; at the end, by the keyboard. */
type Caret = { readonly x: number; readonly y: number } | null;

export function PromptWidget(props: WidgetProps) {
  const { node, input, value, onChange, place } = props;
  const id = useId();
  const store = useDocumentStore();
  const [writing, setWriting] = useState<{ readonly caret: Caret } | null>(null);
  const text = typeof value === "string" ? value : "";
  const label = labelOf(input);

  const shown = (
    <PromptText
      id={id}
      label={label}
      text={text}
      onPointerEnter={() => void loadEditor()}
      onWrite={(caret) => setWriting({ caret })}
    />
  );
  const enlarge = (): void =>
    showOverlay({
      kind: "element",
      element: (
        <Suspense fallback={null}>
          <PromptDialog node={node} input={input} onClose={() => showOverlay(null)} />
        </Suspense>
      ),
    });

  /** A picture from a panel gives the prompt that it was made with. */
  const onDrop = (event: DragEvent): void => {
    const file = readFile(event.dataTransfer);
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    promptOfPicture(file).then((prompt) => {
      if (prompt === null) tell(t("widgets.noPrompt"));
      else onChange(prompt);
    }, tellError);
  };

  return (
    <FieldRow
      {...props}
      id={id}
      area={
        <div
          className={css.box}
          data-place={place}
          data-writing={writing !== null || undefined}
          onDropCapture={onDrop}
        >
          {writing ? (
            <Suspense fallback={shown}>
              <PromptEditor
                label={label}
                text={text}
                caret={writing.caret}
                onChange={(next) => onChange(next, { merge: true })}
                onUndo={() => store.undo()}
                onRedo={() => store.redo()}
                onLeave={() => setWriting(null)}
              />
            </Suspense>
          ) : (
            shown
          )}
          <span className={css.tools}>
            {writing ? <TokenCount text={text} /> : null}
            {place === "form" ? null : (
              <button
                type="button"
                className={css.button}
                tabIndex={-1}
                aria-label={t("widgets.fullScreen", { input: label })}
                title={t("widgets.fullScreen", { input: label })}
                onClick={enlarge}
              >
                <Maximize2 />
              </button>
            )}
          </span>
          {place === "node" ? <HeightHandle node={node} input={input} /> : null}
        </div>
      }
    />
  );
}
