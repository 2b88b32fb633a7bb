"""What a plan says of memory: for the template that makes a picture of text, with the bundled model."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from diffusion.forecast import Drawn, Needed
from graph.errors import GraphError
from noisewright.engine import Engine

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "workflows" / "text-to-image.json"


@pytest.fixture
def seen(monkeypatch) -> list[tuple[list[Needed], Drawn | None]]:
    """What is asked about."""
    from diffusion import forecast

    asked: list[tuple[list[Needed], Drawn | None]] = []

    def foreseen(choice, limit, needed, drawn) -> list[str]:
        asked.append((needed, drawn))
        return [f"limit {limit}"]

    monkeypatch.setattr(forecast, "foreseen", foreseen)
    return asked


def test_it_asks_about_the_denoiser_and_the_largest_picture(seen, tmp_path: Path):
    with Engine(data=tmp_path, memory="20MB", keep="nothing") as engine:
        said = engine.foresee(engine.plan(TEMPLATE, settings={"width": 96, "height": 64}))
    assert said == ("limit 20000000",)
    ((needed, drawn),) = seen
    assert {(one.wire, one.files[0][0].name) for one in needed} == {
        (wire, "sprout.safetensors") for wire in ("MODEL", "CLIP", "VAE")
    }
    assert [one.decoded for one in needed if one.wire == "VAE"] == [(96, 64)]
    assert drawn is not None
    assert (drawn.width, drawn.height) == (96, 64)
    assert drawn.rows % 2 == 0


def test_an_amount_that_is_none_is_told(tmp_path: Path):
    with (
        Engine(data=tmp_path, memory="lots") as engine,
        pytest.raises(GraphError, match="'lots' is no amount of memory. Write auto, or an amount such as 6GB or 1.5GB"),
    ):
        engine.plan(TEMPLATE)


def test_a_picture_is_the_same_within_any_budget(tmp_path: Path):
    wide = Engine(data=tmp_path / "wide", keep="nothing")
    narrow = Engine(data=tmp_path / "narrow", keep="nothing", memory="150MB", idle_unload=600)
    with wide, narrow:
        files = [engine.run(TEMPLATE, settings={"steps": 2}).files[0].read_bytes() for engine in (wide, narrow)]
        assert narrow.weights.budget == 150_000_000
    assert pixels(files[0]) == pixels(files[1])


def pixels(picture: bytes) -> bytes:
    return Image.open(BytesIO(picture)).tobytes()


def test_a_tiny_model_needs_no_word(tmp_path: Path):
    with Engine(data=tmp_path, keep="nothing") as engine:
        assert engine.foresee(engine.plan(TEMPLATE)) == ()
    with Engine(data=tmp_path, memory="1MB", keep="nothing") as engine:
        sentence, *others = engine.foresee(engine.plan(TEMPLATE))
    assert sentence.startswith("The U-Net of 'sprout.safetensors' takes")
