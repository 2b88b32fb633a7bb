"""`check FILE`: all problems of a workflow, without running it."""

import argparse
import sys
from typing import Any

from graph.check import check
from noisewright.commands.opening import add_file, builtin_catalogue, folders_of, open_workflow, tell
from noisewright.home import Home


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("check", help="say what is wrong with a workflow, without running it")
    add_file(command)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Print every problem; 2 if the workflow cannot run."""
    catalogue = builtin_catalogue()
    workflow = open_workflow(arguments, catalogue)
    problems = check(workflow, catalogue, folders_of(home, arguments, arguments.file))
    tell(problems)
    if any(problem.severity == "error" for problem in problems):
        return 2
    print(f"{arguments.file}: ready to run.", file=sys.stderr)
    return 0
