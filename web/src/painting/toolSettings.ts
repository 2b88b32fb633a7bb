/** How somebody likes to paint: kept in this browser, so that the brush is the same tomorrow. */
import * as v from "valibot";
import { createStore, useStore } from "zustand";
import type { Colour } from "./ink";

export const TOOLS = [
  "brush",
  "eraser",
  "fill",
  "lasso",
  "rectangle",
  "eyedropper",
  "hand",
] as const;
export type Tool = (typeof TOOLS)[number];

export const LARGEST_SIZE = 2000;
const RECENT = 10;

const unit = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const hex = v.pipe(v.string(), v.regex(/^#[0-9a-f]{6}$/));
const settings = v.object({
  tool: v.fallback(v.picklist(TOOLS), "brush"),
  /** Diameter of the brush in pixels of the picture; 0: chosen by the size of the picture. */
  size: v.fallback(v.pipe(v.number(), v.minValue(0), v.maxValue(LARGEST_SIZE)), 0),
  hardness: v.fallback(unit, 0.8),
  opacity: v.fallback(unit, 1),
  pressureSize: v.fallback(v.boolean(), true),
  pressureOpacity: v.fallback(v.boolean(), false),
  colour: v.fallback(hex, "#2f6fde"),
  recent: v.fallback(v.pipe(v.array(hex), v.maxLength(RECENT)), []),
  /** Whether a fill stops where the picture's colour changes. */
  fillsAlike: v.fallback(v.boolean(), true),
  tolerance: v.fallback(v.pipe(v.number(), v.minValue(0), v.maxValue(255)), 32),
  /** Whether fills and shapes take away instead of adding. */
  removes: v.fallback(v.boolean(), false),
  overlayColour: v.fallback(hex, "#e5484d"),
  overlayOpacity: v.fallback(unit, 0.6),
});

export type ToolSettings = v.InferOutput<typeof settings>;

const KEY = "noisewright.painting";

export const toolSettings = createStore<ToolSettings>(() => v.parse(settings, kept()));

toolSettings.subscribe((state) => {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    // A browser that keeps nothing still paints.
  }
});

export function useToolSettings<T>(select: (state: ToolSettings) => T): T {
  return useStore(toolSettings, select);
}

export function setTool(tool: Tool): void {
  toolSettings.setState({ tool });
}

/** Choose a colour. It stands first among the recent ones once something was painted with it. */
export function setColour(colour: string): void {
  toolSettings.setState({ colour });
}

export function rememberColour(): void {
  const { colour, recent } = toolSettings.getState();
  if (recent[0] === colour) return;
  const others = recent.filter((known) => known !== colour);
  toolSettings.setState({ recent: [colour, ...others].slice(0, RECENT) });
}

/** The next size up or down: about a tenth, at least a pixel. */
export function stepSize(up: boolean): void {
  const { size } = toolSettings.getState();
  const step = Math.max(1, Math.round(size / 10));
  setSize(up ? size + step : size - step);
}

export function setSize(size: number): void {
  toolSettings.setState({ size: Math.min(LARGEST_SIZE, Math.max(1, Math.round(size))) });
}

export function setHardness(hardness: number): void {
  toolSettings.setState({ hardness: Math.min(1, Math.max(0, Math.round(hardness * 100) / 100)) });
}

export function colourOf(hexColour: string): Colour {
  const value = Number.parseInt(hexColour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

export function hexOf(colour: Colour): string {
  return `#${colour.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("")}`;
}

function kept(): unknown {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}
