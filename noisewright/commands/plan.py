"""`plan FILE`: which nodes a run would compute, in which order, and why."""

import argparse
from typing import Any

from graph.cache import MemoryCache
from graph.check import check
from graph.plan import plan
from noisewright.commands.opening import add_file, builtin_catalogue, folders_of, open_workflow, tell
from noisewright.home import Home


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("plan", help="say what a run would compute, without running it")
    add_file(command)
    return command


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Print one line a node in the order of the run."""
    catalogue = builtin_catalogue()
    workflow = open_workflow(arguments, catalogue)
    files = folders_of(home, arguments, arguments.file)
    problems = check(workflow, catalogue, files)
    tell(problems)
    if any(problem.severity == "error" for problem in problems):
        return 2
    for step in plan(workflow, catalogue, cache=MemoryCache(0), files=files).steps:
        print(f"{step.action:8}  {step.node}  ({step.type})  {step.why}")
    return 0
