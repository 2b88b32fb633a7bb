"""Every kind of change against the formula of its paper, element by element, and in the U-Net it is merged into."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.lora.kinds import kinds
from diffusion.lora.patch import LoraPatch
from diffusion.memory import Weights
from tests.diffusion.lora.made import CONVOLUTION, LINEAR, answer, answer_of, changed_unet, kohya, noise, off, saved
from tests.diffusion.tiny import tiny_unet, write_tiny_checkpoint

R = 3


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


def changed(weight: Tensor, parts: dict[str, Tensor], strength: float = 1.0, leaf: str = "weight") -> Tensor:
    """W with the one change that these tensors make."""
    (found,) = [kind for where, kind in kinds(set(parts)) if where == leaf]
    return weight + found.formula(parts, weight, strength)


def close(found: Tensor, wanted: Tensor) -> bool:
    return torch.allclose(found, wanted, rtol=1e-4, atol=1e-5)


W = noise(6, 8, seed=1)
K = noise(6, 8, 3, 3, seed=2)


def test_lora():
    down, up = noise(R, 8, seed=3), noise(6, R, seed=4)
    parts = {"down": down, "up": up, "alpha": torch.tensor(1.5)}
    wanted = (
        W + torch.tensor([[sum(up[o, r] * down[r, i] for r in range(R)) for i in range(8)] for o in range(6)]) * 0.5
    )
    assert close(changed(W, parts), wanted)
    assert close(changed(W, parts, -2.0), W - 2 * (wanted - W))
    assert close(changed(W, {"down": down, "up": up}), W + up @ down)


def test_locon():
    down, up = noise(R, 8, 3, 3, seed=3), noise(6, R, 1, 1, seed=4)
    x = noise(1, 8, 5, 5, seed=5)
    through = torch.conv2d(torch.conv2d(x, down, padding=1), up)
    found = changed(K, {"down": down, "up": up}) - K
    assert close(torch.conv2d(x, found, padding=1), through)


def test_locon_with_a_core():
    down, mid, up = noise(R, 8, 1, 1, seed=3), noise(R, R, 3, 3, seed=4), noise(6, R, 1, 1, seed=5)
    x = noise(1, 8, 5, 5, seed=6)
    through = torch.conv2d(torch.conv2d(torch.conv2d(x, down), mid, padding=1), up)
    found = changed(K, {"down": down, "mid": mid, "up": up}) - K
    assert close(torch.conv2d(x, found, padding=1), through)


def loha(rows: int, columns: int) -> dict[str, Tensor]:
    shapes = {"hada_w1_a": (rows, R), "hada_w1_b": (R, columns), "hada_w2_a": (rows, R), "hada_w2_b": (R, columns)}
    return {name: noise(*shape, seed=seed) for seed, (name, shape) in enumerate(shapes.items(), 10)}


def test_loha():
    """Hyeon-Woo et al. 2022, eq. 2: the elements of two products, multiplied."""
    parts = loha(6, 8)
    for o, i in ((0, 0), (2, 5), (5, 7)):
        one = sum(float(parts["hada_w1_a"][o, r] * parts["hada_w1_b"][r, i]) for r in range(R))
        two = sum(float(parts["hada_w2_a"][o, r] * parts["hada_w2_b"][r, i]) for r in range(R))
        assert float(changed(W, parts)[o, i] - W[o, i]) == pytest.approx(one * two, abs=1e-5)
        half = changed(W, parts | {"alpha": torch.tensor(R / 2)})
        assert float(half[o, i] - W[o, i]) == pytest.approx(one * two / 2, abs=1e-5)


def test_loha_with_cores():
    """Each side is a Tucker product: Σ t[p, q, h, w] · a[p, out] · b[q, in]."""
    names = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")
    parts = {name: noise(R, 6 if name[-1] == "a" else 8, seed=seed) for seed, name in enumerate(names)}
    parts |= {f"hada_t{side}": noise(R, R, 3, 3, seed=20 + side) for side in (1, 2)}
    found = changed(K, parts) - K
    for o, i, h, w in ((0, 0, 0, 0), (5, 7, 2, 1)):
        sides = [
            sum(
                float(
                    parts[f"hada_t{side}"][p, q, h, w] * parts[f"hada_w{side}_a"][p, o] * parts[f"hada_w{side}_b"][q, i]
                )
                for p in range(R)
                for q in range(R)
            )
            for side in (1, 2)
        ]
        assert float(found[o, i, h, w]) == pytest.approx(sides[0] * sides[1], abs=1e-5)


LOKR = {
    "whole": {"lokr_w1": (2, 4), "lokr_w2": (3, 2)},
    "second low": {"lokr_w1": (2, 4), "lokr_w2_a": (3, R), "lokr_w2_b": (R, 2)},
    "first low": {"lokr_w1_a": (2, R), "lokr_w1_b": (R, 4), "lokr_w2": (3, 2)},
    "both low": {"lokr_w1_a": (2, R), "lokr_w1_b": (R, 4), "lokr_w2_a": (3, R), "lokr_w2_b": (R, 2)},
}


@pytest.mark.parametrize("shapes", LOKR.values(), ids=LOKR)
def test_lokr(shapes):
    """Row o of the product is row (o div 3, o mod 3) of the factors; alpha counts where a factor is of low rank."""
    parts = {name: noise(*shape, seed=seed) for seed, (name, shape) in enumerate(shapes.items(), 30)}
    left = parts.get("lokr_w1", parts.get("lokr_w1_a", torch.zeros(2, R)) @ parts.get("lokr_w1_b", torch.zeros(R, 4)))
    right = parts.get("lokr_w2", parts.get("lokr_w2_a", torch.zeros(3, R)) @ parts.get("lokr_w2_b", torch.zeros(R, 2)))
    wanted = torch.tensor([[left[o // 3, i // 2] * right[o % 3, i % 2] for i in range(8)] for o in range(6)])
    assert close(changed(W, parts) - W, wanted)
    scaled = changed(W, parts | {"alpha": torch.tensor(R * 0.25)}) - W
    assert close(scaled, wanted if len(parts) == 2 else wanted / 4)


def test_lokr_of_convolutions():
    left, right = noise(2, 4, seed=1), noise(3, 2, 3, 3, seed=2)
    wanted = torch.einsum("ab,cdhw->acbdhw", left, right).reshape(6, 8, 3, 3)
    assert close(changed(K, {"lokr_w1": left, "lokr_w2": right}) - K, wanted)
    a, b = noise(3, R, seed=3), noise(R, 2 * 9, seed=4)
    low = torch.einsum("ab,cdhw->acbdhw", left, (a @ b).reshape(3, 2, 3, 3)).reshape(6, 8, 3, 3)
    assert close(changed(K, {"lokr_w1": left, "lokr_w2_a": a, "lokr_w2_b": b}) - K, low)
    core, a, b = noise(R, R, 3, 3, seed=5), noise(R, 3, seed=6), noise(R, 2, seed=7)
    tucker = torch.einsum("pqhw,pc,qd->cdhw", core, a, b)
    whole = torch.einsum("ab,cdhw->acbdhw", left, tucker).reshape(6, 8, 3, 3)
    assert close(changed(K, {"lokr_w1": left, "lokr_t2": core, "lokr_w2_a": a, "lokr_w2_b": b}) - K, whole)


def cayley(block: Tensor) -> Tensor:
    skew = block - block.T
    unit = torch.eye(len(block))
    return torch.linalg.solve((unit - skew).T, (unit + skew).T).T


def test_oft_turns_blocks_of_outputs():
    """Qiu et al. 2023: W' = Rᵀ·W block by block, R = (I + Q)(I − Q)⁻¹: lengths of columns stay as they are."""
    blocks = noise(2, 3, 3, seed=8)
    turned = torch.cat([cayley(block).T @ rows for block, rows in zip(blocks, W.split(3), strict=True)])
    found = changed(W, {"oft_blocks": blocks})
    assert close(found, turned)
    assert close(found.norm(dim=0), W.norm(dim=0))
    assert close(changed(W, {"oft_blocks": blocks}, 0.3), W + 0.3 * (turned - W))
    rescale = 1 + noise(6, 1, seed=9)
    assert close(changed(W, {"oft_blocks": blocks, "rescale": rescale}), rescale * turned)
    assert close(changed(K, {"oft_blocks": blocks}).norm(dim=0), K.norm(dim=0))


