"""The codecs of this process: those of our own values, and those of packs as soon as they are needed."""

from collections.abc import Callable
from threading import Lock
from typing import Any

from diffusion import added
from diffusion.codecs import register
from graph.catalogue import Catalogue
from graph.codec import Codecs, Data, Encoded
from nodes.comfyui.values import PackLatent
from nodes.loop_body import LoopFlow


def codecs_of(catalogue: Catalogue) -> Codecs:
    """Writes and reads every value that nodes of this catalogue may give."""

    def bring() -> None:
        for name in catalogue.added("values"):
            catalogue.bring("values", name)

    return PackCodecs(bring)


class PackCodecs(Codecs):
    """Codecs that know what packs have declared with `register_value`, also those imported later.

    bring: imports all packs that declare values; called when a stored value is met that nobody knows.
    """

    def __init__(self, bring: Callable[[], None]) -> None:
        super().__init__()
        self._values = register(self)
        self._values.add(PackLatent)
        self._values.add(LoopFlow, "LoopFlow")
        self._bring = bring
        self._known: set[str] = set()
        self._lock = Lock()

    def encode(self, value: object) -> Encoded | None:
        """As `Codecs.encode`."""
        self._learn()
        return super().encode(value)

    def decode(self, codec: str, data: Data | bytearray) -> object:
        """As `Codecs.decode`; a pack that is not imported yet is."""
        self._learn()
        try:
            return super().decode(codec, data)
        except LookupError:
            self._bring()
            if not self._learn():
                raise
            return super().decode(codec, data)

    def _learn(self) -> bool:
        """Take up what packs have declared since; whether there was anything."""
        if len(added.VALUES) == len(self._known):
            return False
        with self._lock:
            new = [item for item in added.VALUES.by_name().values() if item.name not in self._known]
            for item in new:
                if item.encode is None or item.decode is None:
                    self._values.add(item.kind, item.name)
                else:
                    self.register(item.kind, _Own(item.name, item.encode, item.decode))
                self._known.add(item.name)
            return bool(new)


class _Own:
    """A codec of two functions."""

    stored = True

    def __init__(self, name: str, encode: Callable[[Any], bytes], decode: Callable[[bytes | bytearray], Any]) -> None:
        self.name = name
        self._encode = encode
        self._decode = decode

    def encode(self, value: Any) -> bytes:
        """The value as bytes."""
        return self._encode(value)

    def decode(self, data: bytes | bytearray) -> Any:
        """The value of these bytes."""
        return self._decode(data)
