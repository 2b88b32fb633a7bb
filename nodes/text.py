"""Nodes that take texts apart and put them together."""

from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from annotated_types import Ge, Le

from graph.node import Default, Help, Hint, node
from nodes.anything import Anything
from nodes.numbered import numbered, series
from nodes.patterns import compiled, extract, matches, replaced
from nodes.text_format import filled

MOST_VALUES = 8

Text = Annotated[str, Hint(multiline=True)]
Line = Annotated[str, Hint(multiline=False)]
Pattern = Annotated[str, Hint(multiline=True), Help("A regular expression, in the syntax of Python.")]
IgnoreCase = Annotated[bool, Default(True), Help("Take A and a for the same.")]
LineEnds = Annotated[bool, Default(False), Help("^ and $ also match at the ends of lines.")]
DotAll = Annotated[bool, Default(False), Help("A dot also matches the end of a line.")]
Case = Literal["UPPERCASE", "lowercase", "Capitalize", "Title Case"]
Side = Literal["Both", "Left", "Right"]

CASES = MappingProxyType(
    {"UPPERCASE": str.upper, "lowercase": str.lower, "Capitalize": str.capitalize, "Title Case": str.title}
)
TRIMS = MappingProxyType({"Both": str.strip, "Left": str.lstrip, "Right": str.rstrip})
COMPARISONS = MappingProxyType({"Starts With": str.startswith, "Ends With": str.endswith, "Equal": str.__eq__})


class Length(NamedTuple):
    """How long a text is."""

    length: int


class Contains(NamedTuple):
    """Whether a text is in another."""

    contains: bool


class Matches(NamedTuple):
    """Whether a pattern is found."""

    matches: bool


@node("StringConcatenate", category="utils/string", title="Concatenate")
def concatenate_texts(string_a: Text, string_b: Text, delimiter: Line = "") -> str:
    """Join two texts, with a delimiter between them."""
    return f"{string_a}{delimiter}{string_b}"


@node("StringSubstring", category="utils/string", title="Substring")
def cut_text(
    string: Text,
    start: Annotated[int, Help("The first character is 0; negative numbers count from the end.")],
    end: Annotated[int, Help("The character behind the last one taken.")],
) -> str:
    """Take the characters from `start` up to, but without, `end`."""
    return string[start:end]


@node("StringLength", category="utils/string", title="Length")
def count_characters(string: Text) -> Length:
    """Count the characters of a text."""
    return Length(len(string))


@node("CaseConverter", category="utils/string", title="Case Converter")
def change_case(string: Text, mode: Case) -> str:
    """Write a text in capitals or small letters, or with capitals at the beginning of the text or of each word."""
    return CASES[mode](string)


@node("StringTrim", category="utils/string", title="Trim")
def trim_text(string: Text, mode: Side) -> str:
    """Take blanks and line ends off the beginning, the end, or both."""
    return TRIMS[mode](string)


@node("StringReplace", category="utils/string", title="Replace")
def replace_text(string: Text, find: Text, replace: Text) -> str:
    """Put a text in place of another, wherever that is found."""
    return string.replace(find, replace)


@node("StringContains", category="utils/string", title="Contains")
def find_text(string: Text, substring: Text, case_sensitive: bool = True) -> Contains:
    """Whether a text is found in another."""
    return Contains(substring in string if case_sensitive else substring.lower() in string.lower())


@node("StringCompare", category="utils/string", title="Compare")
def compare_texts(
    string_a: Text,
    string_b: Text,
    mode: Literal["Starts With", "Ends With", "Equal"],
    case_sensitive: bool = True,
) -> bool:
    """Whether the first text is the second, or begins or ends with it."""
    first, second = (string_a, string_b) if case_sensitive else (string_a.lower(), string_b.lower())
    return COMPARISONS[mode](first, second)


@node("RegexMatch", category="utils/string", title="Regex Match")
def match_pattern(
    string: Text, regex_pattern: Pattern, case_insensitive: IgnoreCase, multiline: LineEnds, dotall: DotAll
) -> Matches:
    """Whether a regular expression is found anywhere in a text. A search that takes over 5 seconds is given up."""
    return Matches(matches(compiled(regex_pattern, case_insensitive, multiline, dotall), string))


@node("RegexExtract", category="utils/string", title="Regex Extract")
def extract_pattern(
    string: Text,
    regex_pattern: Pattern,
    mode: Literal["First Match", "All Matches", "First Group", "All Groups"],
    case_insensitive: IgnoreCase,
    multiline: LineEnds,
    dotall: DotAll,
    group_index: Annotated[int, Ge(0), Le(100), Help("Which group; 0 is the whole match.")] = 1,
) -> str:
    """Take out what a regular expression finds, or one group of it: the first, or all of them, a line each."""
    return extract(compiled(regex_pattern, case_insensitive, multiline, dotall), string, mode, group_index)


@node("RegexReplace", category="utils/string", title="Regex Replace")
def replace_pattern(
    string: Text,
    regex_pattern: Pattern,
    replace: Annotated[Text, Help("May hold \\1 for the first group, \\g<name> for a named one.")],
    case_insensitive: Annotated[bool | None, Help("Take A and a for the same.")] = True,
    multiline: Annotated[bool | None, Help("^ and $ also match at the ends of lines.")] = False,
    dotall: Annotated[bool | None, Help("A dot also matches the end of a line.")] = False,
    count: Annotated[int | None, Ge(0), Le(100), Help("How often at most; 0 is every time.")] = 0,
) -> str:
    """Put a text in place of what a regular expression finds."""
    ignore = case_insensitive is None or case_insensitive
    return replaced(compiled(regex_pattern, ignore, bool(multiline), bool(dotall)), string, replace, count or 0)


@node("StringFormat", category="utils/string", title="Format")
@numbered("value", range(1, MOST_VALUES + 1), Annotated[Anything | None, series("value")])
def format_text(
    template: Annotated[Text, Help("{1} is value1, {2:.1f} value2 with one decimal, {3:04d} with zeros in front.")],
    **values: Anything,
) -> str:
    """Fill the gaps of a text with texts and numbers."""
    known = {name.removeprefix("value"): value for name, value in values.items() if value is not None}
    return filled(template, known)


@node("StringSplit", category="utils/string", title="Split")
def split_text(
    string: Text,
    delimiter: Annotated[Line, Help("Where to cut; without one, at blanks and line ends.")] = ",",
    strip: Annotated[bool, Help("Take blanks off both ends of each part, and leave empty parts out.")] = True,
) -> list[str]:
    """Cut a text into parts. What the list is connected to runs once for each part."""
    parts = string.split(delimiter or None)
    return [part.strip() for part in parts if part.strip()] if strip else parts


@node("TextLines", category="utils/string", title="Text Lines")
def text_lines(
    string: Text,
    strip: Annotated[bool, Help("Take blanks off both ends of each line, and leave empty lines out.")] = True,
) -> list[str]:
    """The lines of a text, such as a list of prompts. What the list is connected to runs once for each line."""
    lines = string.splitlines()
    return [line.strip() for line in lines if line.strip()] if strip else lines


@node("StringJoin", category="utils/string", title="Join")
def join_texts(strings: list[str], delimiter: Line = ", ") -> str:
    """Join all texts of a list to one, with a delimiter between them."""
    return delimiter.join(strings)