def test_oft_within_a_limit():
    """Alpha · outputs is the largest norm of all skew matrices together; below it nothing changes."""
    blocks = noise(2, 3, 3, seed=8)
    skew = blocks - blocks.mT
    norm = float(skew.norm())
    loose = changed(W, {"oft_blocks": blocks, "alpha": torch.tensor(norm)})
    assert close(loose, changed(W, {"oft_blocks": blocks}))
    tight = changed(W, {"oft_blocks": blocks, "alpha": torch.tensor(norm / 6 / 2)})
    assert close(tight, changed(W, {"oft_blocks": blocks / 2}))


def test_boft_turns_outputs_by_butterflies():
    """Liu et al. 2024: each level is a block diagonal rotation between a permutation and its inverse, as matrices."""
    weight, blocks = noise(8, 5, seed=1), noise(3, 4, 2, 2, seed=2)
    wanted = weight
    for level, turns in enumerate(blocks):
        apart = 2**level
        order = [
            start + offset + half * apart
            for start in range(0, 8, 2 * apart)
            for offset in range(apart)
            for half in (0, 1)
        ]
        permutation = torch.eye(8)[order]
        wanted = permutation.T @ torch.block_diag(*[cayley(block) for block in turns]) @ permutation @ wanted
    assert close(changed(weight, {"oft_blocks": blocks}), wanted)
    assert close(changed(weight, {"oft_blocks": blocks}, 0.0), weight)


