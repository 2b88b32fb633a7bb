/** A workflow as a form: the inputs its interface names, and what comes of them. */
import { Play, Square, Workflow as WorkflowIcon } from "lucide-react";
import { type FormEvent, useEffect, useMemo, useState } from "react";
import { ask } from "../api/client";
import type { InterfaceInput } from "../api/schema";
import { loadWorkflow } from "../documents/library";
import { type Catalogue, type InputSpec, specOf } from "../graph/catalogue";
import { graphAt, type Workflow } from "../graph/workflow";
import { goTo, TAB } from "../route";
import { loadCatalogue, useCatalogue } from "../state/catalogue";
import {
  createDocument,
  DocumentProvider,
  type DocumentStore,
  titleOf,
  useDocument,
  useDocumentStore,
} from "../state/document";
import { activate, addDocument, documentOf } from "../state/documents";
import { setPreferences } from "../state/preferences";
import { isOver } from "../state/run";
import { runDocument, useRunOfDocument } from "../state/runs";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { PopupHost } from "../ui/PopupHost";
import { tellError } from "../ui/toasts";
import { NodeWidget } from "../widgets/NodeWidget";
import css from "./FormPage.module.css";
import { OverlayHost } from "./OverlayHost";
import { RunResult } from "./RunResult";
import { start } from "./starting";

export default function FormPage({ name }: { readonly name: string }) {
  const [store, setStore] = useState<DocumentStore | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useEffect(() => {
    let isShown = true;
    opened(name).then(
      (found) => isShown && setStore(found),
      (error: unknown) => isShown && setFailure(error),
    );
    return () => {
      isShown = false;
    };
  }, [name]);
  if (failure !== null) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    return (
      <Empty text={t("pages.cannotOpen", { name, reason })}>
        <Button onClick={() => goTo({ page: "editor" })}>{t("pages.editor")}</Button>
      </Empty>
    );
  }
  if (!store) return <Empty text={t("app.loading")} />;
  return (
    <DocumentProvider value={store}>
      <Form />
      <OverlayHost />
      <PopupHost />
    </DocumentProvider>
  );
}

async function opened(name: string): Promise<DocumentStore> {
  await start();
  if (name.startsWith(TAB)) {
    const open = documentOf(name.slice(TAB.length));
    if (open) return open;
  }
  const [{ document, revision }] = await Promise.all([loadWorkflow(name), loadCatalogue()]);
  return createDocument({ workflow: document, name, revision, saved: document });
}

function Form() {
  const store = useDocumentStore();
  const title = useDocument(titleOf);
  const workflow = useDocument((state) => state.workflow);
  const catalogue = useCatalogue();
  const run = useRunOfDocument((latest) => latest);
  const isRunning = run !== null && !isOver(run.info);
  const fields = useMemo(() => fieldsOf(workflow, catalogue), [workflow, catalogue]);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void runDocument(store).catch(tellError);
  };
  const stop = (): void => {
    if (run) void ask("POST", `/v1/runs/${run.info.id}/cancel`).catch(tellError);
  };

  return (
    <div className={css.page}>
      <form className={css.form} aria-label={title} onSubmit={submit}>
        <header className={css.head}>
          <h1 className={css.title}>{title}</h1>
          <Button look="quiet" icon={<WorkflowIcon />} onClick={() => showGraph(store)}>
            {t("pages.showGraph")}
          </Button>
        </header>
        {fields.length === 0 ? <Empty text={t("pages.noForm")} /> : null}
        {fields.map(({ entry, input }) => (
          <div key={entry.name} className={css.field}>
            <NodeWidget node={entry.node} input={input} place="form" />
            {entry.help ? <p className={css.help}>{entry.help}</p> : null}
          </div>
        ))}
        <footer className={css.foot}>
          {isRunning ? (
            <Button icon={<Square />} onClick={stop}>
              {t("pages.cancel")}
            </Button>
          ) : null}
          <Button look="primary" type="submit" icon={<Play />}>
            {t("pages.make")}
          </Button>
        </footer>
      </form>
      <main className={css.results} aria-label={t("pages.results")}>
        <RunResult run={run} empty={t("pages.nothingYet")} />
      </main>
    </div>
  );
}

interface FormField {
  readonly entry: InterfaceInput;
  /** With the label that the form has for it. */
  readonly input: InputSpec;
}

/** The inputs that the interface names, as far as they are there. */
function fieldsOf(workflow: Workflow, catalogue: Catalogue): readonly FormField[] {
  const { nodes } = graphAt(workflow, null);
  return (workflow.interface?.inputs ?? []).flatMap((entry) => {
    const node = nodes[entry.node];
    const spec = node && specOf(catalogue, workflow, node, nodes);
    const input = spec?.inputs.find(({ name }) => name === entry.input);
    const label = entry.label || entry.name.replaceAll("_", " ");
    return input ? [{ entry, input: { ...input, hints: { ...input.hints, label } } }] : [];
  });
}

/** Show a document in the editor, in a tab of its own if it has none. */
export function showGraph(store: DocumentStore): void {
  const { id } = store.getState();
  if (documentOf(id)) activate(id);
  else addDocument(store);
  setPreferences({ welcomed: true }); // who works on graphs is led to them from now on
  goTo({ page: "editor" });
}
