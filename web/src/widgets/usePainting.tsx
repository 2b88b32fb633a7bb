/** Opens the picture editor for an input, and puts what was painted in the place of its picture. */
import { lazy, Suspense } from "react";
import { fileAddress, inPath, send } from "../api/client";
import type { InputSpec } from "../graph/catalogue";
import { setInput } from "../graph/edits/nodes";
import type { NodeId } from "../graph/workflow";
import type { LayerKind, PaintedLayers, PaintedResult } from "../painting/layers";
import { type DocumentStore, shownGraph, useDocumentStore } from "../state/document";
import { showOverlay } from "../state/view";
import { t } from "../strings/t";
import { tellError } from "../ui/toasts";
import { type KeptPainting, layerName, PAINTED, paintingOf, withPainting } from "./paintingOf";
import { uploadPicture } from "./upload";
import { labelOf } from "./widget";

const PictureEditor = lazy(() => import("../painting/PictureEditor"));

const ON_PICTURES: readonly LayerKind[] = ["mask", "paint"];
const ON_NOTHING: readonly LayerKind[] = ["scribble"];

/** What opens it. name: of the picture; "" begins with an empty canvas. */
export function usePainting(node: NodeId, input: InputSpec): (name: string) => void {
  const store = useDocumentStore();
  return (name) => {
    paint(store, node, input, name).catch(tellError);
  };
}

async function paint(
  store: DocumentStore,
  id: NodeId,
  input: InputSpec,
  name: string,
): Promise<void> {
  const node = shownGraph(store.getState()).nodes[id];
  const before = node ? paintingOf(node, input.name, name) : null;
  const of = before ? before.of : name || null;
  const tools = before?.tools ?? (of === null ? ON_NOTHING : ON_PICTURES);
  const layers = before ? await fetched(before.layers) : null;
  const close = (): void => showOverlay(null);
  const keep = async (result: PaintedResult): Promise<void> => {
    const painting = await stored(result, of, tools);
    store.edit(t("widgets.set", { input: labelOf(input) }), (context) => {
      const workflow = setInput(context, id, input.name, painting.result);
      return withPainting({ ...context, workflow }, id, input.name, painting);
    });
    close();
  };
  showOverlay({
    kind: "element",
    element: (
      <Suspense fallback={null}>
        <PictureEditor
          picture={of === null ? null : fileAddress({ kind: "input", name: of })}
          layers={layers}
          tools={tools}
          onDone={keep}
          onCancel={close}
        />
      </Suspense>
    ),
  });
}

async function fetched(names: KeptPainting["layers"]): Promise<PaintedLayers> {
  const layers: PaintedLayers = {};
  for (const [kind, name] of Object.entries(names)) {
    const asked = { headers: { Accept: "*/*" } };
    const answer = await send("GET", `/v1/files/input/${inPath(name)}`, asked);
    layers[kind as LayerKind] = await answer.blob(); // keys of a KeptPainting's layers
  }
  return layers;
}

async function stored(
  { picture, layers }: PaintedResult,
  of: string | null,
  tools: readonly LayerKind[],
): Promise<KeptPainting> {
  const base = (of ?? "canvas").replace(/^.*\//, "").replace(/\.[^.]*$/, "");
  const names: Partial<Record<LayerKind, string>> = {};
  for (const [kind, blob] of Object.entries(layers)) {
    const layer = await uploadPicture(blob, layerName(base, kind as LayerKind));
    names[kind as LayerKind] = layer.name; // keys of PaintedLayers
  }
  const result = await uploadPicture(picture, `${PAINTED}/${base}.png`);
  return { result: result.name, of, layers: names, tools };
}
