"""`check FILE`: all problems of a workflow, without running it."""

import argparse
import sys
from typing import Any

from noisewright.commands.opening import add_file, engine_of, open_workflow
from noisewright.home import Home


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("check", help="say what is wrong with a workflow, without running it")
    add_file(command)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Say that it is ready, or raise with all problems."""
    open_workflow(arguments, engine_of(arguments, home))
    print(f"{arguments.file}: ready to run.", file=sys.stderr)
    return 0
