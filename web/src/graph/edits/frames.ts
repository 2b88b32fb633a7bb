/**
 * Edits of frames. What belongs to a frame is stored, not told by where it stands: a node is in one frame at most, and
 * frames may stand in frames.
 */
import { t } from "../../strings/t";
import { around, type Box, type Point } from "../point";
import {
  type Frame,
  freeName,
  graphAt,
  type Layout,
  type NodeId,
  type Workflow,
  withParts,
} from "../workflow";
import type { Context } from "./context";
import { edited } from "./edited";
import { type Added, moveNodes, patched } from "./nodes";

export type FrameId = string;

/** A frame by its id; null where there is none. */
export function frameAt(layout: Layout, id: FrameId): Frame | null {
  return framesOf(layout).find((frame) => frame.id === id) ?? null;
}

export function framesOf(layout: Layout): readonly Frame[] {
  return layout.frames ?? NO_FRAMES;
}

const NO_FRAMES: readonly Frame[] = [];

/** The frame that a frame stands in; null: none. */
export function frameAround(layout: Layout, id: FrameId): FrameId | null {
  return framesOf(layout).find((frame) => frame.frames?.includes(id))?.id ?? null;
}

/** A frame and all that stand in it, the outermost first. */
export function framesWithin(layout: Layout, id: FrameId): readonly FrameId[] {
  const found = [id];
  for (const name of found) {
    for (const inner of frameAt(layout, name)?.frames ?? [])
      if (!found.includes(inner)) found.push(inner);
  }
  return found;
}

/** All nodes in a frame, and in the frames in it. */
export function membersOf(layout: Layout, id: FrameId): readonly NodeId[] {
  return framesWithin(layout, id).flatMap((name) => frameAt(layout, name)?.nodes ?? []);
}

/** Frames whose members are all among some nodes, the outermost of them only. */
export function framesAmong(layout: Layout, ids: ReadonlySet<NodeId>): readonly FrameId[] {
  const whole = framesOf(layout).flatMap(({ id }) => {
    if (id === undefined) return [];
    const members = membersOf(layout, id);
    return members.length > 0 && members.every((member) => ids.has(member)) ? [id] : [];
  });
  return whole.filter((id) => {
    const outer = frameAround(layout, id);
    return outer === null || !whole.includes(outer);
  });
}

/** The innermost frame that holds all of some nodes. */
export function frameAroundAll(layout: Layout, ids: readonly NodeId[]): FrameId | null {
  const holding = framesOf(layout).flatMap(({ id }) =>
    id !== undefined && ids.every((node) => membersOf(layout, id).includes(node)) ? [id] : [],
  );
  return (
    holding.find(
      (id) => !framesWithin(layout, id).some((inner) => inner !== id && holding.includes(inner)),
    ) ?? null
  );
}

/** Put a frame around nodes, and around frames all of whose members are among them. It stands where all of them stood. */
export function addFrame(
  c: Context,
  ids: readonly NodeId[],
  rect: Box,
  title: string = t("graph.frame"),
): Added {
  const { nodes, layout } = graphAt(c.workflow, c.scope);
  const members = new Set(ids.filter((id) => Object.hasOwn(nodes, id)));
  const inner = framesAmong(layout, members).filter((id) => {
    const whole = membersOf(layout, id);
    return whole.length < members.size || frameAround(layout, id) === null;
  });
  const inInner = new Set(inner.flatMap((id) => membersOf(layout, id)));
  const own = [...members].filter((id) => !inInner.has(id));
  const holder = members.size === 0 ? null : frameAroundAll(layout, [...members]);
  const parent = holder !== null && inner.includes(holder) ? frameAround(layout, holder) : holder;
  const taken = Object.fromEntries(framesOf(layout).map((frame) => [frame.id ?? "", true]));
  const id = freeName(taken, "frame-1");
  const { x, y, width, height } = rect;
  const made: Frame = { x, y, width, height, id, title };
  if (own.length > 0) made.nodes = own;
  if (inner.length > 0) made.frames = [...inner];
  const workflow = withFrames(c, (frames) => [
    ...frames.map((frame) => {
      const left = withoutMembers(frame, new Set(own), new Set(inner));
      return frame.id === parent && parent !== null
        ? { ...left, frames: [...(left.frames ?? []), id] }
        : left;
    }),
    made,
  ]);
  return { workflow, id };
}

