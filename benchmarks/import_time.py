"""How much longer the course takes to import than PyTorch, which it stands on."""

from benchmarks.processes import fresh_python
from benchmarks.table import Row, in_turns, median_ratio, middle, show

MODULES = "data, distributions, exact, networks, models, objectives, training, evaluation"


def measure(quick: bool = False) -> list[Row]:
    jobs = {
        "package": fresh_python("import vae_course"),
        "modules": fresh_python(f"from vae_course import {MODULES}"),
        "torch": fresh_python("import torch"),
    }
    if not quick:
        in_turns(jobs, rounds=1)  # the first start reads everything from disk
    seconds = in_turns(jobs, rounds=1 if quick else 7)
    ratio = median_ratio(seconds["modules"], seconds["torch"])
    small = median_ratio(seconds["package"], seconds["torch"])
    beside = f"`import torch` {middle(seconds['torch'])}"
    return [
        Row("`import vae_course`", middle(seconds["package"]), beside, f"{small:.2f} times", "1", small <= 1),
        Row(
            "importing data to evaluation",
            middle(seconds["modules"]),
            beside,
            f"{ratio:.2f} times",
            "1.5",
            ratio <= 1.5,
        ),
    ]


if __name__ == "__main__":
    show(measure, __doc__)
