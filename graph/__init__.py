"""The engine: node types, workflow documents, check → plan → run. Pure Python, knows nothing of pictures."""
