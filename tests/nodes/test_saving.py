"""Saving nodes write files that loaders read, whole or not at all."""

import json
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from diffusion.checkpoint import Parts, read_checkpoint, read_text_encoders, read_unet, read_vae
from diffusion.saving import writing
from diffusion.saving.files import text_drafts
from graph.files import File, SavedFiles
from graph.folders import OutputFolder
from graph.progress import Progress
from nodes.lora import load_lora_of_model
from nodes.merging import subtract_models
from nodes.saving import save_checkpoint, save_lora, save_model, save_text_encoders, save_vae
from tests.diffusion.tiny import write_tiny_checkpoint
from tests.diffusion.tiny_families import tiny_sdxl


@dataclass(frozen=True)
class Record:
    def texts(self) -> dict[str, str]:
        return {"prompt": '{"1": {}}'}


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    return read_checkpoint(write_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny.safetensors"), "x")


@pytest.fixture
def services(tmp_path: Path) -> dict[str, Any]:
    return {"output": OutputFolder(tmp_path), "record": Record()}


def finished(steps: Generator[Progress, None, SavedFiles]) -> list[str]:
    """The names of the files; what is reported rises to the end."""
    done = []
    while True:
        try:
            done.append(next(steps))
        except StopIteration as stop:
            assert [step.done for step in done] == sorted(step.done for step in done)
            assert (done[-1].done, done[-1].total) == (100, 100)
            return [path.as_posix() for path in stop.value.paths]


def test_files_have_counters_and_the_workflow(parts, services, tmp_path: Path):
    steps = [save_checkpoint(parts.model, parts.text_encoder, parts.vae, **services) for _ in range(2)]
    found = [finished(each) for each in steps]
    names = [f"{tmp_path}/checkpoints/ComfyUI_0000{number}_.safetensors" for number in (1, 2)]
    assert found == [[name] for name in names]
    with safe_open(names[0], "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["prompt"]) == {"1": {}}
    assert metadata["modelspec.title"] == "ComfyUI_00001_"
    assert read_checkpoint(Path(names[1]), "y").model.family == "sd1"
    assert sorted(os.listdir(tmp_path / "checkpoints")) == [Path(name).name for name in names]


def test_parts_have_their_folders(parts, services, tmp_path: Path):
    (unet,) = finished(save_model(parts.model, **services))
    (text,) = finished(save_text_encoders(parts.text_encoder, **services))
    (vae,) = finished(save_vae(parts.vae, **services))
    assert [str(Path(path).relative_to(tmp_path)) for path in (unet, text, vae)] == [
        "diffusion_models/ComfyUI_00001_.safetensors",
        "clip/ComfyUI_clip_l_00001_.safetensors",
        "vae/ComfyUI_vae_00001_.safetensors",
    ]
    assert read_unet(Path(unet), "u").family == read_text_encoders([(Path(text), "t")]).family == "sd1"
    assert read_vae(Path(vae), "v").space.factor == parts.vae.space.factor


def test_a_difference_becomes_a_lora_that_a_loader_takes(parts, services, tmp_path: Path):
    other = read_checkpoint(write_tiny_checkpoint(tmp_path / "other.safetensors", seed=100), "y")
    difference = subtract_models(other.model, parts.model, 1.0)
    (name,) = finished(save_lora("loras/x", 2, "standard", False, difference, **services))
    assert name == f"{tmp_path}/loras/x_00001_.safetensors"
    assert load_lora_of_model(parts.model, File("x", Path(name), "z")).patches


def test_a_full_disk_is_a_sentence_and_leaves_nothing(parts, services, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(writing, "disk_usage", lambda folder: type("Usage", (), {"free": 1_000_000}))
    with pytest.raises(
        OSError, match=r"What is to be saved takes 0\.\d\d GB, and 0\.00 GB are free on the disk of '.*'\. Make room"
    ):
        finished(save_vae(parts.vae, **services))
    assert not [name for name in os.listdir(tmp_path / "vae") if not name.endswith(".reserved")]


def test_several_files_must_have_room_together(services, tmp_path: Path, monkeypatch):
    """Room for either of SDXL's text encoders, not for both: none is begun."""
    clip = read_checkpoint(tiny_sdxl().write(tmp_path / "sdxl.safetensors"), "xl").text_encoder
    one, other = (draft.nbytes for draft in text_drafts(clip))
    free = writing.SPARE + max(one, other) + 10_000
    assert free < writing.SPARE + one + other
    monkeypatch.setattr(writing, "disk_usage", lambda folder: type("Usage", (), {"free": free}))
    with pytest.raises(OSError, match="What is to be saved takes"):
        finished(save_text_encoders(clip, **services))
    assert not [name for name in os.listdir(tmp_path / "clip") if not name.endswith(".reserved")]


def test_a_save_that_is_cancelled_leaves_nothing(parts, services, tmp_path: Path):
    steps = save_vae(parts.vae, **services)
    next(steps)
    assert any(name.endswith(".part") for name in os.listdir(tmp_path / "vae"))
    steps.close()
    assert not [name for name in os.listdir(tmp_path / "vae") if not name.endswith(".reserved")]
