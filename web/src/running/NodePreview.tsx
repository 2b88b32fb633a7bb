/** What a node shows: the picture in the making while it runs, then what it made. It fills the box it stands in. */
import { usePartOfNodeRun } from "../state/runs";
import { NodeFiles } from "./NodeFiles";
import css from "./NodePreview.module.css";
import { PreviewCanvas } from "./PreviewCanvas";

export function NodePreview({ path }: { readonly path: string }) {
  const state = usePartOfNodeRun(path, (run) => run?.state);
  const files = usePartOfNodeRun(path, (run) => run?.files);
  const text = textOf(usePartOfNodeRun(path, (run) => run?.outputs.text));
  const isMaking = state === "running";
  if (!isMaking && files && files.length > 0)
    return <NodeFiles path={path} files={files} isOld={state === "waiting"} />;
  if (!isMaking && text !== null) return <pre className={css.text}>{text}</pre>;
  return <PreviewCanvas path={path} />;
}

/** The lines of a text that a node shows; null where it shows none. */
export function textOf(text: unknown): string | null {
  if (typeof text === "string") return text;
  if (!Array.isArray(text) || !text.every((line) => typeof line === "string")) return null;
  return text.join("\n");
}
