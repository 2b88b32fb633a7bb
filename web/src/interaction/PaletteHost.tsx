/** Shows the search for a node type while it is asked for. */
import { lazy, Suspense } from "react";
import { useStore } from "zustand";
import { paletteStore } from "./paletteStore";

const Palette = lazy(() => import("./Palette"));

export function PaletteHost() {
  const request = useStore(paletteStore, (state) => state.request);
  return request ? (
    <Suspense>
      <Palette request={request} />
    </Suspense>
  ) : null;
}
