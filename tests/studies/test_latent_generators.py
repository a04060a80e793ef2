"""What a VAE leaves to a prior, the training of one, and the distance between pictures and images."""

import dataclasses
import math

import pytest
import scipy.linalg
import torch
from torch import nn
from torch.distributions import Normal

from vae_course import data, objectives
from vae_course.colour import ColourVAE
from vae_course.data import Images
from vae_course.latent_diffusion import CodeDenoiser, DiffusionPrior
from vae_course.models import VAE
from vae_course.studies import latent_generators, levels
from vae_course.training import fit, fit_or_load


@pytest.fixture
def model():
    torch.manual_seed(0)
    return VAE.mlp(2, hidden=(16,), shape=(1, 4, 4))


@pytest.fixture
def images():
    x = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(1)).round()
    return Images(x, torch.arange(40) % 2)


def apart(model):
    """The model with codes far from N(0, I): classes around -6 and 6, told by the first pixel."""
    with torch.no_grad():
        for parameter in model.encoder.parameters():
            parameter.zero_()
        model.encoder[1].weight[0, 0] = 1.0  # hidden unit 0 is the first pixel
        model.encoder[3].weight[:2, 0] = 12.0
        model.encoder[3].bias[:] = torch.tensor([-6.0, -6.0, 0.0, 0.0])
    return model


@pytest.fixture
def told(images):
    """The images with the class in the first pixel."""
    x = images.x.clone()
    x[:, 0, 0, 0] = images.y.float()
    return dataclasses.replace(images, x=x)


def small(model, images, **settings):
    settings = {"name": "tiny", "hidden": 16, "n_blocks": 1, "epochs": 3, "batch_size": 20, "lr": 1e-2} | settings
    return latent_generators.prior_recipe(model, images, **settings)


def test_the_account_is_that_of_the_bound_and_of_the_posteriors(model, images):
    found = latent_generators.account(model, images)
    mu, logvar = latent_generators.posteriors(model, images)
    assert torch.equal(mu, model.encode(images.x)[0]) and not mu.requires_grad
    assert found.elbo == pytest.approx(-found.distortion - found.rate)
    terms = [objectives.elbo(model, images.x, n_samples=500) for _ in range(2)]
    assert found.rate == pytest.approx(terms[0].kl.mean().item(), rel=1e-4)
    assert found.distortion == pytest.approx(-terms[0].log_px_z.mean().item(), rel=0.02)
    assert found.sigma == pytest.approx((0.5 * logvar).exp().mean().item(), rel=1e-5)
    spread = (logvar.exp().mean() + mu.var(correction=0)).sqrt().item()
    assert found.code_std == pytest.approx(spread, rel=0.25)


def test_an_untrained_prior_scores_like_the_gaussian_of_the_codes_width(model, images):
    recipe = small(apart(model), images)
    prior = recipe.build()
    c = prior.scale.item()
    assert 1 / c == pytest.approx(latent_generators.account(model, images).code_std, rel=1e-5)
    found, error = latent_generators.bound(model, prior, images.x.repeat(50, 1, 1, 1))
    z = model.posterior(images.x).sample((2000,))
    likelihood, width = model.likelihood(z).log_prob(images.x.expand(2000, -1, -1, -1, -1)), Normal(0.0, 1 / c)
    expected = (likelihood + width.log_prob(z).sum(-1) - model.posterior(images.x).log_prob(z)).mean().item()
    assert found == pytest.approx(expected, abs=4.5 * error) and error < 0.2


def test_a_prior_trained_by_its_recipe_gains_bits_and_finds_the_classes(model, told, tmp_path, monkeypatch):
    monkeypatch.setenv("VAE_COURSE_CACHE", str(tmp_path))
    settings = {"epochs": 100, "hidden": 32, "batch_size": 40, "lr": 2e-2}
    recipe, many = small(apart(model), told, n_classes=2, **settings), told.x.repeat(20, 1, 1, 1)
    before, _ = latent_generators.bound(model, recipe.build(), many)
    prior, _ = fit_or_load(recipe, device="cpu", progress=False)
    after, error = latent_generators.bound(model, prior, many)
    assert after > before + 5 * error
    for y, sign in ((0, -1), (1, 1)):
        z = prior.sample(100, labels=y, generator=torch.Generator().manual_seed(0))
        assert (sign * z > 3).double().mean() > 0.9
    again, _ = fit_or_load(small(apart(model), told, n_classes=2, **settings), device="cpu", progress=False)
    assert torch.equal(again.scale, prior.scale)
    for name, tensor in prior.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


