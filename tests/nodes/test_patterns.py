"""Regular expressions against Python's `re`."""

import re
import time

import pytest

from nodes import patterns
from nodes.patterns import ALL, FIRST, GROUP, GROUPS, compiled, extract, matches, replaced

TEXT = "A red apple,\na green Apple;\nno pear 12.5 and 7"


def ready(pattern: str, *, ignore: bool = False, multiline: bool = False, dotall: bool = False):
    return compiled(pattern, ignore, multiline, dotall)


@pytest.mark.parametrize("pattern", [r"\bapple", r"^no", r"a.*pear", r"(?P<colour>\w+) apple", r"\d+(\.\d+)?", "x|y"])
@pytest.mark.parametrize("ignore", [True, False])
@pytest.mark.parametrize("multiline", [True, False])
@pytest.mark.parametrize("dotall", [True, False])
def test_what_is_found_is_what_python_finds(pattern, ignore, multiline, dotall):
    flags = re.IGNORECASE * ignore | re.MULTILINE * multiline | re.DOTALL * dotall
    oracle, ours = re.compile(pattern, flags), ready(pattern, ignore=ignore, multiline=multiline, dotall=dotall)
    found = oracle.search(TEXT)
    assert matches(ours, TEXT) == (found is not None)
    assert extract(ours, TEXT, FIRST, 1) == (found[0] if found else "")
    assert extract(ours, TEXT, ALL, 1) == "\n".join(item[0] for item in oracle.finditer(TEXT))
    if oracle.groups:
        assert extract(ours, TEXT, GROUP, 1) == ((found[1] or "") if found else "")
        assert extract(ours, TEXT, GROUPS, 1) == "\n".join(item[1] for item in oracle.finditer(TEXT) if item[1])
    assert replaced(ours, TEXT, r"<\g<0>>", 0) == oracle.sub(r"<\g<0>>", TEXT)
    assert replaced(ours, TEXT, "-", 1) == oracle.sub("-", TEXT, count=1)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", "The pattern '(a' is no regular expression: missing ) at column 3."),
        ("a**", "The pattern 'a**' is no regular expression: multiple repeat at column 3."),
        ("[z-a]", "The pattern '[z-a]' is no regular expression: bad character range at column 5."),
        ("(" * 5000 + ")" * 5000, "has too many brackets inside brackets."),
    ],
)
def test_what_is_no_pattern_is_explained(pattern, message):
    with pytest.raises(ValueError, match="The pattern") as caught:
        ready(pattern)
    assert str(caught.value).endswith(message)


def test_a_group_that_is_not_there():
    with pytest.raises(ValueError, match="The pattern 'a' has no group 1, for it has none."):
        extract(ready("a"), "a", GROUP, 1)
    with pytest.raises(ValueError, match=r"has no group 3, for it has only 2."):
        extract(ready("(a)(b)"), "ab", GROUPS, 3)
    assert extract(ready("a"), "aa", GROUPS, 0) == "a\na"
    with pytest.raises(ValueError, match=r"The replacement '.*' does not fit the pattern: invalid group reference"):
        replaced(ready("(a)"), "aa", r"\2", 0)
    with pytest.raises(ValueError, match="does not fit the pattern: unknown group"):
        replaced(ready("(a)"), "aa", r"\g<b>", 0)


@pytest.mark.parametrize("what", ["matches", "first", "all", "replaced"])
def test_a_pattern_that_would_take_for_ever_is_given_up(monkeypatch, what):
    """(a|aa)+$ needs time exponential in the length of the text."""
    monkeypatch.setattr(patterns, "SECONDS", 0.2)
    pattern, text = ready("(a|aa)+$"), "a" * 60 + "!"
    work = {
        "matches": lambda: matches(pattern, text),
        "first": lambda: extract(pattern, text, FIRST, 0),
        "all": lambda: extract(pattern, text, ALL, 0),
        "replaced": lambda: replaced(pattern, text, "", 0),
    }
    began = time.perf_counter()
    with pytest.raises(ValueError, match="was not through after 0.2 seconds. Write it without repetitions inside"):
        work[what]()
    assert time.perf_counter() - began < 10
