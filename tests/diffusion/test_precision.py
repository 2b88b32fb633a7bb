"""What is chosen on which hardware; the hardware is played."""

from pathlib import Path

import pytest
import torch

from diffusion import precision
from diffusion.precision import UnavailableError, choose, wider


@pytest.fixture
def plays(monkeypatch):
    def play(feature: str = "", gpus: int = 0, capability: tuple[int, int] = (8, 6)) -> None:
        monkeypatch.setattr(precision, "native_bf16", lambda: feature)
        monkeypatch.setattr(precision, "_torch_is_for_cpus", lambda: gpus == 0)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A card")

    return play


def test_a_processor_with_native_bf16_computes_in_it(plays):
    plays(feature="AMX")
    choice = choose()
    assert (choice.device, choice.precision, choice.kind) == ("cpu", "bf16", "cpu")
    assert "AMX" in choice.reason


def test_another_processor_computes_in_float32(plays):
    plays()
    choice = choose()
    assert (choice.device, choice.precision) == ("cpu", "fp32")
    assert "neither AMX nor AVX512-BF16" in choice.reason


@pytest.mark.parametrize(("capability", "expected"), [((7, 0), "fp16"), ((8, 6), "fp16"), ((6, 1), "fp32")])
def test_a_card_computes_in_half_precision_where_it_is_faster(plays, capability, expected):
    plays(gpus=1, capability=capability)
    choice = choose()
    assert (choice.device, choice.precision) == ("cuda:0", expected)
    assert "A card" in choice.reason


def test_what_is_asked_for_is_taken(plays):
    plays(feature="AMX", gpus=2)
    assert (choose("cpu", "fp32").device, choose("cpu", "fp32").precision) == ("cpu", "fp32")
    assert (choose("cuda:1", "bf16").device, choose("cuda:1", "bf16").precision) == ("cuda:1", "bf16")
    assert choose("cuda").device == "cuda:0"


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        ("tpu", "no device 'tpu'"),
        ("cuda:x", "no device 'cuda:x'"),
        ("cuda:5", "it sees 2 of that kind"),
        ("mps", "sees 0"),
    ],
)
def test_a_device_that_is_not_there_is_an_error(plays, device, sentence):
    plays(gpus=2)
    with pytest.raises(UnavailableError, match=sentence):
        choose(device)


def test_an_unknown_precision_is_an_error():
    with pytest.raises(UnavailableError, match="no precision 'fp8'. Use auto, fp32, bf16, fp16"):
        choose("cpu", "fp8")


def test_flags_are_read_as_the_kernel_writes_them(tmp_path: Path):
    text = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu avx512_bf16 amx_tile amx_bf16\nbugs\t\t:\n"
    (tmp_path / "cpuinfo").write_text(text)
    assert precision._cpu_flags(tmp_path / "cpuinfo") == {"fpu", "avx512_bf16", "amx_tile", "amx_bf16"}
    assert precision._cpu_flags(tmp_path / "absent") == set()


def test_the_processor_is_judged_as_torch_judges_it():
    truth = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    assert bool(precision.native_bf16()) == truth


def test_what_overflowed_is_repeated_wider(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert wider("fp16", "cuda:0") == "bf16"
    assert wider("bf16", "cuda:0") == "fp32"
    assert wider("fp16", "cpu") == wider("bf16", "cpu") == "fp32"
