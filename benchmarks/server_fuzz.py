"""No time: every operation of the OpenAPI document, sent far more than the tests send.

    python -m benchmarks.server_fuzz [--examples N] [--minutes M] [--seed S] [--only TEXT]

Rounds of N examples of each operation and mode, each round with a seed of its own, until the minutes are over. Prints
every answer that is not as described, or a failure, and how often each status came. Ends with 1 where there was one.
"""

import argparse
import tempfile
import time
from pathlib import Path

from schemathesis.generation import GenerationMode

from tests.server.assembled import assembled
from tests.server.fuzzing import Fuzzer


def fuzz(arguments: argparse.Namespace, folder: Path) -> int:
    """Send, and print. How many operations and modes were answered otherwise than described."""
    wrong, began = 0, time.monotonic()
    with assembled(folder, workers=8, devices=("cpu",), offline=True) as server:
        fuzzer = Fuzzer(server, arguments.examples, arguments.seed)
        while True:
            for operation in fuzzer.operations():
                if arguments.only not in operation.label:
                    continue
                for mode in GenerationMode:
                    try:
                        fuzzer.play(operation, mode)
                    except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - it is what is looked for
                        wrong += 1
                        print(f"\n{operation.label} {mode.value}, seed {fuzzer.number}\n{error}", flush=True)
            fuzzer.number += 1
            seconds = time.monotonic() - began
            print(f"{fuzzer.tally.requests} requests, {wrong} wrong, {seconds:.0f} s", flush=True)
            if seconds > 60 * arguments.minutes:
                break
    for operation, answers in fuzzer.tally.answers.items():
        print(f"{operation}: {', '.join(f'{status} × {count}' for status, count in sorted(answers.items()))}")
    return wrong


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description="Fuzz every operation of the native interface.")
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=0.0, help="at least; one round is always made")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="operations whose method and path hold this text")
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(1 if fuzz(parser.parse_args(), Path(folder)) else 0)


if __name__ == "__main__":
    main()
