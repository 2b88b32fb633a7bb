"""The public names: what packs and notebooks import is exactly what `noisewright` lists."""

import noisewright
from graph.node import node_type_of


def test_every_listed_name_is_there_and_the_list_is_sorted():
    assert all(hasattr(noisewright, name) for name in noisewright.__all__)
    assert noisewright.__all__ == sorted(noisewright.__all__)


def test_a_node_declared_with_public_names_alone_is_a_node_type():
    from noisewright import Image, node

    @node("Twice", category="test")
    def twice(image: Image) -> Image:
        """Double a picture's values."""
        return Image(image.pixels * 2)

    declared = node_type_of(twice)
    assert declared is not None
    assert [item.type for item in declared.spec.inputs] == ["IMAGE"]
