/** Finds what stands in the workflow: names, types, values, notes; the graph follows the place that is chosen. */
import { useMemo, useState } from "react";
import { ranked, searchable } from "../graph/rank";
import type { OverlayProps } from "../pages/OverlayHost";
import { currentCatalogue } from "../state/catalogue";
import { activeDocument } from "../state/documents";
import { t } from "../strings/t";
import { Dialog } from "../ui/Dialog";
import { SearchList } from "../ui/SearchList";
import { jumpTo, placesOf } from "./places";

export default function Find({ onClose }: OverlayProps) {
  const [query, setQuery] = useState("");
  const store = activeDocument();
  const candidates = useMemo(
    () =>
      store
        ? placesOf(store.getState(), currentCatalogue()).map((item) => ({
            item,
            texts: [item.text, item.about].map(searchable),
          }))
        : [],
    [store],
  );
  const found = useMemo(() => ranked(query, candidates), [candidates, query]);
  return (
    <Dialog title={t("search.findTitle")} onClose={onClose} size="top" bare>
      <SearchList
        label={t("search.findTitle")}
        placeholder={t("search.findHere")}
        query={query}
        onQuery={setQuery}
        items={found}
        keyOf={(place) => place.id}
        row={(place) => (
          <>
            <span>{place.text}</span>
            <span>{[...place.where, place.kind].join(" › ")}</span>
          </>
        )}
        onChoose={(place) => {
          onClose();
          if (store) jumpTo(store, place);
        }}
        onClose={onClose}
        nothing={t("search.nothing", { query })}
        count={t("search.findCount", { count: found.length })}
      />
    </Dialog>
  );
}
