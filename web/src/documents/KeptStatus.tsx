/** How safe the document is: saved, kept as a draft, or only in this browser, and when. */
import { useEffect, useState } from "react";
import type { DocumentStore } from "../state/document";
import { t } from "../strings/t";
import { Tooltip } from "../ui/Tooltip";
import { ago, untilChange } from "./ago";
import css from "./KeptStatus.module.css";
import { type Keeping, useKeeping } from "./keeping";

export function KeptStatus({ document }: { readonly document: DocumentStore }) {
  const keeping = useKeeping(document.getState().id, (all) => all);
  const passed = usePassed(keeping.time);
  const { text, why, tone } = told(keeping, passed);
  if (!text) return null;
  const status = (
    <span className={css.status} data-tone={tone} role={tone === "bad" ? "alert" : undefined}>
      {text}
    </span>
  );
  return why ? <Tooltip text={why}>{status}</Tooltip> : status;
}

interface Told {
  readonly text: string;
  readonly why?: string;
  readonly tone?: "bad";
}

function told({ browser, server, reason, isSaved, time }: Keeping, passed: number): Told {
  const isFailed = browser === "failed";
  if (isFailed && server === "kept")
    return { text: t("documents.kept", { ago: ago(passed) }), why: t("documents.notKeptHere") };
  if (isFailed && server !== "none")
    return { text: t("documents.notKept"), why: t("documents.notKeptWhy"), tone: "bad" };
  if (server === "away") return { text: t("documents.keptHere"), why: t("documents.keptHereWhy") };
  if (server === "refused")
    return { text: t("documents.keptHere"), why: t("documents.draftRefused", { reason }) };
  if (time === null) return { text: "" };
  return { text: t(isSaved ? "documents.saved" : "documents.kept", { ago: ago(passed) }) };
}

/** Milliseconds since then, as often anew as the words for it change. */
function usePassed(time: number | null): number {
  const [now, setNow] = useState(Date.now);
  const passed = time === null ? 0 : Math.max(0, now - time);
  useEffect(() => {
    if (time === null) return;
    const timer = setTimeout(() => setNow(Date.now()), untilChange(passed));
    return () => clearTimeout(timer);
  }, [time, passed]);
  return passed;
}
