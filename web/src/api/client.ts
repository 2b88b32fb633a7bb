/** Requests to the server: JSON in, JSON out, errors as sentences. The one place where answers get their types. */
import type { ErrorAnswer, Problem } from "./schema";

/** Before every path: the server may stand below another one. */
export const base: string = document.documentElement.dataset.base ?? "";

/** With which style elements that scripts make are allowed by the content policy; "" where there is none. */
export const nonce: string = document.querySelector<HTMLElement>("meta[name=nonce]")?.nonce ?? "";

/** A request that was refused, or never arrived (`status` 0). */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly problems: readonly Problem[],
  ) {
    super(message);
  }

  /** Whether the server was not reached, or cannot answer at the moment. */
  get isAway(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

export interface Asked {
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** It goes on when the page goes away. */
  readonly keepalive?: boolean;
}

/** The address of a path of the server. */
export function address(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one));
  }
  const text = parameters.toString();
  return `${base}${path}${text ? `?${text}` : ""}`;
}

/** A name with folders as a part of a path: its slashes stand as they are. */
export function inPath(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** The address of a stored file; with `size`, of a small picture of it (256 or 512). */
export function fileAddress(file: { kind: string; name: string }, size?: number): string {
  return size === undefined
    ? address(`/v1/files/${file.kind}/${inPath(file.name)}`)
    : address(`/v1/thumbnails/${file.kind}/${inPath(file.name)}`, { size });
}

/** Ask the server. Raises Refused. `T` is what docs/http-api.md says of the route. */
export async function ask<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
  const response = await send(method, path, asked);
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** Ask the server, for the answer as it comes. Raises Refused. */
export async function send(method: string, path: string, asked: Asked = {}): Promise<Response> {
  const isRaw = asked.body instanceof Blob || asked.body instanceof FormData;
  const headers: Record<string, string> = { Accept: "application/json", ...asked.headers };
  if (asked.body !== undefined && !isRaw) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(address(path, asked.query), {
      method,
      headers,
      credentials: "same-origin",
      keepalive: asked.keepalive ?? false,
      ...(asked.body === undefined
        ? {}
        : { body: isRaw ? (asked.body as Blob | FormData) : JSON.stringify(asked.body) }),
      ...(asked.signal ? { signal: asked.signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused(0, "unreachable", "The server did not answer.", "", []);
  }
  if (response.ok || response.status === 304) return response;
  throw await refusal(response);
}

async function refusal(response: Response): Promise<Refused> {
  try {
    const { error } = (await response.json()) as ErrorAnswer;
    const problems = (error.problems ?? []) as unknown as readonly Problem[];
    return new Refused(response.status, error.code, error.message, error.hint ?? "", problems);
  } catch {
    return new Refused(
      response.status,
      "no_answer",
      `The server answered ${response.status}.`,
      "",
      [],
    );
  }
}
