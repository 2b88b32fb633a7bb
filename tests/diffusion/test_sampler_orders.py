"""Mathematics against mathematics: orders of convergence and variances on Gaussian data, in double precision."""

import math
from typing import Any

import pytest
import torch
from scipy.integrate import quad

from diffusion.names import SAMPLERS
from diffusion.prediction import FLOW, VARIANCE_EXPLODING
from diffusion.samplers import Step, sampler
from diffusion.samplers.contract import RISING
from diffusion.samplers.er import noise_scale
from tests.diffusion.gaussian import (
    PREDICTIONS,
    SPREAD,
    even_lambda,
    gaussian,
    ode_grid,
    on_solution,
    pull,
    sampled_variance,
    variance,
)

FIXED_STEPS = {"atol": math.inf, "icoeff": 0.0}
"""Switches dpm_adaptive's step control off."""

ORDERS: dict[str, tuple[int, dict[str, Any]]] = {
    "euler": (1, {}),
    "euler_cfg_pp": (1, {}),
    "euler_ancestral": (1, {"eta": 0.0}),
    "euler_ancestral_cfg_pp": (1, {"eta": 0.0}),
    "heun": (2, {}),
    "heunpp2": (1, {}),
    "dpm_2": (2, {}),
    "dpm_2_ancestral": (2, {"eta": 0.0}),
    "lms": (4, {}),
    "dpm_fast": (3, {}),
    "dpmpp_2s_ancestral": (2, {"eta": 0.0}),
    "dpmpp_sde": (2, {"eta": 0.0}),
    "dpmpp_sde_gpu": (2, {"eta": 0.0}),
    "dpmpp_2m": (2, {}),
    "dpmpp_2m_cfg_pp": (2, {}),
    "dpmpp_2m_sde": (2, {"eta": 0.0}),
    "dpmpp_2m_sde_gpu": (2, {"eta": 0.0}),
    "dpmpp_2m_sde_heun": (2, {"eta": 0.0}),
    "dpmpp_2m_sde_heun_gpu": (2, {"eta": 0.0}),
    "dpmpp_3m_sde": (2, {"eta": 0.0}),
    "dpmpp_3m_sde_gpu": (2, {"eta": 0.0}),
    "deis": (3, {}),
    "res_multistep": (2, {}),
    "res_multistep_cfg_pp": (2, {}),
    "res_multistep_ancestral": (2, {"eta": 0.0}),
    "res_multistep_ancestral_cfg_pp": (2, {"eta": 0.0}),
    "gradient_estimation": (1, {}),
    "gradient_estimation_cfg_pp": (1, {}),
    "seeds_2": (2, {"eta": 0.0}),
    "seeds_3": (3, {"eta": 0.0}),
    "sa_solver": (4, {"eta": 0.0}),
    "sa_solver_pece": (4, {"eta": 0.0}),
    "ddim": (1, {}),
    "uni_pc": (4, {}),
    "uni_pc_bh2": (4, {}),
}
"""Order and options under which the sampler solves the ODE, on levels even in lambda."""

EVEN_SIGMA_ORDERS = {"ipndm": 4, "ipndm_v": 3}
STEPS_FROM_END = {"uni_pc": 2, "uni_pc_bh2": 2}
"""UniPC's last two steps are of lower order, so its order shows before them."""

MEAN_ORDERS = {"er_sde": 2}
OTHERS = {"dpm_adaptive", "dpmpp_2s_ancestral_cfg_pp", "ddpm", "lcm"}
"""Each has a test of its own below (ddpm by its variance: it has no noiseless form)."""


def test_every_sampler_is_measured() -> None:
    assert {*ORDERS, *EVEN_SIGMA_ORDERS, *MEAN_ORDERS, *OTHERS} == set(SAMPLERS)


def observed_order(coarse: float, fine: float) -> float:
    return math.log2(abs(coarse / fine))


