"""Problems of reading and of checking, put together."""

from graph.problem import Problem, joined

VAGUE = "It may come from somewhere."


def absent(node: str, message: str, hint: str, *, error: bool = False) -> Problem:
    severity = "error" if error else "warning"
    return Problem(code="unknown_type", node=node, message=message, hint=hint, severity=severity)


def test_a_type_that_is_not_there_is_told_once() -> None:
    values = Problem(code="unmapped_values", node="1", message="Values.", severity="warning")
    read = [absent("1", "It is from the pack 'p'.", "Install the pack 'p'."), values]
    checked = [absent("1", "It does not exist.", "Did you mean 'q'?", error=True)]
    found = joined(read, checked, VAGUE)
    assert [str(problem) for problem in found] == ["Values.", "It is from the pack 'p'. Install the pack 'p'."]
    assert found[1].severity == "error"


def test_the_better_hint_is_kept() -> None:
    [found] = joined([absent("1", "None.", VAGUE)], [absent("1", "No.", "Did you mean 'q'?", error=True)], VAGUE)
    assert str(found) == "None. Did you mean 'q'?"


def test_what_only_one_of_them_says_stays() -> None:
    read, checked = [absent("muted", "None.", VAGUE)], [absent("2", "No.", "Try.", error=True)]
    assert joined(read, checked, VAGUE) == read + checked
