"""Small trained VAEs that ship with the package, so that the first picture needs no training and no network.

Each is a `NAME.npz` with the weights in half precision beside a line in `recipes.json` that says how it was made
and which ELBO it reaches. `make pretrained` trains them anew.
"""

import json
import zipfile
from importlib.resources import files
from typing import TypedDict

import numpy as np
import torch

from vae_course.models import VAE


class PretrainedError(RuntimeError):
    """The weights asked for do not exist or cannot be read."""


class Card(TypedDict):
    """How one pretrained model was made, and what it reaches.

    `test_elbo` is the mean ELBO in nats over the binarised test images (`data.binarize(test, seed=2)`).
    """

    data: str
    latent_dim: int
    hidden: list[int]
    epochs: int
    batch_size: int
    lr: float
    test_elbo: float


def cards() -> dict[str, Card]:
    """The recipe of every pretrained model, by name."""
    return json.loads((files(__name__) / "recipes.json").read_text(encoding="utf-8"))


def load_pretrained(name: str) -> VAE:
    """A trained VAE, in evaluation mode, without gradients.

    Args:
        name: `mnist-2d` or `pen-2d`, two latent dimensions each, trained on binarised images.

    Raises:
        PretrainedError: there is no such model, or its file cannot be read.
    """
    known = cards()
    if name not in known:
        raise PretrainedError(f"There is no pretrained model {name!r}: choose one of {', '.join(known)}.")
    model = VAE.mlp(known[name]["latent_dim"], hidden=known[name]["hidden"])
    model.load_state_dict(_weights(name))
    return model.requires_grad_(False).eval()


def _weights(name: str) -> dict[str, torch.Tensor]:
    file = files(__name__) / f"{name}.npz"
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            return {key: torch.from_numpy(arrays[key].astype(np.float32)) for key in arrays.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise PretrainedError(
            f"The weights {file} cannot be read ({error}): install vae-course again, or run `make pretrained`."
        ) from None
