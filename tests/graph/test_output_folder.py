import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from graph.atomic import atomic_write, reservation_of
from graph.errors import GraphError
from graph.output_folder import STALE_SECONDS, OutputFolder

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path):
    return OutputFolder(tmp_path / "out", clock=lambda: datetime(2031, 2, 3, 4, 5, 6))


def names(paths):
    return [path.name for path in paths]


def test_counts_on_from_the_largest_number_of_the_prefix(folder):
    assert names(folder.paths("cat", 2, ".png")) == ["cat_00001_.png", "cat_00002_.png"]
    atomic_write(folder.path / "cat_00041_.webp", b"")
    atomic_write(folder.path / "cat_big_00099_.png", b"")
    atomic_write(folder.path / "cat_.png", b"")
    assert names(folder.paths("cat", 1, ".png")) == ["cat_00042_.png"]
    assert names(folder.paths("cat_big", 1, ".png")) == ["cat_big_00100_.png"]


def test_a_prefix_may_hold_sub_folders(folder):
    assert folder.paths("a/b\\c", 1, ".png") == (folder.path / "a" / "b" / "c_00001_.png",)
    assert folder.paths("a/", 1, ".png") == (folder.path / "a" / "_00001_.png",)
    assert folder.paths("a/../x", 1, ".png") == (folder.path / "x_00001_.png",)


def test_a_prefix_may_tell_size_time_and_place_in_the_batch(folder):
    prefix = "%year%-%month%-%day%/%hour%%minute%%second%_%width%x%height%_%batch_num%"
    paths = folder.paths(prefix, 2, ".png", width=640, height=48)
    assert [path.relative_to(folder.path).as_posix() for path in paths] == [
        "2031-02-03/040506_640x48_0_00001_.png",
        "2031-02-03/040506_640x48_1_00002_.png",
    ]


@pytest.mark.parametrize(
    ("prefix", "stem"),
    [
        ("%date:yyyy-MM-dd%/x", "2031-02-03/x"),
        ("%date:yy-M-d h-m-s%", "31-2-3 4-5-6"),
        ("%date:hh:mm:ss%", "04_05_06"),
        ("%date:%_%date", "_%date"),
        ("%width%_%date:dd/MM%", "640_03_02"),
    ],
)
def test_a_prefix_may_tell_the_date_as_their_editor_does(folder, prefix, stem):
    [path] = folder.paths(prefix, 1, ".png", width=640, height=48)
    assert path.relative_to(folder.path).as_posix() == f"{stem}_00001_.png"


def test_previews_go_elsewhere(tmp_path):
    folder = OutputFolder(tmp_path / "out", tmp_path / "temp")
    assert folder.paths("p", 1, ".png", kind="temp")[0].parent == tmp_path / "temp"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("prefix", ["../x", "a/../../x", "/etc/x", "a/..", "..", ".", "a\0b"])
def test_never_leads_out_of_the_folder(folder, prefix):
    with pytest.raises(GraphError, match="leads out of the output folder"):
        folder.paths(prefix, 1, ".png")


