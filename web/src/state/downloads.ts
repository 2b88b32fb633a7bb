/** Models that are being fetched, as the server tells of them. */
import { createStore, useStore } from "zustand";
import { ask } from "../api/client";
import type { DownloadInfo, DownloadRequest } from "../api/schema";
import { subscribe } from "../api/socket";
import { refreshChoices } from "./choices";

interface DownloadsState {
  /** By id. */
  readonly downloads: Readonly<Record<string, DownloadInfo>>;
}

export const downloadsStore = createStore<DownloadsState>(() => ({ downloads: {} }));

/** Fetch a model. Raises Refused where it is not begun. */
export async function startDownload(request: DownloadRequest): Promise<void> {
  const since = news;
  const begun = await ask<DownloadInfo>("POST", "/v1/models/downloads", { body: request });
  const heard = heardAt.get(begun.id) ?? 0;
  if (heard <= since) put(begun); // else the news of it was quicker than the answer, and is newer
}

/** End a download and forget it. */
export async function stopDownload(id: string): Promise<void> {
  await ask("DELETE", `/v1/models/downloads/${encodeURIComponent(id)}`);
  downloadsStore.setState(({ downloads }) => {
    const { [id]: _, ...rest } = downloads;
    return { downloads: rest };
  });
}

const OVER: ReadonlySet<DownloadInfo["state"]> = new Set([
  "done",
  "present",
  "failed",
  "cancelled",
  "paused",
]);

export const isOver = ({ state }: DownloadInfo): boolean => OVER.has(state);

/** The newest download that puts a file of that name into a folder; null where there is none. */
export function useDownloadOf(folder: string, name: string): DownloadInfo | null {
  return useStore(
    downloadsStore,
    ({ downloads }) =>
      Object.values(downloads).findLast((one) => one.folder === folder && one.name === name) ??
      null,
  );
}

function put(info: DownloadInfo): void {
  downloadsStore.setState(({ downloads }) => ({ downloads: { ...downloads, [info.id]: info } }));
  if (info.state === "done" || info.state === "present") void refreshChoices();
}

/** How much was heard of downloads so far, and when of each. */
let news = 0;
const heardAt = new Map<string, number>();

// For as long as the page is open, whoever began the download.
subscribe("download_progress", ({ download }) => {
  news += 1;
  heardAt.set(download.id, news);
  put(download);
});
