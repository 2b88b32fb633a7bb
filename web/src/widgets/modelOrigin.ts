/** Where a model that is not here can be fetched: as the document says, else from the list of well-known ones. */
import { ask } from "../api/client";
import type { RequiredModel, Suggestion } from "../api/schema";

/** address: what a download is asked for with. size: in bytes, 0: not known. licence: "": not known. */
export interface Origin {
  readonly address: string;
  readonly host: string;
  readonly size: number;
  readonly licence: string;
  readonly sha256: string;
}

let starting: Promise<readonly Suggestion[]> | null = null;

/** The well-known models; asked for once. None where the server cannot say. */
async function startingPoints(): Promise<readonly Suggestion[]> {
  starting ??= ask<Suggestion[]>("GET", "/v1/models/starting-points");
  try {
    return await starting;
  } catch {
    starting = null; // away: asked again next time
    return [];
  }
}

export async function originOf(
  folder: string,
  name: string,
  required: RequiredModel | undefined,
): Promise<Origin | null> {
  const known = (await startingPoints()).find(
    (one) => one.folder === folder && fileOf(one.source) === name.slice(name.lastIndexOf("/") + 1),
  );
  const address = required?.url || known?.source;
  if (!address) return null;
  return {
    address,
    host: hostOf(address),
    size: required?.size ?? Math.round((known?.size_gb ?? 0) * 1e9),
    licence: known?.licence ?? "",
    sha256: required?.sha256 ?? "",
  };
}

/** The file that an address names: "hf:owner/repo/file@revision", "https://…/file?download=true". */
export function fileOf(address: string): string {
  const path = address.replace(/^hf:/, "").replace(/[?#].*$/, "");
  const last = path.slice(path.lastIndexOf("/") + 1);
  return address.startsWith("hf:") ? last.replace(/@[^@]*$/, "") : last;
}

export function hostOf(address: string): string {
  if (address.startsWith("hf:")) return "huggingface.co";
  return URL.canParse(address) ? new URL(address).host : address;
}

/** "2.1 GB, mit": as much as is known; the host where nothing is. */
export function originFacts({ size, licence, host }: Origin): string {
  return [size > 0 ? bytesText(size) : "", licence].filter(Boolean).join(", ") || host;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** An amount of bytes with two digits or more. */
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const amount = bytes / 1000 ** power;
  return `${amount < 10 && power > 0 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[power]}`;
}
