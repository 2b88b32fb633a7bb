"""What our documents keep of ComfyUI's files beside what they understand, and ids that fit ours."""

EXTRAS = "x-comfyui"
"""The key under which a node, or the document, keeps what our format has no place for.

Of a node: `id` (its id in their file, where ours differs), `outputs` (the names of its outputs by slot, for types that
are not known), `inputs` (constants that its type does not take), `widgets_values`, `properties`, `node` (other keys).
"""


def our_id(name: str) -> str:
    """An id as our documents can have it: `/` joins the ids of a path, so it may not stand in one."""
    return name.replace("/", "_") or "_"
