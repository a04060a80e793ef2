"""Train again the models that ship with the package."""

import argparse
import io
import json
from pathlib import Path

import numpy as np

from vae_course import data
from vae_course.evaluation import evaluate
from vae_course.models import VAE
from vae_course.objectives import negative_elbo
from vae_course.pretrained import Card, PretrainedError, cards
from vae_course.support.files import write
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
    packed = io.BytesIO()
    np.savez_compressed(packed, **weights)
    write(FOLDER / f"{name}.npz", packed.getvalue())
    write(RECIPES, json.dumps(cards() | {name: card}, indent=1) + "\n")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `vae-course pretrained` to a parser."""
    known = list(cards())
    parser.add_argument("names", nargs="*", default=known, metavar="NAME", help=f"{', '.join(known)} (default: all)")


def run(args: argparse.Namespace) -> int:
    """Train the models named, or all of them; 0 when all are written.

    Raises:
        PretrainedError: there is no recipe of that name.
    """
    known = cards()
    for name in args.names:
        if name not in known:
            raise PretrainedError(f"There is no recipe {name!r}: choose from {', '.join(known)}.")
    for name in args.names:
        model, test_elbo = train(known[name])
        save(name, model, known[name] | {"test_elbo": round(test_elbo, 1)})
        print(f"{name}: test ELBO {test_elbo:.1f} nats")
    return 0
