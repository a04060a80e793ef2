"""What lesson 10 measures: the Gaussian curve, the split of a rate, the decoder that sees pixels, and the cures."""

import itertools
import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from vae_course.evaluation import evaluate, kl_of_factors
from vae_course.exact import LinearGaussian
from vae_course.models import VAE
from vae_course.objectives import elbo, negative_elbo
from vae_course.studies.collapse import PixelByPixel, PixelVAE, free_bits_loss, two_prices
from vae_course.studies.information import log_densities, split_rate
from vae_course.studies.rate_distortion import GaussianSource, LinearModel

S2 = torch.tensor([4.0, 1.5, 0.6], dtype=torch.float64)
SOURCE = GaussianSource(S2, 0.5)
BETAS = (0.25, 1.0, 2.0, 3.0, 8.0, 20.0)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------------------------------ the Gaussian curve


@pytest.mark.parametrize("beta", BETAS)
def test_the_best_model_has_the_stated_rate_and_distortion(beta: float):
    x = SOURCE.sample(40_000, generator=generator(0))
    result = evaluate(SOURCE.model(beta), x)
    assert result.rate == pytest.approx(float(SOURCE.rate(beta).sum()), abs=0.03)
    assert result.distortion == pytest.approx(float(SOURCE.distortion(beta).sum()), abs=0.04 * max(1, beta))


@pytest.mark.parametrize("beta", BETAS)
def test_no_descent_from_the_best_model_lowers_its_loss(beta: float):
    """The oracle is the optimiser: from the closed form, gradients are zero and random steps only raise D + beta R."""

    def loss(v: torch.Tensor, m: torch.Tensor, tau2: torch.Tensor) -> torch.Tensor:
        rate = 0.5 * (m**2 * S2 + tau2 - 1 - tau2.log())
        error = S2 * (1 - v * m) ** 2 + v**2 * tau2
        return (error / (2 * 0.5**2) + beta * rate).sum()

    best = SOURCE.model(beta)
    parameters = (best.v, best.m, best.tau2)
    source = generator(1)
    for _ in range(200):
        moved = [p + 0.05 * torch.randn(3, generator=source, dtype=torch.float64) * (p.abs() + 0.2) for p in parameters]
        assert loss(moved[0], moved[1], moved[2].clamp_min(1e-3)) >= loss(*parameters)


def test_a_direction_dies_exactly_where_its_variance_is_the_price():
    assert SOURCE.rate(2.39)[2] > 0 and SOURCE.rate(2.4)[2] == pytest.approx(0) and SOURCE.rate(2.41)[2] == 0
    dead = SOURCE.model(3.0)
    assert (dead.v[2], dead.m[2], dead.tau2[2]) == (0, 0, 1)


def test_the_sum_is_the_entropy_at_beta_one_and_above_it_elsewhere():
    sums = {beta: float((SOURCE.rate(beta) + SOURCE.distortion(beta)).sum()) for beta in BETAS}
    entropy = float(MultivariateNormal(torch.zeros(3).double(), S2.diag()).entropy())
    assert float(SOURCE.entropy()) == pytest.approx(entropy) == pytest.approx(sums[1.0])
    assert min(sums, key=sums.get) == 1.0


def test_chords_lie_between_their_betas():
    points = [(b, float(SOURCE.rate(b).sum()), float(SOURCE.distortion(b).sum())) for b in BETAS[:5]]
    for (low, rate, distortion), (high, less, more) in itertools.pairwise(points):
        assert low <= (more - distortion) / (rate - less) <= high


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: GaussianSource(S2.diag(), 0.5), "give a vector of variances"),
        (lambda: GaussianSource(-S2, 0.5), "above zero"),
        (lambda: GaussianSource(S2, 0.0), "sigma is 0"),
        (lambda: SOURCE.rate(0.0), "beta is 0"),
        (lambda: PixelVAE(3, reach=-1), "reach is -1"),
        (lambda: split_rate(SOURCE.model(1.0), SOURCE.sample(1)), "two images or more"),
        (lambda: split_rate(SOURCE.model(1.0), SOURCE.sample(4), n_samples=0), "0 draws"),
        (lambda: free_bits_loss(VAE.mlp(2), torch.zeros(1, 1, 28, 28), floor=-1.0), "floor is -1"),
    ],
)
def test_bad_input_gets_one_clear_sentence(make, said: str):
    with pytest.raises(ValueError, match=said):
        make()


