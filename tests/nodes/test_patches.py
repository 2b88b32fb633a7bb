"""Nodes that patch the way through a network: they add an option to a model, and change nothing that is in memory."""

from dataclasses import replace
from typing import Any

import pytest

from diffusion.model_options import DeepShrink, FreeU, HyperTile, TokenMerging
from nodes.patches import (
    lunch_freely,
    lunch_freely_by_content,
    merge_tokens,
    shrink_deeply,
    tile_attention,
)
from tests.diffusion.fake_network import MODEL


@pytest.mark.parametrize(
    ("made", "option"),
    [
        (lunch_freely(MODEL), FreeU(1.1, 1.2, 0.9, 0.2)),
        (lunch_freely_by_content(MODEL), FreeU(1.3, 1.4, 0.9, 0.2, by_content=True)),
        (
            shrink_deeply(MODEL, 3, 2.0, 0.0, 0.35, True, "bicubic", "bislerp"),
            DeepShrink(3, 2.0, 0.0, 0.35, after_skip=True, down="bicubic", up="bislerp"),
        ),
        (tile_attention(MODEL), HyperTile(256, 2, 0, scaled=False)),
        (merge_tokens(MODEL), TokenMerging(0.3)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_node_adds_one_option(made: Any, option: object) -> None:
    assert made == replace(MODEL, options=(option,))
    assert MODEL.options == ()
