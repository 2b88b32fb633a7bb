/** How sockets and links look: the shape tells the family of a type, the colour the type. */
import { ANY } from "../graph/accepts";

export type SocketShape = "square" | "circle" | "diamond" | "ring";

/** color: a CSS colour that follows the theme. */
export interface SocketLook {
  readonly shape: SocketShape;
  readonly color: string;
}

const look = (shape: SocketShape, token: string): SocketLook => ({
  shape,
  color: `var(--type-${token})`,
});

const SAMPLING = look("circle", "sampling");
const LORA = look("square", "lora");

const KNOWN: ReadonlyMap<string, SocketLook> = new Map([
  ["MODEL", look("square", "model")],
  ["CLIP", look("square", "clip")],
  ["VAE", look("square", "vae")],
  ["CONTROL_NET", look("square", "control")],
  ["LORA", LORA],
  ["LORA_MODEL", LORA],
  ["STYLE_MODEL", LORA],
  ["CONDITIONING", look("circle", "conditioning")],
  ["LATENT", look("circle", "latent")],
  ["IMAGE", look("circle", "image")],
  ["MASK", look("circle", "mask")],
  ["SAMPLER", SAMPLING],
  ["SIGMAS", SAMPLING],
  ["NOISE", SAMPLING],
  ["GUIDER", SAMPLING],
  ["VIDEO", look("circle", "video")],
  ["AUDIO", look("circle", "audio")],
  ["STRING", look("diamond", "string")],
  ["INT", look("diamond", "int")],
  ["FLOAT", look("diamond", "float")],
  ["BOOLEAN", look("diamond", "boolean")],
  ["COMBO", look("diamond", "combo")],
  [ANY, look("ring", "any")],
]);

const HUES = 12;
const unknown = new Map<string, SocketLook>();

/** Of several types, joined by ",", the first one counts. Types nobody thought of get one of twelve hues, always the same. */
export function lookOf(type: string): SocketLook {
  const first = type.split(",", 1)[0] ?? type;
  const found = KNOWN.get(first) ?? unknown.get(first);
  if (found) return found;
  const hue = (hash(first) % HUES) * (360 / HUES) + 15;
  const made: SocketLook = {
    shape: first.endsWith("_MODEL") || first.startsWith("CLIP_VISION") ? "square" : "circle",
    color: `oklch(var(--type-lightness) var(--type-chroma) ${hue})`,
  };
  unknown.set(first, made);
  return made;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
