"""A1111's prompt syntax in ComfyUI's. The truth: the weight of every word by A1111's rules, worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion.text.prompt import parse
from graph.comfyui.emphasis import Network, Part, rewrite


def text_of(prompt: str) -> str:
    ((part,), networks, unmapped) = (rewrite(prompt).parts, rewrite(prompt).networks, rewrite(prompt).unmapped)
    assert (len(part.chunks), networks, unmapped) == (1, (), ())
    return part.chunks[0]


@pytest.mark.parametrize(
    "prompt", ["", "a cat", "a (cat:1.2), (dog)", "((a)), (b (c) :1.3)", r"a \(b\)", "a: b, c:1.2", "(a:1.2.3)", "x_y"]
)
def test_what_means_the_same_stays_as_it_is(prompt: str):
    assert text_of(prompt) == prompt


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("[a]", "(a:0.9091)"),
        ("[[a]] b", "(a:0.8264) b"),
        ("([a])", "a"),
        ("((a:1.2) b:1.5)", "(a:1.8) (b:1.5)"),
        ("(a", "(a:1.1)"),
        ("a (b [c", r"a (b:1.1) c"),
        ("a) b", r"a\) b"),
        (r"\[a\] [b]", "[a] (b:0.9091)"),
        (r"[a \(b\)]", r"(a \(b\):0.9091)"),
        ("[a, ]b", "(a,:0.9091) b"),
    ],
)
def test_weights(prompt: str, expected: str):
    assert text_of(prompt) == expected


def test_our_own_reader_gives_the_weights():
    weights = {
        piece.text.strip(): piece.weight for piece in parse(text_of("((a:1.2) b:1.5) [c] [[d]]")) if piece.text.strip()
    }
    assert weights == pytest.approx({"a": 1.8, "b": 1.5, "c": 1 / 1.1, "d": 1 / 1.21}, rel=1e-3)


def test_break_and_and():
    assert rewrite("a, BREAK (b BREAK c:1.2)").parts == (Part(("a,", "(b:1.2)", "(c:1.2)")),)
    assert rewrite("a AND b :0.5 AND (c:2)").parts == (Part(("a",)), Part(("b",), 0.5), Part(("(c:2)",)))
    assert rewrite("BREAK AND ").parts == (Part(("",)),)
    assert rewrite("BREAKFAST ANDROID").parts == (Part(("BREAKFAST ANDROID",)),)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [("[a:b:0.2]", "b"), ("[a:b:0.8]", "a"), ("[a::0.8]", "a"), ("[a:0.2]", "a"), ("[a:0.8]", ""), ("[a|b|c]", "a"),
     ("[a:b:15]", "a"), ("[(a:1.5):b:0.9]", "(a:1.5)"), ("[[a|b]:c:0.9]", "a")],
)  # fmt: skip
def test_words_that_change_while_sampling_are_listed(prompt: str, expected: str):
    found = rewrite(prompt, steps=20)
    assert found.parts[0].chunks == (expected,)
    assert found.unmapped[0][0].startswith("[")


def test_loras():
    found = rewrite("<lora:x:0.5> a, <lora:y:1:0.3>,<lora:z> <lora:q:te=0.4:unet=1> <hypernet:h:1> <lora:bad:zz>")
    assert found.networks == (
        Network("x", 0.5, 0.5),
        Network("y", 0.3, 1.0),
        Network("z", 1.0, 1.0),
        Network("q", 1.0, 0.4),
    )
    assert [words for words, _ in found.unmapped] == ["<hypernet:h:1>", "<lora:bad:zz>"]
    assert found.parts[0].chunks == ("a, ,",)


def test_embeddings_are_marked():
    found = rewrite(
        "(easynegative:1.2), bad-hands, not-easynegative, embedding:easynegative", ["easynegative", "bad-hands"]
    )
    marked = "(embedding:easynegative:1.2), embedding:bad-hands, not-easynegative, embedding:easynegative"
    assert found.parts[0].chunks == (marked,)


@given(st.text(alphabet="ab()[]:|\\ .1<>lora,"))
def test_any_text_can_be_rewritten(prompt: str):
    for part in rewrite(prompt).parts:
        for chunk in part.chunks:
            parse(chunk)


@pytest.mark.parametrize("piece", ["(", "[", "(a:1.2", "[a|", ")", "BREAK ", "AND ", "[a:", "<lora:", "\\", "((a))[b]"])
def test_long_texts_end(piece: str):
    rewrite(piece * 20_000)
