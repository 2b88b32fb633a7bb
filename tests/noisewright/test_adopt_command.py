"""`adopt`: what it prints, plainly and as JSON, what it refuses, and that it changes nothing."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from noisewright.commands import main


def _installations() -> ModuleType:
    spec = importlib.util.spec_from_file_location("installations", Path(__file__).with_name("installations.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


made = _installations()


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def comfyui(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.comfyui(tmp_path_factory.mktemp("portable") / "ComfyUI")


def test_the_page_is_plain_and_says_first_what_to_do(comfyui: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    before = made.state_of(comfyui)
    assert main(["adopt", str(comfyui)]) == 0
    out, err = capsys.readouterr()
    assert made.state_of(comfyui) == before
    assert err == ""
    assert "\x1b" not in out
    assert f"--models {comfyui}\n" in out
    assert f'models = ["{comfyui}"]' in out
    assert str(tmp_path / "home" / "settings.toml") in out
    assert "      6  run now\n" in out
    assert "      1 would run after node type 'ModelSamplingAuraFlow' exists\n" in out
    assert "      1 need node type 'VHS_VideoCombine', and more\n" in out
    assert "checkpoints/half.pt: it was cut off" in out
    assert out.count("\n\n\n") == 0
    assert all(line == line.rstrip() for line in out.splitlines())


def test_alike_workflows_are_one_line_and_lists_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = made.web_ui(tmp_path / "webui")
    for number in range(30):
        folder = root / "outputs" / "more"
        made.picture(folder / f"{number}.png", number, parameters=made.INFOTEXT.format("gone"))
        made.picture(folder / f"good-{number}.png", number, parameters=made.INFOTEXT.format("little"))
    assert main(["adopt", str(root)]) == 0
    out = capsys.readouterr().out
    assert "and 30 more like it: the file 'gone.safetensors' in 'checkpoints'" in out
    assert "21 more; --all shows them" in out
    assert main(["adopt", str(root), "--all"]) == 0
    assert "--all shows them" not in capsys.readouterr().out


def test_json_says_the_same(comfyui: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["adopt", str(comfyui.parent), "--json", "--pictures", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["format"] == 1
    assert (found["program"], found["path"]) == ("ComfyUI", str(comfyui))
    assert found["use"]["flags"] == ["--models", str(comfyui)]
    assert found["models"]["states"] == {"runs": 4, "not yet": 2, "unopened": 1, "damaged": 3}
    assert found["workflows"]["pictures_looked_at"] == 1
    assert sum(found["workflows"]["verdicts"].values()) == len(found["workflows"]["files"]) == 12
    assert {pack["name"] for pack in found["packs"]} >= {"harmful", "Power-Things"}


def test_the_line_for_the_settings_is_read_by_toml(tmp_path: Path):
    import tomllib

    from noisewright.adopting.report import settings_line

    paths = [tmp_path / 'a "quoted" folder', tmp_path / "b"]
    assert tomllib.loads(settings_line(paths)) == {"models": [str(path) for path in paths]}


def test_a_path_that_is_no_such_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["adopt", str(tmp_path / "none")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "There is nothing at" in err
    assert "Looked for: an installation of ComfyUI" in err
    assert main(["adopt", str(tmp_path)]) == 2
    assert "holds no models" in capsys.readouterr().err


def test_a_number_of_pictures_is_a_number(tmp_path: Path):
    with pytest.raises(SystemExit):
        main(["adopt", str(tmp_path), "--pictures", "-1"])
