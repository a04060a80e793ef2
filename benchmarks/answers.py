"""What a learner waits for after running a cell: the check of an answer, and the picture of a code under a slider."""

import statistics
import time

import torch

from benchmarks.table import Row, show
from vae_course.exercises import all_exercises, judge, run_answer
from vae_course.exercises.model import Exercise
from vae_course.models import VAE
from vae_course.widgets.pictures import render


def measure(quick: bool = False) -> list[Row]:
    exercises = [exercise for exercise in all_exercises() if exercise.kind == "code"]
    seconds = {e.id: min(check_seconds(e, seed) for seed in (1, 2)) for e in exercises[:: 10 if quick else 1]}
    slowest = max(seconds, key=lambda id: seconds[id])
    usual, decode, drawn = statistics.median(seconds.values()), VAE.mlp(20).decode_mean, []
    for _ in range(10 if quick else 50):
        start = time.process_time()
        render(decode, torch.zeros(20))
        drawn.append(1000 * (time.process_time() - start))
    return [
        Row(
            f"check of an exercise, the slowest ({slowest})",
            f"{seconds[slowest]:.2f} CPU s",
            f"the middle one {usual:.2f} CPU s",
            f"{seconds[slowest] / usual:.1f} times as long",
            "0.3 s",
            seconds[slowest] < 0.3,
        ),
        Row(
            "picture of a code",
            f"{statistics.median(drawn):.1f} CPU ms",
            f"the slowest {max(drawn):.1f} CPU ms",
            "",
            "5 ms",
            statistics.median(drawn) < 5,
        ),
    ]


def check_seconds(exercise: Exercise, seed: int) -> float:
    """CPU seconds of a check with inputs that are new: the middle of a right answer and of a misconception."""
    start = time.process_time()
    for answer in (exercise.reference, exercise.misconceptions[-1].answer):
        judge(exercise, run_answer(exercise, answer, exercise.cases(seed)), seed=seed)
    return (time.process_time() - start) / 2


if __name__ == "__main__":
    show(measure, __doc__)
