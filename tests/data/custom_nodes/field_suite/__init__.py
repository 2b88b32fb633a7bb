"""A suite of small tools, laid out as large packs are: sub-packages, mappings merged from modules found by name."""

import importlib
import logging
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "core"))

import suite_paths  # noqa: E402 — found by the path above

from .py import merge_mappings  # noqa: E402

logger = logging.getLogger(__name__)

NODE_CLASS_MAPPINGS = {}
NODE_DISPLAY_NAME_MAPPINGS = {}

for name in ("image.colour", "image.files", "counters", "optional_extra"):
    try:
        module = importlib.import_module(f".py.{name}", package=__name__)
        merge_mappings(NODE_CLASS_MAPPINGS, module.NODE_CLASS_MAPPINGS)
        merge_mappings(NODE_DISPLAY_NAME_MAPPINGS, getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", {}))
    except ImportError as error:
        logger.warning("%s is left out: %s", name, error)

WEB_DIRECTORY = "./web"
ROOT = suite_paths.root()
print("\033[34m[field suite]\033[0m loaded", len(NODE_CLASS_MAPPINGS), "nodes")

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]
