"""Noisewright's command line: `python main.py --help`."""

from noisewright.commands import enter

if __name__ == "__main__":
    enter()
