"""A pack of schema nodes that steer: lazy, lists, graphs, stops, types of their own."""

from .nodes import comfy_entrypoint

__all__ = ["comfy_entrypoint"]
