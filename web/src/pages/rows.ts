/** The rows of the page for newcomers: each a workflow of its own, and the run that makes its pictures. */
import { createStore } from "zustand";
import { loadWorkflow } from "../documents/library";
import { setAfterRun, setInput } from "../graph/edits/nodes";
import { emptyWorkflow, type Workflow } from "../graph/workflow";
import { goneOn } from "../results/going";
import type { PictureRef } from "../results/openViewer";
import { randomBits } from "../state/afterRun";
import { currentCatalogue } from "../state/catalogue";
import { createDocument, type DocumentStore } from "../state/document";
import { runDocument } from "../state/runs";
import { t } from "../strings/t";

/** The template whose sampler can vary a picture. */
const TEMPLATE = "templates/variation";
const SAMPLER = "sample";

/** Pictures of a row. */
export const PICTURES = 4;

/** What somebody asks for. model: a checkpoint by its name. */
export type Wish = {
  readonly prompt: string;
  readonly model: string;
  readonly width: number;
  readonly height: number;
};

/** runs: those that make it, oldest first. isVaried: its pictures are variations of another. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly wish: Wish;
  readonly store: DocumentStore;
  readonly runs: readonly string[];
  readonly isVaried: boolean;
  readonly isSingle: boolean;
}

export const rowsStore = createStore<{ readonly rows: readonly Row[] }>(() => ({ rows: [] }));

let template: Promise<Workflow> | null = null;

function templateWorkflow(): Promise<Workflow> {
  template ??= loadWorkflow(TEMPLATE).then(({ document }) => document);
  template.catch(() => {
    template = null; // asked for again next time
  });
  return template;
}

type Settings = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A workflow of the outermost graph with these settings: by node, by input. */
export function withSettings(workflow: Workflow, settings: Settings): Workflow {
  const context = { catalogue: currentCatalogue(), scope: null };
  return Object.entries(settings).reduce(
    (whole, [node, inputs]) =>
      Object.entries(inputs).reduce(
        (changed, [input, value]) =>
          setInput({ ...context, workflow: changed }, node, input, value),
        whole,
      ),
    workflow,
  );
}

async function wished(wish: Wish): Promise<Workflow> {
  return withSettings(await templateWorkflow(), {
    checkpoint: { ckpt_name: wish.model },
    prompt: { text: wish.prompt },
    size: { width: wish.width, height: wish.height, batch_size: PICTURES },
    [SAMPLER]: {
      seed: Number(randomBits()),
      variation_strength: 0,
      variation_seed: 0,
      variation_of: -1,
    },
  });
}

/** Four pictures of a wish. Raises Refused. */
export async function makeFour(wish: Wish): Promise<void> {
  await begin({ title: t("pages.rowOf", wish), wish, isVaried: false }, await wished(wish), 1);
}

/** Four variations of one picture of a row, by this strength. Raises Refused. */
export async function vary(
  row: Row,
  place: number,
  file: PictureRef,
  strength: number,
): Promise<void> {
  const title = t("pages.rowVaried", row.wish);
  if (row.isVaried || row.isSingle) {
    // It has no noise of its own to go on from: what is kept of it is its picture.
    await fromPicture(row, file, title, 0.3 + 0.6 * strength);
    return;
  }
  const workflow = withSettings(row.store.getState().workflow, {
    size: { batch_size: PICTURES },
    [SAMPLER]: {
      variation_strength: strength,
      variation_seed: Number(randomBits()),
      variation_of: place,
    },
  });
  await begin({ title, wish: row.wish, isVaried: true }, workflow, 1);
}

/** Four pictures that begin with one. Raises Refused. */
export async function beginWith(wish: Wish, row: Row, file: PictureRef): Promise<void> {
  await fromPicture({ ...row, wish }, file, t("pages.rowReference", wish), 0.75);
}

async function fromPicture(
  row: Row,
  file: PictureRef,
  title: string,
  denoise: number,
): Promise<void> {
  const workflow = withSettings(grown(await wished(row.wish), "imageToImage", file), {
    [SAMPLER]: { denoise },
  });
  await begin({ title, wish: row.wish, isVaried: true }, withRandomSeed(workflow), PICTURES);
}

/** A picture of twice the size. Raises Refused. */
export async function enlarge(row: Row, file: PictureRef): Promise<void> {
  const workflow = grown(await wished(row.wish), "upscale", file);
  const title = t("pages.rowUpscaled", row.wish);
  await begin({ title, wish: row.wish, isVaried: false, isSingle: true }, workflow, 1);
}

function grown(workflow: Workflow, way: "imageToImage" | "upscale", file: PictureRef): Workflow {
  const context = { workflow, catalogue: currentCatalogue(), scope: null };
  return goneOn(context, way, file, null)?.workflow ?? workflow;
}

function withRandomSeed(workflow: Workflow): Workflow {
  return setAfterRun(
    { workflow, catalogue: currentCatalogue(), scope: null },
    SAMPLER,
    "seed",
    "random",
  );
}

type About = Pick<Row, "title" | "wish" | "isVaried"> & Partial<Pick<Row, "isSingle">>;

async function begin(about: About, workflow: Workflow, times: number): Promise<void> {
  const store = createDocument({
    workflow: { ...emptyWorkflow(), ...workflow, title: about.wish.prompt },
  });
  const { id } = store.getState();
  const row: Row = { id, store, runs: [], isSingle: false, ...about };
  rowsStore.setState(({ rows }) => ({ rows: [row, ...rows] }));
  try {
    for (let time = 0; time < times; time++) {
      const info = await runDocument(store);
      rowsStore.setState(({ rows }) => ({
        rows: rows.map((other) =>
          other.id === id ? { ...other, runs: [...other.runs, info.id] } : other,
        ),
      }));
    }
  } catch (error) {
    rowsStore.setState(({ rows }) => ({
      rows: rows.filter((other) => other.id !== id || other.runs.length > 0),
    }));
    throw error;
  }
}
