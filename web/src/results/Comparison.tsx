/** Two pictures: one over the other with a divider, beside each other, or their difference. */
import { type PointerEvent, useState } from "react";
import { t } from "../strings/t";
import css from "./Comparison.module.css";

export type Comparing = "slider" | "beside" | "difference";

interface ComparisonProps {
  readonly how: Comparing;
  readonly first: string;
  readonly second: string;
}

export function Comparison({ how, first, second }: ComparisonProps) {
  const [part, setPart] = useState(50);
  if (how === "beside")
    return (
      <div className={css.beside}>
        <img src={first} alt="A" />
        <img src={second} alt="B" />
      </div>
    );
  if (how === "difference")
    return (
      <div className={css.difference}>
        <img src={first} alt="A" />
        <img src={second} alt="B" />
      </div>
    );
  const follow = (event: PointerEvent<HTMLDivElement>): void => {
    if (!event.buttons) return;
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setPart(Math.max(0, Math.min(((event.clientX - left) / width) * 100, 100)));
  };
  return (
    <div className={css.slider} onPointerDown={follow} onPointerMove={follow}>
      <img src={second} alt="B" draggable={false} />
      <img
        src={first}
        alt="A"
        draggable={false}
        style={{ clipPath: `inset(0 ${100 - part}% 0 0)` }}
      />
      <div className={css.line} style={{ left: `${part}%` }} />
      <input
        className={css.range}
        type="range"
        min={0}
        max={100}
        value={part}
        aria-label={t("results.divider")}
        onChange={(event) => setPart(Number(event.target.value))}
      />
    </div>
  );
}
