/** Writes a prompt. Loaded when somebody writes; what they write is in the document's log, so undo is the document's. */
import {
  acceptCompletion,
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  completionKeymap,
} from "@codemirror/autocomplete";
import { standardKeymap, toggleComment } from "@codemirror/commands";
import { Annotation, EditorState, Prec, RangeSetBuilder } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  EditorView,
  keymap,
  placeholder,
  tooltips,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { useEffect, useEffectEvent, useRef } from "react";
import { marksOf } from "../graph/promptMarks";
import { weighed } from "../graph/weights";
import { choicesStore, loadChoices } from "../state/choices";
import { preferencesStore } from "../state/preferences";
import { classes } from "../ui/classes";
import css from "./PromptEditor.module.css";
import { PromptHistory, rememberPrompt } from "./promptHistory";
import marks from "./promptMarks.module.css";

interface PromptEditorProps {
  readonly label: string;
  readonly text: string;
  readonly caret: { readonly x: number; readonly y: number } | null;
  readonly onChange: (text: string) => void;
  readonly onUndo: () => void;
  readonly onRedo: () => void;
  readonly onLeave: () => void;
}

export default function PromptEditor({ label, text, caret, ...on }: PromptEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView | null>(null);
  const onChange = useEffectEvent(on.onChange);
  const onUndo = useEffectEvent(on.onUndo);
  const onRedo = useEffectEvent(on.onRedo);
  const onLeave = useEffectEvent(on.onLeave);
  const begin = useEffectEvent((parent: HTMLElement) => {
    const view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          keys({ undo: () => onUndo(), redo: () => onRedo() }, text),
          ...look(label),
          completions,
          EditorView.updateListener.of((update) => {
            if (
              update.docChanged &&
              !update.transactions.some((one) => one.annotation(fromOutside))
            )
              onChange(update.state.doc.toString());
          }),
          EditorView.domEventHandlers({
            blur: (_, left) => {
              rememberPrompt(left.state.doc.toString());
              // Not at once: a blur comes in the middle of what takes the keyboard.
              requestAnimationFrame(() => {
                if (!left.hasFocus && document.hasFocus()) onLeave();
              });
            },
          }),
        ],
      }),
    });
    const at = caret && view.posAtCoords(caret);
    view.dispatch({ selection: { anchor: at ?? view.state.doc.length }, scrollIntoView: true });
    view.focus();
    return view;
  });

  useEffect(() => {
    if (!place.current) return;
    void loadChoices("embeddings");
    void loadChoices("loras");
    const view = begin(place.current);
    editor.current = view;
    return () => {
      editor.current = null;
      view.destroy();
    };
  }, []);

  // What the document says, where that is not what was just written: an undo, or another place that writes it.
  useEffect(() => {
    const view = editor.current;
    if (!view || view.state.doc.toString() === text) return;
    view.dispatch({
      changes: changed(view.state.doc.toString(), text),
      annotations: fromOutside.of(true),
    });
  }, [text]);

  return <div ref={place} className={classes(css.editor, "nowheel", "nodrag")} />;
}

const fromOutside = Annotation.define<boolean>();

/** The one stretch in which two texts differ. */
function changed(before: string, after: string): { from: number; to: number; insert: string } {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end])
    end++;
  return { from: start, to: before.length - end, insert: after.slice(start, after.length - end) };
}

function keys(history: { undo: () => void; redo: () => void }, text: string) {
  const earlier = new PromptHistory(text);
  const done = (run: () => void) => () => {
    run();
    return true;
  };
  return [
    Prec.highest(
      keymap.of([
        { key: "Mod-z", run: done(history.undo), preventDefault: true },
        { key: "Mod-y", run: done(history.redo), preventDefault: true },
        { key: "Mod-Shift-z", run: done(history.redo), preventDefault: true },
        { key: "Ctrl-ArrowUp", mac: "Cmd-ArrowUp", run: (view) => weigh(view, 1) },
        { key: "Ctrl-ArrowDown", mac: "Cmd-ArrowDown", run: (view) => weigh(view, -1) },
        { key: "Alt-ArrowUp", run: (view) => replace(view, earlier.older(textOf(view))) },
        { key: "Alt-ArrowDown", run: (view) => replace(view, earlier.newer(textOf(view))) },
        { key: "Mod-/", run: toggleComment },
        { key: "Tab", run: acceptCompletion },
      ]),
    ),
    keymap.of([...completionKeymap, ...standardKeymap]),
    EditorState.languageData.of(() => [{ commentTokens: { line: "//" } }]),
  ];
}

const textOf = (view: EditorView): string => view.state.doc.toString();

function weigh(view: EditorView, sign: 1 | -1): boolean {
  const { from, to } = view.state.selection.main;
  const before = textOf(view);
  const step = preferencesStore.getState().weightStep;
  const after = weighed({ text: before, from, to }, sign * step);
  if (after.text === before) return true; // nothing to weigh, and nothing else is meant by it
  view.dispatch({
    changes: changed(before, after.text),
    selection: { anchor: after.from, head: after.to },
    userEvent: "input",
  });
  return true;
}

function replace(view: EditorView, text: string | null): boolean {
  if (text === null) return true;
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: text },
    selection: { anchor: text.length },
    userEvent: "input",
  });
  return true;
}

function look(label: string) {
  const nonce = document.querySelector<HTMLMetaElement>('meta[name="nonce"]')?.nonce;
  return [
    ...(nonce ? [EditorView.cspNonce.of(nonce)] : []),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
    placeholder(label),
    // Above everything, and not cut off or enlarged by the canvas.
    tooltips({ parent: document.body, position: "fixed" }),
    tinted,
  ];
}

const tinted = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;

    constructor(view: EditorView) {
      this.decorations = tints(view.state.doc.toString());
    }

    update(update: ViewUpdate): void {
      if (update.docChanged) this.decorations = tints(update.state.doc.toString());
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function tints(text: string): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (const { from, to, kind } of marksOf(text))
    builder.add(from, to, Decoration.mark({ class: marks[kind] ?? kind }));
  return builder.finish();
}

/** Names of a source without their endings: as prompts name them. */
function namesOf(source: string): readonly string[] {
  const names = choicesStore.getState().sources[source]?.names ?? [];
  return names.map((name) => name.replace(/\.(safetensors|pt|bin)$/i, ""));
}

/** Embeddings and LoRAs by their names, after two letters of one. */
function complete(context: CompletionContext): CompletionResult | null {
  const word = context.matchBefore(/(?:embedding:|<lora:)?[^\s,()<>:|{}]*$/);
  if (!word || (word.text.length < 2 && !context.explicit)) return null;
  const options = [
    ...namesOf("embeddings").map((name) => ({
      label: `embedding:${name}`,
      type: "embedding",
    })),
    ...namesOf("loras").map((name) => ({ label: `<lora:${name}:1>`, type: "lora" })),
  ];
  return options.length > 0 ? { from: word.from, options, validFor: /^[^\s,()]*$/ } : null;
}

const completions = autocompletion({
  override: [complete],
  icons: false,
  activateOnTypingDelay: 60,
  tooltipClass: () => css.completions ?? "",
});
