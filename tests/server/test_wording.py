"""What is wrong with a body or a query is said in plain words."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from graph.spec import Frozen
from server.wording import SENTENCES, wrongs


class Asked(Frozen):
    title: Annotated[str, Field(min_length=2, max_length=3)] = "abc"
    count: Annotated[int, Field(ge=1, le=9)] = 1
    part: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.5
    kind: Literal["input", "output"] = "input"
    word: Annotated[str, Field(min_length=1)] = "a"
    names: Annotated[tuple[str, ...], Field(max_length=2)] = ()
    front: bool = False
    code: Annotated[str, Field(pattern="^[a-z]$")] = "a"
    facts: dict[str, str] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("given", "place", "said"),
    [
        ({"titel": "abc"}, ["body", "titel"], "There is no such name. Did you mean 'title'?"),
        ({"zzz": 1}, ["body", "zzz"], "There is no such name."),
        ({"title": 1}, ["body", "title"], "It must be text."),
        ({"title": "a"}, ["body", "title"], "It must have at least 2 characters."),
        ({"word": ""}, ["body", "word"], "It must not be empty."),
        ({"title": "abcd"}, ["body", "title"], "It must have at most 3 characters."),
        ({"count": "many"}, ["body", "count"], "It must be a whole number."),
        ({"count": 1.5}, ["body", "count"], "It must be a whole number."),
        ({"count": "9" * 5000}, ["body", "count"], "It has too many digits."),
        ({"count": 0}, ["body", "count"], "It must be at least 1."),
        ({"count": 10}, ["body", "count"], "It must be at most 9."),
        ({"part": "x"}, ["body", "part"], "It must be a number."),
        ({"part": 0}, ["body", "part"], "It must be more than 0.0."),
        ({"part": 1}, ["body", "part"], "It must be less than 1.0."),
        ({"kind": "temp"}, ["body", "kind"], "It must be 'input' or 'output'."),
        ({"names": "a"}, ["body", "names"], "It must be a list."),
        ({"names": ["a", 2]}, ["body", "names", 1], "It must be text."),
        ({"names": ["a", "b", "c"]}, ["body", "names"], "It must have at most 2 items."),
        ({"front": "perhaps"}, ["body", "front"], "It must be true or false."),
        ({"code": "A"}, ["body", "code"], "It must look like ^[a-z]$."),
        ({"facts": 1}, ["body", "facts"], "It must be an object."),
        ([], ["body"], "It must be an object."),
    ],
    ids=lambda value: str(value)[:20],
)
def test_each_has_a_sentence(given: Any, place: list[str | int], said: str):
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate(given)
    (problem,) = wrongs(caught.value, "body", Asked.model_fields)
    assert problem["place"] == place
    assert problem["message"] == said


def test_all_are_sentences():
    assert all(text.endswith(".") and text.startswith(("It ", "There ")) for text in SENTENCES.values())
