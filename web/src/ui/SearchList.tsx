/** A search field with a list under it: type, move with the arrows, choose with Enter. Draws only the rows in view. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { Search } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import css from "./SearchList.module.css";

interface SearchListProps<T> {
  readonly label: string;
  readonly placeholder: string;
  readonly query: string;
  readonly onQuery: (query: string) => void;
  /** What answers the query, the best first. */
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  readonly row: (item: T) => ReactNode;
  readonly onChoose: (item: T, event: { readonly shiftKey: boolean }) => void;
  readonly onClose: () => void;
  /** Stands where nothing answers. */
  readonly nothing: string;
  /** At the right of the field, beside the list, and under it. */
  readonly count?: string;
  readonly aside?: (item: T | undefined) => ReactNode;
  readonly footer?: ReactNode;
}

const ROW = 30;

export function SearchList<T>(props: SearchListProps<T>) {
  const { items, query, keyOf, onChoose } = props;
  const id = useId();
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const place = Math.max(0, Math.min(at, items.length - 1));
  const chosen = items[place];
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => list.current,
    estimateSize: () => ROW,
    overscan: 4,
    initialRect: { width: 320, height: 320 },
  });

  useEffect(() => input.current?.focus(), []);

  const moveTo = (next: number): void => {
    const inside = Math.max(0, Math.min(next, items.length - 1));
    setAt(inside);
    rows.scrollToIndex(inside);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = MOVES[event.key];
    if (by !== undefined) moveTo(place + by);
    else if (event.key === "Enter") {
      if (chosen !== undefined) onChoose(chosen, event);
    } else if (event.key === "Escape") props.onClose();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className={css.search}>
      <label className={css.field}>
        <Search />
        <input
          ref={input}
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={chosen === undefined ? undefined : `${id}-${place}`}
          aria-label={props.label}
          placeholder={props.placeholder}
          value={query}
          autoComplete="off"
          spellCheck={false}
          onKeyDown={onKeyDown}
          onChange={(event) => {
            props.onQuery(event.target.value);
            setAt(0);
            list.current?.scrollTo({ top: 0 });
          }}
        />
        {props.count ? <span className={css.count}>{props.count}</span> : null}
      </label>
      <div className={css.parts}>
        <div ref={list} className={css.list}>
          <div
            id={`${id}-list`}
            role="listbox"
            aria-label={props.label}
            className={css.rows}
            style={{ height: rows.getTotalSize() }}
          >
            {rows.getVirtualItems().map(({ index, start }) => {
              const item = items[index];
              return item === undefined ? null : (
                // biome-ignore lint/a11y/useKeyWithClickEvents: the search field has the keyboard
                <div
                  key={keyOf(item)}
                  id={`${id}-${index}`}
                  role="option"
                  aria-selected={index === place}
                  aria-posinset={index + 1}
                  aria-setsize={items.length}
                  tabIndex={-1}
                  className={css.row}
                  style={{ top: start, height: ROW }}
                  onPointerMove={() => setAt(index)}
                  onClick={(event) => onChoose(item, event)}
                >
                  {props.row(item)}
                </div>
              );
            })}
          </div>
          {items.length === 0 ? <p className={css.nothing}>{props.nothing}</p> : null}
        </div>
        {props.aside ? <div className={css.aside}>{props.aside(chosen)}</div> : null}
      </div>
      {props.footer ? <footer className={css.footer}>{props.footer}</footer> : null}
    </div>
  );
}

const MOVES: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 10,
  PageUp: -10,
};
