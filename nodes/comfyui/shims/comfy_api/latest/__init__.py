"""The newest version of the interface: `from comfy_api.latest import ComfyExtension, io, ui`."""

from nodes.comfyui.shims.comfy_api.latest import _io as io
from nodes.comfyui.shims.comfy_api.latest import _ui as ui
from nodes.comfyui.shims.comfy_api.latest._extension import ComfyAPI, ComfyAPISync, ComfyExtension
from nodes.comfyui.shims.comfy_api.latest._media import Input, InputImpl, Types

IO, UI = io, ui

__all__ = ["IO", "UI", "ComfyAPI", "ComfyAPISync", "ComfyExtension", "Input", "InputImpl", "Types", "io", "ui"]
