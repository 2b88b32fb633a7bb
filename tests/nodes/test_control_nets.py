"""Control nodes: files are named, networks are told their task, conditionings are steered."""

from pathlib import Path

import pytest
import torch

from diffusion.header import WeightFileError
from diffusion.values import Conditioning, ConditioningEntry, ControlNet, Image, Model, WeightFile
from graph.files import File
from graph.node import node_type_of
from nodes.control_nets import (
    apply_control,
    apply_control_to_both,
    load_control_net,
    load_differences,
    set_task,
)  # fmt: skip
from tests.diffusion.tiny import tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_control import tiny_adapter, tiny_control, tiny_union, write, write_original
from tests.diffusion.tiny_families import tiny_sdxl

NET = ControlNet("controlnet", WeightFile("/models/net.safetensors", "net"))
IMAGE = Image(torch.rand(2, 16, 16, 3, generator=torch.Generator().manual_seed(0)))
POSITIVE, NEGATIVE = (Conditioning((ConditioningEntry(torch.full((1, 2, 3), mood)),)) for mood in (1.0, -1.0))


def named(path: Path) -> File:
    return File(path.name, path, path.stem)


def test_a_file_is_named_for_what_it_is(tmp_path):
    files = {
        "controlnet": write_original(tiny_control(tiny_unet()), tmp_path / "net.safetensors", heads=8),
        "union": write(tiny_union(tiny_sdxl().unet), tmp_path / "union.safetensors"),
        "adapter": write(tiny_adapter("full_adapter", [32, 64]), tmp_path / "adapter.safetensors"),
    }
    for kind, path in files.items():
        found = load_control_net(named(path))
        assert (found.kind, found.file.digest, found.file.path) == (kind, path.stem, str(path))
    spec = node_type_of(load_control_net).spec
    assert (spec.lane, spec.inputs[0].source) == ("cpu", "controlnet")
    union = set_task(load_control_net(named(files["union"])), "depth")
    assert (union.task, set_task(union, "auto").task) == (1, None)


def test_a_file_that_holds_no_differences_needs_no_model(tmp_path):
    path = write_original(tiny_control(tiny_unet()), tmp_path / "net.safetensors", heads=8)
    model = Model("sd1", WeightFile("/models/model.safetensors", "model"))
    assert load_differences(model, named(path)) == load_control_net(named(path))


def test_a_checkpoint_is_refused(tmp_path):
    path = write_tiny_checkpoint(tmp_path / "whole.safetensors", in_channels=9)
    with pytest.raises(
        WeightFileError, match=r"'whole.safetensors' is no ControlNet and no T2I-Adapter: it looks like"
    ):
        load_control_net(named(path))


def test_strength_0_leaves_conditionings_as_they_are():
    assert apply_control(POSITIVE, NET, IMAGE, 0.0) is POSITIVE
    both = apply_control_to_both(POSITIVE, NEGATIVE, NET, IMAGE, 0.0, 0.0, 1.0)
    assert both.positive is POSITIVE
    assert both.negative is NEGATIVE


def test_both_sides_are_steered_and_several_in_a_row_are_kept():
    once = apply_control_to_both(POSITIVE, NEGATIVE, NET, IMAGE, 0.5, 0.1, 0.9)
    twice = apply_control_to_both(*once, NET, Image(1 - IMAGE.pixels), 0.25, 0.0, 1.0)
    for side, given in zip(twice, (POSITIVE, NEGATIVE), strict=True):
        (entry,) = side.entries
        assert [(each.strength, each.start, each.end, each.is_shared) for each in entry.controls] == [
            (0.5, 0.1, 0.9, False),
            (0.25, 0.0, 1.0, False),
        ]
        assert torch.equal(entry.controls[0].picture, IMAGE.pixels.movedim(-1, 1))
        assert entry.tokens is given.entries[0].tokens
        assert given.entries[0].controls == ()


def test_the_old_node_steers_what_guides_the_other_way_too():
    ((entry,),) = (apply_control(POSITIVE, NET, IMAGE, 0.5).entries,)
    assert [(each.strength, each.is_shared) for each in entry.controls] == [(0.5, True)]
