/** Menus as data: of a button, or of the place where somebody asked for one. */
import { Menu as Base } from "@base-ui/react/menu";
import { Check, ChevronRight } from "lucide-react";
import { Fragment, type ReactElement, type ReactNode } from "react";
import css from "./Menu.module.css";

export type MenuEntry =
  | "separator"
  | {
      readonly label: string;
      readonly keys?: string;
      readonly icon?: ReactNode;
      readonly checked?: boolean;
      readonly disabled?: boolean;
      readonly danger?: boolean;
      readonly run?: () => void;
      readonly entries?: readonly MenuEntry[];
    };

interface MenuProps {
  readonly entries: readonly MenuEntry[];
  readonly trigger: ReactElement;
}

/** A menu that opens from a button. */
export function Menu({ entries, trigger }: MenuProps) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <MenuPopup entries={entries} />
    </Base.Root>
  );
}

interface MenuAtProps {
  readonly entries: readonly MenuEntry[];
  /** Where on the screen. */
  readonly at: { readonly x: number; readonly y: number };
  readonly onClose: () => void;
}

/** A menu at a place on the screen: a context menu. */
export function MenuAt({ entries, at, onClose }: MenuAtProps) {
  const anchor = { getBoundingClientRect: () => new DOMRect(at.x, at.y, 0, 0) };
  return (
    <Base.Root open onOpenChange={(open) => (open ? undefined : onClose())}>
      <MenuPopup entries={entries} anchor={anchor} />
    </Base.Root>
  );
}

function MenuPopup({
  entries,
  anchor,
}: {
  readonly entries: readonly MenuEntry[];
  readonly anchor?: { getBoundingClientRect: () => DOMRect };
}) {
  return (
    <Base.Portal>
      <Base.Positioner
        className={css.place}
        sideOffset={4}
        align="start"
        {...(anchor ? { anchor } : {})}
      >
        <Base.Popup className={css.popup}>
          <Entries entries={entries} />
        </Base.Popup>
      </Base.Positioner>
    </Base.Portal>
  );
}

function Entries({ entries }: { readonly entries: readonly MenuEntry[] }) {
  const hasIcons = entries.some(
    (entry) => entry !== "separator" && (entry.icon !== undefined || entry.checked !== undefined),
  );
  return entries.map((entry, place) => {
    // biome-ignore lint/suspicious/noArrayIndexKey: the entries of a menu stay as they are while it is open
    if (entry === "separator") return <Base.Separator key={place} className={css.separator} />;
    return (
      <Fragment key={entry.label}>
        {entry.entries ? submenu(entry, hasIcons) : item(entry, hasIcons)}
      </Fragment>
    );
  });
}

/** hasIcons: whether its menu keeps room for icons. */
function item(entry: Exclude<MenuEntry, "separator">, hasIcons: boolean) {
  return (
    <Base.Item
      className={css.item}
      data-danger={entry.danger || undefined}
      disabled={entry.disabled ?? false}
      onClick={entry.run}
    >
      {hasIcons ? <span className={css.icon}>{entry.checked ? <Check /> : entry.icon}</span> : null}
      <span className={css.label}>{entry.label}</span>
      {entry.keys ? <kbd className={css.keys}>{entry.keys}</kbd> : null}
    </Base.Item>
  );
}

function submenu(entry: Exclude<MenuEntry, "separator">, hasIcons: boolean) {
  return (
    <Base.SubmenuRoot>
      <Base.SubmenuTrigger className={css.item} disabled={entry.disabled ?? false}>
        {hasIcons ? <span className={css.icon}>{entry.icon}</span> : null}
        <span className={css.label}>{entry.label}</span>
        <ChevronRight className={css.arrow} />
      </Base.SubmenuTrigger>
      <MenuPopup entries={entry.entries ?? []} />
    </Base.SubmenuRoot>
  );
}
