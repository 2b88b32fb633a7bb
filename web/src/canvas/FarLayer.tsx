/**
 * The graph seen from far away, on one canvas: too many nodes for elements of the page. It is drawn when something
 * changes, and never else.
 */
import { useStoreApi } from "@xyflow/react";
import { type RefObject, useEffect, useRef } from "react";
import { useStore } from "zustand";
import { pathOf } from "../graph/workflow";
import { canvas as currentCanvas } from "../state/canvas";
import { useDocumentStore } from "../state/document";
import { previewOf } from "../state/previews";
import { problemsOf, problemsStore } from "../state/problems";
import { runsStore } from "../state/runStore";
import { nodeRunOf } from "../state/runs";
import { attentionStore, hoverNode } from "./attention";
import css from "./Canvas.module.css";
import { drawFar, type FarView } from "./drawFar";
import type { Scene, SceneLook } from "./scene";
import { onTheme } from "./themeColors";
import { thumbnailOf } from "./thumbnails";

interface FarLayerProps {
  readonly scene: Scene;
  readonly look: SceneLook;
  /** The element over which the pointer moves. */
  readonly around: RefObject<HTMLElement | null>;
}

export function FarLayer({ scene, look, around }: FarLayerProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const flow = useStoreApi();
  const store = useDocumentStore();
  const hovered = useStore(attentionStore, (state) => state.hovered);

  useEffect(() => {
    let frame = 0;
    const paint = (): void => {
      frame = 0;
      const element = canvas.current;
      const draw = element?.getContext("2d");
      if (!element || !draw) return;
      const { transform, width, height } = flow.getState();
      const [x, y, zoom] = transform;
      const density = window.devicePixelRatio;
      const [w, h] = [Math.round(width * density), Math.round(height * density)];
      if (element.width !== w || element.height !== h) {
        element.width = w;
        element.height = h;
      }
      const { id: document, where, selection } = store.getState();
      const problems = problemsOf(document).byNode;
      const prefix = pathOf(where, "");
      const view: FarView = {
        scene,
        look,
        viewport: { x, y, zoom },
        width,
        height,
        density,
        selection,
        hovered,
        stateOf: (node) => {
          const path = prefix + node;
          const run = nodeRunOf(document, path);
          const file = run?.state === "running" ? undefined : run?.files[0];
          return {
            run,
            hasError: problems[path]?.some(({ severity }) => severity === "error") ?? false,
            picture: file ? thumbnailOf(file, soon) : previewOf(document, path),
          };
        },
      };
      drawFar(draw, view);
    };
    const soon = (): void => {
      frame ||= requestAnimationFrame(paint);
    };
    paint();
    const ends = [
      flow.subscribe((state, before) => {
        if (
          state.transform !== before.transform ||
          state.width !== before.width ||
          state.height !== before.height
        )
          soon();
      }),
      store.subscribe((state, before) => {
        if (state.selection !== before.selection) soon();
      }),
      runsStore.subscribe(soon),
      problemsStore.subscribe(soon),
      onTheme(soon),
    ];
    return () => {
      cancelAnimationFrame(frame);
      for (const end of ends) end();
    };
  }, [flow, store, scene, look, hovered]);

  useEffect(() => {
    const root = around.current;
    if (!root) return;
    const onMove = (event: PointerEvent): void =>
      hoverNode(currentCanvas()?.nodeAt({ x: event.clientX, y: event.clientY }) ?? null);
    root.addEventListener("pointermove", onMove);
    return () => {
      root.removeEventListener("pointermove", onMove);
      hoverNode(null);
    };
  }, [around]);

  return <canvas ref={canvas} className={css.far} />;
}
