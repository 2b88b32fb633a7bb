/** What a stored picture tells of itself: its size, and the workflow it carries. */
import { useEffect, useState } from "react";
import { ask, inPath } from "../api/client";
import type { PictureFacts } from "../api/schema";
import { isObject, settingOf, type Workflow } from "../graph/workflow";
import type { PictureRef } from "./openViewer";

/** The facts of a picture; null until they are there, or where it has none. */
export function usePictureFacts(file: PictureRef | undefined): PictureFacts | null {
  const [known, setKnown] = useState<{ file: PictureRef; facts: PictureFacts } | null>(null);
  useEffect(() => {
    if (!file) return;
    const abort = new AbortController();
    ask<PictureFacts>("GET", `/v1/metadata/${file.kind}/${inPath(file.name)}`, {
      signal: abort.signal,
    })
      .then((facts) => setKnown({ file, facts }))
      .catch(() => undefined); // it is shown without
    return () => abort.abort();
  }, [file]);
  return known && known.file === file ? known.facts : null;
}

/** The workflow in our format that a picture carries. */
export function workflowOf(facts: PictureFacts): Workflow | null {
  const found = parsed(facts.documents.noisewright);
  return isObject(found) && isObject(found.nodes) ? (found as unknown as Workflow) : null;
}

/** The seeds of the run that made a picture: "node.input" → as text, since they may be large. */
export function seedsOf(facts: PictureFacts): Readonly<Record<string, string>> {
  const text = facts.documents.noisewright_run;
  // Numbers beyond 2^53 do not survive JSON.parse: they are made text first.
  const record = parsed(text?.replace(/(:\s*)(\d{16,})(?=\s*[,}\]])/g, '$1"$2"'));
  const seeds = isObject(record) ? record.seeds : undefined;
  return isObject(seeds)
    ? Object.fromEntries(Object.entries(seeds).map(([place, seed]) => [place, String(seed)]))
    : {};
}

/** Lines about how a picture was made: the texts, seeds, steps and models of its workflow. */
export function linesOf(
  facts: PictureFacts,
): readonly { readonly name: string; readonly value: string }[] {
  const workflow = workflowOf(facts);
  if (!workflow) return [];
  const seeds = seedsOf(facts);
  return Object.entries(workflow.nodes ?? {}).flatMap(([id, node]) =>
    Object.entries(node.inputs ?? {}).flatMap(([input, held]) => {
      const value = seeds[`${id}.${input}`] ?? settingOf(held);
      if (!TOLD.has(input) || value === undefined || value === "") return [];
      return [{ name: node.title || `${id} · ${input}`, value: String(value) }];
    }),
  );
}

/** Inputs whose values say most of a picture. */
const TOLD = new Set([
  ...["ckpt_name", "text", "seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"],
  ...["variation_seed", "variation_strength", "lora_name", "width", "height"],
]);

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? null : JSON.parse(text);
  } catch {
    return null; // another program's, or cut short
  }
}
