"""`run_node`: one node as the engine runs it, and the sentences a pack's author reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import pytest
import torch
from annotated_types import Ge
from PIL import Image as PilImage

from graph.errors import InvalidWorkflow, NodeFailed
from noisewright import (
    Blocked,
    Expansion,
    File,
    Flow,
    GraphError,
    Image,
    InFolder,
    Lazy,
    OutputFolder,
    Progress,
    Result,
    SavedFiles,
    Steps,
    node,
)
from noisewright.testing import picture, run_node


class Split(NamedTuple):
    IMAGE: Image
    FLOAT: float


@dataclass(frozen=True)
class Curve:
    wire: ClassVar[str] = "CURVE"
    points: tuple[float, ...]


@node("TestScale", category="test")
def scale(image: Image, amount: Annotated[float, Ge(0.0)] = 1.0) -> Split:
    """Multiply."""
    return Split(Image(image.pixels * amount), float(image.pixels.mean()))


@node("TestSpoil", category="test")
def spoil(image: Image) -> Image:
    """Change what it was given."""
    image.pixels.mul_(2)
    return image


@node("TestCount", category="test")
def count(numbers: list[int], curve: Curve | None = None) -> list[float]:
    """Several values."""
    return [*map(float, numbers), *(curve.points if curve else ())]


@node("TestTwice", category="test")
def twice(number: int) -> int:
    """One value at a time."""
    return number * 2


@node("TestSteps", category="test")
def steps(total: int, *, resume: Any = None) -> Steps[int]:
    """A long node."""
    done = resume or 0
    began = done
    while done < total:
        done += 1
        yield Progress(done, total, state=done)
    return total - began


@node("TestWrite", category="test", output=True)
def write(text: str, *, output: OutputFolder) -> SavedFiles:
    """Write a file."""
    path = Path(output.path, "out.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return SavedFiles((path,))


@node("TestRead", category="test")
def read(file: Annotated[File, InFolder("input", (".txt",))]) -> str:
    """Read a file."""
    return file.path.read_text()


@node("TestPick", category="test", needs=lambda first: ["a"] if first else ["b"])
def pick(first: bool, a: Annotated[int | None, Lazy()] = None, b: Annotated[int | None, Lazy()] = None) -> int | None:
    """One of two."""
    return a if first else b


@node("TestShow", category="test")
def show(text: str) -> Result[str]:
    """Show a text."""
    return Result(text.upper(), shown={"text": [text]})


@node("TestBlock", category="test")
def block() -> int:
    """Give nothing."""
    return Blocked("there is nothing to give")  # pyright: ignore[reportReturnType] — what nodes may give in place of a value


@node("TestGrow", category="test")
def grow(number: int) -> Expansion[int]:
    """Become another node."""
    flow = Flow()
    return Expansion(flow, flow.add(twice, number=number + 1).INT)


@node("TestWait", category="test")
async def wait(number: int) -> int:
    """Wait a moment."""
    return number + 1


def test_one_output_gives_its_value_and_several_give_all_by_name():
    image = picture()
    scaled = run_node(scale, image=image, amount=2)
    assert torch.equal(scaled.IMAGE.pixels, image.pixels * 2)
    assert pytest.approx(float(image.pixels.mean())) == scaled.FLOAT
    assert run_node(twice, number=4) == 8


def test_a_node_that_changes_its_input_fails():
    with pytest.raises(NodeFailed, match="changed the value at its input 'image'") as failed:
        run_node(spoil, image=picture())
    assert failed.value.code == "input_changed"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"amount": -1.0}, "must be at least 0"),
        ({"amount": "much"}, "takes a number"),
        ({"image": "a text"}, "'image' takes IMAGE, but .* is STRING"),
        ({"amont": 1.0}, "has no input 'amont'. Did you mean 'amount'"),
    ],
)
def test_inputs_that_do_not_fit_are_named(given, said):
    with pytest.raises(GraphError, match=said):
        run_node(scale, **{"image": picture(), **given})


def test_an_input_without_a_value_is_named():
    with pytest.raises(InvalidWorkflow, match="'image' .*holds nothing"):
        run_node(scale)


def test_a_built_in_node_is_run_by_its_id():
    assert run_node("ImageScaleBy", image=picture(), upscale_method="area", scale_by=0.5).pixels.shape == (1, 4, 4, 3)
    with pytest.raises(GraphError, match="no node type 'ImageScaleBuy'. Did you mean 'ImageScaleBy'"):
        run_node("ImageScaleBuy")
    with pytest.raises(GraphError, match="not declared with @node"):
        run_node(picture)


def test_lists_come_and_go_as_lists():
    assert run_node(count, numbers=[1, 2], curve=Curve((0.5,))) == [1.0, 2.0, 0.5]
    assert run_node(twice, number=[1, 2, 3]) == [2, 4, 6]


def test_a_long_node_gives_its_result_and_goes_on_from_a_state():
    assert run_node(steps, total=3) == 3
    assert run_node(steps, total=3, resume=2) == 1


def test_files_are_paths(tmp_path: Path):
    (tmp_path / "a.txt").write_text("hello")
    assert run_node(read, file=tmp_path / "a.txt") == "hello"
    (path,) = run_node(write, text="bye", output=tmp_path / "out")
    assert path.read_text() == "bye"
    with pytest.raises(GraphError, match=r"takes the service 'output': run_node\(…, output=tmp_path\)"):
        run_node(write, text="bye")
    PilImage.new("RGB", (5, 4)).save(tmp_path / "x.png")
    assert run_node("LoadImage", image=tmp_path / "x.png").IMAGE.pixels.shape == (1, 4, 5, 3)


def test_bundled_models_are_at_hand():
    assert run_node("CheckpointLoaderSimple", ckpt_name="sprout.safetensors").MODEL.family == "sd1"


def test_everything_else_a_node_may_be():
    assert run_node(pick, first=True, a=1, b=2) == 1
    assert run_node(pick, first=False, a=1, b=2) == 2
    assert run_node(show, text="hi") == "HI"
    assert run_node(grow, number=3) == 8
    assert run_node(wait, number=3) == 4
    assert run_node(block) == Blocked("there is nothing to give")


def test_pictures_are_the_same_for_the_same_seed():
    assert torch.equal(picture(4, 6, 2, seed=3).pixels, picture(4, 6, 2, seed=3).pixels)
    assert picture(4, 6, 2).pixels.shape == (2, 4, 6, 3)
