/** The search for a node type, at the pointer: what fits, the best first, and what it is. */
import { useDeferredValue, useEffect, useMemo, useState } from "react";
import type { NodeSpec } from "../graph/catalogue";
import { ranked } from "../graph/rank";
import { graphAt, SUBGRAPH } from "../graph/workflow";
import { useCatalogue } from "../state/catalogue";
import { contextOf, useDocumentStore } from "../state/document";
import { usePreference } from "../state/preferences";
import { t } from "../strings/t";
import { SearchList } from "../ui/SearchList";
import { NodeFacts } from "./NodeFacts";
import { fitness, placeable } from "./nodeIndex";
import css from "./Palette.module.css";
import { closePalette, type PaletteRequest } from "./paletteStore";
import { fitsBetween, openEndOf, pairOf, place } from "./placing";
import { usualness } from "./usual";
import { holdingWell, wantingField } from "./valueNode";

const WIDTH = 560;
const HEIGHT = 380;

export default function Palette({ request }: { readonly request: PaletteRequest }) {
  const store = useDocumentStore();
  const [query, setQuery] = useState("");
  const types = useTypes(request, useDeferredValue(query));

  const [before] = useState(() => document.activeElement); // the search has the keyboard when effects run

  useEffect(
    () => () => {
      if (before instanceof HTMLElement && document.activeElement === document.body) before.focus();
    },
    [before],
  );

  return (
    <>
      <div className={css.scrim} aria-hidden onPointerDown={closePalette} />
      <div
        className={css.palette}
        role="dialog"
        aria-label={titleOf(request)}
        style={placeOn(request.screen)}
      >
        <SearchList
          label={titleOf(request)}
          placeholder={t("search.typeHere")}
          query={query}
          onQuery={setQuery}
          items={types}
          keyOf={(spec) => spec.type}
          row={(spec) => (
            <>
              <span>{spec.title}</span>
              <span>{spec.type.startsWith(SUBGRAPH) ? t("search.subgraphs") : spec.category}</span>
            </>
          )}
          onChoose={(spec, { shiftKey }) => {
            closePalette();
            place(store, request, spec, shiftKey);
          }}
          onClose={closePalette}
          nothing={query ? t("search.nothing", { query }) : t("search.nothingFits")}
          count={t("search.count", { count: types.length })}
          aside={(spec) => (spec ? <NodeFacts spec={spec} /> : null)}
          footer={t("search.hint")}
        />
      </div>
    </>
  );
}

/** The types that answer: those that fit, ranked by the words typed, by what this person uses, by what is usual. */
function useTypes(request: PaletteRequest, query: string): readonly NodeSpec[] {
  const store = useDocumentStore();
  const catalogue = useCatalogue();
  const used = usePreference("used");
  const pairs = usePreference("pairs");
  const favourites = usePreference("favourites");
  const fitting = useMemo(() => {
    const context = { ...contextOf(store.getState()), catalogue };
    const all = placeable(context);
    const end = openEndOf(context, request);
    if (!end && !request.between) return { candidates: all, fits: new Map<NodeSpec, number>() };
    const fits = new Map(all.map(({ item }) => [item, end ? fitness(item, end) : 0]));
    const candidates = all.filter(
      ({ item }) => (fits.get(item) ?? 0) >= 0 && fitsBetween(context, request, item),
    );
    return { candidates, fits };
  }, [catalogue, request, store]);
  return useMemo(() => {
    const context = contextOf(store.getState());
    const { workflow, scope } = context;
    const field = wantingField(context, request);
    const { link } = request;
    const partner = link ? graphAt(workflow, scope).nodes[link.node]?.type : undefined;
    const weight = (spec: NodeSpec): number =>
      (favourites.includes(spec.type) ? 1e6 : 0) +
      (fitting.fits.get(spec) ?? 0) * 1e4 +
      (field ? holdingWell(spec, field) * 1e4 : 0) +
      (partner && link ? (pairs[pairOf(partner, spec.type, link)] ?? 0) * 10 : 0) +
      Math.min(used[spec.type] ?? 0, 999) +
      usualness(spec.type);
    return ranked(query, fitting.candidates, weight);
  }, [favourites, fitting, pairs, query, request, store, used]);
}

function titleOf(request: PaletteRequest): string {
  if (request.replace !== undefined) return t("search.replaceNode");
  return request.between ? t("search.insertNode") : t("search.addNode");
}

/** At the place asked for, inside the window. */
function placeOn(screen: { readonly x: number; readonly y: number }) {
  const within = (value: number, size: number, room: number): number =>
    Math.max(8, Math.min(value, room - size - 8));
  return {
    left: within(screen.x, WIDTH, window.innerWidth),
    top: within(screen.y, HEIGHT, window.innerHeight),
  };
}
