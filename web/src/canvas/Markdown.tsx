/** Shows the Markdown of a note. */
import type { ReactNode } from "react";
import { type Block, blocksOf, type Inline } from "./markdown";

export function Markdown({ text }: { readonly text: string }) {
  return blocksOf(text).map((block, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text are told apart by their place alone
    <BlockPart key={place} block={block} />
  ));
}

function BlockPart({ block }: { readonly block: Block }) {
  switch (block.kind) {
    case "heading":
      return block.level === 1 ? <h3>{inlines(block.parts)}</h3> : <h4>{inlines(block.parts)}</h4>;
    case "paragraph":
      return <p>{inlines(block.parts)}</p>;
    case "code":
      return <pre>{block.text}</pre>;
    case "list": {
      const items = block.items.map((item, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text are told apart by their place alone
        <li key={place}>{inlines(item)}</li>
      ));
      return block.isOrdered ? <ol>{items}</ol> : <ul>{items}</ul>;
    }
  }
}

const inlines = (parts: readonly Inline[]): ReactNode =>
  parts.map((part, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text are told apart by their place alone
    <InlinePart key={place} part={part} />
  ));

function InlinePart({ part }: { readonly part: Inline }) {
  switch (part.kind) {
    case "text":
      return part.text;
    case "code":
      return <code>{part.text}</code>;
    case "strong":
      return <strong>{inlines(part.parts)}</strong>;
    case "em":
      return <em>{inlines(part.parts)}</em>;
    case "link":
      return (
        <a href={part.to} target="_blank" rel="noreferrer noopener">
          {inlines(part.parts)}
        </a>
      );
  }
}