@pytest.mark.parametrize("frame", ["eps", "flow"])
@pytest.mark.parametrize("name", ORDERS)
def test_halving_the_step_divides_the_error_by_two_to_the_order(name: str, frame: str) -> None:
    order, options = ORDERS[name]

    def error(steps: int) -> float:
        denoise = gaussian(frame)
        sigmas = ode_grid(frame, 3 * steps - 1 if name == "dpm_fast" else steps)  # dpm_fast: answers, three a step
        steps_done = sampler(name)(denoise, on_solution(denoise.frame, sigmas[0]), sigmas, **options)
        stop = len(sigmas) - 2 - STEPS_FROM_END.get(name, 0)
        last = [step for step in steps_done if step.index <= stop][-1]
        level = sigmas[-1 - STEPS_FROM_END.get(name, 0)]
        return float(last.x / on_solution(denoise.frame, level)) - 1

    assert observed_order(error(160), error(320)) == pytest.approx(order, abs=0.35)


@pytest.mark.parametrize("frame", ["eps", "flow"])
@pytest.mark.parametrize(
    ("name", "order", "options"),
    [
        ("er_sde", 1, {"power": 1.0}),  # by its Riemann sums
        ("sa_solver", 3, {"eta": 0.0, "corrector_order": 0}),
        ("sa_solver", 2, {"eta": 0.0, "predictor_order": 2, "corrector_order": 2}),
        ("sa_solver", 2, {"eta": 0.0, "predictor_order": 2, "corrector_order": 2, "simple_order_2": True}),
    ],
)
def test_other_settings_have_an_order_of_their_own(name: str, order: int, options: dict[str, Any], frame: str) -> None:
    denoise = gaussian(frame)

    def error(steps: int) -> float:
        sigmas = ode_grid(frame, steps)
        x = on_solution(denoise.frame, sigmas[0])
        for step in sampler(name)(denoise, x, sigmas, **options):
            x = step.x
        return float(x / on_solution(denoise.frame, sigmas[-1])) - 1

    assert observed_order(error(640), error(1280)) == pytest.approx(order, abs=0.35)


@pytest.mark.parametrize("name", sorted(RISING))
def test_what_goes_up_reaches_the_noise_the_picture_comes_from(name: str) -> None:
    denoise = gaussian("eps")

    def error(steps: int) -> float:
        sigmas = even_lambda(denoise.frame, steps, 0.05, 20.0)
        x = on_solution(denoise.frame, sigmas[0])
        for step in sampler(name)(denoise, x, sigmas):
            x = step.x
        return abs(float(x / on_solution(denoise.frame, sigmas[-1])) - 1)

    assert error(160) < 0.03
    assert error(320) < 0.6 * error(160)


@pytest.mark.parametrize("frame", ["eps", "flow"])
@pytest.mark.parametrize("name", EVEN_SIGMA_ORDERS)
def test_weights_for_even_steps_have_their_order_where_sigma_falls_evenly(name: str, frame: str) -> None:
    """From a start with exact slopes, put in as a step to resume: lower-order first steps would be all one sees."""
    denoise = gaussian(frame)
    start, end = (0.9, 0.1) if frame == "flow" else (2.0, 0.2)

    def error(steps: int) -> float:
        sigmas = [start + (end - start) * index / steps for index in range(steps + 1)]
        slopes = {
            f"slope_{age}": (1 - pull(denoise.frame, sigma)) / sigma * on_solution(denoise.frame, sigma)
            for age, sigma in zip((1, 2, 3), (sigmas[2], sigmas[1], sigmas[0]), strict=True)
        }
        x = on_solution(denoise.frame, sigmas[3])
        for step in sampler(name)(denoise, x, sigmas, resume=Step(2, x, x, {**slopes, "draws": 0})):
            x = step.x
        return float(x / on_solution(denoise.frame, end)) - 1

    assert observed_order(error(320), error(640)) == pytest.approx(EVEN_SIGMA_ORDERS[name], abs=0.35)


