/** Shows the search for a node type while it is asked for. */
import { useStore } from "zustand";
import { onDemand } from "../ui/onDemand";
import { paletteStore } from "./paletteStore";

const Palette = onDemand(() => import("./Palette"));

export function PaletteHost() {
  const request = useStore(paletteStore, (state) => state.request);
  return request ? <Palette request={request} /> : null;
}
