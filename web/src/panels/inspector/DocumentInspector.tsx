/** The document: its title, what it is for, its form, and the models it needs. */
import type { Workflow } from "../../graph/workflow";
import { useDocument, useDocumentStore } from "../../state/document";
import { t } from "../../strings/t";
import { TextField } from "../../ui/Field";
import { bytesText } from "../../widgets/modelOrigin";
import { FormEntries } from "./FormEntries";
import css from "./inspector.module.css";
import { Section } from "./Section";

/** Where a document keeps what it is for. */
const DESCRIPTION = "x-description";

export function DocumentInspector() {
  const store = useDocumentStore();
  const title = useDocument((state) => state.workflow.title ?? "");
  const description = useDocument((state) => state.workflow[DESCRIPTION]);
  const models = useDocument((state) => state.workflow.requires?.models);
  const set = (key: "title" | typeof DESCRIPTION, label: string, text: string): void =>
    store.edit(label, ({ workflow }) => withText(workflow, key, text), {
      merge: `document/${key}`,
    });

  return (
    <div className={css.panel}>
      <div className={css.head}>
        <TextField
          label={t("widgets.documentTitle")}
          value={title}
          onChange={(event) => set("title", t("widgets.setTitle"), event.target.value)}
        />
        <label className={css.label}>
          {t("widgets.description")}
          <textarea
            className={css.text}
            value={typeof description === "string" ? description : ""}
            onChange={(event) => set(DESCRIPTION, t("widgets.setDescription"), event.target.value)}
          />
        </label>
      </div>
      <Section title={t("widgets.form")}>
        <FormEntries />
      </Section>
      <Section title={t("widgets.models")}>
        {models && Object.keys(models).length > 0 ? (
          <ul className={css.list}>
            {Object.entries(models).map(([name, { folder, size }]) => (
              <li key={name} className={css.model}>
                <span>{name}</span>
                <span className={css.from}>
                  {[folder, size ? bytesText(size) : ""].filter(Boolean).join(", ")}
                </span>
              </li>
            ))}
          </ul>
        ) : (
          <p className={css.help}>{t("widgets.modelsEmpty")}</p>
        )}
      </Section>
    </div>
  );
}

function withText(workflow: Workflow, key: "title" | typeof DESCRIPTION, text: string): Workflow {
  if ((workflow[key] ?? "") === text) return workflow;
  const { [key]: _, ...rest } = workflow;
  return (text === "" ? rest : { ...workflow, [key]: text }) as Workflow; // it has all its other fields
}
