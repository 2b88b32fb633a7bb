"""The modules that packs for ComfyUI import, under their names: thin, and made of our own parts.

Only packs reach them, by their import hook: `import nodes` in a pack is `nodes.comfyui.shims.nodes`, and ours
everywhere else. What one of them lacks is an error that names it.
"""
