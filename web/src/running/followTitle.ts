/** How far a run is, in the title and the sign of the browser's tab. */
import { connectionStore } from "../api/socket";
import { titleOf } from "../state/document";
import { activeDocument, documentsStore } from "../state/documents";
import type { Run } from "../state/run";
import { progressOf } from "../state/runProgress";
import { runsStore } from "../state/runStore";
import { t } from "../strings/t";

/** Milliseconds between two looks at how far runs are: a browser's tab is costly to change. */
const REST = 1000;

export function followTitle(): void {
  let shown = "";
  let signShown: number | null = null;
  let lookedAt = -REST;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const show = (): void => {
    clearTimeout(timer);
    timer = undefined;
    lookedAt = performance.now();
    const document_ = activeDocument()?.getState();
    const title = (document_ && titleOf(document_)) || t("running.untitled");
    const percent = percentOf(Object.values(runsStore.getState().runs));
    const text =
      percent === null
        ? `${title} · ${t("app.name")}`
        : t("running.titleRunning", { percent, title });
    if (text !== shown) document.title = text;
    const sign = percent && Math.floor(percent / STEP) * STEP;
    if (sign !== signShown) drawSign(sign);
    shown = text;
    signShown = sign;
  };
  runsStore.subscribe(() => {
    timer ??= setTimeout(show, lookedAt + REST - performance.now());
  });
  documentsStore.subscribe(show);
  connectionStore.subscribe(show);
  show();
}

/** Of the run at work; null where there is none. */
function percentOf(runs: readonly Run[]): number | null {
  const run = runs.find(({ info }) => info.state === "running");
  return run ? Math.round(progressOf(run).part * 100) : null;
}

const SIZE = 32;

/** The sign shows percents in steps of this: drawing it costs more than all else that an event changes. */
const STEP = 10;
let plain: string | null = null;

/** Draw a ring that closes as the run goes on; without a run the sign the page came with. */
function drawSign(percent: number | null): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (!link) return;
  plain ??= link.href;
  const canvas = document.createElement("canvas");
  const pen = percent === null ? null : canvas.getContext("2d");
  if (!pen || percent === null) {
    link.href = plain;
    link.type = "image/svg+xml";
    return;
  }
  canvas.width = SIZE;
  canvas.height = SIZE;
  const colours = getComputedStyle(document.documentElement);
  const ring = (part: number, colour: string): void => {
    pen.beginPath();
    pen.arc(SIZE / 2, SIZE / 2, 12, -Math.PI / 2, -Math.PI / 2 + part * 2 * Math.PI);
    pen.strokeStyle = colours.getPropertyValue(colour);
    pen.lineWidth = 6;
    pen.stroke();
  };
  ring(1, "--border");
  ring(percent / 100, "--running");
  link.type = "image/png";
  link.href = canvas.toDataURL("image/png");
}
