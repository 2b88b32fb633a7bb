"""The names of `comfy_api` as packs use them: declarations, what they become for editors, files, values."""

import asyncio
import io as bytes_io
import json
import wave
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from graph.progress import Progress
from nodes.comfyui.imports import Importer
from nodes.comfyui.interruption import InterruptProcessingException
from nodes.comfyui.schema_inputs import assembled, input_types, unfolded
from nodes.comfyui.shims.comfy_api import input as values
from nodes.comfyui.shims.comfy_api import input_impl, util, v0_0_1, v0_0_2
from nodes.comfyui.shims.comfy_api.latest import IO, UI, ComfyAPI, ComfyAPISync, ComfyExtension, io, ui
from nodes.comfyui.surroundings import Surroundings, entered, home_of


@pytest.fixture
def home(tmp_path: Path):
    surroundings = Surroundings.at(home_of(tmp_path))
    with entered(surroundings):
        yield surroundings


def entry(item: io.Input) -> tuple[Any, dict[str, Any]]:
    (port,) = unfolded([item])
    return port.entry


# Declarations


def test_inputs_say_what_editors_know_under_their_names() -> None:
    """The example of the interface's description."""
    schema = io.Schema(
        node_id="V3Combo",
        category="t",
        inputs=[
            io.Int.Input("n", default=3, min=0, max=9, step=1, control_after_generate=True, tooltip="tt"),
            io.String.Input("s", multiline=True, dynamic_prompts=True),
            io.Float.Input("fl", optional=True, default=0.5, display_mode=io.NumberDisplay.slider),
            io.Image.Input("im", optional=True, lazy=True),
            io.MultiType.Input("mt", [io.Int, io.Float], optional=True),
        ],
        hidden=[io.Hidden.unique_id],
    )
    assert input_types(schema) == {
        "required": {
            "n": (
                "INT",
                {"tooltip": "tt", "default": 3, "min": 0, "max": 9, "step": 1, "control_after_generate": True},
            ),
            "s": ("STRING", {"multiline": True, "dynamicPrompts": True}),
        },
        "optional": {
            "fl": ("FLOAT", {"default": 0.5, "display": "slider"}),
            "im": ("IMAGE", {"lazy": True}),
            "mt": ("INT,FLOAT", {}),
        },
        "hidden": {"cls.hidden.unique_id": "UNIQUE_ID"},
    }


class Colour(Enum):
    red = "r"
    green = "g"


@pytest.mark.parametrize("options", [["r", "g"], Colour, (Colour.red, Colour.green)])
def test_choices_are_texts_or_members_of_an_enumeration(options: Any) -> None:
    assert entry(io.Combo.Input("c", options=options, default=options[1] if isinstance(options, list) else "g")) == (
        ["r", "g"],
        {"default": "g"},
    )


def test_a_choice_of_files_says_from_where() -> None:
    item = io.Combo.Input("file", ["a.png"], upload=io.UploadType.image, image_folder=io.FolderType.input)
    assert entry(item) == (["a.png"], {"image_upload": True, "image_folder": "input"})


def test_choices_that_only_a_server_knows_are_left_open() -> None:
    kind, options = entry(io.Combo.Input("m", remote=io.RemoteOptions(route="/models", refresh=60)))
    assert kind == "STRING"
    assert options["remote"]["route"] == "/models"


def test_some_of_some_choices() -> None:
    item = io.MultiCombo.Input("tags", options=["a", "b"], default=["a"])
    assert entry(item) == (["a", "b"], {"multiselect": True, "default": ["a"]})


def test_an_input_of_several_types_may_be_drawn_as_one_of_them() -> None:
    item = io.MultiType.Input(io.Float.Input("x", default=0.5, min=0.0), types=[io.Int, io.Image])
    assert entry(item) == ("FLOAT,INT,IMAGE", {"min": 0.0, "default": 0.5})


def test_what_a_newer_interface_says_of_an_input_is_kept_for_editors() -> None:
    assert entry(io.Int.Input("n", hologram="blue", extra_dict={"more": 1}))[1] == {"hologram": "blue", "more": 1}


def test_matching_types_are_those_allowed() -> None:
    anything = io.MatchType.Template("T")
    some = io.MatchType.Template("U", allowed_types=[io.Image, io.Mask])
    assert io.MatchType.Input("a", template=anything).io_type == "*"
    assert io.MatchType.Input("a", template=some).io_type == "IMAGE,MASK"
    assert io.MatchType.Output(template=some, display_name="out").io_type == "IMAGE,MASK"


def test_types_of_a_pack() -> None:
    boxes = io.Custom("BOXES")

    @io.comfytype(io_type="TREE")
    class Tree:
        class Input(io.Input):
            def __init__(self, name: str, depth: int) -> None:
                super().__init__(name, tooltip=f"{depth} deep")

    assert boxes.Input("b").io_type == boxes.Output().io_type == "BOXES"
    assert Tree.Input("t", 3).io_type == Tree.Output().io_type == "TREE"  # pyright: ignore[reportAttributeAccessIssue]
    assert entry(Tree.Input("t", 3)) == ("TREE", {"tooltip": "3 deep"})
    assert io.Image.Output().io_type == "IMAGE"  # and no type has changed another one's


