"""The objects whose methods do a pack's work. Many keep something between calls: one for each node of a graph."""

from collections import OrderedDict
from threading import Lock
from typing import Any

from nodes.comfyui.inspection import keeps_something

KEPT = 1000
"""Objects of one class that are kept; those not used for longest go first."""


class Instances:
    """Objects of a class, by node id. stateful: whether they may keep something, so that each node needs its own."""

    def __init__(self, cls: type) -> None:
        self.stateful = keeps_something(cls)
        self._cls = cls
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._lock = Lock()

    def of(self, node: str) -> Any:
        """The object of a node; a new one where none keeps anything."""
        if not self.stateful:
            return self._cls()
        with self._lock:
            if node not in self._kept:
                self._kept[node] = self._cls()
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(node)
            return self._kept[node]