/** Take a frame away; what was in it then is in the frame around it, if there is one. */
export function removeFrame(c: Context, id: FrameId): Workflow {
  const { layout } = graphAt(c.workflow, c.scope);
  const gone = frameAt(layout, id);
  if (!gone) return c.workflow;
  return withFrames(c, (frames) =>
    frames
      .filter((frame) => frame !== gone)
      .map((frame) => {
        if (!frame.frames?.includes(id)) return frame;
        const rest = withoutMembers(frame, new Set(), new Set([id]));
        return withMembers(rest, gone.nodes ?? [], gone.frames ?? []);
      }),
  );
}

/** Change a frame's title, colour, place or size; undefined takes away. */
export function setFrame(
  c: Context,
  id: FrameId,
  patch: {
    readonly [K in "title" | "color" | "x" | "y" | "width" | "height"]?: Frame[K] | undefined;
  } & { readonly "x-collapsed"?: true | undefined },
): Workflow {
  return withFrames(c, (frames) =>
    frames.map((frame) => {
      if (frame.id !== id) return frame;
      const next = patched(frame, patch);
      return JSON.stringify(next) === JSON.stringify(frame) ? frame : next;
    }),
  );
}

/** Move a frame; members: with all that is in it, but for nodes that are pinned. */
export function moveFrame(
  c: Context,
  id: FrameId,
  delta: Point,
  { members }: { readonly members: boolean },
): Workflow {
  const { layout } = graphAt(c.workflow, c.scope);
  if (!frameAt(layout, id) || (delta.x === 0 && delta.y === 0)) return c.workflow;
  const moved = new Set(members ? framesWithin(layout, id) : [id]);
  const workflow = withFrames(c, (frames) =>
    frames.map((frame) =>
      frame.id !== undefined && moved.has(frame.id)
        ? { ...frame, x: (frame.x ?? 0) + delta.x, y: (frame.y ?? 0) + delta.y }
        : frame,
    ),
  );
  if (!members) return workflow;
  const places = membersOf(layout, id).flatMap((node) => {
    const { x = 0, y = 0, pinned } = layout.nodes?.[node] ?? {};
    return pinned ? [] : [[node, { x: x + delta.x, y: y + delta.y }] as const];
  });
  return moveNodes({ ...c, workflow }, Object.fromEntries(places));
}

/** Let nodes be in a frame, and in no other directly. */
export function joinFrame(c: Context, id: FrameId, nodes: readonly NodeId[]): Workflow {
  const graph = graphAt(c.workflow, c.scope);
  const joining = nodes.filter((node) => Object.hasOwn(graph.nodes, node));
  if (!frameAt(graph.layout, id)) return c.workflow;
  return withFrames(c, (frames) =>
    frames.map((frame) => {
      if (frame.id !== id) return withoutMembers(frame, new Set(joining), new Set());
      return withMembers(
        frame,
        joining.filter((node) => !frame.nodes?.includes(node)),
        [],
      );
    }),
  );
}

/** Between a frame and what is in it, and above for its title. */
const PADDING = 24;
const TITLE = 40;

/** Where a frame stands that is put around something. */
export function rectAround({ x, y, width, height }: Box): Box {
  return {
    x: x - PADDING,
    y: y - TITLE - PADDING / 2,
    width: width + 2 * PADDING,
    height: height + TITLE + PADDING * 1.5,
  };
}

/** Let a frame reach around a box, and the frames that it is in. */
export function growFrame(c: Context, id: FrameId, rect: Box): Workflow {
  const frame = frameAt(graphAt(c.workflow, c.scope).layout, id);
  if (!frame) return c.workflow;
  const { x = 0, y = 0, width = 0, height = 0 } = frame;
  const box = around([{ x, y, width, height }, rect]) ?? rect;
  const workflow = setFrame(c, id, box);
  const { layout } = graphAt(workflow, c.scope);
  const outer = frameAround(layout, id);
  if (outer === null || framesWithin(layout, id).includes(outer)) return workflow;
  return growFrame({ ...c, workflow }, outer, rectAround(box));
}

