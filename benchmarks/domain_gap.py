"""How close pen digits are to MNIST: a linear classifier trained on one world and tried on both.

Run `python -m benchmarks.domain_gap`.
"""

import time

import torch
from sklearn.linear_model import LogisticRegression

from vae_course import data
from vae_course.data import pen

WORLDS = ("mnist", "pen")


def accuracies(limit: int = 10_000) -> dict[tuple[str, str], float]:
    """Accuracy of logistic regression by (world of the training images, world of the validation images)."""
    splits = {world: data.load(world, limit=limit) for world in WORLDS}
    found = {}
    for trained in WORLDS:
        classifier = LogisticRegression(C=0.01, max_iter=200)
        classifier.fit(splits[trained].train.x.flatten(1).numpy(), splits[trained].train.y.numpy())
        for tried in WORLDS:
            val = splits[tried].val
            found[trained, tried] = float(classifier.score(val.x.flatten(1).numpy(), val.y.numpy()))
    return found


def main() -> None:
    """Print the four accuracies, and how long 20,000 pen digits take to draw."""
    for (trained, tried), accuracy in accuracies().items():
        print(f"trained on {trained:5}  tried on {tried:5}  accuracy {accuracy:.3f}")
    began = time.perf_counter()
    pen.draw(20_000)
    print(f"20,000 pen digits drawn in {time.perf_counter() - began:.1f} s on {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
