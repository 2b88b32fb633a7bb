"""The types whose values a person can set: numbers, texts, choices."""

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from nodes.comfyui.shims.comfy_api.latest import _ports
from nodes.comfyui.shims.comfy_api.latest._ports import ComfyTypeIO, comfytype, plain


class NumberDisplay(str, Enum):  # noqa: UP042 — packs compare members with plain texts
    """How an editor draws a number."""

    number = "number"
    slider = "slider"
    gradient_slider = "gradient_slider"
    color = "color"
    knob = "knob"


class ControlAfterGenerate(str, Enum):  # noqa: UP042 — as above
    """How an editor changes a number after a run."""

    fixed = "fixed"
    increment = "increment"
    decrement = "decrement"
    randomize = "randomize"


class UploadType(str, Enum):  # noqa: UP042 — as above
    """Which files an editor offers to upload into a choice of files."""

    image = "image_upload"
    audio = "audio_upload"
    video = "video_upload"
    model = "file_upload"


class FolderType(str, Enum):  # noqa: UP042 — as above
    """The folders of pictures."""

    input = "input"
    output = "output"
    temp = "temp"


@dataclass(frozen=True)
class RemoteOptions:
    """Choices that an editor asks a server for."""

    route: str
    refresh_button: bool = True
    control_after_refresh: str = "first"
    timeout: int | None = None
    max_retries: int | None = None
    refresh: int | None = None


@comfytype("BOOLEAN")
class Boolean(ComfyTypeIO):
    """True or false."""

    Type = bool


@comfytype("INT")
class Int(ComfyTypeIO):
    """A whole number."""

    Type = int


@comfytype("FLOAT")
class Float(ComfyTypeIO):
    """A number."""

    Type = float


@comfytype("STRING")
class String(ComfyTypeIO):
    """A text."""

    Type = str


@comfytype("COMBO")
class Combo(ComfyTypeIO):
    """One of some choices."""

    Type = str

    class Input(_ports.Input):
        """options: the choices, or an enumeration whose values they are."""

        def __init__(
            self,
            id: str,  # noqa: A002 — the interface's own name
            options: Any = None,
            display_name: str | None = None,
            *args: Any,
            upload: UploadType | str | None = None,
            image_folder: FolderType | str | None = None,
            remote: RemoteOptions | None = None,
            **rest: Any,
        ) -> None:
            super().__init__(id, display_name, *args, image_folder=image_folder, **rest)
            self.choices: list[Any] = options if isinstance(options, list) else [plain(item) for item in options or ()]
            if upload is not None:
                self.options[str(plain(upload))] = True
            if remote is not None:
                self.options["remote"] = {key: value for key, value in asdict(remote).items() if value is not None}


@comfytype("COMBO")
class MultiCombo(ComfyTypeIO):
    """Some of some choices."""

    Type = list[str]

    class Input(Combo.Input):
        """As for one choice; the value is a list."""

        def __init__(self, id: str, options: Any = None, display_name: str | None = None, *args: Any, **rest: Any):  # noqa: A002
            super().__init__(id, options, display_name, *args, multiselect=True, **rest)
