"""A server started as a process, as people start it."""

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

LEAVING = 30.0
"""Seconds after which a server that was told to end is taken for stuck."""


@dataclass(frozen=True)
class Started:
    """A server that answers. address: what it printed. errors: the file its stderr goes to."""

    process: subprocess.Popen[str]
    address: str
    errors: Path

    @property
    def port(self) -> int:
        return int(self.address.split("://")[1].partition("/")[0].rpartition(":")[2])

    @property
    def said(self) -> str:
        """Its stderr until now."""
        return self.errors.read_text(encoding="utf-8")

    def ask(
        self, path: str, body: Any = None, *, tls: ssl.SSLContext | None = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of an answer; a body is sent as JSON, with POST."""
        return ask(self.address + path, body, tls=tls, **headers)

    def end(self, how: int = signal.SIGTERM) -> tuple[int, str]:
        """Tell it to end; its exit code, and what else it printed on stdout."""
        self.process.send_signal(how)
        assert self.process.stdout is not None
        return self.process.wait(LEAVING), self.process.stdout.read()

    def kill(self) -> None:
        """As `kill -9` does."""
        self.process.kill()
        self.process.wait(LEAVING)


def ask(
    address: str, body: Any = None, *, tls: ssl.SSLContext | None = None, **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of an answer; a body is sent as JSON, with POST."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, headers)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=60, context=tls) as response:
            status, told, content = response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            status, told, content = error.code, error.headers, error.read()
    is_json = told.get_content_type() == "application/json"
    return status, {name.lower(): value for name, value in told.items()}, json.loads(content) if is_json else content


def command(home: Path, *options: str, python: Sequence[str] = ()) -> list[str]:
    """What starts a server on a home."""
    return [sys.executable, *python, str(ROOT / "main.py"), "serve", "--data", str(home), *options]


def environment(**more: str) -> dict[str, str]:
    """This process's, without settings of a server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NOISEWRIGHT_")} | more


@contextmanager
def started(
    home: Path, *options: str, python: Sequence[str] = (), variables: dict[str, str] | None = None
) -> Iterator[Started]:
    """A server on a free port, which is ended afterwards, whatever happened."""
    home.mkdir(parents=True, exist_ok=True)
    errors = home.parent / f"{home.name}.stderr"
    with errors.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            command(home, "--port", "0", *options, python=python),
            stdout=subprocess.PIPE,
            stderr=stderr,
            stdin=subprocess.DEVNULL,
            env=environment(**(variables or {})),
            cwd=home,
            text=True,
        )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, errors.read_text(encoding="utf-8")
        yield Started(process, address, errors)
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(LEAVING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
