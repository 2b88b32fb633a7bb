"""What a folder of another program is, and where its models, workflows, pictures and packs lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from diffusion.names import WEIGHT_SUFFIXES
from graph.errors import GraphError
from graph.folders import MODEL_INDEX
from graph.layouts import EXTRA_PATHS, LAYOUTS, extra_paths_of, folders_below, read_extra_paths
from graph.text import listing
from noisewright.adopting.walking import is_folder

Program = Literal["ComfyUI", "A1111", "Forge", "models", "model paths"]
"""What a path leads to; "models": a folder of models alone; "model paths": an `extra_model_paths.yaml`."""

TITLES: Mapping[Program, str] = {
    "ComfyUI": "an installation of ComfyUI",
    "A1111": "an installation of A1111's web UI",
    "Forge": "an installation of Forge",
    "models": "a folder of models",
    "model paths": "a file of model paths",
}

INNER = ("", "ComfyUI", "webui")
"""Where an installation lies below the folder that is named: portable ones are packed into another folder."""

FORGE = ("modules_forge", "ldm_patched", "packages_3rdparty")
"""Folders that Forge has and A1111 has not."""

NO_MODELS = frozenset({"custom_nodes", "configs"})
"""Kinds in files of model paths that hold no models."""

SAVED_MODELS = ("checkpoints", "clip", "vae", "diffusion_models", "loras")
"""Folders below `output` where ComfyUI saves models, and looks for them."""

LOOKED_FOR = (
    "Looked for: an installation of ComfyUI ('models' beside 'comfy' or 'custom_nodes', also inside 'ComfyUI'), of "
    "A1111 or Forge ('models' beside 'modules' and 'webui.py' or 'launch.py', also inside 'webui'), a folder of models "
    f"('checkpoints', 'loras', 'Stable-diffusion' and such in it, or files of weights), and an {EXTRA_PATHS}."
)


@dataclass(frozen=True)
class Installation:
    """Where things lie. Folders that are named here exist.

    path: what was found; for a portable installation the folder inside. roots: folders that `--models` takes.
    workflows: files of the editor. pictures: what it made. input: pictures that workflows load. packs: folders of
    packs. problems: what could not be read or is not there, a sentence each.
    """

    program: Program
    path: Path
    roots: tuple[Path, ...]
    workflows: tuple[Path, ...] = ()
    pictures: tuple[Path, ...] = ()
    input: tuple[Path, ...] = ()
    packs: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


def find_installation(path: Path) -> Installation:
    """What lies at a path. Raises GraphError, saying what was looked for, where it is nothing of that kind."""
    place = path.expanduser().absolute()
    if extra_paths_of(place) == place:
        extra = read_extra_paths(place)
        problems: list[str] = []
        roots = roots_of(extra, problems)
        if not roots and not extra.get("custom_nodes"):
            raise GraphError(f"'{place}' names no folder of models that exists. {LOOKED_FOR}")
        return Installation(
            "model paths", place, roots, packs=_there(*extra.get("custom_nodes", ())), problems=tuple(problems)
        )
    if not place.exists():
        raise GraphError(f"There is nothing at '{place}'. {LOOKED_FOR}")
    if (place / MODEL_INDEX).is_file():
        raise GraphError(f"'{place}' is one model in diffusers' layout. Name the folder that holds it. {LOOKED_FOR}")
    for inside in INNER:
        root = place / inside
        program = _program(root)
        if program == "ComfyUI":
            return _comfyui(root)
        if program is not None:
            return _web_ui(program, root)
    if is_folder(place) and (is_laid_out(place) or _has_weights(place)):
        return Installation("models", place, (place,))
    raise GraphError(f"'{place}' is neither ComfyUI nor A1111 nor Forge, and holds no models. {LOOKED_FOR}")


def is_laid_out(root: Path) -> bool:
    """Whether a folder of models has folders for kinds of them; else its files may be of any kind."""
    return any(is_folder(place) for kind in LAYOUTS for place in folders_below(root, kind))


def roots_of(extra: Mapping[str, tuple[Path, ...]], problems: list[str]) -> tuple[Path, ...]:
    """The folders of models that stand for the paths of an `extra_model_paths.yaml`.

    A path that ends as we know its kind stands for the folder above, any other for itself.
    """
    roots: dict[Path, None] = {}
    missing: dict[Path, None] = {}
    for kind, folders in extra.items():
        if kind in NO_MODELS:
            continue
        for folder in folders:
            if is_folder(folder):
                roots[folder.parent if folder.name in LAYOUTS.get(kind, (kind,)) else folder] = None
            else:
                missing[folder] = None
    if missing:
        problems.append(f"{EXTRA_PATHS} names folders that are not there: {listing(map(str, missing))}.")
    return tuple(root for root in roots if root.name != "models" or root.parent not in roots)


def _program(root: Path) -> Program | None:
    if not is_folder(root / "models"):
        return None
    if is_folder(root / "modules") and any((root / name).is_file() for name in ("webui.py", "launch.py")):
        return "Forge" if any(is_folder(root / name) for name in FORGE) else "A1111"
    is_comfyui = (root / "folder_paths.py").is_file() or any(
        is_folder(root / name) for name in ("comfy", "custom_nodes")
    )
    return "ComfyUI" if is_comfyui else None


def _comfyui(root: Path) -> Installation:
    problems: list[str] = []
    own, extra = root, {}
    if file := extra_paths_of(root):
        try:
            extra = read_extra_paths(file)
        except GraphError as error:
            problems.append(str(error))
            own = root / "models"  # `--models` takes no folder with a file of model paths that cannot be read
    saved = [root / "output"] if _there(*(root / "output" / name for name in SAVED_MODELS)) else []
    roots = dict.fromkeys([own, *saved, *roots_of(extra, problems)])
    users = sorted((root / "user").glob("*/workflows")) if is_folder(root / "user") else []
    return Installation(
        "ComfyUI",
        root,
        tuple(folder for folder in roots if folder == own or folder != root / "models"),
        workflows=_there(*users, root / "workflows"),
        pictures=_there(root / "output"),
        input=_there(root / "input"),
        packs=_there(root / "custom_nodes", *extra.get("custom_nodes", ())),
        problems=tuple(problems),
    )


def _web_ui(program: Program, root: Path) -> Installation:
    return Installation(
        program, root, (root,), pictures=_there(root / "outputs", root / "output", root / "log" / "images")
    )


def _there(*folders: Path) -> tuple[Path, ...]:
    return tuple(folder for folder in dict.fromkeys(folders) if is_folder(folder))


def _has_weights(folder: Path) -> bool:
    return any(path.suffix.lower() in WEIGHT_SUFFIXES for path in folder.iterdir())
