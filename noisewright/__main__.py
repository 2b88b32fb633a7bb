"""`python -m noisewright`, the console script and `main.py`: one entry."""

import sys

from noisewright.commands import main

if __name__ == "__main__":
    sys.exit(main())
