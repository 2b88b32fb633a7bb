"""What packs add: samplers and schedulers run beside ours, families are recognised, values have previews."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file

from diffusion import added, names
from diffusion.added import Additions
from diffusion.checkpoint import read_checkpoint
from diffusion.families import FAMILIES, Checkpoint, Family, families, family_named
from diffusion.header import Header, WeightFileError
from diffusion.memory import Weights
from diffusion.prediction import EpsPrediction, VPrediction, discrete_sigmas
from diffusion.samplers import PlainDenoise, noise_for, sampler
from diffusion.samplers.contract import Moment, Step, stepwise
from diffusion.schedules import schedule, sigmas_for
from tests.diffusion.tiny import write_tiny_checkpoint

PREDICTION = EpsPrediction(discrete_sigmas())


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch):
    for additions in added.KINDS.values():
        monkeypatch.setattr(additions, "_things", {})


def run(name: str, seed: int = 1) -> torch.Tensor:
    """A run towards zero, whose end Euler's steps tell."""
    sigmas = schedule("karras", PREDICTION, 6)
    x = torch.full((1, 1, 2, 2), float(sigmas[0]))
    denoise = PlainDenoise(lambda x, sigma: x / (1 + sigma**2), PREDICTION)
    return list(sampler(name)(denoise, x, sigmas, noise=noise_for(name, x, sigmas, seed)))[-1].x


def test_a_sampler_that_is_eulers_gives_eulers_picture():
    @added.sampler("acme_euler")
    @stepwise
    def acme_euler(at: Moment) -> Step:
        denoised = at.denoise(at.x, at.sigma)
        return at.step(at.x + (at.x - denoised) / at.sigma * (at.sigma_next - at.sigma), denoised)

    assert torch.allclose(run("acme_euler"), run("euler"), rtol=1e-5)
    assert sampler("acme_euler").noise is None
    assert added.brought_by(__name__) == {"samplers": {"acme_euler": __name__}}
    assert added.brought_by(__name__.rpartition(".")[0]) == {"samplers": {"acme_euler": __name__}}
    assert added.brought_by("tests.diffusion.test_add") == {}
    with pytest.raises(ValueError, match="Did you mean 'acme_euler'"):
        sampler("acme_eulr")


def test_a_sampler_gets_the_noise_and_the_options_it_asks_for():
    @added.sampler("acme_noisy", noise="gaussian", amount=0.5)
    @stepwise
    def acme_noisy(at: Moment, amount: float = 0.0) -> Step:
        denoised = at.denoise(at.x, at.sigma)
        return at.step(at.noised(denoised, amount), denoised)

    assert torch.equal(run("acme_noisy"), run("acme_noisy"))
    assert not torch.equal(run("acme_noisy"), run("acme_noisy", seed=2))


def test_a_scheduler_is_used_by_its_name():
    @added.scheduler("acme_even")
    def acme_even(prediction: EpsPrediction, steps: int) -> torch.Tensor:
        return torch.linspace(prediction.sigma_max, 0, steps + 1)

    sigmas = sigmas_for("acme_even", "euler", PREDICTION, 4)
    assert sigmas.tolist() == pytest.approx([PREDICTION.sigma_max * share for share in (1, 0.75, 0.5, 0.25, 0)])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda prediction, steps: [3, 2, 1], "it gave a list"),
        (lambda prediction, steps: torch.zeros(1), r"it gave the shape \[1\]"),
        (lambda prediction, steps: torch.zeros(2, 2), r"it gave the shape \[2, 2\]"),
        (
            lambda prediction, steps: torch.tensor([1.0, 2.0, 0.0]),
            r"must give noise levels that fall; it gave \[1.0, 2",
        ),
        (lambda prediction, steps: torch.tensor([float("nan"), 0.0]), "must give finite noise levels"),
    ],
)
def test_a_scheduler_that_gives_something_else_is_named(given, said):
    added.scheduler("acme_odd")(given)
    with pytest.raises(ValueError, match="The scheduler 'acme_odd' .*" + said):
        schedule("acme_odd", PREDICTION, 4)


