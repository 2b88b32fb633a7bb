"""How long commands take as whole processes, each beside the bare cost of what it stands on.

    python -m benchmarks.startup

Targets on two CPU cores: `check` and `nodes` ≤ 0.6 s without torch; `run` of the first template ≤ 10 s; the same again
in a fresh process ≤ 1 s without torch.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEMPLATE = "workflows/text-to-image.json"
RUNS = 5
COMMANDS = {
    "import pydantic (peer)": ["-c", "import pydantic"],
    "main.py check": ["main.py", "check", TEMPLATE],
    "main.py nodes": ["main.py", "nodes"],
    "import torch (peer)": ["-c", "import torch"],
    "import diffusers U-Net (peer)": ["-c", "from diffusers import UNet2DConditionModel"],
    "main.py run": ["main.py", "run", TEMPLATE, "--no-cache"],
    "main.py run, again": ["main.py", "run", TEMPLATE],
}


def seconds(words: list[str]) -> float:
    """Wall time of one Python process."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - begin


def loads_torch(words: list[str]) -> bool:
    """Whether a command imports torch."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return "| torch\n" in done.stderr.replace(" ", "").replace("|torch", "| torch")


def main() -> None:
    """Print the median of five, and whether torch was loaded."""
    folder = tempfile.TemporaryDirectory()
    os.environ["NOISEWRIGHT_DATA"] = folder.name
    for name, words in COMMANDS.items():
        seconds(words)  # warm the disk and the bytecode
        times = [seconds(words) for _ in range(RUNS)]
        torch = "torch loaded" if loads_torch(words) else "no torch"
        print(f"{name:32} {statistics.median(times):6.2f} s  ({min(times):.2f}–{max(times):.2f})  {torch}")
    folder.cleanup()


if __name__ == "__main__":
    main()
