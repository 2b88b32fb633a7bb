/** The dots behind the graph. They are one tile larger than the view and slide under it, so that nothing is drawn anew. */
import { useStoreApi } from "@xyflow/react";
import { useEffect, useRef } from "react";
import css from "./Canvas.module.css";

const GAP = 24;
/** On the screen, dots keep at least this distance. */
const LEAST = 14;

export function DotGrid() {
  const dots = useRef<HTMLDivElement>(null);
  const flow = useStoreApi();
  useEffect(() => {
    let shown = 0;
    const show = (): void => {
      const element = dots.current;
      if (!element) return;
      const [x, y, zoom] = flow.getState().transform;
      const gap = gapAt(zoom);
      if (gap !== shown) {
        element.style.backgroundSize = `${gap}px ${gap}px`;
        shown = gap;
      }
      element.style.transform = `translate(${mod(x, gap)}px, ${mod(y, gap)}px)`;
    };
    show();
    return flow.subscribe((state, before) => {
      if (state.transform !== before.transform) show();
    });
  }, [flow]);
  return <div ref={dots} className={css.dots} aria-hidden="true" />;
}

function gapAt(zoom: number): number {
  let gap = GAP * zoom;
  while (gap < LEAST) gap *= 2;
  return gap;
}

const mod = (value: number, by: number): number => (((value % by) + by) % by) - by;
