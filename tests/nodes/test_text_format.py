import pytest

from nodes.text_format import filled

VALUES = {"1": "red", "2": 3.14159, "3": 7, "4": True}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{1} apple", "red apple"),
        ("{2:.2f} and {3:04d}", "3.14 and 0007"),
        ("{1:>6}|{1:<6}|{1:^7}|", "   red|red   |  red  |"),
        ("{{{1}}} {4}", "{red} True"),
        ("{3:+,}{2:.1e}", "+73.1e+00"),
    ],
)
def test_gaps_are_filled_as_python_does(template, text):
    assert filled(template, VALUES) == text
    assert template.format("", "red", 3.14159, 7, True) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{", "The template has a brace without its partner. Write '{{' for a brace."),
        ("a } b", "The template has a brace without its partner."),
        ("{5}", "The template asks for {5}, but there is {1}, {2}, {3}, {4}."),
        ("{}", "The template asks for {}, but there is"),
        ("{1.__class__}", "The template asks for {1.__class__}, but there is"),
        ("{1[0]}", "The template asks for {1[0]}, but there is"),
        ("{1!r}", "The template asks for {1!r}, but there is"),
        ("{1:d}", "The format 'd' of {1} does not fit the value 'red'"),
        ("{2:999999999}", "The format '999999999' of {2} cannot be used: no gaps inside it, no widths over 999."),
        ("{2:{3}}", "The format '{3}' of {2} cannot be used"),
    ],
)
def test_what_does_not_fit_is_explained(template, message):
    with pytest.raises(ValueError, match="The ") as caught:
        filled(template, VALUES)
    assert str(caught.value).startswith(message)


def test_only_plain_values_can_be_put_in():
    with pytest.raises(ValueError, match=r"The value \{1\} is no text and no number, but of type list\."):
        filled("{1}", {"1": [1]})
