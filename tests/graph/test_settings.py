import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.settings import Unfit, coerce, read, takes_settings
from graph.spec import InputSpec


def spec(wire: str, **more: object) -> InputSpec:
    return InputSpec(name="it", type=wire, required=False, **more)  # pyright: ignore[reportArgumentType]


STEPS = spec("INT", minimum=1, maximum=100)
SEED = spec("INT", minimum=0, maximum=2**64 - 1)
CFG = spec("FLOAT", minimum=0.0, maximum=8.0)
METHOD = spec("COMBO", choices=("nearest", "area", "bicubic"))


@pytest.mark.parametrize(
    ("item", "value", "result"),
    [
        (STEPS, 7, 7),
        (STEPS, 7.0, 7),
        (SEED, "18446744073709551615", 2**64 - 1),
        (SEED, 2**64 - 1, 2**64 - 1),
        (CFG, 7, 7.0),
        (CFG, 7.5, 7.5),
        (spec("FLOAT"), -0.0, 0.0),
        (spec("STRING"), "", ""),
        (spec("BOOLEAN"), True, True),
        (METHOD, "area", "area"),
        (spec("COMBO", source="loras"), "sd\\one.safetensors", "sd/one.safetensors"),
        (spec("STRING", optional=True), None, None),
        (spec("INT", list=True), [1, 2.0], [1, 2]),
        (spec("INT", list=True), 3, [3]),
        (spec("*"), {"a": [None]}, {"a": [None]}),
        (spec("INT,FLOAT"), 7, 7),
        (spec("INT,FLOAT"), 7.5, 7.5),
        (spec("FLOAT,INT"), 7, 7.0),
        (spec("INT,STRING"), "seven", "seven"),
        (spec("CURVE", default=[0, 1]), [0, 0.5, 1], [0, 0.5, 1]),
    ],
)
def test_the_value_as_the_input_has_it(item, value, result):
    got = coerce(item, value)
    assert got == result
    assert type(got) is type(result)


@pytest.mark.parametrize(
    ("item", "value", "code", "message", "hint"),
    [
        (STEPS, 0, "out_of_range", "is 0, but must be at least 1", "Set it to a value from 1 to 100."),
        (STEPS, 101, "out_of_range", "is 101, but must be at most 100", "Set it to a value from 1 to 100."),
        (STEPS, True, "wrong_type", "takes a whole number, but is true",
         "Set it to a whole number from 1 to 100."),
        (STEPS, 7.5, "wrong_type", "takes a whole number, but is a number: 7.5",
         "Set it to a whole number from 1 to 100."),
        (STEPS, "7", "wrong_type", 'takes a whole number, but is a text: "7"', "Write it without quotes."),
        (STEPS, None, "wrong_type", "takes a whole number, but is null", "Set it to a whole number from 1 to 100."),
        (STEPS, 1e300, "wrong_type", "takes a whole number, but is a number: 1e+300",
         "Set it to a whole number from 1 to 100."),
        (STEPS, [7], "wrong_type", "takes a whole number, but is a list: [7]",
         "Set it to a whole number from 1 to 100."),
        (SEED, str(2**64), "out_of_range", f"is {2**64}, but must be at most {2**64 - 1}",
         f"Set it to a value from 0 to {2**64 - 1}."),
        (CFG, -0.5, "out_of_range", "is -0.5, but must be at least 0.0", "Set it to a value from 0.0 to 8.0."),
        (CFG, "7.5", "wrong_type", 'takes a number, but is a text: "7.5"', "Set it to a number from 0.0 to 8.0."),
        (CFG, False, "wrong_type", "takes a number, but is false",
         "Set it to a number from 0.0 to 8.0."),
        (CFG, math.inf, "wrong_type", "takes a number, but is a number: Infinity",
         "Set it to a number from 0.0 to 8.0."),
        (CFG, 10**400, "wrong_type", "takes a number, but is a number: an integer of about 400 digits",
         "Set it to a number from 0.0 to 8.0."),
        (spec("INT", minimum=1), 0, "out_of_range", "is 0, but must be at least 1", "Set it to a value of 1 or more."),
        (spec("INT", maximum=1), 2, "out_of_range", "is 2, but must be at most 1", "Set it to a value of 1 or less."),
        (spec("INT"), "x", "wrong_type", 'takes a whole number, but is a text: "x"', "Set it to a whole number."),
        (spec("STRING"), 7, "wrong_type", "takes a text, but is a number: 7", "Write it in quotes."),
        (spec("BOOLEAN"), 1, "wrong_type", "takes true or false, but is a number: 1", "Set it to true or false."),
        (METHOD, "aera", "not_a_choice", 'is "aera", which is not one of its choices', "Did you mean 'area'?"),
        (METHOD, "??", "not_a_choice", 'is "??", which is not one of its choices',
         "It takes 'nearest', 'area' and 'bicubic'."),
        (METHOD, 1, "wrong_type", "takes one of its choices as a text, but is a number: 1",
         "It takes 'nearest', 'area' and 'bicubic'."),
        (spec("COMBO", source="vae"), 1, "wrong_type", "takes one of its choices as a text, but is a number: 1",
         "Name a file."),
        (spec("IMAGE"), 1, "wrong_type", "takes a link from an output of type IMAGE, but is a number: 1",
         "Link it to a node that gives IMAGE."),
        (spec("IMAGE"), None, "wrong_type", "takes a link from an output of type IMAGE, but is null",
         "Link it to a node that gives IMAGE."),
        (spec("INT,FLOAT", maximum=5), 7, "out_of_range", "is 7, but must be at most 5",
         "Set it to a value of 5 or less."),
        (spec("INT,FLOAT"), "a", "wrong_type", 'takes INT or FLOAT, but is a text: "a"', "Give it one of these."),
    ],
)  # fmt: skip
def test_what_an_input_does_not_take(item, value, code, message, hint):
    with pytest.raises(Unfit) as caught:
        coerce(item, value)
    assert (caught.value.code, str(caught.value), caught.value.hint) == (code, message, hint)


