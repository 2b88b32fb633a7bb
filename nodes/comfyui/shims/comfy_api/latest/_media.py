"""Sounds and videos as packs name them. Pictures are tensors; of videos there are the parts, not the files."""

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Any, NoReturn

ImageInput = MaskInput = Any
"""Tensors, [B, H, W, C] and [B, H, W]."""

LatentInput = AudioInput = dict[str, Any]
"""Dictionaries: with `samples`; with `waveform` and `sample_rate`."""


class VideoContainer(str, Enum):  # noqa: UP042 — packs compare members with plain texts
    """Kinds of video files."""

    AUTO = "auto"
    MP4 = "mp4"

    @classmethod
    def as_input(cls) -> list[str]:
        """The choices."""
        return [item.value for item in cls]

    @classmethod
    def get_extension(cls, value: "VideoContainer | str") -> str:
        """The ending of file names, without the dot."""
        return "mp4"


class VideoCodec(str, Enum):  # noqa: UP042 — as above
    """Ways to code a video."""

    AUTO = "auto"
    H264 = "h264"

    @classmethod
    def as_input(cls) -> list[str]:
        """The choices."""
        return [item.value for item in cls]


@dataclass
class VideoComponents:
    """The parts of a video. images: [B, H, W, C]. frame_rate: pictures a second."""

    images: Any
    frame_rate: Fraction
    audio: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = field(default=None)


class VideoInput:
    """A video on a link."""

    def get_components(self) -> VideoComponents:
        """Its pictures, sound and frame rate."""
        raise NotImplementedError(f"{type(self).__name__} has no get_components.")

    def get_dimensions(self) -> tuple[int, int]:
        """Width and height in pixels."""
        images = self.get_components().images
        return images.shape[2], images.shape[1]

    def get_duration(self) -> float:
        """In seconds."""
        parts = self.get_components()
        return float(parts.images.shape[0] / parts.frame_rate)

    def get_frame_count(self) -> int:
        """How many pictures."""
        return self.get_components().images.shape[0]

    def get_frame_rate(self) -> Fraction:
        """Pictures a second."""
        return Fraction(self.get_components().frame_rate)

    def save_to(self, path: Any, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: there is nothing here that codes videos."""
        raise NotImplementedError(
            f"The video was not written to '{path}': writing video files is not supported. "
            "Save its frames as pictures, or as an animated WebP file."
        )


class VideoFromComponents(VideoInput):
    """A video made of its parts."""

    def __init__(self, components: VideoComponents) -> None:
        self._components = components

    def get_components(self) -> VideoComponents:
        """Its pictures, sound and frame rate."""
        return self._components


class VideoFromFile(VideoInput):
    """A video file; known by name only."""

    def __init__(self, file: Any, **_: Any) -> None:
        self._file = file

    def get_stream_source(self) -> Any:
        """The file."""
        return self._file

    def get_components(self) -> VideoComponents:
        """Refused: there is nothing here that reads videos."""
        raise NotImplementedError(
            f"The video '{self._file}' was not read: reading video files is not supported. "
            "Load its frames as pictures, or as an animated WebP or GIF file."
        )


class Input:
    """The types of values, for annotations."""

    Image = ImageInput
    Mask = MaskInput
    Latent = LatentInput
    Audio = AudioInput
    Video = VideoInput


class InputImpl:
    """Ways to make such values."""

    VideoFromFile = VideoFromFile
    VideoFromComponents = VideoFromComponents


class Types:
    """What they are made of."""

    VideoCodec = VideoCodec
    VideoContainer = VideoContainer
    VideoComponents = VideoComponents
