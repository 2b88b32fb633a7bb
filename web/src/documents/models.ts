/** The model files of the server, and those that are being fetched. */
import { createStore, useStore } from "zustand";
import { ask, Refused } from "../api/client";
import type { DownloadInfo, ModelInfo, Verdict } from "../api/schema";
import { subscribe } from "../api/socket";
import { downloadsStore } from "../state/downloads";

interface ModelsState {
  readonly models: readonly ModelInfo[];
  readonly isLoaded: boolean;
  /** Why there is no newer list; null: it is as the server told last. */
  readonly failure: Refused | null;
}

const modelsStore = createStore<ModelsState>(() => ({
  models: [],
  isLoaded: false,
  failure: null,
}));

export function useModels<T>(select: (state: ModelsState) => T): T {
  return useStore(modelsStore, select);
}

export async function refreshModels(): Promise<void> {
  try {
    const models = await ask<readonly ModelInfo[]>("GET", "/v1/models");
    modelsStore.setState({ models, isLoaded: true, failure: null });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    modelsStore.setState({ failure: error });
  }
}

/** Ask for the downloads there are. Who may not have any is told of none. */
export async function refreshDownloads(): Promise<void> {
  try {
    const told = await ask<readonly DownloadInfo[]>("GET", "/v1/models/downloads");
    const downloads = Object.fromEntries(told.map((download) => [download.id, download]));
    downloadsStore.setState({ downloads });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

/** Stop a download; what was fetched stays. Asking for its source again goes on with it. */
export async function pauseDownload(id: string): Promise<void> {
  await ask("DELETE", `/v1/models/downloads/${encodeURIComponent(id)}`, { query: { keep: true } });
  await refreshDownloads();
}

/** Delete a model's file. */
export async function removeModel({ folder, name }: ModelInfo): Promise<void> {
  await ask("DELETE", "/v1/models", { query: { folder, name } });
  await refreshModels();
}

/** Read models anew, and tell which are not whole. None named: all. */
export async function verifyModels(models: readonly ModelInfo[]): Promise<readonly Verdict[]> {
  const names = models.map(({ folder, name }) => `${folder}/${name}`);
  return ask("POST", "/v1/models/verify", { body: { models: names } });
}

// For as long as the page is open, once somebody has looked at models.
subscribe("models_changed", () => {
  if (modelsStore.getState().isLoaded) void refreshModels();
});
