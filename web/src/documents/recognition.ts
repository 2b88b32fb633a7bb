/** What a file is that somebody dropped or chose. */

/** document: JSON of any program. picture: may carry a workflow, and can be used as a picture. */
export type Recognised = "document" | "picture" | "unknown";

const LOOKED_AT = 16;

/** By its first bytes; what files are called, and what browsers take them for, is often wrong. */
export async function recognised(file: Blob): Promise<Recognised> {
  const bytes = new Uint8Array(await file.slice(0, 4096).arrayBuffer());
  if (isPicture(bytes)) return "picture";
  const text = new TextDecoder()
    .decode(bytes)
    .replace(/^\uFEFF/, "")
    .trimStart();
  return text.startsWith("{") ? "document" : "unknown";
}

function isPicture(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, LOOKED_AT));
  return (
    start.startsWith("\u0089PNG\r\n\u001A\n") ||
    start.startsWith("\u00FF\u00D8\u00FF") ||
    (start.startsWith("RIFF") && start.startsWith("WEBP", 8)) ||
    start.startsWith("GIF8") ||
    start.startsWith("BM") ||
    start.startsWith("ftypavif", 4) ||
    start.startsWith("ftypheic", 4)
  );
}
