"""`data backup PATH`: everything a person made, in one file."""

import argparse
import sys
from pathlib import Path
from typing import Any

from noisewright.commands.serve import places_of
from noisewright.home import Home
from server.settings import read_settings


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("data", help="back up what is in the home folder")
    what = command.add_subparsers(dest="what", required=True, metavar="backup")
    backup = what.add_parser(
        "backup",
        help="write queue, history, workflows and settings into one zip file; prints its name",
        description="Write queue, history, published workflows, saved workflows and settings into one zip file, also "
        "while a server runs. To restore: end the server, unpack the file into an empty folder, and start with --data "
        "and that folder. It tells prompts: keep it where others do not read it.",
    )
    backup.add_argument("path", type=Path, metavar="PATH", help="the file to write; it must not be there")
    backup.add_argument("--with-files", action="store_true", help="also the input and output folders")
    backup.add_argument("--data", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Write the backup and print where it is. 1 where files were left out."""
    from server.backup import backup

    places = places_of(home, read_settings({}, home.data / "settings.toml"))
    made = backup(places, arguments.path.expanduser().absolute(), files=arguments.with_files)
    print(made.path)
    print(f"{made.files} files, {made.bytes:,} bytes.", file=sys.stderr)
    for path in made.left_out:
        print(f"Left out, it cannot be read: {path}", file=sys.stderr)
    return 1 if made.left_out else 0