WITHOUT_RIGHTS = """
import os, sys
from graph.errors import GraphError
from graph.output_folder import OutputFolder
if os.geteuid() == 0:
    os.setuid(65534)  # root may write anywhere, nobody may not
try:
    OutputFolder(sys.argv[1]).prepare()
except GraphError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="rights are other things there")
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    words = [sys.executable, "-c", WITHOUT_RIGHTS, str(tmp_path / "out")]
    said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(
        r"Nothing can be written to the folder '.*': Permission denied\. Choose another output folder.*\n", said
    )


def test_a_file_in_the_place_of_the_folder_is_one_sentence(tmp_path):
    (tmp_path / "out").write_text("")
    folder = OutputFolder(tmp_path / "out")
    for ask in (folder.prepare, lambda: folder.paths("x", 1, ".png")):
        with pytest.raises(
            GraphError, match="Nothing can be written to the folder '.*': .* Choose another output folder"
        ):
            ask()


def test_a_name_too_long_is_one_sentence(folder):
    with pytest.raises(GraphError, match="File name too long"):
        folder.paths("x" * 300, 1, ".png")


def test_prepare_makes_the_folder_and_leaves_nothing_in_it(folder):
    folder.prepare()
    assert os.listdir(folder.path) == []


def test_threads_never_get_the_same_name(folder):
    def save(_: int) -> list[Path]:
        paths = folder.paths("x", 3, ".txt")
        for path in paths:
            atomic_write(path, b"")
        return list(paths)

    with ThreadPoolExecutor(8) as pool:
        taken = [path for paths in pool.map(save, range(20)) for path in paths]
    assert len(set(taken)) == 60
    assert len(os.listdir(folder.path)) == 60


def test_processes_never_get_the_same_name(tmp_path):
    program = (
        "import sys; from pathlib import Path; from graph.output_folder import OutputFolder\n"
        "from graph.atomic import atomic_write\n"
        "for _ in range(20):\n"
        "    (path,) = OutputFolder(Path(sys.argv[1])).paths('x', 1, '.txt'); atomic_write(path, b'')\n"
        "    print(path)\n"
    )
    words = [sys.executable, "-c", program, str(tmp_path)]
    children = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    taken = [line for child in children for line in child.communicate()[0].split()]
    assert len(set(taken)) == len(taken) == 60


def test_what_was_not_written_in_a_lease_is_free_again(folder):
    with folder.lease() as lent:
        first, second = lent.paths("x", 2, ".txt")
        assert names(folder.paths("x", 1, ".txt")) == ["x_00003_.txt"]
        atomic_write(first, b"")
    assert first.exists()
    assert not reservation_of(second).exists()


def test_a_reservation_of_an_ended_process_does_not_count_for_ever(folder):
    (path,) = folder.paths("x", 1, ".txt")
    old = time.time() - STALE_SECONDS - 1
    os.utime(reservation_of(path), (old, old))
    assert folder.paths("x", 1, ".txt") == (path,)


def test_files_of_another_folder_do_not_stand_for_these(tmp_path):
    assert OutputFolder(tmp_path / "a").cache_key != OutputFolder(tmp_path / "b").cache_key
    assert OutputFolder(tmp_path / "a" / ".." / "b").cache_key == OutputFolder(tmp_path / "b").cache_key


def test_a_name_that_is_free_again_is_reclaimed(folder):
    (path,) = folder.paths("a/cat", 1, ".png")
    with folder.lease() as lent:
        assert lent.reclaim(folder.path / "a" / "cat_00007_.png") == folder.path / "a" / "cat_00007_.png"
        assert reservation_of(folder.path / "a" / "cat_00007_.png").exists()
        # taken by a reservation, then by a file: the next free one of that prefix
        assert lent.reclaim(path) == folder.path / "a" / "cat_00008_.png"
        atomic_write(path, b"")
        assert lent.reclaim(path) == folder.path / "a" / "cat_00009_.png"
    assert [name for name in os.listdir(folder.path / "a") if name.endswith(".reserved")] == []


def test_a_name_without_a_counter_gets_one_where_it_is_taken(folder):
    atomic_write(folder.path / "sweep.csv", b"")
    assert folder.reclaim(folder.path / "sweep.csv") == folder.path / "sweep_00001_.csv"
    assert folder.reclaim(folder.path / "sweep.csv") == folder.path / "sweep_00002_.csv"
    assert folder.reclaim(folder.path / "new" / "%year%.csv") == folder.path / "new" / "%year%.csv"
    assert folder.reclaim(folder.temp / "preview_00003_.png") == folder.temp / "preview_00003_.png"


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.png", "a/../../x.png"])
def test_a_name_elsewhere_is_not_reclaimed(folder, name):
    with pytest.raises(GraphError, match="is not in the output folder"):
        folder.reclaim(folder.path / name)
