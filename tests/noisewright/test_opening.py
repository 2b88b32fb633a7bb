"""When `serve` opens the browser, and where."""

import sys

import pytest

from noisewright.commands.serve import is_at_desk, page_to_open
from server import pages
from server.settings import Settings

DESK = {"DISPLAY": ":0"}


@pytest.fixture
def at_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits there, and the editor is built."""
    for name in ("CI", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("noisewright.commands.serve.is_at_desk", lambda: True)
    monkeypatch.setattr(pages, "is_built", lambda: True)


@pytest.mark.parametrize(
    ("settings", "is_first", "page"),
    [
        ({}, True, "/start"),
        ({}, False, ""),
        ({"open": False}, True, ""),
        ({"open": True}, True, "/start"),
        ({"open": True}, False, "/"),
        ({"host": "0.0.0.0"}, True, ""),
        ({"frontend": "comfyui"}, True, ""),
        ({"frontend": "comfyui", "open": True}, True, "/"),
    ],
)
@pytest.mark.usefixtures("at_desk")
def test_the_page_to_open(settings: dict[str, object], is_first: bool, page: str) -> None:
    found = page_to_open(Settings.model_validate(settings), "http://127.0.0.1:8188/art", is_first=is_first)
    assert found == (f"http://127.0.0.1:8188/art{page}" if page else "")


@pytest.mark.usefixtures("at_desk")
def test_an_address_of_all_interfaces_is_opened_on_this_machine() -> None:
    for host, here in (("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")):
        settings = Settings.model_validate({"open": True})
        assert page_to_open(settings, f"http://{host}:80", is_first=False) == f"http://{here}:80/"


@pytest.mark.usefixtures("at_desk")
def test_without_an_editor_nothing_is_opened_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "is_built", lambda: False)
    assert page_to_open(Settings(), "http://127.0.0.1:8188", is_first=True) == ""


@pytest.mark.parametrize(
    ("environment", "is_terminal", "expected"),
    [
        (DESK, True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True, True),
        ({}, True, False),
        (DESK, False, False),
        (DESK | {"CI": "true"}, True, False),
        (DESK | {"SSH_CONNECTION": "10.0.0.1"}, True, False),
    ],
)
def test_who_sits_at_a_desk(
    environment: dict[str, str], is_terminal: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: is_terminal)
    assert is_at_desk(environment) is expected