def test_outputs_are_known_by_what_is_displayed_else_their_id_else_their_type() -> None:
    assert io.Image.Output("a", display_name="A").name == "A"
    assert io.Image.Output("a").name == "a"
    assert io.Image.Output().name == "IMAGE"
    assert io.MatchType.Output(io.MatchType.Template("T")).name == "output"


def test_every_version_has_the_same_names() -> None:
    for version in (v0_0_1, v0_0_2):
        assert (version.io, version.ui, version.ComfyExtension) == (io, ui, ComfyExtension)
    assert (io, ui) == (IO, UI)
    assert issubclass(input_impl.VideoFromFile, values.VideoInput)


def test_a_name_that_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match=r"'comfy_api\.latest\.io\.Hologram'"):
        io.Hologram  # noqa: B018


def test_every_way_to_import_them(tmp_path: Path) -> None:
    (tmp_path / "pack.py").write_text(
        "import comfy_api.latest\n"
        "from comfy_api.latest import io, ui, ComfyExtension, ComfyAPISync\n"
        "from comfy_api.latest._io import ComfyNode, NodeOutput\n"
        "from comfy_api.v0_0_2 import io as stable\n"
        "from comfy_api.input import ImageInput, VideoInput\n"
        "from comfy_api.input_impl import VideoFromComponents\n"
        "from comfy_api.util import VideoComponents\n"
        "from comfy_execution.utils import get_executing_context\n"
        "from comfy_execution.progress import get_progress_state\n"
        "from protocol import BinaryEventTypes\n"
        "assert comfy_api.latest.io is io is stable\n"
        "def annotated(a: io.Image.Type, b: io.Conditioning.Type, c: io.Latent.LatentDict) -> io.NodeOutput: ...\n"
    )
    importer = Importer(tmp_path / "pack.py")
    importer.load()
    assert not importer.lacking


# Groups


GROWING = io.Autogrow.TemplatePrefix(io.Float.Input("x"), prefix="x", min=1, max=3)
NAMED = io.Autogrow.TemplateNames(io.Image.Input("i"), names=["left", "right"], min=0)
CASES = [
    io.DynamicCombo.Option("scale", [io.Float.Input("by", default=2.0, max=4.0)]),
    io.DynamicCombo.Option("size", [io.Int.Input("by", min=8), io.Autogrow.Input("more", template=GROWING)]),
]


def test_groups_unfold_into_inputs_as_saved_workflows_have_them() -> None:
    inputs = [
        io.Autogrow.Input("a", template=GROWING),
        io.Autogrow.Input("b", template=NAMED),
        io.DynamicCombo.Input("mode", options=CASES),
    ]
    types = input_types(io.Schema("X", inputs=inputs))
    assert list(types["required"]) == ["a.x0", "mode"]
    assert list(types["optional"]) == [
        *("a.x1", "a.x2", "b.left", "b.right", "mode.by", "mode.more.x0", "mode.more.x1", "mode.more.x2")
    ]
    assert types["required"]["mode"][0] == ["scale", "size"]
    assert types["optional"]["mode.by"] == ("FLOAT,INT", {})


def test_groups_are_put_together_again() -> None:
    inputs = [io.Autogrow.Input("a", template=GROWING), io.DynamicCombo.Input("mode", options=CASES)]
    assert assembled(inputs, {"a.x0": 1.0, "a.x2": 3.0, "mode": "scale"}) == {
        "a": {"x0": 1.0, "x2": 3.0},
        "mode": {"mode": "scale", "by": 2.0},
    }
    assert assembled(inputs, {"mode": "size", "mode.by": 9, "mode.more.x0": 5.0}) == {
        "a": {},
        "mode": {"mode": "size", "by": 9, "more": {"x0": 5.0}},
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "size"}, "'mode.by' has nothing, but with mode = 'size' it is needed"),
        ({"mode": "size", "mode.by": 2}, "'mode.by' is 2, but must be at least 8"),
        ({"mode": "scale", "mode.by": 9.0}, "'mode.by' is 9.0, but must be at most 4"),
        ({"mode": "half"}, "'mode' is 'half'; it takes 'scale' and 'size'"),
    ],
)
def test_a_choice_holds_its_own_inputs(given: dict[str, Any], message: str) -> None:
    with pytest.raises(Exception, match=message):
        assembled([io.DynamicCombo.Input("mode", options=CASES)], given)


# What nodes show and save


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def opened(surroundings: Surroundings, saved: dict[str, str]) -> tuple[Path, PilImage.Image]:
    root = surroundings.output.path if saved["type"] == "output" else surroundings.output.temp
    path = root / saved["subfolder"] / saved["filename"]
    return path, PilImage.open(bytes_io.BytesIO(path.read_bytes()))


