"""Whatever is sent to an operation of the OpenAPI document, the answer is as described, and the server goes on."""

from collections.abc import Iterator
from typing import Any

import pytest
from schemathesis.generation import GenerationMode

from server.native import ALL
from server.openapi import template
from tests.server.assembled import assembled
from tests.server.fuzzing import Fuzzer

EXAMPLES = 8
"""Of each operation, of what fits its description and of what does not; `benchmarks/server_fuzz.py` sends more."""

OPERATIONS = sorted(
    ((route.method, template(route)) for route in ALL), key=lambda item: (item[0] == "DELETE", item[1], item[0])
)
"""Those that remove something last."""


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzer]:
    folder = tmp_path_factory.mktemp("fuzzed")
    with assembled(folder, workers=8, devices=("cpu",), offline=True) as server:
        yield Fuzzer(server, EXAMPLES)


@pytest.fixture(scope="module")
def operations(fuzzer: Fuzzer) -> dict[tuple[str, str], Any]:
    return {(operation.method.upper(), operation.path): operation for operation in fuzzer.operations()}


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[" ".join(item) for item in OPERATIONS])
def test_an_operation_answers_as_described(
    fuzzer: Fuzzer, operations: dict[tuple[str, str], Any], method: str, path: str
):
    for mode in GenerationMode:
        fuzzer.play(operations[method, path], mode)


def test_a_published_workflow_answers_as_its_own_description_says(
    fuzzer: Fuzzer, operations: dict[tuple[str, str], Any]
):
    for mode in GenerationMode:
        fuzzer.play(operations["POST", "/v1/apps/known/runs"], mode)


def test_what_was_sent_reached_more_than_the_door(fuzzer: Fuzzer, operations: dict[tuple[str, str], Any]):
    """Of most operations something was done, and of all of them something was refused or done."""
    if fuzzer.tally.requests < len(operations) * EXAMPLES:
        pytest.skip("Only some of the operations were fuzzed.")
    done = {name for name, answers in fuzzer.tally.answers.items() if any(status < 400 for status in answers)}
    assert len(done) > 0.8 * len(operations)
