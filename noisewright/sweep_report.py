"""The report of a sweep, as a table (CSV) or a page (HTML). Both grow with each run: what is done stays if it stops."""

import base64
import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Protocol, TextIO
from urllib.parse import quote

from graph.errors import GraphError
from noisewright.sweep import Row, Varied, combinations

THUMBNAIL = 320
"""Pixels of a thumbnail's longer side, at most."""

TABLE_END = "</tr></tbody></table></div>"

SMALL = 128
"""Pictures up to this size are shown larger, with their pixels sharp."""


class Report(Protocol):
    """What is told of each row of a sweep."""

    def add(self, row: Row) -> None:
        """Write down one run."""
        ...


@dataclass(frozen=True)
class Heading:
    """What a report is about. title: of the workflow. fixed: settings that do not vary, by name. facts: sentences."""

    title: str
    vary: Varied
    fixed: Mapping[str, Any] = field(default_factory=dict)
    facts: Sequence[str] = ()


@contextmanager
def report_to(path: Path, heading: Heading) -> Iterator[Report]:
    """A report that is written to a file, `.csv` or `.html`, row by row. Raises GraphError where it cannot be."""
    kind = {".csv": CsvReport, ".html": HtmlReport, ".htm": HtmlReport}.get(path.suffix.lower())
    if kind is None:
        raise GraphError(f"A report is a .html or a .csv file; '{path}' is neither.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise GraphError(f"The report '{path}' cannot be written: {error.strerror or error}.") from error
    with file:
        report = kind(file, heading, path.absolute().parent)
        try:
            yield report
        finally:
            report.end()


class CsvReport:
    """One line for each file; of a run that wrote none, one line all the same."""

    def __init__(self, file: TextIO, heading: Heading, folder: Path) -> None:
        del folder
        self._file = file
        self._names = _besides_seed(heading.vary)
        self._runs = 0
        self._writer = csv.writer(file)
        self._writer.writerow(["run", *self._names, "seed", "seconds", "evaluations", "file", "error"])
        file.flush()

    def add(self, row: Row) -> None:
        """Write down one run."""
        self._runs += 1
        settings = [_plain(row.settings[name]) for name in self._names]
        for path in row.files or ("",):
            facts = [row.seed, f"{row.seconds:.3f}", row.evaluations, path, row.error]
            self._writer.writerow([self._runs, *settings, *facts])
        self._file.flush()

    def end(self) -> None:
        """Nothing is left to write."""


class HtmlReport:
    """One page without anything outside it: thumbnails in a grid, the last input across, the one before it down."""

    def __init__(self, file: TextIO, heading: Heading, folder: Path) -> None:
        self._file = file
        self._heading = heading
        self._folder = folder
        self._rows: list[Row] = []
        self._say(_head(heading))

    def add(self, row: Row) -> None:
        """Write down one run."""
        match list(self._heading.vary):
            case [*others, down, across]:
                self._place(row, others, down, across)
            case few:
                self._say("" if self._rows else '<div class="cells">')
                labels = "".join(f"<h3>{_name_value(name, row.settings[name])}</h3>" for name in few)
                self._say(_cell(row, "div", self._folder, labels))
        self._rows.append(row)
        self._file.flush()

    def end(self) -> None:
        """Close the grid and write the same as a table."""
        if self._rows:
            self._say(TABLE_END if len(self._heading.vary) > 1 else "</div>")
        self._say(_foot(self._rows, self._heading, self._folder))

    def _place(self, row: Row, others: Sequence[str], down: str, across: str) -> None:
        """Begin a table for each combination of the others, and a line for each value of the input that goes down."""
        before, vary = len(self._rows), self._heading.vary
        if before % (len(vary[across]) * len(vary[down])) == 0:
            self._say(TABLE_END if before else "")
            told = " · ".join(_name_value(name, row.settings[name]) for name in others)
            self._say(f"<h2>{told}</h2>" if told else "")
            columns = "".join(f'<th scope="col">{escape(_plain(value))}</th>' for value in vary[across])
            corner = f'<td class="corner">{escape(down)} ↓ &nbsp; {escape(across)} →</td>'
            self._say(f'<div class="wide"><table class="grid"><thead><tr>{corner}{columns}</tr></thead><tbody>')
        elif before % len(vary[across]) == 0:
            self._say("</tr>")
        if before % len(vary[across]) == 0:
            self._say(f'<tr><th scope="row">{escape(_plain(row.settings[down]))}</th>')
        self._say(_cell(row, "td", self._folder))

    def _say(self, html: str) -> None:
        if html:
            self._file.write(f"{html}\n")


def thumbnail(path: Path) -> tuple[bytes, bool] | None:
    """A small WebP picture of a file, and whether the picture itself is small; None where it is no picture."""
    from PIL import Image as PilImage

    try:
        with PilImage.open(path) as picture:
            small = max(picture.size) <= SMALL
            if picture.mode.startswith("I"):  # of its 16 bits Pillow would take the lowest 8
                shown = picture.point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
            else:
                clear = "A" in picture.getbands() or "transparency" in picture.info
                shown = picture.convert("RGBA" if clear else "RGB")
    except (OSError, ValueError, PilImage.DecompressionBombError):
        return None
    shown.thumbnail((THUMBNAIL, THUMBNAIL))
    data = io.BytesIO()
    shown.save(data, "WEBP", quality=82, lossless=small)
    return data.getvalue(), small


def _besides_seed(vary: Varied) -> list[str]:
    """What varies and has a column of its own."""
    return [name for name in vary if name != "seed"]


def _plain(value: Any) -> str:
    """A value as people write it: texts without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _name_value(name: str, value: Any) -> str:
    return f'<span class="name">{escape(name)}</span> {escape(_plain(value)) or "&ldquo;&rdquo;"}'


def _url(path: Path, folder: Path) -> str:
    """The address of a file as seen from the report."""
    try:
        return quote(Path(os.path.relpath(path, folder)).as_posix())
    except ValueError:  # another drive
        return path.absolute().as_uri()


def _cell(row: Row, tag: str, folder: Path, label: str = "") -> str:
    pictures = "".join(_figure(path, row, folder) for path in row.files)
    facts = [f"seed {row.seed}"] if row.seed else []
    facts += ["computed before"] if row.reused else [f"{row.seconds:.2f} s", f"{row.evaluations:,} evaluations"]
    error = f'<p class="error">{escape(row.error)}</p>' if row.error else ""
    return (
        f'<{tag} class="cell">{label}<div class="pictures">{pictures}</div>{error}'
        f'<p class="facts">{escape(" · ".join(facts))}</p></{tag}>'
    )


def _figure(path: Path, row: Row, folder: Path) -> str:
    link, name = escape(_url(path, folder)), escape(path.name)
    made = thumbnail(path)
    if made is None:
        return f'<a href="{link}">{name}</a>'
    data, small = made
    told = escape(", ".join(f"{key} {_plain(value)}" for key, value in row.settings.items()))
    image = f'<img{" class=small" if small else ""} alt="{told}" src="data:image/webp;base64,'
    return f'<a href="{link}" title="{name}">{image}{base64.b64encode(data).decode()}"></a>'


def _head(heading: Heading) -> str:
    planned = combinations(heading.vary)
    varied = " · ".join(f"{escape(name)} × {len(values)}" for name, values in heading.vary.items())
    fixed = "".join(f"<li>{_name_value(name, value)}</li>" for name, value in heading.fixed.items())
    facts = "".join(f"<li>{escape(fact)}</li>" for fact in heading.facts)
    began = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{escape(heading.title)} — sweep</title>
<style>{STYLE}</style></head><body>
<header><h1>{escape(heading.title)}</h1>
<p>{varied} = {planned} {"run" if planned == 1 else "runs"} · {began}</p>
<ul class="fixed">{fixed}</ul><ul class="fixed">{facts}</ul></header>
<main>"""


def _foot(rows: Sequence[Row], heading: Heading, folder: Path) -> str:
    planned, failed = combinations(heading.vary), sum(bool(row.error) for row in rows)
    seconds, evaluations = sum(row.seconds for row in rows), sum(row.evaluations for row in rows)
    done = f"{len(rows)} of {planned} runs" if len(rows) < planned else f"{len(rows)} runs"
    summary = [done, f"{seconds:.1f} s", f"{evaluations:,} network evaluations"]
    summary += [f"{failed} failed"] if failed else []
    names = _besides_seed(heading.vary)
    columns = "".join(f"<th>{escape(name)}</th>" for name in ("run", *names, "seed", "seconds", "evaluations", "file"))
    lines = "\n".join(_line(number, row, names, folder) for number, row in enumerate(rows, 1))
    return f"""<p class="sum">{escape(" · ".join(summary))}</p>
<details><summary>All runs as a table</summary>
<div class="wide"><table class="list"><thead><tr>{columns}</tr></thead><tbody>
{lines}
</tbody></table></div></details>
</main></body></html>"""


def _line(number: int, row: Row, names: Sequence[str], folder: Path) -> str:
    cells = [str(number), *(_plain(row.settings[name]) for name in names), row.seed]
    cells += [f"{row.seconds:.2f}", f"{row.evaluations:,}"]
    files = ", ".join(f'<a href="{escape(_url(path, folder))}">{escape(path.name)}</a>' for path in row.files)
    told = files + (f' <span class="error">{escape(row.error)}</span>' if row.error else "")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}<td>{told}</td></tr>"


