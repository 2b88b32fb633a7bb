"""`comfy_api`: the interface that packs of schema nodes are written to, by version. All versions are one here."""
