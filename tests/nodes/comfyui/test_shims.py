"""The modules that packs import: their answers, against what PIL, torch and safetensors say."""

import io as streams
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from safetensors.torch import save_file

from diffusion.header import WeightFileError
from diffusion.names import SAMPLERS, SCHEDULERS
from diffusion.prediction import EpsPrediction, discrete_sigmas
from graph.errors import GraphError
from graph.folders import Folders, OutputFolder
from graph.progress import Progress
from nodes.comfyui.interruption import InterruptProcessingException
from nodes.comfyui.shims import folder_paths, node_helpers, server
from nodes.comfyui.shims import nodes as shim
from nodes.comfyui.shims.comfy import model_management, samplers, utils
from nodes.comfyui.shims.comfy_execution.graph_utils import ExecutionBlocker, GraphBuilder, add_graph_prefix, is_link
from nodes.comfyui.surroundings import Surroundings, entered, home_of
from tests.diffusion.tiny import write_tiny_checkpoint
from tests.nodes.comfyui.workbench import Workbench


def random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    for name in ("models/loras/sub", "models/checkpoints", "input/folder", "other/loras"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("models/loras/b.safetensors", "models/loras/sub/a.pt", "models/loras/note.txt", "input/x.png"):
        (tmp_path / name).write_text(name)
    with entered(Surroundings.at(home_of(tmp_path))):
        yield tmp_path


# folder_paths


def test_folders_of_the_home(home: Path) -> None:
    assert folder_paths.models_dir == str(home / "models")
    assert folder_paths.base_path == str(home)
    assert folder_paths.get_input_directory() == folder_paths.input_directory == str(home / "input")
    assert folder_paths.get_output_directory() == str(home / "output")
    assert folder_paths.get_temp_directory() == str(home / "temp")
    assert folder_paths.get_user_directory() == str(home / "user")
    assert folder_paths.get_directory_by_type("temp") == str(home / "temp")
    assert folder_paths.get_directory_by_type("else") is None
    assert folder_paths.get_input_subfolders() == ["folder"]


def test_folders_that_a_run_lends(home: Path, tmp_path: Path) -> None:
    (home / "other" / "loras" / "z.safetensors").touch()
    files, output = Folders([home / "other"]), OutputFolder(tmp_path / "results")
    with entered(Surroundings.at(home_of(home), files=files, output=output)):
        assert folder_paths.get_filename_list("loras") == ["z.safetensors"]
        assert folder_paths.get_output_directory() == str(tmp_path / "results")


def test_files_by_kind_and_name(home: Path) -> None:
    assert folder_paths.get_filename_list("loras") == ["b.safetensors", "sub/a.pt"]
    assert folder_paths.get_full_path("loras", "sub/a.pt") == str(home / "models/loras/sub/a.pt")
    assert folder_paths.get_full_path("loras", "sub\\a.pt") == str(home / "models/loras/sub/a.pt")
    assert folder_paths.get_full_path("loras", "gone.pt") is None
    with pytest.raises(FileNotFoundError, match=r"no file 'gone\.pt' of the kind 'loras'"):
        folder_paths.get_full_path_or_raise("loras", "gone.pt")
    with pytest.raises(KeyError):
        folder_paths.get_filename_list("nonsense")
    assert folder_paths.get_full_path("loras", "../../input/x.png") is None
    assert folder_paths.get_folder_paths("loras") == [str(home / "models/loras")]
    assert folder_paths.map_legacy("unet") == "diffusion_models"
    assert str(home / "custom_nodes") in folder_paths.get_folder_paths("custom_nodes")


def test_kinds_that_packs_add(home: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "m.bin").touch()
    (home / "mine" / "m.txt").touch()
    names = folder_paths.folder_names_and_paths
    assert "mine" not in names
    names["mine"] = ([str(home / "mine")], {".bin"})
    assert folder_paths.get_filename_list("mine") == ["m.bin"]
    assert folder_paths.get_full_path("mine", "m.bin") == str(home / "mine/m.bin")
    folder_paths.add_model_folder_path("loras", str(home / "mine"))
    assert folder_paths.get_filename_list("loras") == ["b.safetensors", "m.bin", "sub/a.pt"]
    assert folder_paths.get_full_path("loras", "m.bin") == str(home / "mine/m.bin")
    assert names["checkpoints"][0] == [str(home / "models/checkpoints")]
    assert "checkpoints" in names
    assert ".safetensors" in folder_paths.supported_pt_extensions


def test_marks_behind_names(home: Path) -> None:
    assert folder_paths.get_annotated_filepath("x.png") == str(home / "input/x.png")
    assert folder_paths.get_annotated_filepath("x.png [output]") == str(home / "output/x.png")
    assert folder_paths.get_annotated_filepath("x.png[temp]") == str(home / "temp/x.png")
    assert folder_paths.exists_annotated_filepath("x.png")
    assert not folder_paths.exists_annotated_filepath("gone.png")
    assert not folder_paths.exists_annotated_filepath("../../etc/passwd")
    with pytest.raises(ValueError, match="leads out"):
        folder_paths.get_annotated_filepath("../x.png")


def test_names_to_save_under(home: Path) -> None:
    root = str(home / "output")
    folder, stem, counter, below, prefix = folder_paths.get_save_image_path("a/b_%width%x%height%", root, 3, 4)
    assert (folder, stem, counter, below, prefix) == (f"{root}/a", "b_3x4", 1, "a", "a/b_3x4")
    for name in ("b_3x4_00007_.png", "b_3x4_00002_.png", "b_3x45_00099_.png", "b_3x4_latest.png"):
        (home / "output" / "a" / name).touch()
    assert folder_paths.get_save_image_path("a/b_3x4", root)[2] == 8
    with pytest.raises(GraphError, match="leads out"):
        folder_paths.get_save_image_path("../b", root)


def test_kinds_of_files_by_content() -> None:
    names = ["a.PNG", "b.mp4", "c.wav", "d.txt", "e.safetensors", "f.webp"]
    assert folder_paths.filter_files_content_types(names, ["image"]) == ["a.PNG", "f.webp"]
    assert folder_paths.filter_files_content_types(names, ["video", "audio"]) == ["b.mp4", "c.wav"]
    assert folder_paths.filter_files_content_types(names, ["model"]) == ["e.safetensors"]


def test_what_a_module_lacks_is_named() -> None:
    with pytest.raises(AttributeError, match=r"needs 'folder_paths\.nonsense', which Noisewright does not have"):
        _ = folder_paths.nonsense
    assert not hasattr(utils, "convert_old_quants")
    assert not hasattr(shim, "init_extra_nodes")


# comfy.utils


def test_a_progress_bar_reports_and_interrupts(home: Path) -> None:
    said: list[Progress] = []
    over = [False]
    with entered(Surroundings.at(home_of(home), report=said.append, cancelled=lambda: over[0])):
        bar = utils.ProgressBar(4)
        bar.update(1)
        bar.update_absolute(3, 5)
        bar.update(10)
        bar.update_absolute(5, preview=("JPEG", Picture.new("RGB", (100, 50), "red"), 20))
        over[0] = True
        with pytest.raises(InterruptProcessingException):
            bar.update(1)
        with pytest.raises(InterruptProcessingException):
            model_management.throw_exception_if_processing_interrupted()
    assert [(item.done, item.total) for item in said] == [(1, 4), (3, 5), (5, 5), (5, 5)]
    assert said[3].preview is not None
    with Picture.open(streams.BytesIO(said[3].preview().data)) as picture:
        assert picture.size == (20, 10)


@pytest.mark.parametrize("method", ["nearest-exact", "bilinear", "area", "bicubic"])
def test_resizing(method: str) -> None:
    samples = random(2, 3, 6, 8)
    wanted = torch.nn.functional.interpolate(samples, size=(5, 12), mode=method)
    assert torch.allclose(utils.common_upscale(samples, 12, 5, method, "disabled"), wanted)
    frames = utils.common_upscale(samples.reshape(1, 2, 3, 6, 8).movedim(1, 2), 12, 5, method, "disabled")
    assert torch.allclose(frames.movedim(2, 1)[0], wanted)


def test_lanczos_is_pillows() -> None:
    picture = Picture.fromarray(random(6, 8).numpy())
    wanted = np.asarray(picture.resize((12, 5), Picture.Resampling.LANCZOS))
    found = utils.lanczos(torch.from_numpy(np.array(picture))[None, None], 12, 5)
    assert np.allclose(found[0, 0].numpy(), wanted, atol=1e-5)


def test_batches_of_a_size() -> None:
    tensor = torch.arange(5)
    assert utils.repeat_to_batch_size(tensor, 7).tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert utils.repeat_to_batch_size(tensor, 2).tolist() == [0, 1]
    assert utils.resize_to_batch_size(tensor, 3).tolist() == [0, 2, 4]
    assert utils.resize_to_batch_size(tensor, 1).tolist() == [0]
    assert utils.resize_to_batch_size(torch.arange(2), 4).tolist() == [0, 0, 1, 1]


def test_masks_of_a_shape() -> None:
    mask = random(2, 4, 4)
    found = utils.reshape_mask(mask, (4, 3, 8, 8))
    wanted = torch.nn.functional.interpolate(mask[:, None], size=(8, 8), mode="bilinear")
    assert found.shape == (4, 3, 8, 8)
    assert torch.equal(found[2, 1], wanted[0, 0])


def test_tiles_make_what_the_whole_makes() -> None:
    picture = random(2, 3, 40, 56)

    def double(part: torch.Tensor) -> torch.Tensor:
        return part.repeat_interleave(2, 2).repeat_interleave(2, 3)

    found = utils.tiled_scale(picture, double, 16, 16, 4, upscale_amount=2)
    assert torch.allclose(found, double(picture), atol=1e-6)
    assert utils.get_tiled_scale_steps(56, 40, 16, 16, 4) == 5 * 3


def test_files_of_weights(tmp_path: Path) -> None:
    tensors = {"a.b": random(2, 3), "c": random(4)}
    save_file(tensors, tmp_path / "x.safetensors", metadata={"made": "here"})
    found, metadata = utils.load_torch_file(str(tmp_path / "x.safetensors"), return_metadata=True)
    assert metadata == {"made": "here"}
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)
    torch.save({"state_dict": tensors}, tmp_path / "x.pt")
    again = utils.load_torch_file(str(tmp_path / "x.pt"), safe_load=True)
    assert isinstance(again, dict)
    assert torch.equal(again["a.b"], tensors["a.b"])
    utils.save_torch_file(tensors, str(tmp_path / "y.safetensors"))
    assert isinstance(utils.load_torch_file(str(tmp_path / "y.safetensors")), dict)
    torch.save({"x": Workbench}, tmp_path / "bad.pt")
    with pytest.raises(WeightFileError):
        utils.load_torch_file(str(tmp_path / "bad.pt"))


