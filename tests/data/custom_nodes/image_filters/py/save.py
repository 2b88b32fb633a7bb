import json
import os
import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
import folder_paths
from nodes import PreviewImage
from comfy.cli_args import args


class SaveWithCaption:
    def __init__(self):
        self.output_dir = folder_paths.get_output_directory()
        self.type = "output"

    @classmethod
    def INPUT_TYPES(s):
        return {"required":
                    {"images": ("IMAGE", ),
                     "filename_prefix": ("STRING", {"default": "captioned/ComfyUI"}),
                     "caption": ("STRING", {"multiline": True, "default": ""})},
                "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
                }

    RETURN_TYPES = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image"

    def save_images(self, images, filename_prefix="ComfyUI", caption="", prompt=None, extra_pnginfo=None):
        full_output_folder, filename, counter, subfolder, filename_prefix = folder_paths.get_save_image_path(
            filename_prefix, self.output_dir, images[0].shape[1], images[0].shape[0])
        results = list()
        for image in images:
            i = 255. * image.cpu().numpy()
            img = Image.fromarray(np.clip(i, 0, 255).astype(np.uint8))
            metadata = None
            if not args.disable_metadata:
                metadata = PngInfo()
                if prompt is not None:
                    metadata.add_text("prompt", json.dumps(prompt))
                if extra_pnginfo is not None:
                    for x in extra_pnginfo:
                        metadata.add_text(x, json.dumps(extra_pnginfo[x]))
            file = f"{filename}_{counter:05}_.png"
            img.save(os.path.join(full_output_folder, file), pnginfo=metadata, compress_level=4)
            with open(os.path.join(full_output_folder, f"{filename}_{counter:05}_.txt"), "w") as f:
                f.write(caption)
            results.append({"filename": file, "subfolder": subfolder, "type": self.type})
            counter += 1
        return {"ui": {"images": results, "text": [caption]}}


class ShowImages(PreviewImage):
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "show"

    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"images": ("IMAGE",)}, "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}}

    def show(self, images, prompt=None, extra_pnginfo=None):
        ui = self.save_images(images, "show", prompt, extra_pnginfo)
        return {"ui": ui["ui"], "result": (images,)}


class ListedPreview:
    @classmethod
    def INPUT_TYPES(s):
        files = [f for f in os.listdir(folder_paths.get_input_directory())] if os.path.isdir(folder_paths.get_input_directory()) else []
        return {"required": {"image": (sorted(files), {"image_upload": True}),
                             "model": (["None"] + folder_paths.get_filename_list("upscale_models"),),
                             "lora": (folder_paths.get_filename_list("loras"),)}}

    RETURN_TYPES = ("STRING", "STRING")
    FUNCTION = "load"

    def load(self, image, model, lora):
        return (folder_paths.get_annotated_filepath(image), folder_paths.get_full_path("loras", lora))
