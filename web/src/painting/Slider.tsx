/** A number that is drawn along a line, with its name and value beside it. */
import css from "./Slider.module.css";

interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  /** The value as people read it. */
  readonly shown: string;
  readonly onChange: (value: number) => void;
  readonly disabled?: boolean;
}

export function Slider({
  label,
  value,
  min,
  max,
  step = 1,
  shown,
  onChange,
  disabled,
}: SliderProps) {
  return (
    <label className={css.slider}>
      <span className={css.label}>{label}</span>
      <span className={css.value} aria-hidden>
        {shown}
      </span>
      <input
        type="range"
        className={css.range}
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={shown}
        disabled={disabled}
        onChange={(event) => onChange(event.target.valueAsNumber)}
      />
    </label>
  );
}
