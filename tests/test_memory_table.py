"""The table of docs/models.md that says what each network needs: numbers of published models, nothing out of date."""

from pathlib import Path

from benchmarks.memory_table import needs, table

ROOT = Path(__file__).parents[1]

PUBLISHED = {
    "U-Net of Stable Diffusion 1.5": 859_520_964,
    "U-Net of Stable Diffusion 2": 865_910_724,
    "U-Net of SDXL": 2_567_463_684,
    "text encoder CLIP L": 123_060_480,
    "text encoder OpenCLIP H": 340_387_840,
    "text encoder OpenCLIP bigG": 694_659_840,
    "autoencoder, 512 × 512": 83_653_863,
    "ControlNet for Stable Diffusion 1.5": 361_279_120,
    "CLIP vision H": 632_076_800,
    "ESRGAN ×4": 16_697_987,
}
"""Parameters of models as their authors, or those who count them, give them."""


def test_the_page_has_the_table():
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in page, "Write the output of `python -m benchmarks.memory_table` into docs/models.md."


def test_networks_are_those_that_are_published():
    counted = {each.name: each.parameters for each in needs()}
    assert {name: counted[name] for name in PUBLISHED} == PUBLISHED


def test_what_is_least_is_less_than_all():
    for each in needs():
        assert each.least <= 2 * each.parameters + each.call or not each.largest
