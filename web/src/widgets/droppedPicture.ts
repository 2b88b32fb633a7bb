/** Pictures in what is dropped or pasted. */
import { isObject } from "../graph/workflow";

/** What a dragged picture of the gallery is told as: JSON of a kind and a name. */
export const FILE_TYPE = "application/x-noisewright-file";

export type DroppedPicture =
  | { readonly file: File }
  | { readonly stored: { readonly kind: string; readonly name: string } };

/** Whether a drag may carry a picture; while it is dragged a browser tells no more. */
export function mayCarryPicture({ types }: DataTransfer): boolean {
  return types.includes("Files") || types.includes(FILE_TYPE);
}

/** The picture in what was dropped or pasted; null where there is none. */
export function pictureIn(data: DataTransfer): DroppedPicture | null {
  const stored = storedIn(data.getData(FILE_TYPE));
  if (stored) return { stored };
  const file = [...data.files].find(({ type }) => type.startsWith("image/"));
  return file ? { file } : null;
}

function storedIn(text: string): { kind: string; name: string } | null {
  if (!text) return null;
  try {
    const told: unknown = JSON.parse(text);
    if (!isObject(told) || typeof told.kind !== "string" || typeof told.name !== "string")
      return null;
    return { kind: told.kind, name: told.name };
  } catch {
    return null; // another program's drag under our name
  }
}
