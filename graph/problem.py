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


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that stop a run."""
    return [problem for problem in problems if problem.severity == "error"]
