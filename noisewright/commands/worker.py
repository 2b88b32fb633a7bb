"""`worker`: what the server starts for each device. Not for people."""

import argparse
import logging
import sys
from typing import Any

from noisewright.home import Home
from noisewright.worker import taken_over, work


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command, without a line in the help."""
    return commands.add_parser("worker")


def execute(arguments: argparse.Namespace, home: Home) -> int:
    """Take orders from stdin until they end."""
    orders, said = taken_over()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)  # the server keeps it
    return work(home.data, orders, said)
