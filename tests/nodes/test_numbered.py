from typing import Annotated, Any

from graph.node import Lazy, node, node_type_of
from nodes.anything import Anything
from nodes.numbered import given, numbered, series


@node("Sum", category="toys", needs=lambda first: ["value2"] if first else [])
@numbered("value", range(2, 5), Annotated[int | None, Lazy(), series("value")])
def add(first: int = 1, *, desk: Any = None, **values: int | None) -> int:
    """The sum."""
    del desk
    return first + sum(value for value in values.values() if value is not None)


def test_the_inputs_of_a_row_are_declared_behind_the_others():
    found = node_type_of(add)
    assert found is not None
    spec = found.spec
    assert [item.name for item in spec.inputs] == ["first", "value2", "value3", "value4"]
    row = spec.inputs[1]
    assert (row.type, row.required, row.default, row.optional, row.lazy) == ("INT", False, None, True, True)
    assert row.hints == {"series": "value"}
    assert spec.services == ("desk",)


def test_the_function_stays_one_that_can_be_called():
    assert add(first=1, value2=2, value4=4) == 7
    assert add() == 1


def test_values_of_a_row_that_are_there():
    assert given({"value1": 0, "value2": None, "value3": "x"}) == [0, "x"]


def test_anything_is_on_the_wire_what_it_says():
    assert Anything.wire == "*"
