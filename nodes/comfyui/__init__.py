"""Packs that were written for ComfyUI, as node types of ours.

`adapter.load_pack` imports one; `shims` holds the modules that such packs import, in our own words. A pack reaches them
by its own import hook (`imports`); `sys.modules` stays as it is for everybody else.
"""
