/** Brings a node into view, inside whatever subgraph it is, and gives it the keyboard. */
import { canvas } from "../state/canvas";
import type { DocumentStore } from "../state/document";
import type { NodePlace } from "./problemPlace";

export function jumpTo(store: DocumentStore, { where, node }: NodePlace, input?: string): void {
  const isElsewhere = where.join("/") !== store.getState().where.join("/");
  if (isElsewhere) store.goTo(where);
  store.select({ nodes: new Set([node]) });
  afterFrames(isElsewhere ? 3 : 1, () => {
    const there = canvas();
    there?.fit([node], { animated: !isElsewhere, closest: 1 });
    there?.focusNode(node, input);
  });
}

/** The canvas shows another graph a few frames after it was asked to. */
function afterFrames(count: number, then: () => void): void {
  if (count === 0) then();
  else requestAnimationFrame(() => afterFrames(count - 1, then));
}
