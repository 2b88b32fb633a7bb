import pytest

import nodes
from graph.catalogue import Catalogue
from nodes import primitive

CATALOGUE = Catalogue.of(nodes.MODULES)


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (primitive.whole_number, -(2**63 - 1)),
        (primitive.real_number, 0.5),
        (primitive.short_text, "a"),
        (primitive.long_text, "a\nb"),
        (primitive.truth, True),
        (primitive.text_constant, "a"),
    ],
)
def test_a_constant_gives_its_value(function, value):
    assert function(value) == value


def test_constants_of_other_packs_name_their_outputs_as_those_do():
    assert primitive.seed_number(7) == primitive.random_seed(7) == primitive.whole_constant(7) == (7,)
    assert (primitive.real_constant(0.5), primitive.truth_constant(False)) == ((0.5,), (False,))
    names = {"easy seed": "seed", "Seed (rgthree)": "SEED", "INTConstant": "value", "FloatConstant": "value"}
    for type_id, name in names.items():
        spec = CATALOGUE.spec(type_id)
        assert spec is not None
        assert [item.name for item in spec.outputs] == [name]


def test_a_seed_that_stands_for_a_random_one_must_be_set():
    with pytest.raises(ValueError, match="The seed -1 stands for a number that an editor draws before the run."):
        primitive.random_seed(-1)
