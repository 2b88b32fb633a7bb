"""Lending: once in memory however often lent, evicted only outside the `with`, repeated where half precision fails."""

import gc
import re
import shutil
import threading
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from diffusion import memory
from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.context import Context
from diffusion.header import WeightFileError
from diffusion.loading import load
from diffusion.memory import Weights
from diffusion.precision import UnavailableError
from diffusion.tensors import Residence
from diffusion.text.tokens import Chunk
from diffusion.values import Image
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


@pytest.fixture
def loads(monkeypatch) -> list[str]:
    """What is loaded, in order."""
    order: list[str] = []
    true = Weights._loaded

    def counted(self, component, precision):
        order.append(f"{component.part} {precision}")
        return true(self, component, precision)

    monkeypatch.setattr(memory.Weights, "_loaded", counted)
    return order


X, TIME, TOKENS = torch.ones(1, 4, 8, 8), torch.tensor([10.0]), torch.zeros(1, 77, TEXT_WIDTH)


def test_recipes_of_one_file_share_its_weights(parts, loads, tmp_path: Path):
    weights = Weights("cpu", "fp32")
    elsewhere = shutil.copy(parts.model.file.path, tmp_path / "other name.safetensors")
    copy = replace(parts.model, file=replace(parts.model.file, path=str(elsewhere)))
    with (
        weights.lend(parts.text_encoder) as whole,
        weights.lend(replace(parts.text_encoder, last_layer=-2)) as skipping,
    ):
        assert not torch.equal(whole.states([Chunk((320,), (1.0,))])[0], skipping.states([Chunk((320,), (1.0,))])[0])
    with weights.lend(parts.model), weights.lend(copy):
        pass
    assert loads == ["text_encoder fp32", "unet fp32"]


def test_the_least_recently_lent_leaves_first(parts, loads):
    sizes = {}
    for name in ("model", "text_encoder", "vae"):
        alone = Weights("cpu", "fp32")
        with alone.lend(getattr(parts, name)):
            sizes[name] = alone.bytes_held
    weights = Weights("cpu", "fp32", budget=sum(sizes.values()) - 1)
    loads.clear()
    for recipe in (parts.model, parts.text_encoder, parts.model, parts.vae, parts.model, parts.text_encoder):
        with weights.lend(recipe):
            assert weights.bytes_held <= weights.budget
    assert loads == ["unet fp32", "text_encoder fp32", "vae fp32", "text_encoder fp32"]


def test_what_is_borrowed_stays(parts, loads):
    weights = Weights("cpu", "fp32", budget=1)
    with weights.lend(parts.model) as network:
        with weights.lend(parts.vae), weights.lend(parts.model):
            pass
        weights.release()
        network(X, TIME, Context(TOKENS))
    assert loads == ["unet fp32", "vae fp32"]
    weights.release()
    assert weights.bytes_held == 0


def test_a_failure_gives_the_weights_back(parts):
    weights = Weights("cpu", "fp32")
    with pytest.raises(RuntimeError, match="in the middle"), weights.lend(parts.model):
        raise RuntimeError("in the middle")
    weights.release()
    assert weights.bytes_held == 0


def test_a_file_that_cannot_be_loaded_leaves_nothing_behind(parts, tmp_path: Path):
    weights = Weights("cpu", "fp32")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    broken = replace(parts.model, file=replace(parts.model.file, path=str(tmp_path / "empty.safetensors"), digest="y"))
    with pytest.raises(WeightFileError, match="it is empty"), weights.lend(broken):
        pass
    assert weights.bytes_held == 0


def test_threads_share_one_copy(parts, loads):
    weights = Weights("cpu", "fp32")
    answers = []

    def ask() -> None:
        with torch.inference_mode(), weights.lend(parts.model) as network:
            answers.append(network(X, TIME, Context(TOKENS)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == ["unet fp32"]
    assert all(torch.equal(answer, answers[0]) for answer in answers)


def test_an_overflow_is_repeated_wider_and_told(parts, loads, monkeypatch):
    notes: list[str] = []
    weights = Weights("cpu", "bf16", note=notes.append)
    true = load

    def overflowing(component, residence: Residence, *settle):
        module = true(component, residence, *settle)
        if residence.dtype == torch.bfloat16:
            module.conv_norm_out.weight.data.fill_(torch.inf)
        return module

    monkeypatch.setattr("diffusion.loading.load", overflowing)
    with weights.lend(parts.model) as network:
        answer = network(X, TIME, Context(TOKENS))
        assert torch.equal(answer, tiny_unet()(X, TIME, TOKENS).sample)
        assert torch.equal(network(X, TIME, Context(TOKENS)), answer)
    with weights.lend(parts.model) as network:
        assert torch.equal(network(X, TIME, Context(TOKENS)), answer)
    assert loads == ["unet bf16", "unet fp32"]
    assert notes == [
        "tiny.safetensors: the unet gave numbers too large for bf16; it computes in fp32 from here on.",
    ]


def test_the_denoiser_is_compiled_once(parts, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda module, backend: compiled.append(module) or module)
    monkeypatch.setattr("diffusion.finishing.require_backend", lambda *asked: None)
    weights = Weights("cpu", "fp32", compile=True)
    for recipe in (parts.model, parts.vae, parts.model):
        with weights.lend(recipe):
            pass
    assert [type(module).__name__ for module in compiled] == ["Denoiser"]


def test_compiling_without_a_compiler_is_an_error(parts, monkeypatch):
    monkeypatch.setenv("PATH", "")
    sentence = (
        "needs a C++ compiler (g++ or clang++) to make code for cpu, and there is none. Install it, or run without "
    )
    with (
        pytest.raises(UnavailableError, match=f"^--compile: .*{re.escape(sentence)}"),
        Weights("cpu", "fp32", True).lend(parts.model),
    ):
        pass


def test_patches_that_nobody_knows_are_an_error(parts):
    with (
        pytest.raises(ValueError, match="do not know how to apply a str to a unet"),
        Weights("cpu", "fp32").lend(replace(parts.model, patches=("lora",))),
    ):
        pass


def test_only_recipes_are_lent():
    with pytest.raises(TypeError, match="not a Image"), Weights("cpu", "fp32").lend(Image(X)):
        pass


def test_the_environment_says_what_decides_the_numbers():
    weights = Weights("cpu", "fp32", compile=True)
    assert weights.environment["device"] == "cpu"
    assert weights.environment["precision"] == "fp32"
    assert weights.environment["compile"] == "yes"
    assert weights.environment["torch"] == torch.__version__
    assert {"diffusers", "transformers"} <= set(weights.environment)
    assert weights.explain == "Networks compute on cpu. fp32 was asked for."


@pytest.mark.parametrize("precision", ["fp32", "bf16"])  # mapped; in layers that come and go
def test_what_leaves_is_gone_at_once(parts, precision):
    weights = Weights("cpu", precision, budget=1)
    with weights.lend(parts.model) as network:
        network(X, TIME, Context(TOKENS))
        (held,) = weights._held.values()
        assert held.is_streamed == (precision == "bf16")
        left = weakref.ref(held.shelf or held.module)
    del held, network
    gc.disable()
    try:
        with weights.lend(parts.text_encoder):
            assert left() is None
    finally:
        gc.enable()
