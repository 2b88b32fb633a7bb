"""Saving: recipes become files that this and other programs load, with all that their patches change in them.

`layout`: which tensors such a file has. `facts`: what its metadata say. `files`: whole models and parts of them.
`writing`: safetensors, written one tensor after the other, so that never more than one is in memory.
"""
