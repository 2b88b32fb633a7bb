"""`comfy_api.util`: what values are made of."""

from nodes.comfyui.shims.comfy_api.latest._media import VideoCodec, VideoComponents, VideoContainer

__all__ = ["VideoCodec", "VideoComponents", "VideoContainer"]