# ------------------------------------------------------------------------------------------ the split of a rate


def test_the_split_is_that_of_the_exact_world():
    """At the true posterior the codes of all x are the prior's: all rate is information, 1/2 log det(I + W W^T / s^2)."""
    W = torch.tensor([[0.9, 0.2], [0.1, 0.6], [0.3, -0.4]], dtype=torch.float64)
    world = LinearGaussian(W, torch.zeros(3, dtype=torch.float64), 0.8)
    exact = 0.5 * float(torch.logdet(torch.eye(3) + W @ W.T / 0.8**2))
    _, x = world.sample(2000, generator=generator(2))
    split = split_rate(world, x, n_samples=2)
    assert split.information == pytest.approx(exact, abs=0.06) == pytest.approx(split.information_above, abs=0.06)
    assert split.information < split.information_above
    assert abs(split.marginal_kl) < 0.03


def test_a_poor_prior_is_paid_for_in_the_marginal_kl():
    v, m, tau2 = (torch.tensor([value], dtype=torch.float64) for value in (1.5, 0.7, 0.3))
    model, a = LinearModel(v, m, tau2, 0.5), 0.49 * 4 + 0.3
    x = GaussianSource(S2[:1], 0.5).sample(2000, generator=generator(3))
    split = split_rate(model, x, n_samples=3)
    assert split.information == pytest.approx(0.5 * math.log(a / 0.3), abs=0.06)
    assert split.marginal_kl == pytest.approx(0.5 * (a - 1 - math.log(a)), abs=0.06)
    assert split.rate == pytest.approx(split.information + split.marginal_kl, abs=1e-9)


def test_information_about_n_images_is_at_most_log_n_and_reaches_it():
    model = LinearModel(*torch.tensor([[1.0], [50.0], [1e-4]], dtype=torch.float64), sigma=0.5)
    x = torch.linspace(-3, 3, 30, dtype=torch.float64)[:, None]
    assert split_rate(model, x).information == pytest.approx(math.log(30), abs=1e-6)


def test_densities_in_pieces_are_those_of_one_piece(monkeypatch: pytest.MonkeyPatch):
    q = SOURCE.model(1.0).posterior(SOURCE.sample(7, generator=generator(4)))
    z = q.sample()
    monkeypatch.setattr("vae_course.studies.information.PAIRS_AT_ONCE", 15)
    torch.testing.assert_close(log_densities(q, z)[0], q.log_prob(z[:, None]))


# ------------------------------------------------------------------------------------------ the decoder that sees pixels


def tiny(reach: int = 6) -> PixelVAE:
    torch.manual_seed(0)
    model = PixelVAE(2, hidden=(5,), reach=reach, shape=(1, 2, 3))
    with torch.no_grad():
        model.between.normal_()
    return model


ALL_IMAGES = torch.tensor(list(itertools.product((0.0, 1.0), repeat=6))).view(-1, 1, 2, 3)


@pytest.mark.parametrize("reach", [0, 2, 6])
def test_its_probabilities_of_all_images_sum_to_one(reach: int):
    p = tiny(reach).likelihood(torch.randn(4, 1, 2, generator=generator(5)))
    torch.testing.assert_close(p.log_prob(ALL_IMAGES).exp().sum(1), torch.ones(4))


