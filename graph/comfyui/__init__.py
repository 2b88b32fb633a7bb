"""ComfyUI's file formats, as pure data."""
