"""`models …` in-process: results on stdout, questions on stderr, exit codes; nothing goes online without a yes."""

import asyncio
import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from noisewright.commands import main
from tests.server.models.elsewhere import Elsewhere, safetensors, serving, sha256

ROOT = Path(__file__).parents[2]
BUNDLED = {path.name for path in (ROOT / "models").rglob("*.safetensors")}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, nobody at the keyboard, and no tokens."""
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "nothing"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT", "NOISEWRIGHT_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return tmp_path / "home"


@contextmanager
def beside(elsewhere: Elsewhere) -> Iterator[str]:
    """A server on a thread of its own; gives its address."""
    up, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(elsewhere):
            up.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert up.wait(10)
        yield str(elsewhere.url)
    finally:
        over.set()
        thread.join(10)


def test_a_model_is_fetched_listed_verified_and_removed(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    data = safetensors()
    with beside(Elsewhere({"/oak.safetensors": data})) as url:
        assert main(["models", "get", f"{url}/oak.safetensors"]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "goes online, to 127.0.0.1" in err
        assert "--yes" in err
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        assert main(["models", "get", f"{url}/oak.safetensors"]) == 0
        out, err = capsys.readouterr()
        assert out == f"{home / 'models' / 'vae' / 'oak.safetensors'}\n"
        assert sha256(data) in err
        assert main(["models", "get", f"{url}/oak.safetensors"]) == 0, "asked once"
        out, err = capsys.readouterr()
        assert "here already" in err
    assert main(["models", "list", "vae"]) == 0
    assert capsys.readouterr().out.split()[0] == "vae/oak.safetensors"
    assert main(["models", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {info["name"] for info in listed} == {"oak.safetensors", *BUNDLED}
    assert main(["models", "verify", "oak"]) == 0
    assert capsys.readouterr().out.startswith("ok ")
    place = home / "models/vae/oak.safetensors"
    place.write_bytes(data[:-1] + b"\xff")
    assert main(["models", "verify", "oak"]) == (0 if data[-1] == 0xFF else 1)
    assert "damaged" in capsys.readouterr().out
    assert main(["models", "rm", "oak"]) == 1
    assert place.exists()
    assert main(["models", "rm", "oak", "--yes"]) == 0
    assert not place.exists()


def test_exit_codes(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["models", "get", "nonsense", "--yes"]) == 2
    assert main(["models", "get", "hf:o/r/x.safetensors", "--yes", "--folder", "vea"]) == 2
    assert "Did you mean 'vae'" in capsys.readouterr().err
    assert main(["models", "rm", "sprout", "--yes"]) == 1, "the bundled one stays"
    assert main(["models", "find", "sprot"]) == 1
    assert "Did you mean 'sprout" in capsys.readouterr().err
    assert main(["models", "list", "lora"]) == 2
    with beside(Elsewhere()) as url:
        assert main(["models", "get", f"{url}/none.safetensors", "--yes"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "has no" in err


@pytest.mark.parametrize("way", ["flag", "environment", "file"])
def test_offline_no_socket_is_opened(
    home: Path, way: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    words = ["models", "get", "https://a.org/x.safetensors", "--yes"]
    match way:
        case "flag":
            words.append("--offline")
        case "environment":
            monkeypatch.setenv("NOISEWRIGHT_OFFLINE", "1")
        case _:
            home.mkdir()
            (home / "settings.toml").write_text("offline = true\n")
    monkeypatch.setattr("socket.socket", refused)
    assert main(words) == 2
    assert "stay offline" in capsys.readouterr().err


def test_starting_points_are_told(capsys: pytest.CaptureFixture[str]):
    assert main(["models", "starting-points", "--memory", "4"]) == 0
    assert "models get hf:" in capsys.readouterr().out
    assert main(["models", "starting-points", "--json"]) == 0
    assert {point["runs"] for point in json.loads(capsys.readouterr().out)} == {True, False}


def test_the_command_starts_without_what_is_slow():
    code = "import noisewright.commands, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"aiohttp", "torch", "rich", "server.models.download"} & set(done.stdout.split())
