"""Merging nodes mix recipes."""

from pathlib import Path

import pytest

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.header import WeightFileError
from diffusion.merging.patch import AttentionScale, MergePatch, Share
from diffusion.values import Model, TextEncoder
from graph.catalogue import Catalogue
from graph.check import check
from graph.document import Link, Node, Workflow
from graph.node import node_type_of
from nodes import merging
from nodes.merging import SD_BLOCKS, SDXL_BLOCKS
from tests.diffusion.tiny import write_tiny_checkpoint
from tests.diffusion.tiny_families import tiny_sdxl


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


def only(recipe: Model | TextEncoder) -> MergePatch:
    (patch,) = recipe.patches
    assert isinstance(patch, MergePatch)
    return patch


def test_shares_of_both_sides(parts):
    for merge, add, subtract, one in [
        (merging.merge_models, merging.add_models, merging.subtract_models, parts.model),
        (merging.merge_text_encoders, merging.add_text_encoders, merging.subtract_text_encoders, parts.text_encoder),
    ]:
        assert only(merge(one, one, 0.25)).shares == (Share("", 0.25, 0.75),)
        assert only(add(one, one)).shares == (Share("", 1.0, 1.0),)
        assert only(subtract(one, one, -2.0)).shares == (Share("", -2.0, 2.0),)
        assert only(add(one, one)).other is one


def test_stages_and_blocks(parts):
    shares = only(merging.merge_stages(parts.model, parts.model, 0.1, 0.5, 0.75)).shares
    assert [(share.stem, share.keep) for share in shares] == [("", 0.1), ("input", 0.1), ("middle", 0.5), ("out", 0.75)]
    ratios = {name: number / 100 for number, name in enumerate(SD_BLOCKS)}
    for merge in (merging.merge_sd1, merging.merge_sd2, merging.merge_sdxl):
        shares = only(merge(parts.model, parts.model, **ratios)).shares
        assert {share.stem: share.keep for share in shares[1:]} == ratios


def test_blocks_are_inputs_with_names_of_files():
    for function, names in [
        (merging.merge_sd1, SD_BLOCKS),
        (merging.merge_sd2, SD_BLOCKS),
        (merging.merge_sdxl, SDXL_BLOCKS),
    ]:
        kind = node_type_of(function)
        assert kind is not None
        assert [item.name for item in kind.spec.inputs] == ["model1", "model2", *names]
        assert {(item.default, item.minimum, item.maximum) for item in kind.spec.inputs[2:]} == {(1.0, 0.0, 1.0)}


def test_settings_of_blocks_are_checked_by_those_names():
    inputs = {"model1": Link("a", "MODEL"), "model2": Link("a", "MODEL"), "input_blocks.1.": 2.0, "out.": 0.5}
    nodes = {"a": Node("CheckpointLoaderSimple", {"ckpt_name": "a"}), "m": Node("ModelMergeSD1", inputs)}
    save = Node("ModelSave", {"model": Link("m", "MODEL")})
    (problem,) = check(
        Workflow({**nodes, "save": save}), Catalogue.of(["nodes.loaders", "nodes.merging", "nodes.saving"])
    )
    assert (problem.node, problem.input) == ("m", "input_blocks.1.")
    assert "1.0" in problem.message


def test_attention_is_scaled(parts):
    assert merging.scale_self_attention(parts.model, 1, 2, 3, 4).patches == (AttentionScale("self", 1, 2, 3, 4),)
    assert merging.scale_cross_attention(parts.model, 1, 2, 3, 4).patches == (AttentionScale("cross", 1, 2, 3, 4),)
    assert merging.scale_text_attention(parts.text_encoder, 1, 2, 3, 4).patches == (AttentionScale("self", 1, 2, 3, 4),)
    assert merging.scale_self_attention(parts.model, 1, 1, 1, 1) is parts.model


def test_families_do_not_mix(parts, tmp_path: Path):
    other = read_checkpoint(tiny_sdxl().write(tmp_path / "xl.safetensors"), "y")
    with pytest.raises(WeightFileError, match=r"'tiny.safetensors' is of the family Stable Diffusion 1, 'xl.safetenso"):
        merging.merge_models(parts.model, other.model, 0.5)
