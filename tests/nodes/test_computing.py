"""Nodes that say how a model's network computes: they add an option to it, and change nothing that is in memory."""

from dataclasses import replace
from typing import Any

import pytest

from diffusion.model_options import CompiledNetwork, ComputeType, ForeseenAnswers
from nodes.computing import compile_network, foresee_answers, foresee_guided_answers, set_compute_type
from tests.diffusion.fake_network import MODEL


@pytest.mark.parametrize(
    ("made", "option"),
    [
        (set_compute_type(MODEL, "bf16"), ComputeType("bf16")),
        (set_compute_type(MODEL, "default"), ComputeType(None)),
        (compile_network(MODEL, "inductor"), CompiledNetwork("inductor")),
        (foresee_answers(MODEL), ForeseenAnswers("network", 0.2, 0.15, 0.95)),
        (foresee_guided_answers(MODEL, 0.1, verbose=True), ForeseenAnswers("guidance", 0.1, 0.15, 0.95, verbose=True)),
    ],
    ids=repr,
)
def test_a_node_adds_one_option(made: Any, option: object) -> None:
    assert made == replace(MODEL, options=(option,))
    assert MODEL.options == ()
