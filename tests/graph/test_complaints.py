import logging

import pytest

from graph.complaints import QUIET_SECONDS, Complaints


def test_the_same_complaint_is_not_repeated_at_once(caplog: pytest.LogCaptureFixture):
    now = [0.0]
    complain = Complaints(logging.getLogger("toy"), clock=lambda: now[0])
    for index in range(3):
        complain("no room for %d", index)
    complain("something else")
    now[0] = QUIET_SECONDS
    complain("no room for %d", 3)
    assert [record.getMessage() for record in caplog.records] == ["no room for 0", "something else", "no room for 3"]