def test_a_preview_is_written_to_the_temp_folder(home: Surroundings) -> None:
    pixels = picture(2, 6, 5, 3)
    shown = ui.PreviewImage(pixels).as_dict()
    assert [item["type"] for item in shown["images"]] == ["temp", "temp"]
    _, found = opened(home, shown["images"][1])
    assert np.array_equal(np.asarray(found), (pixels[1] * 255).round().byte().numpy())


@pytest.mark.parametrize("shape", [(6, 5), (1, 6, 5), (1, 1, 6, 5)])
def test_a_mask_is_previewed_in_grey(home: Surroundings, shape: tuple[int, ...]) -> None:
    mask = picture(*shape)
    (saved,) = ui.PreviewMask(mask).as_dict()["images"]
    found = np.asarray(opened(home, saved)[1])
    assert np.array_equal(found[..., 2], (mask.reshape(6, 5) * 255).round().byte().numpy())


def test_pictures_are_saved_with_what_the_node_asked_to_know(home: Surroundings) -> None:
    hidden = io.HiddenHolder(prompt={"1": {"class_type": "X", "inputs": {}}}, extra_pnginfo={"workflow": {"nodes": []}})
    cls = io.ComfyNode.prepared(hidden)
    saved = ui.ImageSaveHelper.get_save_images_ui(picture(1, 4, 4, 3), "some/where", cls=cls).as_dict()["images"][0]
    assert saved == {"filename": "where_00001_.png", "subfolder": "some", "type": "output"}
    texts = opened(home, saved)[1].info
    assert json.loads(texts["prompt"]) == hidden.prompt
    assert json.loads(texts["workflow"]) == {"nodes": []}


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_batch_is_saved_as_an_animation(home: Surroundings, kind: str) -> None:
    save = getattr(ui.ImageSaveHelper, f"get_save_animated_{kind}_ui")
    shown = save(picture(3, 8, 8, 3), "moving", None, fps=10.0).as_dict()
    assert shown["animated"] == (True,)
    _, found = opened(home, shown["images"][0])
    assert getattr(found, "n_frames", 1) == 3


def test_a_sound_is_previewed(home: Surroundings) -> None:
    waveform = torch.sin(torch.arange(800) / 10).reshape(1, 1, 800).repeat(1, 2, 1)
    (saved,) = ui.PreviewAudio({"waveform": waveform, "sample_rate": 8000}).as_dict()["audio"]
    data = (home.output.temp / saved["filename"]).read_bytes()
    with wave.open(bytes_io.BytesIO(data)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (2, 8000, 800)
        samples = np.frombuffer(sound.readframes(800), "<i2").reshape(800, 2)
    assert np.abs(samples[:, 0] / 32767 - waveform[0, 0].numpy()).max() < 1e-4


def test_texts_are_shown() -> None:
    assert ui.PreviewText("hello").as_dict() == {"text": ("hello",)}


def test_videos_are_their_parts(tmp_path: Path) -> None:
    video = input_impl.VideoFromComponents(util.VideoComponents(picture(4, 6, 8, 3), Fraction(2)))
    assert (video.get_dimensions(), video.get_duration()) == ((8, 6), 2.0)
    with pytest.raises(NotImplementedError, match="writing video files is not supported"):
        video.save_to(tmp_path / "a.mp4")
    with pytest.raises(NotImplementedError, match="'a.mp4' was not read"):
        input_impl.VideoFromFile("a.mp4").get_components()


# Node classes


class Plain(io.ComfyNode):
    count = 0


def test_a_class_is_made_for_each_call_and_keeps_nothing() -> None:
    prepared = Plain.prepared(io.HiddenHolder(unique_id="7"))
    assert prepared.hidden.unique_id == "7"
    assert Plain.hidden.unique_id is None
    assert prepared.hidden.auth_token_comfy_org is None
    with pytest.raises(AttributeError, match=r"Plain\.count cannot be set"):
        prepared.count = 1
    Plain.count = 2
    assert prepared.count == 2


def test_a_result_from_a_dictionary() -> None:
    result = io.NodeOutput.from_dict({"result": (1, 2), "ui": {"text": ["a"]}})
    assert (result.args, result.result, result[1], result.ui) == ((1, 2), (1, 2), 2, {"text": ["a"]})
    assert io.NodeOutput().result is None


def test_progress_is_told_to_the_engine_or_ends_the_node(tmp_path: Path) -> None:
    told: list[Progress] = []
    here = Surroundings.at(home_of(tmp_path), report=told.append)
    with entered(here):
        ComfyAPISync().execution.set_progress(2, 5)
        asyncio.run(ComfyAPI().execution.set_progress(3, 5))
    assert [(item.done, item.total) for item in told] == [(2, 5), (3, 5)]
    ended = Surroundings.at(home_of(tmp_path), cancelled=lambda: True)
    with entered(ended), pytest.raises(InterruptProcessingException):
        ComfyAPISync().execution.set_progress(1, 2)
