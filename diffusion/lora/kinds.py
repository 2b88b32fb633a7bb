"""The kinds of changes that LoRA files hold, each a formula: the tensors of a change and a weight W give ΔW.

W is [out, in, *kernel] or, of norms and biases, [out]; all is float32. α is the file's `alpha`, r the rank.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Parts = Mapping[str, Tensor]
"""The tensors of a change by role, as of `diffusion.lora.names.split`."""

Formula = Callable[[Parts, Tensor, float], Tensor]
"""(tensors, W, strength) → ΔW. Raises RuntimeError or IndexError where the shapes do not fit W."""

Leaf = Literal["weight", "bias"]
"""Which tensor of a layer."""


@dataclass(frozen=True)
class Kind:
    """A kind of change. adds: ΔW does not depend on W, so that several may be added in any order."""

    title: str
    formula: Formula
    adds: bool = True


def factors(parts: Parts) -> tuple[Tensor, Tensor]:
    """Down [r, in, *kernel] and up [out, r] of a LoRA (Hu et al. 2021, §4.1), so that ΔW = α/r · up · down.

    A Tucker core `mid` [r, r, *kernel] between them (LyCORIS, Yeh et al. 2023, §3.1) becomes part of down.
    """
    down, up = parts["down"], parts["up"].flatten(1)
    if "mid" in parts:
        down = torch.einsum("mn...,ni->mi...", parts["mid"], down.flatten(1))
    return down, up


def low_rank_shape(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    """The shape of ΔW of a LoRA without core, from those of its tensors; () where they do not go together.

    None for one with a core. It spares the commonest kind a trial of its formula.
    """
    down, up = shapes["down"], shapes["up"]
    if "mid" in shapes:
        return None
    return (up[0], *down[1:]) if len(down) > 1 and up[:2] == (up[0], down[0]) and math.prod(up[2:]) == 1 else ()


def ratio(parts: Parts, rank: int) -> Tensor:
    """α/r, 0-d, float32; 1 where the file has no alpha."""
    return parts["alpha"].reshape(()).float() / rank if "alpha" in parts else torch.ones(())


def _low_rank(parts: Parts, weight: Tensor, strength: float) -> Tensor:
    down, up = factors(parts)
    return _shaped(strength * ratio(parts, len(down)) * (up @ down.flatten(1)), weight)


def _hadamard(parts: Parts, weight: Tensor, strength: float) -> Tensor:
    """LoHa (Hyeon-Woo et al. 2022, eq. 2): ΔW = α/r · (a₁b₁) ∘ (a₂b₂); with cores, each factor is a Tucker product."""
    rank = len(parts["hada_w1_b"])
    return _shaped(strength * ratio(parts, rank) * (_hadamard_side(parts, "1") * _hadamard_side(parts, "2")), weight)


def _hadamard_side(parts: Parts, number: str) -> Tensor:
    a, b, core = parts[f"hada_w{number}_a"], parts[f"hada_w{number}_b"], parts.get(f"hada_t{number}")
    return a @ b.flatten(1) if core is None else torch.einsum("ij...,ip,jr->pr...", core, a, b).flatten(1)


def _kronecker(parts: Parts, weight: Tensor, strength: float) -> Tensor:
    """LoKr (Yeh et al. 2023, §3.2): ΔW = α/r · w₁ ⊗ w₂, each whole or of low rank. α counts only where one of them is
    of low rank.
    """
    left = parts["lokr_w1"] if "lokr_w1" in parts else parts["lokr_w1_a"] @ parts["lokr_w1_b"]
    if "lokr_w2" in parts:
        right = parts["lokr_w2"]
    elif "lokr_t2" in parts:
        right = torch.einsum("ij...,ip,jr->pr...", parts["lokr_t2"], parts["lokr_w2_a"], parts["lokr_w2_b"])
    else:
        right = parts["lokr_w2_a"] @ parts["lokr_w2_b"].flatten(1)
    inner = parts.get("lokr_w2_b", parts.get("lokr_w1_b"))
    scale = strength if inner is None else strength * ratio(parts, len(inner))
    return _shaped(scale * torch.kron(left.contiguous(), right.flatten(1).contiguous()), weight)


def _orthogonal(parts: Parts, weight: Tensor, strength: float) -> Tensor:
    """OFT (Qiu et al. 2023, eq. 3–5) and BOFT (Liu et al. 2024, §4): W is rotated along its outputs, block by block.

    Blocks are [k, b, b], or [m, k, b, b] for m butterfly factors; each is Cayley's transform of a skew matrix, and for
    a strength s, I + s·(R − I) stands for the rotation R. `rescale` [out, …] stretches the outputs afterwards. α is
    the largest norm of the skew matrices per output, where it is not 0.
    """
    blocks, before = parts["oft_blocks"], weight.flatten(1)
    rotations = _cayley(blocks, parts["alpha"] * len(weight) if "alpha" in parts else torch.zeros(()))
    unit = torch.eye(blocks.shape[-1], device=blocks.device)
    rotations = unit + strength * (rotations - unit)
    after = _rotated(rotations.mT, before) if blocks.ndim == 3 else _through_butterfly(rotations, before)
    if "rescale" in parts:
        after = after * (1 + strength * (parts["rescale"].reshape(-1, 1) - 1))
    return _shaped(after - before, weight)


def _cayley(blocks: Tensor, limit: Tensor) -> Tensor:
    """(I + Q)(I − Q)⁻¹ with Q = B − Bᵀ, all of it brought down to the norm `limit` if that is not 0."""
    skew = blocks - blocks.mT
    norm = skew.norm().clamp(min=1e-8)
    limit = limit.reshape(()).to(skew)
    skew = skew * torch.where((limit > 0) & (norm > limit), limit / norm, torch.ones_like(norm))
    unit = torch.eye(blocks.shape[-1], device=blocks.device)
    return (unit + skew) @ torch.linalg.inv(unit - skew)


def _rotated(rotations: Tensor, rows: Tensor) -> Tensor:
    """Rows [k·b, n], each block of b of them times its rotation [k, b, b]."""
    return (rotations @ rows.unflatten(0, (len(rotations), -1))).flatten(0, 1)


def _through_butterfly(levels: Tensor, rows: Tensor) -> Tensor:
    """Rows [out, n] times each of m factors; the i-th one mixes rows that lie 2^i half blocks apart."""
    half = levels.shape[-1] // 2
    for level, rotations in enumerate(levels):
        apart = 2**level * half
        rows = rows.unflatten(0, (-1, 2, apart)).transpose(1, 2).flatten(0, 2)
        rows = _rotated(rotations, rows)
        rows = rows.unflatten(0, (-1, apart, 2)).transpose(1, 2).flatten(0, 2)
    return rows


def _difference(role: str) -> Formula:
    """The change itself, as it stands in the file."""
    return lambda parts, weight, strength: _shaped(strength * parts[role].reshape(len(parts[role]), -1), weight)


def _replacement(parts: Parts, weight: Tensor, strength: float) -> Tensor:
    """Another weight in the place of W; strengths between 0 and 1 lie between both."""
    return strength * (_shaped(parts["set_weight"].flatten(1), weight) - weight)


def _decomposed(kind: Kind) -> Kind:
    """DoRA (Liu et al. 2024, eq. 5): V = W + ΔW keeps its directions and gets lengths m from the file: m · V / ‖V‖.

    Lengths are those of rows, [out, 1, …], or of columns, [1, in, 1, …]: their shape tells. The strength is how far W
    goes towards the result.
    """

    def formula(parts: Parts, weight: Tensor, strength: float) -> Tensor:
        moved = weight + kind.formula(parts, weight, 1.0)
        lengths = parts["magnitude"].flatten() if "magnitude" in parts else parts["dora_scale"]
        lengths = lengths.reshape(*lengths.shape, *[1] * (weight.ndim - lengths.ndim))
        axis = 0 if lengths.shape[0] == weight.shape[0] else 1
        others = [each for each in range(weight.ndim) if each != axis]
        norm = moved.square().sum(others, keepdim=True).sqrt().clamp(min=torch.finfo(moved.dtype).eps)
        return strength * _shaped(lengths / norm * moved - weight, weight)

    return Kind(f"DoRA ({kind.title})", formula, adds=False)


def _shaped(change: Tensor, weight: Tensor) -> Tensor:
    """A change [out, the rest] in the shape of W."""
    if len(change) != len(weight):
        raise RuntimeError(f"a change of {len(change)} rows for a weight of {len(weight)}")
    return change.reshape(weight.shape)


LOW_RANK = Kind("LoRA", _low_rank)

_NEEDED: tuple[tuple[tuple[str, ...], Leaf, Kind], ...] = (
    (("up", "down"), "weight", LOW_RANK),
    (("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"), "weight", Kind("LoHa", _hadamard)),
    (("lokr_w1", "lokr_w2"), "weight", Kind("LoKr", _kronecker)),
    (("lokr_w1", "lokr_w2_a", "lokr_w2_b"), "weight", Kind("LoKr", _kronecker)),
    (("lokr_w1_a", "lokr_w1_b", "lokr_w2"), "weight", Kind("LoKr", _kronecker)),
    (("lokr_w1_a", "lokr_w1_b", "lokr_w2_a", "lokr_w2_b"), "weight", Kind("LoKr", _kronecker)),
    (("oft_blocks",), "weight", Kind("OFT", _orthogonal, adds=False)),
    (("set_weight",), "weight", Kind("replacement", _replacement, adds=False)),
    (("diff",), "weight", Kind("difference", _difference("diff"))),
    (("w_norm",), "weight", Kind("norm", _difference("w_norm"))),
    (("diff_b",), "bias", Kind("difference", _difference("diff_b"))),
    (("b_norm",), "bias", Kind("norm", _difference("b_norm"))),
)
"""Which tensors make a change of a kind, and of what."""


def kinds(roles: set[str]) -> list[tuple[Leaf, Kind]]:
    """The changes that tensors of these roles make of one layer; none where something of them is missing."""
    found: list[tuple[Leaf, Kind]] = [(leaf, kind) for needed, leaf, kind in _NEEDED if roles.issuperset(needed)]
    if roles & {"dora_scale", "magnitude"}:
        return [(leaf, _decomposed(kind) if leaf == "weight" and kind.adds else kind) for leaf, kind in found]
    return found
