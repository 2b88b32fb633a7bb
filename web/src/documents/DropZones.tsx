/**
 * While something is dragged over the editor: where it can be dropped, and what then becomes of it. Files have three
 * places. Workflows and models from the panels are dropped on the canvas itself.
 */
import { FilePlus2, Image, Workflow } from "lucide-react";
import { type DragEvent, useEffect, useState } from "react";
import { canvas } from "../state/canvas";
import { activeDocument } from "../state/documents";
import { t } from "../strings/t";
import { tell, tellError } from "../ui/toasts";
import css from "./DropZones.module.css";
import { MODEL_DRAG, readModel, WORKFLOW_DRAG } from "./dragged";
import { droppedFiles } from "./droppedFiles";
import { type Purpose, takeFile } from "./importing";
import { insertNodes, placeFile } from "./inserting";
import { loadWorkflow } from "./library";

type ZoneKind = Purpose["kind"];

const ZONES = [
  { kind: "open", Icon: FilePlus2, title: "documents.dropOpen", hint: "documents.dropOpenHint" },
  {
    kind: "insert",
    Icon: Workflow,
    title: "documents.dropInsert",
    hint: "documents.dropInsertHint",
  },
  {
    kind: "picture",
    Icon: Image,
    title: "documents.dropPicture",
    hint: "documents.dropPictureHint",
  },
] as const;

export function DropZones() {
  const [isDragged, setDragged] = useState(false);
  useEffect(() => follow(setDragged), []);
  if (!isDragged) return null;
  return (
    <section className={css.zones} aria-label={t("documents.dropTitle")}>
      {ZONES.map(({ kind, Icon, title, hint }) => (
        <Zone key={kind} kind={kind} onDropped={() => setDragged(false)}>
          <Icon />
          <strong>{t(title)}</strong>
          <small>{t(hint)}</small>
        </Zone>
      ))}
    </section>
  );
}

interface ZoneProps {
  readonly kind: ZoneKind;
  readonly onDropped: () => void;
  readonly children: React.ReactNode;
}

function Zone({ kind, onDropped, children }: ZoneProps) {
  const [isOver, setOver] = useState(false);
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    onDropped();
    void takeAll(event.dataTransfer, kind);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files are chosen by keyboard in the dialog "Open"
    <div
      className={css.zone}
      data-over={isOver || undefined}
      onDragEnter={() => setOver(true)}
      onDragLeave={() => setOver(false)}
      onDragOver={(event) => event.preventDefault()}
      onDrop={onDrop}
    >
      {children}
    </div>
  );
}

/** Several files that are inserted stand below each other. */
const APART = 400;

async function takeAll(dropped: DataTransfer, kind: ZoneKind): Promise<void> {
  try {
    const files = await droppedFiles(dropped);
    if (files.length === 0) tell(t("documents.nothingDropped"), { tone: "error" });
    const seen = canvas()?.shown() ?? { x: 0, y: 0, width: 0, height: 0 };
    const [x, y] = [seen.x + seen.width / 3, seen.y + seen.height / 3];
    for (const [place, file] of files.entries())
      await takeFile(file, kind === "open" ? { kind } : { kind, at: { x, y: y + place * APART } });
  } catch (error) {
    tellError(error);
  }
}

/** Watch what is dragged over the page. Gives what ends it. */
function follow(setDragged: (isDragged: boolean) => void): () => void {
  let leaving: ReturnType<typeof setTimeout> | undefined;
  const onDragOver = (event: globalThis.DragEvent): void => {
    const types = event.dataTransfer?.types ?? [];
    if (types.includes(WORKFLOW_DRAG) || types.includes(MODEL_DRAG)) {
      if (isOnCanvas(event)) event.preventDefault();
      return;
    }
    if (!isForeign(types)) return;
    event.preventDefault(); // or the browser would show the file in the place of the page
    setDragged(true);
    clearTimeout(leaving);
    leaving = setTimeout(() => setDragged(false), 400); // over the page this event comes all the time
  };
  const onDrop = (event: globalThis.DragEvent): void => {
    const dropped = event.dataTransfer;
    if (!dropped) return;
    if (isForeign(dropped.types)) {
      event.preventDefault();
      setDragged(false);
      return;
    }
    if (isOnCanvas(event) && takeOwn(dropped, { x: event.clientX, y: event.clientY }))
      event.preventDefault();
  };
  window.addEventListener("dragover", onDragOver);
  window.addEventListener("drop", onDrop);
  return () => {
    clearTimeout(leaving);
    window.removeEventListener("dragover", onDragOver);
    window.removeEventListener("drop", onDrop);
  };
}

/** Whether it comes from outside: files, or a picture of another page. */
function isForeign(types: readonly string[]): boolean {
  if (types.some((type) => type.startsWith("application/x-noisewright"))) return false;
  return types.includes("Files") || types.includes("text/uri-list");
}

function isOnCanvas(event: globalThis.DragEvent): boolean {
  const element = canvas()?.element;
  return element !== undefined && event.composedPath().includes(element);
}

/** Take what was dragged out of a panel. Whether it was such a thing. */
function takeOwn(dropped: DataTransfer, screen: { x: number; y: number }): boolean {
  const model = readModel(dropped);
  if (model) placeFile(model.folder, model.name, screen);
  const name = dropped.getData(WORKFLOW_DRAG);
  const [document, at] = [activeDocument(), canvas()?.fromScreen(screen)];
  if (name && document && at)
    loadWorkflow(name)
      .then((loaded) => insertNodes(document, loaded.document, at))
      .catch(tellError);
  return model !== null || name !== "";
}
