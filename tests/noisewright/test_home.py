"""Where things lie: what is named wins over the environment, which wins over the checkout."""

from pathlib import Path

import pytest

from noisewright.home import find_home

ROOT = Path(__file__).parent.parent.parent


def test_a_checkout_keeps_its_data_beside_its_code(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOISEWRIGHT_DATA", raising=False)
    home = find_home()
    assert home.data == ROOT / "data"
    assert home.bundled == ROOT
    assert (home.templates / "text-to-image.json").is_file()


def test_the_environment_and_then_the_command_line_name_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "a"))
    assert find_home().data == tmp_path / "a"
    assert find_home(tmp_path / "b").data == tmp_path / "b"


def test_an_installed_package_has_its_bundle_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NOISEWRIGHT_DATA", raising=False)
    monkeypatch.setattr("noisewright.home.__file__", str(tmp_path / "site-packages" / "noisewright" / "home.py"))
    home = find_home()
    assert home.bundled == tmp_path / "site-packages" / "noisewright_data"
    assert tmp_path not in home.data.parents
