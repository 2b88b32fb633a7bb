"""The length of a prompt over HTTP; the counting itself is played."""

import asyncio
from types import SimpleNamespace
from typing import Any

from server.routes import prompt
from server.settings import Settings
from tests.server.crews import measured
from tests.server.homes import serving


def test_the_length_of_a_prompt() -> None:
    async def play() -> None:
        core: Any = SimpleNamespace(settings=Settings(), measure=measured)
        async with serving(core, prompt) as client:
            told = await client.post("/v1/prompt/length", json={"text": "a red apple"})
            assert await told.json() == {"tokens": 3, "chunks": 1, "uncounted": []}
            for wrong in ({}, {"text": 5}, {"text": "a" * 100_001}):
                assert (await client.post("/v1/prompt/length", json=wrong)).status == 422

    asyncio.run(play())
