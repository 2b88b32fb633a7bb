/** Opens workflows that come from elsewhere: files, pictures that carry one, JSON of other programs. */
import { ask, Refused } from "../api/client";
import type { FileNamed, Uploaded } from "../api/schema";
import type { Point } from "../graph/point";
import { emptyWorkflow, FORMAT, graphAt, isObject, type Workflow } from "../graph/workflow";
import type { DocumentStore } from "../state/document";
import { activeDocument, openDocument } from "../state/documents";
import { t } from "../strings/t";
import { tell, tellError } from "../ui/toasts";
import { uploadPicture } from "../widgets/upload";
import { insertNodes, placePicture } from "./inserting";
import { convert } from "./library";
import { lastPart } from "./nameOf";
import { recognised } from "./recognition";
import { showImportProblems } from "./showImportProblems";
import { withPlaces } from "./withPlaces";

/** What is to become of a file: a new tab, nodes in the graph, or a node that loads the picture. at: null: where there is room. */
export type Purpose =
  | { readonly kind: "open" }
  | { readonly kind: "insert"; readonly at: Point | null }
  | { readonly kind: "picture"; readonly at: Point | null };

type FileKind = NonNullable<FileNamed["kind"]>;
type Converted = Awaited<ReturnType<typeof convert>>;

/** Open a file in a new tab; with `at`, insert its nodes there. Tells what cannot be done. */
export async function openFile(file: File, at?: Point): Promise<DocumentStore | null> {
  return takeFile(file, at ? { kind: "insert", at } : { kind: "open" });
}

/** Do with a file what was asked for. Tells what cannot be done, and offers what can. */
export async function takeFile(file: File, purpose: Purpose): Promise<DocumentStore | null> {
  try {
    const kind = await recognised(file);
    if (purpose.kind === "picture" && kind === "picture") {
      placePicture(await uploadPicture(file, file.name), purpose.at);
      return activeDocument();
    }
    if (kind === "document") return await takeText(await file.text(), file.name, purpose);
    if (kind === "picture") return await takePicture(file, purpose);
    tell(t("documents.notReadable", { name: file.name }), { tone: "error" });
  } catch (error) {
    tellError(error);
  }
  return null;
}

/** Open a document of any program, as JSON or its text, in a new tab. Raises Refused where it is none. */
export async function openWorkflowJson(json: string | object, title = ""): Promise<DocumentStore> {
  return opened(await converted(json), title);
}

/** Open the workflow that a stored picture carries, in a new tab; null, and told, where it carries none. */
export async function openPictureWorkflow(file: {
  readonly kind: string;
  readonly name: string;
}): Promise<DocumentStore | null> {
  try {
    const found = await convert({ file: { kind: asKind(file.kind), name: file.name } });
    return await opened(found, withoutEnding(lastPart(file.name)));
  } catch (error) {
    if (!isWithout(error)) throw error;
    tell(t("documents.noWorkflow", { name: lastPart(file.name) }), { tone: "error" });
    return null;
  }
}

async function takeText(
  text: string,
  name: string,
  purpose: Purpose,
): Promise<DocumentStore | null> {
  try {
    return await take(await converted(text), withoutEnding(name), purpose);
  } catch (error) {
    if (!isWithout(error)) throw error;
    tell(t("documents.noWorkflow", { name }), { tone: "error" });
    return null;
  }
}

async function takePicture(file: File, purpose: Purpose): Promise<DocumentStore | null> {
  const stored = await uploaded(file);
  try {
    const found = await convert({ file: { kind: stored.kind, name: stored.name } });
    return await take(found, withoutEnding(file.name), purpose);
  } catch (error) {
    if (!isWithout(error)) throw error;
    const at = purpose.kind === "open" ? null : purpose.at;
    tell(t("documents.noWorkflow", { name: file.name }), {
      tone: "error",
      action: {
        label: t("documents.usePicture"),
        run: () =>
          void uploadPicture(file, file.name)
            .then((kept) => placePicture(kept, at))
            .catch(tellError),
      },
    });
    return null;
  }
}

async function take(
  found: Converted,
  title: string,
  purpose: Purpose,
): Promise<DocumentStore | null> {
  if (purpose.kind === "open") return opened(found, title);
  const document = activeDocument();
  if (document) insertNodes(document, await withPlaces(found.workflow), purpose.at);
  return document;
}

async function opened({ workflow, problems }: Converted, title: string): Promise<DocumentStore> {
  const titled = workflow.title || !title ? workflow : { ...workflow, title };
  const document = openDocument({ workflow: await withPlaces(titled) });
  if (problems.length > 0) showImportProblems(document, problems, title);
  return document;
}

/** Ours can be read without the server, where it is away. */
async function converted(json: string | object): Promise<Converted> {
  try {
    return await convert({ workflow: typeof json === "string" ? json : (json as Workflow) });
  } catch (error) {
    if (!(error instanceof Refused && error.isAway)) throw error;
    const found: unknown = typeof json === "string" ? JSON.parse(json) : json;
    if (!isObject(found) || found.format !== FORMAT) throw error;
    const workflow = { ...emptyWorkflow(), ...found, nodes: graphAt(found as never, null).nodes };
    return { workflow: workflow as Workflow, text: "", problems: [] };
  }
}

/** Store a picture where it does not stay. Who may not do that stores it as an input. */
async function uploaded(file: File): Promise<{ readonly kind: FileKind; readonly name: string }> {
  const body = new FormData();
  body.append("file", file, file.name);
  try {
    return await ask<Uploaded>("POST", "/v1/files/temp", { body });
  } catch (error) {
    if (!(error instanceof Refused && error.status === 403)) throw error;
    return uploadPicture(file, file.name);
  }
}

const isWithout = (error: unknown): boolean =>
  error instanceof Refused && error.code === "no_workflow";

const asKind = (kind: string): FileKind => (kind === "output" || kind === "temp" ? kind : "input");

const withoutEnding = (name: string): string => name.replace(/\.[^./]+$/, "");
