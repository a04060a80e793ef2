"""Discs, the three-way split, the beta-TCVAE's loss, information about factors and the MIG, against closed forms."""

import functools
import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vae_course import objectives
from vae_course.evaluation import standard_error
from vae_course.models import VAE
from vae_course.studies import disentanglement as study
from vae_course.studies import rotation


def table(n, dims, seed=0):
    """N posteriors, a code drawn for each, and the table of densities."""
    generator = torch.Generator().manual_seed(seed)
    mu, noise = torch.randn(2, n, dims, generator=generator, dtype=torch.float64)
    var = 0.1 + torch.rand(n, dims, generator=generator, dtype=torch.float64)
    z = mu + var.sqrt() * noise
    return study.table(z, mu, var), z, mu, var


def test_discs_are_all_different_and_the_factors_say_where_and_how_large():
    images = study.discs(steps=(1.2, 0.6))
    assert images.x.shape == (320, 1, 16, 16) and len(torch.unique(images.x, dim=0)) == 320
    v = study.factors_of(images)
    assert v.amax(0).tolist() == [7, 7, 4]
    pixels = torch.arange(16.0)
    ink = images.x[:, 0]
    across = (ink.sum(1) * pixels).sum(1) / ink.sum((1, 2))
    down = (ink.sum(2) * pixels).sum(1) / ink.sum((1, 2))
    whole = v[:, 2] < 3  # the larger ones are cut at the edge
    torch.testing.assert_close(across[whole], 7.5 + 1.2 * (v[whole, 0] - 3.5), atol=0.15, rtol=0)
    torch.testing.assert_close(down[whole], 7.5 + 0.6 * (v[whole, 1] - 3.5), atol=0.15, rtol=0)
    sizes = [ink[v[:, 2] == size].sum((1, 2)).mean() for size in range(5)]
    assert sizes == sorted(sizes)


def test_the_parts_add_up_to_the_mean_of_log_q_over_p():
    log_q, z, _, _ = table(40, 3)
    log_p = Normal(0.0, 1.0).log_prob(z)
    parts = study.split(log_q, log_p)
    torch.testing.assert_close(sum(parts), (log_q.sum(2).diagonal() - log_p.sum(1)).mean())


def test_the_parts_are_the_closed_forms_where_q_of_z_is_known():
    # Many points of the Gaussian world: the mixture of their posteriors is nearly the Gaussian that it tends to.
    account, world = rotation.account(30.0, diagonal=True), rotation.world(30.0)
    generator = torch.Generator().manual_seed(1)
    q = world.posterior(world.sample(3000, generator=generator)[1])
    var = (1 / q.precision_matrix.diagonal(dim1=1, dim2=2)).contiguous()
    z = q.mean + var.sqrt() * torch.randn(q.mean.shape, generator=generator, dtype=torch.float64)
    parts = study.split(study.table(z, q.mean, var), Normal(0.0, 1.0).log_prob(z))
    expected = (account.information, account.total_correlation, account.dimension_kl)
    for part, value in zip(parts, expected, strict=True):
        assert float(part) == pytest.approx(value, abs=0.06)


def test_independent_dimensions_have_no_total_correlation_and_equal_ones_have_much():
    # A grid of all pairs of values: each dimension takes its value whatever the other takes.
    values = torch.linspace(-2, 2, 6, dtype=torch.float64)
    grid = torch.cartesian_prod(values, values)
    var = torch.full_like(grid, 1e-4)
    log_p = Normal(0.0, 1.0).log_prob(grid)
    parts = study.split(study.table(grid, grid, var), log_p)
    assert abs(float(parts.total_correlation)) < 1e-6 and float(parts.information) == pytest.approx(math.log(36))
    same = values[:, None].expand(6, 2).contiguous()
    parts = study.split(study.table(same, same, var[:6]), log_p[:6])
    assert float(parts.total_correlation) == pytest.approx(math.log(6))


def test_the_shares_of_a_batch_estimate_the_mixture_of_all_without_bias():
    log_q, *_ = table(6, 2)
    density = log_q.sum(2).exp()
    exact, estimates = density[0].mean(), []
    for others in torch.combinations(torch.arange(1, 6), 2):
        batch = torch.cat([torch.tensor([0]), others])
        shares = study.log_shares(3, 6).exp().double()
        estimates.append((shares[0] * density[0, batch]).sum())
        torch.testing.assert_close(shares.sum(1), torch.ones(3).double())
    torch.testing.assert_close(torch.stack(estimates).mean(), exact)
    torch.testing.assert_close(study.log_shares(6, 6), torch.full((6, 6), -math.log(6)))


def test_with_the_whole_data_set_as_the_batch_the_loss_weighs_the_split_s_total_correlation():
    torch.manual_seed(0)
    model, x = VAE.mlp(2, hidden=(8,), shape=(1, 4, 4)).double(), torch.rand(30, 1, 4, 4, dtype=torch.float64)
    found = []
    for beta in (1.0, 5.0):
        torch.manual_seed(3)
        found.append(study.negative_tc_elbo(model, x, beta, n_data=30))
    torch.manual_seed(3)
    q = model.posterior(x)
    z = q.rsample()
    log_q = study.table(z, q.mean, q.variance)
    tc = study.split(log_q, Normal(0.0, 1.0).log_prob(z)).total_correlation
    torch.testing.assert_close(found[0]["tc"], tc, atol=1e-5, rtol=0)
    torch.testing.assert_close(found[1]["loss"] - found[0]["loss"], 4 * tc, atol=1e-4, rtol=0)
    torch.manual_seed(3)
    torch.testing.assert_close(found[0]["loss"], objectives.negative_elbo(model, x)["loss"])


