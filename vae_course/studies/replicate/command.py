"""Train a published table again, or tell how long that would take."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from vae_course import data
from vae_course.studies.replicate.iwae import BATCH, DRAWS, EPOCHS, IMAGES, PUBLISHED, Row, ScheduleError, stages, train
from vae_course.studies.replicate.table import Result, measure, seconds_per_step, table
from vae_course.support.state import pick_device
from vae_course.training import TrainingError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course replicate` to a parser."""
    parser.add_argument("paper", choices=["iwae"], help="the paper whose table is trained again")
    parser.add_argument("--full", action="store_true", help=f"train; all {EPOCHS:,} epochs unless cut short")
    shorter = parser.add_mutually_exclusive_group()
    shorter.add_argument("--epochs", type=int, help="only the first epochs of the schedule")
    shorter.add_argument("--steps", type=int, help="only the first steps, at most one epoch of them")
    keys = [row.key for row in PUBLISHED]
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, metavar="ROW", help=", ".join(keys))
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"draws of z that measure log p(x); {DRAWS:,}")
    parser.add_argument("--test-images", type=int, default=None, help="measure on the first test images only")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda", "mps"], help="where to train")
    parser.add_argument("--folder", type=Path, default=None, help="where checkpoints are kept; the cache when left out")
    parser.add_argument("--data", default="mnist", choices=["mnist", "pen"], help="for pen digits nothing is published")


def run(args: argparse.Namespace) -> int:
    """Run one table; 0 if all went well, 130 if it was interrupted.

    Raises:
        DataError: the images can't be had.
        ScheduleError: the schedule has no such beginning.
        TrainingError: the device is not there, or the training failed.
    """
    device = _device(args.device)
    splits = data.load(args.data)
    images, epochs = _training_images(splits, args.steps), args.epochs or (EPOCHS if args.steps is None else 1)
    rows = [row for row in PUBLISHED if row.key in args.only]
    stages(epochs)  # says at once if there are not so many
    _announce(rows, images, epochs, device)
    if not args.full:
        print("Nothing was trained: say --full, with --epochs N or --steps N for a beginning only.")
        return 0
    folder = (args.folder or data.cache_dir() / "replicate" / "iwae") / splits.name / device.type
    test = data.binarize(splits.test, seed=2)[: args.test_images]
    results: list[Result] = []
    for row in rows:
        print(f"{row.name}:")
        model, loss, finished = train(row, images, epochs=epochs, folder=folder, device=device.type)
        if not finished:
            print("Interrupted. The same command goes on after the last whole epoch.")
            return 130
        results.append(measure(row, model, test, draws=args.draws, device=device))
        print(f"  training loss of the last epoch {loss:.2f} nats, test -log p(x) {results[-1].nll:.2f} nats")
    print(f"\n{_share(images, epochs)}; log p(x) of {len(test):,} test images with {args.draws:,} draws.\n")
    print(table(results))
    return 0


def _device(name: str) -> torch.device:
    try:
        return pick_device(name)
    except ValueError as error:
        raise TrainingError(str(error)) from None


def _training_images(splits: data.Splits, steps: int | None) -> data.Images:
    """Training and validation images together, as in the paper; only those of the first steps where so many are asked."""
    both = data.Images(
        torch.cat([splits.train.x, splits.val.x]), torch.cat([splits.train.y, splits.val.y]), None, splits.name
    )
    if steps is None:
        return both
    most = -(-len(both) // BATCH)
    if not 1 <= steps <= most:
        raise ScheduleError(f"--steps is {steps}: one epoch has 1 to {most:,} steps, beyond it give --epochs.")
    return both[: steps * BATCH]


def _announce(rows: Sequence[Row], images: data.Images, epochs: int, device: torch.device) -> None:
    """What will be trained, where, and for how long."""
    steps = epochs * -(-len(images) // BATCH)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    print(
        f"Table 1 of the IWAE paper, one stochastic layer, on {name}: {steps:,} steps of {BATCH} images for each row."
    )
    total = 0.0
    for row in rows:
        hours = steps * seconds_per_step(row, images, device) / 3600
        total += hours
        print(f"  {row.name:14} about {_duration(hours)}")
    print(f"  in all         about {_duration(total)}, and the time to measure log p(x)")


def _share(images: data.Images, epochs: int) -> str:
    """How much of the paper's training this was."""
    share = epochs * len(images) / (EPOCHS * IMAGES)
    return f"{epochs:,} of {EPOCHS:,} epochs, {len(images):,} of {IMAGES:,} images: {share:.2g} of the paper's training"


def _duration(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.1f} hours"
    return f"{60 * hours:.1f} minutes" if hours >= 1 / 60 else f"{3600 * hours:.1f} seconds"
