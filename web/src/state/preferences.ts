/** What a person has set for themselves: in this browser at once, and on the server for the next one. */
import { createStore, useStore } from "zustand";
import { ask } from "../api/client";

export interface Preferences {
  readonly theme: "system" | "dark" | "light";
  readonly contrast: "normal" | "high";
  readonly motion: "system" | "reduced";
  readonly density: "compact" | "regular" | "roomy";
  readonly links: "curve" | "straight" | "orthogonal";
  readonly wheel: "auto" | "zoom" | "pan";
  /** How fast the view moves while something is dragged to its edge: none, or as a share of the usual speed. */
  readonly edgePan: "off" | "slow" | "normal" | "fast";
  readonly grid: boolean;
  readonly healOnDelete: boolean;
  readonly previews: boolean;
  readonly weightStep: number;
  readonly notify: boolean;
  readonly neverForm: boolean;
  /** Keys of commands, where they are not those they come with. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  /** Node types: the pinned ones, and how often each was placed; pairs as "from>to". */
  readonly favourites: readonly string[];
  readonly used: Readonly<Record<string, number>>;
  readonly pairs: Readonly<Record<string, number>>;
  /** Choices that were starred or taken lately, by their source. */
  readonly starred: Readonly<Record<string, readonly string[]>>;
  readonly recent: Readonly<Record<string, readonly string[]>>;
  /** Whether the page for newcomers has been answered. */
  readonly welcomed: boolean;
}

export const DEFAULTS: Preferences = {
  theme: "system",
  contrast: "normal",
  motion: "system",
  density: "regular",
  links: "curve",
  wheel: "auto",
  edgePan: "normal",
  grid: true,
  healOnDelete: false,
  previews: true,
  weightStep: 0.05,
  notify: false,
  neverForm: false,
  keys: {},
  favourites: [],
  used: {},
  pairs: {},
  starred: {},
  recent: {},
  welcomed: false,
};

const KEPT = "noisewright-preferences";

function remembered(): Preferences {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(KEPT) ?? "{}") };
  } catch {
    return DEFAULTS; // what was kept is no JSON, or nothing may be kept here
  }
}

export const preferencesStore = createStore<Preferences>(remembered);

export function usePreference<K extends keyof Preferences>(name: K): Preferences[K] {
  return useStore(preferencesStore, (state) => state[name]);
}

export function setPreferences(change: Partial<Preferences>): void {
  preferencesStore.setState(change);
  if (early) early = { ...early, ...change };
}

/** What a person has set before the server told what it has: it is the newer. null: the server has told. */
let early: Partial<Preferences> | null = {};

let following: Promise<void> | null = null;

/** Take what the server has, then keep both up to date. The promise is done when the server has answered, or is away. */
export function followPreferences(): Promise<void> {
  following ??= follow();
  return following;
}

type Told = Readonly<Record<string, unknown>>;

/** What the server keeps of this person: the editor's part is one of several. */
let told: Told = {};

async function follow(): Promise<void> {
  try {
    const found = await ask<Told & { editor?: Partial<Preferences> }>("GET", "/v1/preferences");
    told = found;
    if (found.editor) preferencesStore.setState({ ...found.editor, ...early });
  } catch {
    // Away: what this browser has holds, and is sent with the next change.
  }
  preferencesStore.subscribe(keep);
  if (early && Object.keys(early).length > 0) keep(preferencesStore.getState());
  early = null;
  window.addEventListener("pagehide", () => {
    if (waiting !== undefined) void send(true);
  });
}

let waiting: ReturnType<typeof setTimeout> | undefined;

function keep(preferences: Preferences): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify(preferences));
  } catch {
    // A browser that keeps nothing still has the server.
  }
  clearTimeout(waiting);
  waiting = setTimeout(() => void send(false), 1000);
}

/** isLast: the page goes away; the request goes on without it. */
async function send(isLast: boolean): Promise<void> {
  clearTimeout(waiting);
  waiting = undefined;
  try {
    if (!isLast) told = await ask<Told>("GET", "/v1/preferences"); // others may have changed their part
    const body = { ...told, editor: preferencesStore.getState() };
    await ask("PUT", "/v1/preferences", { body, keepalive: isLast });
  } catch {
    // Away, or not allowed to: it stays in this browser.
  }
}

/** Show the theme a person wants. Follows the system where they have not said. */
export function followTheme(): void {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: light)");
  const show = (): void => {
    const { theme, contrast, motion, density } = preferencesStore.getState();
    root.dataset.theme = theme === "system" ? (system.matches ? "light" : "dark") : theme;
    root.dataset.contrast = contrast;
    root.dataset.motion = motion;
    root.dataset.density = density;
  };
  show();
  system.addEventListener("change", show);
  preferencesStore.subscribe(show);
}
