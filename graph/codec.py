"""Values as bytes: what is kept of them on disk, and the digests by which equal ones are known to be equal."""

import hashlib
import json
import logging
from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from graph.result import Blocked, Many

log = logging.getLogger(__name__)

PLAIN, MANY, BLOCKED = "plain/1", "many/1", "blocked/1"
"""Names of the codecs that are built in."""

CONTAINERS = frozenset({list, tuple, dict})
SCALARS = frozenset({type(None), bool, int, float, str})

LONGEST_INT = 2000
"""In bits; larger ones are written in hexadecimal, as Python refuses decimals of more than some thousand digits."""

Piece = bytes | bytearray | memoryview
Data = bytes | tuple[Piece, ...]
"""Bytes, or pieces that stand for their bytes one after another: what is large need not be copied together.

A piece may be the memory of the value itself. Should that be changed before it is written, its digest tells.
"""

_to_json = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class Codec(Protocol):
    """Writes values of one class, or of several that belong together, and reads them again.

    name: goes into the store, with a version: "acme/depth/1". stored: False for what has a digest, but is never kept on
    disk, as recipes of models.
    """

    @property
    def name(self) -> str:
        """Which codec this is, for ever: data under this name is read by it."""
        ...

    @property
    def stored(self) -> bool:
        """Whether its values are kept on disk."""
        ...

    def encode(self, value: Any) -> Data:
        """The value as bytes. Two values that a node cannot tell apart give the same bytes, in every process.

        Raises TypeError for a value it cannot write.
        """
        ...

    def decode(self, data: bytes | bytearray) -> Any:
        """The value of these bytes, equal to the bit. data: may be a bytearray, which is the decoder's own."""
        ...


class Encoded(NamedTuple):
    """A value as bytes. stored: it may be kept on disk. digest: SHA-256 over the codec's name and the data, in hex."""

    codec: str
    data: Data
    stored: bool
    digest: str


class Codecs:
    """Which codec a value has, by its exact class: a subclass may hold more than its parent's codec writes.

    Plain JSON values (None, booleans, integers, floats, text, and lists, tuples and dicts of them by text), `Many` and
    `Blocked` are built in. Dicts count by the order of their items, too, since a node can see it.
    """

    def __init__(self) -> None:
        self._by_class: dict[type, tuple[Codec, ...]] = {}
        self._by_class_name: dict[str, tuple[Codec, ...]] = {}
        self._by_name: dict[str, Codec] = {}

    def register(self, kind: type | str, codec: Codec) -> None:
        """Have a class written by a codec. Several of one class are asked in turn, until one can write the value.

        kind: the class, or "module.Class" where its module is not to be imported for that. Lists, tuples and dicts may
        be registered, too, for those that hold more than plain values. Raises ValueError where another codec has the
        name already.
        """
        if self._by_name.setdefault(codec.name, codec) is not codec or codec.name in (PLAIN, MANY, BLOCKED):
            raise ValueError(f"There are two codecs of the name '{codec.name}'. Give one of them another name.")
        if isinstance(kind, str):
            self._by_class_name[kind] = (*self._by_class_name.get(kind, ()), codec)
            self._by_class = {item: found for item, found in self._by_class.items() if _full_name(item) != kind}
        else:
            known = self._codecs_of(kind)
            self._by_class[kind] = known if codec in known else (*known, codec)

    def encode(self, value: object) -> Encoded | None:
        """The value as bytes, or None where it has no codec. Never raises: a codec that fails is named in the log."""
        kind = type(value)
        try:
            if kind in SCALARS:
                return _encoded(PLAIN, _plain(value))
            if isinstance(value, Many):
                return self._many(value)
            if isinstance(value, Blocked):
                return _encoded(BLOCKED, value.reason.encode("utf-8", "surrogatepass"))
            if kind in CONTAINERS:
                try:
                    return _encoded(PLAIN, _plain(value))
                except TypeError:
                    pass  # it holds more than plain values
            return self._by_registered(value, kind)
        except RecursionError:
            return None  # nested deeper than anything that is worth keeping
        except Exception:
            log.warning("A value of class %s cannot be written by its codec", _full_name(kind), exc_info=True)
            return None

    def decode(self, codec: str, data: Data | bytearray) -> object:
        """The value that was written by the codec of that name. Raises LookupError where there is no such codec, and
        what the codec raises for data it cannot read. data: a bytearray is given away.
        """
        if isinstance(data, tuple):
            data = bytearray().join(data)
        if codec == PLAIN:
            return json.loads(bytes(data).decode("utf-8", "surrogatepass"), object_hook=_plain_object)
        if codec == MANY:
            return self._many_of(data)
        if codec == BLOCKED:
            return Blocked(bytes(data).decode("utf-8", "surrogatepass"))
        if codec not in self._by_name:
            raise LookupError(f"There is no codec '{codec}' here; the pack that brings it is missing.")
        return self._by_name[codec].decode(data)

    def digest(self, value: object) -> str | None:
        """The digest of a value's content, or None where it has no codec."""
        encoded = self.encode(value)
        return encoded.digest if encoded is not None else None

    def _codecs_of(self, kind: type) -> tuple[Codec, ...]:
        found = self._by_class.get(kind)
        if found is None:
            found = self._by_class_name.get(_full_name(kind), ())
            if found:
                self._by_class[kind] = found
        return found

    def _by_registered(self, value: object, kind: type) -> Encoded | None:
        for codec in self._codecs_of(kind):
            try:
                data = codec.encode(value)
            except TypeError as error:
                log.debug("Codec '%s' cannot write a %s: %s", codec.name, kind.__name__, error)
            else:
                return _encoded(codec.name, data, stored=codec.stored)
        return None

    def _many(self, values: Many) -> Encoded | None:
        """Items one after another, and before them their codecs and lengths on one line."""
        items: list[Encoded] = []
        for value in values:
            item = self.encode(value)
            if item is None:
                return None
            items.append(item)
        head = _to_json([[item.codec, length_of(item.data)] for item in items]).encode()
        data = (head, b"\n", *chain.from_iterable(pieces_of(item.data) for item in items))
        return _encoded(MANY, data, stored=all(item.stored for item in items))

    def _many_of(self, data: bytes | bytearray) -> Many:
        start = data.index(b"\n") + 1
        rest, values = memoryview(data), []
        for codec, length in json.loads(data[:start]):
            values.append(self.decode(codec, bytearray(rest[start : start + length])))
            start += length
        return Many(values)


