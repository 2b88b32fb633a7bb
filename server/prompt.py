"""How long a prompt is for a text encoder. Counting takes its vocabulary; who starts the server hands it in."""

from collections.abc import Callable
from typing import TypeAlias

from graph.spec import Frozen


class PromptLength(Frozen):
    """tokens: without begin, end and filling. chunks: of at most 75 tokens, in which the text encoder reads; at least
    one. uncounted: embeddings that the prompt names whose length is not known, or that are not there; each counts as 1.
    """

    tokens: int
    chunks: int
    uncounted: list[str]


Measure: TypeAlias = Callable[[str], PromptLength]
"""Counts a prompt. It may take long at the first one."""