@pytest.mark.parametrize("name", ["rows", "columns", "magnitude"])
@pytest.mark.parametrize("weight", [W, K], ids=["linear", "convolution"])
def test_dora(name, weight):
    """Liu et al. 2024, eq. 5: directions of W + ΔW, lengths from the file; here with loops over rows or columns."""
    down, up = noise(R, *weight.shape[1:], seed=3), noise(6, R, *[1] * (weight.ndim - 2), seed=4)
    axis, size = (1, 8) if name == "columns" else (0, 6)
    lengths = 1 + noise(size, seed=5).abs()
    shape = [size if at == axis else 1 for at in range(weight.ndim)]
    role = {"magnitude": lengths} if name == "magnitude" else {"dora_scale": lengths.reshape(shape)}
    moved = weight + torch.einsum("or,ri->oi", up.flatten(1), down.flatten(1)).reshape(weight.shape)
    wanted = moved.clone()
    for at in range(size):
        piece = moved.select(axis, at)
        wanted.select(axis, at).copy_(lengths[at] * piece / piece.norm())
    parts = {"down": down, "up": up, **role}
    assert close(changed(weight, parts), wanted)
    assert close(changed(weight, parts, 0.5), (weight + wanted) / 2)


def test_differences_and_replacements():
    other, bias = noise(6, 8, seed=6), noise(6, seed=7)
    assert close(changed(W, {"diff": other}, 0.5), W + 0.5 * other)
    assert close(changed(W, {"set_weight": other}), other)
    assert close(changed(W, {"set_weight": other}, 0.25), 0.75 * W + 0.25 * other)
    assert close(changed(bias, {"diff_b": noise(6, seed=8)}, -1.0, "bias"), bias - noise(6, seed=8))
    assert close(changed(bias, {"w_norm": noise(6, seed=8)}), bias + noise(6, seed=8))


@pytest.mark.parametrize("roles", [{"up"}, {"hada_w1_a", "hada_w1_b"}, {"lokr_w1"}, {"alpha"}, {"dora_scale"}])
def test_half_a_change_is_none(roles):
    assert kinds(roles) == []


MERGED = {
    "loha": (LINEAR, {"hada_w1_a": (32, R), "hada_w1_b": (R, 32), "hada_w2_a": (32, R), "hada_w2_b": (R, 32)}),
    "lokr": (CONVOLUTION, {"lokr_w1": (4, 8), "lokr_w2": (8, 4, 3, 3)}),
    "oft": (LINEAR, {"oft_blocks": (4, 8, 8)}),
    "boft": (LINEAR, {"oft_blocks": (3, 8, 4, 4)}),
    "diff": (CONVOLUTION, {"diff": (32, 32, 3, 3)}),
}


@pytest.mark.parametrize(("layer", "shapes"), MERGED.values(), ids=MERGED)
def test_a_kind_that_is_merged_takes_only_the_tensors_it_changes(parts, tmp_path: Path, layer, shapes):
    tensors = {role: noise(*shape, seed=seed, scale=0.2) for seed, (role, shape) in enumerate(shapes.items(), 40)}
    file = saved(tmp_path / "a.safetensors", {f"{kohya(layer)}.{role}": tensor for role, tensor in tensors.items()})
    weights = Weights("cpu", "fp32")
    with weights.lend(parts.model):
        before = weights.bytes_held
    found = answer(weights, replace(parts.model, patches=(LoraPatch(file, 0.9),)))
    weight = tiny_unet().get_submodule(layer).weight
    wanted = answer_of(changed_unet({layer: changed(weight, tensors, 0.9) - weight}))
    assert off(found, wanted) <= 1e-5
    assert off(found, answer_of(tiny_unet())) > 1e-4
    assert weights.bytes_held - before == weight.nbytes
    assert weights.loads == 1
