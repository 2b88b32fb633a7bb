/** Gives a document to other programs: as a file, as a picture of its graph, as a request. */
import { address, Refused } from "../api/client";
import type { Workflow } from "../graph/workflow";
import { currentCatalogue } from "../state/catalogue";
import { type DocumentStore, isChanged } from "../state/document";
import { t } from "../strings/t";
import { saveFile } from "../ui/saveFile";
import { tell, tellError } from "../ui/toasts";
import { graphSvg } from "./graphSvg";
import { convert } from "./library";
import { nameOf } from "./nameOf";
import { curl, python, type Request } from "./snippets";

/** Save the document to a file of the person's, in the canonical text that the server writes. */
export async function exportJson(document: DocumentStore): Promise<void> {
  const state = document.getState();
  try {
    const { text } = await convert({ workflow: state.workflow });
    saveFile(`${nameOf(state)}.json`, new Blob([text], { type: "application/json" }));
  } catch (error) {
    if (!(error instanceof Refused && error.isAway)) return void tellError(error);
    tell(t("documents.awayExport"));
    const text = `${JSON.stringify(state.workflow, null, 2)}\n`;
    saveFile(`${nameOf(state)}.json`, new Blob([text], { type: "application/json" }));
  }
}

/** Save a drawing of the graph to a file of the person's. It carries no workflow. */
export function exportPicture(document: DocumentStore): void {
  const state = document.getState();
  const style = getComputedStyle(window.document.documentElement);
  const svg = graphSvg(state.workflow, currentCatalogue(), (name) => style.getPropertyValue(name));
  saveFile(`${nameOf(state)}.svg`, new Blob([svg], { type: "image/svg+xml" }));
}

export async function copyCurl(document: DocumentStore): Promise<void> {
  await copyText(curl(server(), await request(document)));
}

export async function copyPython(document: DocumentStore): Promise<void> {
  await copyText(python(server(), await request(document)));
}

const server = (): string => new URL(address("/v1/runs"), location.href).href;

/** A saved document that was not changed is asked for by its name, others are sent whole. */
async function request(document: DocumentStore): Promise<Request> {
  const state = document.getState();
  if (state.name && !isChanged(state)) return { name: state.name };
  return { workflow: await exact(state.workflow) };
}

/** The text of the document with whole numbers as they are, which JavaScript may not be able to hold. */
async function exact(workflow: Workflow): Promise<string> {
  try {
    return (await convert({ workflow })).text;
  } catch {
    return JSON.stringify(workflow, null, 2); // the server is away: numbers beyond 2^53 stay text
  }
}

async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell(t("documents.copied"));
  } catch {
    tell(t("documents.cannotCopy"), { tone: "error" });
  }
}
