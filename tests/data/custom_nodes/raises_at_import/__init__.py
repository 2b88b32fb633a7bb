import os

raise RuntimeError("CUDA extension was built for another version")

NODE_CLASS_MAPPINGS = {}
