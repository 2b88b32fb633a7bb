"""Keeps a broken torchvision from breaking everything else. Loads no torch unless torchvision is installed.

transformers takes torchvision for usable as soon as it is installed. Where its published build stands beside another
build of torch, importing it raises, and with it every network module of diffusers and transformers. Hiding it lets them
import.
"""

import importlib.util
import logging
import sys

log = logging.getLogger(__name__)


def hide_broken_torchvision() -> bool:
    """Import torchvision if it is installed; if that fails, make it look absent. Returns whether it was hidden.

    To be called before the first import of transformers or diffusers.
    """
    if "torchvision" in sys.modules:
        return sys.modules["torchvision"] is None
    if importlib.util.find_spec("torchvision") is None:
        return False
    try:
        importlib.import_module("torchvision")
    except Exception as error:  # noqa: BLE001 — whatever a broken build raises
        for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
            del sys.modules[name]
        sys.modules["torchvision"] = None  # pyright: ignore[reportArgumentType] — Python's way to say "cannot be imported"
        log.warning("The installed torchvision does not work with this torch and is left out: %s", error)
        return True
    return False
