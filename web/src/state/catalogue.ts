/** The node types of the server, as it told them last. Kept in the browser, so that a server that is away hides no graph. */
import { set as keep, get as read } from "idb-keyval";
import { createStore, useStore } from "zustand";
import { ask } from "../api/client";
import type { CatalogueInfo } from "../api/schema";
import { type Catalogue, catalogueOf, NO_CATALOGUE } from "../graph/catalogue";

interface CatalogueState {
  readonly catalogue: Catalogue;
}

const KEPT = "catalogue";

export const catalogueStore = createStore<CatalogueState>(() => ({ catalogue: NO_CATALOGUE }));

export const currentCatalogue = (): Catalogue => catalogueStore.getState().catalogue;

export const useCatalogue = (): Catalogue => useStore(catalogueStore, (state) => state.catalogue);

/** Load the node types: what the browser kept at once, then what the server says. Raises Refused if neither is there. */
export async function loadCatalogue(): Promise<void> {
  const asked = ask<CatalogueInfo>("GET", "/v1/catalogue");
  asked.catch(() => undefined); // looked at below
  const kept = await read<CatalogueInfo>(KEPT).catch(() => undefined);
  if (kept && currentCatalogue() === NO_CATALOGUE) show(kept);
  try {
    const told = await asked;
    show(told);
    await keep(KEPT, told).catch(() => undefined);
  } catch (error) {
    if (!kept) throw error;
  }
}

function show(info: CatalogueInfo): void {
  if (info.revision !== currentCatalogue().revision)
    catalogueStore.setState({ catalogue: catalogueOf(info) });
}