def test_names_of_weights() -> None:
    weights: dict[str, Any] = {"a.x": torch.zeros(2), "a.y": torch.zeros(3).half(), "b.x": torch.zeros(4).half()}
    assert utils.calculate_parameters(weights, "a.") == 5
    assert utils.weight_dtype(weights, "") == torch.float16
    assert set(utils.state_dict_prefix_replace(dict(weights), {"a.": "c."})) == {"c.x", "c.y", "b.x"}
    assert set(utils.state_dict_prefix_replace(dict(weights), {"a.": "c."}, filter_keys=True)) == {"c.x", "c.y"}
    assert set(utils.state_dict_key_replace(dict(weights), {"b.x": "z"})) == {"a.x", "a.y", "z"}


# The rest


def test_sampler_names_are_lists_that_packs_lengthen() -> None:
    assert list(SAMPLERS) == samplers.KSampler.SAMPLERS == samplers.SAMPLER_NAMES
    assert [*SCHEDULERS, "AYS"] == [*samplers.KSampler.SCHEDULERS, "AYS"]
    assert samplers.calculate_sigmas(EpsPrediction(discrete_sigmas()), "karras", 10).shape == (11,)
    with pytest.raises(ImportError, match=r"needs 'comfy\.samplers\.KSampler"):
        samplers.KSampler()


