"""Cache keys: what a node's result depends on, as one SHA-256.

A key covers the node type, the version of its code, its settings with defaults filled in, for each link the key of the
node it comes from and the name of the output, the digest of a file in place of its name, the code of a choice that a
pack has added, the fingerprint of an impure node, and for nodes that compute with weights the device, precision and
library versions. Ids, layout, titles and the order of inputs do not count.
"""

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

FORMAT = 1
"""Part of every key; raise it when keys are made differently."""

_encode_anything = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def _encode(value: Any) -> str:
    """The same as the encoder says, without its cost for whole numbers. (It is quick with texts by itself.)"""
    return str(value) if type(value) is int else _encode_anything(value)


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted keys, ASCII, floats as `repr` writes them. Raises ValueError for NaN."""
    return _encode(value).encode()


class TypeKey:
    """What the keys of all nodes of one type have in common, hashed once.

    environment: what the results of nodes that take `weights` depend on besides (device, precision, versions), or None.
    lent: for each other service that changes what the node does, its `cache_key`. choices: versions of the code behind
    choices that packs have added: input → choice → version.
    """

    def __init__(
        self,
        type_id: str,
        code: str,
        environment: Mapping[str, Any] | None = None,
        lent: Mapping[str, str] = MappingProxyType({}),
        choices: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        described = [FORMAT, type_id, code, None if environment is None else dict(environment), dict(lent)]
        self._common = hashlib.sha256(canonical(described))
        self._choices = choices

    def of(
        self,
        settings: Mapping[str, Any],
        links: Mapping[str, tuple[str, str]],
        digests: Mapping[str, list[str]],
        salt: str = "",
    ) -> str:
        """The key of one node.

        settings: of inputs that are neither links nor files. links: input → (key of the node it comes from, name of the
        output). digests: input → digests of the files it names. salt: a fingerprint, or what no other key has.
        Raises ValueError for what JSON cannot say.
        """
        key = self._common.copy()
        named = ",".join([f"{_encode(name)}:{_encode(settings[name])}" for name in sorted(settings)])
        linked = ",".join([f'{_encode(name)}:["{links[name][0]}",{_encode(links[name][1])}]' for name in sorted(links)])
        key.update(f"[{{{named}}},{{{linked}}},{_encode(digests) if digests else '{}'},{_encode(salt)}]".encode())
        if self._choices and (chosen := self._chosen(settings, links)):
            key.update(canonical(chosen))
        return key.hexdigest()

    def _chosen(self, settings: Mapping[str, Any], links: Mapping[str, object]) -> list[Any]:
        """The code behind the choices that are made; all there is, where a link will bring the choice."""
        chosen: list[Any] = []
        for name, versions in self._choices.items():
            value = settings.get(name)
            made = versions if name in links else value if isinstance(value, list) else [value]
            chosen += [[name, item, versions[item]] for item in made if isinstance(item, str) and item in versions]
        return chosen
