/** Shows the one popup there is at a time (`openPopup`): of a field on the canvas, of a button in a bar. */
import { Popover } from "@base-ui/react/popover";
import { useMemo } from "react";
import { closePopup, useView } from "../state/view";
import css from "./PopupHost.module.css";

export function PopupHost() {
  const popup = useView((state) => state.popup);
  const anchor = useMemo(
    () => (popup ? { getBoundingClientRect: () => DOMRect.fromRect(popup.anchor) } : null),
    [popup],
  );
  if (!popup) return null;
  return (
    <Popover.Root open onOpenChange={(open) => (open ? undefined : closePopup())}>
      <Popover.Portal>
        <Popover.Positioner
          anchor={anchor}
          className={css.place}
          side="bottom"
          align="start"
          sideOffset={4}
          collisionPadding={8}
        >
          <Popover.Popup className={css.popup} aria-label={popup.label}>
            {popup.content}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