def test_devices(home: Path) -> None:
    assert model_management.intermediate_device() == torch.device("cpu")
    assert isinstance(model_management.get_torch_device(), torch.device)
    assert model_management.get_free_memory(torch.device("cpu")) > 0
    assert model_management.is_device_cpu(torch.device("cpu"))
    assert issubclass(model_management.OOM_EXCEPTION, RuntimeError)
    assert model_management.module_size(torch.nn.Linear(3, 4)) == 4 * 16
    model_management.soft_empty_cache()
    with pytest.raises(InterruptProcessingException):
        model_management.interrupt_current_processing()


def test_graphs_are_built(home: Path) -> None:
    graph = GraphBuilder(prefix="7.0.0.")
    first = graph.node("A", x=1, y=None)
    second = graph.node("B", "b", a=first.out(0))
    assert graph.lookup_node("b") is second
    second.set_input("c", 3)
    second.set_input("a", first.out(1))
    first.set_input("y", None)
    wanted = {
        "7.0.0.1": {"class_type": "A", "inputs": {"x": 1}},
        "7.0.0.b": {"class_type": "B", "inputs": {"a": ["7.0.0.1", 1], "c": 3}},
    }
    assert graph.finalize() == wanted
    moved, outputs = add_graph_prefix(wanted, (["7.0.0.b", 0], 5), "p.")
    assert moved["p.7.0.0.b"]["inputs"]["a"] == ["p.7.0.0.1", 1]
    assert outputs == (["p.7.0.0.b", 0], 5)
    graph.replace_node_output("1", 1, 9)
    assert second.get_input("a") == 9
    graph.remove_node("1")
    assert list(graph.finalize()) == ["7.0.0.b"]
    assert is_link(["1", 0])
    assert not is_link([1, 0])
    assert ExecutionBlocker("x").message == "x"
    assert GraphBuilder().prefix != GraphBuilder().prefix


