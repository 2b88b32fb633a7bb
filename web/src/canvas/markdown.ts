/** The part of Markdown that notes know, as a tree: headings, lists, bold, italic, code, links. Never HTML. */

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "strong" | "em"; readonly parts: readonly Inline[] }
  | { readonly kind: "link"; readonly parts: readonly Inline[]; readonly to: string };

export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly parts: readonly Inline[] }
  | { readonly kind: "paragraph"; readonly parts: readonly Inline[] }
  | {
      readonly kind: "list";
      readonly isOrdered: boolean;
      readonly items: readonly (readonly Inline[])[];
    }
  | { readonly kind: "code"; readonly text: string };

const HEADING = /^(#{1,3})\s+(.*)$/;
const BULLET = /^\s*[-*+]\s+(.*)$/;
const NUMBER = /^\s*\d+[.)]\s+(.*)$/;
const FENCE = /^```/;

export function blocksOf(text: string): readonly Block[] {
  const blocks: Block[] = [];
  const lines = text.split("\n");
  let paragraph: string[] = [];
  const close = (): void => {
    if (paragraph.length > 0)
      blocks.push({ kind: "paragraph", parts: inline(paragraph.join("\n")) });
    paragraph = [];
  };
  for (let place = 0; place < lines.length; ) {
    const line = lines[place] ?? "";
    const heading = HEADING.exec(line);
    const list = [BULLET, NUMBER].find((pattern) => pattern.test(line));
    if (FENCE.test(line)) {
      close();
      const end = lines.findIndex((other, index) => index > place && FENCE.test(other));
      const until = end < 0 ? lines.length : end;
      blocks.push({ kind: "code", text: lines.slice(place + 1, until).join("\n") });
      place = until + 1;
    } else if (heading) {
      close();
      blocks.push({
        kind: "heading",
        level: heading[1]?.length ?? 1,
        parts: inline(heading[2] ?? ""),
      });
      place++;
    } else if (list) {
      close();
      const items: (readonly Inline[])[] = [];
      for (let item = list.exec(line); item; item = list.exec(lines[place] ?? "")) {
        items.push(inline(item[1] ?? ""));
        place++;
      }
      blocks.push({ kind: "list", isOrdered: list === NUMBER, items });
    } else {
      if (line.trim() === "") close();
      else paragraph.push(line);
      place++;
    }
  }
  close();
  return blocks;
}

const MARKS =
  /`([^`]+)`|\*\*(.+?)\*\*|__(.+?)__|\*([^*\s](?:[^*]*[^*\s])?)\*|_([^_\s](?:[^_]*[^_\s])?)_|\[([^\]]+)\]\(([^)\s]+)\)|(https?:\/\/[^\s<>()]+)/;

/** What stands in a line. Links lead to web pages only. */
export function inline(text: string): readonly Inline[] {
  const parts: Inline[] = [];
  let rest = text;
  for (let found = MARKS.exec(rest); found; found = MARKS.exec(rest)) {
    if (found.index > 0) parts.push({ kind: "text", text: rest.slice(0, found.index) });
    parts.push(marked(found));
    rest = rest.slice(found.index + found[0].length);
  }
  if (rest) parts.push({ kind: "text", text: rest });
  return parts;
}

function marked(found: RegExpExecArray): Inline {
  const [whole, code, strong, strong2, em, em2, label, to, plain] = found;
  if (code !== undefined) return { kind: "code", text: code };
  const bold = strong ?? strong2;
  if (bold !== undefined) return { kind: "strong", parts: inline(bold) };
  const slanted = em ?? em2;
  if (slanted !== undefined) return { kind: "em", parts: inline(slanted) };
  if (plain !== undefined)
    return { kind: "link", parts: [{ kind: "text", text: plain }], to: plain };
  if (label !== undefined && to !== undefined && /^https?:\/\//i.test(to))
    return { kind: "link", parts: [{ kind: "text", text: label }], to };
  return { kind: "text", text: whole };
}
