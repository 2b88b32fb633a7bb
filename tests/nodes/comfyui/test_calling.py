"""Nodes of packs at work, in runs of the engine: their functions, lists, hidden inputs, graphs and manners."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Picture

from diffusion.values import Conditioning, ConditioningEntry, Image, Latent, Mask
from graph.document import Link, Node, Workflow
from graph.errors import GraphError
from graph.events import NodeFinished, NodeMessage, NodeProgress, NodeSkipped, NodeStarted, RunFinished
from graph.record import Recording
from graph.result import Blocked, Many, Result
from tests.nodes.comfyui.workbench import Workbench


def random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


MADE = ("EmptyImage", {"width": 4, "height": 4})


def bench_of(home: Path, *names: str) -> Workbench:
    return Workbench(home, *names)


# Pictures, masks, latents, conditionings


def test_a_filter_blurs_and_reports(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "image_filters")
    nodes = {
        "made": ("EmptyImage", {"width": 8, "height": 8, "batch_size": 3, "color": 0xFF0000}),
        "x": ("BoxBlur //Filters", {"image": "made.IMAGE", "radius": 2}),
    }
    events = list(bench.events("x", **nodes))
    assert [(item.done, item.total) for item in events if isinstance(item, NodeProgress)][-3:] == [
        (1, 3),
        (2, 3),
        (3, 3),
    ]
    (done,) = (item for item in events if isinstance(item, NodeFinished) and item.node == "x")
    assert torch.allclose(done.values["IMAGE"].pixels, torch.tensor([1.0, 0.0, 0.0]).expand(3, 8, 8, 3))  # pyright: ignore[reportAttributeAccessIssue]


def test_a_blur_is_what_an_average_is(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "image_filters")
    image = Image(random(1, 9, 9, 3))
    (found,) = bench.call("BoxBlur //Filters", image=image, radius=1, edges="constant", strength=1.0)
    plain = image.pixels[0].numpy()
    assert np.allclose(found.pixels[0, 4, 4].numpy(), plain[3:6, 3:6].mean((0, 1)), atol=1e-6)
    (half,) = bench.call(
        "BoxBlur //Filters", image=image, radius=1, edges="constant", mask=Mask(torch.ones(1, 9, 9)), strength=0.5
    )
    assert torch.allclose(half.pixels, (image.pixels + found.pixels) / 2, atol=1e-6)


def test_pillow_in_a_pack(tmp_path: Path) -> None:
    image = Image((random(2, 4, 5, 3) * 255).floor() / 255)
    gray, luminance = bench_of(tmp_path, "image_filters").call("Grayscale //Filters", image=image)
    assert gray.pixels.shape == (2, 4, 5, 3)
    wanted = np.array(Picture.fromarray((image.pixels[0].numpy() * 255).astype(np.uint8)).convert("L")) / 255
    assert np.allclose(luminance.values[0].numpy(), wanted)


def test_mask_tools(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "mask_tools")
    mask = torch.zeros(1, 8, 8)
    mask[0, 3, 4] = 1
    nodes: dict[str, Any] = {
        "flat": ("FlatMask", {"size": 8}),
        "x": ("GrowMaskPlus", {"mask": "flat.MASK", "expand": 1, "invert": True}),
        "bounds": ("MaskBounds", {"mask": "x.mask_inverted"}),
    }
    finished = bench.finished("x", "bounds", **nodes)
    assert finished["x"].values["mask"].values.shape == (1, 8, 8)  # pyright: ignore[reportAttributeAccessIssue]
    assert dict(finished["bounds"].values) == {"INT": 0, "INT_2": 0, "INT_3": 7, "INT_4": 7}
    grown, _ = bench.call("GrowMaskPlus", mask=Mask(mask), expand=1, invert=False)
    assert grown.values.sum() == 9


def test_latent_tools_keep_what_a_latent_knows(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "latent_tools")
    nodes: dict[str, Any] = {
        "empty": ("EmptyLatentByRatio", {"width": 128, "ratio": "2:1", "batch_size": 2}),
        "noised": ("AddLatentNoise", {"latent": "empty.LATENT", "seed": 3, "strength": 1.0}),
        "flipped": ("LatentFlip", {"samples": "noised.LATENT", "flip_method": "x-axis: vertically"}),
        "x": ("LatentNote", {"latent": "flipped.LATENT"}),
    }
    finished = bench.finished("empty", "noised", "x", **nodes)
    assert finished["empty"].values["LATENT"].empty_size == (64, 128)  # pyright: ignore[reportAttributeAccessIssue]
    noise = torch.randn(2, 4, 8, 16, generator=torch.Generator().manual_seed(3))
    assert torch.equal(finished["noised"].values["LATENT"].samples, noise)  # pyright: ignore[reportAttributeAccessIssue]
    assert finished["x"].values["STRING"] == "samples,type noised"


def test_a_conditioning_gets_facts(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "latent_tools")
    prompt = Conditioning((ConditioningEntry(random(1, 7, 8), random(1, 8), strength=0.5),))
    (found,) = bench.call("GuidanceSetter", conditioning=prompt, guidance=2.0)
    (entry,) = found.entries
    assert (entry.extras, entry.strength) == ({"guidance": 2.0}, 0.5)
    assert torch.equal(entry.tokens, prompt.entries[0].tokens)


# Text, numbers, wildcards


def test_texts_and_numbers(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "text_and_numbers", "latent_tools")
    nodes: dict[str, Any] = {
        "pick": ("PickSampler", {"sampler_name": "ddim", "scheduler": "AYS"}),
        "x": ("Concat|tools", {"text_a": "pick.STRING", "text_b": "b"}),
        "sum": ("SimpleMath", {"value": "sqrt(a)*b", "a": 16, "b": 2.5}),
        "linked": ("SimpleMath", {"value": "a-b", "a": "sum.INT", "b": "sum.FLOAT"}),
    }
    finished = bench.finished("x", "sum", "linked", **nodes)
    assert finished["x"].values == {"STRING": "AYS, b"}
    assert finished["sum"].values == {"INT": 10, "FLOAT": 10.0}
    assert finished["linked"].values["FLOAT"] == 0.0


def test_settings_arrive_as_they_were_offered(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "text_and_numbers")
    given = {"size": 1024, "factor": 2, "word": "b", "mixed": True, "numbers": "2999"}
    assert bench.value(x=("Settings", given)) == "1024 2.0 'b' True '2999'"
    for name, value in (("size", 5), ("mixed", "nothing"), ("factor", 0.7)):
        with pytest.raises(GraphError, match=f"input '{name}' is .*, which is not one of its choices"):
            bench.value(x=("Settings", given | {name: value}))


def test_a_wildcard_passes_what_it_gets(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "text_and_numbers")
    nodes: dict[str, Any] = {
        "made": ("EmptyImage", {"width": 4, "height": 6, "batch_size": 3}),
        "passed": ("Passage", {"anything": "made.IMAGE"}),
        "first": ("FirstOfBatch", {"anything": "passed.*"}),
        "x": ("ImageInvert", {"image": "first.*"}),
        "mask": ("SolidMask", {"width": 4, "height": 6}),
        "again": ("Passage", {"anything": "mask.MASK"}),
        "y": ("InvertMask", {"mask": "again.*"}),
        "number": ("Passage", {"anything": 5}),
    }
    finished = bench.finished("x", "y", "number", "passed", **nodes)
    assert finished["x"].values["IMAGE"].pixels.shape == (1, 6, 4, 3)  # pyright: ignore[reportAttributeAccessIssue]
    assert isinstance(finished["y"].values["MASK"], Mask)
    assert finished["number"].values == {"*": 5, "id": "number"}
    assert finished["passed"].outputs["text"] == ["Tensor"]


def test_an_object_is_kept_for_each_node(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "text_and_numbers")
    nodes: dict[str, Any] = {"a": ("Counter", {"start": 0}), "b": ("Counter", {"start": 100})}
    counts = [{name: done.values["INT"] for name, done in bench.finished("a", "b", **nodes).items()} for _ in range(3)]
    assert counts == [{"a": 1, "b": 101}, {"a": 2, "b": 102}, {"a": 3, "b": 103}]


def test_a_file_of_the_packs_own(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "text_and_numbers")
    assert bench.value(x=("RandomLine", {"file": "colours.txt", "seed": 1})) in ("red", "green", "blue")
    (tmp_path / "custom_nodes" / "text_and_numbers" / "lines" / "more.txt").write_text("one")
    assert bench.value(x=("RandomLine", {"file": "more.txt"})) == "one"
    with pytest.raises(GraphError, match='"mor.txt", which is not one of its choices. Did you mean .more.txt'):
        bench.value(x=("RandomLine", {"file": "mor.txt"}))


# Files and what is shown


def test_saved_files_are_the_nodes_files(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "image_filters")
    nodes: dict[str, Any] = {
        "made": ("EmptyImage", {"width": 4, "height": 4, "batch_size": 2}),
        "x": ("SaveWithCaption", {"images": "made.IMAGE", "filename_prefix": "set/a_%width%", "caption": "red"}),
    }
    recording = Recording(client_workflow='{"nodes": []}')
    done = bench.finished(recording=recording, **nodes)["x"]
    folder = tmp_path / "output" / "set"
    assert done.files == (folder / "a_4_00001_.png", folder / "a_4_00002_.png")
    assert done.outputs["text"] == ["red"]
    assert done.outputs["images"][0] == {"filename": "a_4_00001_.png", "subfolder": "set", "type": "output"}
    with Picture.open(done.files[0]) as picture:
        prompt = json.loads(picture.info["prompt"])
        assert picture.info["workflow"] == '{"nodes": []}'
    assert prompt["x"]["class_type"] == "SaveWithCaption"
    assert prompt["x"]["inputs"]["images"] == ["made", 0]
    again = bench.finished(recording=recording, **nodes)["x"]
    assert (again.reused, again.files) == ("memory", done.files)
    done.files[0].unlink()
    assert bench.finished(recording=recording, **nodes)["x"].files == (
        folder / "a_4_00003_.png",
        folder / "a_4_00004_.png",
    )


@pytest.mark.parametrize("metadata", ["minimal", "none"])
def test_files_tell_no_more_than_they_may(tmp_path: Path, metadata: Any) -> None:
    bench = bench_of(tmp_path, "image_filters")
    recording = Recording(metadata=metadata, client_workflow='{"nodes": []}')
    nodes: dict[str, Any] = {"made": MADE, "x": ("SaveWithCaption", {"images": "made.IMAGE"})}
    done = bench.finished(recording=recording, **nodes)["x"]
    with Picture.open(done.files[0]) as picture:
        assert picture.info == {}


def test_a_class_that_inherits_from_the_built_in_preview(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "image_filters")
    nodes: dict[str, Any] = {
        "made": ("EmptyImage", {"width": 4, "height": 4}),
        "x": ("ShowImages", {"images": "made.IMAGE"}),
    }
    done = bench.finished(**nodes)["x"]
    assert done.files == (tmp_path / "temp" / "show_00001_.png",)
    assert done.outputs["kind"] == "temp"
    assert isinstance(bench.finished("x", **nodes)["x"].values["IMAGE"], Image)


def test_a_node_that_asks_for_files(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "models" / "loras" / "sub").mkdir(parents=True)
    lora = tmp_path / "models" / "loras" / "sub" / "red.safetensors"
    lora.write_bytes(b"1")
    bench = bench_of(tmp_path, "image_filters")
    (tmp_path / "input" / "later.png").touch()
    given = {"image": "later.png", "model": "None", "lora": "sub\\red.safetensors"}
    finished = bench.finished("x", x=("ListedPreview", given))["x"]
    assert list(finished.values.values()) == [str(tmp_path / "input" / "later.png"), str(lora)]
    with pytest.raises(GraphError, match='"gone.png", which is not one of its choices'):
        bench.finished("x", x=("ListedPreview", given | {"image": "gone.png"}))


# Change and check


def test_is_changed_tells_what_is_reused(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    file = tmp_path / "input" / "a.txt"
    file.write_text("one")
    bench = bench_of(tmp_path, "change_and_check", "text_and_numbers")
    first = bench.finished("x", x=("LoadText", {"file": "a.txt"}))["x"]
    assert (first.values["STRING"], first.reused) == ("one", None)
    assert bench.finished("x", x=("LoadText", {"file": "a.txt"}))["x"].reused == "memory"
    file.write_text("two")
    second = bench.finished("x", x=("LoadText", {"file": "a.txt"}))["x"]
    assert (second.values["STRING"], second.reused) == ("two", None)


def test_an_is_changed_that_fails_runs_anew(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "change_and_check")
    for _ in range(2):
        assert bench.finished("x", x=("BrokenChange", {"number": 1}))["x"].reused is None


def test_is_changed_is_asked_about_what_it_looks_at(tmp_path: Path) -> None:
    import inspect

    bench = bench_of(tmp_path, "change_and_check", "text_and_numbers")
    for type_id, names in (("Counter", []), ("LoadText", ["file", "files", "output"])):
        changed = bench.type(type_id).fingerprint
        assert changed is not None
        assert list(inspect.signature(changed).parameters) == names


def test_validate_inputs_judges(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    bench = bench_of(tmp_path, "change_and_check", "text_and_numbers")
    assert bench.value(x=("Even", {"number": 400})) == 400
    with pytest.raises(GraphError, match=r"'x' \(Even\): 3 is odd"):
        bench.value(x=("Even", {"number": 3}))
    with pytest.raises(GraphError, match="must be at most 10"):
        bench.value(x=("Even", {"number": 2, "other": 11}))
    with pytest.raises(GraphError, match="Invalid text file: gone.txt"):
        bench.value(x=("LoadText", {"file": "gone.txt"}))


def test_validate_inputs_judges_types(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "change_and_check", "text_and_numbers")
    text = ("Concat|tools", {"text_a": "1", "text_b": "2"})
    assert bench.value(a=text, x=("AnyNumber", {"number": "a.STRING", "mode": "zzz"})) == "1, 2 zzz"
    made = ("EmptyImage", {"width": 4, "height": 4})
    with pytest.raises(GraphError, match="number must be a number, not IMAGE"):
        bench.value(a=made, x=("AnyNumber", {"number": "a.IMAGE", "mode": "a"}))


# Lists, lazy inputs, blocked values, coroutines


def test_lists_map_and_gather(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "lists_and_flow")
    nodes: dict[str, Any] = {
        "many": ("MakeNumbers", {"count": 4}),
        "twice": ("Double", {"number": "many.number"}),
        "x": ("SumNumbers", {"numbers": "twice.INT", "scale": "many.total"}),
        "shown": ("ShowNumber", {"number": "twice.INT"}),
    }
    finished = bench.finished("x", "twice", "shown", **nodes)
    assert finished["twice"].values["INT"] == Many([0, 2, 4, 6])
    assert finished["x"].values["INT"] == 48
    assert finished["shown"].outputs["number"] == [0, 2, 4, 6]
    assert bench.value(x=("SumNumbers", {"numbers": [1, 2], "scale": 3})) == 9


def test_a_batch_becomes_a_list_of_pictures(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "lists_and_flow")
    nodes: dict[str, Any] = {
        "made": ("EmptyImage", {"width": 4, "height": 4, "batch_size": 3}),
        "split": ("ImageBatchToList", {"images": "made.IMAGE"}),
        "x": ("ImageInvert", {"image": "split.IMAGE"}),
    }
    found = bench.value(**nodes)
    assert isinstance(found, Many)
    assert [item.pixels.shape[0] for item in found] == [1, 1, 1]


@pytest.mark.parametrize("side", [True, False])
def test_a_lazy_branch_does_not_run(tmp_path: Path, side: bool) -> None:
    bench = bench_of(tmp_path, "lists_and_flow")
    nodes: dict[str, Any] = {
        "good": ("Double", {"number": 4}),
        "bad": ("Fail", {"number": 1}),
        "x": (
            "LazySwitch",
            {
                "switch": side,
                "on_true": "good.INT" if side else "bad.INT",
                "on_false": "bad.INT" if side else "good.INT",
            },
        ),
    }
    events = list(bench.events("x", **nodes))
    assert "bad" not in [item.node for item in events if isinstance(item, NodeStarted)]
    assert [item.values["*"] for item in events if isinstance(item, NodeFinished) and item.node == "x"] == [8]


def test_a_blocked_value_blocks_what_depends_on_it(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "lists_and_flow")
    nodes: dict[str, Any] = {
        "number": ("Double", {"number": 4}),
        "gate": ("Block", {"value": "number.INT"}),
        "after": ("Double", {"number": "gate.*"}),
        "shown": ("ShowNumber", {"number": "after.INT"}),
        "open": ("Block", {"value": "number.INT", "block": False}),
        "other": ("ShowNumber", {"number": "open.*"}),
    }
    events = list(bench.events(**nodes))
    skipped = [item for item in events if isinstance(item, NodeSkipped)]
    assert {item.node for item in skipped} == {"after", "shown"}
    assert [item.outputs["number"] for item in events if isinstance(item, NodeFinished) and item.node == "other"] == [
        [8]
    ]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].status == "done"


def test_coroutines_wait_together(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "lists_and_flow")
    nodes: dict[str, Any] = {"number": ("Double", {"number": 4})}
    nodes |= {f"s{index}": ("Sleep", {"value": "number.INT", "seconds": 0.3 + index / 1000}) for index in range(8)}
    began = time.perf_counter()
    finished = bench.finished(*[f"s{index}" for index in range(8)], **nodes)
    assert time.perf_counter() - began < 2
    assert {finished[f"s{index}"].values["*"] for index in range(8)} == {8}


# Graphs


def test_a_node_becomes_a_graph(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "lists_and_flow")
    nodes: dict[str, Any] = {
        "made": ("EmptyImage", {"width": 4, "height": 4}),
        "x": ("DoubleTwice", {"number": 5, "image": "made.IMAGE"}),
        "after": ("Double", {"number": "x.INT"}),
    }
    events = list(bench.events("x", "after", **nodes))
    finished = {item.node: item for item in events if isinstance(item, NodeFinished)}
    assert finished["x"].values["INT"] == 20
    assert isinstance(finished["x"].values["IMAGE"], Image)
    assert finished["after"].values["INT"] == 40
    inside = [node for node in finished if node.startswith("x/")]
    assert len(inside) == 3
    assert not [node for node in inside if node.count("/") > 1]


def test_a_loop_by_expansion(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "lists_and_flow")
    assert bench.value(x=("CountDown", {"value": 3, "times": 4})) == 48


def test_a_long_loop_does_not_nest(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "lists_and_flow")
    assert bench.value(x=("CountDown", {"value": 0, "times": 700})) == 0


def test_a_node_that_looks_around(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "lists_and_flow")
    nodes: dict[str, Any] = {"many": ("MakeNumbers", {"count": 4}), "x": ("LookAround", {"source": "many.total"})}
    assert bench.value(**nodes) == "MakeNumbers.1"


def test_a_node_inside_a_subgraph_has_the_id_of_its_path(tmp_path: Path) -> None:
    from graph.workflow import load

    bench = bench_of(tmp_path, "lists_and_flow", "text_and_numbers")
    document = {
        "format": "noisewright/workflow",
        "version": 1,
        "nodes": {"outer": {"type": "subgraph/inner", "inputs": {}}},
        "subgraphs": {
            "inner": {
                "nodes": {
                    "many": {"type": "MakeNumbers", "inputs": {"count": 4}},
                    "look": {"type": "LookAround", "inputs": {"source": {"link": ["many", "number"]}}},
                    "pass": {"type": "Passage", "inputs": {"anything": {"link": ["look", "STRING"]}}},
                },
                "inputs": [],
                "outputs": [],
            }
        },
    }
    events = list(bench.run(load(json.dumps(document)), "outer/pass"))
    (done,) = (item for item in events if isinstance(item, NodeFinished) and item.node == "outer/pass")
    assert done.values == {"*": "MakeNumbers.0", "id": "outer:pass"}


# Manners


def test_what_a_pack_does_to_its_inputs_stays_with_it(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "bad_manners")
    image = Image(torch.ones(1, 2, 2, 3))
    (found,) = bench.call("Mutates", image=image)
    assert not found.pixels.any()
    assert image.pixels.all()
    latent, prompt = Latent(torch.ones(1, 4, 2, 2)), Conditioning((ConditioningEntry(torch.ones(1, 3, 4)),))
    stuff = {"list": [], "tensor": torch.ones(2)}
    (changed,) = bench.call("MutatesLatent", latent=latent, conditioning=prompt, stuff=stuff)
    assert (changed.samples == 7).all()
    assert changed.extras == {"extra": 1}
    assert latent.samples.eq(1).all()
    assert prompt.entries[0].tokens.all()
    assert stuff["list"] == []
    assert stuff["tensor"].all()


def test_what_a_pack_keeps_of_its_outputs_stays_with_it(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "bad_manners")
    (first,) = bench.call("MutatesLater", image=Image(torch.zeros(1, 2, 2, 3)))
    bench.call("MutatesLater", image=Image(torch.zeros(1, 2, 2, 3)))
    assert first.pixels.eq(1).all()


@pytest.mark.parametrize(
    ("type_id", "said"),
    [
        ("TooFew", r"Node 'x' \(TooFew\) failed: It returned 1 value, but declares 2: 'IMAGE' and 'MASK'"),
        ("TooMany", "It returned 3 values, but declares 2"),
        ("NotATuple", "It returned a Tensor, not a tuple of its 1 output: 'IMAGE'"),
        ("Nothing", "It returned nothing, not a tuple of its 2 outputs"),
        ("WrongDict", "It returned a dict with 'images', but not one of ui, result, expand"),
        ("WrongType", "Its output 'IMAGE' is declared IMAGE, but it gave a ndarray"),
    ],
)
def test_a_result_of_another_form_names_the_node(tmp_path: Path, type_id: str, said: str) -> None:
    bench = bench_of(tmp_path, "bad_manners")
    nodes: dict[str, Any] = {"made": ("EmptyImage", {"width": 4, "height": 4}), "x": (type_id, {"image": "made.IMAGE"})}
    with pytest.raises(Exception, match=said.removeprefix(r"Node 'x' \(TooFew\) failed: ")) as caught:
        bench.finished("x", **nodes)
    assert "'x'" in str(caught.value)


def test_an_output_node_may_give_nothing(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "bad_manners")
    found = bench.call("OutputNothing", image=Image(torch.zeros(1, 2, 2, 3)))
    assert all(isinstance(item, Blocked) for item in found)


def test_a_sloppy_node_runs(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "bad_manners")
    found = bench.value(x=("Sloppy", {"text": "a", "mode": "slow", "pick": "b"}))
    assert found == "[('flag', True), ('mode', 'slow'), ('n', 5), ('pick', 'b'), ('text', 'a'), ('x', 1.0)]"


def test_messages_to_nobody_are_no_error(tmp_path: Path) -> None:
    found = bench_of(tmp_path, "has_routes").call("Notify", text="hello")
    assert isinstance(found, Result)
    assert (found.value, found.shown) == (("hello",), {"text": ["hello"]})


def test_a_message_is_an_event_of_the_run(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "has_routes")
    events = [event for event in bench.events(n=("Notify", {"text": "hi"})) if isinstance(event, NodeMessage)]
    assert [(event.node, event.kind, event.data) for event in events] == [("n", "has_routes.notify", {"text": "hi"})]


def test_a_reported_node_ends_when_its_run_is_cancelled(tmp_path: Path) -> None:
    text = """
