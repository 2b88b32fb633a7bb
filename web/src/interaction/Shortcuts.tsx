/** All keys and gestures on one page. Keys can be changed here; two commands on one key are told. */
import { Search } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { allCommands } from "../commands/all";
import type { Command } from "../commands/command";
import { pressed, shown } from "../commands/keys";
import { ranked, searchable } from "../graph/rank";
import type { OverlayProps } from "../pages/OverlayHost";
import { setPreferences, usePreference } from "../state/preferences";
import type { StringKey } from "../strings/t";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import css from "./Shortcuts.module.css";

const GESTURES: readonly StringKey[] = [
  "search.gesture.pan",
  "search.gesture.box",
  "search.gesture.void",
  "search.gesture.splice",
  "search.gesture.move",
  "search.gesture.second",
  "search.gesture.break",
  "search.gesture.dot",
  "search.gesture.cut",
  "search.gesture.copy",
  "search.gesture.scrub",
  "search.gesture.topology",
];

const AREAS: Readonly<Record<string, StringKey>> = {
  documents: "search.area.document",
  document: "search.area.document",
  graph: "search.area.edit",
  edit: "search.area.edit",
  select: "search.area.select",
  walk: "search.area.select",
  run: "search.area.run",
  view: "search.area.view",
  result: "search.area.result",
};

export default function Shortcuts({ onClose }: OverlayProps) {
  const [query, setQuery] = useState("");
  const candidates = allCommands.map((item) => ({
    item,
    texts: [searchable(t(item.title)), ...(item.keys ?? []).map(searchable)],
  }));
  const areas = Map.groupBy(
    ranked(query, candidates),
    (command) => AREAS[command.id.split(".")[0] ?? ""] ?? "search.area.other",
  );
  const gestures = GESTURES.filter((key) =>
    t(key).toLowerCase().includes(query.trim().toLowerCase()),
  );
  return (
    <Dialog title={t("search.keysTitle")} onClose={onClose} size="wide">
      <TextField
        className={css.search}
        label={t("search.keysHere")}
        hideLabel
        icon={<Search />}
        placeholder={t("search.keysHere")}
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      <div className={css.areas}>
        {[...areas].map(([area, commands]) => (
          <section key={area} className={css.area}>
            <h3 className={css.heading}>{t(area)}</h3>
            <ul className={css.list}>
              {commands.map((command) => (
                <Row key={command.id} command={command} />
              ))}
            </ul>
          </section>
        ))}
        {gestures.length ? (
          <section className={css.area}>
            <h3 className={css.heading}>{t("search.gestures")}</h3>
            <ul className={css.list}>
              {gestures.map((key) => (
                <li key={key} className={css.gesture}>
                  {t(key)}
                </li>
              ))}
            </ul>
          </section>
        ) : null}
      </div>
    </Dialog>
  );
}

function Row({ command }: { readonly command: Command }) {
  const own = usePreference("keys");
  const [isAsking, setAsking] = useState(false);
  const keys = own[command.id] ?? command.keys ?? [];
  const title = t(command.title);
  const rival = rivalOf(command, keys, own);
  const set = (next: readonly string[] | null): void => {
    const { [command.id]: _, ...rest } = own;
    setPreferences({ keys: next ? { ...rest, [command.id]: next } : rest });
    setAsking(false);
  };
  const listen = (event: KeyboardEvent): void => {
    if (!isAsking) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") setAsking(false);
    else if (event.key === "Backspace") set([]);
    else if (!["Control", "Shift", "Alt", "Meta"].includes(event.key))
      set([pressed(event.nativeEvent)]);
  };
  return (
    <li className={css.row}>
      <span>
        {title}
        {rival ? (
          <small className={css.rival}>{t("search.keysTaken", { command: t(rival.title) })}</small>
        ) : null}
      </span>
      {own[command.id] ? (
        <Button look="quiet" onClick={() => set(null)}>
          {t("search.keysReset")}
        </Button>
      ) : null}
      <button
        type="button"
        className={css.keys}
        onClick={() => setAsking(true)}
        onBlur={() => setAsking(false)}
        onKeyDown={listen}
      >
        <span className="visually-hidden">{t("search.keysOf", { command: title })}: </span>
        {isAsking
          ? t("search.keysChange")
          : keys.length
            ? keys.map((key) => <kbd key={key}>{shown(key)}</kbd>)
            : "–"}
      </button>
    </li>
  );
}

/** Another command that one of the keys would also mean. */
function rivalOf(
  command: Command,
  keys: readonly string[],
  own: Readonly<Record<string, readonly string[]>>,
): Command | undefined {
  return allCommands.find(
    (other) =>
      other !== command && (own[other.id] ?? other.keys ?? []).some((key) => keys.includes(key)),
  );
}
