"""Names of requests never lead out of their folder: hand-made attacks with real links, and arbitrary text."""

import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.api import Refusal
from server.confined import confined, opened, safe_name

ATTACKS = (
    "",
    "/",
    "/etc/passwd",
    "\\windows",
    "\\\\host\\share\\x.png",
    "//host/share/x.png",
    "C:/x.png",
    "C:x.png",
    "c:\\x.png",
    "..",
    "../x.png",
    "a/../../x.png",
    "a/../x.png",
    "..\\x.png",
    "a\\..\\..\\x.png",
    ".",
    "./x.png",
    "a/./x.png",
    "a//x.png",
    "a/",
    "x.png\0",
    "x\0.png",
    "x\n.png",
    "x\x7f.png",
    "x\x85.png",
    "a.png:x",
    "a.png::$DATA",
    "CON",
    "con.png",
    "a/NUL",
    "nul .txt",
    "COM1.txt",
    "lpt9",
    "LPT\N{SUPERSCRIPT TWO}.png",
    "CONIN$",
    "aux.tar.gz",
    "x.",
    "x ",
    "x. .",
    "a./x.png",
    "a /x.png",
    "...",
    "%2e%2e/x.png",
    "%2E%2E%2Fx.png",
    "a%5cx",
    "x%00.png",
    "%252e%252e/x",
    "a" * 256,
    "\N{LATIN SMALL LETTER A WITH DIAERESIS}" * 128,
    "a/" * 600 + "x",
    "x\ud800.png",
)

PLAIN = (
    "x.png",
    "a/b/x.png",
    "a\\x.png",
    ".index.json",
    "Bär 1 (2).png",
    "100%.png",
    "console.png",
    "com10.txt",
    "a..b",
)


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refusal) as caught:
        confined(tmp_path, name)
    assert (caught.value.status, caught.value.info.code) == (400, "bad_name")
    assert caught.value.info.message.isprintable()
    assert str(tmp_path) not in caught.value.info.message


@pytest.mark.parametrize("name", PLAIN)
def test_plain_names_are_paths_inside(tmp_path: Path, name: str) -> None:
    assert confined(tmp_path, name) == tmp_path.joinpath(*name.replace("\\", "/").split("/"))


@given(st.text() | st.lists(st.sampled_from(["..", ".", "a", "%2e", "\\", "/", "C:", "nul", " ", "\0"])).map("/".join))
def test_whatever_is_taken_lies_inside(name: str) -> None:
    root = Path("/some/root")
    with suppress(Refusal):
        path = confined(root, name)
        assert Path(os.path.normpath(path)).is_relative_to(root)
        assert path != root


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_a_safe_name_is_always_taken(text: str) -> None:
    name = safe_name(text)
    assert confined(Path("/some/root"), name).name == name
    assert len(name.encode()) <= 200
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("photo.png", "photo.png"),
        ("12:30?.png", "12_30_.png"),
        ("../../x.png", "_.._x.png"),
        ("con.png", "_con.png"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".png", "x" * 196 + ".png"),
        ("e\N{COMBINING ACUTE ACCENT}.png", "\N{LATIN SMALL LETTER E WITH ACUTE}.png"),
        ("exe\N{RIGHT-TO-LEFT OVERRIDE}gnp.jpg", "exegnp.jpg"),
    ],
)
def test_new_names_stay_near_to_what_was_asked(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_links_that_lead_out_are_refused(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "secret.png").write_bytes(b"secret")
    (root / "file.png").symlink_to(outside / "secret.png")
    (root / "folder").symlink_to(outside, target_is_directory=True)
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (root / "gone.png").symlink_to(outside / "not-yet.png")
    for name in ("file.png", "folder/secret.png", "folder", "up/outside/secret.png", "gone.png", "folder/new/x.png"):
        with pytest.raises(Refusal, match="leads out of its folder by a link"):
            confined(root, name)
        assert confined(root, name, links=True) == root / name
    with pytest.raises(Refusal):
        opened(root, "loop")


def test_links_inside_are_followed_and_the_root_may_be_one(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "a").mkdir(parents=True)
    (real / "a" / "x.png").write_bytes(b"x")
    (real / "y.png").symlink_to("a/x.png")
    root = tmp_path / "root"
    root.symlink_to(real, target_is_directory=True)
    with opened(root, "y.png") as file:
        assert file.read() == b"x"


def test_a_sibling_whose_name_begins_alike_is_outside(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "x").touch()
    (tmp_path / "root" / "x").symlink_to(tmp_path / "root2" / "x")
    with pytest.raises(Refusal):
        confined(tmp_path / "root", "x")


def test_only_plain_files_are_opened(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe", "missing"):
        with pytest.raises(Refusal) as caught:
            opened(tmp_path, name)
        assert caught.value.status == 404


def test_an_exchanged_file_is_never_read(tmp_path: Path) -> None:
    """While another thread exchanges a file for a link that leads out, what is read is never what lies outside."""
    root, secret = tmp_path / "root", tmp_path / "secret"
    root.mkdir()
    secret.write_bytes(b"secret")
    done = threading.Event()

    def exchange() -> None:
        while not done.is_set():
            for make in (lambda path: path.write_bytes(b"plain"), lambda path: path.symlink_to(secret)):
                make(root / "new")
                os.replace(root / "new", root / "x")

    thread = threading.Thread(target=exchange)
    thread.start()
    try:
        for _ in range(500):
            with suppress(Refusal), opened(root, "x") as file:
                assert file.read() == b"plain"
    finally:
        done.set()
        thread.join()
