from io import BytesIO
from pathlib import Path

import pytest

from diffusion.checkpoint import read_checkpoint
from noisewright import worker

SPROUT = Path(__file__).parents[2] / "models" / "checkpoints" / "sprout.safetensors"


@pytest.mark.parametrize("is_held", [False, True])
def test_what_is_imported_is_overlooked_only_while_no_weights_are_there(tmp_path, monkeypatch, is_held):
    overlooked = []
    monkeypatch.setattr(worker, "overlook", lambda: overlooked.append(True))
    work = worker._Work(tmp_path, {"device": "cpu"}, BytesIO())
    if is_held:
        with work.engine.weights.lend(read_checkpoint(SPROUT, "sprout").vae):
            pass
    work._warm_up()
    assert bool(overlooked) is not is_held
