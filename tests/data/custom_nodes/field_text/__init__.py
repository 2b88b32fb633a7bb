"""A pack that finds its own modules by listing a folder, and its classes by looking into them."""

import importlib.util
import inspect
from pathlib import Path

NODE_CLASS_MAPPINGS = {}
NODE_DISPLAY_NAME_MAPPINGS = {}


def load_nodes():
    for path in sorted(Path(__file__).parent.glob("nodes/*.py")):
        if path.name == "__init__.py":
            continue
        spec = importlib.util.spec_from_file_location(f"{__name__}.nodes.{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if hasattr(cls, "FUNCTION") and cls.__module__ == module.__name__:
                NODE_CLASS_MAPPINGS[name] = cls
                NODE_DISPLAY_NAME_MAPPINGS[name] = getattr(cls, "TITLE", name)


load_nodes()