def test_unknown_schedulers_are_answered_with_those_of_packs_too():
    added.scheduler("acme_even")(lambda prediction, steps: None)
    with pytest.raises(ValueError, match="Did you mean 'acme_even'"):
        schedule("acme_evn", PREDICTION, 4)


def test_names_that_are_taken_are_refused():
    with pytest.raises(ValueError, match="a sampler 'euler' already, which is built in"):
        added.sampler("euler")(lambda: None)  # pyright: ignore[reportArgumentType] — never called
    things: Additions[int] = Additions("thing")
    things.add("x", 1, "packs.a")
    things.add("x", 2, "packs.a")  # the same module, imported again
    assert things.get("x") == 2
    with pytest.raises(ValueError, match="a thing 'x' already, from 'packs.a'"):
        things.add("x", 3, "packs.b")


def test_a_family_takes_the_files_that_built_in_ones_do_not(tmp_path: Path):
    assert tuple(FAMILIES) == names.FAMILIES
    sd1 = FAMILIES["sd1"]
    plain = write_tiny_checkpoint(tmp_path / "plain.safetensors", factor=4)
    velocity = tmp_path / "velocity.safetensors"
    save_file(load_file(plain) | {"acme.v": torch.zeros(1)}, velocity)
    with pytest.raises(WeightFileError, match="belong to none of its networks: acme.v"):
        read_checkpoint(velocity, "d0")

    @added.family("acme_v")
    def acme_v() -> Family:
        def recognise(header: Header) -> Checkpoint | None:
            tensors = {name: info for name, info in header.tensors.items() if name != "acme.v"}
            return sd1.recognise(replace(header, tensors=tensors)) if "acme.v" in header.tensors else None

        return replace(sd1, title="Acme", recognise=recognise, prediction=lambda: VPrediction(discrete_sigmas()))

    assert list(families()) == [*names.FAMILIES, "acme_v"]
    assert read_checkpoint(plain, "d1").model.family == "sd1"
    model = read_checkpoint(velocity, "d2").model
    assert model.family == family_named("acme_v").name == "acme_v"
    with Weights(device="cpu", precision="fp32").lend(model) as network:
        assert isinstance(network.prediction, VPrediction)
    with pytest.raises(ValueError, match="no family of models 'acme_w' here; known are sd1, .*, acme_v"):
        family_named("acme_w")
    with pytest.raises(ValueError, match="a family 'sd1' already, which is built in"):
        added.family("sd1")(acme_v)


@dataclass(frozen=True)
class Curve:
    wire: ClassVar[str] = "CURVE"
    points: tuple[float, ...]


@dataclass(frozen=True)
class Picture:
    mime: str
    data: bytes


def test_a_value_class_is_declared_with_a_picture_of_it():
    added.register_value(Curve, preview=lambda curve: Picture("text/plain", str(curve.points).encode()))
    drawn = added.preview_of(Curve((1.0,)))
    assert (drawn.mime, drawn.data) == ("text/plain", b"(1.0,)")
    assert added.preview_of(3) is None
    assert added.brought_by(__name__) == {"values": {f"{__name__}.Curve/1": __name__}}


def test_a_value_class_that_cannot_be_written_or_linked_is_refused():
    class Wireless:
        pass

    class Plain:
        wire = "PLAIN"

    with pytest.raises(TypeError, match="Wireless has no wire name"):
        added.register_value(Wireless)
    with pytest.raises(TypeError, match=r"Plain is no dataclass: give encode=… and decode=…"):
        added.register_value(Plain)
    with pytest.raises(TypeError, match=r"give encode=… and decode=…"):
        added.register_value(Curve, encode=lambda curve: b"")


def test_it_loads_no_torch():
    code = "import sys, diffusion.added; print('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
