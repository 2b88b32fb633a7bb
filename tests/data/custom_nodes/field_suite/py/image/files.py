import hashlib
import os

import folder_paths
import numpy as np
import torch
from PIL import Image, ImageOps, ImageSequence


class SuiteLoadImage:
    @classmethod
    def INPUT_TYPES(s):
        input_dir = folder_paths.get_input_directory()
        files = [f for f in os.listdir(input_dir) if os.path.isfile(os.path.join(input_dir, f))]
        return {
            "required": {
                "image": (sorted(files), {"image_upload": True}),
                "Which channel": (["red", "green", "blue"], {"default": "green"}),
            }
        }

    CATEGORY = "field suite/image"
    RETURN_TYPES = ("IMAGE", "STRING", folder_paths.get_filename_list("loras"))
    RETURN_NAMES = ("image", "filename", "lora")
    FUNCTION = "load_image"

    def load_image(self, image, **kwargs):
        path = folder_paths.get_annotated_filepath(image)
        frames = []
        for frame in ImageSequence.Iterator(Image.open(path)):
            frame = ImageOps.exif_transpose(frame).convert("RGB")
            frames.append(torch.from_numpy(np.array(frame).astype(np.float32) / 255.0)[None,])
        channel = ["red", "green", "blue"].index(kwargs["Which channel"])
        return (torch.cat(frames)[..., channel : channel + 1].repeat(1, 1, 1, 3), os.path.basename(path), "none")

    @classmethod
    def IS_CHANGED(s, image, **kwargs):
        with open(folder_paths.get_annotated_filepath(image), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    @classmethod
    def VALIDATE_INPUTS(s, image):
        if not folder_paths.exists_annotated_filepath(image):
            return f"Invalid image file: {image}"
        return True


NODE_CLASS_MAPPINGS = {"SuiteLoadImage": SuiteLoadImage}