def test_information_is_what_a_noiseless_code_must_tell_and_the_gap_follows():
    # Two factors of 4 and 3 values; dimension 0 is the first, dimension 1 the second, dimension 2 nothing.
    v = torch.cartesian_prod(torch.arange(4), torch.arange(3))
    mu = torch.cat([v.double(), torch.zeros(12, 1, dtype=torch.float64)], 1)
    var = torch.tensor([1e-6, 1e-6, 1.0], dtype=torch.float64).expand(12, 3)
    log_q = study.table(mu, mu, var)
    information, entropies = study.factor_information(log_q, v), study.factor_entropies(v)
    torch.testing.assert_close(entropies, torch.tensor([math.log(4), math.log(3)], dtype=torch.float64))
    expected = torch.tensor([[math.log(4), 0], [0, math.log(3)], [0, 0]], dtype=torch.float64)
    torch.testing.assert_close(information, expected, atol=1e-6, rtol=0)
    assert float(study.gap(information, entropies)) == pytest.approx(1)
    both = torch.tensor([[1.0, 0.2], [0.4, 0.6], [0.1, 0.3]])
    assert float(study.gap(both, torch.tensor([2.0, 1.0]))) == pytest.approx((0.6 / 2 + 0.3) / 2)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return VAE.mlp(3, hidden=(16,), shape=(1, 16, 16))


def test_what_is_measured_is_the_bound_and_its_parts(model):
    images = study.discs(places=4)
    found = study.measure(model, images, n_samples=20)
    torch.manual_seed(0)
    with torch.no_grad():
        terms = objectives.elbo(model, images.x, n_samples=200)
    error = float(standard_error(terms.log_px_z)) / 5
    assert abs(found.elbo - float(terms.elbo.mean())) < 4 * error + 0.05
    assert found.elbo == pytest.approx(-found.distortion - float(terms.kl.mean()), abs=1e-3)
    assert float(sum(found.parts)) == pytest.approx(float(terms.kl.mean()), abs=0.1)


def test_a_turned_model_has_the_same_bound_and_joint_but_other_single_numbers(model):
    images, turn = study.discs(places=4), study.random_turn(3, seed=2)
    torch.testing.assert_close(turn @ turn.T, torch.eye(3).double())
    assert float(torch.linalg.det(turn)) == pytest.approx(1)
    turned = study.Turned(model, turn.float())
    with torch.no_grad():
        q, after = model.posterior(images.x), turned.posterior(images.x)
        torch.testing.assert_close(
            kl_divergence(after, turned.prior()), kl_divergence(q, model.prior()), atol=1e-4, rtol=1e-3
        )
        z = q.sample()
        torch.testing.assert_close(after.log_prob(z @ turn.T.float()), q.log_prob(z), atol=1e-3, rtol=1e-3)
        codes = z @ turn.T.float()
        torch.testing.assert_close(
            turned.likelihood(codes).log_prob(images.x), model.likelihood(z).log_prob(images.x), atol=1e-3, rtol=1e-4
        )
    plain, seen = study.measure(model, images), study.measure(model, images, turn=turn)
    assert seen.elbo == pytest.approx(plain.elbo) and float(seen.parts[0]) == pytest.approx(float(plain.parts[0]))
    assert not torch.allclose(seen.information, plain.information, atol=1e-3)


def test_the_single_numbers_of_turned_codes_have_the_marginals_of_the_turned_gaussian():
    turn, var = study.random_turn(3, seed=0), torch.tensor([0.1, 0.5, 1.0], dtype=torch.float64)
    full = MultivariateNormal(torch.zeros(3).double(), turn @ var.diag() @ turn.T)
    torch.testing.assert_close(var @ turn.T.square(), full.variance)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: study.discs(places=1), "two or more"),
        (lambda: study.discs(steps=(3.0, 1.0)), "that fit"),
        (lambda: study.split(torch.zeros(3, 2, 1), torch.zeros(2, 1)), r"\[N, N, D\]"),
        (lambda: study.log_shares(1, 5), "two or more"),
        (lambda: study.log_shares(6, 5), "no more than there are"),
        (lambda: study.Turned(VAE.mlp(2), 2 * torch.eye(2)), "not orthogonal"),
    ],
)
def test_bad_input_is_named_in_one_sentence(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_the_loss_trains_by_fit_s_rules():
    loss = functools.partial(study.negative_tc_elbo, beta=4.0, n_data=50)
    torch.manual_seed(0)
    terms = loss(VAE.mlp(2, hidden=(4,), shape=(1, 4, 4)), torch.rand(8, 1, 4, 4))
    assert set(terms) == {"loss", "reconstruction", "kl", "tc"} and terms["loss"].requires_grad
