import pytest

from diffusion.tables import look_up

TABLE = {"area": 1, "bilinear": 2}


def test_what_is_there_is_found():
    assert look_up(TABLE, "area", "method") == 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("bilinar", "There is no method 'bilinar'. Did you mean 'bilinear'?"),
        ("zzz", "There is no method 'zzz'. There are: area, bilinear."),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(name, sentence):
    with pytest.raises(ValueError) as raised:  # noqa: PT011 — the whole sentence is compared
        look_up(TABLE, name, "method")
    assert str(raised.value) == sentence
