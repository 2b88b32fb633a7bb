"""What is measured, as plain numbers, and their text for Prometheus."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PREFIX = "noisewright"

VALUES = 200
"""How many values one label may have; what comes after them is counted as "other"."""

COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "runs_accepted": ("Runs accepted", ()),
    "runs_finished": ("Runs that are over", ("status",)),
    "nodes_finished": ("Nodes that are done; reused: from which cache, or no", ("reused",)),
    "worker_starts": ("Starts of worker processes", ("device",)),
    "worker_deaths": ("Workers that died", ("device",)),
    "events": ("Events of runs", ("kind",)),
    "previews_dropped": ("Previews that a slow client did not get", ()),
    "requests": ("Requests, by the template of their path", ("route", "method", "status")),
    "download_bytes": ("Bytes of models downloaded", ()),
}
"""What only rises: help and labels."""

HISTOGRAMS: Mapping[str, tuple[str, tuple[str, ...], tuple[float, ...]]] = {
    "run_seconds": ("Seconds runs took", ("status",), (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)),
    "node_seconds": ("Seconds nodes took that were computed", ("type",), (0.01, 0.1, 1, 10, 60, 600)),
    "request_seconds": ("Seconds answers took", ("route",), (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)),
}
"""What is spread: help, labels, upper bounds in seconds."""


@dataclass
class Spread:
    """How often values fell below each bound, and their sum."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Bound as text → how many are at most that; the last is "+Inf"."""
        below = 0
        found: list[tuple[str, float]] = []
        for bound, count in zip((*self.bounds, None), self.counts, strict=True):
            below += count
            found.append(("+Inf" if bound is None else str(float(bound)), below))
        return found


@dataclass(frozen=True)
class Gauge:
    """Something as it is now. values: the values of the labels → the number."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


class Metrics:
    """Counters and histograms of one server. Counting is done on the event loop and costs about a microsecond."""

    def __init__(self) -> None:
        self._counters: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in COUNTERS}
        self._spreads: dict[str, dict[tuple[str, ...], Spread]] = {name: {} for name in HISTOGRAMS}
        self._known: dict[tuple[str, int], set[str]] = {}
        for name, (_, labels) in COUNTERS.items():
            if not labels:
                self._counters[name][()] = 0.0

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        """Raise a counter."""
        counter = self._counters[name]
        key = self._bounded(name, labels)
        counter[key] = counter.get(key, 0.0) + by

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Add a value to a histogram."""
        spreads = self._spreads[name]
        key = self._bounded(name, labels)
        if key not in spreads:
            spreads[key] = Spread(HISTOGRAMS[name][2])
        spreads[key].add(max(0.0, value))

    def value(self, name: str, *labels: str) -> float:
        """A counter as it stands."""
        return self._counters[name].get(labels, 0.0)

    def copy(self) -> "Metrics":
        """The numbers as they stand, for a thread that writes them down."""
        taken = Metrics()
        taken._counters = {name: dict(found) for name, found in self._counters.items()}
        taken._spreads = {
            name: {key: Spread(item.bounds, list(item.counts), item.total) for key, item in found.items()}
            for name, found in self._spreads.items()
        }
        return taken

    def exposition(self, gauges: Sequence[Gauge] = ()) -> bytes:
        """The text format of Prometheus, 0.0.4, with these gauges. Takes a while: not on the event loop."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(self, gauges))  # pyright: ignore[reportArgumentType] — anything with `collect`
        return generate_latest(registry)

    def families(self, gauges: Iterable[Gauge]) -> Iterator[Any]:
        """All numbers as metric families of `prometheus_client`."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        for name, (text, labels) in COUNTERS.items():
            family = CounterMetricFamily(f"{PREFIX}_{name}", f"{text}.", labels=labels)
            for key, number in self._counters[name].items():
                family.add_metric(key, number)
            yield family
        for name, (text, labels, _) in HISTOGRAMS.items():
            family = HistogramMetricFamily(f"{PREFIX}_{name}", f"{text}.", labels=labels)
            for key, spread in self._spreads[name].items():
                family.add_metric(key, spread.buckets(), spread.total)
            yield family
        for gauge in gauges:
            family = GaugeMetricFamily(f"{PREFIX}_{gauge.name}", f"{gauge.help}.", labels=gauge.labels)
            for key, number in gauge.values.items():
                family.add_metric(key, number)
            yield family

    def _bounded(self, name: str, labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(self._admitted((name, place), value) for place, value in enumerate(labels))

    def _admitted(self, label: tuple[str, int], value: str) -> str:
        known = self._known.setdefault(label, set())
        if value not in known:
            if len(known) >= VALUES:
                return "other"
            known.add(value)
        return value


class _Collector:
    def __init__(self, metrics: Metrics, gauges: Sequence[Gauge]) -> None:
        self._metrics = metrics
        self._gauges = gauges

    def collect(self) -> Iterator[Any]:
        """What a registry asks for."""
        return self._metrics.families(self._gauges)
