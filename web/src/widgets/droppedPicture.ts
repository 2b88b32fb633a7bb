/** Pictures in what is dropped or pasted. */
import { FILE_DRAG, readFile } from "../state/dragged";

export type DroppedPicture =
  | { readonly file: File }
  | { readonly stored: { readonly kind: string; readonly name: string } };

/** Whether a drag may carry a picture; while it is dragged a browser tells no more. */
export function mayCarryPicture({ types }: DataTransfer): boolean {
  return types.includes("Files") || types.includes(FILE_DRAG);
}

/** The picture in what was dropped or pasted; null where there is none. */
export function pictureIn(data: DataTransfer): DroppedPicture | null {
  const stored = readFile(data);
  if (stored) return { stored };
  const file = [...data.files].find(({ type }) => type.startsWith("image/"));
  return file ? { file } : null;
}
