"""`sweep` on the command line: paths on stdout, a report, exit codes, and wrong input of every kind."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from noisewright.commands import main

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = ROOT / "workflows" / "text-to-image.json"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    """A workflow that takes no time: a card of one colour."""
    nodes = {
        "card": {"type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255}},
        "save": {"type": "SaveImage", "inputs": {"images": {"link": ["card", "IMAGE"]}, "filename_prefix": "card"}},
    }
    path = tmp_path / "cards.json"
    path.write_text(json.dumps({"format": "noisewright/workflow", "version": 1, "nodes": nodes}), encoding="utf-8")
    return path


def test_every_combination_is_saved_and_reported(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    reports = [tmp_path / "new" / "out.csv", tmp_path / "out.html"]
    words = ["sweep", str(TEMPLATE), "--set", "steps=2", "--vary", 'prompt="red apple",lemon', "--seeds", "2"]
    assert main([*words, *(word for path in reports for word in ("--report", str(path)))]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    paths = out.splitlines()
    assert len(set(paths)) == 4
    assert all(Path(path).is_file() and Path(path).is_relative_to(home / "output") for path in paths)
    with reports[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["prompt"], row["seed"]) for row in rows] == [
        ("red apple", "7"), ("red apple", "8"), ("lemon", "7"), ("lemon", "8")
    ]  # fmt: skip
    assert [row["file"] for row in rows] == paths
    assert [row["evaluations"] for row in rows] == ["4"] * 4
    page = reports[1].read_text(encoding="utf-8")
    assert page.count("<img") == 4
    assert "Networks compute on" in page
    assert '<span class="name">steps</span> 2' in page
    assert "https://" not in page
    assert "http://" not in page


def test_a_sweep_without_report_prints_paths(home: Path, cards: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["sweep", str(cards), "--vary", "width=4..8:2", "--output", str(home / "here")]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.parent for path in paths] == [home / "here"] * 3


def test_a_run_that_fails_is_told_and_the_rest_goes_on(
    home: Path, cards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    report = tmp_path / "out.csv"
    words = ["sweep", str(cards), "--vary", "filename_prefix=a,../../b,c", "--report", str(report)]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "leads out of the output folder" in err
    assert "1 of 3 runs failed." in err
    with report.open(encoding="utf-8", newline="") as file:
        assert [bool(row["error"]) for row in csv.DictReader(file)] == [False, True, False]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "Nothing varies. Give --vary NAME=A,B,C or --seeds N, or use 'run'."),
        (["--vary", "width"], "--vary width has no '='."),
        (["--vary", "width="], "No values are given for 'width'."),
        (["--vary", "widht=1"], "Did you mean 'width'?"),
        (["--vary", "width=many"], "Setting 'width' takes a whole number, but is a text: \"many\"."),
        (["--vary", "width=0"], "Setting 'width' is 0, but must be at least 1."),
        (["--vary", "width=1..0.5:0"], "the range '1..0.5:0' has a step of 0."),
        (["--vary", "width=1", "--vary", "width=2"], "'width' varies twice."),
        (["--vary", "width=1", "--vary", "card.width=2"], "'width' and 'card.width' are one input."),
        (["--vary", "width=1..999", "--vary", "height=1..999"], "That would be 998,001 runs"),
        (["--vary", "filename_prefix=@/no/such/file"], "the file '/no/such/file' cannot be read"),
        (["--seeds", "2"], "The workflow has no seed to vary."),
        (["--vary", "width=1", "--report", "out.pdf"], "A report is a .html or a .csv file; 'out.pdf' is neither."),
        (["--vary", "width=1", "--report", "/dev/null/out.csv"], "The report '/dev/null/out.csv' cannot be written"),
        (["--vary", "width=1", "--set", "height=0"], "must be at least 1"),
        (["--vary", "width=1", "--device", "cuda:99"], "There is no device 'cuda:99'"),
    ],
)
def test_wrong_input_is_one_paragraph(
    words: list[str], expected: str, home: Path, cards: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["sweep", str(cards), *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


def test_a_seed_varies_once(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["sweep", str(TEMPLATE), "--vary", "seed=1,2", "--seeds", "2"]) == 2
    assert "'seed' varies twice. Give --seeds or --vary seed=…, not both." in capsys.readouterr().err
    assert main(["sweep", str(TEMPLATE), "--seeds", "0"]) == 2
    assert "0 seeds cannot be tried. Choose a number from 1 to 10,000." in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to a child")
def test_ctrl_c_leaves_the_report_of_what_is_done(tmp_path: Path):
    begin = "import signal, runpy; signal.signal(signal.SIGINT, signal.default_int_handler); "
    begin += "runpy.run_path('main.py', run_name='__main__')"
    report = tmp_path / "out.html"
    words = ["sweep", str(TEMPLATE), "--vary", "steps=2,3,5000", "--report", str(report), "--data", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-c", begin, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert [process.stdout.readline()[-5:] for _ in range(2)] == [".png\n"] * 2  # so the first is reported
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err == "Interrupted.\n"
    page = report.read_text(encoding="utf-8")
    assert "1 of 3 runs" in page or "2 of 3 runs" in page
    assert page.rstrip().endswith("</html>")
