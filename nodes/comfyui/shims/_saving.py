"""`SaveImage` and `PreviewImage`, from which many packs inherit."""

import json
import os
from typing import Any, ClassVar

from nodes.comfyui.shims import folder_paths


class SaveImage:
    """Writes pictures as PNG files. output_dir, type: where to; compress_level: of the files."""

    RETURN_TYPES: ClassVar[tuple[str, ...]] = ()
    FUNCTION = "save_images"
    OUTPUT_NODE = True
    CATEGORY = "image"

    def __init__(self) -> None:
        self.output_dir = folder_paths.get_output_directory()
        self.type = "output"
        self.prefix_append = ""
        self.compress_level = 4

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 — the name that packs know
        """Pictures and where they go."""
        return {
            "required": {"images": ("IMAGE",), "filename_prefix": ("STRING", {"default": "ComfyUI"})},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }

    def save_images(
        self, images: Any, filename_prefix: str = "ComfyUI", prompt: Any = None, extra_pnginfo: Any = None
    ) -> dict[str, Any]:
        """Write each picture [B, H, W, C], with the graph it comes from, and say which files these are."""
        from diffusion.picture_files import png_files
        from nodes.comfyui.values import from_pack

        height, width = images.shape[1:3]
        folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix + self.prefix_append, self.output_dir, width, height
        )
        texts = {} if prompt is None else {"prompt": json.dumps(prompt)}
        texts |= {key: json.dumps(value) for key, value in (extra_pnginfo or {}).items()}
        files = png_files(
            from_pack(images, "IMAGE"),
            texts=texts,
            source_type="trainedAlgorithmicMedia",
            compress_level=self.compress_level,
        )
        shown = []
        for index, data in enumerate(files):
            name = f"{stem.replace('%batch_num%', str(index))}_{counter + index:05}_.png"
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
            shown.append({"filename": name, "subfolder": subfolder, "type": self.type})
        return {"ui": {"images": shown}}


class PreviewImage(SaveImage):
    """Writes pictures into the folder of previews."""

    def __init__(self) -> None:
        self.output_dir = folder_paths.get_temp_directory()
        self.type = "temp"
        self.prefix_append = ""
        self.compress_level = 1

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        """Pictures."""
        return {
            "required": {"images": ("IMAGE",)},
            "hidden": {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"},
        }
