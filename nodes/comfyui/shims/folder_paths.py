"""`folder_paths`: where models, inputs and results lie."""

import mimetypes
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from diffusion.names import MODEL_FOLDERS, WEIGHT_SUFFIXES
from graph.errors import FileMissing, GraphError
from graph.files import INPUT
from graph.layouts import LAYOUTS, OTHER_NAMES
from graph.output_folder import filled
from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.file_names import FileNames
from nodes.comfyui.surroundings import current

supported_pt_extensions: set[str] = set(WEIGHT_SUFFIXES)

_DIRECTORIES = ("input_directory", "output_directory", "temp_directory", "user_directory")
_ANNOTATION = re.compile(r"^(?P<name>.*) ?\[(?P<kind>input|output|temp)\]$")


def get_input_directory() -> str:
    """The folder of what people load."""
    places = current().files.places(INPUT)
    return str(places[0] if places else current().home.path / "input")


def get_output_directory() -> str:
    """The folder of results."""
    return str(current().output.path)


def get_temp_directory() -> str:
    """The folder of previews."""
    return str(current().output.temp)


def get_user_directory() -> str:
    """The folder of what a person has set."""
    return str(current().home.path / "user")


def get_directory_by_type(type_name: str) -> str | None:
    """The folder of "input", "output" or "temp"; None for anything else."""
    by_type = {"input": get_input_directory, "output": get_output_directory, "temp": get_temp_directory}
    return by_type[type_name]() if type_name in by_type else None


def get_input_subfolders() -> list[str]:
    """The folders below the input folder, relative to it."""
    root = get_input_directory()
    return sorted(os.path.relpath(folder, root) for folder, _, _ in os.walk(root) if folder != root)


def map_legacy(folder_name: str) -> str:
    """The name of today for a kind of files: "unet" is "diffusion_models"."""
    return OTHER_NAMES.get(folder_name, folder_name)


def add_model_folder_path(folder_name: str, full_folder_path: str, is_default: bool = False) -> None:
    """Add a folder to a kind of files, which may be a new kind. is_default: it is looked at first."""
    name = map_legacy(folder_name)
    shelves = current().home.shelves
    if name not in shelves:
        shelves[name] = ([], set())
    folders = shelves[name][0]
    if full_folder_path in folders:
        folders.remove(full_folder_path)
    folders.insert(0 if is_default else len(folders), full_folder_path)


def get_folder_paths(folder_name: str) -> list[str]:
    """The folders of a kind of files, those of ours first. Raises KeyError for a kind that nobody knows."""
    name = map_legacy(folder_name)
    ours = [str(place) for place in current().files.places(name)] if name in LAYOUTS else []
    return [*ours, *(folder for folder in current().home.shelves.added(name) if folder not in ours)]


def get_filename_list(folder_name: str) -> list[str]:
    """The names of the files of a kind, relative to its folders, with "/". Raises KeyError for an unknown kind."""
    name = map_legacy(folder_name)
    folders, endings = current().home.shelves.added(name), current().home.shelves[name][1]
    ours = _offered(name) if name in LAYOUTS else []
    added = [item for folder in folders for item in filter_files_extensions(recursive_search(folder)[0], endings)]
    names = tuple(sorted({*ours, *added}, key=lambda item: (item.casefold(), item)))
    # A kind of ours to which a pack has added files is a list like any other: only the pack would find them.
    return list(names) if name in LAYOUTS and added else FileNames(names, name)


def get_full_path(folder_name: str, filename: str) -> str | None:
    """Where a file of a kind is; None if there is none of that name. Raises KeyError for an unknown kind."""
    name = map_legacy(folder_name)
    if name in LAYOUTS:
        with suppress(FileMissing):
            return str(current().files.locate(name, filename).path)
    relative = os.path.relpath(os.path.join("/", filename.replace("\\", "/")), "/")
    for folder in current().home.shelves.added(name):
        path = os.path.join(folder, relative)
        if os.path.isfile(path):
            return path
    return None


def get_full_path_or_raise(folder_name: str, filename: str) -> str:
    """Where a file of a kind is. Raises FileNotFoundError if there is none of that name."""
    path = get_full_path(folder_name, filename)
    if path is None:
        raise FileNotFoundError(f"There is no file '{filename}' of the kind '{folder_name}'.")
    return path


