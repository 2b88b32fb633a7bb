/** Shows the one popup there is at a time (`openPopup`): of a field on the canvas, of a button in a bar. */
import { useView } from "../state/view";
import { onDemand } from "./onDemand";

const OpenPopup = onDemand(() => import("./OpenPopup"));

export function PopupHost() {
  const popup = useView((state) => state.popup);
  return popup ? <OpenPopup popup={popup} /> : null;
}
