/** The nodes tinted by how long they took, where somebody asked for it. */
import { createStore, useStore } from "zustand";
import { usePartOfNodeRun, useRunOfDocument } from "./runs";

const heatStore = createStore<{ readonly isOn: boolean }>(() => ({ isOn: false }));

export const useIsHeatOn = (): boolean => useStore(heatStore, (state) => state.isOn);

export function toggleHeat(): void {
  heatStore.setState(({ isOn }) => ({ isOn: !isOn }));
}

/** From 0 to 1, the slowest node of the newest run; null where nothing is to be tinted. */
export function useHeat(path: string): number | null {
  const isOn = useIsHeatOn();
  const seconds = usePartOfNodeRun(path, (node) => (node?.reused ? undefined : node?.seconds));
  const slowest = useRunOfDocument((run) =>
    isOn && run ? Math.max(0, ...Object.values(run.nodes).map(({ seconds }) => seconds)) : 0,
  );
  if (!isOn || seconds === undefined || slowest <= 0) return null;
  return Math.min(1, Math.sqrt(seconds / slowest));
}
