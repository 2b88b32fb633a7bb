"""What `--memory` asks for, and what is left of it."""

import subprocess
import sys

import psutil
import pytest

from diffusion.budget import Budget, parse_memory, room_of, said
from diffusion.precision import UnavailableError


@pytest.mark.parametrize(
    ("text", "nbytes"),
    [
        ("auto", None), ("6GB", 6 * 10**9), ("1.5GB", 1_500_000_000), ("1.5 GiB", 3 * 2**29), ("800mb", 800 * 10**6),
        ("512MiB", 2**29), ("4000000000", 4 * 10**9), ("2g", 2 * 10**9), ("64KB", 64_000), ("100B", 100),
    ],
)  # fmt: skip
def test_amounts(text, nbytes):
    assert parse_memory(text) == nbytes


@pytest.mark.parametrize("text", ["", "lots", "6 XB", "-1GB", "0", "0.1B", "1e9", "GB", "1,5GB"])
def test_anything_else_is_told(text):
    with pytest.raises(UnavailableError, match="is no amount of memory. Write auto, or an amount such as 6GB"):
        parse_memory(text)


def test_a_limit_is_a_limit():
    assert Budget("cpu", 1000).left(300) == 700
    assert Budget("cpu", 1000).left(1300) == -300


def test_without_a_limit_it_is_what_is_free_less_a_tenth(monkeypatch):
    class Memory:
        total, available = 8000, 5000

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    assert room_of("cpu") == (8000, 5000)
    assert Budget("cpu").left(3000) == 4500


@pytest.mark.parametrize(
    ("nbytes", "words"), [(5_140_000_000, "5.1 GB"), (96_000_000, "96 MB"), (949_000_000, "949 MB"), (10, "1 MB")]
)
def test_amounts_in_words(nbytes, words):
    assert said(nbytes) == words


def test_it_loads_no_torch():
    code = "import sys, diffusion.budget, diffusion.activations; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
