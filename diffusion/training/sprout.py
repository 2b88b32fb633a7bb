"""The recipe of *sprout*, the bundled text-to-picture model.

    python -m diffusion.training.sprout --data DATA all

DATA is an unpacked `emoji-datasource-google`. Each stage goes on where its state in `--state` ends.
"""

import argparse
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from diffusion.training import parallel, stages
from diffusion.training.glyphs import read_glyphs

__all__ = ["STEPS", "main"]

STEPS = MappingProxyType({"autoencoder": 3600, "latents": 0, "decoder": 2000, "text": 2400, "unet": 5000, "export": 0})
"""Stages in their order, with the steps that each trains."""

SHARED = frozenset({"autoencoder", "decoder", "text", "unet"})
"""Stages whose batches several processes share."""


def main(arguments: Sequence[str]) -> int:
    """Run one stage or all of them; returns the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.state.mkdir(parents=True, exist_ok=True)
    for stage in STEPS if options.stage == "all" else (options.stage,):
        count = options.processes if stage in SHARED else 1
        with _companions(stage, count, options):
            run = stages.Run(options.state, options.steps or STEPS[stage], options.rank, count)
            _perform(stage, run, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m diffusion.training.sprout", description="Train the bundled model.")
    parser.add_argument("stage", choices=["all", *STEPS])
    parser.add_argument("--data", type=Path, default=Path(".train/package"), help="unpacked emoji-datasource-google")
    parser.add_argument("--state", type=Path, default=Path(".train/state"), help="folder of what is resumed")
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("models/checkpoints/sprout.safetensors"), help="what export writes"
    )
    parser.add_argument("--steps", type=int, default=None, help="steps of the stage, where not the recipe's")
    parser.add_argument("--processes", type=int, default=2, help="single-threaded processes that share a batch")
    parser.add_argument("--rank", type=int, default=0, help=argparse.SUPPRESS)
    return parser


def _perform(stage: str, run: stages.Run, options: argparse.Namespace) -> None:
    match stage:
        case "autoencoder":
            stages.autoencoder_stage(run, read_glyphs(options.data))
        case "latents":
            stages.latents_stage(run, read_glyphs(options.data))
        case "decoder":
            stages.decoder_stage(run, read_glyphs(options.data))
        case "text":
            stages.text_stage(run)
        case "unet":
            stages.unet_stage(run, read_glyphs(options.data))
        case _:
            stages.export_stage(run, options.checkpoint)


@contextmanager
def _companions(stage: str, count: int, options: argparse.Namespace) -> Iterator[None]:
    """Within it, this process works with the stage's others; the first one starts them with its own options."""
    meeting = options.state / f"{stage}.meeting"
    others = []
    if options.rank == 0 and count > 1:
        meeting.unlink(missing_ok=True)
        for rank in range(1, count):
            command = [
                sys.executable,
                "-m",
                "diffusion.training.sprout",
                stage,
                "--rank",
                str(rank),
                "--processes",
                str(count),
            ]
            command += ["--data", str(options.data), "--state", str(options.state)]
            command += ["--steps", str(options.steps or STEPS[stage])]
            others.append(subprocess.Popen(command, start_new_session=True))
    with parallel.joined(options.rank, count, meeting):
        yield
    for other in others:
        other.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
