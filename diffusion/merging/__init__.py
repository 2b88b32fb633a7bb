"""Merging: models mixed with others, as values beside their recipes. No weights are read before something computes.

`patch`: what stands in a recipe. `mixing`: recipes that mix two. `applying`: the weights that come of it, one tensor
after the other, so that never more than one model is in memory. Loads no torch.
"""