def test_without_classes_the_recipe_needs_none_and_other_settings_are_another_recipe(model, images):
    plain = small(model, images)
    assert len(plain.images) == 2 and len(small(model, images, n_classes=2).images) == 3
    keys = {
        plain.key,
        *(small(model, images, **other).key for other in ({"weighting": "bound"}, {"hidden": 8}, {"seed": 1})),
    }
    assert len(keys) == 4 and small(model, images).key == plain.key


def test_pictures_are_decoded_codes_and_the_same_every_time(model):
    torch.manual_seed(0)
    prior = DiffusionPrior(CodeDenoiser(2, hidden=8, n_classes=3), scale=0.5)
    before = torch.get_rng_state()
    plain, drawn = latent_generators.pictures(model, 5), latent_generators.pictures(model, 5, prior=prior, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(3)
    torch.testing.assert_close(drawn, model.decode_mean(prior.sample(5)))
    torch.manual_seed(0)
    torch.testing.assert_close(plain, model.sample(5))
    assert torch.equal(drawn, latent_generators.pictures(model, 5, prior=prior, seed=3)) and not drawn.requires_grad


def test_a_grid_of_classes_has_a_row_for_each_from_the_same_noise(model):
    torch.manual_seed(0)
    prior = DiffusionPrior(CodeDenoiser(2, hidden=8, n_classes=3))
    grid = latent_generators.class_grid(model, prior, n=4)
    assert grid.shape == (12, 1, 4, 4)
    # Untrained, the prior does not heed the class: all rows are one.
    torch.testing.assert_close(grid[:4], grid[4:8])
    nn.init.normal_(prior.denoiser.last.weight)
    grid = latent_generators.class_grid(model, prior, n=4, weight=0.5, n_steps=5)
    z = prior.sample(4, labels=2, weight=0.5, n_steps=5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(grid[8:], model.decode_mean(z))
    assert not torch.allclose(grid[:4], grid[8:])
    codes = latent_generators.class_codes(prior, n=4, weight=0.5, n_steps=5)
    assert codes.shape == (3, 4, 2)
    torch.testing.assert_close(codes[2], z)


def test_the_spread_of_classes_is_that_of_the_law_of_total_variance():
    generator = torch.Generator().manual_seed(0)
    apart, within = torch.tensor([-3.0, 0.0, 3.0]).reshape(3, 1, 1), torch.tensor([0.5, 1.5])
    z = apart + within * torch.randn(3, 20_000, 2, generator=generator)
    std, share = latent_generators.class_spread(z)
    inside = (0.25 + 2.25) / 2
    assert std == pytest.approx(inside**0.5, rel=0.01) and share == pytest.approx(inside / (inside + 6), rel=0.01)
    assert latent_generators.class_spread(z[:1])[1] == pytest.approx(1)
    for wrong in (z[0], z[:, :1]):
        with pytest.raises(ValueError, match="two codes or more of each class"):
            latent_generators.class_spread(wrong)


def test_a_reader_reads_and_its_hidden_numbers_are_the_features(images):
    torch.manual_seed(0)
    read = levels.reader(5, shape=(1, 4, 4))
    found = latent_generators.features(read, images.x)
    assert found.shape == (40, 5) and (found >= 0).all()
    torch.testing.assert_close(read[-1](found), read(images.x))
    labels = read(images.x).argmax(1)
    assert latent_generators.read_right(read, images.x, labels) == 1
    assert latent_generators.read_right(read, images.x, torch.where(torch.arange(40) < 10, labels + 1, labels)) == 0.75


# The distance


def gaussians(n=400, h=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    a, b = (torch.randn(n, h, generator=generator) @ torch.randn(h, h, generator=generator) for _ in range(2))
    return a, b + 0.5


def test_the_distance_is_that_of_the_formula():
    a, b = gaussians()
    S_a, S_b = (torch.cov(x.double().T).numpy() for x in (a, b))
    root = scipy.linalg.sqrtm(S_a @ S_b).real
    expected = (a.double().mean(0) - b.double().mean(0)).square().sum().item() + (S_a + S_b - 2 * root).trace()
    assert latent_generators.frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)


def test_between_gaussians_with_the_same_axes_it_is_the_distance_of_means_and_standard_deviations():
    a = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)).double()
    a = (a - a.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(a.T)).T)
    first, second = a * torch.tensor([1.0, 2.0, 3.0]), a * torch.tensor([1.0, 4.0, 0.5]) + torch.tensor([2.0, 0, 0])
    assert latent_generators.frechet_distance(first, second) == pytest.approx(4 + 4 + 6.25)
    line = latent_generators.frechet_distance(first[:, :1], 3 * first[:, :1])
    assert line == pytest.approx(4)


