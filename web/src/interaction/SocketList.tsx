/** A list of sockets to pick one of, narrowed down by typing. */
import { type KeyboardEvent, useId, useState } from "react";
import { lookOf } from "../canvas/socketLook";
import { t } from "../strings/t";
import type { Pickable } from "./connectTo";
import type { PlacedSocket } from "./gestures/sockets";
import css from "./SocketList.module.css";

interface SocketListProps {
  readonly label: string;
  readonly sockets: readonly Pickable[];
  readonly onPicked: (socket: PlacedSocket) => void;
}

/** More than this nobody reads. */
const SHOWN = 50;

export function SocketList({ label, sockets, onPicked }: SocketListProps) {
  const id = useId();
  const [words, setWords] = useState("");
  const [place, setPlace] = useState(0);
  const found = narrowed(sockets, words).slice(0, SHOWN);
  const current = Math.min(place, found.length - 1);

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    const picked = event.key === "Enter" ? found[current] : undefined;
    if (step === 0 && !picked) return;
    event.preventDefault();
    if (picked) onPicked(picked.socket);
    else setPlace((current + step + found.length) % Math.max(1, found.length));
  };

  return (
    <div className={css.list}>
      <p className={css.title}>{label}</p>
      <input
        className={css.search}
        // biome-ignore lint/a11y/noAutofocus: the list was asked for by a key, and is gone with it
        autoFocus
        role="combobox"
        aria-expanded
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${current}` : undefined}
        aria-label={label}
        placeholder={t("interaction.findSocket")}
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setPlace(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div className={css.options} id={`${id}-list`} role="listbox" aria-label={label}>
        {found.map(({ socket, text, about }, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the search above
          <div
            key={`${socket.node} ${socket.side} ${socket.name}`}
            id={`${id}-${index}`}
            className={css.option}
            role="option"
            tabIndex={-1}
            aria-selected={index === current}
            ref={(element) => {
              if (index === current) element?.scrollIntoView({ block: "nearest" });
            }}
            onPointerMove={() => setPlace(index)}
            onClick={() => onPicked(socket)}
          >
            <i className={css.dot} style={{ backgroundColor: lookOf(socket.type).color }} />
            <span className={css.name}>{text}</span>
            <span className={css.about}>{about}</span>
          </div>
        ))}
      </div>
      {found.length === 0 ? <p className={css.none}>{t("interaction.noTargets")}</p> : null}
    </div>
  );
}

/** Those that have every word somewhere. */
function narrowed(sockets: readonly Pickable[], words: string): readonly Pickable[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return sockets.filter(({ text, about }) => {
    const all = `${text} ${about}`.toLowerCase();
    return wanted.every((word) => all.includes(word));
  });
}
