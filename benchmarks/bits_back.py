"""How many images a second bits back encodes and decodes, beside PNG files of the same images."""

import torch

from benchmarks.table import Row, in_turns, median_ratio, show
from vae_course import data
from vae_course.models import VAE
from vae_course.studies import compression

IMAGES = 2000


def measure(quick: bool = False) -> list[Row]:
    x = data.binarize(data.load("auto", limit=100 if quick else IMAGES).test, seed=2).x
    torch.manual_seed(0)
    model = VAE.mlp()
    message = compression.encode(model, x)
    jobs = {
        "encode": lambda: compression.encode(model, x),
        "decode": lambda: compression.decode(model, message),
        "png": lambda: [compression.png(image) for image in x.split(1)],
    }
    seconds = in_turns(jobs, rounds=1 if quick else 5)
    speed = {name: len(x) / sorted(times)[len(times) // 2] for name, times in seconds.items()}
    rows = []
    for name in ("encode", "decode"):
        ratio = median_ratio(seconds[name], seconds["png"])
        rows.append(
            Row(
                f"bits back, {name}",
                f"{speed[name]:,.0f} images a second",
                f"a PNG file each: {speed['png']:,.0f}",
                f"{ratio:.1f} times as long",
                "10",
                ratio <= 10,
            )
        )
    return rows


if __name__ == "__main__":
    show(measure, __doc__)
