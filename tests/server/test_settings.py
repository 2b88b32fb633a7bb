import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graph.errors import GraphError
from server.settings import Settings, described, flag_of, read_settings, variable_of

ROOT = Path(__file__).parent.parent.parent
TOKEN = "planted-token-8261"


def toml(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_there_are_defaults(tmp_path: Path):
    settings = read_settings({}, tmp_path / "none.toml", {})
    assert settings == Settings.model_validate({})
    assert (settings.host, settings.port, settings.is_loopback, settings.scheme) == ("127.0.0.1", 8188, True, "http")


@pytest.mark.parametrize(
    ("flag", "variable", "line", "port", "origin"),
    [
        (1, "2", "port = 3", 1, "--port"),
        (None, "2", "port = 3", 2, "the environment variable NOISEWRIGHT_PORT"),
        (None, "", "port = 3", 3, "'{file}': port"),
        (None, "", "", 8188, ""),
        (0, "2", "port = 3", 0, "--port"),
    ],
)
def test_flags_go_before_environment_before_file_before_defaults(
    flag: int | None, variable: str, line: str, port: int, origin: str, tmp_path: Path
):
    file = toml(tmp_path, line)
    settings = read_settings({"port": flag}, file, {"NOISEWRIGHT_PORT": variable})
    assert settings.port == port
    assert settings.origin("port") == origin.format(file=file)


def test_every_setting_can_be_set_in_all_three_ways(tmp_path: Path):
    values: dict[str, Any] = {
        "host": "0.0.0.0", "port": 1, "base_path": "/art", "tls_certificate": "a.pem", "tls_key": "b.pem",
        "trusted_proxies": ["10.0.0.1"], "allowed_hosts": ["a", "b"], "allowed_origins": ["https://a.org"],
        "token": TOKEN, "no_token": True, "frontend": "comfyui", "workers": 2, "devices": ["cpu", "cuda:0"],
        "precision": "bf16", "compile": True, "guard": True, "time_limit": 1.5, "models": ["m", "n"], "output": "o",
        "metadata": "none", "previews": False, "offline": True, "max_upload": 1, "max_pixels": 2, "max_uploads": 3,
        "max_json": 4, "max_waiting": 5, "keep_days": 6.0, "keep_runs": 7,
    }  # fmt: skip
    missing = Settings.model_fields.keys() - values.keys()
    values |= {name: Settings.model_fields[name].default for name in missing}  # what came later is read back at least
    text = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in values.items()}
    lines = [
        f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
        for name, value in values.items()
        if name not in missing
    ]
    by_flags = read_settings(values, None, {})
    by_file = read_settings({}, toml(tmp_path, "\n".join(lines)), {})
    by_environment = read_settings({}, None, {variable_of(n): t for n, t in text.items() if n not in missing})
    assert by_flags.model_dump() == by_file.model_dump() == by_environment.model_dump()
    assert by_flags.devices == ("cpu", "cuda:0")


def test_lists_in_the_environment_are_separated_by_commas():
    settings = read_settings({}, None, {"NOISEWRIGHT_DEVICES": " cuda:0 , cuda:1 ,", "NOISEWRIGHT_MODELS": "/a, /b c"})
    assert settings.devices == ("cuda:0", "cuda:1")
    assert settings.models == (Path("/a"), Path("/b c"))


@pytest.mark.parametrize(
    ("flags", "environment", "line", "said"),
    [
        ({"port": 70000}, {}, "", r"^--port: .*65535.* \(got 70000\)\.$"),
        (
            {},
            {"NOISEWRIGHT_PORT": "ten"},
            "",
            r"^the environment variable NOISEWRIGHT_PORT: .*whole number.* \(got 'ten'\)",
        ),
        ({}, {}, "port = 'ten'", r"^'.*settings\.toml': port: .*whole number"),
        ({}, {}, "prot = 1", r"^'.*settings\.toml' sets 'prot', which is no setting\. Did you mean 'port'\?$"),
        ({}, {}, "zzzzzz = 1", r"which is no setting\. There are: host, port"),
        ({}, {}, "port =", r"^The settings '.*settings\.toml' cannot be read: "),
        ({}, {}, "models = 'one'", r"models: .*list"),
        ({"base_path": "art"}, {}, "", r"^--base-path: "),
        ({"base_path": "/art/"}, {}, "", r"^--base-path: "),
        ({"precision": "fp8"}, {}, "", r"^--precision: .*'fp16'"),
        ({"time_limit": 0}, {}, "", r"^--time-limit: .*more than 0"),
        ({"tls_key": "k.pem"}, {}, "", r"^TLS needs both .*--tls-certificate FILE --tls-key FILE\.$"),
        ({"tls_certificate": "c.pem"}, {}, "", r"^TLS needs both"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    flags: dict[str, Any], environment: dict[str, str], line: str, said: str, tmp_path: Path
):
    with pytest.raises(GraphError) as error:
        read_settings(flags, toml(tmp_path, line), environment)
    assert re.search(said, str(error.value)), str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_is_said(tmp_path: Path):
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GraphError, match="cannot be read"):
        read_settings({}, path, {})
    with pytest.raises(GraphError, match="cannot be read"):
        read_settings({}, tmp_path, {})  # a folder


def test_a_token_is_shown_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    settings = read_settings({}, toml(tmp_path, f"token = '{TOKEN}'"), {})
    assert settings.token is not None
    assert settings.token.get_secret_value() == TOKEN
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("server").warning("%s %r %s", settings, settings, settings.model_dump_json())
    shown = [str(settings), repr(settings), str(settings.model_dump()), settings.model_dump_json(), caplog.text]
    shown += [str(item) for item in described(settings)]
    assert all(TOKEN not in text for text in shown)


@pytest.mark.parametrize(
    "line", ["token = ['{}']", "[token]\nx = '{}'", "tokn = '{}'", "token = '{}", "port = 1\ntoken = {}"]
)
def test_a_token_is_in_no_error(line: str, tmp_path: Path):
    with pytest.raises(GraphError) as error:
        read_settings({}, toml(tmp_path, line.replace("{}", TOKEN)), {})
    assert TOKEN not in str(error.value)
    assert TOKEN not in repr(error.value.__cause__)


def test_they_cannot_be_changed():
    settings = read_settings({}, None, {})
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # pyright: ignore[reportAttributeAccessIssue] — what is tried


def test_reading_them_imports_nothing_large():
    code = "import sys, server.settings; print(sorted({'torch', 'aiohttp', 'nodes'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_of_the_document_is_that_of_the_settings():
    text = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(--[a-z-]+)` \| `(\w+)` \| (.*?) \| (.*?) \|$", text, re.MULTILINE)
    assert rows == [
        (flag_of(name), variable_of(name), standard_of(name), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def standard_of(name: str) -> str:
    """A default as the table shows it."""
    value = Settings.model_fields[name].default
    match value:
        case None | "" | ():
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(value)
        case _:
            return str(value)


def test_the_file_the_document_shows_is_one(tmp_path: Path):
    text = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        read_settings({}, toml(tmp_path, block), {})
