"""Measure how far a lesson's numbers move when its trainings have other luck, and keep them beside the stated ones."""

import json
import tempfile
from pathlib import Path

import torch

from vae_course import spreads

from .execute import execute
from .luck import with_luck
from .plan import Plan


def measure(plan: Plan, world: str, luck: int) -> tuple[spreads.Values, list[str]]:
    """A lesson's claims with other luck, by name and world, and the cells that failed, one sentence each."""

    def where(index: int, line: int = 0) -> str:
        return plan.where(index - 1, line) if index else "the cell that changes the seeds"

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "claims.jsonl"
        notebook = with_luck(plan.full, luck, path)
        done = execute(notebook, folder=plan.lesson.path.parent, where=where, world=world, go_on=True)
        claimed = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    failed = [
        f"{where(index)} raised {output.ename}: {output.evalue[:200]}"
        for index, cell in enumerate(done.cells)
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    return {(name, of): value for name, of, value in claimed}, failed


def measure_all(plan: Plan, world: str, seeds: int) -> list[str]:
    """Measure a lesson with `seeds` - 1 other seeds, keep what came out, and return the cells that failed."""
    runs = [measure(plan, world, luck) for luck in range(1, seeds)]
    spreads.keep(plan.lesson.name[:2], world, [values for values, _ in runs], torch=torch.__version__)
    return [f"seed {luck}: {line}" for luck, (_, failed) in enumerate(runs, start=1) for line in failed]
