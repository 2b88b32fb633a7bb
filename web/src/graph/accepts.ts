/** Which links fit: the same rule as the engine's (`graph/spec.py`), proven by shared vectors. */

export const ANY = "*";

/** Whether an input of type `wanted` takes a link of type `given`. */
export function accepts(wanted: string, given: string): boolean {
  if (wanted === ANY || given === ANY) return true;
  const taken = new Set(wanted.split(","));
  if (taken.has("FLOAT")) taken.add("INT");
  if (taken.has("COMBO")) taken.add("STRING");
  if (taken.has("STRING")) taken.add("COMBO");
  return given.split(",").some((type) => taken.has(type));
}
