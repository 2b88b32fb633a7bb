"""Schedules against the given vectors, and the rules by which a run takes its part of one."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from diffusion import names
from diffusion.prediction import EpsPrediction, FlowPrediction, Prediction, discrete_sigmas, flux_prediction
from diffusion.schedules import SCHEDULES, schedule, sigmas_for

VECTORS = load_file(Path(__file__).parents[1] / "data" / "sampler-vectors.safetensors")
SD1 = EpsPrediction(discrete_sigmas())
PREDICTIONS: dict[str, Prediction] = {"sd1": SD1, "flow3": FlowPrediction(3.0), "flux": flux_prediction()}
NAMES = pytest.mark.parametrize("name", names.SCHEDULERS)


def test_the_names_are_those_of_workflows_in_their_order() -> None:
    assert tuple(SCHEDULES) == names.SCHEDULERS


@NAMES
@pytest.mark.parametrize("family", ["sd1", "flow3"])
@pytest.mark.parametrize("steps", [1, 5, 20])
def test_levels_are_those_people_know(name: str, family: str, steps: int) -> None:
    expected = VECTORS[f"schedule.{family}.{name}.{steps}"]
    found = schedule(name, PREDICTIONS[family], steps)
    if name == "kl_optimal" and steps == 1:  # the vector has 0/0 there; one step is one from the highest level
        expected = torch.tensor([PREDICTIONS[family].sigma_max, 0.0])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)


@NAMES
@pytest.mark.parametrize("family", PREDICTIONS)
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 30, 150, 999, 1500, 10000])
def test_every_schedule_falls_to_zero(name: str, family: str, steps: int) -> None:
    """Whatever is asked; where the table has fewer levels than steps are asked for, each comes once."""
    sigmas = schedule(name, PREDICTIONS[family], steps)
    assert sigmas.dtype == torch.float32
    assert bool((sigmas.diff() < 0).all())
    assert float(sigmas[-1]) == 0
    assert float(sigmas[0]) <= PREDICTIONS[family].sigma_max * (1 + 1e-5)
    assert len(sigmas) >= 2


@NAMES
def test_as_many_steps_as_asked(name: str) -> None:
    for steps in (4, 10, 20):
        assert len(schedule(name, SD1, steps)) == steps + 1


def test_karras_is_equation_5_of_the_paper() -> None:
    expected = [(14.6146**0.25 + i / 9 * (0.029167**0.25 - 14.6146**0.25)) ** 4 for i in range(10)]
    assert SCHEDULES["karras"](SD1, 10, rho=4.0).tolist()[:-1] == pytest.approx(expected, rel=1e-4)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"Unknown scheduler 'karas'\. Did you mean 'karras'\?"):
        schedule("karas", SD1, 5)
    with pytest.raises(ValueError, match=r"Unknown scheduler '!'\. Known schedulers: simple, sgm_uniform,"):
        schedule("!", SD1, 5)


def test_less_than_a_step_is_an_error() -> None:
    with pytest.raises(ValueError, match="The schedule 'simple' needs at least one step; got 0"):
        schedule("simple", SD1, 0)


def test_a_run_takes_the_whole_schedule() -> None:
    assert torch.equal(sigmas_for("normal", "euler", SD1, 20), schedule("normal", SD1, 20))


@pytest.mark.parametrize("name", ["dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"])
def test_some_samplers_leave_out_the_last_level_above_zero(name: str) -> None:
    longer = schedule("karras", SD1, 21).tolist()
    assert sigmas_for("karras", name, SD1, 20).tolist() == [*longer[:20], 0.0]
    assert sigmas_for("karras", name, SD1, 20, denoise=0.5).tolist() == [
        *schedule("karras", SD1, 41).tolist()[20:40],
        0.0,
    ]


def test_less_denoise_takes_the_end_of_a_longer_schedule() -> None:
    assert torch.equal(sigmas_for("normal", "euler", SD1, 20, denoise=0.6), schedule("normal", SD1, 33)[-21:])
    assert torch.equal(sigmas_for("normal", "euler", SD1, 20, denoise=0.99999), schedule("normal", SD1, 20))
    assert len(sigmas_for("normal", "euler", SD1, 20, denoise=0.0)) == 0


def test_start_and_end_cut_a_piece_out() -> None:
    whole = schedule("karras", SD1, 10)
    assert torch.equal(sigmas_for("karras", "euler", SD1, 10, start=3), whole[3:])
    assert torch.equal(sigmas_for("karras", "euler", SD1, 10, end=7), whole[:8])
    assert torch.equal(sigmas_for("karras", "euler", SD1, 10, start=3, end=7), whole[3:8])
    assert torch.equal(sigmas_for("karras", "euler", SD1, 10, start=0, end=10000), whole)


def test_a_piece_may_still_go_to_zero() -> None:
    whole = schedule("karras", SD1, 10)
    found = sigmas_for("karras", "euler", SD1, 10, start=3, end=7, force_last_zero=True)
    assert found.tolist() == [*whole[3:7].tolist(), 0.0]


@pytest.mark.parametrize(("start", "end"), [(10, None), (12, None), (7, 7), (8, 5)])
def test_a_start_beyond_the_end_leaves_nothing_to_do(start: int, end: int | None) -> None:
    for force in (False, True):
        assert len(sigmas_for("karras", "euler", SD1, 10, start=start, end=end, force_last_zero=force)) < 2
