/** The prompt that a stored picture was made with. */
import { ask, inPath } from "../api/client";
import type { PictureFacts } from "../api/schema";
import { upstream } from "../graph/topology";
import { linkOf, settingOf, type Workflow } from "../graph/workflow";
import { workflowOf } from "../results/pictureFacts";

/** Null where the picture carries no workflow of ours with a prompt in it. Raises Refused. */
export async function promptOfPicture(file: {
  readonly kind: string;
  readonly name: string;
}): Promise<string | null> {
  const facts = await ask<PictureFacts>("GET", `/v1/metadata/${file.kind}/${inPath(file.name)}`);
  const workflow = workflowOf(facts);
  return workflow && promptIn(workflow);
}

/** The text that leads to what is wanted of the first sampler; of several on the way, the nearest. */
export function promptIn({ nodes = {} }: Workflow): string | null {
  const wanted = Object.values(nodes).flatMap((node) => linkOf(node.inputs?.positive)?.[0] ?? []);
  for (const id of wanted.flatMap((end) => [...upstream(nodes, [end])])) {
    const text = settingOf(nodes[id]?.inputs?.text);
    if (typeof text === "string") return text;
  }
  return null;
}