def test_a_pixel_looks_back_no_further_than_its_reach():
    model, z = tiny(2), torch.zeros(2)
    changed = ALL_IMAGES[:2].clone()
    changed[1] = changed[0]
    changed[1, 0, 0, 0] = 1 - changed[0, 0, 0, 0]
    p = model.likelihood(z)
    seen = (changed.flatten(-3) @ p.weights.T)[1] - (changed.flatten(-3) @ p.weights.T)[0]
    assert (seen != 0).tolist() == [False, True, True, False, False, False]


def test_without_reach_it_is_the_plain_vae():
    model = tiny(0)
    plain = VAE(model.encoder, model.decoder, latent_dim=2, shape=(1, 2, 3))
    z = torch.randn(3, 2)
    torch.testing.assert_close(
        model.likelihood(z).log_prob(ALL_IMAGES[:3]), plain.likelihood(z).log_prob(ALL_IMAGES[:3])
    )


def test_draws_have_the_stated_probabilities():
    p = tiny().likelihood(torch.tensor([0.5, -1.0]))
    torch.manual_seed(1)
    draws = p.sample((20_000,)).flatten(1)
    index = (draws @ (2.0 ** torch.arange(5, -1, -1))).long()
    share, exact = torch.bincount(index, minlength=64) / 20_000, p.log_prob(ALL_IMAGES).exp()
    assert ((share - exact).abs() <= 4.5 * (exact * (1 - exact) / 20_000).sqrt() + 1e-4).all()


def test_mean_pictures_have_the_same_luck_for_each_code():
    model = tiny()
    pictures = model.decode_mean(torch.zeros(3, 2))
    assert pictures.shape == (3, 1, 2, 3) and torch.equal(pictures[0], pictures[2])
    exact = (model.likelihood(torch.zeros(2)).log_prob(ALL_IMAGES).exp().view(-1, 1, 1, 1) * ALL_IMAGES).sum(0)
    assert ((pictures[0] - exact).abs() < 4 * 0.5 / 32**0.5).all()


def test_pixels_of_the_distribution_have_one_event():
    p = PixelByPixel(torch.zeros(4, 5, 1, 2, 3), torch.zeros(6, 6))
    assert (p.batch_shape, p.event_shape) == ((4, 5), (1, 2, 3))
    assert p.log_prob(torch.ones(1, 2, 3)).flatten().tolist() == pytest.approx([-6 * math.log(2)] * 20)


# ------------------------------------------------------------------------------------------ the cures


def test_free_bits_charge_each_dimension_its_floor():
    torch.manual_seed(0)
    model, x = VAE.mlp(3, hidden=(8,), shape=(1, 4, 4)), torch.rand(5, 1, 4, 4).round()
    kl = kl_of_factors(model, x).mean(0).detach()
    floor = float(kl.median())
    torch.manual_seed(2)
    got = free_bits_loss(model, x, 0.5, floor=floor)
    torch.manual_seed(2)
    terms = elbo(model, x)
    expected = -terms.log_px_z.mean() + 0.5 * sum(max(floor, value) for value in kl.tolist())
    assert float(got["loss"].detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    assert float(got["kl"].detach()) == pytest.approx(float(kl.sum()), rel=1e-6)


def test_without_a_floor_it_is_the_negative_elbo():
    model, x = VAE.mlp(3, hidden=(8,), shape=(1, 4, 4)), torch.rand(5, 1, 4, 4).round()
    losses = []
    for loss in (lambda m, x: free_bits_loss(m, x, floor=0.0), negative_elbo):
        torch.manual_seed(3)
        losses.append({name: float(term.detach()) for name, term in loss(model, x).items()})
    assert losses[0] == pytest.approx(losses[1])


def test_two_prices_change_where_they_should():
    price = two_prices(16.0, 0.6, then=0.25)
    assert [price(p) for p in (0.0, 0.59, 0.6, 1.0)] == [16.0, 16.0, 0.25, 0.25]
