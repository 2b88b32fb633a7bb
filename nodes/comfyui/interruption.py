"""Ending a node of a pack at once, from inside."""


class InterruptProcessingException(Exception):  # noqa: N818 — the name that packs know
    """The node shall end now: its run was cancelled, or the pack itself stops it."""

    def __init__(self, message: str = "It was interrupted.") -> None:
        super().__init__(message)
