"""Networks over the same weights: several at once, none of them twice in memory, gone when room is needed."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.loading import load
from diffusion.lora.fitting import Change
from diffusion.lora.patch import LoraPatch
from diffusion.memory import Weights
from diffusion.tensors import Residence
from diffusion.values import Model, WeightFile
from tests.diffusion.lora.made import (
    CONVOLUTION,
    LAYERS,
    LINEAR,
    answer,
    answer_of,
    changed_unet,
    kohya,
    noise,
    off,
    plain_lora,
    saved,
)
from tests.diffusion.tiny import tiny_unet, write_tiny_checkpoint


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


@pytest.fixture
def lora(tmp_path: Path) -> WeightFile:
    return saved(tmp_path / "a.safetensors", plain_lora(tiny_unet(), LAYERS)[0])


@pytest.fixture
def merged(tmp_path: Path) -> WeightFile:
    weight = tiny_unet().get_submodule(CONVOLUTION).weight
    return saved(tmp_path / "diff.safetensors", {kohya(CONVOLUTION) + ".diff": noise(*weight.shape)})


def under(model: Model, *patches: tuple[WeightFile, float]) -> Model:
    return replace(model, patches=tuple(LoraPatch(file, strength) for file, strength in patches))


def test_two_threads_have_different_patches_at_once(parts, lora):
    changes = plain_lora(tiny_unet(), LAYERS)[1]
    weights, answers = Weights("cpu", "fp32"), {}
    together = threading.Barrier(3)

    def ask(strength: float) -> None:
        model = under(parts.model, (lora, strength)) if strength else parts.model
        with weights.lend(model):
            together.wait()
            answers[strength] = [answer(weights, model) for _ in range(3)]

    threads = [threading.Thread(target=ask, args=(strength,)) for strength in (0.0, 0.7, -1.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for strength, found in answers.items():
        assert all(torch.equal(each, found[0]) for each in found)
        assert off(found[0], answer_of(changed_unet(changes, strength))) <= 1e-5
    assert weights.loads == 1


def test_another_strength_reads_nothing_and_takes_nothing(parts, lora, monkeypatch):
    weights = Weights("cpu", "fp32")
    answer(weights, under(parts.model, (lora, 1.0)))
    size = weights.bytes_held
    monkeypatch.setattr(Change, "parts", None)
    for strength in (0.9, 0.8, 0.9):
        answer(weights, under(parts.model, (lora, strength)))
    assert weights.bytes_held == size
    (held,) = weights._held.values()
    assert list(held.variants) == [(), (("a.safetensors", 0.9),)]


def test_the_same_file_elsewhere_is_the_same(parts, lora, tmp_path: Path):
    weights = Weights("cpu", "fp32")
    answer(weights, under(parts.model, (lora, 1.0)))
    Path(lora.path).unlink()
    answer(weights, under(parts.model, (replace(lora, path=str(tmp_path / "gone.safetensors")), 1.0)))


def test_bytes_are_those_of_the_tensors(parts, lora, merged):
    weights = Weights("cpu", "fp32")
    with weights.lend(parts.model):
        before = weights.bytes_held
    answer(weights, under(parts.model, (lora, 1.0), (merged, 1.0)))
    files = [torch.tensor([tensor.numel() for name, tensor in load_tensors(lora).items() if "alpha" not in name]).sum()]
    weight = tiny_unet().get_submodule(CONVOLUTION).weight
    assert weights.bytes_held - before == 4 * int(files[0]) + weight.nbytes


def load_tensors(file: WeightFile) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(file.path)


def test_what_patches_add_leaves_before_the_weights(parts, lora, merged):
    roomy = Weights("cpu", "fp32")
    with roomy.lend(parts.model):
        base = roomy.bytes_held
    answer(roomy, under(parts.model, (lora, 1.0)))
    extra = roomy.bytes_held - base
    weights = Weights("cpu", "fp32", budget=base + extra + 10)
    answer(weights, under(parts.model, (lora, 1.0)))
    answer(weights, under(parts.model, (merged, 1.0)))
    (held,) = weights._held.values()
    assert [key for key in held.variants if key] == [(("diff.safetensors", 1.0),)]
    assert weights.loads == 1
    with weights.lend(parts.vae):
        assert weights.held_files == (parts.vae.file.path,)
    assert weights.bytes_held <= base + extra + 10


def test_what_is_lent_stays(parts, lora, merged):
    weights = Weights("cpu", "fp32", budget=1)
    with weights.lend(under(parts.model, (lora, 1.0))), weights.lend(under(parts.model, (lora, 0.5))):
        answer(weights, under(parts.model, (merged, 1.0)))
        weights.release()
        assert weights.loads == 1
        answer(weights, under(parts.model, (lora, 0.5)))
    assert weights.loads == 1
    weights.release()
    assert weights.bytes_held == 0


def test_a_file_that_cannot_be_read_leaves_nothing_lent(parts, lora):
    weights = Weights("cpu", "fp32")
    gone = WeightFile("/nowhere/gone.safetensors", "gone")
    with pytest.raises(FileNotFoundError), weights.lend(under(parts.model, (gone, 1.0))):
        pass
    weights.release()
    assert weights.bytes_held == 0


def test_an_overflow_is_repeated_wider_with_its_patches(parts, lora, monkeypatch):
    weights, true = Weights("cpu", "bf16", note=lambda sentence: None), load

    def overflowing(component, residence: Residence, *settle):
        module = true(component, residence, *settle)
        if residence.dtype == torch.bfloat16:
            module.conv_norm_out.weight.data.fill_(torch.inf)
        return module

    monkeypatch.setattr("diffusion.loading.load", overflowing)
    changes = plain_lora(tiny_unet(), LAYERS)[1]
    model = under(parts.model, (lora, 1.0))
    for _ in range(2):
        assert off(answer(weights, model), answer_of(changed_unet(changes))) <= 1e-5
    assert torch.equal(answer(weights, parts.model), answer_of(tiny_unet()))
    weights.release()
    assert weights.bytes_held == 0


def test_a_compiled_denoiser_has_it_beside(parts, lora, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda module, backend: module)
    monkeypatch.setattr("diffusion.finishing.require_backend", lambda *asked: None)
    weights = Weights("cpu", "fp32", compile=True)
    changes = plain_lora(tiny_unet(), LAYERS)[1]
    assert off(answer(weights, under(parts.model, (lora, 1.0))), answer_of(changed_unet(changes))) <= 1e-5
    assert LINEAR
