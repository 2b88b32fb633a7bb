"""`comfyui_version`: the release whose interface for packs is answered here."""

__version__ = "0.3.64"