@pytest.mark.parametrize("frame", ["eps", "flow"])
@pytest.mark.parametrize("order", [2, 3])
def test_dpm_adaptive_has_its_order_with_fixed_steps(order: int, frame: str) -> None:
    denoise = gaussian(frame)
    sigmas = ode_grid(frame, 1)
    length = math.log(sigmas[0] / sigmas[-1])

    def error(steps: int) -> float:
        x = on_solution(denoise.frame, sigmas[0])
        options = {"order": order, "h_init": length / steps, **FIXED_STEPS}
        for step in sampler("dpm_adaptive")(denoise, x, sigmas, **options):
            x = step.x
        return float(x / on_solution(denoise.frame, sigmas[-1])) - 1

    assert observed_order(error(80), error(160)) == pytest.approx(order, abs=0.35)


def test_dpm_adaptive_takes_smaller_steps_for_a_smaller_tolerance() -> None:
    denoise = gaussian("eps")
    sigmas = [10.0, 0.05]
    counts, errors = [], []
    for tolerance in (1e-1, 1e-2, 1e-3):
        x = on_solution(denoise.frame, sigmas[0])
        steps = list(sampler("dpm_adaptive")(denoise, x, sigmas, rtol=tolerance, atol=1e-6))
        counts.append(len(steps))
        errors.append(abs(float(steps[-1].x / on_solution(denoise.frame, sigmas[-1])) - 1))
    assert counts[0] < counts[1] < counts[2]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.02


@pytest.mark.parametrize("frame", ["eps", "flow"])
def test_dpmpp_2s_ancestral_cfg_pp_solves_its_own_equation(frame: str) -> None:
    """It sets D of the full step against that of the half step, which takes dD/2 (along the ODE) off every step."""
    denoise = gaussian(frame)

    def slope(sigma: float) -> float:
        """d log x of dx = (x - D) / sigma dsigma - dD / 2, where dD / x = dc + c (1 - c) / sigma dsigma."""
        width = 1e-5 * sigma
        c = pull(denoise.frame, sigma)
        change = (pull(denoise.frame, sigma + width) - pull(denoise.frame, sigma - width)) / (2 * width)
        return (1 - c) / sigma - (change + c * (1 - c) / sigma) / 2

    def error(steps: int) -> float:
        sigmas = even_lambda(VARIANCE_EXPLODING, steps, 0.9 if frame == "flow" else 20.0, 0.05)
        x = torch.ones(1, dtype=torch.float64)
        for step in sampler("dpmpp_2s_ancestral_cfg_pp")(denoise, x, sigmas, eta=0.0):
            x = step.x
        return float(x) / math.exp(quad(slope, sigmas[0], sigmas[-1], limit=200)[0]) - 1

    assert observed_order(error(160), error(320)) == pytest.approx(1, abs=0.2)
    assert abs(error(320)) < 0.02


@pytest.mark.parametrize("frame", ["eps", "flow"])
@pytest.mark.parametrize(("stages", "order"), [(1, 1), (2, 2), (3, 2)])
def test_er_sde_has_its_order_in_the_mean(stages: int, order: int, frame: str) -> None:
    """Without draws x follows the SDE's mean: d log y / d rho = phi'/phi (1 - c), y and rho x and sigma over alpha."""
    denoise = gaussian(frame)

    def slope(ratio: float) -> float:
        growth = 1 / ratio + 0.3 * ratio**-0.7 * math.exp(ratio**0.3) / (math.exp(ratio**0.3) + 10)
        return growth * ratio**2 / (SPREAD**2 + ratio**2)

    def error(steps: int) -> float:
        sigmas = ode_grid(frame, steps)
        first, last = (sigma / denoise.frame.alpha(sigma) for sigma in (sigmas[0], sigmas[-1]))
        exact = math.exp(quad(slope, first, last, limit=500, epsabs=1e-13, epsrel=1e-12)[0])
        x = torch.full((1,), denoise.frame.alpha(sigmas[0]), dtype=torch.float64)
        for step in sampler("er_sde")(denoise, x, sigmas, s_noise=0.0, max_stage=stages):
            x = step.x
        return float(x) / denoise.frame.alpha(sigmas[-1]) / exact - 1

    assert observed_order(error(40), error(80)) == pytest.approx(order, abs=0.35)
    assert float(noise_scale(torch.ones(1).numpy())[0]) == pytest.approx(math.e + 10)


