/** What `openPopup` asked for, at its anchor. */
import { Popover } from "@base-ui/react/popover";
import { useMemo } from "react";
import { closePopup, type Popup } from "../state/view";
import css from "./OpenPopup.module.css";

export default function OpenPopup({ popup }: { readonly popup: Popup }) {
  const anchor = useMemo(
    () => ({ getBoundingClientRect: () => DOMRect.fromRect(popup.anchor) }),
    [popup],
  );
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