@given(st.integers(-(2**70), 2**70))
def test_whole_numbers_beyond_the_exact_may_be_text_and_no_others(number):
    if abs(number) > 2**53:
        assert coerce(spec("INT"), str(number)) == number
    else:
        with pytest.raises(Unfit):
            coerce(spec("INT"), str(number))


@given(
    st.sampled_from([STEPS, SEED, CFG, METHOD, spec("STRING"), spec("BOOLEAN"), spec("INT", list=True), spec("*")]),
    st.data(),
)
def test_coercing_twice_is_coercing_once(item, data):
    value = data.draw(
        st.one_of(st.integers(0, 9), st.floats(0, 9), st.text(max_size=3), st.booleans(), st.sampled_from(["area"]))
    )
    try:
        once = coerce(item, value)
    except Unfit:
        return
    assert coerce(item, once) == once
    assert type(coerce(item, once)) is type(once)


@pytest.mark.parametrize(
    ("item", "text", "value"),
    [
        (STEPS, "7", 7),
        (STEPS, " +7 ", 7),
        (STEPS, "7.5", "7.5"),
        (STEPS, "0x7", "0x7"),
        (CFG, "7", 7.0),
        (CFG, "1e-3", 0.001),
        (CFG, ".5", 0.5),
        (CFG, "nan", "nan"),
        (spec("BOOLEAN"), "True", True),
        (spec("BOOLEAN"), "no", "no"),
        (spec("STRING"), "7", "7"),
        (METHOD, "area", "area"),
        (spec("INT,STRING"), "7", 7),
        (spec("INT", list=True), "[1, 2]", [1, 2]),
        (spec("*"), '{"a": 1}', {"a": 1}),
        (spec("*"), "plain", "plain"),
    ],
)
def test_reading_what_a_person_typed(item, text, value):
    got = read(item, text)
    assert got == value
    assert type(got) is type(value)


def test_which_inputs_take_settings():
    assert takes_settings(STEPS)
    assert takes_settings(spec("*"))
    assert takes_settings(spec("IMAGE,STRING"))
    assert takes_settings(spec("CURVE", default=[0, 1]))
    assert not takes_settings(spec("IMAGE"))