/** Let nodes be in no frame. */
export function leaveFrames(c: Context, nodes: readonly NodeId[]): Workflow {
  const leaving = new Set(nodes);
  return withFrames(c, (frames) =>
    frames.map((frame) => withoutMembers(frame, leaving, new Set())),
  );
}

/** Let a frame be in another, null: in none. Not in itself, nor in one that is in it. */
export function nestFrame(c: Context, id: FrameId, into: FrameId | null): Workflow {
  const { layout } = graphAt(c.workflow, c.scope);
  if (into !== null && (!frameAt(layout, into) || framesWithin(layout, id).includes(into)))
    return c.workflow;
  if (!frameAt(layout, id) || frameAround(layout, id) === into) return c.workflow;
  return withFrames(c, (frames) =>
    frames.map((frame) => {
      const rest = withoutMembers(frame, new Set(), new Set([id]));
      return frame.id === into ? withMembers(rest, [], [id]) : rest;
    }),
  );
}

function withFrames(c: Context, change: (frames: readonly Frame[]) => readonly Frame[]): Workflow {
  return edited(c, (graph) => {
    const before = framesOf(graph.layout);
    const frames = change(before);
    const isSame =
      frames.length === before.length && frames.every((frame, at) => frame === before[at]);
    return isSame ? graph : { ...graph, layout: withParts(graph.layout, { frames }) };
  });
}

/** A frame with more in it. */
export function withMembers(
  frame: Frame,
  nodes: readonly NodeId[],
  frames: readonly FrameId[],
): Frame {
  if (nodes.length + frames.length === 0) return frame;
  return {
    ...frame,
    ...(nodes.length > 0 ? { nodes: [...(frame.nodes ?? []), ...nodes] } : {}),
    ...(frames.length > 0 ? { frames: [...(frame.frames ?? []), ...frames] } : {}),
  };
}

/** A frame without some of what is in it; the same where none of it is. */
export function withoutMembers(
  frame: Frame,
  nodes: ReadonlySet<NodeId>,
  frames: ReadonlySet<FrameId>,
): Frame {
  const next = { ...frame };
  if (frame.nodes?.some((id) => nodes.has(id)))
    next.nodes = frame.nodes.filter((id) => !nodes.has(id));
  if (frame.frames?.some((id) => frames.has(id)))
    next.frames = frame.frames.filter((id) => !frames.has(id));
  return next.nodes === frame.nodes && next.frames === frame.frames ? frame : next;
}

/** Frames copied under new ids, moved, with the new ids of what is in them. */
export function copiedFrames(
  from: Layout,
  ids: readonly FrameId[],
  into: Layout,
  nodes: ReadonlyMap<NodeId, NodeId>,
  offset: Point,
): { readonly frames: readonly Frame[]; readonly ids: ReadonlyMap<FrameId, FrameId> } {
  const taken: Record<string, true> = Object.fromEntries(
    framesOf(into).map((frame) => [frame.id ?? "", true]),
  );
  const all = [...new Set(ids.flatMap((id) => framesWithin(from, id)))];
  const fresh = new Map<FrameId, FrameId>();
  for (const id of all) {
    const name = freeName(taken, id);
    taken[name] = true;
    fresh.set(id, name);
  }
  const frames = all.flatMap((id): Frame[] => {
    const frame = frameAt(from, id);
    if (!frame) return [];
    const { nodes: had, frames: inner, ...rest } = frame;
    return [
      {
        ...rest,
        id: fresh.get(id) ?? id,
        x: (frame.x ?? 0) + offset.x,
        y: (frame.y ?? 0) + offset.y,
        ...(had ? { nodes: had.flatMap((node) => nodes.get(node) ?? []) } : {}),
        ...(inner ? { frames: inner.flatMap((name) => fresh.get(name) ?? []) } : {}),
      },
    ];
  });
  return { frames, ids: fresh };
}
