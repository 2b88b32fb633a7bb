"""What is wrong with a workflow, as data."""

from collections.abc import Iterable
from typing import Literal

from graph.spec import Frozen

Code = Literal[
    "unknown_key",
    "wrong_value",
    "malformed_input",
    "bad_id",
    "bad_after_run",
    "bad_subgraph",
    "bad_interface",
    "subgraph_recursion",
    "too_large",
    "newer_node",
    "upgrade_failed",
    "unknown_type",
    "unknown_subgraph",
    "broken_pack",
    "doubtful_type",
    "unknown_input",
    "missing_input",
    "wrong_type",
    "out_of_range",
    "not_a_choice",
    "missing_file",
    "substituted_file",
    "dangling_link",
    "wrong_link_type",
    "cycle",
    "no_output",
    "unknown_output",
    "unreadable_part",
    "duplicate_id",
    "lost_link",
    "unmapped_values",
    "changed_value",
    "ignored_input",
    "lost_control",
    "rewired",
    "unresolved_text",
]
"""What kinds of problems there are. `docs/workflow-format.md` says what each means."""


ABSENT = frozenset({"unknown_type", "broken_pack", "unknown_subgraph"})
"""Problems of nodes whose type is not there."""


class Problem(Frozen):
    """One thing wrong with a workflow.

    node: where, a path (`outer/inner`); None: the document itself. input: of that node.
    subgraph: the definition in which `node` stands, where the problem is in a definition rather than in its uses.
    message: one sentence with place and value. hint: what to do about it.
    severity: "error" stops a run; "warning" cannot change what the wanted outputs show.
    """

    code: Code
    message: str
    hint: str = ""
    node: str | None = None
    input: str | None = None
    subgraph: str | None = None
    severity: Literal["error", "warning"] = "error"

    def sentence(self) -> str:
        """The paragraph a person reads: severity, what is wrong, what to do."""
        return f"{self.severity.capitalize()}: {self}"

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


def joined(read: Iterable[Problem], checked: Iterable[Problem], vague: str) -> list[Problem]:
    """What reading a document of another program found, and what `check` then found.

    A type that is not there is told once: as reading does, which knows what the file says of its pack, but with the
    severity of `check`. vague: the hint of reading that says less than that of `check`.
    """
    absent = {(item.code, item.node): item for item in read if item.code in ABSENT}
    found: list[Problem] = []
    for problem in checked:
        said = absent.pop((problem.code, problem.node), None)
        if said is not None:
            hint = problem.hint if said.hint == vague else said.hint
            problem = said.model_copy(update={"hint": hint, "severity": problem.severity})
        found.append(problem)
    return [item for item in read if item.code not in ABSENT or (item.code, item.node) in absent] + found


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that stop a run."""
    return [problem for problem in problems if problem.severity == "error"]