STYLE = """
:root { color-scheme: light dark; --ink: #1c1d21; --soft: #6b6f7a; --page: #f6f6f4; --card: #fff; --line: #dfdfdb;
  --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9e9ec; --soft: #9a9eab; --page: #17181b; --card: #202226; --line: #34363d; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem clamp(1rem, 4vw, 4rem) 4rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: .95rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
header p, .facts, .corner, .sum { color: var(--soft); }
header p { margin: .3rem 0 .8rem; }
.fixed { display: flex; flex-wrap: wrap; gap: .3rem 1.4rem; padding: 0; margin: .2rem 0; list-style: none;
  font-size: .9rem; }
.name { color: var(--soft); font-weight: 400; }
main { margin-top: 1.6rem; }
a { color: inherit; }
.cells { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 1rem; }
.cell { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .7rem;
  vertical-align: top; }
.pictures { display: flex; flex-wrap: wrap; gap: .4rem; }
.pictures a { display: block; }
img { display: block; max-width: 100%; width: auto; height: auto; border-radius: 5px; }
img.small { width: 176px; image-rendering: pixelated; }
.facts { margin: .5rem 0 0; font-size: .78rem; font-variant-numeric: tabular-nums; }
.error { color: var(--bad); margin: .4rem 0 0; font-size: .85rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
.grid { border-collapse: separate; border-spacing: .6rem; margin: 0 -.6rem; }
.grid th { font-size: .9rem; font-weight: 600; text-align: left; overflow-wrap: anywhere; white-space: pre-wrap; }
.grid thead th { vertical-align: bottom; max-width: 340px; }
.grid tbody th { vertical-align: top; padding-top: .7rem; min-width: 7rem; max-width: 16rem; position: sticky; left: 0;
  background: var(--page); }
.corner { font-size: .78rem; vertical-align: bottom; white-space: nowrap; }
.sum { margin: 2rem 0 .8rem; }
summary { cursor: pointer; }
.list { border-collapse: collapse; margin-top: .8rem; font-size: .88rem; font-variant-numeric: tabular-nums; }
.list th, .list td { text-align: left; vertical-align: top; padding: .3rem 1.2rem .3rem 0;
  border-bottom: 1px solid var(--line); white-space: pre-wrap; }
"""
