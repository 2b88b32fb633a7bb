/** How many tokens a prompt has, and in how many parts it is read; nothing where the server cannot tell. */
import { useEffect, useState } from "react";
import { ask, Refused } from "../api/client";
import { t } from "../strings/t";
import css from "./TokenCount.module.css";

interface PromptLength {
  readonly tokens: number;
  readonly chunks: number;
}

const REST = 300;

/** Whether the server has been found to have no such answer. */
let isUnknown = false;

export function TokenCount({ text }: { readonly text: string }) {
  const [length, setLength] = useState<PromptLength | null>(null);
  useEffect(() => {
    if (isUnknown) return;
    const ended = new AbortController();
    const timer = setTimeout(() => {
      ask<PromptLength>("POST", "/v1/prompt/length", { body: { text }, signal: ended.signal }).then(
        setLength,
        (error: unknown) => {
          if (error instanceof Refused && error.status === 404) isUnknown = true;
          if (!ended.signal.aborted) setLength(null);
        },
      );
    }, REST);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [text]);
  if (!length) return null;
  return (
    <span className={css.count} title={t("widgets.tokens", { ...length })}>
      {t("widgets.tokensShort", { tokens: length.tokens })}
    </span>
  );
}
