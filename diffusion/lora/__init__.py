"""LoRA: small files that change the weights of a model. They are values beside the model's recipe, not copies of it.

`patch`: what stands in a recipe. `file`, `names`: what such files hold. `targets`, `fitting`: what of it fits a model.
`kinds`: the formulas. `stack`, `beside`, `clone`: several of them over weights that stay as they are. Loads no torch.
"""
