"""Regular expressions from workflows: bounded in time, and wrong ones explained."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import regex

SECONDS = 5.0
"""How long one search may take. Some patterns need time exponential in the length of the text; while they are at it,
others can work (`concurrent`)."""

FIRST, ALL, GROUP, GROUPS = "First Match", "All Matches", "First Group", "All Groups"


def compiled(pattern: str, case_insensitive: bool, multiline: bool, dotall: bool) -> "regex.Pattern[str]":
    """A pattern, ready to be used: the syntax of Python's `re`.

    multiline: ^ and $ also match at line ends. dotall: a dot matches line ends too.
    Raises ValueError where it is no regular expression, with the column.
    """
    import regex

    flags = regex.IGNORECASE * case_insensitive | regex.MULTILINE * multiline | regex.DOTALL * dotall
    try:
        return regex.compile(pattern, flags)
    except regex.error as error:
        fault: Any = error
        raise ValueError(f"The pattern {_short(pattern)} is no regular expression: {fault.msg}{_at(fault)}.") from error
    except RecursionError as error:
        raise ValueError(f"The pattern {_short(pattern)} has too many brackets inside brackets.") from error


def matches(pattern: "regex.Pattern[str]", text: str) -> bool:
    """Whether the pattern is found anywhere in the text. Raises ValueError if that takes too long."""
    try:
        return pattern.search(text, timeout=SECONDS, concurrent=True) is not None
    except TimeoutError as error:
        raise _endless(pattern) from error


def extract(pattern: "regex.Pattern[str]", text: str, mode: str, group: int) -> str:
    """What the pattern finds in the text; "" if nothing.

    mode: the first match, all of them, or in either the group of that number (0: the whole match); several are joined
    by line ends. A group that took no part in a match counts as nothing.
    Raises ValueError if the pattern has no such group, or takes too long.
    """
    if mode in (GROUP, GROUPS):
        if group > pattern.groups:
            has = f"only {pattern.groups}" if pattern.groups else "none"
            raise ValueError(f"The pattern {_short(pattern.pattern)} has no group {group}, for it has {has}.")
    else:
        group = 0
    try:
        if mode in (FIRST, GROUP):
            found = pattern.search(text, timeout=SECONDS, concurrent=True)
            return (found[group] or "") if found else ""
        every = [found[group] for found in pattern.finditer(text, timeout=SECONDS, concurrent=True)]
    except TimeoutError as error:
        raise _endless(pattern) from error
    return "\n".join(item for item in every if item is not None)


def replaced(pattern: "regex.Pattern[str]", text: str, by: str, count: int) -> str:
    """The text with what the pattern finds replaced, the first `count` times, or every time for 0.

    by: may hold \\1, \\g<name> for groups.
    Raises ValueError if it names a group that is not there, or the work takes too long.
    """
    import regex

    try:
        return pattern.sub(by, text, count=count, timeout=SECONDS, concurrent=True)
    except TimeoutError as error:
        raise _endless(pattern) from error
    except (regex.error, IndexError) as error:
        raise ValueError(f"The replacement {_short(by)} does not fit the pattern: {error}.") from error


def _endless(pattern: "regex.Pattern[str]") -> ValueError:
    return ValueError(
        f"The pattern {_short(pattern.pattern)} was not through after {SECONDS:g} seconds. "
        "Write it without repetitions inside repetitions, such as (a+)+."
    )


def _at(fault: Any) -> str:
    return f" at column {fault.pos + 1}" if fault.pos is not None else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
