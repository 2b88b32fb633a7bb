/** The pictures on the server, the newest first, as far as they have been looked at. */
import { createStore, useStore } from "zustand";
import { ask, inPath } from "../api/client";
import type { FileList, StoredFile } from "../api/schema";
import { tellError } from "../ui/toasts";

interface FilesState {
  readonly files: readonly StoredFile[];
  readonly total: number;
  /** Where the next page begins; "" at the end. */
  readonly next: string;
  readonly prefix: string;
  readonly isLoading: boolean;
}

export const filesStore = createStore<FilesState>(() => ({
  files: [],
  total: 0,
  next: "",
  prefix: "",
  isLoading: false,
}));

export function useFiles<T>(select: (state: FilesState) => T): T {
  return useStore(filesStore, select);
}

const PAGE = 100;

/** Ask anew for the first page. */
export async function refreshFiles(prefix = filesStore.getState().prefix): Promise<void> {
  await load(prefix, "", (told) => told.files);
}

/** Ask for the page behind those that are there. */
export async function loadMore(): Promise<void> {
  const { next, prefix, isLoading } = filesStore.getState();
  if (next && !isLoading) await load(prefix, next, (told, before) => [...before, ...told.files]);
}

async function load(
  prefix: string,
  after: string,
  joined: (told: FileList, before: readonly StoredFile[]) => readonly StoredFile[],
): Promise<void> {
  filesStore.setState({ isLoading: true, prefix });
  try {
    const query = { limit: PAGE, ...(prefix ? { prefix } : {}), ...(after ? { after } : {}) };
    const told = await ask<FileList>("GET", "/v1/files/output", { query });
    if (filesStore.getState().prefix !== prefix) return; // somebody asked for others meanwhile
    filesStore.setState(({ files }) => ({
      files: joined(told, files).filter(isPicture),
      total: told.total,
      next: told.next,
    }));
  } catch (error) {
    tellError(error);
  } finally {
    filesStore.setState({ isLoading: false });
  }
}

const isPicture = (file: StoredFile): boolean => file.media_type.startsWith("image/");

/** Delete a file on the server. Raises Refused. */
export async function deleteFile(file: { kind: string; name: string }): Promise<void> {
  await ask("DELETE", `/v1/files/${file.kind}/${inPath(file.name)}`);
  filesStore.setState(({ files, total }) => ({
    files: files.filter(({ kind, name }) => kind !== file.kind || name !== file.name),
    total: total - 1,
  }));
}