def test_it_is_zero_for_one_set_and_the_same_both_ways_and_turned():
    a, b = gaussians()
    turn = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64)).Q
    there = latent_generators.frechet_distance(a, b)
    assert latent_generators.frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert latent_generators.frechet_distance(b, a) == pytest.approx(there)
    assert latent_generators.frechet_distance(a.double() @ turn, b.double() @ turn) == pytest.approx(there)
    # Features that are always zero, as a ReLU makes them, and fewer entries than features.
    assert math.isfinite(latent_generators.frechet_distance(torch.zeros(3, 4), a))


def test_reconstructions_and_samples_are_measured_against_the_images(model, images):
    torch.manual_seed(0)
    read, prior = levels.reader(5, shape=(1, 4, 4)), DiffusionPrior(CodeDenoiser(2, hidden=8), scale=0.2)
    near, found = latent_generators.distances(model, [None, prior], read, images, images.x[:30], seed=2)
    seen = latent_generators.features(read, images.x)
    shown = [
        model.reconstruct(images.x[:30]),
        *(latent_generators.pictures(model, 40, prior=p, seed=2) for p in (None, prior)),
    ]
    expected = [latent_generators.frechet_distance(latent_generators.features(read, x), seen) for x in shown]
    assert [near, *found] == pytest.approx(expected)


def test_a_vae_of_colour_pictures_trains_like_the_others_and_takes_a_prior():
    x = torch.randint(256, (40, 3, 8, 8), generator=torch.Generator().manual_seed(0)) // 4 / 255
    torch.manual_seed(0)
    model, coloured = ColourVAE.conv(2, channels=4, shape=(3, 8, 8)), Images(x, torch.zeros(40).long())
    history = fit(model, coloured, loss=objectives.negative_elbo, epochs=4, batch_size=10, lr=1e-2, progress=False)
    assert history.train["loss"][-1] < history.train["loss"][0] - 50
    prior = small(model, coloured).build()
    assert math.isfinite(latent_generators.bound(model, prior, coloured)[0])
    shown = latent_generators.pictures(model, 3, prior=prior)
    assert shown.shape == (3, 3, 8, 8) and 0 <= shown.min() and shown.max() <= 1


def test_variety_is_within_classes_and_their_mean():
    seen = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 6.0], [0.0, 0.0]])
    labels = torch.tensor([3, 3, 5, 5])  # variances 2 + 0 and 0 + 18
    assert latent_generators.variety(seen, labels) == pytest.approx((2**0.5 + 18**0.5) / 2)
    moved = seen + 100 * labels[:, None]  # how far classes lie apart does not count
    assert latent_generators.variety(moved, labels) == pytest.approx((2**0.5 + 18**0.5) / 2)
    for bad in (labels[:3], torch.tensor([3, 3, 5, 7])):
        with pytest.raises(ValueError, match="two or more of a class"):
            latent_generators.variety(seen, bad)


def test_bad_input_is_told_in_a_sentence(model, images):
    prior = DiffusionPrior(CodeDenoiser(2, hidden=8))
    with pytest.raises(ValueError, match="DiffusionPrior is told classes"):
        latent_generators.pictures(model, 3, labels=1)
    with pytest.raises(ValueError, match="knows no classes"):
        latent_generators.class_grid(model, prior, n=2)
    with pytest.raises(ValueError, match="n is 0"):
        latent_generators.class_grid(model, prior, n=0)
    for shapes in (((5, 3), (5, 2)), ((1, 3), (5, 3)), ((3,), (3,))):
        with pytest.raises(ValueError, match=r"give \[N, H\] and \[M, H\], two rows or more"):
            latent_generators.frechet_distance(*map(torch.zeros, shapes))
    with pytest.raises(ValueError, match=r"make the prior for latent_dim 2"):
        latent_generators.bound(model, DiffusionPrior(CodeDenoiser(3, hidden=8)), images)
    with pytest.raises(ValueError, match="n_blocks is 0"):
        small(model, images, n_blocks=0).build()
    with pytest.raises(ValueError, match="divide by 255"):
        latent_generators.posteriors(model, 255 * images.x)


def test_a_folder_of_images_serves_as_data(tmp_path):
    from PIL import Image

    for level in range(12):
        Image.new("L", (8, 8), 20 * level).save(tmp_path / f"{level}.png")
    splits = data.load_folder(tmp_path, size=4)
    torch.manual_seed(0)
    model = VAE.mlp(2, hidden=(8,), shape=(1, 4, 4))
    assert latent_generators.account(model, splits.train).rate > 0
