"""What was found at a path, as data, and how it is counted."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from noisewright.adopting.installation import Installation
from noisewright.adopting.models import ModelFile
from noisewright.adopting.packs import Pack
from noisewright.adopting.workflows import Judged, Need

FORMAT = 1
"""Of the JSON; raise it when its shape changes."""


@dataclass(frozen=True)
class Reason:
    """Something that workflows lack. alone: how many lack nothing else. among: how many lack it at all."""

    need: Need
    alone: int
    among: int


@dataclass(frozen=True)
class Report:
    """What was found. pictures: how many pictures were looked at. problems: what could not be read, a sentence each."""

    installation: Installation
    models: tuple[ModelFile, ...]
    workflows: tuple[Judged, ...]
    packs: tuple[Pack, ...]
    pictures: int
    problems: tuple[str, ...]

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How many workflows there are of each verdict."""
        return Counter(item.verdict for item in self.workflows)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What workflows lack, that which alone keeps most of them from running first."""
        needs: dict[tuple[str, str], Need] = {}
        alone, among = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for item in self.workflows:
            for need in item.needs:
                needs.setdefault(need.key, need)
                among[need.key] += 1
                alone[need.key] += len(item.needs) == 1
        found = [Reason(need, alone[key], among[key]) for key, need in needs.items()]
        return tuple(sorted(found, key=lambda reason: (-reason.alone, -reason.among)))

    @property
    def kinds(self) -> Mapping[str, tuple[ModelFile, ...]]:
        """The models by kind, the kinds in the order in which they were found."""
        kinds: dict[str, list[ModelFile]] = defaultdict(list)
        for file in self.models:
            kinds[file.kind].append(file)
        return {kind: tuple(files) for kind, files in kinds.items()}

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values: see `docs/adopting.md`."""
        return {
            "format": FORMAT,
            "path": str(self.installation.path),
            "program": self.installation.program,
            "use": {
                "flags": [word for root in self.installation.roots for word in ("--models", str(root))],
                "settings": settings_line(self.installation.roots),
                "outputs": [str(path) for path in self.installation.pictures[:1]],
            },
            "models": {
                "bytes": sum(file.bytes for file in self.models),
                "states": Counter(file.state for file in self.models),
                "files": _plain(self.models),
            },
            "workflows": {
                "verdicts": dict(self.verdicts),
                "pictures_looked_at": self.pictures,
                "reasons": _plain(self.reasons),
                "files": _plain(self.workflows),
            },
            "packs": _plain(self.packs),
            "problems": list(self.problems),
        }


def settings_line(roots: Iterable[Path]) -> str:
    """The line of `settings.toml` that names folders of models. Paths of Windows are written with `/`."""
    names = ", ".join(quoted(root) for root in roots)
    return f"models = [{names}]"


def quoted(path: Path) -> str:
    """A path as a string of TOML."""
    text = path.as_posix() if os.name == "nt" else str(path)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(value: Any) -> Any:
    """A value as JSON values."""
    match value:
        case Path():
            return str(value)
        case tuple() | list():
            return [_plain(item) for item in value]
        case frozenset():
            return sorted(value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value
