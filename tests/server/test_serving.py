"""`serve` as a process: what it prints, what it loads, how it is set, how it ends."""

import asyncio
import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError

import aiohttp
import pytest

import nodes
from tests.server.started import ROOT, ask, command, environment, started

HEAVY = {"torch", "numpy", "PIL", "diffusers", "transformers", "safetensors", "scipy", "networkx"}
"""What the process that listens must not wait for."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are ended by signals")


def refused(home: Path, *options: str, **variables: str) -> tuple[int, str]:
    """The exit code and the sentence of a server that does not start."""
    words = command(home, *options)
    done = subprocess.run(
        words, env=environment(**variables), cwd=home, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.strip().splitlines()[-1]


# What it prints and loads


def test_the_address_and_nothing_else_goes_to_stdout(tmp_path: Path):
    with started(tmp_path / "home", "--workers", "0") as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.address)
        assert server.ask("/v1/me")[0] == 200
        assert server.end() == (0, "")
        assert server.said.startswith("Noisewright ")
        assert str(tmp_path / "home") in server.said


def test_it_listens_without_torch_and_without_nodes(tmp_path: Path):
    with started(tmp_path / "home", "--workers", "0", python=["-X", "importtime"]) as server:
        for path in ("me", "system", "workflows", "runs", "queue", "files/output", "models", "settings"):
            assert server.ask(f"/v1/{path}")[0] == 200, path
        assert server.end()[0] == 0
    loaded = set(re.findall(r"^import time:.*\|\s*(\S+)$", server.said, re.MULTILINE))
    assert "server.serving" in loaded
    assert {name for name in loaded if name.partition(".")[0] in HEAVY} == set()
    assert not loaded & {*nodes.MODULES}
    assert {name for name in loaded if name.startswith("diffusion.families")} == set()


# How it ends


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_its_clients_are_told(tmp_path: Path, how: signal.Signals):
    async def listen(address: str, end) -> tuple[list[str], int | None]:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}/v1/events") as events:
            told = [(await events.receive_json())["event"]]
            end()
            async for message in events:
                told.append(json.loads(message.data)["event"])
            return told, events.close_code

    with started(tmp_path / "home", "--workers", "0") as server:
        told, code = asyncio.run(listen(server.address, lambda: server.process.send_signal(how)))
        assert (told[0], told[-1], code) == ("hello", "server_ending", 1001)
        assert server.process.wait(30) == 0
        assert "Traceback" not in server.said


def test_after_kill_9_it_starts_again_with_all_it_had(tmp_path: Path):
    with started(tmp_path / "home", "--workers", "0") as server:
        assert server.ask("/v1/tokens", {"name": "shop", "scopes": ["run"]})[0] == 201
        server.kill()
    with started(tmp_path / "home", "--workers", "0") as server:
        assert [token["name"] for token in server.ask("/v1/tokens")[2]] == ["shop"]


# One of it


def test_a_second_server_on_the_same_home_is_refused(tmp_path: Path):
    with started(tmp_path / "home", "--workers", "0") as server:
        code, said = refused(tmp_path / "home", "--port", "0")
        assert code == 2
        assert f"process {server.process.pid} at {server.address}" in said
        assert server.ask("/v1/me")[0] == 200
    with started(tmp_path / "home", "--workers", "0"):
        pass


def test_a_port_that_is_taken_is_named(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(tmp_path, "--workers", "0", "--port", str(port))
    assert code == 2
    assert f"Nothing can listen on 127.0.0.1, port {port}" in said
    assert "--port" in said


# How it is set


def test_flags_go_before_the_environment_and_that_before_the_file(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "settings.toml").write_text("keep_runs = 1\nmax_waiting = 1\nport = 1\n")
    variables = {
        "NOISEWRIGHT_MAX_WAITING": "2",
        "NOISEWRIGHT_PORT": "2",
        "NOISEWRIGHT_ALLOWED_HOSTS": "a.net, b.net",
    }
    with started(home, "--workers", "0", "--max-upload", "3000", variables=variables) as server:
        found = {item["name"]: (item["value"], item["origin"]) for item in server.ask("/v1/settings")[2]}
    assert found["keep_runs"] == (1, f"'{home / 'settings.toml'}': keep_runs")
    assert found["max_waiting"] == (2, "the environment variable NOISEWRIGHT_MAX_WAITING")
    assert found["allowed_hosts"][0] == ["a.net", "b.net"]
    assert found["port"] == (0, "--port")
    assert found["max_upload"] == (3000, "--max-upload")
    assert found["keep_days"] == (365.0, "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--frobnicate"], "unrecognized arguments: --frobnicate"),
        (["--devics", "cpu"], "Did you mean '--devices'?"),
        (["--port", "99999"], "--port: "),
        (["--base-path", "art"], "--base-path: "),
        (["--tls-certificate", "x.pem"], "TLS needs both"),
        (["--tls-certificate", "x.pem", "--tls-key", "y.pem"], "'x.pem'"),
        (["--trusted-proxies", "zzz"], "--trusted-proxies: 'zzz'"),
        (["--host", "256.1.1.1"], "256.1.1.1"),
        (["--models", "nowhere"], "--models: There is no folder 'nowhere'"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_ends_it_with_a_sentence(tmp_path: Path, options: list[str], said: str):
    code, sentence = refused(tmp_path, "--workers", "0", *options)
    assert code == 2
    assert said in sentence


def test_a_file_of_model_paths_that_cannot_be_read_ends_it_with_a_sentence(tmp_path: Path):
    (tmp_path / "paths.yaml").write_text("a: [")
    code, sentence = refused(tmp_path, "--workers", "0", "--models", str(tmp_path / "paths.yaml"))
    assert code == 2
    assert f"'{tmp_path / 'paths.yaml'}' cannot be read as model paths" in sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = 'x", "cannot be read"),
        ("prot = 1", "sets 'prot', which is no setting. Did you mean 'port'?"),
        ("keep_days = 'many'", "keep_days"),
    ],
    ids=["broken", "misspelt", "wrong"],
)
def test_a_wrong_settings_file_is_named(tmp_path: Path, text: str, said: str):
    (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
    code, sentence = refused(tmp_path, "--workers", "0")
    assert code == 2
    assert str(tmp_path / "settings.toml") in sentence
    assert said in sentence


def test_a_base_path_stands_before_everything(tmp_path: Path):
    with started(tmp_path / "home", "--workers", "0", "--base-path", "/art") as server:
        assert server.address.endswith("/art")
        assert server.ask("/v1/me")[0] == 200
        assert ask(f"{server.address.removesuffix('/art')}/v1/me")[0] == 404
        assert server.ask("/v1/openapi.json")[2]["servers"] == [{"url": "/art"}]


# Who may ask


def test_on_other_addresses_a_token_is_made_and_shown_once(tmp_path: Path):
    home = tmp_path / "home"
    with started(home, "--workers", "0", "--host", "0.0.0.0") as server:
        local = f"http://127.0.0.1:{server.port}/v1/me"
        assert ask(local)[0] == 401  # by the time it answers it has said what it has to say
        token = re.search(r"shown this once: (\S+)", server.said)
        assert token is not None
        assert ask(local, Authorization="Bearer wrong-wrong-wrong")[0] == 401
        assert ask(local, Authorization=f"Bearer {token[1]}")[0] == 200
    with started(home, "--workers", "0", "--host", "0.0.0.0") as server:
        assert ask(f"http://127.0.0.1:{server.port}/v1/me", Authorization=f"Bearer {token[1]}")[0] == 200
        assert token[1] not in server.said
    for file in home.rglob("*"):
        assert not file.is_file() or token[1].encode() not in file.read_bytes(), file


def test_with_a_certificate_it_speaks_tls(tmp_path: Path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("There is no openssl to make a certificate with.")
    certificate, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *words.split(), *names], check=True, capture_output=True)
    options = ["--tls-certificate", str(certificate), "--tls-key", str(key)]
    with started(tmp_path / "home", "--workers", "0", *options) as server:
        assert server.address.startswith("https://127.0.0.1:")
        status, headers, _ = server.ask("/v1/me", tls=ssl.create_default_context(cafile=str(certificate)))
        assert status == 200
        assert "strict-transport-security" in headers
        with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
            server.ask("/v1/me", tls=ssl.create_default_context())
        with pytest.raises((URLError, ConnectionError)):
            ask(server.address.replace("https:", "http:") + "/v1/me")


def test_a_device_that_is_not_there_is_told_on_the_terminal(tmp_path: Path):
    with started(tmp_path / "home", "--devices", "banana") as server:
        deadline = time.monotonic() + 120
        while server.ask("/v1/health")[0] != 503:
            assert time.monotonic() < deadline, server.said
            time.sleep(0.1)
        (worker,) = server.ask("/v1/system")[2]["workers"]
        assert worker["state"] == "aside"
        assert "There is no device 'banana'" in worker["problem"]
        assert "There is no device 'banana'" in server.said
        assert server.end()[0] == 0


def test_it_starts_from_anywhere(tmp_path: Path):
    assert ROOT not in tmp_path.parents  # what `started` uses as the working folder
    with started(tmp_path / "home", "--workers", "0") as server:
        names = [workflow["name"] for workflow in server.ask("/v1/workflows")[2]]
    assert "templates/text-to-image" in names


def test_the_browser_application_is_served_and_what_it_costs_is_said(tmp_path: Path):
    static = tmp_path / "site" / "comfyui_frontend_package" / "static"
    static.mkdir(parents=True)
    (static.parent / "__init__.py").write_text("raise SystemExit('nobody imports this')")
    (static / "index.html").write_text("<title>their application</title>")
    options = ("--workers", "0", "--frontend", "comfyui")
    with started(tmp_path / "home", *options, variables={"PYTHONPATH": str(tmp_path / "site")}) as server:
        status, headers, _ = server.ask("/")
        assert (status, headers["content-type"]) == (200, "text/html")
        assert "'unsafe-eval'" in headers["content-security-policy"]
        assert "looser content policy" in server.said
        assert "'unsafe-eval'" not in server.ask("/v1/queue")[1]["content-security-policy"]
