/** The folder that was looked into last, of choices that several fields share. */
import { useState } from "react";

const last = new Map<string, string>();

/** source: null for choices of one field alone. folders: those there are; another is not gone back to. */
export function useLastFolder(
  source: string | null,
  folders: readonly string[],
): readonly [string, (folder: string) => void] {
  const [chosen, setChosen] = useState(() => (source === null ? "" : (last.get(source) ?? "")));
  const choose = (folder: string): void => {
    if (source !== null) last.set(source, folder);
    setChosen(folder);
  };
  return [folders.includes(chosen) ? chosen : "", choose];
}
