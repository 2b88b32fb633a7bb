/** Paints masks, colour and scribbles on a picture, over the whole window. */
import { Suspense, use, useEffect, useState } from "react";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Empty } from "../ui/Empty";
import type { Desk } from "./desk";
import type { LayerKind, PaintedLayers, PaintedResult } from "./layers";
import { openDesk } from "./openDesk";
import { LeaveQuestion, PaintingDesk } from "./PaintingDesk";
import type { Size } from "./view";

export type { LayerKind, PaintedLayers, PaintedResult } from "./layers";

export interface PictureEditorProps {
  /** The address of the picture painted on, of this origin or a blob; null: an empty canvas. */
  readonly picture: string | null;
  /** Of an empty canvas. */
  readonly size?: Size;
  /** What was painted before. */
  readonly layers: PaintedLayers | null;
  /** Which layers may be painted; the first is chosen. */
  readonly tools: readonly LayerKind[];
  /** Keeps the result. When it fails, the editor says so and stays open. */
  readonly onDone: (result: PaintedResult) => Promise<void>;
  readonly onCancel: () => void;
}

type Opened = { readonly desk: Desk } | { readonly failed: string };

/** What the editor was opened with stays: a new picture needs a new editor (a `key`). */
export default function PictureEditor({ onDone, onCancel, ...opening }: PictureEditorProps) {
  const [opened] = useState(() =>
    openDesk(opening).then(
      (desk): Opened => ({ desk }),
      (error: unknown): Opened => ({
        failed: error instanceof Error ? error.message : String(error),
      }),
    ),
  );
  const [asks, setAsks] = useState(false);
  const [desk, setDesk] = useState<Desk | null>(null);

  const leave = (): void => {
    if (desk?.painting.isChanged || desk?.isTryingEdge) setAsks(true);
    else onCancel();
  };

  return (
    <Dialog title={t("painting.title")} size="full" bare onClose={leave}>
      <Suspense fallback={<Empty text={t("painting.opening")} />}>
        <OpenedEditor opened={opened} onOpened={setDesk} onDone={onDone} onCancel={leave} />
      </Suspense>
      {asks ? <LeaveQuestion onStay={() => setAsks(false)} onLeave={onCancel} /> : null}
    </Dialog>
  );
}

interface OpenedEditorProps {
  readonly opened: Promise<Opened>;
  readonly onOpened: (desk: Desk | null) => void;
  readonly onDone: (result: PaintedResult) => Promise<void>;
  readonly onCancel: () => void;
}

function OpenedEditor({ opened, onOpened, onDone, onCancel }: OpenedEditorProps) {
  const result = use(opened);
  const desk = "desk" in result ? result.desk : null;

  useEffect(() => {
    onOpened(desk);
    return () => desk?.close();
  }, [desk, onOpened]);

  if ("failed" in result) {
    return (
      <Empty text={t("painting.failed", { reason: result.failed })}>
        <Button onClick={onCancel}>{t("painting.close")}</Button>
      </Empty>
    );
  }
  return <PaintingDesk desk={result.desk} onDone={onDone} onCancel={onCancel} />;
}
