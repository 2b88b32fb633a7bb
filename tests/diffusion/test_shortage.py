"""Each step that is taken where memory is out, in order, by failures that are injected; and what is said at the end."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from diffusion import clip_vision, control_networks, loading, memory
from diffusion.activations import coding_bytes, denoising_bytes
from diffusion.budget import parse_memory
from diffusion.checkpoint import Parts, read_checkpoint, read_clip_vision
from diffusion.context import Context
from diffusion.controlling import controlled
from diffusion.equipment import equipped
from diffusion.families.controlnet import read_control_net
from diffusion.guidance import guided
from diffusion.lease import Lease, MemoryShortage, is_out_of_memory
from diffusion.memory import Weights
from diffusion.parts import WORDS
from diffusion.shortage import explained
from diffusion.streaming import Layer, Shelf
from diffusion.tensors import Residence
from diffusion.text.tokens import Chunk
from diffusion.upscaling import upscale
from diffusion.vae import decode, encode
from diffusion.values import Conditioning, ConditioningEntry, Control, ControlNet, Image, Latent
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint
from tests.diffusion.tiny_control import tiny_adapter, tiny_control, write, write_original
from tests.diffusion.tiny_vision import tiny_vision, write_vision
from tests.diffusion.upscalers.written import esrgan_tensors, written

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


def test_a_control_network_is_asked_about_as_few(parts, monkeypatch, tmp_path):
    """The allocator is asked for more than any machine has whenever the control network sees two latents at once."""
    net = read_control_net(write_original(tiny_control(tiny_unet()), tmp_path / "net.safetensors", heads=8), "net")
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    told: list[str] = []
    wanted, true, rows = steered(parts, net, picture), control_networks._answers, list[int]()

    def answers(module, hidden, embedding, tokens):
        rows.append(len(hidden))
        if len(hidden) > 1:
            torch.empty(10**16)
        return true(module, hidden, embedding, tokens)

    monkeypatch.setattr(control_networks, "_answers", answers)
    found = steered(parts, net, picture, told.append)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)
    assert not torch.allclose(found, steered(parts, None, picture), atol=1e-3)
    assert (max(rows), rows[-4:]) == (4, [1, 1, 1, 1])
    assert told[-1] == "There is too little memory for 2 latents at once; the network is asked about 1 at a time."


def steered(
    parts: Parts, net: ControlNet | None, picture: torch.Tensor, note=lambda sentence: None, budget: int | None = None
) -> torch.Tensor:
    """Two latents, denoised once under two prompts."""
    weights, generator = Weights("cpu", "fp32", note=note, budget=budget), torch.Generator().manual_seed(6)
    x = torch.randn(2, 4, 8, 8, generator=generator)
    sides = [Conditioning((ConditioningEntry(torch.randn(1, 77, TEXT_WIDTH, generator=generator)),)) for _ in range(2)]
    if net is not None:
        sides = [controlled(side, Control(net, picture)) for side in sides]
    with torch.inference_mode(), equipped(parts.model, sides, weights) as network:
        return guided(network, sides[0], sides[1], 3.0, x.shape)(x, torch.tensor(2.0))


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
    with pytest.raises(MemoryShortage, match=r"of \d+ MB \(--memory\).*This would fit: --memory \d+MB") as caught:
        asked(Weights("cpu", "fp32", budget=most + one // 2, note=told.append), parts)
    proposed = Weights("cpu", "fp32", budget=proposal(caught.value), note=told.append)
    torch.testing.assert_close(asked(proposed, parts), wanted, rtol=0, atol=1e-5)


def proposal(shortage: MemoryShortage) -> int:
    """The budget that a sentence says would fit."""
    found = re.search(r"This would fit: --memory (\d+MB)", str(shortage))
    assert found is not None, str(shortage)
    budget = parse_memory(found[1])
    assert budget is not None
    return budget


def test_what_is_said_to_fit_a_controlled_run_fits(parts, monkeypatch, tmp_path):
    """Two networks are lent, and each must let layers go for the other."""
    monkeypatch.setattr(memory, "NEGLIGIBLE", 0)
    path = write_original(tiny_control(tiny_unet()), tmp_path / "net.safetensors", heads=8, dtype=torch.float16)
    net, picture = read_control_net(path, "net"), torch.rand(1, 3, 64, 64)
    wanted = steered(parts, net, picture)
    with pytest.raises(MemoryShortage, match="Sampling a picture of 64 × 64 takes more memory") as caught:
        steered(parts, net, picture, budget=1_500_000)
    assert proposal(caught.value) < 3_000_000
    found = steered(parts, net, picture, budget=proposal(caught.value))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["text_encoder", "vae", "clip_vision", "upscaler"])
def test_what_is_said_to_fit_fits(parts, monkeypatch, tmp_path, kind):
    """Every other network: a budget that is too small by far, then the one that the sentence names."""
    monkeypatch.setattr(memory, "NEGLIGIBLE", 0)

    def made(weights: Weights) -> torch.Tensor:
        if kind == "text_encoder":
            with weights.lend(parts.text_encoder) as text:
                return text.states([Chunk((320, 5), (1.0, 1.0))])[0]
        if kind == "clip_vision":
            vision = read_clip_vision(write_vision(tmp_path / "vision.safetensors", tiny_vision().half()), "vision")
            return clip_vision.encode(Image(PICTURE), vision, weights).penultimate
        if kind == "upscaler":
            model = written(tmp_path / "up.safetensors", esrgan_tensors())
            steps = upscale(Image(PICTURE), model, weights)
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    return end.value.pixels
        return encode(Image(PICTURE), parts.vae, weights).samples

    wanted = made(Weights("cpu", "bf16"))
    with pytest.raises(MemoryShortage) as caught:
        made(Weights("cpu", "bf16", budget=1000, note=lambda sentence: None))
    assert WORDS[kind] in str(caught.value)
    assert "the budget is 1 MB (--memory)" in str(caught.value)
    found = proposal(caught.value) if "would fit" in str(caught.value) else more(caught.value, made)
    assert (made(Weights("cpu", "bf16", budget=found, note=lambda sentence: None)) - wanted).abs().mean() < 0.1


def more(shortage: MemoryShortage, made) -> int:
    """The budget that is proposed once the weights are there, where the first sentence says that more is needed."""
    found = re.search(r"More than --memory (\d+MB) is needed", str(shortage))
    assert found is not None, str(shortage)
    with pytest.raises(MemoryShortage) as caught:
        made(Weights("cpu", "bf16", budget=parse_memory(found[1]), note=lambda sentence: None))
    return proposal(caught.value)


PICTURE = torch.rand(1, 128, 128, 3, generator=torch.Generator().manual_seed(7))


def test_a_network_that_comes_whole_says_what_it_needs_beside_others(parts, monkeypatch, tmp_path):
    """What is lent lets its layers go first."""
    monkeypatch.setattr(memory, "NEGLIGIBLE", 0)
    adapter = read_control_net(write(tiny_adapter("full_adapter", [128, 256]), tmp_path / "adapter.safetensors"), "a")
    weights = Weights("cpu", "bf16", budget=1_700_000, note=lambda sentence: None)
    with weights.lend(parts.model):
        (model,) = weights._held.values()
        assert not model.is_streamed
        with pytest.raises(MemoryShortage, match=r"T2I-Adapter of 'adapter.safetensors' come whole.* More than --mem"):
            weights.lend(adapter).__enter__()
        assert model.is_streamed


def test_memory_that_is_out_while_weights_come(parts, monkeypatch):
    """The allocator fails when the network is loaded: what is idle leaves, and then it comes layer by layer."""
    weights = Weights("cpu", "fp32", note=lambda sentence: None)
    wanted, true, held = asked(Weights("cpu", "fp32"), parts), loading.load, []
    with weights.lend(parts.vae):
        pass

    def load(component, residence, *settle):
        held.append(len(weights._held))
        torch.empty(10**16)
        return true(component, residence, *settle)

    monkeypatch.setattr(loading, "load", load)
    assert torch.equal(asked(weights, parts), wanted)
    assert held == [1, 0]
    monkeypatch.setattr("diffusion.parts.STREAMED", frozenset())
    with pytest.raises(
        MemoryShortage, match=r"too little memory on cpu for the autoencoder of 'tiny.*What may help: end"
    ):
        weights.lend(parts.vae).__enter__()


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
    assert "--memory 209MB" in told
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
