"""Where things lie: the home folder of a person's data, and the bundled models and templates."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from diffusion.names import MODEL_FOLDERS
from graph.packs import Sources

NAME = "noisewright"
"""The program's name; environment variables and the user's data folder derive from it."""


@dataclass(frozen=True)
class Home:
    """Folders of one installation. data: what the person owns and the program writes. bundled: what ships with it."""

    data: Path
    bundled: Path

    @property
    def models(self) -> Path:
        """The person's own models."""
        return self.data / "models"

    @property
    def input(self) -> Path:
        """Pictures that workflows load."""
        return self.data / "input"

    @property
    def output(self) -> Path:
        """What workflows save."""
        return self.data / "output"

    @property
    def temp(self) -> Path:
        """Previews."""
        return self.data / "temp"

    @property
    def cache(self) -> Path:
        """What can be deleted at any time."""
        return self.data / "cache"

    @property
    def results(self) -> Path:
        """Results of earlier runs."""
        return self.cache / "results"

    @property
    def states(self) -> Path:
        """Where long nodes left off."""
        return self.cache / "states"

    @property
    def packs(self) -> Path:
        """Packs of node types, each a folder or a Python file."""
        return self.data / "packs"

    @property
    def custom_nodes(self) -> Path:
        """Packs that were written for ComfyUI."""
        return self.data / "custom_nodes"

    @property
    def logs(self) -> Path:
        """Tracebacks and warnings."""
        return self.data / "logs"

    @property
    def pack_sources(self) -> Sources:
        """Where packs are looked for: the two folders of this home, and installed distributions."""
        return Sources(
            folders=(self.packs,),
            adapted=(self.custom_nodes,),
            adapter="nodes.comfyui.adapter:load_pack",
            added="diffusion.added:brought_by",
        )

    def prepare(self) -> None:
        """Make the folders a person puts models and pictures into. A home that cannot be written is left as it is."""
        with suppress(OSError):
            for folder in (*(self.models / name for name in MODEL_FOLDERS), self.input):
                folder.mkdir(parents=True, exist_ok=True)

    @property
    def templates(self) -> Path:
        """The bundled workflows; the pictures they load lie in `input` beside them."""
        return self.bundled / "workflows"


def find_home(data: Path | None = None) -> Home:
    """The home folder: `data` if given, else NOISEWRIGHT_DATA, else the checkout's `data/`, else the platform's
    data folder.
    """
    root = Path(__file__).resolve().parent.parent
    is_checkout = (root / "pyproject.toml").is_file() and (root / "workflows").is_dir()
    bundled = root if is_checkout else root / f"{NAME}_data"
    named = data or os.environ.get(f"{NAME.upper()}_DATA")
    if named:
        return Home(Path(named).expanduser().absolute(), bundled)
    return Home(root / "data" if is_checkout else user_data_path(NAME), bundled)
