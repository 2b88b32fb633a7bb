/** The colours of the theme for what is drawn without CSS. */
const known = new Map<string, string>();
let shown = "";

/** The colour that a CSS colour with variables in it is in the theme that is shown. */
export function resolved(color: string): string {
  const { theme = "", contrast = "" } = document.documentElement.dataset;
  if (shown !== `${theme} ${contrast}`) {
    shown = `${theme} ${contrast}`;
    known.clear();
  }
  const found = known.get(color);
  if (found !== undefined) return found;
  const style = getComputedStyle(document.documentElement);
  const made = color.replace(/var\((--[\w-]+)\)/g, (_, name: string) =>
    style.getPropertyValue(name).trim(),
  );
  known.set(color, made);
  return made;
}

/** Be told when another theme is shown. Gives what ends it. */
export function onTheme(listener: () => void): () => void {
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, {
    attributeFilter: ["data-theme", "data-contrast"],
  });
  return () => observer.disconnect();
}
