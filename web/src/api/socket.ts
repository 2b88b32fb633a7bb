/** The one connection over which the server tells what happens. It comes back by itself, and misses nothing of a run. */
import { createStore } from "zustand";
import { address } from "./client";
import type { DownloadInfo, NodePreview, RunEvent, WorkerInfo } from "./schema";

/** What the server says apart from any run, by kind. */
export interface Announcements {
  hello: {
    readonly version: string;
    readonly revision: string;
    readonly queue: {
      readonly waiting: number;
      readonly paused: number;
      readonly running: number;
      readonly held: boolean;
    };
  };
  catalogue_changed: { readonly revision: string };
  queue_changed: { readonly paused: boolean };
  models_changed: object;
  workers_changed: { readonly workers: readonly WorkerInfo[] };
  download_progress: { readonly download: DownloadInfo };
  server_ending: object;
  /**
   * What came of runs from these numbers on follows, as asked. dropped: because this page read too slowly; then what is
   * shown of the server is to be asked for anew.
   */
  behind: { readonly runs: Readonly<Record<string, number>>; readonly dropped: boolean };
  error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly run?: string;
  };
}

export type Announcement = keyof Announcements;

/** opening: for the first time. here: connected. away: it was lost, and is tried again. */
export type Connection = "opening" | "here" | "away";

interface ConnectionState {
  readonly state: Connection;
  /** Connections that came about. More than one: there was a break, which is over. */
  readonly count: number;
}

export const connectionStore = createStore<ConnectionState>(() => ({ state: "opening", count: 0 }));

/** What a client of the socket does with runs. since: the runs it shows, with the number of the last event it knows. */
export interface RunListener {
  since(): Readonly<Record<string, number>>;
  onEvent(event: RunEvent): void;
  onPreview(preview: NodePreview, picture: Blob): void;
}

type Handler = (told: never) => void;

const handlers = new Map<Announcement, Set<Handler>>();
/** Runs whose story was asked for and does not follow yet, with the number of the last event that is known. */
const asked = new Map<string, number>();

let listener: RunListener | null = null;
let socket: WebSocket | null = null;
let attempts = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Milliseconds before a lost connection is tried again: at first, and at most. */
const FIRST = 400;
const LONGEST = 10_000;

/** Be told of one kind of announcement. Gives what ends it. */
export function subscribe<K extends Announcement>(
  kind: K,
  handler: (told: Announcements[K]) => void,
): () => void {
  const those = handlers.get(kind) ?? new Set();
  handlers.set(kind, those.add(handler));
  return () => those.delete(handler);
}

/** Connect, and stay connected for as long as the page is open. */
export function connect(to: RunListener): void {
  listener = to;
  subscribe("behind", ({ runs }) => {
    for (const run of Object.keys(runs)) asked.delete(run);
  });
  subscribe("error", ({ run }) => {
    if (run) asked.delete(run);
  });
  window.addEventListener("online", now);
  window.addEventListener("offline", () => socket?.close());
  document.addEventListener("visibilitychange", now);
  open();
}

/** Ask for what came of runs after these numbers. While the connection is lost, its return asks. */
export function follow(since: Readonly<Record<string, number>>): void {
  const runs = Object.entries(since);
  if (socket?.readyState !== WebSocket.OPEN || runs.length === 0) return;
  for (const [run, seq] of runs) asked.set(run, seq);
  socket.send(JSON.stringify({ since }));
}

/** Whether an event was on its way before the story that was asked for, and leaves out what that tells before it. */
function comesAgain({ run, seq }: RunEvent): boolean {
  const known = asked.get(run);
  if (known === undefined) return false;
  if (seq !== known + 1) return true;
  asked.set(run, seq);
  return false;
}

/** How long to wait before an attempt: longer each time, and never the same for everybody. chance: from 0 to 1. */
export function pause(attempt: number, chance: number): number {
  return Math.min(LONGEST, FIRST * 2 ** attempt) * (0.5 + chance / 2);
}

/** A preview as it travels: the length of its header, the header, the picture. */
export function previewOf(data: ArrayBuffer): { header: NodePreview; picture: Blob } {
  const length = new DataView(data).getUint32(0);
  const text = new TextDecoder().decode(new Uint8Array(data, 4, length));
  const header = JSON.parse(text) as NodePreview; // as docs/events.md says
  return { header, picture: new Blob([data.slice(4 + length)], { type: header.mime }) };
}

function now(): void {
  if (socket || document.visibilityState === "hidden") return;
  attempts = 0;
  open();
}

function open(): void {
  clearTimeout(timer);
  const opened = new WebSocket(new URL(address("/v1/events"), location.href));
  opened.binaryType = "arraybuffer";
  opened.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (opened !== socket) return;
    if (typeof data === "string") onText(data);
    else {
      const { header, picture } = previewOf(data);
      listener?.onPreview(header, picture);
    }
  };
  opened.onclose = () => onClose(opened);
  socket = opened;
}

function onClose(closed: WebSocket): void {
  if (closed !== socket) return;
  socket = null;
  asked.clear();
  connectionStore.setState({ state: "away" });
  timer = setTimeout(open, pause(attempts++, Math.random()));
}

function onText(data: string): void {
  const told = JSON.parse(data) as RunEvent | (Announcements[Announcement] & { event: string });
  if (!("run" in told && "seq" in told)) announce(told.event as Announcement, told);
  else if (!comesAgain(told)) listener?.onEvent(told);
}

function announce(kind: Announcement, told: object): void {
  if (kind === "hello") onHello();
  if (kind === "server_ending") connectionStore.setState({ state: "away" });
  for (const handler of handlers.get(kind) ?? []) handler(told as never); // of its own kind, see subscribe
}

/** Connected: ask for what came while it was not. */
function onHello(): void {
  attempts = 0;
  connectionStore.setState(({ count }) => ({ state: "here", count: count + 1 }));
  if (listener) follow(listener.since());
}
