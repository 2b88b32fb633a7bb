/** The files that were dropped: as such, or by the address of a picture, which is all that some browsers give. */
import { t } from "../strings/t";

/** Raises Error with a sentence where there is only an address of another site. */
export async function droppedFiles(dropped: DataTransfer): Promise<readonly File[]> {
  const files = [...dropped.files];
  const address = addressIn(dropped); // what was dropped is gone after the first wait
  const own = address && isOwn(address) ? address : null;
  // A picture that is dragged inside a page comes as a file that the browser made anew, without what it carried.
  if (own) return [await fetched(own)];
  if (files.length > 0 || !address) return files;
  throw new Error(t("documents.foreignAddress"));
}

function addressIn(dropped: DataTransfer): URL | null {
  const first = dropped
    .getData("text/uri-list")
    .split(/\r?\n/)
    .find((line) => line && !line.startsWith("#"));
  return first && URL.canParse(first) ? new URL(first) : null;
}

function isOwn(address: URL): boolean {
  return address.origin === location.origin; // of a blob: too
}

async function fetched(address: URL): Promise<File> {
  const response = await fetch(wholePicture(address));
  if (!response.ok) throw new Error(t("documents.nothingDropped"));
  const name = decodeURIComponent(address.pathname.slice(address.pathname.lastIndexOf("/") + 1));
  return new File([await response.blob()], name);
}

/** Small pictures carry nothing: their files do. */
function wholePicture(address: URL): string {
  return address.href.replace("/v1/thumbnails/", "/v1/files/").replace(/\?.*$/, "");
}
