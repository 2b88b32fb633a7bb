"""A report as lines of text: what can be done first, then models, workflows and packs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from noisewright.adopting.installation import TITLES, Installation
from noisewright.adopting.models import ModelFile, State
from noisewright.adopting.packs import Pack, Verdict
from noisewright.adopting.report import Reason, Report, quoted, settings_line
from noisewright.adopting.workflows import Judged, Need, NeedKind
from noisewright.home import Home

SHOWN = 10
"""Lines of a list that are shown unless all are asked for."""

STATES: Mapping[State, str] = {
    "runs": "can be used now",
    "not yet": "not yet",
    "unopened": "pickles, not opened",
    "damaged": "damaged",
}

VERDICTS: Mapping[str, str] = {
    "runs": "run now",
    "after": "would run after something you can do",
    "cannot": "cannot run yet",
    "unreadable": "could not be read",
}

PACKS: Mapping[Verdict, str] = {"loads": "would load", "partly": "would load, in part", "fails": "would not load"}

DONE: Mapping[NeedKind, str] = {
    "node type": "exists",
    "unknown node type": "exists",
    "pack": "is brought",
    "family": "can be used",
    "model": "is there",
    "damaged model": "is whole",
    "picture": "is there",
    "problem": "is mended",
}
"""What must have happened to a need: "would run after node type 'X' exists"."""


class Line(NamedTuple):
    """A line of text and how it stands out: "" or a style of rich."""

    text: str
    style: str = ""


def page(report: Report, home: Home, *, everything: bool = False) -> Iterator[Line]:
    """The report. everything: lists are not cut short."""
    shown = None if everything else SHOWN
    yield Line(f"{report.installation.path} is {TITLES[report.installation.program]}.", "bold")
    yield Line("Nothing was copied or changed, and none of its code was run.")
    yield from _use(report.installation, home)
    yield from _models(report, shown)
    yield from _workflows(report, shown)
    yield from _packs(report, shown)
    if report.problems:
        yield from _heading("Could not be read")
        yield from _cut((Line(f"  {problem}") for problem in report.problems), shown)


def _use(installation: Installation, home: Home) -> Iterator[Line]:
    """What to type to use what was found."""
    if not installation.roots:
        return
    yield from _heading("To use its models")
    yield Line("  for one command    " + " ".join(f"--models {_word(root)}" for root in installation.roots))
    yield Line(f"  for the server     {settings_line(installation.roots)}")
    yield Line(f"                     in {home.data / 'settings.toml'}")
    for folder in installation.pictures[:1]:
        yield Line(f"  to write there too --output {_word(folder)}")
        yield Line(f"                     or output = {quoted(folder)}")


def _models(report: Report, shown: int | None) -> Iterator[Line]:
    """Models by kind and family; then, by name, those that cannot be used."""
    files = report.models
    yield from _heading(f"Models: {len(files)}" + (f", {size(sum(file.bytes for file in files))}" if files else ""))
    states = Counter(file.state for file in files)
    yield from (Line(f"  {states[state]:>5}  {text}") for state, text in STATES.items() if states[state])
    rows = [
        (kind or "kind not known", family or "family not known", STATES[state], group)
        for kind, found in report.kinds.items()
        for (family, state), group in _grouped(found).items()
    ]
    if rows:
        yield Line("")
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    for kind, family, state, group in rows:
        total = size(sum(file.bytes for file in group))
        yield Line(f"  {kind:{widths[0]}}  {family:{widths[1]}}  {len(group):>5}  {total:>9}  {state}")
    yield from _files("Damaged", [file for file in files if file.state == "damaged"], shown)
    yield from _files("Pickles, not opened", [file for file in files if file.state == "unopened"], shown)
    yield from _files("Not yet", [file for file in files if file.state == "not yet"], shown)


def _grouped(files: Iterable[ModelFile]) -> dict[tuple[str, State], list[ModelFile]]:
    groups: dict[tuple[str, State], list[ModelFile]] = defaultdict(list)
    for file in files:
        groups[file.family, file.state].append(file)
    return dict(sorted(groups.items(), key=lambda item: (list(STATES).index(item[0][1]), item[0][0])))


def _files(title: str, files: list[ModelFile], shown: int | None) -> Iterator[Line]:
    if files:
        yield Line("")
        yield Line(f"  {title}")
        lines = (Line(f"    {_place(file)}: {file.reason}") for file in files)
        yield from _cut(lines, shown, "    ")


def _place(file: ModelFile) -> str:
    return f"{file.kind}/{file.name}" if file.kind else file.name


def _workflows(report: Report, shown: int | None) -> Iterator[Line]:
    """How many workflows run, what most of the others lack, and each of them."""
    found = report.workflows
    if not (found or report.installation.workflows or report.installation.pictures):
        return
    looked = f", with the newest {report.pictures} pictures looked at" if report.pictures else ""
    yield from _heading(f"Workflows: {len(found)}{looked}")
    yield from (
        Line(f"  {report.verdicts[verdict]:>5}  {text}")
        for verdict, text in VERDICTS.items()
        if report.verdicts[verdict]
    )
    if report.reasons:
        yield Line("")
        yield from _cut((Line(_reason(reason)) for reason in report.reasons), shown)
    for verdict, text in VERDICTS.items():
        group = [item for item in found if item.verdict == verdict]
        if group:
            yield Line("")
            yield Line(f"  {text[:1].upper()}{text[1:]}")
            yield from _cut(_alike(group, report.installation.path), shown, "    ")


def _reason(reason: Reason) -> str:
    """How many workflows wait for one thing, and what to do."""
    need = reason.need
    what, rest = _named(need), f". {need.how}" if need.how else ""
    if not reason.alone:
        return f"  {reason.among:>5} need {what}, and more{rest}"
    also = f" ({reason.among} need it)" if reason.among > reason.alone else ""
    return f"  {reason.alone:>5} would run after {what} {DONE[need.kind]}{also}{rest}"


def _alike(group: Iterable[Judged], root: Path) -> Iterator[Line]:
    """Workflows, those that lack the same on one line: most pictures are of few workflows."""
    same: dict[str, list[Judged]] = defaultdict(list)
    for item in group:
        lacks = item.reason or "; ".join(need.text for need in item.needs)
        same[lacks or str(item.path)].append(item)
    for lacks, items in same.items():
        more = f" and {len(items) - 1} more like it" if len(items) > 1 else ""
        reason = "" if lacks == str(items[0].path) else f": {lacks}"
        yield Line(f"    {_below(items[0].path, root)}{more}{reason}")


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _named(need: Need) -> str:
    """A need in a few words."""
    match need.kind:
        case "node type" | "unknown node type":
            return f"node type '{need.name}'"
        case "pack":
            return f"the pack '{need.name}'"
        case "family":
            return f"the family {need.name}"
        case "model" | "damaged model":
            return f"the file '{need.name}'"
        case "picture":
            return f"the picture '{need.name}'"
        case "problem":
            return f"this: '{need.name}'"


def _packs(report: Report, shown: int | None) -> Iterator[Line]:
    """The packs, those that workflows lack first, and how to bring one."""
    wanted = [reason.need.name for reason in report.reasons if reason.need.kind == "pack"]
    packs = sorted(report.packs, key=lambda pack: wanted.index(pack.name) if pack.name in wanted else len(wanted))
    if not packs:
        return
    yield from _heading(f"Packs: {len(packs)}, judged by their text alone")
    counts = Counter(pack.verdict for pack in packs)
    yield from (Line(f"  {counts[verdict]:>5}  {text}") for verdict, text in PACKS.items() if counts[verdict])
    yield Line("")
    width = max(len(pack.name) for pack in packs)
    yield from _cut((Line(f"  {pack.name:{width}}  {_types(pack):>13}  {_judgement(pack)}") for pack in packs), shown)
    example = next((pack for pack in packs if not pack.is_here and pack.verdict != "fails"), None)
    if example is not None:
        yield Line("")
        yield Line(f"  To bring one: {example.bring}")
        yield Line("  A pack is a program: it runs with all your rights. Bring only those whose source you trust.")


def _judgement(pack: Pack) -> str:
    here = " (here already)" if pack.is_here else ""
    unclear = f", {pack.unclear} more whose names its code computes" if pack.unclear else ""
    reasons = f": {'; '.join(pack.reasons)}" if pack.reasons else ""
    return f"{PACKS[pack.verdict]}{here}{unclear}{reasons}"


def _types(pack: Pack) -> str:
    return f"{len(pack.types)} node type{'s' * (len(pack.types) != 1)}"


def _heading(text: str) -> Iterator[Line]:
    yield Line("")
    yield Line(text, "bold")


def _cut(lines: Iterable[Line], shown: int | None, indent: str = "  ") -> Iterator[Line]:
    """The first lines, and how many more there are. A single line more is shown."""
    found = list(lines)
    if shown is None or len(found) <= shown + 1:
        yield from found
        return
    yield from found[:shown]
    yield Line(f"{indent}… {len(found) - shown} more; --all shows them", "dim")


def _word(path: Path) -> str:
    """A path as it is typed: in double quotes, which every shell takes, where it has spaces."""
    text = str(path)
    return f'"{text}"' if any(letter in text for letter in " ()&'") else text


def size(count: int) -> str:
    """Bytes as people write them: "6.5 GB"."""
    number = float(count)
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit in ("bytes", "kB") else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB" if number < 1000 else f"{number / 1000:.2f} TB"
