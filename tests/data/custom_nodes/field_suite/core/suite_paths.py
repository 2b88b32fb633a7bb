import os

import folder_paths


def root():
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def presets():
    return os.path.join(folder_paths.base_path, "custom_nodes", os.path.basename(root()), "core", "presets.json")
