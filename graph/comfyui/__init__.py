"""ComfyUI's file formats and ours, as data."""
