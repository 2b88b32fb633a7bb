import logging
from typing import Any

import pytest

from graph.call import described, failure
from graph.catalogue import Catalogue
from graph.errors import FileMissing, GraphError
from graph.plan import plan
from tests.graph.flows import flow


class OutOfMemoryError(RuntimeError):
    """As torch has it."""


class PackError(Exception):
    def __init__(self, text: str, hint: Any) -> None:
        super().__init__(text)
        self.hint = hint


@pytest.fixture(scope="module")
def work():
    return plan(flow(n=("Number", {})), Catalogue.of(["tests.graph.toy_nodes"]), services={}, outputs=["n"]).works["n"]


@pytest.mark.parametrize(
    ("error", "message", "code", "hint"),
    [
        (ValueError("The mask is empty."), "The mask is empty.", "value_error", ""),
        (ValueError("width"), "ValueError: width", "value_error", ""),
        (KeyError("x y"), "KeyError: 'x y'", "key_error", ""),
        (TypeError("bad operand type for +"), "TypeError: bad operand type for +", "type_error", ""),
        (AssertionError(), "AssertionError.", "assertion_error", ""),
        (GraphError("It is so."), "It is so.", "graph_error", ""),
        (FileMissing("No file here.", folder="vae", name="x"), "No file here.", "file_missing", ""),
        (OutOfMemoryError("CUDA out of memory."), "CUDA out of memory.", "out_of_memory_error", ""),
        (PackError("It broke.", "Turn it off."), "It broke.", "pack_error", "Turn it off."),
        (PackError("It broke twice.", None), "It broke twice.", "pack_error", ""),
        (FileNotFoundError(2, "No such file", "/x/a.png"), "No such file: '/x/a.png'.", "file_not_found_error", ""),
        (OSError(28, "No space left on device"), "No space left on device.", "os_error", ""),
    ],
)
def test_an_error_as_people_read_it(work, error, message, code, hint):
    failed = failure(work, error)
    assert (failed.message, failed.code, failed.hint) == (message, code, hint)
    assert str(failed) == f"Node 'n' (Number) failed: {message} {hint}".strip()


def test_arguments_for_the_log_hold_on_to_nothing():
    assert described({"a": 1, "b": logging}, lambda value: type(value).__name__) == "  a = int\n  b = module"
