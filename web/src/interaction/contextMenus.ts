/** What menus offer for what they were asked on. */
import { writeNote } from "../canvas/attention";
import { commandOf, isAvailable, runCommand } from "../commands/all";
import { shown as shownKeys } from "../commands/keys";
import { keysOf } from "../commands/useKeymap";
import { removeFrame, setFrame } from "../graph/edits/frames";
import {
  disconnect,
  isWireless,
  setWaypoints,
  setWireless,
  waypointsOf,
} from "../graph/edits/links";
import { setNodeLayout } from "../graph/edits/nodes";
import { removeNote, setNote } from "../graph/edits/notes";
import type { LinkPlace } from "../graph/workflow";
import { type DocumentStore, shownGraph } from "../state/document";
import { type StringKey, t } from "../strings/t";
import type { MenuEntry } from "../ui/Menu";
import { chosenNodes } from "./chosen";
import { fieldMenu } from "./fieldMenu";
import { withDot } from "./gestures/bending";
import type { Hit, Pointer } from "./gestures/gesture";
import { LABELS } from "./gestures/labels";
import { openPalette } from "./paletteStore";
import { renameFrame } from "./rename";
import { socketMenu } from "./socketMenu";
import { currentWorld } from "./worldOf";

type Entry = Exclude<MenuEntry, "separator">;

export function menuFor(store: DocumentStore, hit: Hit, pointer: Pointer): readonly MenuEntry[] {
  switch (hit.kind) {
    case "node":
      return nodeMenu(store);
    case "field":
      return fieldMenu(store, hit.node, hit.input);
    case "socket":
      return socketMenu(store, hit.socket);
    case "link":
    case "insert":
      return linkMenu(store, hit.link, pointer);
    case "dot":
      return linkMenu(store, hit.link, pointer);
    case "frame":
      return frameMenu(store, hit.id);
    case "note":
      return noteMenu(store, hit.index);
    case "edge":
      return hit.thing.kind === "frame" ? frameMenu(store, hit.thing.id) : canvasMenu(pointer);
    case "void":
      return chosenNodes(store.getState()).length > 1 ? nodeMenu(store) : canvasMenu(pointer);
  }
}

/** The entry of a command: its name, its keys, and whether it can be done now. */
export function commandEntry(id: string, more: Partial<Entry> = {}): Entry {
  const command = commandOf(id);
  if (!command) return { label: id, disabled: true };
  const [keys] = keysOf(command);
  return {
    label: t(command.title),
    ...(keys
      ? { keys: shownKeys(keys) }
      : BROWSER_KEYS[id]
        ? { keys: shownKeys(BROWSER_KEYS[id]) }
        : {}),
    disabled: !isAvailable(command),
    run: () => runCommand(id),
    ...more,
  };
}

/** Keys that are the browser's own. */
const BROWSER_KEYS: Readonly<Record<string, string>> = {
  "edit.copy": "Ctrl+C",
  "edit.cut": "Ctrl+X",
  "edit.paste": "Ctrl+V",
  "edit.pasteLinked": "Ctrl+Shift+V",
};

const commands = (...ids: readonly string[]): readonly Entry[] => ids.map((id) => commandEntry(id));

/** Those of the commands that can be done now. */
const possible = (...ids: readonly string[]): readonly Entry[] =>
  commands(...ids).filter((entry) => !entry.disabled);

function canvasMenu({ at, screen }: Pointer): readonly MenuEntry[] {
  return [
    commandEntry("graph.add", { disabled: false, run: () => openPalette({ at, screen }) }),
    ...commands("graph.addNote", "edit.paste"),
    "separator",
    ...commands("select.all", "graph.arrange"),
    "separator",
    ...commands("view.fitAll", "view.realSize"),
    ...possible("graph.leave"),
    "separator",
    ...commands("graph.lock"),
  ];
}

function nodeMenu(store: DocumentStore): readonly MenuEntry[] {
  const runs = possible("run.here");
  return [
    ...runs,
    ...(runs.length > 0 ? (["separator"] as const) : []),
    ...commands("edit.copy", "edit.cut", "graph.duplicate", "graph.duplicateLinked"),
    "separator",
    ...possible(
      "graph.rename",
      "graph.connect",
      "graph.replace",
      "graph.swapInputs",
      "graph.extract",
    ),
    "separator",
    ...commands("graph.bypass", "graph.mute", "graph.collapse", "graph.hideUnused"),
    ...commands("graph.preview", "graph.pin"),
    { label: t("interaction.color"), entries: colors(store) },
    "separator",
    ...commands("graph.frame", "graph.wrap"),
    ...possible("graph.enter", "graph.unwrap", "graph.unique"),
    "separator",
    { label: t("interaction.arrangeMenu"), entries: commands(...ARRANGING) },
    {
      label: t("interaction.selection"),
      entries: commands("select.upstream", "select.downstream", "select.connected"),
    },
    commandEntry("graph.addNote", { label: t("interaction.addNoteTo") }),
    "separator",
    commandEntry("graph.remove", { danger: true }),
    commandEntry("graph.removeHeal", { danger: true }),
  ];
}

