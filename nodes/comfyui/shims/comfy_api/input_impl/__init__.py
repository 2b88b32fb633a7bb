"""`comfy_api.input_impl`: ways to make values that are more than tensors."""

from nodes.comfyui.shims.comfy_api.latest._media import VideoFromComponents, VideoFromFile

__all__ = ["VideoFromComponents", "VideoFromFile"]
