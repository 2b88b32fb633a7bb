/** What the document needs that is not here, with where it may be had. */

import { useCatalogue } from "../state/catalogue";
import { t } from "../strings/t";
import { Dialog } from "../ui/Dialog";
import { Empty } from "../ui/Empty";
import css from "./MissingDialog.module.css";
import { MissingModelEntry } from "./MissingModelEntry";
import type { MissingType } from "./missing";
import { useMissing } from "./useMissing";

export default function MissingDialog({ onClose }: { readonly onClose: () => void }) {
  const { types, models } = useMissing();
  const isEmpty = types.length === 0 && models.length === 0;
  return (
    <Dialog title={t("documents.missingTitle")} onClose={onClose}>
      {isEmpty ? (
        <Empty text={t("documents.missingNothing")} />
      ) : (
        <p className={css.text}>{t("documents.missingText")}</p>
      )}
      {models.length > 0 ? (
        <section>
          <h3 className={css.heading}>{t("documents.missingModelsTitle")}</h3>
          <ul className={css.list}>
            {models.map((model) => (
              <MissingModelEntry key={`${model.folder}/${model.name}`} model={model} />
            ))}
          </ul>
        </section>
      ) : null}
      {types.length > 0 ? (
        <section>
          <h3 className={css.heading}>{t("documents.missingNodesTitle")}</h3>
          <ul className={css.list}>
            {types.map((missing) => (
              <MissingTypeEntry key={missing.type} missing={missing} />
            ))}
          </ul>
        </section>
      ) : null}
    </Dialog>
  );
}

function MissingTypeEntry({ missing }: { readonly missing: MissingType }) {
  const { type, packs, count } = missing;
  const errors = useCatalogue().errors;
  const broken = packs.find((pack) => errors[pack]);
  return (
    <li className={css.entry}>
      <span className={css.name}>{type}</span>
      <small className={css.facts}>
        {t("documents.usedBy", { count })}
        {" · "}
        {packs.length > 0
          ? t("documents.pack", { name: packs.join(", ") })
          : t("documents.packUnknown")}
        {broken ? ` · ${t("documents.packBroken", { reason: errors[broken] ?? "" })}` : ""}
      </small>
    </li>
  );
}
