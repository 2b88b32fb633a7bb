"""Nodes of operations on latents: values that a latent or a model takes."""

from dataclasses import replace

import torch

from diffusion.latent_operations import operated
from diffusion.model_options import OperatedGuidance
from diffusion.values import Latent, Sharpen, TonemapReinhard
from nodes.latent_operations import apply_operation, apply_operation_to_guidance, sharpen, tonemap
from tests.diffusion.fake_network import MODEL


def test_operations_are_values() -> None:
    assert tonemap() == TonemapReinhard(1.0)
    assert sharpen() == Sharpen(9, 1.0, 0.1)


def test_an_operation_is_done_on_a_latent() -> None:
    latent = Latent(torch.randn(1, 4, 12, 12, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(apply_operation(latent, sharpen(3)).samples, operated(Sharpen(3, 1.0, 0.1), latent.samples))


def test_a_model_takes_an_operation_as_an_option() -> None:
    made = apply_operation_to_guidance(MODEL, tonemap(0.5))
    assert made == replace(MODEL, options=(OperatedGuidance(TonemapReinhard(0.5)),))
