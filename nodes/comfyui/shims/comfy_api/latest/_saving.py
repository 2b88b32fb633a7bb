"""Writing what packs save: into the output or the temp folder, under names that never clash.

Files say how they were made: as much as the node asked to know, and no more than the person allows.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodes.comfyui.shims.comfy_api.latest._node import ComfyNode, HiddenHolder
from nodes.comfyui.shims.comfy_api.latest._ports import plain
from nodes.comfyui.shims.comfy_api.latest._widgets import FolderType
from nodes.comfyui.surroundings import current

if TYPE_CHECKING:
    from PIL import Image as PilImage
    from torch import Tensor

Node = type[ComfyNode] | None


class SavedResult(dict[str, str]):
    """A file that was written: its name, its sub-folder, and which of the folders it is in."""

    def __init__(self, filename: str, subfolder: str, type: FolderType | str) -> None:  # noqa: A002 — their own name
        super().__init__(filename=filename, subfolder=subfolder, type=str(plain(type)))

    @property
    def filename(self) -> str:
        """The name of the file."""
        return self["filename"]

    @property
    def subfolder(self) -> str:
        """The folder below, with `/`; "" for none."""
        return self["subfolder"]

    @property
    def type(self) -> FolderType:
        """Which of the folders."""
        return FolderType(self["type"])


class SavedImages:
    """Pictures that were written."""

    def __init__(self, results: Sequence[SavedResult], is_animated: bool = False) -> None:
        self.results = list(results)
        self.is_animated = is_animated

    def as_dict(self) -> dict[str, Any]:
        """For an editor."""
        shown: dict[str, Any] = {"images": list(self.results)}
        return shown | {"animated": (True,)} if self.is_animated else shown


class ImageSaveHelper:
    """Writing pictures, [B, H, W, C] or [H, W, C] in 0..1."""

    @staticmethod
    def save_images(
        images: "Tensor | Iterable[Tensor]",
        filename_prefix: str,
        folder_type: FolderType,
        cls: Node = None,
        compress_level: int = 4,
    ) -> list[SavedResult]:
        """Write each picture as a PNG file."""
        from diffusion.picture_files import png_files
        from diffusion.values import Image
        from graph.atomic import atomic_write

        batch = _batch(images)
        files = png_files(Image(batch), texts=_texts(cls), source_type=_mark(), compress_level=compress_level)
        paths = _free_paths(filename_prefix, len(files), ".png", folder_type, batch)
        for path, data in zip(paths, files, strict=True):
            atomic_write(path, data)
        return [_result(path, folder_type) for path in paths]

    @staticmethod
    def get_save_images_ui(
        images: "Tensor", filename_prefix: str, cls: Node = None, compress_level: int = 4
    ) -> SavedImages:
        """Write each picture to the output folder."""
        return SavedImages(ImageSaveHelper.save_images(images, filename_prefix, FolderType.output, cls, compress_level))

    @staticmethod
    def save_animated_png(
        images: "Tensor", filename_prefix: str, folder_type: FolderType, cls: Node, fps: float, compress_level: int = 4
    ) -> SavedResult:
        """Write a batch as the frames of one animated PNG file."""
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        for key, text in _texts(cls).items():
            info.add_text(key, text)
        return _animation(
            images, filename_prefix, ".png", folder_type, fps, pnginfo=info, compress_level=compress_level
        )

    @staticmethod
    def get_save_animated_png_ui(
        images: "Tensor", filename_prefix: str, cls: Node, fps: float, compress_level: int = 4
    ) -> SavedImages:
        """The same to the output folder."""
        saved = ImageSaveHelper.save_animated_png(images, filename_prefix, FolderType.output, cls, fps, compress_level)
        return SavedImages([saved], is_animated=len(images) > 1)

    @staticmethod
    def save_animated_webp(
        images: "Tensor",
        filename_prefix: str,
        folder_type: FolderType,
        cls: Node,
        fps: float,
        lossless: bool = True,
        quality: int = 80,
        method: int = 4,
    ) -> SavedResult:
        """Write a batch as the frames of one animated WebP file."""
        from PIL import Image as PilImage

        exif = PilImage.Exif()
        tags = {"prompt": EXIF_MODEL, "workflow": EXIF_MAKE}
        for key, text in _texts(cls).items():
            if key in tags:
                exif[tags[key]] = f"{key}:{text}"
        options = {"exif": exif, "lossless": lossless, "quality": quality, "method": method}
        return _animation(images, filename_prefix, ".webp", folder_type, fps, **options)

    @staticmethod
    def get_save_animated_webp_ui(
        images: "Tensor",
        filename_prefix: str,
        cls: Node,
        fps: float,
        lossless: bool = True,
        quality: int = 80,
        method: int = 4,
    ) -> SavedImages:
        """The same to the output folder."""
        saved = ImageSaveHelper.save_animated_webp(
            images, filename_prefix, FolderType.output, cls, fps, lossless, quality, method
        )
        return SavedImages([saved], is_animated=len(images) > 1)


TRAINED = "trainedAlgorithmicMedia"
EXIF_MODEL, EXIF_MAKE = 0x0110, 0x010F
"""The EXIF tags that carry API JSON and editor JSON in WebP files."""


def _mark() -> str | None:
    """The IPTC digital source type; None where files shall tell nothing."""
    record = current().record
    if record is not None and record.metadata == "none":
        return None
    return "compositeWithTrainedAlgorithmicMedia" if record is not None and record.uses_pictures else TRAINED


def _texts(cls: Node) -> dict[str, str]:
    """What a file tells of how it was made; of a node that is lent no record, what it asked to know itself."""
    record = current().record
    if record is not None:
        return record.texts()
    hidden = HiddenHolder() if cls is None else cls.hidden
    texts = {} if hidden.prompt is None else {"prompt": json.dumps(hidden.prompt)}
    return texts | {key: json.dumps(value) for key, value in (hidden.extra_pnginfo or {}).items()}


def _batch(images: "Tensor | Iterable[Tensor]") -> "Tensor":
    import torch

    if not isinstance(images, torch.Tensor):
        images = torch.stack([item.squeeze(0) if item.ndim == 4 else item for item in images])
    batch = images if images.ndim == 4 else images.unsqueeze(0)
    return batch.detach().to("cpu", torch.float32)


def _free_paths(prefix: str, count: int, suffix: str, kind: FolderType, batch: "Tensor") -> tuple[Path, ...]:
    height, width = batch.shape[1:3] if batch.ndim == 4 else (0, 0)
    wanted = "output" if plain(kind) == "output" else "temp"
    return current().output.paths(prefix, count, suffix, kind=wanted, width=width, height=height)


def _result(path: Path, kind: FolderType) -> SavedResult:
    output = current().output
    relative = path.relative_to(output.path if plain(kind) == "output" else output.temp)
    subfolder = relative.parent.as_posix()
    return SavedResult(relative.name, "" if subfolder == "." else subfolder, kind)


def _animation(images: "Tensor", prefix: str, suffix: str, kind: FolderType, fps: float, **options: Any) -> SavedResult:
    from io import BytesIO

    from graph.atomic import atomic_write

    batch = _batch(images)
    first, *others = [_picture(frame) for frame in batch]
    file = BytesIO()
    duration = round(1000 / fps)
    first.save(file, suffix[1:].upper(), save_all=True, append_images=others, duration=duration, **options)
    (path,) = _free_paths(prefix, 1, suffix, kind, batch)
    atomic_write(path, file.getvalue())
    return _result(path, kind)


def _picture(frame: "Tensor") -> "PilImage.Image":
    from PIL import Image as PilImage

    levels = (frame.clamp(0, 1) * 255).round().byte().numpy()
    return PilImage.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)


def save_sound(waveform: "Tensor", rate: int, prefix: str) -> SavedResult:
    """Write a sound to the temp folder as 16-bit WAV. waveform: float [C, T] in −1..1. rate: samples a second."""
    import wave
    from io import BytesIO

    from graph.atomic import atomic_write

    samples = (waveform.detach().cpu().float().clamp(-1, 1) * 32767).round().short().t().contiguous()
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(samples.shape[1])
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples.numpy().astype("<i2").tobytes())
    (path,) = _free_paths(prefix, 1, ".wav", FolderType.temp, waveform)
    atomic_write(path, file.getvalue())
    return _result(path, FolderType.temp)
