"""Where things lie that the server reads and writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from graph.digests import Digests
from graph.files import INPUT
from graph.folders import Folders
from graph.layouts import saved_below


@dataclass(frozen=True)
class Places:
    """Folders and files of one home.

    data: what the person owns and the program writes. models: folders of models, the first wins; new ones go into
    `own_models`. model_folders: names of the kinds of models ("checkpoints"). suffixes: of files that are models.
    templates: the bundled workflows; what they load lies in `input` beside them.
    """

    data: Path
    models: tuple[Path, ...]
    own_models: Path
    input: Path
    output: Path
    temp: Path
    templates: Path
    cache: Path
    logs: Path
    packs: tuple[Path, ...]
    model_folders: tuple[str, ...]
    suffixes: tuple[str, ...]

    @property
    def database(self) -> Path:
        """Queue, history, tokens, published workflows."""
        return self.data / "noisewright.db"

    @property
    def settings(self) -> Path:
        """What a person set down for every start."""
        return self.data / "settings.toml"

    @property
    def workflows(self) -> Path:
        """Workflows people saved."""
        return self.data / "workflows"

    @property
    def drafts(self) -> Path:
        """Unsaved states of workflows, in a folder for each owner."""
        return self.data / "drafts"

    @property
    def user(self) -> Path:
        """What ComfyUI's clients keep: their settings and files."""
        return self.data / "user"

    @property
    def catalogue(self) -> Path:
        """The node types there are, as the last worker that looked left them."""
        return self.cache / "catalogue.json"

    @property
    def kinds(self) -> Mapping[str, Path]:
        """The folders whose files requests may name, by their kind."""
        return MappingProxyType({"input": self.input, "output": self.output, "temp": self.temp})

    def folders(self) -> Folders:
        """What finds files by the names workflows use."""
        return Folders(
            models=self.models,
            input=(self.input, self.templates / "input"),
            digests=Digests(self.cache / "digests.db"),
            places={kind: (folder,) for kind, folder in self.kinds.items() if kind != INPUT} | saved_below(self.output),
        )
