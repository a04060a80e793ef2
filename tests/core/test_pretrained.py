"""The shipped weights load without any data and reach the ELBO that their card states."""

import pytest
import torch

from vae_course import data, pretrained
from vae_course.evaluation import evaluate
from vae_course.pretrained import PretrainedError, load_pretrained


@pytest.mark.parametrize("name", sorted(pretrained.cards()))
def test_a_pretrained_model_loads_ready_to_use(name):
    model = load_pretrained(name)
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert model.sample(3).shape == (3, 1, 28, 28)
    assert model.latent_dim == 2


@pytest.mark.parametrize("name", sorted(pretrained.cards()))
def test_the_shipped_weights_reach_the_elbo_on_their_card(name, request):
    card = pretrained.cards()[name]
    root = request.getfixturevalue("mnist_root") if card["data"] == "mnist" else None
    result = evaluate(load_pretrained(name), data.binarize(data.load(card["data"], root=root).test, seed=2))
    # Four standard errors of the noise in z and nothing else, since the images are the same: 0.3 nats is ample.
    assert abs(result.elbo - card["test_elbo"]) < 0.3
    assert result.elbo > {"mnist": -150, "pen": -150}[card["data"]], "worse than a two-dimensional VAE should be"


def test_the_plane_shows_at_least_nine_of_ten_digits(mnist_root):
    """Decoded grid points, named by the nearest class mean in code space, cover the digits."""
    model, images = load_pretrained("mnist-2d"), data.load("mnist", root=mnist_root).val
    mu, _ = model.encode(images.x)
    grid = torch.cartesian_prod(*[torch.linspace(-2, 2, 30)] * 2)
    nearest = images.y[torch.cdist(grid, mu).topk(9, largest=False).indices].mode(dim=1).values
    assert len(nearest.unique()) >= 9


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(PretrainedError, match="mnist-2d, pen-2d"):
        load_pretrained("mnist-3d")


def test_a_damaged_file_is_named_with_the_fix(tmp_path, monkeypatch):
    (tmp_path / "recipes.json").write_text((pretrained.files("vae_course.pretrained") / "recipes.json").read_text())
    (tmp_path / "mnist-2d.npz").write_bytes(b"not an archive")
    monkeypatch.setattr(pretrained, "files", lambda _: tmp_path)
    with pytest.raises(PretrainedError, match=r"mnist-2d\.npz .*make pretrained") as error:
        load_pretrained("mnist-2d")
    assert error.value.__suppress_context__
