/** The choices of an input, to be searched: by name over all folders, with those starred and taken lately on top. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { ListFilter, ListFilterPlus, Search, Star, X } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import type { InputSpec } from "../graph/catalogue";
import { filtered } from "../graph/fieldLayout";
import type { NodeId } from "../graph/workflow";
import { loadChoices } from "../state/choices";
import { usePreference } from "../state/preferences";
import { t } from "../strings/t";
import { classes } from "../ui/classes";
import { IconButton } from "../ui/IconButton";
import css from "./ChoicePopup.module.css";
import { foldersOf, memoryOf, pictureOf, useChoiceList } from "./choiceList";
import { type ChoiceRow, choiceRows } from "./choiceRows";
import { MissingChoice } from "./MissingChoice";
import { isLayer } from "./paintingOf";
import { toggleStar } from "./remembered";
import { useFilter, useSetFilter } from "./useFilter";
import { useLastFolder } from "./useLastFolder";
import { labelOf } from "./widget";

interface ChoicePopupProps {
  readonly node: NodeId;
  readonly input: InputSpec;
  readonly value: string;
  /** What has been typed already. */
  readonly query?: string;
  readonly onChoose: (name: string) => void;
}

/** Fewer choices are seen at a glance. */
const SEARCHED = 9;
const HEADING = 24;
const LINE = 28;
const TILE = 112;
const COLUMNS = 3;
const NONE: readonly string[] = [];