def pieces_of(data: Data | bytearray) -> tuple[Piece, ...]:
    """Data as pieces."""
    return data if isinstance(data, tuple) else (data,)


def length_of(data: Data) -> int:
    """How many bytes there are."""
    return sum(map(len, data)) if isinstance(data, tuple) else len(data)


def joined(data: Data) -> bytes:
    """The bytes in one piece."""
    return b"".join(data) if isinstance(data, tuple) else data


def content_digest(codec: str, data: Data | bytearray) -> str:
    """The SHA-256 over a codec's name and the data it wrote, in hex."""
    digest = hashlib.sha256(f"{codec}\0".encode())
    for piece in pieces_of(data):
        digest.update(piece)
    return digest.hexdigest()


def _encoded(codec: str, data: Data, *, stored: bool = True) -> Encoded:
    return Encoded(codec, data, stored, content_digest(codec, data))


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _plain(value: Any) -> bytes:
    """A plain value as JSON, with objects of one key for what JSON lacks: {"#tuple": […]}, {"#int": "0x…"}.

    Non-finite floats are written as Python's JSON writes them. Raises TypeError for anything else.
    """
    if type(value) is int and value.bit_length() <= LONGEST_INT:
        return b"%d" % value
    return _to_json(_tree(value)).encode("utf-8", "surrogatepass")


def _tree(value: Any) -> object:
    kind = type(value)
    if kind is int:
        return value if value.bit_length() <= LONGEST_INT else {"#int": hex(value)}
    if kind in SCALARS:
        return value
    if kind is list:
        return [_tree(item) for item in value]
    if kind is tuple:
        return {"#tuple": [_tree(item) for item in value]}
    if kind is dict:
        if any(type(name) is not str for name in value):
            raise TypeError("a dict is plain where its keys are text")
        escape = "#" if len(value) == 1 and next(iter(value)).startswith("#") else ""
        return {escape + name: _tree(item) for name, item in value.items()}
    raise TypeError(f"a {kind.__name__} is not a plain value")


_OF: Mapping[str, Any] = MappingProxyType({"#tuple": tuple, "#int": lambda text: int(text, 16)})


def _plain_object(tree: dict[str, Any]) -> object:
    if len(tree) == 1:
        ((name, item),) = tree.items()
        if name.startswith("##"):
            return {name[1:]: item}
        if name in _OF:
            return _OF[name](item)
    return tree