VARIANCES: dict[str, tuple[int, dict[str, Any]]] = {
    "euler_ancestral": (1, {}),
    "euler_ancestral_cfg_pp": (1, {}),
    "dpm_2_ancestral": (2, {}),
    "dpmpp_2s_ancestral": (2, {}),
    "dpmpp_sde": (2, {}),
    "dpmpp_sde_gpu": (2, {}),
    "dpmpp_2m_sde": (2, {}),
    "dpmpp_2m_sde_gpu": (2, {}),
    "dpmpp_2m_sde_heun": (2, {}),
    "dpmpp_2m_sde_heun_gpu": (2, {}),
    "dpmpp_3m_sde": (2, {}),
    "dpmpp_3m_sde_gpu": (2, {}),
    "er_sde": (2, {}),
    "seeds_2": (2, {}),
    "seeds_3": (2, {}),
    "sa_solver": (2, {"start_percent": 0.0, "end_percent": 1.0}),
    "sa_solver_pece": (2, {"start_percent": 0.0, "end_percent": 1.0}),
}
EXPLODING_VARIANCES: dict[str, tuple[int, dict[str, Any]]] = VARIANCES | {
    "ddpm": (1, {}),
    "res_multistep_ancestral": (2, {}),
    "res_multistep_ancestral_cfg_pp": (2, {}),
    "euler": (1, {"s_churn": 20.0}),
    "heun": (2, {"s_churn": 20.0}),
    "heunpp2": (1, {"s_churn": 20.0}),
    "dpm_2": (2, {"s_churn": 20.0}),
    "ddim": (1, {"s_churn": 20.0}),
    "dpm_fast": (2, {"eta": 1.0}),
    "dpm_adaptive": (2, {"eta": 1.0, "h_init": 0.0, **FIXED_STEPS}),
}
"""Those that know the frame; and those whose noise is that of the variance-exploding frame."""


def check_variance(name: str, frame: str, order: int, options: dict[str, Any]) -> None:
    model_frame = PREDICTIONS[frame].frame
    start, end = 0.999 if model_frame == FLOW else 100.0, 0.05

    def error(steps: int) -> float:
        sigmas = even_lambda(model_frame, 3 * steps - 1 if name == "dpm_fast" else steps, start, end)
        length = {"h_init": math.log(start / end) / steps} if "h_init" in options else {}
        made = sampled_variance(name, frame, sigmas, **{**options, **length})
        return made / variance(model_frame, end) - 1

    coarse, fine = error(100), error(200)
    assert abs(fine) < (0.08 if order == 1 else 0.004)
    assert observed_order(coarse, fine) > order - 0.35


@pytest.mark.parametrize("name", EXPLODING_VARIANCES)
def test_noise_keeps_the_variance_of_the_data(name: str) -> None:
    """The exact variance of what comes out nears the closed form, with the step to the power of the weak order."""
    check_variance(name, "eps", *EXPLODING_VARIANCES[name])


@pytest.mark.parametrize("name", VARIANCES)
def test_noise_keeps_the_variance_of_the_data_in_a_flow(name: str) -> None:
    check_variance(name, "flow", *VARIANCES[name])


@pytest.mark.parametrize("frame", ["eps", "flow"])
def test_lcm_forgets_all_but_the_last_answer(frame: str) -> None:
    model_frame = PREDICTIONS[frame].frame
    sigmas = ode_grid(frame, 8)
    expected = variance(model_frame, sigmas[0])
    for sigma, sigma_next in zip(sigmas, sigmas[1:], strict=False):
        expected = (model_frame.alpha(sigma_next) * pull(model_frame, sigma)) ** 2 * expected + sigma_next**2
    assert sampled_variance("lcm", frame, sigmas) == pytest.approx(expected, rel=1e-9)
