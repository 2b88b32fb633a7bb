/** What the search offers first to a person who has placed nothing yet. */

/** Node types, those that graphs have most often first, as the templates have them. A test compares them. */
export const USUAL: readonly string[] = [
  "CLIPTextEncode",
  "KSampler",
  "VAEDecode",
  "CheckpointLoaderSimple",
  "SaveImage",
  "PreviewImage",
  "EmptyLatentImage",
  "LoadImage",
  "VAEEncode",
  "LoraLoader",
  "ControlNetApplyAdvanced",
  "ControlNetLoader",
  "Canny",
  "UpscaleModelLoader",
  "ImageUpscaleWithModel",
  "ImageScale",
  "ImageScaleBy",
  "LatentUpscaleBy",
  "SetLatentNoiseMask",
  "InpaintCrop",
  "InpaintStitch",
  "ImageCompositeMasked",
  "ConditioningSetAreaPercentage",
  "ConditioningCombine",
  "VAELoader",
];

/** How often a node type would have to be placed to count as much: a person's own habits soon weigh more. */
const WORTH = 5;

/** How usual a node type is, from 0 to below 5 placements. */
export function usualness(type: string): number {
  const place = USUAL.indexOf(type);
  return place < 0 ? 0 : WORTH * (1 - (place + 1) / (USUAL.length + 1));
}
