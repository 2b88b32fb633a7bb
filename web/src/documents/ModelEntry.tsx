/** One model file in the list: to be used in the graph, verified, deleted. */
import { MoreHorizontal } from "lucide-react";
import { useState } from "react";
import type { ModelInfo } from "../api/schema";
import { canvas } from "../state/canvas";
import { writeModel } from "../state/dragged";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { IconButton } from "../ui/IconButton";
import { Menu, type MenuEntry } from "../ui/Menu";
import { tell, tellError } from "../ui/toasts";
import { bytesText } from "../widgets/modelOrigin";
import { placeModel } from "./inserting";
import css from "./ModelEntry.module.css";
import { removeModel } from "./models";
import { lastPart } from "./nameOf";
import { verify } from "./verify";

export function ModelEntry({ model }: { readonly model: ModelInfo }) {
  const [isAsked, setAsked] = useState(false);
  const name = lastPart(model.name);
  const use = (): void => placeModel(model.folder, model.name);
  const entries: readonly MenuEntry[] = [
    { label: t("documents.useModel"), disabled: !canvas(), run: use },
    { label: t("documents.verify"), run: () => void verify([model]) },
    "separator",
    {
      label: t("documents.remove"),
      danger: true,
      disabled: !model.own,
      run: () => setAsked(true),
    },
  ];
  const remove = (): void => {
    setAsked(false);
    removeModel(model)
      .then(() => tell(t("documents.modelDeleted", { name })))
      .catch(tellError);
  };
  return (
    <li className={css.entry}>
      <button
        type="button"
        className={css.model}
        draggable
        title={model.name}
        onDoubleClick={use}
        onKeyDown={(event) => {
          if (event.key === "Enter") use();
        }}
        onDragStart={(event) => writeModel(event.dataTransfer, model)}
      >
        <span className={css.name}>{model.name}</span>
        <span className={css.facts}>
          {[model.family, bytesText(model.size), model.licence].filter(Boolean).join(" · ")}
        </span>
      </button>
      <Menu
        entries={entries}
        trigger={<IconButton label={t("documents.actions", { name })} icon={<MoreHorizontal />} />}
      />
      {isAsked ? (
        <Dialog
          title={t("documents.remove")}
          onClose={() => setAsked(false)}
          actions={
            <>
              <Button onClick={() => setAsked(false)}>{t("app.cancel")}</Button>
              <Button look="danger" onClick={remove}>
                {t("documents.remove")}
              </Button>
            </>
          }
        >
          <p>{t("documents.removeSure", { name: model.name })}</p>
        </Dialog>
      ) : null}
    </li>
  );
}
