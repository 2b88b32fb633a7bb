/** The fields that a document's form shows: their order and their labels. */
import { ArrowDown, ArrowUp, X } from "lucide-react";
import { moveInForm, removeFromForm, setFormEntry } from "../../graph/edits/interface";
import { useDocument, useDocumentStore } from "../../state/document";
import { t } from "../../strings/t";
import { TextField } from "../../ui/Field";
import { IconButton } from "../../ui/IconButton";
import css from "./inspector.module.css";

export function FormEntries() {
  const store = useDocumentStore();
  const entries = useDocument((state) => state.workflow.interface?.inputs);
  const nodes = useDocument((state) => state.workflow.nodes);
  if (!entries?.length) return <p className={css.help}>{t("widgets.formEmpty")}</p>;
  const label = t("widgets.formSet");
  const move = (name: string, place: number): void =>
    store.edit(label, (context) => moveInForm(context, name, place));
  return (
    <ul className={css.list}>
      {entries.map(({ name, node, input, label: shown }, place) => (
        <li key={name} className={css.entry}>
          <TextField
            label={t("widgets.formLabel", { name })}
            hideLabel
            placeholder={name}
            value={shown ?? ""}
            onChange={(event) => {
              const text = event.target.value || undefined;
              store.edit(label, (context) => setFormEntry(context, name, { label: text }), {
                merge: `form/${name}`,
              });
            }}
          />
          <IconButton
            label={t("widgets.formUp", { name })}
            icon={<ArrowUp />}
            disabled={place === 0}
            onClick={() => move(name, place - 1)}
          />
          <IconButton
            label={t("widgets.formDown", { name })}
            icon={<ArrowDown />}
            disabled={place === entries.length - 1}
            onClick={() => move(name, place + 1)}
          />
          <IconButton
            label={t("widgets.formRemove", { name })}
            icon={<X />}
            onClick={() => store.edit(label, (context) => removeFromForm(context, node, input))}
          />
          <span className={css.from}>
            {nodes?.[node] ? `${node} · ${input}` : `${node} · ${t("widgets.formGone")}`}
          </span>
        </li>
      ))}
    </ul>
  );
}
