"""Noisewright's command line: `python main.py --help`."""

import sys

from noisewright.commands import main

if __name__ == "__main__":
    sys.exit(main())
