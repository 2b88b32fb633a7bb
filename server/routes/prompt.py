"""Prompts: how long they are."""

import asyncio

from pydantic import Field

from graph.spec import Frozen
from server.api import Routes
from server.core import Core
from server.prompt import PromptLength

routes = Routes("prompt")


class PromptText(Frozen):
    """text: a prompt, with its weights and embeddings."""

    text: str = Field(max_length=100_000)


@routes.post("/v1/prompt/length", scope="run")
async def measure_prompt(core: Core, body: PromptText) -> PromptLength:
    """Count the tokens of a prompt as the text encoder reads it. Weights and their brackets count nothing."""
    return await asyncio.to_thread(core.measure, body.text)
