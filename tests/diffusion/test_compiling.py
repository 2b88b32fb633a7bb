"""Networks that a recipe wants compiled: the same numbers, in nobody else's runs, and told where it cannot be."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from diffusion import compiling
from diffusion.checkpoint import read_checkpoint
from diffusion.compiling import backend_of, require_backend
from diffusion.context import Context
from diffusion.lease import MemoryShortage
from diffusion.memory import Weights
from diffusion.model_options import CompiledNetwork
from diffusion.precision import UnavailableError
from diffusion.values import Model
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint

X, TIME, TOKENS = torch.ones(2, 4, 8, 8), torch.tensor([10.0, 10.0]), torch.ones(2, 77, TEXT_WIDTH)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x").model


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is compiled, and by what; nothing is in truth."""
    found: list[tuple[str, str]] = []

    def noted(module: nn.Module, *, backend: str) -> nn.Module:
        found.append((type(module).__name__, backend))
        return module

    monkeypatch.setattr(torch, "compile", noted)
    return found


def test_the_last_option_names_the_backend(plain: Model) -> None:
    assert backend_of(plain) == ""
    assert backend_of(plain.with_option(CompiledNetwork("inductor")).with_option(CompiledNetwork("eager"))) == "eager"


def test_only_the_model_that_asks_for_it_is_compiled_and_once(plain: Model, made: list[tuple[str, str]]) -> None:
    weights, model = Weights("cpu", "fp32"), plain.with_option(CompiledNetwork("inductor"))
    for recipe in (plain, model, plain, model):
        with weights.lend(recipe) as network:
            assert torch.equal(network(X, TIME, Context(TOKENS)), tiny_unet()(X, TIME, TOKENS).sample)
    assert made == [("Denoiser", "inductor")]
    assert weights.loads == 2


def test_the_option_comes_before_what_all_are_compiled_by(plain: Model, made: list[tuple[str, str]]) -> None:
    with Weights("cpu", "fp32", compile=True).lend(plain.with_option(CompiledNetwork("eager"))):
        pass
    assert made == [("Denoiser", "eager")]


def test_compiled_it_gives_the_numbers_of_the_plain_network(plain: Model) -> None:
    """Traced in truth, by the backend of torch that then runs its own kernels: no code is made, so the bits stay."""
    with Weights("cpu", "fp32").lend(plain.with_option(CompiledNetwork("eager"))) as network:
        assert type(network._lease.run).__name__ == "OptimizedModule"
        for _ in range(2):
            assert torch.equal(network(X, TIME, Context(TOKENS)), tiny_unet()(X, TIME, TOKENS).sample)


def test_weights_that_do_not_fit_whole_are_an_error_and_do_not_come_in_layers(
    plain: Model, made: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diffusion.memory.NEGLIGIBLE", 0)
    notes: list[str] = []
    model = plain.with_option(CompiledNetwork("inductor"))
    weights = Weights("cpu", "bf16", budget=1000, note=notes.append)
    with pytest.raises(MemoryShortage, match="come whole"), weights.lend(model):
        pass
    assert not notes
    assert not made


@pytest.mark.parametrize(
    ("backend", "device", "sentence"),
    [
        ("cudagraphs", "cpu", "the backend 'cudagraphs' records what a CUDA device does, but networks compute on cpu"),
        (
            "inductor",
            "cpu",
            "needs a C++ compiler (g++ or clang++) to make code for cpu, and there is none. Install it",
        ),
        ("inductor", "cuda:0", "needs the package 'triton' to make code for cuda:0"),
    ],
)
def test_what_is_missing_is_told(backend: str, device: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="^TorchCompileModel: .*" + re.escape(sentence)):
        require_backend(backend, device)


def test_the_headers_of_python_are_needed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", sys.executable)
    monkeypatch.setattr(compiling.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(UnavailableError, match="needs the C headers of Python"):
        require_backend("inductor", "cpu")
    (tmp_path / "Python.h").touch()
    require_backend("inductor", "cpu")


def test_nothing_is_missing_where_nothing_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    require_backend("", "cpu")
    require_backend("cudagraphs", "cuda:0")


def test_it_is_told_before_weights_are_loaded(plain: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffusion.loading.load", lambda *_: pytest.fail("weights were loaded"))
    model: Any = replace(plain, options=(CompiledNetwork("cudagraphs"),))
    with pytest.raises(UnavailableError, match="cudagraphs"), Weights("cpu", "fp32").lend(model):
        pass
