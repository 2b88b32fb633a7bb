/** Gives an input a picture, from wherever it comes: sent first where it is not on the server. */
import { useState } from "react";
import { tellError } from "../ui/toasts";
import type { DroppedPicture } from "./droppedPicture";
import { asInput, uploadPicture } from "./upload";

interface PictureInput {
  /** The part that was sent, 0 to 1; null: nothing is being sent. */
  readonly progress: number | null;
  readonly take: (picture: DroppedPicture) => Promise<void>;
}

export function usePictureInput(onName: (name: string) => void): PictureInput {
  const [progress, setProgress] = useState<number | null>(null);
  const take = async (picture: DroppedPicture): Promise<void> => {
    setProgress(0);
    try {
      const name =
        "stored" in picture
          ? await asInput(picture.stored)
          : (await uploadPicture(picture.file, picture.file.name, setProgress)).name;
      onName(name);
    } catch (error) {
      tellError(error);
    } finally {
      setProgress(null);
    }
  };
  return { progress, take };
}
