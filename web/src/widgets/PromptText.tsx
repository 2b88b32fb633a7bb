/** A prompt with its parts tinted, to be looked at. It has the shape of the editor that takes its place. */
import { memo, useMemo } from "react";
import { stretchesOf } from "../graph/promptMarks";
import { classes } from "../ui/classes";
import css from "./PromptText.module.css";
import marks from "./promptMarks.module.css";

interface PromptTextProps {
  readonly id: string;
  readonly label: string;
  readonly text: string;
  readonly onPointerEnter: () => void;
  /** Somebody wants to write: with the pointer there, or by the keyboard. */
  readonly onWrite: (at: { readonly x: number; readonly y: number } | null) => void;
}

export const PromptText = memo(function PromptText(props: PromptTextProps) {
  const { id, label, text, onPointerEnter, onWrite } = props;
  const stretches = useMemo(() => stretchesOf(text), [text]);
  return (
    <div
      id={id}
      className={css.text}
      role="textbox"
      aria-multiline="true"
      aria-label={label}
      tabIndex={0}
      onPointerEnter={onPointerEnter}
      onMouseDown={(event) => {
        if (event.button !== 0) return;
        event.preventDefault(); // or this element, which goes away, would get the keyboard
        onWrite({ x: event.clientX, y: event.clientY });
      }}
      onFocus={() => onWrite(null)}
    >
      {text === "" ? <span className={css.none}>{label}</span> : null}
      {stretches.map((stretch, place) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: stretches are known by their place alone
          key={place}
          className={classes(...stretch.kinds.map((kind) => marks[kind]))}
        >
          {stretch.text}
        </span>
      ))}
    </div>
  );
});
