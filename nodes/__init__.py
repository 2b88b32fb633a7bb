"""The built-in node types, one module per category. Importing them loads no torch."""

MODULES: tuple[str, ...] = (
    "nodes.loaders",
    "nodes.conditioning",
    "nodes.latent",
    "nodes.sampling",
    "nodes.vae",
    "nodes.image",
    "nodes.mask",
    "nodes.primitive",
    "nodes.numbers",
    "nodes.text",
    "nodes.lists",
    "nodes.control",
    "nodes.loops",
)
