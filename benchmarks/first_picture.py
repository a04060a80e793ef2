"""From starting Python to the first decoded picture of lesson 00, in the explorer that shows it."""

from benchmarks.processes import fresh_python
from benchmarks.table import Row, in_turns, median_ratio, middle, show

FIRST_PICTURE = """
from vae_course.pretrained import load_pretrained
from vae_course.widgets import LatentExplorer
explorer = LatentExplorer(load_pretrained("mnist-2d"))
assert bytes(explorer.picture.value).startswith(b"\\x89PNG")
"""


def measure(quick: bool = False) -> list[Row]:
    jobs = {"picture": fresh_python(FIRST_PICTURE), "torch": fresh_python("import torch")}
    if not quick:
        in_turns(jobs, rounds=1)  # the first start reads everything from disk
    seconds = in_turns(jobs, rounds=1 if quick else 7)
    ratio = median_ratio(seconds["picture"], seconds["torch"])
    slowest = max(seconds["picture"])
    return [
        Row(
            "first picture of lesson 00, from starting Python",
            middle(seconds["picture"]),
            f"`import torch` alone {middle(seconds['torch'])}",
            f"{ratio:.1f} times as long",
            "10 s",
            slowest <= 10,
        )
    ]


if __name__ == "__main__":
    show(measure, __doc__)
