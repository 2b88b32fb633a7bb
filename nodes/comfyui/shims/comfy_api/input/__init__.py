"""`comfy_api.input`: the types of values, for annotations."""

from nodes.comfyui.shims.comfy_api.latest._media import AudioInput, ImageInput, LatentInput, MaskInput, VideoInput

__all__ = ["AudioInput", "ImageInput", "LatentInput", "MaskInput", "VideoInput"]
