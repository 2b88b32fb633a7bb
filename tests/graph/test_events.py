import dataclasses
import json
from pathlib import Path

import pytest

from graph.events import (
    Event,
    NodeFailed,
    NodeFinished,
    NodePreview,
    NodeProgress,
    NodeSkipped,
    NodeStarted,
    PlannedNode,
    RunFinished,
    RunQueued,
    RunStarted,
)

COMMON = {"run": "r", "seq": 3, "time": 1.5}
FILES = {"files": ["/out/a.png"], "kind": "output"}


@pytest.mark.parametrize(
    ("event", "facts"),
    [
        (RunQueued("r", 3, 1.5), {"event": "run_queued"}),
        (
            RunStarted("r", 3, 1.5, (PlannedNode("a", "run", "not computed yet", 2.5, "Number"),)),
            {
                "event": "run_started",
                "plan": [{"node": "a", "action": "run", "why": "not computed yet", "seconds": 2.5, "type": "Number"}],
            },
        ),
        (NodeStarted("r", 3, 1.5, "o/a"), {"event": "node_started", "node": "o/a"}),
        (NodeProgress("r", 3, 1.5, "a", 2, 9), {"event": "node_progress", "node": "a", "done": 2, "total": 9}),
        (
            NodePreview("r", 3, 1.5, "a", "image/jpeg", b"..."),
            {"event": "node_preview", "node": "a", "mime": "image/jpeg", "whole": False},
        ),
        (
            NodeFinished("r", 3, 1.5, "a", None, 0.25, FILES, {"IMAGE": object()}),
            {"event": "node_finished", "node": "a", "reused": None, "seconds": 0.25, "outputs": FILES},
        ),
        (
            NodeFailed("r", 3, 1.5, "a", "value_error", "It is.", "Mend it."),
            {"event": "node_failed", "node": "a", "code": "value_error", "message": "It is.", "hint": "Mend it."},
        ),
        (
            NodeSkipped("r", 3, 1.5, "b", "a", "the gate is shut"),
            {"event": "node_skipped", "node": "b", "because": "a", "reason": "the gate is shut"},
        ),
        (RunFinished("r", 3, 1.5, "failed", 2.0), {"event": "run_finished", "status": "failed", "seconds": 2.0}),
    ],
)
def test_what_travels(event: Event, facts):
    assert json.loads(json.dumps(event.to_json())) == COMMON | facts
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.seq = 4  # pyright: ignore[reportAttributeAccessIssue] — the point


def test_files_of_a_finished_node():
    assert NodeFinished("r", 3, 1.5, "a", "memory", 0.0, FILES, {}).files == (Path("/out/a.png"),)
    assert NodeFinished("r", 3, 1.5, "a", "memory", 0.0, {}, {}).files == ()


def test_bytes_and_values_are_not_printed():
    assert "secret" not in repr(NodePreview("r", 3, 1.5, "a", "image/jpeg", b"secret"))
    assert "secret" not in repr(NodeFinished("r", 3, 1.5, "a", None, 0.0, {}, {"STRING": "secret"}))
