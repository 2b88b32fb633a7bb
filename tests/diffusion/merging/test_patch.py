"""Merges are values: what is the same is known by content, wherever the files lie."""

from dataclasses import replace

import pytest

from diffusion.codecs import register
from diffusion.lora.patch import LoraPatch
from diffusion.merging.patch import AttentionScale, MergePatch, Share, content_of, settled
from diffusion.values import Model, WeightFile
from graph.codec import Codecs

MODEL = Model("sd1", WeightFile("/a.safetensors", "a"))
OTHER = Model("sd1", WeightFile("/b.safetensors", "b"), (LoraPatch(WeightFile("/c.safetensors", "c"), 0.5),))
MERGE = MergePatch(OTHER, (Share("", 0.5, 0.5),))
SCALE = AttentionScale("self", 1.0, 2.0, 1.0, 1.0)
LORA = LoraPatch(WeightFile("/l.safetensors", "l"), 1.0)


def other(file: WeightFile = OTHER.file, patches: tuple[object, ...] = OTHER.patches) -> MergePatch:
    return replace(MERGE, other=Model("sd1", file, patches))


def test_content_tells_all_that_makes_a_difference():
    elsewhere = other(file=WeightFile("/elsewhere.safetensors", "b"))
    assert content_of((elsewhere,)) == content_of((MERGE,))
    changed = [
        (),
        (SCALE,),
        (MERGE, SCALE),
        (SCALE, MERGE),
        (replace(MERGE, shares=(Share("", 0.5, 0.4),)),),
        (other(patches=()),),
        (other(patches=(LoraPatch(WeightFile("/c.safetensors", "c"), 0.6),)),),
        (other(file=WeightFile("/b.safetensors", "x")),),
        (other(file=WeightFile("/b.safetensors", "b", rounding="fp8_e5m2")),),
        (other(patches=(MERGE,)),),
    ]
    contents = [content_of((MERGE,)), *(content_of(patches) for patches in changed)]
    assert len(set(contents)) == len(contents)


def test_digests_of_recipes_take_both_sides_in():
    codecs = Codecs()
    register(codecs)
    recipes = [replace(MODEL, patches=patches) for patches in [(MERGE,), (other(patches=()),), (SCALE,), ()]]
    digests = [codecs.digest(recipe) for recipe in recipes]
    assert None not in digests
    assert len(set(digests)) == len(digests)
    elsewhere = other(file=WeightFile("/elsewhere.safetensors", "b"))
    assert codecs.digest(replace(MODEL, patches=(elsewhere,))) == digests[0]


def test_what_comes_last_as_lora_lies_beside():
    assert settled(()) == settled((LORA, LORA)) == ()
    assert settled((LORA, MERGE, LORA)) == (LORA, MERGE)
    assert settled((MERGE, LORA, SCALE)) == (MERGE, LORA, SCALE)


def test_another_class_is_no_patch():
    with pytest.raises(TypeError, match=r"A int is no patch of weights\."):
        content_of((3,))
