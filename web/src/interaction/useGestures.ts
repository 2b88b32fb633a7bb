/**
 * Gives the canvas its hands: what the pointer and the keyboard do over it goes to the machine of gestures. React Flow
 * moves the view and nothing else.
 */
import type { ReactFlowProps } from "@xyflow/react";
import { useEffect, useMemo } from "react";
import { useDocumentStore } from "../state/document";
import { followClipboard } from "./clipboardEvents";
import { PointerHands } from "./PointerHands";
import { followPlaced } from "./suggestion";

export function useGestures(): Partial<ReactFlowProps> {
  const store = useDocumentStore();
  const hands = useMemo(() => new PointerHands(store), [store]);
  useEffect(() => hands.listen(), [hands]);
  useEffect(followClipboard, []);
  useEffect(() => followPlaced(store), [store]);
  return hands.props;
}
