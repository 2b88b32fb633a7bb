"""Keys and values of a prompt are computed once a run, counted; and a run gives the same bits as without."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from diffusion.checkpoint import read_checkpoint
from diffusion.conditioning import combine
from diffusion.keys_values import KeysValues
from diffusion.latents import empty
from diffusion.lora.adding import with_lora
from diffusion.memory import Weights
from diffusion.sampling import sample
from diffusion.values import Area, Conditioning, ConditioningEntry, Model, WeightFile
from tests.diffusion.lora.made import CONTEXT, LINEAR, plain_lora
from tests.diffusion.small_unet import draw
from tests.diffusion.tiny import TEXT_WIDTH, tiny_unet, write_tiny_checkpoint

STEPS = 20
LAYERS = [name for name, _ in tiny_unet().named_modules() if name.endswith(("attn2.to_k", "attn2.to_v"))]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors")
    return read_checkpoint(path, "x").model


@contextmanager
def counted(weights: Weights, model: Model) -> Iterator[Counter[str]]:
    """How often each layer for keys or values of cross-attention computes."""
    calls: Counter[str] = Counter()
    with weights.lend(model) as network:
        unet: Any = network._lease.run.unet
        hooks = [
            unet.get_submodule(name).register_forward_hook(lambda *_, name=name: calls.update([name]))
            for name in LAYERS
        ]
        yield calls
        for hook in hooks:
            hook.remove()


def prompted(seed: int, **entry: Any) -> Conditioning:
    return Conditioning((ConditioningEntry(draw(1, 77, TEXT_WIDTH, seed=seed), **entry),))


def picture(model: Model, weights: Weights, positive: Conditioning, steps: int = STEPS) -> Tensor:
    run = sample(
        model,
        positive,
        prompted(2),
        empty(64, 64),
        weights=weights,
        seed=0,
        steps=steps,
        cfg=5.0,
        sampler="euler",
        scheduler="normal",
    )
    while True:
        try:
            next(run)
        except StopIteration as stop:
            return stop.value.samples


def test_a_fixed_prompt_is_asked_for_its_keys_and_values_once_a_run(model: Model) -> None:
    weights = Weights("cpu", "fp32")
    with counted(weights, model) as calls:
        picture(model, weights, prompted(1))
        assert calls == dict.fromkeys(LAYERS, 1)
        picture(model, weights, prompted(1))
        assert calls == dict.fromkeys(LAYERS, 2)


def test_without_it_they_are_computed_once_a_step(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counting counts."""
    monkeypatch.setattr(KeysValues, "_has_room", lambda *_: False)
    weights = Weights("cpu", "fp32")
    with counted(weights, model) as calls:
        picture(model, weights, prompted(1))
        assert calls == dict.fromkeys(LAYERS, STEPS)


def test_each_composition_of_prompts_is_computed_once(model: Model) -> None:
    """The first half has one prompt, the second two; an area is a call of its own, with its opposite."""
    area = Area(height=32, width=32, y=0, x=0)
    positive = combine(prompted(1), combine(prompted(3, start=0.5), prompted(4, area=area)))
    weights = Weights("cpu", "fp32")
    with counted(weights, model) as calls:
        picture(model, weights, positive)
    assert calls == dict.fromkeys(LAYERS, 3)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("patched", [False, True], ids=["plain", "LoRA"])
def test_the_bits_are_those_of_computing_each_time(
    model: Model, precision: str, patched: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if patched:
        from safetensors.torch import save_file

        tensors, _ = plain_lora(tiny_unet(), (LINEAR, CONTEXT))
        save_file(tensors, tmp_path / "lora.safetensors")
        model = with_lora(WeightFile(str(tmp_path / "lora.safetensors"), "lora"), model, None, 0.8).model or model
    weights = Weights("cpu", precision)
    made = picture(model, weights, prompted(1), 3)
    monkeypatch.setattr(KeysValues, "_has_room", lambda *_: False)
    assert torch.equal(made, picture(model, weights, prompted(1), 3))


def test_a_network_in_another_number_type_knows_nothing(model: Model) -> None:
    store, one, other, tokens = KeysValues(), nn.Linear(1, 1), nn.Linear(1, 1), draw(2, 7, 8)
    known = store.about(one, tokens)
    known.of("a", lambda: (draw(2, 1), draw(2, 1)))
    assert store.about(one, tokens.clone()) is known
    assert store.about(one, tokens.bfloat16()) is not known
    assert store.about(one, tokens[:1]) is not known
    assert not store.about(other, tokens).states
    assert not store.about(one, tokens).states


def filled(store: KeysValues, network: nn.Module, seed: int) -> int:
    """Ask about a prompt's two layers of 1000 bytes; how many were computed."""
    computed = 0

    def compute() -> tuple[Tensor, Tensor]:
        nonlocal computed
        computed += 1
        return torch.zeros(125), torch.zeros(125)

    known = store.about(network, torch.full((1, 1, 1), float(seed)))
    for layer in ("a", "b"):
        known.of(layer, compute)
    return computed


def test_what_was_used_least_recently_leaves_first() -> None:
    store, network = KeysValues(most=4100), nn.Linear(1, 1)
    assert [filled(store, network, seed) for seed in (1, 2, 1, 3, 1, 2)] == [2, 2, 0, 2, 0, 2]
    assert store.nbytes <= 4100


def test_what_does_not_fit_is_computed_each_time() -> None:
    store, network = KeysValues(most=1500), nn.Linear(1, 1)
    assert [filled(store, network, 1) for _ in range(3)] == [2, 1, 1]
    assert store.nbytes <= 1500
