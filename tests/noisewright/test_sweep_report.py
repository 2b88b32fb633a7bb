"""Reports of sweeps: a table that spreadsheets read, a page that stands alone, both there when the sweep is cut off."""

import csv
from base64 import b64decode
from collections.abc import Sequence
from html.parser import HTMLParser
from io import BytesIO
from itertools import product
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image as PilImage

from graph.errors import GraphError
from noisewright.sweep import Row
from noisewright.sweep_report import Heading, report_to, thumbnail

EVIL = "<script>alert(\"1\")</script> & 'x'"
VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """What a browser would see: elements closed in order, texts, attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.stack[-1:] != ["style"] and data.strip():
            self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def picture(path: Path, size: tuple[int, int] = (64, 48), colour: str = "red") -> Path:
    PilImage.new("RGB", size, colour).save(path)
    return path


def rows_of(folder: Path, vary: dict[str, Sequence[object]]) -> list[Row]:
    return [
        Row(
            dict(zip(vary, values, strict=True)),
            {"sampler.seed": 7},
            0.5,
            40,
            (picture(folder / f"a picture {number} & #1.png"),),
        )
        for number, values in enumerate(product(*vary.values()))
    ]


def written(path: Path, vary: dict[str, Sequence[object]], rows: Sequence[Row], title: str = "Title") -> str:
    with report_to(path, Heading(title, vary, {"negative": "", "text": EVIL}, ("file.json", "on cpu"))) as report:
        for row in rows:
            report.add(row)
    return path.read_text(encoding="utf-8")


def test_a_table_has_one_line_a_file(tmp_path: Path):
    vary = {"prompt": ('a "b", c', EVIL), "seed": (7,)}
    rows = rows_of(tmp_path, vary)
    rows[0] = Row(rows[0].settings, {"x.seed": 7}, 1.25, 1040, (*rows[0].files, tmp_path / "b.txt"))
    rows.append(Row({"prompt": "ü\nline", "seed": 7}, error="it failed"))
    text = written(tmp_path / "out.csv", vary, rows)
    lines = list(csv.reader(text.splitlines(keepends=True)))
    assert lines == [
        ["run", "prompt", "seed", "seconds", "evaluations", "file", "error"],
        ["1", 'a "b", c', "7", "1.250", "1040", str(rows[0].files[0]), ""],
        ["1", 'a "b", c', "7", "1.250", "1040", str(tmp_path / "b.txt"), ""],
        ["2", EVIL, "7", "0.500", "40", str(rows[1].files[0]), ""],
        ["3", "ü\nline", "", "0.000", "0", "", "it failed"],
    ]


@pytest.mark.parametrize(
    "vary",
    [
        {},
        {"prompt": ("a",)},
        {"prompt": ("a", EVIL, "")},
        {"prompt": ("a", EVIL), "seed": (1, 2, 3)},
        {"model": ("m", "n"), EVIL: ("a", EVIL), "seed": (1, 2)},
        {"one": (True, False), "two": (1, 2), "three": (0.5, 1.0), "four": ("x", "y")},
    ],
)
def test_a_page_is_whole_and_stands_alone(vary: dict[str, Sequence[object]], tmp_path: Path):
    rows = rows_of(tmp_path, vary)
    page = Page(written(tmp_path / "out.html", vary, rows, EVIL))
    assert page.stack == []
    assert len(page.all("img")) == len(rows)
    assert not page.all("script")
    assert not page.all("link")
    for attributes in page.all("img"):
        source = attributes["src"] or ""
        assert source.startswith("data:image/webp;base64,")
        assert PilImage.open(BytesIO(b64decode(source.partition(",")[2]))).size == (64, 48)
    for attributes in page.all("a"):
        assert (tmp_path / unquote(attributes["href"] or "")).is_file()
    assert EVIL in page.texts  # the title, as it is
    assert any("Content-Security-Policy" in (attributes.get("http-equiv") or "") for attributes in page.all("meta"))


def test_the_grid_has_the_last_input_across_and_the_one_before_it_down(tmp_path: Path):
    vary = {"model": ("m", "n"), "prompt": ("a", "b"), "seed": (1, 2, 3)}
    html = written(tmp_path / "out.html", vary, rows_of(tmp_path, vary))
    assert html.count('<table class="grid">') == 2
    grid = html[html.index('<table class="grid">') : html.index("</table>")]
    assert [part.partition("<")[0] for part in grid.split('scope="col">')[1:]] == ["1", "2", "3"]
    assert [part.partition("<")[0] for part in grid.split('scope="row">')[1:]] == ["a", "b"]
    assert [part.count("<img") for part in grid.split('scope="row">')[1:]] == [3, 3]
    assert "12 runs · 6.0 s · 480 network evaluations" in html


def test_what_is_done_is_there_when_a_sweep_is_cut_off(tmp_path: Path):
    vary = {"prompt": ("a", "b"), "seed": (1, 2, 3)}
    rows = rows_of(tmp_path, vary)[:4]
    page = tmp_path / "out.html"

    def cut_off(rows: Sequence[Row]) -> None:
        with report_to(page, Heading("T", vary)) as report:
            for number, row in enumerate(rows, 1):
                report.add(row)
                assert page.read_text(encoding="utf-8").count("<img") == number
            raise KeyboardInterrupt

    for done in (rows, rows[:3], []):
        with pytest.raises(KeyboardInterrupt):
            cut_off(done)
        html = page.read_text(encoding="utf-8")
        assert Page(html).stack == []
        assert f"{len(done)} of 6 runs" in html


def test_failures_reuse_and_files_that_are_no_pictures_are_told(tmp_path: Path):
    (tmp_path / "a.latent").write_bytes(b"no picture")
    rows = [
        Row({"n": 1}, {}, 0.0, 0, (tmp_path / "a.latent",), reused=True),
        Row({"n": 2}, {}, 0.0, 0, (tmp_path / "gone.png",)),
        Row({"n": 3}, error=f"Node 'x' failed: {EVIL}"),
    ]
    html = written(tmp_path / "out.htm", {"n": (1, 2, 3)}, rows)
    page = Page(html)
    assert page.stack == []
    assert {"a.latent", "gone.png", f"Node 'x' failed: {EVIL}", "computed before"} <= set(page.texts)
    assert "1 failed" in html


def test_large_pictures_are_made_small_and_small_ones_stay(tmp_path: Path):
    data, small = thumbnail(picture(tmp_path / "a.png", (1000, 500))) or (b"", True)
    assert not small
    assert PilImage.open(BytesIO(data)).size == (320, 160)
    PilImage.new("RGBA", (9, 9), (255, 0, 0, 0)).save(tmp_path / "b.png")
    data, small = thumbnail(tmp_path / "b.png") or (b"", False)
    assert small
    assert PilImage.open(BytesIO(data)).mode == "RGBA"
    PilImage.new("I;16", (9, 9), 40000).save(tmp_path / "c.png")
    data, _ = thumbnail(tmp_path / "c.png") or (b"", False)
    red, green, blue = PilImage.open(BytesIO(data)).convert("RGB").getpixel((4, 4))
    assert abs(red - 40000 / 257) < 3
    assert red == green == blue


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("out.pdf", "A report is a .html or a .csv file; '{}' is neither."),
        ("file/out.csv", "The report '{}' cannot be written: "),
    ],
)
def test_a_report_that_cannot_be(name: str, expected: str, tmp_path: Path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(GraphError) as raised, report_to(tmp_path / name, Heading("T", {"n": (1,)})):
        pass
    assert str(raised.value).startswith(expected.format(tmp_path / name))
