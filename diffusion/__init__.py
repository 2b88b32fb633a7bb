"""Latent diffusion as a library: values, schedules, samplers, guidance, families, checkpoints.

Knows nothing of graphs, servers or editors. Importing this package, `diffusion.values` and `diffusion.names` loads no
torch.
"""
