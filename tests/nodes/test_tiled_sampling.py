"""The node of tiled sampling: what it sets on a model."""

import pytest

from diffusion.model_options import TiledSampling
from diffusion.values import Model, WeightFile
from nodes import tiled_sampling as nodes

MODEL = Model("sd1", WeightFile("/m.safetensors", "d"), options=("before",))


def test_the_option_is_appended() -> None:
    model = nodes.sample_in_tiles(MODEL, "MultiDiffusion", 640, 512, 96, 2)
    assert model.options == ("before", TiledSampling(640, 512, 96, "even", 2))
    assert nodes.sample_in_tiles(MODEL).options[-1] == TiledSampling(768, 768, 192, "gaussian", 4)


@pytest.mark.parametrize("overlap", [512, 640])
def test_an_overlap_as_large_as_a_tile_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match=f"tiles of 640×512 pixels cannot overlap by {overlap}"):
        nodes.sample_in_tiles(MODEL, "MultiDiffusion", 640, 512, overlap)