const ARRANGING = [
  "graph.arrange",
  "graph.straighten",
  "graph.alignLeft",
  "graph.alignRight",
  "graph.alignTop",
  "graph.alignBottom",
  "graph.alignCentreX",
  "graph.alignCentreY",
  "graph.distributeX",
  "graph.distributeY",
  "graph.sameWidth",
] as const;

/** Tints of nodes, frames and notes as documents keep them. */
const COLORS: readonly (readonly [StringKey, string | undefined])[] = [
  ["interaction.noColor", undefined],
  ["interaction.colorRed", "#c4554d"],
  ["interaction.colorOrange", "#c98a3c"],
  ["interaction.colorGreen", "#4f9a6a"],
  ["interaction.colorBlue", "#4a86c8"],
  ["interaction.colorViolet", "#8a6cc9"],
];

function tints(pick: (color: string | undefined) => void): readonly MenuEntry[] {
  return COLORS.map(([label, color]) => ({ label: t(label), run: () => pick(color) }));
}

function colors(store: DocumentStore): readonly MenuEntry[] {
  return tints((color) =>
    store.edit(t("interaction.color"), (context) =>
      setNodeLayout(context, chosenNodes(store.getState()), { color }),
    ),
  );
}

function linkMenu(
  store: DocumentStore,
  link: LinkPlace,
  { at, screen }: Pointer,
): readonly MenuEntry[] {
  const { layout } = shownGraph(store.getState());
  const isOn = isWireless(layout, link.to);
  const world = currentWorld(store);
  const dot = world ? withDot(world, link, at) : null;
  return [
    {
      label: t("interaction.insertNode"),
      run: () => openPalette({ at, screen, between: link }),
    },
    {
      label: t("interaction.addDot"),
      disabled: isOn,
      run: () => {
        if (dot?.ask === "edit") store.edit(t(LABELS[dot.label]), dot.change);
      },
    },
    {
      label: t("interaction.removeDots"),
      disabled: waypointsOf(layout, link.to).length === 0,
      run: () =>
        store.edit(t("interaction.removeDots"), (context) => setWaypoints(context, link.to, [])),
    },
    {
      label: t(isOn ? "interaction.wired" : "interaction.wireless"),
      run: () =>
        store.edit(t(isOn ? "interaction.wired" : "interaction.wireless"), (context) =>
          setWireless(context, link.to, !isOn),
        ),
    },
    "separator",
    {
      label: t("interaction.removeLink"),
      danger: true,
      run: () => store.edit(t("interaction.removeLink"), (context) => disconnect(context, link.to)),
    },
  ];
}

function frameMenu(store: DocumentStore, id: string): readonly MenuEntry[] {
  return [
    { label: t("interaction.rename"), run: () => renameFrame(store, id) },
    {
      label: t("interaction.color"),
      entries: tints((color) =>
        store.edit(t("interaction.color"), (context) => setFrame(context, id, { color })),
      ),
    },
    ...commands("graph.foldFrame", "graph.bypass", "graph.mute"),
    ...possible("run.here"),
    "separator",
    ...commands("edit.copy", "graph.wrap"),
    "separator",
    {
      label: t("interaction.unframe"),
      danger: true,
      run: () => store.edit(t("interaction.unframe"), (context) => removeFrame(context, id)),
    },
  ];
}

function noteMenu(store: DocumentStore, index: number): readonly MenuEntry[] {
  return [
    {
      label: t("interaction.writeNote"),
      disabled: store.getState().isLocked,
      run: () => writeNote(index),
    },
    {
      label: t("interaction.color"),
      entries: tints((color) =>
        store.edit(t("interaction.color"), (context) => setNote(context, index, { color })),
      ),
    },
    "separator",
    {
      label: t("interaction.remove"),
      danger: true,
      run: () => {
        store.edit(t("interaction.remove"), (context) => removeNote(context, index));
        store.select({});
      },
    },
  ];
}
