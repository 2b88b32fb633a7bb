import type { OverlayProps } from "../pages/OverlayHost";
export default function Part(_: OverlayProps) {
  return null;
}
