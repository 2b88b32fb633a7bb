"""Each step that is taken where memory is out, in order, by failures that are injected; and what is said at the end."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from diffusion import memory
from diffusion.activations import coding_bytes, denoising_bytes
from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.context import Context
from diffusion.lease import Lease, MemoryShortage, is_out_of_memory
from diffusion.memory import Weights
from diffusion.shortage import explained
from diffusion.streaming import Layer, Shelf
from diffusion.tensors import Residence
from diffusion.vae import decode, encode
from diffusion.values import Image, Latent
from tests.diffusion.tiny import TEXT_WIDTH, write_tiny_checkpoint

CPU_FAILURE = "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    path = tmp_path_factory.mktemp("tiny") / "tiny.safetensors"
    return read_checkpoint(write_tiny_checkpoint(path, dtype=torch.float16), "short of memory")


class Device:
    """Raises what a full device raises while something that takes room is there. fits: what of a call can be done."""

    def __init__(self, monkeypatch, fits) -> None:
        self.calls: list[tuple[int, ...]] = []
        true = Lease._answer

        def answer(lease, forward, need):
            def limited(module: nn.Module, residence: Residence):
                given = forward.__closure__
                shapes = [
                    tuple(cell.cell_contents.shape) for cell in given if isinstance(cell.cell_contents, torch.Tensor)
                ]
                shape = max(shapes, key=len)
                self.calls.append(shape)
                if not fits(module, shape):
                    raise RuntimeError(CPU_FAILURE)
                return forward(module, residence)

            return true(lease, limited, need)

        monkeypatch.setattr(Lease, "_answer", answer)


def asked(weights: Weights, parts: Parts, rows: int = 4) -> torch.Tensor:
    x = torch.randn(rows, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    tokens = torch.randn(rows, 77, TEXT_WIDTH, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode(), weights.lend(parts.model) as network:
        return network(x, torch.tensor([10.0]), Context(tokens))


def test_what_says_that_memory_is_out():
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(RuntimeError(CPU_FAILURE))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(NotImplementedError("out of memory"))
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**16)
    assert is_out_of_memory(caught.value)


def test_idle_weights_leave_first(parts, monkeypatch):
    weights = Weights("cpu", "fp32")
    wanted = asked(weights, parts)
    with weights.lend(parts.vae):
        pass
    device = Device(monkeypatch, lambda module, shape: len(weights._held) == 1)
    assert torch.equal(asked(weights, parts), wanted)
    assert len(device.calls) == 2
    assert not any(held.is_streamed for held in weights._held.values())


def test_then_layers_come_and_go(parts, monkeypatch):
    told: list[str] = []
    weights = Weights("cpu", "fp32", note=told.append)
    wanted = asked(weights, parts)
    Device(monkeypatch, lambda module, shape: there(module) < 1_000_000)
    assert torch.equal(asked(weights, parts), wanted)
    (held,) = weights._held.values()
    assert held.is_streamed
    assert len(told) == 1
    assert "Its layers come and go" in told[0]
    assert torch.equal(asked(weights, parts), wanted)


def test_fewer_and_fewer_layers_stay(parts, monkeypatch):
    weights = Weights("cpu", "fp32", note=lambda sentence: None)
    wanted = asked(weights, parts)
    (held,) = weights._held.values()
    failures: list[int] = []
    true = Shelf.take

    def take(shelf: Shelf, layer: Layer, before: Layer | None):
        if shelf.kept > (200_000, 30_000)[min(1, len(failures))]:
            failures.append(shelf.kept)
            raise RuntimeError(CPU_FAILURE)
        return true(shelf, layer, before)

    Device(monkeypatch, lambda module, shape: there(module) < 1_000_000)
    monkeypatch.setattr(Shelf, "take", take)
    assert torch.equal(asked(weights, parts), wanted)
    assert len(failures) >= 2
    assert held.shelf is not None
    assert held.shelf.kept <= 30_000
    assert torch.equal(asked(weights, parts), wanted)
    assert failures == sorted(failures, reverse=True)


def there(module: nn.Module) -> int:
    """Bytes of weights that are not away."""
    return sum(weight.nbytes for weight in module.parameters() if not weight.is_meta)


def test_then_the_batch_is_split(parts, monkeypatch):
    told: list[str] = []
    weights = Weights("cpu", "fp32", note=told.append)
    wanted = asked(weights, parts, rows=5)
    device = Device(monkeypatch, lambda module, shape: shape[0] <= 1)
    torch.testing.assert_close(asked(weights, parts, rows=5), wanted, rtol=0, atol=1e-5)
    assert [sentence for sentence in told if "latents at once" in sentence] == [
        "There is too little memory for 5 latents at once; the network is asked about 2 at a time.",
        "There is too little memory for 2 latents at once; the network is asked about 1 at a time.",
    ]
    assert device.calls[-1][0] == 1


def test_pictures_are_coded_in_ever_smaller_tiles(parts, monkeypatch):
    weights = Weights("cpu", "fp32", note=lambda sentence: None)
    latent = Latent(torch.randn(1, 4, 40, 40, generator=torch.Generator().manual_seed(0)), parts.vae.space)
    whole = decode(latent, parts.vae, weights).pixels
    device = Device(monkeypatch, lambda module, shape: shape[-1] * shape[-2] <= 16 * 16 or shape[1] == 3)
    tiled = decode(latent, parts.vae, weights).pixels
    assert tiled.shape == whole.shape
    assert {shape[-1] for shape in device.calls} == {40, 32, 16}
    assert (tiled - whole).abs().mean() < 0.1


def test_at_last_a_sentence_says_what_would_fit(parts, monkeypatch):
    weights = Weights("cpu", "fp32", note=lambda sentence: None)
    Device(monkeypatch, lambda module, shape: False)
    with pytest.raises(MemoryShortage) as caught:
        asked(weights, parts)
    assert str(caught.value).startswith("Sampling a picture of 64 × 64 takes more memory than there is, even")
    assert isinstance(caught.value, torch.OutOfMemoryError)
    assert all(not held.borrowers for held in weights._held.values())
    with pytest.raises(MemoryShortage):
        encode(Image(torch.zeros(1, 64, 64, 3)), parts.vae, weights)


def test_a_budget_is_kept_by_what_is_known_before(parts, monkeypatch):
    """Without any failure: what is idle leaves, layers come and go, calls are split, and what cannot fit is refused."""
    monkeypatch.setattr(memory, "NEGLIGIBLE", 0)
    told: list[str] = []
    wanted = asked(Weights("cpu", "fp32"), parts)
    one = denoising_bytes({"block_out_channels": (32, 64)}, 1, 8, 8, 4)
    weights = Weights("cpu", "fp32", budget=one + 2_900_000, note=told.append)
    with weights.lend(parts.vae):
        pass
    assert torch.equal(asked(weights, parts), wanted)
    (held,) = weights._held.values()
    assert held.is_streamed
    assert weights.bytes_held + one <= one + 2_900_000
    assert held.shelf is not None
    most = held.shelf.least
    told.clear()
    narrow = Weights("cpu", "fp32", budget=one + most + 500_000, note=told.append)
    torch.testing.assert_close(asked(narrow, parts), wanted, rtol=0, atol=1e-5)
    assert any("latents at once" in sentence for sentence in told)
    with pytest.raises(MemoryShortage, match=r"of \d+ MB \(--memory\).*This would fit: --memory [\d.]+GB"):
        asked(Weights("cpu", "fp32", budget=one // 2, note=told.append), parts)


def test_two_that_are_lent_share_the_budget(parts, monkeypatch):
    """What is borrowed cannot leave: the later one has layers that come and go."""
    weights = Weights("cpu", "fp32", budget=4_500_000, note=lambda sentence: None)
    with weights.lend(parts.model), weights.lend(parts.vae):
        first, second = weights._held.values()
        assert not first.is_streamed
        assert second.is_streamed
        assert weights.bytes_held <= 4_500_000


def test_what_takes_more_than_there_is_names_a_size_that_fits():
    need = lambda wide, high: 100 * wide * high  # noqa: E731 — as short as its use
    shortage = MemoryShortage("Too much.", needed=need(1024, 1024) + 10**8, available=10**8 + need(800, 800))
    told = str(explained(shortage, "Sampling", 1024, 1024, need))
    assert "a picture of at most 768 × 768" in told
    assert "--memory 0.3GB" in told
    wide = MemoryShortage("Too much.", needed=need(2048, 1024), available=need(1024, 512))
    assert "a picture of at most 1024 × 512" in str(explained(wide, "Sampling", 2048, 1024, need))
    assert "512 × 512" in str(explained(MemoryShortage("Too much."), "Sampling", 1024, 1024, need))


def test_estimates_grow_with_the_picture():
    unet = {"block_out_channels": (320, 640, 1280, 1280)}
    small, large = (denoising_bytes(unet, 2, side, side, 2) for side in (32, 64))
    assert denoising_bytes(unet, 4, 32, 32, 2) < large < 4 * small
    vae = {"block_out_channels": (128, 256, 512, 512)}
    assert coding_bytes(vae, 512 * 512, 4) == 4 * coding_bytes(vae, 256 * 256, 4)
    assert coding_bytes({"decoder_block_out_channels": (64, 64)}, 100, 2) > 0


def test_weights_leave_when_nothing_is_lent_for_so_long(parts):
    weights = Weights("cpu", "fp32", idle_unload=0.05)
    with weights.lend(parts.vae):
        assert weights._leaving is None
    with weights.lend(parts.vae):
        pass
    assert weights.loads == 1
    leaving = weights._leaving
    assert leaving is not None
    leaving.join()
    assert weights.bytes_held == 0
    kept = Weights("cpu", "fp32")
    with kept.lend(parts.vae):
        pass
    assert kept._leaving is None
    assert replace(parts.vae)
