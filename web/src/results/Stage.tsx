/** One picture in a window: the wheel zooms to the pointer, dragging moves, 0 fits, 1 shows pixel for pixel. */
import { Maximize } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import css from "./Stage.module.css";
import { centred, factorOf, fitted, type Lie, type Size, zoomed } from "./zooming";

interface StageProps {
  readonly source: string;
  readonly name: string;
}

export function Stage({ source, name }: StageProps) {
  const box = useRef<HTMLDivElement>(null);
  const [picture, setPicture] = useState<Size | null>(null);
  const [lie, setLie] = useState<Lie>({ scale: 1, x: 0, y: 0 });

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    // React listens to wheels passively; the page must not scroll or zoom with the picture.
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const at = { x: event.clientX - left, y: event.clientY - top };
      const factor = factorOf(event.deltaY * (event.ctrlKey ? 3 : 1), event.deltaMode);
      setLie((before) => zoomed(before, factor, at));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);

  const room = (): Size => ({
    width: box.current?.clientWidth ?? 1,
    height: box.current?.clientHeight ?? 1,
  });
  const fit = (): void => {
    if (picture) setLie(fitted(picture, room()));
  };
  const actual = (): void => {
    if (picture) setLie(centred(picture, room(), 1));
  };
  const drag = (event: PointerEvent<HTMLDivElement>): void => {
    if (event.buttons & 5)
      setLie((before) => ({
        ...before,
        x: before.x + event.movementX,
        y: before.y + event.movementY,
      }));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const { width, height } = room();
    const middle = { x: width / 2, y: height / 2 };
    const deeds: Readonly<Record<string, () => void>> = {
      "0": fit,
      "1": actual,
      "+": () => setLie((before) => zoomed(before, 1.25, middle)),
      "-": () => setLie((before) => zoomed(before, 0.8, middle)),
    };
    deeds[event.key]?.();
  };

  return (
    <div
      ref={box}
      className={css.stage}
      role="group"
      aria-label={name}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes keys for zooming
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onDoubleClick={() => (lie.scale === 1 ? fit() : actual())}
      onKeyDown={onKeyDown}
    >
      <img
        className={css.picture}
        src={source}
        alt={name}
        draggable={false}
        data-sharp={lie.scale >= 2 || undefined}
        data-there={picture !== null || undefined}
        style={{
          width: picture?.width,
          height: picture?.height,
          transform: `translate(${lie.x}px, ${lie.y}px) scale(${lie.scale})`,
        }}
        onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) => {
          setPicture({ width, height });
          setLie(fitted({ width, height }, room()));
        }}
      />
      <div className={css.tools}>
        <span>{t("results.zoom", { percent: Math.round(lie.scale * 100) })}</span>
        <IconButton
          label={t("results.fit")}
          keys="0"
          side="top"
          icon={<Maximize />}
          onClick={fit}
        />
        <IconButton
          label={t("results.actual")}
          keys="1"
          side="top"
          icon={<small>1:1</small>}
          onClick={actual}
        />
      </div>
    </div>
  );
}
