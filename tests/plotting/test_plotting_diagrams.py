"""The diagram of the VAE shows the shapes that the model has, and says them in words."""

import re

import torch

from vae_course import objectives
from vae_course.models import VAE
from vae_course.plotting.diagrams import vae


def shape(tensor, *letters):
    """The shape with its first numbers as letters: [B, 1, 28, 28]."""
    return f"[{', '.join([*letters, *map(str, tensor.shape[len(letters) :])])}]"


def test_each_tensor_has_the_shape_that_the_model_gives_it():
    model, x = VAE.mlp(), torch.rand(5, 1, 28, 28)
    mu, logvar = model.encode(x)
    terms = objectives.elbo(model, x)
    shapes = {"x": shape(x, "B"), "mu": shape(mu, "B", "D"), "logvar": shape(logvar, "B", "D")}
    shapes |= {"eps": shape(mu, "B", "D"), "z": shape(model.posterior(x).rsample(), "B", "D")}
    shapes |= {
        "logits": shape(model.decode(mu), "B"),
        "kl": shape(terms.kl, "B"),
        "log_px_z": shape(terms.log_px_z, "B"),
    }
    shapes["loss"] = shape(objectives.negative_elbo(model, x)["loss"])
    shown = [re.fullmatch(r"(\w+)\s+(\[.*?\]).*", text.get_text(), re.DOTALL) for text in vae().axes[0].texts]
    assert {found[1]: found[2] for found in shown if found} == shapes


def test_no_text_covers_another_and_none_leaves_the_picture():
    fig = vae()
    fig.canvas.draw()
    boxes = [text.get_window_extent() for text in fig.axes[0].texts]
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)]
    assert all(fig.bbox.x0 <= box.x0 and box.x1 <= fig.bbox.x1 for box in boxes)


def test_it_is_drawn_for_a_narrow_screen_and_described():
    fig = vae()
    assert round(fig.bbox.width) <= 440 and min(text.get_fontsize() for text in fig.axes[0].texts) >= 9
    assert "logits [B, 1, 28, 28]" in fig.alt and "kl [B] hangs on mu and logvar" in fig.alt
