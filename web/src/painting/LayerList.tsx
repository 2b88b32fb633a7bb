/** The layers: which one is painted on, which are shown. */
import { Eye, EyeOff } from "lucide-react";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { IconButton } from "../ui/IconButton";
import { type Desk, useDesk } from "./desk";
import css from "./LayerList.module.css";
import { LAYERS, type LayerKind } from "./layers";
import { Section } from "./Section";

export function LayerList({ desk }: { readonly desk: Desk }) {
  const layer = useDesk(desk, (state) => state.layer);
  const busy = useDesk(desk, (state) => state.busy);
  const layers = LAYERS.filter((kind) => desk.layers.includes(kind));
  return (
    <Section title={t("painting.layers")}>
      <ul className={css.list}>
        {layers.map((kind) => (
          <LayerRow key={kind} desk={desk} layer={kind} />
        ))}
      </ul>
      <small>{t(`painting.layer.${layer}.help`)}</small>
      <div className={css.actions}>
        {layer === "paint" ? null : (
          <Button onClick={() => void desk.invert()} aria-disabled={busy}>
            {t("painting.invert")}
          </Button>
        )}
        <Button onClick={() => void desk.clear()} aria-disabled={busy}>
          {t("painting.clear")}
        </Button>
      </div>
    </Section>
  );
}

function LayerRow({ desk, layer }: { readonly desk: Desk; readonly layer: LayerKind }) {
  const isChosen = useDesk(desk, (state) => state.layer === layer);
  const isVisible = useDesk(desk, (state) => state.visible[layer]);
  const name = t(`painting.layer.${layer}`);
  return (
    <li className={css.row} data-chosen={isChosen || undefined}>
      <button
        type="button"
        className={css.name}
        aria-pressed={isChosen}
        onClick={() => desk.setLayer(layer)}
      >
        {name}
      </button>
      <IconButton
        label={t(isVisible ? "painting.hide" : "painting.show", { layer: name })}
        icon={isVisible ? <Eye /> : <EyeOff />}
        side="left"
        onClick={() => desk.setVisible(layer, !isVisible)}
      />
    </li>
  );
}
