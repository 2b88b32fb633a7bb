/** Everything by its name: commands, nodes of the graph and their values, node types to add, saved workflows. */
import { useEffect, useMemo, useState } from "react";
import { allCommands, isAvailable } from "../commands/all";
import { shown } from "../commands/keys";
import { keysOf } from "../commands/useKeymap";
import { refreshLibrary, useLibrary } from "../documents/library";
import { openSaved } from "../documents/opening";
import { type Candidate, ranked, searchable } from "../graph/rank";
import type { OverlayProps } from "../pages/OverlayHost";
import { canvas } from "../state/canvas";
import { currentCatalogue } from "../state/catalogue";
import { contextOf, type DocumentStore } from "../state/document";
import { activeDocument } from "../state/documents";
import { t } from "../strings/t";
import { Dialog } from "../ui/Dialog";
import { SearchList } from "../ui/SearchList";
import { tellError } from "../ui/toasts";
import { placeable } from "./nodeIndex";
import { jumpTo, placesOf } from "./places";
import { place } from "./placing";

/** One thing to be done. kind: what it is, for people. */
interface Deed {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly keys: string;
  readonly run: () => void;
}

export default function CommandList({ onClose }: OverlayProps) {
  const [query, setQuery] = useState("");
  const saved = useSaved();
  const store = activeDocument();
  const candidates = useMemo(
    () => [...commands(), ...(store ? [...places(store), ...additions(store)] : []), ...saved],
    [saved, store],
  );
  const found = useMemo(() => {
    if (query.trim()) return ranked(query, candidates);
    return candidates
      .filter(({ item }) => item.kind === t("search.kindCommand"))
      .map(({ item }) => item);
  }, [candidates, query]);
  return (
    <Dialog title={t("search.commandsTitle")} onClose={onClose} size="top" bare>
      <SearchList
        label={t("search.commandsTitle")}
        placeholder={t("search.commandsHere")}
        query={query}
        onQuery={setQuery}
        items={found}
        keyOf={(deed) => deed.id}
        row={(deed) => (
          <>
            <span>{deed.title}</span>
            <span>{deed.keys || deed.kind}</span>
          </>
        )}
        onChoose={(deed) => {
          onClose();
          deed.run();
        }}
        onClose={onClose}
        nothing={t("search.nothing", { query })}
      />
    </Dialog>
  );
}

function candidate(deed: Deed, ...more: readonly string[]): Candidate<Deed> {
  return { item: deed, texts: [deed.title, ...more].map(searchable) };
}

function commands(): readonly Candidate<Deed>[] {
  return allCommands.filter(isAvailable).map((command) => {
    const keys = shown(keysOf(command)[0] ?? "");
    return candidate({
      id: command.id,
      title: t(command.title),
      kind: t("search.kindCommand"),
      keys,
      run: command.run,
    });
  });
}

/** The nodes of the document, and each value in them: "cfg 6.5". */
function places(store: DocumentStore): readonly Candidate<Deed>[] {
  return placesOf(store.getState(), currentCatalogue()).map((found) =>
    candidate(
      {
        id: `place ${found.id}`,
        title: found.text,
        kind: found.kind,
        keys: "",
        run: () => jumpTo(store, found),
      },
      found.about,
    ),
  );
}

function additions(store: DocumentStore): readonly Candidate<Deed>[] {
  return placeable(contextOf(store.getState())).map(({ item }) =>
    candidate(
      {
        id: `add ${item.type}`,
        title: item.title,
        kind: t("search.kindAdd"),
        keys: "",
        run: () => {
          const box = canvas()?.shown();
          const at = box ? { x: box.x + box.width / 2, y: box.y + box.height / 2 } : { x: 0, y: 0 };
          place(store, { at, screen: { x: 0, y: 0 } }, item, false);
        },
      },
      item.type,
    ),
  );
}

function useSaved(): readonly Candidate<Deed>[] {
  const workflows = useLibrary((state) => state.workflows);
  useEffect(() => void refreshLibrary(), []);
  return useMemo(
    () =>
      workflows.map((workflow) =>
        candidate({
          id: `workflow ${workflow.name}`,
          title: workflow.name,
          kind: t("search.kindWorkflow"),
          keys: "",
          run: () => void openSaved(workflow.name).catch(tellError),
        }),
      ),
    [workflows],
  );
}
