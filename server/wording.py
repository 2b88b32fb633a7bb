"""What pydantic finds wrong, as sentences for people."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from graph.text import nearest

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "It is needed.",
        "extra_forbidden": "There is no such name.",
        "model_type": "It must be an object.",
        "model_attributes_type": "It must be an object.",
        "dict_type": "It must be an object.",
        "list_type": "It must be a list.",
        "tuple_type": "It must be a list.",
        "string_type": "It must be text.",
        "int_type": "It must be a whole number.",
        "int_parsing": "It must be a whole number.",
        "int_from_float": "It must be a whole number.",
        "int_parsing_size": "It has too many digits.",
        "float_type": "It must be a number.",
        "float_parsing": "It must be a number.",
        "finite_number": "It must be a finite number.",
        "bool_type": "It must be true or false.",
        "bool_parsing": "It must be true or false.",
        "literal_error": "It must be {expected}.",
        "greater_than": "It must be more than {gt}.",
        "greater_than_equal": "It must be at least {ge}.",
        "less_than": "It must be less than {lt}.",
        "less_than_equal": "It must be at most {le}.",
        "string_too_short": "It must have at least {min_length} characters.",
        "string_too_long": "It must have at most {max_length} characters.",
        "too_short": "It must have at least {min_length} items.",
        "too_long": "It must have at most {max_length} items.",
        "string_pattern_mismatch": "It must look like {pattern}.",
    }
)
"""By pydantic's name of an error; in braces what it tells beside it."""


def sentence(error: ErrorDetails, known: Collection[str] = ()) -> str:
    """One thing that is wrong. known: the names there are, for one that is not among them."""
    is_empty = error["type"] in ("string_too_short", "too_short") and error.get("ctx", {}).get("min_length") == 1
    found = "It must not be empty." if is_empty else SENTENCES.get(error["type"])
    text = found.format_map(error.get("ctx", {})) if found else f"{error['msg'].removesuffix('.')}."
    close = nearest(str(error["loc"][-1])[:100], known) if error["type"] == "extra_forbidden" and known else None
    return f"{text} Did you mean '{close}'?" if close else text


def wrongs(error: ValidationError, where: str, known: Collection[str] = ()) -> list[dict[str, Any]]:
    """All that is wrong, as `problems` have it. where: what the value is. known: the names it may have at its top."""
    return [
        {
            "place": [where, *item["loc"]],
            "message": sentence(item, known if len(item["loc"]) == 1 else ()),
            "code": item["type"],
        }
        for item in error.errors(include_url=False, include_input=False)
    ]
