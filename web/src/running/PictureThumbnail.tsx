/** A picture in the making, as small as the box it stands in. */
import { useEffect, useRef } from "react";
import css from "./RunThumbnail.module.css";

export function PictureThumbnail({ picture }: { readonly picture: ImageBitmap }) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    ref.current?.getContext("2d")?.drawImage(picture, 0, 0, SIZE, SIZE);
  }, [picture]);
  return <canvas ref={ref} className={css.picture} width={SIZE} height={SIZE} />;
}

const SIZE = 64;
