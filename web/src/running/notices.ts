/** News of the end of a run for somebody who looks at something else: from the system, and in the tab's title. Off unless asked for. */
import { documentOf } from "../state/documents";
import { preferencesStore } from "../state/preferences";
import { documentOfRun, type Run } from "../state/run";
import { onRunOver } from "../state/runStore";
import { t } from "../strings/t";
import { duration } from "./duration";

export function followNotices(): void {
  preferencesStore.subscribe(({ notify }, before) => {
    if (
      notify &&
      !before.notify &&
      "Notification" in window &&
      Notification.permission === "default"
    )
      void Notification.requestPermission();
  });
  onRunOver((run) => {
    const document_ = documentOfRun(run);
    const isOurs = document_ !== null && documentOf(document_) !== null;
    if (!preferencesStore.getState().notify || !document.hidden || !isOurs) return;
    if (run.info.state === "cancelled") return;
    notice(run);
    badge(run);
  });
}

function notice({ info }: Run): void {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  const body = info.error
    ? t("running.failedNotice", { reason: info.error.message })
    : t("running.doneNotice", { time: duration(info.seconds) });
  const shown = new Notification(info.title || t("running.untitled"), { body, tag: info.id });
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
}

/** Say it in the tab until somebody looks. */
function badge({ info }: Run): void {
  const before = document.title;
  const key = info.state === "failed" ? "running.titleFailed" : "running.titleDone";
  const said = t(key, { title: info.title || t("running.untitled") });
  document.title = said;
  const look = (): void => {
    if (document.hidden) return;
    document.removeEventListener("visibilitychange", look);
    if (document.title === said) document.title = before;
  };
  document.addEventListener("visibilitychange", look);
}
