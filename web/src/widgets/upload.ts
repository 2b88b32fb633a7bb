/** Puts pictures into the folder that inputs take them from. What is there already is not stored twice. */
import { address, inPath, Refused, send } from "../api/client";
import type { ErrorAnswer, Uploaded } from "../api/schema";
import { loadChoices } from "../state/choices";

/** A picture that was stored. name: as inputs call it. */
export interface StoredPicture {
  readonly kind: "input";
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/**
 * Send a picture. name: how it would like to be called; with folders. onProgress: the part that was sent, 0 to 1.
 * Raises Refused.
 */
export async function uploadPicture(
  blob: Blob,
  name: string,
  onProgress?: (part: number) => void,
): Promise<StoredPicture> {
  const told = await sent(blob, name, onProgress);
  await loadChoices("input");
  return { kind: "input", name: told.name, width: told.width, height: told.height };
}

/** A picture of any folder as one that inputs can take: copied where it is not in theirs. Raises Refused. */
export async function asInput(file: { kind: string; name: string }): Promise<string> {
  if (file.kind === "input") return file.name;
  const path = `/v1/files/${file.kind}/${inPath(file.name)}`;
  const response = await send("GET", path, { headers: { Accept: "*/*" } });
  const base = file.name.slice(file.name.lastIndexOf("/") + 1);
  return (await uploadPicture(await response.blob(), base)).name;
}

/** Not by `fetch`, which does not tell how much was sent. */
function sent(blob: Blob, name: string, onProgress?: (part: number) => void): Promise<Uploaded> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("/v1/files/input", { name }));
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", blob.type || "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => {
      if (total > 0) onProgress?.(loaded / total);
    };
    request.onerror = () =>
      reject(new Refused(0, "unreachable", "The server did not answer.", "", []));
    request.onload = () => {
      if (request.status < 400) resolve(JSON.parse(request.responseText) as Uploaded);
      else reject(refusal(request));
    };
    request.send(blob);
  });
}

function refusal({ status, responseText }: XMLHttpRequest): Refused {
  try {
    const { error } = JSON.parse(responseText) as ErrorAnswer;
    return new Refused(status, error.code, error.message, error.hint, []);
  } catch {
    return new Refused(status, "no_answer", `The server answered ${status}.`, "", []);
  }
}
