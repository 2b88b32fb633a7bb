"""The command line: one module a subcommand. Each has `add(subparsers)`, which declares it, and `execute(arguments)`.

stdout carries results alone; everything else goes to stderr. Exit codes: 0 done, 1 a run failed, 2 bad usage or an
invalid workflow, 130 interrupted.
"""

import argparse
import logging
import os
import re
import sys
import threading
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

from graph.errors import GraphError, InvalidWorkflow
from graph.text import nearest
from noisewright import __version__
from noisewright.commands import (
    adopt,
    cache,
    check,
    convert,
    data,
    doctor,
    models,
    nodes,
    packs,
    plan,
    run,
    serve,
    sweep,
    worker,
)
from noisewright.home import NAME, find_home

log = logging.getLogger(__name__)

DONE, FAILED, INVALID, INTERRUPTED = 0, 1, 2, 130

LEAVING_SECONDS = 0.5
"""How long a process that is done waits for the threads of its lanes."""


def enter() -> None:
    """Run the command line as a process of its own, and end that.

    A node that was given up may still be at work on its thread; the interpreter, taken down around it, would abort.
    So the process then ends at once: everything is written and closed by now.
    """
    code = main()
    lanes = [thread for thread in threading.enumerate() if thread.daemon and thread.name.startswith("lane ")]
    for thread in lanes:
        thread.join(LEAVING_SECONDS)
    if any(thread.is_alive() for thread in lanes):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = parsed(words)
    home = find_home(arguments.data)
    try:
        if home.data.exists() and not home.data.is_dir():
            raise GraphError(f"The home '{home.data}' is a file. Name a folder with --data.")
        home.prepare()
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
        reason = f"{error.strerror}: '{error.filename}'" if error.strerror and error.filename else str(error)
        print(f"Error: {reason}.", file=sys.stderr)
        return FAILED


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """The arguments. What no command has is refused with the option that was probably meant."""
    arguments, unknown = _parser().parse_known_args(words)
    if unknown:
        command: argparse.ArgumentParser = arguments.parser
        options = re.findall(r"--[a-z-]+", command.format_help())
        close = next((found for word in unknown if word[0] == "-" and (found := nearest(word, options))), None)
        hint = f". Did you mean '{close}'?" if close else ""
        command.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description="A node-based workflow engine for latent diffusion.")
    parser.add_argument("--version", action="version", version=f"{NAME} {__version__}")
    parser.add_argument("--data", type=Path, default=None, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (run, check, plan, convert, sweep, nodes, models, packs, adopt, cache, data, doctor, serve, worker):
        command = module.add(commands)
        command.set_defaults(execute=module.execute, parser=command)
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
