"""A1111's names for samplers and schedules."""

import pytest

from diffusion import names
from graph.comfyui.sampler_labels import NEAREST_SAMPLERS, NEAREST_SCHEDULES, SAMPLERS, SCHEDULES, sampling


def test_every_name_is_one_of_ours():
    assert {*SAMPLERS.values(), *NEAREST_SAMPLERS.values()} <= set(names.SAMPLERS)
    assert {*SCHEDULES.values(), *NEAREST_SCHEDULES.values()} <= set(names.SCHEDULERS)
    assert set(SCHEDULES.values()) == set(names.SCHEDULERS)


@pytest.mark.parametrize("name", names.SAMPLERS)
def test_our_own_names_are_understood(name: str):
    assert sampling(name, "Beta") == (name, "beta", ())
    assert sampling(f"{name}_karras") == (name, "karras", ())


@pytest.mark.parametrize(
    ("label", "schedule", "sampler", "scheduler"),
    [
        ("Euler a", "", "euler_ancestral", "normal"),
        ("Euler", "Simple", "euler", "simple"),
        ("DPM++ 2M Karras", "", "dpmpp_2m", "karras"),
        ("DPM++ 2M", "Karras", "dpmpp_2m", "karras"),
        ("DPM++ 2M", "Automatic", "dpmpp_2m", "karras"),
        ("DPM++ 2M SDE", "Automatic", "dpmpp_2m_sde", "exponential"),
        ("DPM++ 2M SDE Heun Exponential", "", "dpmpp_2m_sde_heun", "exponential"),
        ("DPM++ SDE Karras", "", "dpmpp_sde", "karras"),
        ("DPM++ 3M SDE", "SGM Uniform", "dpmpp_3m_sde", "sgm_uniform"),
        ("DPM2 a Karras", "", "dpm_2_ancestral", "karras"),
        ("DPM fast", "", "dpm_fast", "normal"),
        ("LMS Karras", "", "lms", "karras"),
        ("UniPC", "", "uni_pc", "normal"),
        ("DDIM", "", "ddim", "ddim_uniform"),
        ("DDIM CFG++", "DDIM", "euler_cfg_pp", "ddim_uniform"),
        ("k_euler_ancestral", "", "euler_ancestral", "normal"),
        ("LCM", "KL Optimal", "lcm", "kl_optimal"),
    ],
)
def test_labels(label: str, schedule: str, sampler: str, scheduler: str):
    assert sampling(label, schedule) == (sampler, scheduler, ())


def test_what_is_not_here_is_said():
    found = sampling("Restart", "Align Your Steps")
    assert found[:2] == ("heun", "karras")
    assert found.notes == (
        "the sampler 'Restart' is not here; 'heun' stands in its place",
        "the schedule 'Align Your Steps' is not here; 'karras' stands in its place",
    )
    assert sampling("Frobnicate", "Whatever")[:2] == ("euler", "normal")