def annotated_filepath(name: str) -> tuple[str, str | None]:
    """ "x.png [output]" → ("x.png", the output folder); (name, None) without a mark."""
    found = _ANNOTATION.match(name)
    return (found["name"].rstrip(), get_directory_by_type(found["kind"])) if found else (name, None)


def get_annotated_filepath(name: str, default_dir: str | None = None) -> str:
    """The path of a file in the input folder, or in the one that the mark behind its name says.

    Raises ValueError for a name that leads out of that folder.
    """
    inside, folder = annotated_filepath(name)
    root = os.path.abspath(folder or default_dir or get_input_directory())
    path = os.path.abspath(os.path.join(root, inside))
    if os.path.commonpath((root, path)) != root:
        raise ValueError(f"'{name}' leads out of the folder '{root}'.")
    return path


def exists_annotated_filepath(name: str) -> bool:
    """Whether there is such a file."""
    try:
        return os.path.exists(get_annotated_filepath(name))
    except ValueError:
        return False


def get_save_image_path(
    filename_prefix: str, output_dir: str, image_width: int = 0, image_height: int = 0
) -> tuple[str, str, int, str, str]:
    """Where to save under a prefix: folder, name, the next counter, the folder relative to `output_dir`, the prefix
    with its `%width%`, `%year%` … filled in. Raises GraphError for a prefix that leads out of `output_dir`.
    """
    prefix = filled(filename_prefix, image_width, image_height, datetime.now())
    subfolder, stem = os.path.split(os.path.normpath(prefix))
    root = os.path.abspath(output_dir)
    folder = os.path.abspath(os.path.join(root, subfolder))
    if os.path.commonpath((root, folder)) != root:
        raise GraphError(f"The file name prefix '{filename_prefix}' leads out of the folder '{root}'.")
    os.makedirs(folder, exist_ok=True)
    taken = re.compile(rf"{re.escape(stem)}_(\d+)_?\b.*", re.IGNORECASE)
    numbers = [int(found[1]) for name in os.listdir(folder) if (found := taken.match(name))]
    return folder, stem, max(numbers, default=0) + 1, subfolder, prefix


def filter_files_extensions(files: Iterable[str], extensions: Iterable[str]) -> list[str]:
    """The names with one of these endings, sorted; all of them where there are no endings, or ""."""
    endings = tuple(extensions)
    return sorted(name for name in files if not endings or name.lower().endswith(endings))


def filter_files_content_types(files: Iterable[str], content_types: Sequence[str]) -> list[str]:
    """The names of files of these kinds: "image", "video", "audio", "model"."""

    def kind(name: str) -> str:
        if name.lower().endswith((*WEIGHT_SUFFIXES, ".glb", ".gltf", ".obj", ".fbx")):
            return "model"
        return (mimetypes.guess_type(name, strict=False)[0] or "").partition("/")[0]

    return [name for name in files if kind(name) in content_types]


def recursive_search(
    directory: str, excluded_dir_names: Iterable[str] | None = None
) -> tuple[list[str], dict[str, float]]:
    """The files below a folder, relative to it, and its folders with their times of change."""
    if not os.path.isdir(directory):
        return [], {}
    excluded = set(excluded_dir_names or ())
    names: list[str] = []
    folders: dict[str, float] = {}
    for folder, below, files in os.walk(directory, followlinks=True):
        below[:] = [name for name in below if name not in excluded]
        folders[folder] = os.path.getmtime(folder)
        names += [Path(os.path.relpath(os.path.join(folder, name), directory)).as_posix() for name in files]
    return names, folders


def _offered(name: str) -> list[str]:
    names = current().files.choices(name)
    return [item for item in names if item.lower().endswith(WEIGHT_SUFFIXES)] if name in MODEL_FOLDERS else list(names)


def __getattr__(name: str) -> Any:
    """What depends on the home: `models_dir`, `base_path`, `folder_names_and_paths` and the folders by name."""
    if name in _DIRECTORIES:
        return globals()[f"get_{name}"]()
    if name == "models_dir":
        return str(current().home.path / "models")
    if name == "base_path":
        return str(current().home.path)
    if name == "folder_names_and_paths":
        return current().home.shelves
    return lacking_attribute("folder_paths", name)
