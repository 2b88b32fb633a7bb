"""Node types that warn, each in its own way of computing."""

import asyncio
import logging
import threading

from graph.flow import Flow
from graph.node import node
from graph.progress import Progress, Steps
from graph.result import Expansion, Result

log = logging.getLogger(__name__)


@node("Warn", category="warnings")
def warn(text: str, times: int = 1) -> str:
    """Warn, and give the text on."""
    for _ in range(times):
        log.warning("It is %s.", text)
    log.info("Nobody needs to know.")
    logging.getLogger("somebody.else").warning("It is another's.")
    return text


@node("WarnEach", category="warnings")
def warn_each(count: int) -> int:
    """Warn of every number."""
    for number in range(count):
        log.warning("%d", number)
    return count


@node("WarnBadly", category="warnings")
def warn_badly(text: str) -> str:
    """Warn with an argument that does not fit."""
    log.warning("%d of them", text)
    return text


@node("WarnInSteps", category="warnings")
def warn_in_steps(text: str) -> Steps[str]:
    """Warn between steps; another thread warns as well, of which nobody knows for whom it works."""
    for step in range(2):
        yield Progress(step + 1, 2)
        log.warning("Step %d is %s.", step, text)
    thread = threading.Thread(target=log.warning, args=("A thread warns.",))
    thread.start()
    thread.join()
    return text


@node("WarnLater", category="warnings")
async def warn_later(text: str) -> str:
    """Warn before and after waiting for something."""
    log.warning("Soon it is %s.", text)
    await asyncio.sleep(0.05)
    log.warning("Now it is %s.", text)
    return text


@node("WarnShowing", category="warnings")
def warn_showing(text: str) -> Result[str]:
    """Warn, and show something."""
    log.warning("It is %s.", text)
    return Result(text, {"text": ["shown"]})


@node("WarnGrowing", category="warnings")
def warn_growing(text: str) -> Expansion[str]:
    """Warn, and become another node that warns."""
    log.warning("It grows %s.", text)
    flow = Flow()
    return Expansion(flow, flow.add(warn, "other", text=f"{text} inside").STRING)
