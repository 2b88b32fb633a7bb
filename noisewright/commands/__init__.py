"""The command line: one module a subcommand. Each has `add(subparsers)`, which declares it, and `execute(arguments)`.

stdout carries results alone; everything else goes to stderr. Exit codes: 0 done, 1 a run failed, 2 bad usage or an
invalid workflow, 130 interrupted.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

from graph.errors import GraphError, InvalidWorkflow
from noisewright import __version__
from noisewright.commands import cache, check, convert, doctor, nodes, packs, plan, run, sweep
from noisewright.home import NAME, find_home

log = logging.getLogger(__name__)

DONE, FAILED, INVALID, INTERRUPTED = 0, 1, 2, 130


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = _parser().parse_args(words)
    home = find_home(arguments.data)
    home.prepare()
    try:
        _log_to(home.logs)
        return arguments.execute(arguments, home)
    except InvalidWorkflow as error:
        for problem in error.problems:
            print(problem.sentence(), file=sys.stderr)
        return INVALID
    except GraphError as error:
        print(f"Error: {error}", file=sys.stderr)
        return INVALID
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`… | head`): stop quietly, and keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        log.exception("The command failed")
        print(f"Error: {error}.", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description="A node-based workflow engine for latent diffusion.")
    parser.add_argument("--version", action="version", version=f"{NAME} {__version__}")
    parser.add_argument("--data", type=Path, default=None, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (run, check, plan, convert, sweep, nodes, packs, cache, doctor):
        command = module.add(commands)
        command.set_defaults(execute=module.execute)
        command.add_argument("--data", type=Path, default=argparse.SUPPRESS, metavar="DIR",
                             help="the home folder, instead of the usual one")  # fmt: skip
    return parser


def _log_to(folder: Path) -> None:
    """Warnings and tracebacks go to a file; nothing of the library's logging reaches the terminal."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = RotatingFileHandler(
            folder / f"{NAME}.log", maxBytes=2_000_000, backupCount=3, encoding="utf-8", delay=True
        )
    except OSError:
        handler = logging.NullHandler()  # a read-only home must not keep anybody from working
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(True)
