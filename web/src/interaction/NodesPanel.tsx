/** All node types by category: to browse, to pin, to drag onto the canvas. */
import { Pin, PinOff, Search } from "lucide-react";
import { type DragEvent, useMemo, useState } from "react";
import type { NodeSpec } from "../graph/catalogue";
import { ranked } from "../graph/rank";
import { SUBGRAPH } from "../graph/workflow";
import { canvas } from "../state/canvas";
import { useCatalogue } from "../state/catalogue";
import { shownScope, useDocument, useDocumentStore } from "../state/document";
import { NODE_DRAG } from "../state/dragged";
import { preferencesStore, setPreferences, usePreference } from "../state/preferences";
import { t } from "../strings/t";
import { Empty } from "../ui/Empty";
import { TextField } from "../ui/Field";
import { IconButton } from "../ui/IconButton";
import css from "./NodesPanel.module.css";
import { placeable } from "./nodeIndex";
import { place } from "./placing";

export default function NodesPanel() {
  const catalogue = useCatalogue();
  const subgraphs = useDocument((state) => state.workflow.subgraphs);
  const scope = useDocument(shownScope);
  const store = useDocumentStore();
  const favourites = usePreference("favourites");
  const [query, setQuery] = useState("");
  const groups = useMemo(() => {
    const { workflow } = store.getState();
    const candidates = placeable({
      catalogue,
      scope,
      workflow: { ...workflow, ...(subgraphs ? { subgraphs } : {}) },
    });
    return grouped(ranked(query, candidates), query ? [] : favourites);
  }, [catalogue, favourites, query, scope, store, subgraphs]);
  return (
    <div className={css.panel}>
      <TextField
        className={css.search}
        label={t("search.typeHere")}
        hideLabel
        icon={<Search />}
        placeholder={t("search.typeHere")}
        value={query}
        onChange={(event) => setQuery(event.target.value)}
      />
      {groups.length === 0 ? <Empty text={t("search.nothing", { query })} /> : null}
      {groups.map(([name, specs]) => (
        <details
          key={name}
          className={css.group}
          open={query !== "" || name === t("search.pinned")}
        >
          <summary className={css.summary}>
            {name}
            <span className={css.count}>{specs.length}</span>
          </summary>
          <ul className={css.list}>
            {specs.map((spec) => (
              <Row key={spec.type} spec={spec} isPinned={favourites.includes(spec.type)} />
            ))}
          </ul>
        </details>
      ))}
    </div>
  );
}

function Row({ spec, isPinned }: { readonly spec: NodeSpec; readonly isPinned: boolean }) {
  const store = useDocumentStore();
  const add = (): void => {
    const box = canvas()?.shown();
    const at = box ? { x: box.x + box.width / 2, y: box.y + box.height / 2 } : { x: 0, y: 0 };
    place(store, { at, screen: { x: 0, y: 0 } }, spec, false);
  };
  const drag = (event: DragEvent): void => {
    event.dataTransfer.setData(NODE_DRAG, spec.type);
    event.dataTransfer.effectAllowed = "copy";
  };
  const pin = (): void => {
    const { favourites } = preferencesStore.getState();
    setPreferences({
      favourites: isPinned
        ? favourites.filter((type) => type !== spec.type)
        : [...favourites, spec.type],
    });
  };
  return (
    <li className={css.row}>
      <button
        type="button"
        className={css.name}
        draggable
        onDragStart={drag}
        onClick={add}
        title={firstLine(spec.help)}
      >
        {spec.title}
      </button>
      <IconButton
        className={css.pin ?? ""}
        label={isPinned ? t("search.unpin") : t("search.pin")}
        icon={isPinned ? <PinOff /> : <Pin />}
        onClick={pin}
      />
    </li>
  );
}

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

/** By category, in alphabetical order; the pinned ones first, then what the document brings. */
function grouped(
  specs: readonly NodeSpec[],
  favourites: readonly string[],
): readonly (readonly [string, readonly NodeSpec[]])[] {
  const groups = new Map<string, NodeSpec[]>();
  for (const spec of specs) {
    const name = spec.type.startsWith(SUBGRAPH) ? t("search.subgraphs") : spec.category;
    const group = groups.get(name);
    if (group) group.push(spec);
    else groups.set(name, [spec]);
  }
  const pinned = specs.filter((spec) => favourites.includes(spec.type));
  const own = t("search.subgraphs");
  const sorted = [...groups].toSorted(
    ([a], [b]) => Number(b === own) - Number(a === own) || a.localeCompare(b),
  );
  return pinned.length ? [[t("search.pinned"), pinned], ...sorted] : sorted;
}
