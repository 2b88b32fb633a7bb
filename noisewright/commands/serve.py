"""`serve`: queue, workers, HTTP. The process itself loads neither torch nor node types."""

import argparse
import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from diffusion.names import MODEL_FOLDERS, WEIGHT_SUFFIXES
from graph.layouts import check_roots
from noisewright import __version__
from noisewright.home import Home
from server.places import Places
from server.settings import Settings, flag_of, read_settings

if TYPE_CHECKING:
    from server.core import Core
    from server.worker import LocalWorker

FIELDS = Settings.model_fields

METAVARS = {"Path": "PATH", "int": "N", "float": "N"}
"""By a part of the name of a type."""


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command, with an option for each setting."""
    command = commands.add_parser(
        "serve",
        help="run workflows for clients: a durable queue, workers, HTTP and websockets",
        usage="%(prog)s [options]",
        description="Every option can also stand in the home's settings.toml (base_path for --base-path), or in the "
        "environment (NOISEWRIGHT_BASE_PATH). Flags go before the environment, that before the file.",
    )
    for name, field in FIELDS.items():
        flag, help_ = flag_of(name), f"{field.description}{_default(field.default)}"
        if field.annotation is bool and name.startswith("no_"):
            command.add_argument(flag, action="store_const", const=True, help=help_)
        elif field.annotation in (bool, bool | None):
            command.add_argument(flag, action=argparse.BooleanOptionalAction, help=help_)
        elif get_origin(field.annotation) is tuple:
            command.add_argument(flag, action="append", metavar=_metavar(field), help=f"{help_}; may be repeated")
        elif get_origin(field.annotation) is Literal:
            command.add_argument(flag, choices=[word for word in get_args(field.annotation) if word], help=help_)
        else:
            command.add_argument(flag, metavar=_metavar(field), help=help_)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Serve until told to end. The address goes to stdout as soon as the socket answers."""
    flags = {name: _value(getattr(arguments, name)) for name in FIELDS}
    settings = read_settings(flags, home.data / "settings.toml")
    check_roots(settings.models, settings.origin("models"))
    import webbrowser

    from noisewright.prompt_length import prompt_length
    from server.serving import serve

    places = places_of(home, settings)
    is_first = not places.database.exists()

    def told(core: "Core", address: str) -> None:
        _told(core, address)
        if page := page_to_open(settings, address, is_first=is_first):
            threading.Thread(target=webbrowser.open, args=(page,), name="opening", daemon=True).start()

    troubles = logging.StreamHandler(sys.stderr)
    troubles.setLevel(logging.ERROR)
    logging.getLogger("server.crew").addHandler(troubles)  # a device that cannot be used: nothing else would tell of it
    measure = partial(prompt_length, files=places.folders())
    asyncio.run(serve(settings, places, __version__, hiring(home, settings), measure, told))
    return 0


def page_to_open(settings: Settings, address: str, *, is_first: bool) -> str:
    """The page to open in a browser once the server answers; "" where none is to be opened.

    is_first: whether nothing was ever served from this home. Unless the person says `--open` or `--no-open`, that is
    the one time, and only where somebody sits at the terminal of a desktop.
    """
    from server.pages import is_built

    if settings.open is None:
        is_wanted = is_first and settings.is_loopback and not settings.frontend and is_built() and is_at_desk()
    else:
        is_wanted = settings.open
    if not is_wanted:
        return ""
    here = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    return f"{here}/start" if is_first and not settings.frontend else f"{here}/"


def is_at_desk(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a person seems to sit before this process, at a machine that shows windows."""
    if environment.get("CI") or environment.get("SSH_CONNECTION"):
        return False
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    shows = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform in ("win32", "darwin") or any(environment.get(name) for name in shows)


def places_of(home: Home, settings: Settings) -> Places:
    """Where things lie for a server of this home."""
    return Places(
        data=home.data,
        models=(*(folder.expanduser().absolute() for folder in settings.models), home.models, home.bundled / "models"),
        own_models=home.models,
        input=home.input,
        output=(settings.output or home.output).expanduser().absolute(),
        temp=home.temp,
        templates=home.templates,
        cache=home.cache,
        logs=home.logs,
        packs=(home.packs, home.custom_nodes),
        model_folders=MODEL_FOLDERS,
        suffixes=WEIGHT_SUFFIXES,
    )


def hiring(home: Home, settings: Settings) -> "Callable[[str, str], LocalWorker]":
    """Makes workers: processes of this program, each for one device."""
    from server.worker import LocalWorker

    passed = {"precision", "memory", "idle_unload", "compile", "guard", "time_limit", "metadata"}
    options = settings.model_dump(mode="json", include=passed)
    options |= {
        "models": [str(folder.expanduser().absolute()) for folder in settings.models],
        "output": str(settings.output.expanduser().absolute()) if settings.output is not None else None,
    }
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))

    def hire(name: str, device: str) -> LocalWorker:
        command = [sys.executable, "-m", "noisewright", "worker", "--data", str(home.data)]
        return LocalWorker(name, device, command, options | {"device": device}, {"PYTHONPATH": paths})

    return hire


def _default(value: Any) -> str:
    """What is said in the help of a default that is not nothing."""
    words = value if isinstance(value, tuple) else (value,)
    said = ", ".join(f"{word:g}" if isinstance(word, float) else str(word) for word in words)
    return "" if value in (None, "", (), True, False) else f" (default: {said})"


def _metavar(field: FieldInfo) -> str:
    """What stands for a value in the help."""
    said = str(field.annotation)
    return next((word for kind, word in METAVARS.items() if kind in said), "TEXT")


def _value(given: Any) -> Any:
    """What a flag says; of one that may be repeated, all of it."""
    if isinstance(given, list):
        return tuple(part.strip() for word in given for part in word.split(",") if part.strip())
    return given


def _told(core: "Core", address: str) -> None:
    from server.pages import is_built

    print(address, flush=True)
    print(f"Noisewright {core.version} serves {core.places.data}. Ctrl-C ends it.", file=sys.stderr)
    if core.settings.frontend:
        print(
            "ComfyUI's browser application is shown there. It needs a looser content policy: its pages may run scripts "
            "that are inline or made as they run. Without --frontend none may.",
            file=sys.stderr,
        )
    elif not is_built():
        print(
            "The browser editor has not been built: its address says how to get it. Programs are served.",
            file=sys.stderr,
        )
    for note in core.access.notes:
        print(note, file=sys.stderr)
    if core.access.shown:
        print(f"The token, shown this once: {core.access.shown}", file=sys.stderr)
    sys.stderr.flush()