import time
from comfy.utils import ProgressBar
import comfy.model_management

class Slow:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"way": (["bar", "ask"],)}}
    RETURN_TYPES = ("INT",)
    FUNCTION = "go"
    def go(self, way):
        bar = ProgressBar(1000)
        for i in range(1000):
            time.sleep(0.02)
            if way == "bar":
                bar.update(1)
            comfy.model_management.throw_exception_if_processing_interrupted()
        return (1,)

NODE_CLASS_MAPPINGS = {"Slow": Slow}
"""
    from nodes.comfyui.adapter import load_pack
    from tests.nodes.comfyui.workbench import node_types

    (tmp_path / "custom_nodes").mkdir()
    (tmp_path / "custom_nodes" / "slow.py").write_text(text)
    bench = Workbench(tmp_path)
    bench.catalogue = node_types(load_pack(tmp_path / "custom_nodes" / "slow.py"))
    for way in ("bar", "ask"):
        events = bench.events("x", x=("Slow", {"way": way}))
        began = time.perf_counter()
        for event in events:
            if isinstance(event, NodeProgress):
                break
        events.close()  # pyright: ignore[reportAttributeAccessIssue] — a generator
        assert time.perf_counter() - began < 5


def test_links_by_name_reach_any_output(tmp_path: Path) -> None:
    bench = bench_of(tmp_path, "mask_tools")
    workflow = Workflow(
        {
            "flat": Node("FlatMask", {"size": 4}),
            "x": Node("MaskBounds", {"mask": Link("flat", "MASK")}),
        }
    )
    events = list(bench.run(workflow, "x"))
    assert isinstance(events[-1], RunFinished)
    assert events[-1].status == "done"
