import json

import comfy.utils
import numpy as np
import torch
from PIL import Image, ImageOps

from ...core import suite_paths


def tensor2pil(image):
    return Image.fromarray(np.clip(255.0 * image.cpu().numpy().squeeze(), 0, 255).astype(np.uint8))


def pil2tensor(image):
    return torch.from_numpy(np.array(image).astype(np.float32) / 255.0).unsqueeze(0)


class SuitePosterize:
    @classmethod
    def INPUT_TYPES(s):
        with open(suite_paths.root() + "/core/presets.json") as file:
            presets = list(json.load(file))
        return {
            "required": {
                "image": ("IMAGE",),
                "bits": ("INT", {"default": 2, "min": 1, "max": 8}),
                "preset": (["none", *presets],),
            }
        }

    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("image", "brightness")
    FUNCTION = "posterize"
    CATEGORY = "field suite/image"

    def posterize(self, image, bits, preset):
        bar = comfy.utils.ProgressBar(len(image))
        made = []
        for item in image:
            made.append(pil2tensor(ImageOps.posterize(tensor2pil(item), bits)))
            bar.update(1)
        result = torch.cat(made)
        return (result, result.mean(-1))


NODE_CLASS_MAPPINGS = {"Suite Posterize": SuitePosterize}
NODE_DISPLAY_NAME_MAPPINGS = {"Suite Posterize": "Posterize (suite)"}
