/** Keeps the view of a graph in its document, a moment after it stands still. */
import { useStoreApi } from "@xyflow/react";
import { useEffect } from "react";
import type { DocumentStore } from "../state/document";

const REST = 250;

export function useKeptViewport(store: DocumentStore): void {
  const flow = useStoreApi();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const graph = store.getState().where.join("/");
    const keep = (): void => {
      timer = undefined;
      const [x, y, zoom] = flow.getState().transform;
      store.setState(({ viewports }) => ({ viewports: { ...viewports, [graph]: { x, y, zoom } } }));
    };
    const unsubscribe = flow.subscribe((state, before) => {
      if (state.transform === before.transform) return;
      clearTimeout(timer);
      timer = setTimeout(keep, REST);
    });
    return () => {
      unsubscribe();
      if (timer !== undefined) {
        clearTimeout(timer);
        keep();
      }
    };
  }, [flow, store]);
}
