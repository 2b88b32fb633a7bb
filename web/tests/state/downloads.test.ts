import { afterEach, expect, test, vi } from "vitest";
import type { DownloadInfo } from "../../src/api/schema";

type Told = { readonly download: DownloadInfo };
const heard = vi.hoisted(() => ({ tell: (_: Told): void => undefined }));
vi.mock("../../src/api/socket", () => ({
  subscribe: (_: string, handler: (told: Told) => void) => {
    heard.tell = handler;
  },
}));

const { downloadsStore, startDownload } = await import("../../src/state/downloads");

const info = (state: DownloadInfo["state"]): DownloadInfo => ({
  id: "one",
  source: "https://a.example/m.safetensors",
  host: "a.example",
  folder: "checkpoints",
  name: "m.safetensors",
  state,
  done: 0,
  total: 0,
  speed: 0,
  licence: "",
  message: "",
  error: null,
});
const state = (): string | undefined => downloadsStore.getState().downloads.one?.state;

afterEach(() => vi.unstubAllGlobals());

test("news that is quicker than the answer to the request is not overwritten by it", async () => {
  vi.stubGlobal("fetch", async () => {
    heard.tell({ download: info("failed") });
    return Response.json(info("waiting"), { status: 202 });
  });
  await startDownload({ source: "https://a.example/m.safetensors" });
  expect(state()).toBe("failed");

  vi.stubGlobal("fetch", async () => Response.json(info("waiting"), { status: 202 }));
  await startDownload({ source: "https://a.example/m.safetensors" }); // begun again, under the same id
  expect(state()).toBe("waiting");
});