export default function ChoicePopup({
  node,
  input,
  value,
  query: typed = "",
  onChoose,
}: ChoicePopupProps) {
  const [query, setQuery] = useState(typed);
  const filter = useFilter(node, input);
  const setFilter = useSetFilter(node, input);
  const [active, setActive] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const id = useId();
  const { names, failure } = useChoiceList(input);
  const key = memoryOf(input);
  const starred = usePreference("starred")[key ?? ""] ?? NONE;
  const recent = usePreference("recent")[key ?? ""] ?? NONE;

  // The popup was open before this part of it was loaded, and gave the keyboard to itself.
  useEffect(() => search.current?.focus(), []);

  const { source } = input;
  useEffect(() => {
    if (source !== null) void loadChoices(source); // somebody may have put a file there meanwhile
  }, [source]);

  const all = useMemo(
    () => (source === "input" ? names?.filter((name) => !isLayer(name)) : names) ?? NONE,
    [names, source],
  );
  const known = useMemo(() => filtered(all, filter), [all, filter]);
  const hasPictures = known[0] !== undefined && pictureOf(input, known[0]) !== null;
  const columns = hasPictures ? COLUMNS : 1;
  const folders = useMemo(() => foldersOf(known), [known]);
  const [folder, setFolder] = useLastFolder(key, folders);
  const rows = useMemo(
    () => choiceRows({ names: known, query, folder, starred, recent, columns }),
    [known, query, folder, starred, recent, columns],
  );
  const order = useMemo(
    () => rows.flatMap((row) => (row.kind === "choices" ? row.names : [])),
    [rows],
  );
  const isMissing = value !== "" && names !== null && !names.includes(value);
  const current =
    active !== null && order.includes(active) ? active : firstOf(order, value, query, isMissing);
  const place = rows.findIndex(
    (row) => row.kind === "choices" && row.names.includes(current ?? ""),
  );

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => list.current,
    estimateSize: (index) =>
      rows[index]?.kind === "heading" ? HEADING : hasPictures ? TILE : LINE,
    overscan: 6,
    initialRect: { width: 320, height: 360 },
  });
  const { scrollToIndex } = virtual;
  useEffect(() => {
    if (place >= 0) scrollToIndex(place, { align: "auto" });
  }, [place, scrollToIndex]);

  const move = (by: number): void => {
    const at = current === null ? -1 : order.indexOf(current);
    const next = order[Math.min(order.length - 1, Math.max(0, at + by))];
    if (next !== undefined) setActive(next);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = MOVES[event.key];
    if (by) move(by * (Math.abs(by) === 1 ? columns : 1));
    else if (hasPictures && query === "" && event.key === "ArrowRight") move(1);
    else if (hasPictures && query === "" && event.key === "ArrowLeft") move(-1);
    else if (event.key === "Enter" && current !== null) onChoose(current);
    else if (event.altKey && event.code === "KeyS" && current !== null) toggleStar(input, current);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className={css.popup} data-pictures={hasPictures || undefined}>
      <label className={all.length >= SEARCHED || query ? css.search : "visually-hidden"}>
        <Search aria-hidden="true" />
        <span className="visually-hidden">{t("widgets.search")}</span>
        <input
          ref={search}
          className={css.query}
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={current === null ? undefined : optionId(id, order, current)}
          autoComplete="off"
          spellCheck={false}
          placeholder={t("widgets.search")}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(null);
          }}
          onKeyDown={onKeyDown}
        />
        {query.trim() === "" ? null : (
          <IconButton
            icon={<ListFilterPlus />}
            label={t("widgets.keepFilter", { query: query.trim() })}
            onClick={() => {
              setFilter(`${filter} ${query}`.trim());
              setQuery("");
              search.current?.focus();
            }}
          />
        )}
      </label>
      {filter ? (
        <div className={css.folders}>
          <button
            type="button"
            className={css.chip}
            aria-pressed
            title={t("widgets.dropFilter")}
            aria-label={t("widgets.dropFilterOf", { filter })}
            onClick={() => {
              setFilter(undefined);
              search.current?.focus();
            }}
          >
            <ListFilter aria-hidden="true" />
            {filter}
            <X aria-hidden="true" />
          </button>
        </div>
      ) : null}
      {isMissing && query === "" ? (
        <div className={css.missing}>
          <MissingChoice
            input={input}
            name={value}
            onChoose={onChoose}
            onOther={() => search.current?.focus()}
          />
        </div>
      ) : null}
      {folders.length > 0 ? (
        <div className={css.folders}>
          {["", ...folders].map((one) => (
            <button
              key={one}
              type="button"
              className={css.chip}
              aria-pressed={folder === one}
              onClick={() => setFolder(one)}
            >
              {one || t("widgets.allFolders")}
            </button>
          ))}
        </div>
      ) : null}
      {order.length === 0 ? (
        <p className={css.empty}>{failure || emptyText(input, names, query || filter)}</p>
      ) : null}
      <div
        ref={list}
        id={`${id}-list`}
        className={css.list}
        role="listbox"
        aria-label={labelOf(input)}
        tabIndex={-1}
      >
        <div className={css.whole} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start, size }) => {
            const row = rows[index];
            if (!row) return null;
            return (
              <div
                key={index}
                className={css.row}
                role="presentation"
                style={{ height: size, transform: `translateY(${start}px)` }}
              >
                <Row
                  row={row}
                  input={input}
                  value={value}
                  current={current}
                  starred={key === null ? null : starred}
                  idOf={(name) => optionId(id, order, name)}
                  onChoose={onChoose}
                />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

const MOVES: Readonly<Record<string, number>> = {
  ArrowDown: 1,
  ArrowUp: -1,
  PageDown: 10,
  PageUp: -10,
};

interface RowProps {
  readonly row: ChoiceRow;
  readonly input: InputSpec;
  readonly value: string;
  readonly current: string | null;
  /** null: these choices cannot be starred. */
  readonly starred: readonly string[] | null;
  readonly idOf: (name: string) => string;
  readonly onChoose: (name: string) => void;
}

function Row({ row, input, value, current, starred, idOf, onChoose }: RowProps) {
  if (row.kind === "heading") return <div className={css.heading}>{t(row.title)}</div>;
  return row.names.map((name) => (
    <Option
      key={name}
      id={idOf(name)}
      name={name}
      picture={pictureOf(input, name)}
      isChosen={name === value}
      isCurrent={name === current}
      isStarred={starred === null ? null : starred.includes(name)}
      onChoose={() => onChoose(name)}
      onStar={() => toggleStar(input, name)}
    />
  ));
}

interface OptionProps {
  readonly id: string;
  readonly name: string;
  readonly picture: string | null;
  readonly isChosen: boolean;
  readonly isCurrent: boolean;
  readonly isStarred: boolean | null;
  readonly onChoose: () => void;
  readonly onStar: () => void;
}

function Option(props: OptionProps) {
  const { id, name, picture, isChosen, isCurrent, isStarred, onChoose, onStar } = props;
  const slash = name.lastIndexOf("/") + 1;
  return (
    <div
      className={classes(css.option, picture !== null && css.tile)}
      role="presentation"
      data-current={isCurrent || undefined}
      data-chosen={isChosen || undefined}
    >
      {/* biome-ignore lint/a11y/useFocusableInteractive: the search has the keyboard and names the active option */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: keys are those of the search */}
      <div
        id={id}
        className={css.name}
        role="option"
        aria-selected={isChosen}
        title={name}
        onClick={onChoose}
      >
        {picture === null ? null : (
          <img className={css.picture} src={picture} alt="" loading="lazy" decoding="async" />
        )}
        <span className={css.text}>
          <span className={css.path}>{name.slice(0, slash)}</span>
          {name.slice(slash)}
        </span>
      </div>
      {isStarred === null ? null : (
        <span
          className={css.star}
          aria-hidden="true"
          title={t(isStarred ? "widgets.unstar" : "widgets.star", { name })}
          data-on={isStarred || undefined}
          onClick={onStar}
        >
          <Star fill={isStarred ? "currentColor" : "none"} />
        </span>
      )}
    </div>
  );
}

function optionId(id: string, order: readonly string[], name: string): string {
  return `${id}-${order.indexOf(name)}`;
}

/**
 * What Enter takes before anything was moved: the best found, else what is chosen already. Nothing where that is
 * missing: no key pressed once too often is to replace it.
 */
function firstOf(
  order: readonly string[],
  value: string,
  query: string,
  isMissing: boolean,
): string | null {
  if (query.trim() === "" && (isMissing || order.includes(value))) return isMissing ? null : value;
  return order[0] ?? null;
}

function emptyText(input: InputSpec, names: readonly string[] | null, query: string): string {
  if (names === null) return t("widgets.loading");
  if (query.trim() !== "") return t("widgets.noMatch");
  return input.source ? t("widgets.noFiles", { source: input.source }) : t("widgets.noChoices");
}