def test_small_things_that_nodes_share(tmp_path: Path) -> None:
    prompt = [[random(1, 2), {"a": [1]}]]
    assert node_helpers.conditioning_set_values(prompt, {"a": [2], "b": 3})[0][1] == {"a": [2], "b": 3}
    assert node_helpers.conditioning_set_values(prompt, {"a": [2]}, append=True)[0][1] == {"a": [1, 2]}
    assert prompt[0][1] == {"a": [1]}
    Picture.new("RGB", (40, 40), "red").save(tmp_path / "x.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "x.png").read_bytes()[:-20])

    def whole(path: Path) -> Picture.Image:
        with Picture.open(streams.BytesIO(path.read_bytes())) as picture:
            return picture.convert("RGB")

    assert node_helpers.pillow(whole, tmp_path / "x.png").size == (40, 40)
    assert node_helpers.pillow(whole, tmp_path / "cut.png").size == (40, 40)
    one, two = node_helpers.image_alpha_fix(torch.zeros(1, 2, 2, 4), torch.zeros(1, 2, 2, 3))
    assert one.shape == two.shape
    assert two[..., 3].all()


def test_the_server_is_nobody(home: Path) -> None:
    instance = server.PromptServer.instance
    instance.send_sync("x", {})
    assert instance.client_id is None
    assert instance.last_node_id is None
    with pytest.raises(AttributeError, match=r"needs 'server\.PromptServer\.instance\.nonsense'"):
        _ = instance.nonsense


def test_our_nodes_as_classes(home: Path) -> None:
    assert shim.MAX_RESOLUTION == 16384
    mask = shim.NODE_CLASS_MAPPINGS["SolidMask"]().solid(0.5, 4, 3)[0]
    assert mask.shape == (1, 3, 4)
    inverted = shim.ImageInvert().invert(random(1, 2, 2, 3))[0]
    assert torch.allclose(inverted, 1 - random(1, 2, 2, 3))
    assert shim.EmptyLatentImage().generate(64, 128, batch_size=2)[0]["samples"].shape == (2, 4, 16, 8)
    cls = shim.NODE_CLASS_MAPPINGS["ImageScale"]
    assert getattr(cls, cls.FUNCTION)(cls(), random(1, 2, 2, 3), "bilinear", 4, 4, "disabled")[0].shape == (1, 4, 4, 3)
    assert cls.INPUT_TYPES()["required"]["upscale_method"][0][0] == "nearest-exact"
    assert "VAEDecode" in shim.NODE_CLASS_MAPPINGS
    assert shim.NODE_CLASS_MAPPINGS.get("Nonsense") is None
    with pytest.raises(KeyError):
        _ = shim.NODE_CLASS_MAPPINGS["Nonsense"]


def test_pictures_are_saved_with_their_graph(home: Path) -> None:
    shown = shim.SaveImage().save_images(random(2, 4, 5, 3), "a/b", {"1": {}}, {"workflow": {"x": 1}})
    assert [item["filename"] for item in shown["ui"]["images"]] == ["b_00001_.png", "b_00002_.png"]
    with Picture.open(home / "output" / "a" / "b_00001_.png") as picture:
        assert json.loads(picture.info["workflow"]) == {"x": 1}
        wanted = (random(2, 4, 5, 3)[0].numpy() * 255).round()
        assert np.abs(np.asarray(picture).astype(float) - wanted).max() <= 1


def test_models_in_the_hands_of_a_pack(tmp_path: Path) -> None:
    write_tiny_checkpoint(tmp_path / "models" / "checkpoints" / "tiny.safetensors")
    bench = Workbench(tmp_path, "models_in_hand")
    common = {"model": "load.MODEL", "clip": "load.CLIP", "vae": "load.VAE"}
    nodes: dict[str, Any] = {
        "load": ("CheckpointLoaderSimple", {"ckpt_name": "tiny.safetensors"}),
        "size": ("EmptyLatentImage", {"width": 64, "height": 64}),
        "pos": ("CLIPTextEncode", {"clip": "load.CLIP", "text": "red apple"}),
        "neg": ("CLIPTextEncode", {"clip": "load.CLIP", "text": ""}),
        "pack": (
            "PromptAndSample",
            {**common, "positive": "red apple", "latent": "size.LATENT", "sampler_name": "euler", "seed": 5},
        ),
        "ours": (
            "KSampler",
            {"model": "load.MODEL", "seed": 5, "steps": 2, "cfg": 4.0, "sampler_name": "euler", "scheduler": "karras"}
            | {"positive": "pos.CONDITIONING", "negative": "neg.CONDITIONING", "latent_image": "size.LATENT"},
        ),
        "decoded": ("VAEDecode", {"samples": "ours.LATENT", "vae": "load.VAE"}),
    }
    finished = bench.finished("pack", "ours", "decoded", **nodes)
    latent: Any = finished["pack"].values["LATENT"]
    ours: Any = finished["ours"].values["LATENT"]
    assert torch.equal(latent.samples, ours.samples)
    assert latent.space == ours.space
    image: Any = finished["pack"].values["IMAGE"]
    decoded: Any = finished["decoded"].values["IMAGE"]
    assert torch.equal(image.pixels, decoded.pixels)
    asked = {"load": nodes["load"], "x": ("AskTooMuch", {"model": "load.MODEL"})}
    with pytest.raises(Exception, match=r"needs 'MODEL\.set_model_unet_function_wrapper', which"):
        bench.finished("x", **asked)
