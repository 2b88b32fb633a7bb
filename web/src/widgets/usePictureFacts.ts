/** The size of a picture of the input folder, as the server tells. */
import { useEffect, useState } from "react";
import { ask, inPath } from "../api/client";
import type { PictureFacts } from "../api/schema";

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

const asked = new Map<string, Promise<PictureSize | null>>();

/** Null while it is not known, or cannot be. Names of pictures are not used anew for others. */
function sizeOf(name: string): Promise<PictureSize | null> {
  const known = asked.get(name);
  if (known) return known;
  const answer = ask<PictureFacts>("GET", `/v1/metadata/input/${inPath(name)}`).then(
    ({ width, height }) => ({ width, height }),
    () => {
      asked.delete(name); // away, or gone: asked again when it is shown again
      return null;
    },
  );
  asked.set(name, answer);
  return answer;
}

export function usePictureFacts(name: string): PictureSize | null {
  const [told, setTold] = useState<{ name: string; size: PictureSize | null } | null>(null);
  useEffect(() => {
    if (!name) return;
    let isWanted = true;
    void sizeOf(name).then((size) => {
      if (isWanted) setTold({ name, size });
    });
    return () => {
      isWanted = false;
    };
  }, [name]);
  return told?.name === name ? told.size : null;
}
