/**
 * Links that stand elsewhere while something is moved by hand. React Flow is not told: it would look at all links of the
 * graph anew, each time.
 */
import { useLayoutEffect } from "react";
import { createStore, useStore } from "zustand";
import type { Scene, SceneLink } from "./scene";

type Moved = ReadonlyMap<string, SceneLink>;

const NONE: Moved = new Map();
const movedLinks = createStore<{ readonly links: Moved }>(() => ({ links: NONE }));

/** Tell the links that are drawn where they are at the moment. */
export function useMovedLinks(rest: Scene, scene: Scene): void {
  useLayoutEffect(() => {
    const { links } = movedLinks.getState();
    if (rest !== scene) movedLinks.setState({ links: difference(rest, scene) });
    else if (links !== NONE) movedLinks.setState({ links: NONE });
  }, [rest, scene]);
}

function difference(rest: Scene, scene: Scene): Moved {
  const moved = new Map<string, SceneLink>();
  for (const [id, link] of scene.links) if (rest.links.get(id) !== link) moved.set(id, link);
  return moved;
}

/** A link as it is at the moment. */
export function useWhereItIs(link: SceneLink): SceneLink {
  return useStore(movedLinks, ({ links }) => links.get(link.id)) ?? link;
}
