"""Train the models that ship with the package: `python -m vae_course.pretrained.make [NAME ...]`."""

import argparse
import json
from pathlib import Path

import numpy as np

from vae_course import data
from vae_course.evaluation import evaluate
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.pretrained import Card, cards
from vae_course.training import fit

FOLDER = Path(__file__).parent
RECIPES = FOLDER / "recipes.json"


def train(card: Card) -> tuple[VAE, float]:
    """Train one model by its recipe: the model and its test ELBO in nats, measured with half-precision weights."""
    splits = data.load(card["data"])
    model = VAE.mlp(card["latent_dim"], hidden=card["hidden"])
    fit(
        model,
        splits.train,
        loss=negative_elbo,
        transform=data.dynamic_binarize,
        val=data.binarize(splits.val, seed=1),
        epochs=card["epochs"],
        batch_size=card["batch_size"],
        lr=card["lr"],
        seed=0,
    )
    model.half().float()
    return model, evaluate(model, data.binarize(splits.test, seed=2)).elbo


def save(name: str, model: VAE, card: Card) -> None:
    """Write the weights, then the card, so that a card never promises weights that are not there."""
    weights = {key: value.numpy().astype(np.float16) for key, value in model.state_dict().items()}
    np.savez_compressed(FOLDER / f"{name}.npz", **weights)
    RECIPES.write_text(json.dumps(cards() | {name: card}, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Train the models named on the command line, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(cards()), help="models to train; all when left out")
    for name in parser.parse_args().names:
        card = cards()[name]
        model, test_elbo = train(card)
        save(name, model, card | {"test_elbo": round(test_elbo, 1)})
        print(f"{name}: test ELBO {test_elbo:.1f} nats")


if __name__ == "__main__":
    main()
