"""What a node shows: `io.NodeOutput(ui=ui.PreviewImage(image, cls=cls))`.

Every class has `as_dict()`, the form in which an editor is told.
"""

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.shims.comfy_api.latest._saving import ImageSaveHelper, Node, SavedImages, SavedResult, save_sound
from nodes.comfyui.shims.comfy_api.latest._widgets import FolderType

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "FolderType",
    "ImageSaveHelper",
    "PreviewAudio",
    "PreviewImage",
    "PreviewMask",
    "PreviewText",
    "PreviewUI3D",
    "PreviewVideo",
    "SavedAudios",
    "SavedImages",
    "SavedResult",
]


class SavedAudios:
    """Sounds that were written."""

    def __init__(self, results: Sequence[SavedResult]) -> None:
        self.results = list(results)

    def as_dict(self) -> dict[str, Any]:
        """For an editor."""
        return {"audio": list(self.results)}


class PreviewImage:
    """Pictures to look at, [B, H, W, C] or [H, W, C] in 0..1: written to the temp folder."""

    def __init__(self, image: "Tensor", animated: bool = False, cls: Node = None, **_: Any) -> None:
        self.values = ImageSaveHelper.save_images(image, _preview_name(), FolderType.temp, cls, compress_level=1)
        self.animated = animated

    def as_dict(self) -> dict[str, Any]:
        """For an editor."""
        return {"images": self.values, "animated": (self.animated,)}


class PreviewMask(PreviewImage):
    """Masks to look at, [B, H, W] or [H, W] in 0..1."""

    def __init__(self, mask: "Tensor", animated: bool = False, cls: Node = None, **rest: Any) -> None:
        batch = mask.reshape(-1, mask.shape[-2], mask.shape[-1])
        super().__init__(batch.unsqueeze(-1).expand(-1, -1, -1, 3), animated, cls, **rest)


class PreviewText:
    """A text to read."""

    def __init__(self, value: str, **_: Any) -> None:
        self.value = value

    def as_dict(self) -> dict[str, Any]:
        """For an editor."""
        return {"text": (self.value,)}


class PreviewAudio:
    """Sounds to hear: `waveform` [B, C, T] in −1..1 and `sample_rate`. Written to the temp folder as 16-bit WAV."""

    def __init__(self, audio: dict[str, Any], cls: Node = None, **_: Any) -> None:
        rate = int(audio["sample_rate"])
        self.values = [save_sound(waveform, rate, _preview_name()) for waveform in audio["waveform"]]

    def as_dict(self) -> dict[str, Any]:
        """For an editor."""
        return {"audio": self.values}


class PreviewVideo:
    """Videos that were written."""

    def __init__(self, values: Sequence[SavedResult | dict[str, str]], **_: Any) -> None:
        self.values = list(values)

    def as_dict(self) -> dict[str, Any]:
        """For an editor."""
        return {"images": self.values, "animated": (True,)}


class PreviewUI3D:
    """A model of a body to look at, which an editor may or may not be able to draw."""

    def __init__(self, model_file: str, camera_info: Any = None, **_: Any) -> None:
        self.model_file = model_file
        self.camera_info = camera_info

    def as_dict(self) -> dict[str, Any]:
        """For an editor."""
        return {"result": [self.model_file, self.camera_info]}


def _preview_name() -> str:
    return f"preview_{uuid.uuid4().hex[:8]}"


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy_api.latest.ui", name)
