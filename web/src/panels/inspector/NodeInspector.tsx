/** One node: its name, how it runs, all its inputs, and what came of it. */

import { Markdown } from "../../canvas/Markdown";
import { lookOf } from "../../canvas/socketLook";
import {
  type InputSpec,
  isMissing,
  type NodeSpec,
  shownInputs,
  specOf,
} from "../../graph/catalogue";
import { renameNode } from "../../graph/edits/nodes";
import { linkOf, type NodeId, type WorkflowNode } from "../../graph/workflow";
import { useCatalogue } from "../../state/catalogue";
import { shownGraph, useDocument, useDocumentStore } from "../../state/document";
import { t } from "../../strings/t";
import { TextField } from "../../ui/Field";
import { hasWidget } from "../../widgets/kindOf";
import { NodeWidget } from "../../widgets/NodeWidget";
import { SizePicker } from "../../widgets/SizePicker";
import { sizeInputs } from "../../widgets/sizeInputs";
import { labelOf } from "../../widgets/widget";
import css from "./inspector.module.css";
import { ModeButtons } from "./ModeButtons";
import { NodeColor } from "./NodeColor";
import { RunFacts } from "./RunFacts";
import { Section } from "./Section";

export function NodeInspector({ node: id }: { readonly node: NodeId }) {
  const store = useDocumentStore();
  const catalogue = useCatalogue();
  const workflow = useDocument((state) => state.workflow);
  const nodes = useDocument((state) => shownGraph(state).nodes);
  const hasSize = useDocument((state) => sizeInputs(state, id) !== null);
  const node = nodes[id];
  if (!node) return null;
  const spec = specOf(catalogue, workflow, node, nodes);
  const shown = shownInputs(spec, node);
  const plain = shown.filter((input) => !hasWidget(input));
  const fields = shown.filter((input) => hasWidget(input) && input.hints.advanced !== true);
  const folded = shown.filter((input) => hasWidget(input) && input.hints.advanced === true);

  return (
    <div className={css.panel}>
      <div className={css.head}>
        <TextField
          label={t("widgets.nodeTitle")}
          placeholder={spec.title}
          value={node.title ?? ""}
          onChange={(event) => {
            const title = event.target.value;
            store.edit(t("widgets.rename"), (context) => renameNode(context, id, title), {
              merge: `${id}/title`,
            });
          }}
        />
        {isMissing(catalogue, workflow, node) ? (
          <p className={css.error}>{t("widgets.unknownType", { type: node.type })}</p>
        ) : null}
        <Facts spec={spec} node={node} />
        {spec.help ? (
          <div className={css.help}>
            <Markdown text={spec.help} />
          </div>
        ) : null}
        <ModeButtons nodes={[id]} />
        <NodeColor nodes={[id]} />
      </div>
      {fields.length > 0 ? (
        <Section title={t("widgets.inputs")}>
          {hasSize ? <SizePicker node={id} /> : null}
          <Fields node={id} inputs={fields} />
        </Section>
      ) : null}
      {folded.length > 0 ? (
        <Section title={t("widgets.folded")}>
          <Fields node={id} inputs={folded} />
        </Section>
      ) : null}
      {plain.length > 0 ? (
        <Section title={t("widgets.links")}>
          <Links node={node} nodes={nodes} inputs={plain} />
        </Section>
      ) : null}
      {spec.outputs.length > 0 ? (
        <Section title={t("widgets.outputs")}>
          <ul className={css.sockets}>
            {spec.outputs.map((output) => (
              <Socket key={output.name} name={output.name} type={output.type} says={output.type} />
            ))}
          </ul>
        </Section>
      ) : null}
      <RunFacts node={id} />
    </div>
  );
}

function Facts({ spec, node }: { readonly spec: NodeSpec; readonly node: WorkflowNode }) {
  return (
    <dl className={css.facts}>
      <dt>{t("widgets.nodeType")}</dt>
      <dd>{node.type}</dd>
      <dt>{t("widgets.nodePack")}</dt>
      <dd>{spec.pack || t("widgets.builtIn")}</dd>
    </dl>
  );
}

function Fields({
  node,
  inputs,
}: {
  readonly node: NodeId;
  readonly inputs: readonly InputSpec[];
}) {
  return inputs.map((input) => (
    <NodeWidget key={input.name} node={node} input={input} place="inspector" />
  ));
}

interface LinksProps {
  readonly node: WorkflowNode;
  readonly nodes: Readonly<Record<NodeId, WorkflowNode>>;
  readonly inputs: readonly InputSpec[];
}

/** Inputs that only links can give: what each is, and where it comes from. */
function Links({ node, nodes, inputs }: LinksProps) {
  const catalogue = useCatalogue();
  const workflow = useDocument((state) => state.workflow);
  const sourceOf = (input: InputSpec): string => {
    const origin = linkOf(node.inputs?.[input.name]);
    const source = origin ? nodes[origin[0]] : undefined;
    if (!source) return input.type;
    return source.title || specOf(catalogue, workflow, source, nodes).title;
  };
  return (
    <ul className={css.sockets}>
      {inputs.map((input) => (
        <Socket
          key={input.name}
          name={labelOf(input)}
          type={input.type}
          says={sourceOf(input)}
          help={input.help}
        />
      ))}
    </ul>
  );
}

interface SocketProps {
  readonly name: string;
  readonly type: string;
  readonly says: string;
  readonly help?: string;
}

function Socket({ name, type, says, help }: SocketProps) {
  return (
    <li className={css.socket} title={[help, type].filter(Boolean).join("\n")}>
      <i className={css.dot} style={{ backgroundColor: lookOf(type).color }} />
      <span>{name}</span>
      <span className={css.type}>{says}</span>
    </li>
  );
}
