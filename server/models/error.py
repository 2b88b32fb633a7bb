"""The one error of this package."""

from graph.errors import GraphError


class ModelError(GraphError):
    """A model that is not fetched, found, verified or removed. Its text: a sentence, and a hint what to do.

    code: in snake case. status: of HTTP, for those who ask over it. again: whether the same request may go well a
    little later; after: so many seconds later, as a server asked.
    """

    def __init__(
        self, code: str, message: str, hint: str = "", *, status: int = 422, again: bool = False, after: float = 0.0
    ) -> None:
        super().__init__(f"{message} {hint}".strip())
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status
        self.again = again
        self.after = after
