/** What a prompt says once its comments are gone and of each `{a|b}` one is chosen: what is sent to be run. */
import { type Catalogue, specOf } from "./catalogue";
import { asSetting, editGraph, graphAt, settingOf, type Workflow } from "./workflow";

/** Comments as prompts mark them. `//` of an address is none. */
export const COMMENT = /\/\*[\s\S]*?(?:\*\/|$)|(?<![:\w])\/\/[^\n]*/g;

const CHOICE = /\{([^{}]*\|[^{}]*)\}/;

/** random: from 0 up to, not including, 1; asked once for each choice. Inner choices are made first. */
export function resolvedPrompt(text: string, random: () => number): string {
  let plain = text.replace(COMMENT, "");
  for (let match = CHOICE.exec(plain); match; match = CHOICE.exec(plain)) {
    const options = (match[1] ?? "").split("|");
    const chosen = options[Math.floor(random() * options.length)] ?? "";
    plain = plain.slice(0, match.index) + chosen + plain.slice(match.index + match[0].length);
  }
  return plain;
}

/** The document with the prompts of all its nodes resolved; the same where none has anything to resolve. */
export function withPromptsResolved(
  workflow: Workflow,
  catalogue: Catalogue,
  random: () => number = Math.random,
): Workflow {
  let resolved = workflow;
  for (const scope of [null, ...Object.keys(workflow.subgraphs ?? {})]) {
    const { nodes } = graphAt(workflow, scope);
    resolved = editGraph(resolved, scope, (graph) => {
      for (const [id, node] of Object.entries(nodes)) {
        for (const { name, hints } of specOf(catalogue, workflow, node, nodes).inputs) {
          const text = hints.dynamicPrompts === true ? settingOf(node.inputs?.[name]) : undefined;
          if (typeof text !== "string") continue;
          const plain = resolvedPrompt(text, random);
          const inputs = graph.nodes[id]?.inputs;
          if (inputs && plain !== text) inputs[name] = asSetting(plain);
        }
      }
    });
  }
  return resolved;
}
