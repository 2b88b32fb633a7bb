"""One test for many small cases, where a test of its own would cost each more than the check."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import pytest


def every(name: str, cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Call a test with each case in turn, as `pytest.mark.parametrize` would, but as one test.

    name: the parameter that takes a case; several, separated by commas, take its parts. All cases are gone through,
    whatever fails; then the test fails with the name of each that is wrong and what was said of it. Fixtures are those
    of the one test: a case must not depend on what another leaves in them.
    """
    names = tuple(part.strip() for part in name.split(","))
    all_cases = list(cases)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(test)

        @wraps(test)
        def gone_through(**others: Any) -> None:
            wrong: list[tuple[Any, BaseException]] = []
            for case in all_cases:
                given = dict(zip(names, case if len(names) > 1 else (case,), strict=True))
                try:
                    test(**given, **others)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever a test may fail with
                    wrong.append((case, error))
            if wrong:
                said = "\n".join(f"{case}: {error or type(error).__name__}" for case, error in wrong)
                raise AssertionError(f"{len(wrong)} of {len(all_cases)} cases:\n{said}") from wrong[0][1]
            assert all_cases, f"there is no {name} to look at"

        kept = [parameter for parameter in signature.parameters.values() if parameter.name not in names]
        gone_through.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]  # read by pytest
        return gone_through

    return decorate
