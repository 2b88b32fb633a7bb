/**
 * The graph that is shown. React Flow moves the view and mounts what can be seen; sizes, sockets, links and what a hand
 * does are ours. Each graph (of a document, of a definition) has a canvas of its own.
 */
import {
  type EdgeTypes,
  type NodeTypes,
  ReactFlow,
  ReactFlowProvider,
  useStore,
  useStoreApi,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { isTold } from "../graph/catalogue";
import { boxesOf } from "../graph/geometry";
import { around } from "../graph/point";
import { GestureLayer } from "../interaction/GestureLayer";
import { useGesture } from "../interaction/gestureStore";
import { useGestures } from "../interaction/useGestures";
import { setCanvas } from "../state/canvas";
import { useCatalogue } from "../state/catalogue";
import {
  contextOf,
  type DocumentStore,
  shownScope,
  useDocument,
  useDocumentStore,
  type Viewport,
} from "../state/document";
import { usePreference } from "../state/preferences";
import { useView } from "../state/view";
import { t } from "../strings/t";
import { forgetAttention } from "./attention";
import { Breadcrumbs } from "./Breadcrumbs";
import css from "./Canvas.module.css";
import { canvasApi } from "./canvasApi";
import { DotGrid } from "./DotGrid";
import { drawnFrame, drawnNode, drawnNote, drawnRail } from "./drawnNode";
import { FarLayer } from "./FarLayer";
import { type FlowLink, type FlowNode, flowLinks, flowNodes } from "./flow";
import { LinkEdge } from "./LinkEdge";
import { Minimap } from "./Minimap";
import { useMovedLinks } from "./movedLinks";
import { type Moving, type Scene, type SceneLook, STILL, sceneBuilder, shifted } from "./scene";
import { useKeptViewport } from "./useKeptViewport";
import { useWheel } from "./useWheel";
import { fitted, LEAST_ZOOM, MOST_ZOOM } from "./wheel";
import { ZoomControls } from "./ZoomControls";

const NODE_TYPES: NodeTypes = {
  card: drawnNode,
  rail: drawnRail,
  frame: drawnFrame,
  note: drawnNote,
};
const EDGE_TYPES: EdgeTypes = { link: LinkEdge };
const NO_NODES: FlowNode[] = [];
const NO_LINKS: FlowLink[] = [];
const FREE_OF_BADGE = { hideAttribution: true };
const GESTURE_LAYER = <GestureLayer />;

interface Size {
  readonly width: number;
  readonly height: number;
}

export function Canvas() {
  const [size, setSize] = useState<Size | null>(null);
  const graph = useDocument((state) => [state.id, ...state.where].join("/"));
  const measure = useCallback((element: HTMLElement | null): void => {
    if (element) setSize({ width: element.clientWidth, height: element.clientHeight });
  }, []);
  return (
    <div ref={measure} className={css.canvas}>
      {size ? (
        <ReactFlowProvider key={graph} initialWidth={size.width} initialHeight={size.height}>
          <GraphCanvas size={size} />
        </ReactFlowProvider>
      ) : null}
    </div>
  );
}

function GraphCanvas({ size }: { readonly size: Size }) {
  const root = useRef<HTMLDivElement>(null);
  const store = useDocumentStore();
  const look = useLook();
  const { rest, scene } = useScenes(look);
  const start = useStart(size);
  const isFar = useIsFar(scene.nodes.size);
  const gestures = useGestures();
  useApi(root, scene);
  useWheel(root);
  useKeptViewport(store);
  const nodes = useMemo(() => (isFar ? NO_NODES : flowNodes(scene)), [isFar, scene]);
  const links = useMemo(() => (isFar ? NO_LINKS : flowLinks(rest)), [isFar, rest]);
  useMovedLinks(rest, scene);
  return (
    <>
      <DotGrid />
      <ReactFlow
        ref={root}
        aria-label={t("canvas.name")}
        aria-description={t("canvas.instructions")}
        data-keys="canvas"
        tabIndex={0}
        nodes={nodes}
        edges={links}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        defaultViewport={start}
        minZoom={LEAST_ZOOM}
        maxZoom={MOST_ZOOM}
        onlyRenderVisibleElements
        elevateNodesOnSelect={false}
        nodeDragThreshold={1}
        selectNodesOnDrag={false}
        disableKeyboardA11y
        nodesFocusable={false}
        edgesFocusable={false}
        zoomOnScroll={false}
        zoomOnDoubleClick={false}
        preventScrolling={false}
        proOptions={FREE_OF_BADGE}
        {...gestures}
      >
        {isFar ? <FarLayer scene={scene} look={look} around={root} /> : null}
        {GESTURE_LAYER}
      </ReactFlow>
      <Around scene={rest} />
    </>
  );
}

/** What stands around the graph. It stays as it is while something in it is moved. */
const Around = memo(function Around({ scene }: { readonly scene: Scene }) {
  const hasMinimap = useView((state) => state.minimap);
  const isEmpty = scene.nodes.size === 0 && scene.notes.length === 0;
  return (
    <>
      <Breadcrumbs />
      {isEmpty ? (
        <div className={css.hint}>
          <p>{t("canvas.empty")}</p>
          <p>{t("canvas.emptyKeys")}</p>
        </div>
      ) : null}
      <div className={css.corner}>
        {hasMinimap ? <Minimap scene={scene} /> : null}
        <ZoomControls />
      </div>
    </>
  );
});

function useLook(): SceneLook {
  const density = usePreference("density");
  const previews = usePreference("previews");
  const links = usePreference("links");
  return useMemo(() => ({ density, previews, links }), [density, previews, links]);
}

/** The scene of the graph that is shown: as it is while all stands still, and with what a hand is moving. */
function useScenes(look: SceneLook): { readonly rest: Scene; readonly scene: Scene } {
  const workflow = useDocument((state) => state.workflow);
  const scope = useDocument(shownScope);
  const catalogue = useCatalogue();
  const context = useMemo(() => ({ workflow, scope, catalogue }), [workflow, scope, catalogue]);
  const buildRest = useMemo(sceneBuilder, []);
  const buildMoving = useMemo(sceneBuilder, []);
  const rest = useMemo(() => buildRest(context, look, STILL), [buildRest, context, look]);
  const moving = useMoving();
  const scene = useMemo(() => {
    if (!moving) return rest;
    return shifted(rest, context, moving) ?? buildMoving(context, look, moving);
  }, [rest, context, look, moving, buildMoving]);
  return { rest, scene };
}

/** What a hand is moving; null for nothing. */
function useMoving(): Moving | null {
  const places = useGesture((state) => state.places);
  const frames = useGesture((state) => state.frames);
  const notes = useGesture((state) => state.notes);
  const sized = useGesture((state) => state.sized);
  const waypoints = useGesture((state) => state.waypoints);
  return useMemo(() => {
    const isStill = !places && !frames && !notes && !sized && !waypoints;
    return isStill ? null : { places, frames, notes, sized, waypoints };
  }, [places, frames, notes, sized, waypoints]);
}

/**
 * The view a graph is first shown in: as it was left, else with everything in it. What was fitted before the node types
 * were told is fitted again with them, unless somebody moved it.
 */
function useStart(size: Size): Viewport {
  const store = useDocumentStore();
  const flow = useStoreApi();
  const isReady = isTold(useCatalogue());
  const [{ view, isEarly }] = useState(() => {
    const kept = keptViewport(store);
    const view = kept ?? fittedViewport(store, size);
    // Geometry is known before anything is drawn: what React Flow measures would only differ from it. And it draws
    // what can be seen at once, not what could be seen from the origin first.
    flow.setState({ updateNodeInternals: () => {}, transform: [view.x, view.y, view.zoom] });
    return { view, isEarly: !kept && !isReady };
  });
  useEffect(() => {
    if (!isEarly || !isReady) return;
    const { transform, panZoom, width, height } = flow.getState();
    const isStill =
      transform[0] === view.x && transform[1] === view.y && transform[2] === view.zoom;
    if (isStill) void panZoom?.setViewport(fittedViewport(store, { width, height }));
  }, [isEarly, isReady, flow, store, view]);
  return view;
}

function keptViewport(store: DocumentStore): Viewport | undefined {
  const { viewports, where } = store.getState();
  return viewports[where.join("/")];
}

function fittedViewport(store: DocumentStore, size: Size): Viewport {
  const box = around(Object.values(boxesOf(contextOf(store.getState()))));
  return box ? fitted(box, size) : { x: size.width / 2, y: size.height / 2, zoom: 1 };
}

/** Below this zoom a large graph is drawn without elements; it comes back a little later, so that nothing flickers. */
const FAR = 0.42;
const NEAR = 0.5;
const MANY = 80;

function useIsFar(count: number): boolean {
  const isBelow = useStore(
    useMemo(() => {
      let isFar = false;
      return ({ transform }: { readonly transform: readonly [number, number, number] }) => {
        isFar = transform[2] < (isFar ? NEAR : FAR);
        return isFar;
      };
    }, []),
  );
  return isBelow && count > MANY;
}

/** Lets others ask the canvas, as long as it is there. */
function useApi(root: { readonly current: HTMLElement | null }, scene: Scene): void {
  const flow = useStoreApi();
  const shown = useRef(scene);
  useEffect(() => {
    shown.current = scene;
  }, [scene]);
  useEffect(() => {
    if (!root.current) return;
    setCanvas(canvasApi(root.current, flow, () => shown.current));
    return () => {
      setCanvas(null);
      forgetAttention();
    };
  }, [root, flow]);
}
