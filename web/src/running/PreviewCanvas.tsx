/** Draws the newest picture in the making of a node as it comes, without rendering anything anew. */
import { useEffect, useRef } from "react";
import { useDocument } from "../state/document";
import { onPreview, previewOf } from "../state/previews";
import { t } from "../strings/t";
import css from "./NodePreview.module.css";

export function PreviewCanvas({ path }: { readonly path: string }) {
  const document = useDocument((state) => state.id);
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const draw = (): void => {
      const canvas = ref.current;
      if (canvas) show(canvas, previewOf(document, path));
    };
    draw();
    return onPreview(document, path, draw);
  }, [document, path]);
  return (
    <canvas
      ref={ref}
      className={css.picture}
      width={1}
      height={1}
      role="img"
      aria-label={t("running.picture", { node: path })}
      data-preview=""
    />
  );
}

function show(canvas: HTMLCanvasElement, picture: ImageBitmap | null): void {
  const pen = canvas.getContext("2d");
  canvas.hidden = picture === null;
  if (!pen || !picture) return;
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  pen.drawImage(picture, 0, 0);
}
