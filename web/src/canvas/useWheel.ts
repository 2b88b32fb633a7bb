/** Moves the view by the wheel. A field that has the keyboard keeps the wheel for itself. */
import { useStoreApi } from "@xyflow/react";
import { type RefObject, useEffect } from "react";
import { preferencesStore } from "../state/preferences";
import { meaningOf, turned, type WheelMemory } from "./wheel";

export function useWheel(element: RefObject<HTMLElement | null>): void {
  const flow = useStoreApi();
  useEffect(() => {
    const root = element.current;
    if (!root) return;
    let before: WheelMemory | null = null;
    const onWheel = (event: WheelEvent): void => {
      event.stopPropagation(); // React Flow's own wheel knows neither fields nor trackpads
      if (isOfField(event)) return;
      event.preventDefault();
      const { panZoom, transform } = flow.getState();
      const wheel = preferencesStore.getState().wheel;
      const meaning = meaningOf(event, wheel, event.timeStamp, before);
      before = { meaning, time: event.timeStamp };
      const { left, top } = root.getBoundingClientRect();
      const [x, y, zoom] = transform;
      const at = { x: event.clientX - left, y: event.clientY - top };
      void panZoom?.setViewport(turned({ x, y, zoom }, event, meaning, at));
    };
    root.addEventListener("wheel", onWheel, { capture: true, passive: false });
    return () => root.removeEventListener("wheel", onWheel, { capture: true });
  }, [element, flow]);
}

/** Whether the wheel is over a field that has the keyboard, or over something that scrolls by itself. */
function isOfField(event: WheelEvent): boolean {
  if (event.ctrlKey || event.metaKey) return false;
  const { activeElement } = document;
  return event
    .composedPath()
    .some(
      (part) =>
        part instanceof HTMLElement &&
        (part.classList.contains("nowheel") ||
          (part === activeElement && part.matches("input, textarea, select, [contenteditable]"))),
    );
}
