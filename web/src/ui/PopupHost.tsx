/** Shows the one popup there is at a time (`openPopup`): of a field on the canvas, of a button in a bar. */
import { lazy, Suspense } from "react";
import { useView } from "../state/view";

const OpenPopup = lazy(() => import("./OpenPopup"));

export function PopupHost() {
  const popup = useView((state) => state.popup);
  return popup ? (
    <Suspense>
      <OpenPopup popup={popup} />
    </Suspense>
  ) : null;
}
