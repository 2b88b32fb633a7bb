/** The templates, as pictures: each opens as a new document. */
import { useEffect, useState } from "react";
import type { WorkflowInfo } from "../api/schema";
import type { Workflow } from "../graph/workflow";
import type { OverlayProps } from "../pages/OverlayHost";
import { useCatalogue } from "../state/catalogue";
import { t } from "../strings/t";
import { Dialog } from "../ui/Dialog";
import { Empty } from "../ui/Empty";
import { TextField } from "../ui/Field";
import { tellError } from "../ui/toasts";
import { loadWorkflow, refreshLibrary, useLibrary } from "./library";
import { matching } from "./matching";
import { missingTypes } from "./missing";
import { openSaved } from "./opening";
import { Schematic } from "./Schematic";
import css from "./Templates.module.css";

export default function Templates({ onClose }: OverlayProps) {
  const workflows = useLibrary((state) => state.workflows);
  const failure = useLibrary((state) => state.failure);
  const [query, setQuery] = useState("");
  useEffect(() => void refreshLibrary(), []);
  const templates = workflows.filter((info) => info.is_template);
  const found = matching(templates, query, (info) => `${info.title} ${info.name}`);
  return (
    <Dialog title={t("documents.templatesTitle")} onClose={onClose} size="wide">
      <div className={css.head}>
        <p className={css.text}>{t("documents.templatesText")}</p>
        <TextField
          label={t("documents.search")}
          hideLabel
          placeholder={t("documents.search")}
          type="search"
          autoFocus
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </div>
      {failure && templates.length === 0 ? (
        <Empty text={t("documents.libraryAway", { reason: failure.message })} />
      ) : null}
      <ul className={css.gallery}>
        {found.map((info) => (
          <Template key={info.name} info={info} onOpened={onClose} />
        ))}
      </ul>
    </Dialog>
  );
}

function Template({
  info,
  onOpened,
}: {
  readonly info: WorkflowInfo;
  readonly onOpened: () => void;
}) {
  const [workflow, setWorkflow] = useState<Workflow | null>(null);
  useEffect(() => {
    loadWorkflow(info.name)
      .then((loaded) => setWorkflow(loaded.document))
      .catch(() => undefined); // it stays without a picture; opening it tells why
  }, [info.name]);
  return (
    <li>
      <button
        type="button"
        className={css.template}
        onClick={() => {
          onOpened();
          openSaved(info.name).catch(tellError);
        }}
      >
        <span className={css.picture}>
          {info.picture ? (
            <img src={info.picture} alt="" loading="lazy" />
          ) : workflow ? (
            <Schematic workflow={workflow} />
          ) : null}
        </span>
        <span className={css.title}>{info.title || info.name}</span>
        <span className={css.facts}>{workflow ? <Needs workflow={workflow} /> : null}</span>
      </button>
    </li>
  );
}

/** How large it is, and what it needs that is not here. */
function Needs({ workflow }: { readonly workflow: Workflow }) {
  const catalogue = useCatalogue();
  const missing = missingTypes(workflow, catalogue).map((item) => item.type);
  const count = Object.keys(workflow.nodes ?? {}).length;
  return missing.length > 0 ? (
    <span className={css.missing}>
      {t("documents.templateNeeds", { what: missing.join(", ") })}
    </span>
  ) : (
    t("documents.templateSteps", { count })
  );
}
