/**
 * While something is dragged over the editor: where it can be dropped, and what then becomes of it. Files have three
 * places. Workflows and models from the panels are dropped on the canvas itself.
 */
import { FilePlus2, Image, Workflow } from "lucide-react";
import { type DragEvent, useEffect, useState } from "react";
import { placeable } from "../interaction/nodeIndex";
import { place } from "../interaction/placing";
import { canvas } from "../state/canvas";
import { contextOf } from "../state/document";
import { activeDocument } from "../state/documents";
import { NODE_DRAG, OWN, pictureName, readFile, readModel, WORKFLOW_DRAG } from "../state/dragged";
import { t } from "../strings/t";
import { tell, tellError } from "../ui/toasts";
import css from "./DropZones.module.css";
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

async function takeAll(dropped: DataTransfer, kind: ZoneKind): Promise<void> {
  try {
    const files = await droppedFiles(dropped);
    if (files.length === 0) tell(t("documents.nothingDropped"), { tone: "error" });
    for (const file of files) await takeFile(file, kind === "open" ? { kind } : { kind, at: null });
  } catch (error) {
    tellError(error);
  }
}

/** Watch what is dragged over the page. Gives what ends it. */
function follow(setDragged: (isDragged: boolean) => void): () => void {
  let leaving: ReturnType<typeof setTimeout> | undefined;
  const onDragOver = (event: globalThis.DragEvent): void => {
    const types = event.dataTransfer?.types ?? [];
    if (types.some((type) => type.startsWith(OWN))) {
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
  if (types.some((type) => type.startsWith(OWN))) return false;
  return types.includes("Files") || types.includes("text/uri-list");
}

function isOnCanvas(event: globalThis.DragEvent): boolean {
  const element = canvas()?.element;
  return element !== undefined && event.composedPath().includes(element);
}

/** Take what was dragged out of a panel. Whether it was such a thing. */
function takeOwn(dropped: DataTransfer, screen: { x: number; y: number }): boolean {
  const [document, at] = [activeDocument(), canvas()?.fromScreen(screen)];
  if (!document || !at) return false;
  const model = readModel(dropped);
  if (model) placeFile(model.folder, model.name, screen);
  const file = readFile(dropped);
  if (file) placeFile("input", pictureName(file), screen);
  const type = dropped.getData(NODE_DRAG);
  const spec = placeable(contextOf(document.getState())).find(({ item }) => item.type === type);
  if (spec) place(document, { at, screen }, spec.item, false);
  const name = dropped.getData(WORKFLOW_DRAG);
  if (name)
    loadWorkflow(name)
      .then((loaded) => insertNodes(document, loaded.document, at))
      .catch(tellError);
  return true;
}
