"""The errors of the engine.

GraphError
├── DeclarationError      a node type's signature does not say enough; raised at import
├── WorkflowError         a document cannot be read at all: not JSON, another format, a newer version
├── InvalidWorkflow       a document was read, but has problems; carries all of them
├── SettingError          a setting given from outside (`--set`) names no input, or one that does not take the value
├── FileMissing           a file that an input names is in none of the folders searched
├── NodeFailed            a node's function raised; carries node and type, the cause in `__cause__`
└── CacheDamaged          what the cache kept cannot be read as it was written; the work is done anew
"""

from collections.abc import Sequence

from graph.problem import Problem


class GraphError(Exception):
    """Base of everything the engine raises on purpose. Its text is a sentence for people."""


class DeclarationError(GraphError):
    """A node type's signature does not say enough."""


class FileMissing(GraphError):
    """A file that an input names is in none of the folders searched. folder: its kind ("checkpoints")."""

    def __init__(self, message: str, *, folder: str, name: str) -> None:
        super().__init__(message)
        self.folder = folder
        self.name = name


class NodeFailed(GraphError):
    """A node's function raised, or returned what it does not declare. The cause, where there is one, is in `__cause__`.

    message: what went wrong, without the place. code: the kind of error in snake case ("value_error"). hint: advice.
    """

    def __init__(self, message: str, *, node: str, type_id: str, code: str, hint: str = "") -> None:
        place = f"Node '{node}' ({type_id})" if type_id else f"Node '{node}'"
        super().__init__(f"{place} failed: {message} {hint}".strip())
        self.message = message
        self.node = node
        self.type = type_id
        self.code = code
        self.hint = hint


class WorkflowError(GraphError):
    """A document cannot be read at all: not JSON, another format, a newer version."""


class InvalidWorkflow(GraphError):
    """A document was read, but cannot run as it is. problems: all that was found, warnings too."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems if problem.severity == "error"))


class SettingError(GraphError):
    """A setting given from outside names no input, or one that does not take the value."""


class CacheDamaged(GraphError):
    """What the cache kept cannot be read as it was written; the work is done anew."""
