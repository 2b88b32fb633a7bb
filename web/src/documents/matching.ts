/** The items that have every word of a query somewhere in their description, in their order. */
export function matching<T>(
  items: readonly T[],
  query: string,
  describe: (item: T) => string,
): readonly T[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return items;
  return items.filter((item) => {
    const text = describe(item).toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
