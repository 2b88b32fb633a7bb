/** Draws what a hand is doing, over the canvas: the link in hand, the box that selects, strokes, guides, words, menus. */
import { useStore } from "@xyflow/react";
import { createPortal } from "react-dom";
import { svgPath } from "../canvas/linkPath";
import { lookOf } from "../canvas/socketLook";
import type { Point } from "../graph/point";
import { t } from "../strings/t";
import { MenuAt } from "../ui/Menu";
import css from "./GestureLayer.module.css";
import { closeMenu, useGesture } from "./gestureStore";
import { boxOf } from "./gestures/selecting";
import { handLines, handWords } from "./handLook";
import { wayBetween } from "./worldOf";

export function GestureLayer() {
  const isBusy = useGesture(
    ({ gesture, suggestion }) => gesture.kind !== "idle" || suggestion !== null,
  );
  return (
    <>
      {isBusy ? <Drawn /> : null}
      <Refusal />
      <ContextMenu />
      <Said />
    </>
  );
}

/** On the canvas: it moves with the view, which is followed only while there is something to draw. */
function Drawn() {
  const x = useStore((state) => state.transform[0]);
  const y = useStore((state) => state.transform[1]);
  const zoom = useStore((state) => state.transform[2]);
  return (
    <>
      <svg className={css.layer} aria-hidden="true">
        <g transform={`translate(${x} ${y}) scale(${zoom})`}>
          <Links />
          <SelectionBox />
          <Stroke />
          <Guides />
          <Ghost />
        </g>
      </svg>
      <Words />
    </>
  );
}

function Links() {
  const gesture = useGesture((state) => state.gesture);
  if (gesture.kind !== "connecting") return null;
  const type = gesture.hand.ends[0]?.type ?? "*";
  return (
    <g
      className={css.hand}
      style={{ color: lookOf(type).color }}
      data-refused={gesture.over.kind === "refused" || undefined}
    >
      {handLines(gesture).map(({ from, to }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the ends of a link in hand stay the same while it is carried
        <path key={index} d={svgPath(wayBetween(from, to))} />
      ))}
    </g>
  );
}

function SelectionBox() {
  const gesture = useGesture((state) => state.gesture);
  if (gesture.kind !== "selecting") return null;
  const { start, pointer } = gesture;
  const touches = pointer.at.x < start.x;
  return (
    <rect className={css.box} data-touches={touches || undefined} {...boxOf(start, pointer.at)} />
  );
}

function Stroke() {
  const gesture = useGesture((state) => state.gesture);
  if (gesture.kind !== "stroking") return null;
  return (
    <g className={css.stroke} data-does={gesture.does}>
      <polyline points={gesture.path.map(({ x, y }) => `${x},${y}`).join(" ")} />
      {gesture.crossed.map(({ at }) => (
        <circle key={`${at.x} ${at.y}`} cx={at.x} cy={at.y} r={4} />
      ))}
    </g>
  );
}

function Guides() {
  const gesture = useGesture((state) => state.gesture);
  if (gesture.kind !== "dragging") return null;
  return gesture.guides.map(({ from, to }) => (
    <line
      key={`${from.x} ${from.y} ${to.x} ${to.y}`}
      className={css.guide}
      x1={from.x}
      y1={from.y}
      x2={to.x}
      y2={to.y}
    />
  ));
}

/** The link that Enter would make. */
function Ghost() {
  const ends = useGesture(({ suggestion, gesture }) =>
    gesture.kind === "idle" ? suggestion : null,
  );
  return ends ? (
    <path
      className={css.ghost}
      style={{ color: lookOf(ends.from.type).color }}
      d={svgPath(wayBetween(ends.from, ends.to))}
    />
  ) : null;
}

/** What letting go would do, at the pointer. */
function Words() {
  const gesture = useGesture((state) => state.gesture);
  const words = handWords(gesture);
  const pointer = "pointer" in gesture ? gesture.pointer : null;
  if (!words || !pointer) return null;
  return <At screen={pointer.screen} text={words.text} isRefused={words.isRefused} />;
}

function Refusal() {
  const refusal = useGesture((state) => state.refusal);
  return refusal ? <At screen={refusal.at} text={refusal.text} isRefused /> : null;
}

/** Where there is not as much room as this, words stand at the left of the pointer. */
const WIDEST = 320;

interface AtProps {
  readonly screen: Point;
  readonly text: string;
  readonly isRefused: boolean;
}

function At({ screen, text, isRefused }: AtProps) {
  const canvas = useStore((state) => state.domNode);
  const { left, top, right } = canvas?.getBoundingClientRect() ?? new DOMRect();
  const isAtEdge = screen.x > right - WIDEST;
  // Beside the canvas, whose layers all lie under what stands in its corners.
  return createPortal(
    <p
      className={css.words}
      data-refused={isRefused || undefined}
      data-at-edge={isAtEdge || undefined}
      style={{ translate: `${screen.x - left + (isAtEdge ? -12 : 16)}px ${screen.y - top + 18}px` }}
    >
      {text}
    </p>,
    canvas?.parentElement ?? document.body,
  );
}

function ContextMenu() {
  const menu = useGesture((state) => state.menu);
  return menu ? (
    <MenuAt key={menu.key} entries={menu.entries} at={menu.at} onClose={closeMenu} />
  ) : null;
}

function Said() {
  const said = useGesture((state) => state.said);
  return (
    <p className="visually-hidden" role="status" aria-label={t("interaction.news")}>
      {said}
    </p>
  );
}
