"""`python -m noisewright`, the console script and `main.py`: one entry."""

from noisewright.commands import enter

if __name__ == "__main__":
    enter()
