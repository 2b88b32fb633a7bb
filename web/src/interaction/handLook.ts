/** How a gesture is shown at the pointer: lines from sockets, and words. */
import type { Point } from "../graph/point";
import { currentCatalogue } from "../state/catalogue";
import { t } from "../strings/t";
import type { Connecting, Gesture } from "./gestures/gesture";

interface Line {
  readonly from: Point;
  readonly to: Point;
}

/** From outputs to inputs, one of the ends where the pointer is, or at the socket it snaps to. */
export function handLines({ hand, over, pointer }: Connecting): readonly Line[] {
  const at = over.kind === "socket" ? over.socket : pointer.at;
  const isMany = over.kind === "socket" && over.socket.takesMany && hand.many.length > 1;
  const ends = isMany ? hand.many : hand.ends;
  return ends.map((end) =>
    hand.side === "output" ? { from: end, to: at } : { from: at, to: end },
  );
}

interface Words {
  readonly text: string;
  readonly isRefused: boolean;
}

const said = (text: string): Words => ({ text, isRefused: false });

/** What letting go would do; null where it needs no words. */
export function handWords(gesture: Gesture): Words | null {
  if (gesture.kind === "connecting") return connectingWords(gesture);
  if (gesture.kind !== "dragging") return null;
  const { keys } = gesture.pointer;
  if (keys.alt) return said(t("interaction.copies"));
  if (gesture.link) return said(t("interaction.intoLink"));
  if (gesture.isToggled) return gesture.frame === null ? said(t("interaction.leavesFrame")) : null;
  return gesture.frame === null ? null : said(t("interaction.joinsFrame"));
}

function connectingWords({ hand, over, isLoose }: Connecting): Words | null {
  if (over.kind === "refused")
    return { text: t(over.why.reason, over.why.values), isRefused: true };
  if (over.kind === "void") {
    if (hand.side === "output" && hand.lifted.length > 0)
      return said(t("interaction.letGoToRemove"));
    return isLoose ? said(t("interaction.looseLink")) : null;
  }
  if (over.kind === "rail") return said(t("interaction.newEnd"));
  if (over.conversion === null)
    return said(t("interaction.connectTo", { socket: over.socket.name }));
  const type = currentCatalogue().known.get(over.conversion)?.title ?? over.conversion;
  return said(t("interaction.connectThrough", { type }));
}
