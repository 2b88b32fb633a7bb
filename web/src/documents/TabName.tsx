/** A field in the place of a tab, for another name. */
import { useState } from "react";
import type { DocumentStore } from "../state/document";
import { t } from "../strings/t";
import { nameOf } from "./nameOf";
import { rename } from "./saving";
import css from "./TabName.module.css";

interface TabNameProps {
  readonly document: DocumentStore;
  readonly onClose: () => void;
}

export function TabName({ document: renamed, onClose }: TabNameProps) {
  const [tab] = useState(() => placeOf(renamed.getState().id));
  const before = nameOf(renamed.getState());
  const finish = (name: string): void => {
    onClose();
    if (name && name !== before) void rename(renamed, name);
  };
  return (
    <input
      ref={(input) => {
        input?.focus();
        input?.select();
      }}
      className={css.field}
      style={{
        left: tab.left,
        top: tab.top,
        width: Math.max(tab.width + 24, 140),
        height: tab.height,
      }}
      aria-label={t("documents.name")}
      defaultValue={before}
      spellCheck={false}
      onBlur={(event) => finish(event.target.value.trim())}
      onKeyDown={(event) => {
        if (event.key === "Enter") finish(event.currentTarget.value.trim());
        if (event.key === "Escape") onClose();
      }}
    />
  );
}

function placeOf(id: string): DOMRectReadOnly {
  const tab = document.querySelector(`[role=tab][data-document="${CSS.escape(id)}"]`);
  return tab?.getBoundingClientRect() ?? new DOMRect();
}
