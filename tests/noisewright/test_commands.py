"""The command line in-process: exit codes, what goes to stdout and what to stderr, and wrong input of every kind."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from noisewright import __version__
from noisewright.commands import main

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = ROOT / "workflows" / "text-to-image.json"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder."""
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


def edited(path: Path, **changes: object) -> Path:
    """The template with nodes changed (None: taken away), written to `path`."""
    document = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    for node, change in changes.items():
        if change is None:
            del document["nodes"][node]
            document["layout"]["nodes"].pop(node, None)
        else:
            document["nodes"].setdefault(node, {}).update(change)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def linked(node: str, output: str) -> dict[str, list[str]]:
    return {"link": [node, output]}


def test_version_is_said_once(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"noisewright {__version__}\n"


def test_no_command_is_bad_usage():
    with pytest.raises(SystemExit) as exit_:
        main([])
    assert exit_.value.code == 2


def test_check_says_ready_on_stderr(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(TEMPLATE)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "ready to run" in err


def test_plan_lists_every_node_in_a_possible_order(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["plan", str(TEMPLATE)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    order = [row[1] for row in rows]
    assert sorted(order) == ["checkpoint", "decode", "negative", "prompt", "sample", "save", "size"]
    assert {row[0] for row in rows} == {"run"}
    document = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    for node, facts in document["nodes"].items():
        for value in facts["inputs"].values():
            if isinstance(value, dict) and "link" in value:
                assert order.index(value["link"][0]) < order.index(node)


@pytest.mark.parametrize("command", ["plan", "run"])
def test_what_a_plan_foresees_is_said_on_stderr(command: str, home: Path, capsys: pytest.CaptureFixture[str]):
    settings = [argument for side in ("width", "height") for argument in ("--set", f"{side}=16")]
    assert main([command, str(TEMPLATE), *settings, "--set", "steps=1"]) == 0
    out, err = capsys.readouterr()
    assert "warning: 'sprout.safetensors' was trained on pictures of about 64 × 64" in err
    assert "trained" not in out


def test_nodes_lists_types_and_describes_one(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["nodes"]) == 0
    assert "KSampler " in capsys.readouterr().out
    assert main(["nodes", "KSampler"]) == 0
    page = capsys.readouterr().out
    assert "latent_image: LATENT" in page
    assert "steps: INT from 1 to 10000, 20 if not given" in page
    assert main(["nodes", "--json"]) == 0
    assert "KSampler" in {spec["type"] for spec in json.loads(capsys.readouterr().out)}
    assert main(["nodes", "KSampler", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "KSampler"


def test_nodes_suggests_the_nearest_name(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["nodes", "KSamplr"]) == 2
    assert "Did you mean 'KSampler'?" in capsys.readouterr().err


def test_doctor_names_device_precision_and_the_bundled_model(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for word in ("torch", "compute", "memory", str(home), "sprout.safetensors"):
        assert word in out
    assert "sprout.md" not in out


BAD_FILES = {
    "not JSON": ("{", "line 1"),
    "a list": ("[1, 2]", "workflow"),
    "another format": ('{"format": "other/thing", "version": 1, "nodes": {}}', "other/thing"),
    "a newer version": ('{"format": "noisewright/workflow", "version": 99, "nodes": {}}', "99"),
    "deep nesting": ("[" * 100_000, "nest"),
    "not text": (b"\xff\xfe\x00\x01", "UTF-8"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_read_is_one_paragraph(
    case: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    text, expected = BAD_FILES[case]
    path = tmp_path / "bad.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    for command in ("check", "plan", "run"):
        assert main([command, str(path)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert expected.lower() in err.lower()
        assert "Traceback" not in err
        assert len(err.strip().splitlines()) == 1


VAE = linked("checkpoint", "VAE")
BAD_NODES = {
    "unknown type": ({"sample": {"type": "KSamplr"}}, ["KSamplr", "KSampler"]),
    "missing link": ({"decode": {"inputs": {"vae": VAE}}}, ["decode", "samples"]),
    "dangling link": ({"decode": {"inputs": {"samples": linked("gone", "LATENT"), "vae": VAE}}}, ["gone"]),
    "wrong type": (
        {"decode": {"inputs": {"samples": linked("checkpoint", "MODEL"), "vae": VAE}}},
        ["MODEL", "LATENT"],
    ),
    "out of range": ({"size": {"inputs": {"width": -8}}}, ["width", "-8"]),
    "not a choice": ({"checkpoint": {"inputs": {"ckpt_name": "sprot.safetensors"}}}, ["sprot", "sprout.safetensors"]),
    "a mode that is none": ({"size": {"mode": "asleep"}}, ["asleep"]),
    "nothing to make": ({"save": None}, ["output"]),
}


@pytest.mark.parametrize("case", BAD_NODES)
def test_problems_name_the_place_and_the_way_out(
    case: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    changes, words = BAD_NODES[case]
    path = edited(tmp_path / "bad.json", **changes)
    for command in ("check", "run"):
        assert main([command, str(path)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        for word in words:
            assert word in err


def test_a_cycle_is_told_with_its_path(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    turn = {"type": "LatentFlip", "inputs": {"samples": linked("back", "LATENT"), "flip_method": "x-axis: vertically"}}
    back = {"type": "LatentFlip", "inputs": {"samples": linked("turn", "LATENT"), "flip_method": "x-axis: vertically"}}
    decode = {"inputs": {"samples": linked("turn", "LATENT"), "vae": linked("checkpoint", "VAE")}}
    path = edited(tmp_path / "bad.json", turn=turn, back=back, decode=decode)
    assert main(["check", str(path)]) == 2
    err = capsys.readouterr().err
    assert "turn" in err
    assert "back" in err


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("promt=red apple", "prompt"),
        ("sample.stepps=3", "steps"),
        ("steps=many", "many"),
        ("steps=0", "1"),
        ("steps", "NAME=VALUE"),
        ("prompt=@/no/such/file", "/no/such/file"),
    ],
)
def test_set_of_what_is_not_there(word: str, expected: str, home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(TEMPLATE), "--set", word]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert expected in err
    assert len(err.strip().splitlines()) == 1


def test_an_output_folder_that_cannot_be_written(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert main(["run", str(TEMPLATE), "--output", str(tmp_path / "file" / "below")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert str(tmp_path / "file") in err
    assert len(err.strip().splitlines()) == 1


def test_a_truncated_checkpoint_fails_with_a_sentence(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "models" / "checkpoints"
    folder.mkdir(parents=True)
    whole = (ROOT / "models" / "checkpoints" / "sprout.safetensors").read_bytes()
    (folder / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    words = ["run", str(TEMPLATE), "--models", str(tmp_path / "models"), "--set", "ckpt_name=half.safetensors"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "half.safetensors" in err
    assert "Traceback" not in err
    assert not (home / "output").exists() or not list((home / "output").iterdir())


def test_models_are_found_by_a_file_of_model_paths(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "mine.safetensors").symlink_to(ROOT / "models" / "checkpoints" / "sprout.safetensors")
    paths = tmp_path / "extra_model_paths.yaml"
    paths.write_text("mine:\n  checkpoints: odd\n")
    words = ["--models", str(paths), "--set", "ckpt_name=mine.safetensors", "--set", "steps=1"]
    assert main(["run", str(TEMPLATE), *words]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()
    assert main(["models", "find", "mine", "--models", str(paths)]) == 0
    assert "checkpoints/mine.safetensors" in capsys.readouterr().out


def test_run_prints_one_absolute_path_a_picture(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["run", str(TEMPLATE), "--set", "steps=2", "--set", "batch_size=2"]) == 0
    out, err = capsys.readouterr()
    paths = [Path(line) for line in out.splitlines()]
    assert len(paths) == 2
    assert all(path.is_absolute() and path.is_file() and path.is_relative_to(home / "output") for path in paths)
    assert err == ""


def test_events_are_one_json_object_a_line(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["run", str(TEMPLATE), "--set", "steps=2", "--events", "jsonl"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert events[0]["event"] == "run_started"
    assert events[-1]["event"] == "run_finished"
    assert events[-1]["status"] == "done"
    assert [event["done"] for event in events if event["event"] == "node_progress"] == [1, 2]


def test_a_workflow_from_standard_input_and_text_from_a_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    shutil.copy(TEMPLATE, tmp_path / "in.json")
    (tmp_path / "prompt.txt").write_text("grinning face\n", encoding="utf-8")
    with open(tmp_path / "in.json", encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert main(["check", "-", "--set", f"prompt=@{tmp_path / 'prompt.txt'}"]) == 0
    assert "ready" in capsys.readouterr().err


def test_a_file_of_another_program_and_a_picture_that_carries_one_run(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    card = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 4, "batch_size": 1, "color": 255}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "card"}}
    (tmp_path / "api.json").write_text(json.dumps({"1": card, "2": save}), encoding="utf-8")
    assert main(["run", str(tmp_path / "api.json")]) == 0
    (path,) = capsys.readouterr().out.split()
    assert main(["run", path, "--set", "width=9"]) == 0
    (other,) = capsys.readouterr().out.split()
    assert Path(other).is_file()
    assert other != path


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_a_device_that_is_not_there(command: str, home: Path, capsys: pytest.CaptureFixture[str]):
    words = [command, *([str(TEMPLATE)] if command == "run" else []), "--device", "cuda:99"]
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "cuda:99" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to a child")
def test_ctrl_c_stops_within_a_step_and_leaves_nothing(tmp_path: Path):
    # A parent that ignores SIGINT hands that down; a terminal does not, so the child begins as if it came from one.
    begin = "import signal, runpy; signal.signal(signal.SIGINT, signal.default_int_handler); "
    begin += "runpy.run_path('main.py', run_name='__main__')"
    words = ["run", str(TEMPLATE), "--set", "steps=5000", "--events", "jsonl", "--data", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-c", begin, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if json.loads(line)["event"] == "node_progress":
                    break
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err == "Interrupted.\n"
    assert "node_failed" not in out
    assert not any(path.is_file() for path in (tmp_path / "output").rglob("*"))


GUARDED = '''
from noisewright import Image, node


@node("CarelessTint", category="careless")
def tint(image: Image) -> Image:
    """Redden a picture, and the one it was given with it."""
    image.pixels[..., 0] = 1.0
    return Image(image.pixels.clone())
'''


def test_guard_names_the_node_that_changes_its_input(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (home / "packs").mkdir(parents=True)
    (home / "packs" / "careless.py").write_text(GUARDED, encoding="utf-8")
    workflow = {
        "format": "noisewright/workflow",
        "version": 1,
        "nodes": {
            "card": {"type": "EmptyImage", "inputs": {"width": 8, "height": 8, "color": 255}},
            "tint": {"type": "CarelessTint", "inputs": {"image": linked("card", "IMAGE")}},
            "save": {"type": "SaveImage", "inputs": {"images": linked("tint", "IMAGE")}},
        },
    }
    path = tmp_path / "careless.json"
    path.write_text(json.dumps(workflow), encoding="utf-8")
    assert main(["run", str(path), "--guard"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error in node 'tint': It has changed the value at its input 'image'." in err
    assert main(["run", str(path), "--no-cache"]) == 0


@pytest.mark.parametrize("word", ["0", "-1", "nan", "inf", "soon"])
def test_a_time_limit_is_a_number_of_seconds(word: str, home: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_:
        main(["run", str(TEMPLATE), f"--time-limit={word}"])
    assert exit_.value.code == 2
    assert f"'{word}' is no number of seconds above 0" in capsys.readouterr().err


def test_a_node_beyond_the_time_limit_fails_and_the_process_ends_well(tmp_path: Path):
    words = ["main.py", "run", str(TEMPLATE), "--set", "steps=10000", "--time-limit", "1", "--data", str(tmp_path)]
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    failures = done.stderr.splitlines()  # one, or several that waited for the same slow import
    assert failures
    assert all(line.startswith("Error in node ") and " did not return within 1 s." in line for line in failures)


def test_an_option_that_is_misspelt_is_told_with_the_one_that_was_meant(home: Path, capsys: pytest.CaptureFixture[str]):
    for words, meant in (
        (["run", str(TEMPLATE), "--sett", "seed=3"], "--set"),
        (["sweep", str(TEMPLATE), "--seds=3"], "--seeds"),
    ):
        with pytest.raises(SystemExit) as exit_:
            main(words)
        assert exit_.value.code == 2
        assert f"Did you mean '{meant}'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["check", "{tmp}/text-to-imag.json"],
            "There is no file '{tmp}/text-to-imag.json'. Did you mean '{tmp}/text-to-image.json'?",
        ),
        (["plan", "{tmp}/nothing/of/it"], "There is no file '{tmp}/nothing/of/it'."),
        (["check", "{tmp}"], "'{tmp}' is a folder. Name a file in it, such as 'text-to-image.json'."),
        (["convert", "{tmp}/models", "-"], "'{tmp}/models' is a folder. Name a file."),
        (
            ["run", str(TEMPLATE), "--models", "{tmp}/none"],
            "--models: There is no folder '{tmp}/none' of models. "
            "Name another or an extra_model_paths.yaml, or leave it out.",
        ),
        (["nodes", "Nonesuch"], "There is no node type 'Nonesuch'. `nodes` without a name lists all there are."),
        (
            ["nodes", "--data", "{tmp}/text-to-image.json"],
            "The home '{tmp}/text-to-image.json' is a file. Name a folder with --data.",
        ),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do(
    words: list[str], sentence: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copy(TEMPLATE, tmp_path)
    (tmp_path / "models").mkdir()
    assert main([word.format(tmp=tmp_path) for word in words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"Error: {sentence.format(tmp=tmp_path)}\n"
