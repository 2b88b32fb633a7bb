import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp
from torch.nn import functional

from diffusion.resize import METHODS, resize


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic"])
@pytest.mark.parametrize("size", [(5, 7), (40, 33), (1, 1)])
def test_torch_methods_are_torchs(method, size):
    tensor = picture(2, 3, 17, 13)
    assert torch.equal(resize(tensor, *size, method), functional.interpolate(tensor, size, mode=method))


def test_area_shrunk_by_a_whole_factor_is_the_mean_of_each_block():
    tensor = picture(1, 2, 8, 12)
    blocks = tensor.reshape(1, 2, 4, 2, 4, 3).mean(dim=(3, 5))
    torch.testing.assert_close(resize(tensor, 4, 4, "area"), blocks)


def lanczos_weights(old: int, new: int) -> np.ndarray:
    """The matrix that resamples one axis: sinc(t)·sinc(t/3) around each new centre, its rows summing to 1."""
    scale = old / new
    distance = (np.arange(old) + 0.5 - (np.arange(new)[:, None] + 0.5) * scale) / max(scale, 1)
    weights = np.where(abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("size", [(9, 30), (64, 64), (5, 3), (20, 90)])
def test_lanczos_is_the_windowed_sinc_and_rounds_nothing(size):
    tensor = picture(1, 1, 20, 31)
    expected = lanczos_weights(20, size[0]) @ tensor[0, 0].double().numpy() @ lanczos_weights(31, size[1]).T
    np.testing.assert_allclose(resize(tensor, *size, "lanczos")[0, 0].numpy(), expected, atol=1e-6)


def test_lanczos_leaves_each_channel_and_each_picture_to_itself():
    tensor = picture(2, 5, 12, 10)
    together = resize(tensor, 7, 21, "lanczos")
    for b in range(2):
        for c in range(5):
            assert torch.equal(together[b, c], resize(tensor[b : b + 1, c : c + 1], 7, 21, "lanczos")[0, 0])


def test_lanczos_keeps_a_16_bit_step():
    """Two greys that 8 bits cannot tell apart stay apart."""
    tensor = torch.full((1, 1, 8, 8), 1000 / 65535)
    tensor[..., 4:] = 1001 / 65535
    wide = resize(tensor, 8, 80, "lanczos")[0, 0, 0]
    assert wide[0] < wide[-1]
    assert wide[[0, -1]].mul(65535).round().tolist() == [1000, 1001]


def test_bislerp_between_two_unit_vectors_is_scipys_slerp():
    """Over three channels, slerp of directions is a rotation that scipy knows."""
    start, end = (Rotation.from_euler("xyz", angles).apply([1, 0, 0]) for angles in ([0.1, 0.4, 0.3], [1.2, -0.3, 2.0]))
    width = 40
    axis = np.cross(start, end)
    turn = axis / np.linalg.norm(axis) * math.acos(start @ end)
    slerp = Slerp([0, 1], Rotation.from_rotvec([0 * turn, turn]))
    places = np.clip((np.arange(width) + 0.5) * 2 / width - 0.5, 0, 1)
    expected = slerp(places).apply(start)
    tensor = torch.tensor(np.stack([start, end], axis=-1), dtype=torch.float32).reshape(1, 3, 1, 2)
    ours = resize(tensor, 1, width, "bislerp")[0, :, 0].T
    np.testing.assert_allclose(ours.numpy(), expected, atol=2e-6)


def test_bislerp_keeps_the_length_of_vectors_where_bilinear_shortens_them():
    tensor = functional.normalize(torch.randn((1, 4, 16, 16), generator=torch.Generator().manual_seed(0)), dim=1)
    lengths = resize(tensor, 37, 29, "bislerp").norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths), atol=1e-5, rtol=0)
    assert resize(tensor, 37, 29, "bilinear").norm(dim=1).mean() < 0.9


@pytest.mark.parametrize(
    "end", [[3.0, 3.0], [-2.0, -2.0], [0.0, 0.0], [1.0, 1.0]], ids=["parallel", "opposite", "zero", "equal"]
)
def test_bislerp_goes_straight_where_no_great_circle_is_given(end):
    tensor = torch.tensor([[1.0, 1.0], end]).T.reshape(1, 2, 1, 2)
    torch.testing.assert_close(resize(tensor, 1, 9, "bislerp"), resize(tensor, 1, 9, "bilinear"))


@pytest.mark.parametrize("method", METHODS)
def test_same_size_is_the_same_tensor_and_a_flat_picture_stays_flat(method):
    tensor = picture(1, 4, 6, 9)
    assert resize(tensor, 6, 9, method) is tensor
    flat = torch.full((1, 4, 6, 9), 0.25)
    torch.testing.assert_close(resize(flat, 11, 5, method), torch.full((1, 4, 11, 5), 0.25))


def test_center_crop_takes_the_middle():
    tensor = torch.arange(10.0).expand(1, 1, 4, 10)
    assert resize(tensor, 4, 4, "bilinear", "center")[0, 0, 0].tolist() == [3, 4, 5, 6]
    assert resize(tensor.mT, 4, 4, "bilinear", "center")[0, 0, :, 0].tolist() == [3, 4, 5, 6]
    assert torch.equal(resize(tensor, 2, 5, "area", "center"), resize(tensor, 2, 5, "area"))


@given(
    st.tuples(*[st.integers(1, 9)] * 2),
    st.tuples(*[st.integers(1, 24)] * 2),
    st.sampled_from(sorted(METHODS)),
    st.sampled_from(["disabled", "center"]),
)
@settings(max_examples=150, deadline=None)
def test_any_size_to_any_size(old, new, method, crop):
    tensor = picture(2, 3, *old)
    before = tensor.clone()
    resized = resize(tensor, *new, method, crop)
    assert resized.shape == (2, 3, *new)
    assert resized.dtype == torch.float32
    assert resized.isfinite().all()
    assert torch.equal(tensor, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4, 4, "bilinaer"), "There is no resize method 'bilinaer'. Did you mean 'bilinear'?"),
        ((4, 4, "bilinear", "x"), "There is no crop 'x'. There are: disabled, center."),
        ((0, 4, "bilinear"), "Nothing can be resized to 4×0 pixels; both sides must be at least 1."),
    ],
)
def test_what_cannot_be_done_is_said(arguments, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        resize(picture(1, 3, 2, 2), *arguments)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"got shape \[3, 2, 2\]"):
        resize(picture(3, 2, 2), 4, 4, "area")
