"""`docs/workflow-format.md` says what is so."""

import json
import re
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

import nodes
from graph.catalogue import Catalogue
from graph.check import check
from graph.flat import LIMIT
from graph.problem import Code
from graph.schema import schema
from graph.strict_json import DEPTH
from graph.workflow import dump, load

PAGE = (Path(__file__).parents[2] / "docs" / "workflow-format.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(json|python)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
DOCUMENTS = [block for language, block in BLOCKS if language == "json"]


@pytest.mark.parametrize("text", DOCUMENTS, ids=lambda text: str(json.loads(text).get("title", "untitled")))
def test_examples_are_canonical_valid_and_without_problems(text):
    jsonschema.validate(json.loads(text), schema())
    workflow = load(text)
    assert dump(workflow) == text
    assert check(workflow, Catalogue.of(nodes.MODULES)) == []


@pytest.mark.parametrize("code", [block for language, block in BLOCKS if language == "python"])
def test_python_runs(code):
    exec(code, {})


def test_there_are_examples():
    assert len(DOCUMENTS) == 2


def test_every_field_is_described():
    definitions = schema()["$defs"].values()
    fields = {name for part in [schema(), *definitions] for name in part.get("properties", {})}
    words = set(re.findall(r"[a-z_0-9]+", PAGE))
    assert fields <= words


def test_every_kind_of_problem_is_described():
    described = re.findall(r"^\| `([a-z_]+)` \| .+ \|$", PAGE.partition("## Problems")[2], re.MULTILINE)
    assert described == list(get_args(Code))


def test_limits_are_those_of_the_code():
    assert f"at most {LIMIT:,} nodes" in PAGE
    assert f"more than {DEPTH} levels deep" in PAGE
