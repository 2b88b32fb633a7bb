"""What runs find in a cache on disk that is not as it was."""

import pytest

from graph.disk_cache import DiskCache
from graph.events import NodeFinished
from graph.run import results
from tests.graph.test_dynamic import Bench
from tests.graph.toy_nodes import Thing


class ThingCodec:
    name = "thing/1"
    stored = True
    readable = True

    def encode(self, value: Thing) -> bytes:
        return b"%d" % value.size

    def decode(self, data: bytes) -> Thing:
        if not self.readable:
            raise ValueError("it was written by a newer one")
        return Thing(int(data))


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_a_file_that_is_gone_is_written_anew_and_the_value_beside_it_is_there(bench, tmp_path):
    disk = DiskCache(tmp_path / "cache", bench.codecs, 10**7)
    nodes = {"w": ("Write on", {"a": 5})}
    (path,) = results(bench.events(nodes, "w", cache=disk))["w"].files
    disk.flush()
    path.unlink()
    again = results(bench.events(nodes, "w", cache=disk))["w"]
    assert (again.reused, dict(again.values), again.files) == ("disk", {"INT": 5}, (path,))
    assert path.read_text() == "5"
    disk.close()


def test_a_result_that_cannot_be_read_is_computed_though_it_is_found_by_content(bench, tmp_path):
    codec = ThingCodec()
    bench.codecs.register(Thing, codec)
    disk = DiskCache(tmp_path / "cache", bench.codecs, 10**7)

    def nodes(a: int):
        return {
            "p": ("Parity", {"a": a}),
            "m": ("Make", {"size": 7, "after": "p.INT"}),
            "s": ("Measure", {"thing": "m.THING", **({"after": "p.INT"} if a > 3 else {})}),
        }

    assert bench.value(nodes(3), "s", cache=disk) == 7
    disk.flush()
    codec.readable = False
    events = [event for event in bench.events(nodes(5), "s", cache=disk) if isinstance(event, NodeFinished)]
    assert [(event.node, event.reused) for event in events][-2:] == [("m", None), ("s", None)]
    disk.close()
