"""Who looks at runs while they are made: workers draw previews only while somebody does."""

import asyncio
from collections.abc import Mapping

from server.crew import Crew
from server.hub import Hub
from server.run import Run

LOOK_SECONDS = 0.5
"""How often it is looked who looks: somebody who begins to waits no longer for a worker to hear of it."""


class Looking:
    """Tells workers whether anybody looks at what they make. runs: all that may be at work, by id."""

    def __init__(self, hub: Hub, crew: Crew, runs: Mapping[str, Run]) -> None:
        self._hub = hub
        self._crew = crew
        self._runs = runs
        self._watched: dict[str, bool] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, run: Run) -> bool:
        """Whether anybody looks at a run that is about to begin. From here on its worker hears of every change."""
        self._watched[run.id] = self._hub.is_watched(run)
        self._look_later()
        return self._watched[run.id]

    def _look_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        workers = {post.run: post.worker for post in self._crew.busy()}
        self._watched = {run: was for run, was in self._watched.items() if run in workers and run in self._runs}
        for run, was in self._watched.items():
            watched, worker = self._hub.is_watched(self._runs[run]), workers[run]
            if watched != was and worker is not None:
                worker.tell("watch", run=run, previews=watched)
                self._watched[run] = watched
        if self._watched:
            self._look_later()
