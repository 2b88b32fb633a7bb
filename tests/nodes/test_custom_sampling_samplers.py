"""Sampler nodes: what they are set to by default is what the names mean; and every setting reaches its sampler."""

import inspect
from typing import Any

import pytest
import torch

from diffusion.noise import initial_noise
from diffusion.samplers import noise_for, sampler
from diffusion.sampling_values import SamplerRecipe
from graph.node import node_type_of
from nodes import custom_sampling_samplers as nodes
from tests.diffusion.fake_network import MODEL
from tests.diffusion.gaussian import gaussian

LEVELS = torch.tensor([10.0, 6.0, 3.0, 1.5, 0.7, 0.3, 0.0])

DEFAULTS: list[tuple[Any, str, dict[str, Any]]] = [
    (nodes.euler_ancestral, "euler_ancestral", {}),
    (nodes.euler_ancestral_cfg_pp, "euler_ancestral_cfg_pp", {}),
    (nodes.euler_cfg_pp, "euler_cfg_pp", {"version": "regular"}),
    (nodes.lms, "lms", {}),
    (nodes.lcm_upscale, "lcm", {}),
    (nodes.dpmpp_3m_sde, "dpmpp_3m_sde", {"noise_device": "cpu"}),
    (nodes.dpmpp_2m_sde, "dpmpp_2m_sde", {"solver_type": "midpoint", "noise_device": "gpu"}),
    (nodes.dpmpp_2m_sde, "dpmpp_2m_sde_heun", {"solver_type": "heun", "noise_device": "cpu"}),
    (nodes.dpmpp_sde, "dpmpp_sde", {"noise_device": "gpu"}),
    (nodes.dpmpp_2s_ancestral, "dpmpp_2s_ancestral", {}),
    (nodes.dpm_adaptive, "dpm_adaptive", {}),
    (nodes.er_sde, "er_sde", {"solver_type": "ER-SDE"}),
    (nodes.sa_solver, "sa_solver", {"model": MODEL, "use_pece": False, "simple_order_2": False}),
    (nodes.sa_solver, "sa_solver_pece", {"model": MODEL, "use_pece": True, "simple_order_2": False}),
]


def walked(recipe: SamplerRecipe) -> torch.Tensor:
    x = 10 * initial_noise((1, 4, 8, 8), 0)
    noise = noise_for(recipe.name, x, LEVELS, 3)
    *_, step = sampler(recipe.name)(gaussian("eps"), x, LEVELS, noise=noise, **recipe.options)
    return step.x


def declared(function: Any) -> dict[str, Any]:
    """The defaults of a node type."""
    found = node_type_of(function)
    assert found is not None
    return {item.name: item.default for item in found.spec.inputs if not item.required}


@pytest.mark.parametrize(("function", "name", "given"), DEFAULTS, ids=lambda item: getattr(item, "__name__", None))
def test_the_defaults_are_those_of_the_name(function: Any, name: str, given: dict[str, Any]) -> None:
    recipe = function(**declared(function) | given)
    assert torch.equal(walked(recipe), walked(SamplerRecipe(name)))


@pytest.mark.parametrize(("function", "name", "given"), DEFAULTS, ids=lambda item: getattr(item, "__name__", None))
def test_every_setting_is_one_of_the_sampler(function: Any, name: str, given: dict[str, Any]) -> None:
    recipe = function(**declared(function) | given)
    taken = inspect.signature(inspect.unwrap(sampler(recipe.name).run)).parameters
    assert set(recipe.options) <= set(taken)


@pytest.mark.parametrize(
    ("function", "given", "change"),
    [
        (nodes.euler_ancestral, {}, {"eta": 0.5}),
        (nodes.euler_ancestral, {}, {"s_noise": 0.5}),
        (nodes.lms, {}, {"order": 2}),
        (nodes.dpmpp_sde, {"noise_device": "cpu"}, {"r": 0.3}),
        (nodes.dpm_adaptive, {}, {"rtol": 0.01, "atol": 0.001}),
        (nodes.er_sde, {"solver_type": "ER-SDE"}, {"solver_type": "Reverse-time SDE"}),
        (nodes.sa_solver, {"model": MODEL, "use_pece": False, "simple_order_2": False}, {"simple_order_2": True}),
        (nodes.sa_solver, {"model": MODEL, "use_pece": False, "simple_order_2": False}, {"corrector_order": 0}),
        (nodes.sa_solver, {"model": MODEL, "use_pece": False, "simple_order_2": False}, {"sde_end_percent": 0.3}),
    ],
)
def test_a_setting_changes_the_result(function: Any, given: dict[str, Any], change: dict[str, Any]) -> None:
    plain = declared(function) | given
    assert not torch.equal(walked(function(**plain)), walked(function(**plain | change)))


def test_without_noise_the_stochastic_er_sde_is_the_ode() -> None:
    ode = nodes.er_sde("ODE", 3, 1.0, 1.0)
    assert torch.equal(walked(ode), walked(nodes.er_sde("Reverse-time SDE", 3, 0.0, 1.0)))
    assert torch.equal(walked(ode), walked(nodes.er_sde("ODE", 3, 0.3, 0.7)))


def test_any_sampler_can_be_chosen_by_name() -> None:
    assert nodes.select_sampler("uni_pc") == SamplerRecipe("uni_pc")


def test_settings_that_never_get_on_are_refused() -> None:
    with pytest.raises(ValueError, match="r is 0, where the model was asked already"):
        nodes.dpmpp_sde(1.0, 1.0, 0.0, "cpu")
    for change in ({"rtol": 0.0, "atol": 0.0}, {"h_init": 0.0}, {"accept_safety": 1.0}):
        with pytest.raises(ValueError, match="SamplerDPMAdaptative never gets on with"):
            nodes.dpm_adaptive(**change)


def test_a_growing_latent_ends_with_the_ratios_size() -> None:
    """Its settings in the words of the library."""
    recipe = nodes.lcm_upscale(1.5, 2, "area")
    assert recipe.options == {"scale": 1.5, "scale_steps": 2, "method": "area"}
    x = 10 * initial_noise((1, 4, 8, 8), 0)
    noise = noise_for(recipe.name, x, LEVELS, 3, options=recipe.options)
    *_, step = sampler(recipe.name)(gaussian("eps"), x, LEVELS, noise=noise, **recipe.options)
    assert step.x.shape == (1, 4, 12, 12)
