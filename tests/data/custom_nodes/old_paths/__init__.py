import importlib
import importlib.util
import glob
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "comfy"))
sys.path.append(here)
sys.path.append(os.path.join(here, "lib"))

import helper_of_old_paths
from helper_of_old_paths import double
import folder_paths
import nodes
import custom_nodes.old_paths.lib.helper_of_old_paths as again

NODE_CLASS_MAPPINGS = {}

for file in sorted(glob.glob(os.path.join(here, "modules", "*.py"))):
    name = os.path.splitext(os.path.basename(file))[0]
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    NODE_CLASS_MAPPINGS.update(module.NODE_CLASS_MAPPINGS)

other = importlib.import_module(".lib.more", package=__name__)
NODE_CLASS_MAPPINGS.update(other.NODE_CLASS_MAPPINGS)
assert importlib.import_module("folder_paths") is folder_paths
assert again is helper_of_old_paths and double(2) == 4
folder_paths.add_model_folder_path("old_things", os.path.join(here, "things"))
folder_paths.folder_names_and_paths["more_things"] = ([os.path.join(here, "things")], {".bin"})
nodes.NODE_CLASS_MAPPINGS["FromOldPaths"] = object
sys.modules["graph"] = None
