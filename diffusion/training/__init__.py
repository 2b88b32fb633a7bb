"""Training of the bundled models: data, losses, loop, resumable state and export as functions.

The recipe of *sprout* is `diffusion.training.sprout` (`python -m diffusion.training.sprout`); the pieces it is made of
stand in the other modules and know nothing of it.
"""
