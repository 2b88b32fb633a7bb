export function Tabs() {
  return null;
}
