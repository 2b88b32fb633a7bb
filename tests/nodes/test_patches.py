"""Nodes that patch the way through a network: they add an option to a model, and change nothing that is in memory."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from diffusion.checkpoint import read_checkpoint
from diffusion.header import WeightFileError
from diffusion.model_options import DeepShrink, FreeU, Hypernetwork, HyperTile, TokenMerging
from diffusion.values import WeightFile
from graph.files import File
from nodes.patches import (
    load_hypernetwork,
    lunch_freely,
    lunch_freely_by_content,
    merge_tokens,
    shrink_deeply,
    tile_attention,
)
from tests.diffusion.fake_network import MODEL
from tests.diffusion.tiny import TEXT_WIDTH, write_tiny_checkpoint


def test_a_hypernetwork_is_named_after_it_was_looked_into(tmp_path: Path) -> None:
    model = read_checkpoint(write_tiny_checkpoint(tmp_path / "tiny.safetensors"), "x").model
    layer = {"linear.0.weight": torch.eye(TEXT_WIDTH), "linear.0.bias": torch.zeros(TEXT_WIDTH)}
    torch.save({TEXT_WIDTH: (layer, layer)}, tmp_path / "net.pt")
    made = load_hypernetwork(model, File("net.pt", tmp_path / "net.pt", "digest"), 0.4)
    assert made.options == (Hypernetwork(WeightFile(str((tmp_path / "net.pt").resolve()), "digest"), 0.4),)
    torch.save({24: (layer, layer)}, tmp_path / "other.pt")
    with pytest.raises(WeightFileError, match="damaged hypernetwork"):
        load_hypernetwork(model, File("other.pt", tmp_path / "other.pt", "digest"))


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
