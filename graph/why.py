"""Why a node computes: what has changed since the last run of the file, in a sentence."""

from collections.abc import Iterable, Mapping
from typing import Any

from graph.history import Past
from graph.text import listing, shown

WIDTH = 32
"""How much of a value is told."""

MOST = 3
"""How many changes are told one by one."""

NOTHING = object()


def why(node: str, now: Mapping[str, Past], before: Mapping[str, Past]) -> str:
    """What makes a node's result another one than that of the last run, in words: "setting 'seed' was 1, is 2".

    now: what is planned, by node; it needs the node and those it is linked to. before: the last run, by node.
    """
    was = before.get(node)
    if was is None:
        return "not run before"
    is_ = now[node]
    if is_.type != was.type:
        return f"it was a '{was.type}'"
    if is_.key == was.key:
        return "computed before, but its result is not kept"
    changes = [*_inputs(is_, was), *_upstream(is_, was, now, before), *_surroundings(is_, was)]
    return _joined(changes) if changes else "what it depends on has changed"


def _inputs(is_: Past, was: Past) -> Iterable[str]:
    """What was set or linked in another way."""
    for name in dict.fromkeys((*is_.settings, *is_.files, *is_.links, *was.settings, *was.files, *was.links)):
        if name in is_.links and name in was.links:
            if is_.links[name] != was.links[name]:
                yield f"input '{name}' was linked to '{_place(was, name)}', is to '{_place(is_, name)}'"
        elif name in is_.links:
            yield f"input '{name}' is linked to '{_place(is_, name)}' now"
        elif name in was.links:
            yield f"input '{name}' is no longer linked to '{_place(was, name)}'"
        elif name in is_.files and name in was.files:
            yield from _files(name, is_.files[name], was.files[name])
        else:
            yield from _setting(name, _set(is_, name), _set(was, name))


def _place(past: Past, name: str) -> str:
    return ".".join(past.links[name])


def _files(name: str, is_: tuple[tuple[str, str], ...], was: tuple[tuple[str, str], ...]) -> Iterable[str]:
    """Files count by content: another name alone is no change."""
    if [digest for _, digest in is_] == [digest for _, digest in was]:
        return
    names, names_before = [file for file, _ in is_], [file for file, _ in was]
    if names != names_before:
        yield f"file '{name}' was {_text(_one(names_before))}, is {_text(_one(names))}"
        return
    changed = [file for (file, digest), (_, other) in zip(is_, was, strict=True) if digest != other]
    yield f"file {listing(changed)} has changed" if len(changed) == 1 else f"files {listing(changed)} have changed"


def _one(names: list[str]) -> Any:
    return names[0] if len(names) == 1 else names


def _set(past: Past, name: str) -> Any:
    return _one([file for file, _ in past.files[name]]) if name in past.files else past.settings.get(name, NOTHING)


def _setting(name: str, is_: Any, was: Any) -> Iterable[str]:
    if was is NOTHING:
        yield f"setting '{name}' is {_text(is_)} now"
    elif is_ is NOTHING:
        yield f"setting '{name}' was {_text(was)}, is not set now"
    elif type(is_) is not type(was) or is_ != was:
        yield f"setting '{name}' was {_text(was)}, is {_text(is_)}"


def _upstream(is_: Past, was: Past, now: Mapping[str, Past], before: Mapping[str, Past]) -> Iterable[str]:
    """Nodes that it was linked to then, too, and that give something else now."""
    changed = dict.fromkeys(
        source
        for name, (source, output) in is_.links.items()
        if was.links.get(name) == (source, output) and _key(now, source) != _key(before, source)
    )
    if len(changed) == 1:
        yield f"node {listing(changed)} has changed"
    elif changed:
        yield f"nodes {listing(changed, 3)} have changed"


def _key(pasts: Mapping[str, Past], node: str) -> str:
    return pasts[node].key if node in pasts else ""


def _surroundings(is_: Past, was: Past) -> Iterable[str]:
    if is_.code != was.code:
        yield "its code has changed"
    if is_.fingerprint != was.fingerprint:
        yield f"its fingerprint was {_text(was.fingerprint)}, is {_text(is_.fingerprint)}"
    for name in dict.fromkeys((*is_.environment, *was.environment)):
        here, then = is_.environment.get(name), was.environment.get(name)
        if here != then:
            yield f"{name} was {then or 'not known'}, is {here or 'not known'}"


def _joined(changes: list[str]) -> str:
    told = changes if len(changes) <= MOST + 1 else [*changes[:MOST], f"{len(changes) - MOST} more changes"]
    return "; ".join(told)


def _text(value: Any) -> str:
    """A value, on one line: a text in quotes as people write it."""
    return shown(value, WIDTH)
