"""The conditional VAE: its bound where everything is known, its distributions and shapes, and the labels it hears."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Independent, Normal
from torch.nn import functional as F

from vae_course import objectives
from vae_course.conditional import ConditionalVAE, negative_conditional_elbo


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ConditionalVAE.mlp(3, hidden=(16,), n_classes=4, shape=(1, 4, 4))


@pytest.fixture
def pairs():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(5, 1, 4, 4, generator=generator).round(), torch.tensor([0, 3, 1, 1, 2])


def test_each_distribution_has_the_whole_code_or_image_as_its_event(model, pairs):
    x, y = pairs
    q, p = model.posterior(x, y), model.prior()
    assert (q.batch_shape, q.event_shape) == ((5,), (3,))
    assert (p.batch_shape, p.event_shape) == ((), (3,))
    likelihood = model.likelihood(q.rsample((2,)), y)
    assert (likelihood.batch_shape, likelihood.event_shape) == ((2, 5), (1, 4, 4))


def test_both_networks_hear_the_one_hot_label_times_the_scale(model, pairs):
    x, y = pairs
    told = 3.0 * F.one_hot(y, 4).float()
    mu, logvar = model.encoder(torch.cat([x.flatten(1), told], 1)).chunk(2, 1)
    torch.testing.assert_close(model.posterior(x, y).mean, mu)
    torch.testing.assert_close(model.posterior(x, y).stddev, (0.5 * logvar).exp())
    z = torch.randn(5, 3)
    torch.testing.assert_close(model.decode(z, y).flatten(1), model.decoder(torch.cat([z, told], 1)).flatten(1))


def test_the_scale_of_the_label_is_what_was_asked_for(pairs):
    torch.manual_seed(0)
    quiet = ConditionalVAE.mlp(3, hidden=(16,), n_classes=4, shape=(1, 4, 4), label_scale=0.0)
    x, y = pairs
    torch.testing.assert_close(quiet.posterior(x, y).mean, quiet.posterior(x, (y + 1) % 4).mean)


def test_one_class_for_all_is_that_class_for_each(model, pairs):
    x, _ = pairs
    for single in (2, torch.tensor(2)):
        torch.testing.assert_close(model.given(single).posterior(x).mean, model.posterior(x, torch.full((5,), 2)).mean)


def test_leading_axes_of_codes_keep_the_label_of_their_image(model, pairs):
    _, y = pairs
    z = torch.randn(2, 5, 3)
    torch.testing.assert_close(model.decode(z, y)[1, 3], model.decode(z[1, 3:4], y[3:4])[0], atol=1e-5, rtol=1e-4)


class Shifted(nn.Module):
    """A linear map whose output does not look at its input: constants, so that every integral is known."""

    def __init__(self, values):
        super().__init__()
        self.values = nn.Parameter(values)

    def forward(self, inputs):
        return self.values.expand(*inputs.shape[:-1], -1) if self.values.dim() == 1 else inputs @ self.values


def test_the_bound_is_log_p_where_the_code_says_nothing():
    # Pixels that depend on the label alone, and q = p: the bound is log p(x | y) itself.
    weights = torch.zeros(2 + 3, 4)
    weights[2:] = torch.randn(3, 4, generator=torch.Generator().manual_seed(2))
    model = ConditionalVAE(
        Shifted(torch.zeros(4)), Shifted(weights), latent_dim=2, n_classes=3, shape=(1, 2, 2), label_scale=1.0
    )
    x, y = torch.tensor([[0.0, 1, 1, 0], [1, 1, 0, 0]]).view(2, 1, 2, 2), torch.tensor([2, 0])
    exact = Independent(Bernoulli(logits=weights[2:][y]), 1).log_prob(x.flatten(1))
    terms = objectives.elbo(model.given(y), x)
    torch.testing.assert_close(terms.elbo, exact)
    torch.testing.assert_close(objectives.log_weights(model.given(y), x, k=3), exact.expand(3, 2))


def test_the_bound_lies_below_log_p_by_its_gap_where_quadrature_knows_it(model):
    torch.manual_seed(3)
    model = ConditionalVAE.mlp(1, hidden=(8,), n_classes=3, shape=(1, 2, 2)).double()
    x, y = torch.tensor([[0.0, 1, 1, 0]], dtype=torch.float64).view(1, 1, 2, 2), torch.tensor([1])
    z = torch.linspace(-8, 8, 2001, dtype=torch.float64)[:, None, None]
    log_joint = model.prior().log_prob(z) + model.likelihood(z, y).log_prob(x)
    log_px_y = torch.logsumexp(log_joint[:, 0], 0) + math.log(16 / 2000)
    q = model.posterior(x, y)
    gap = (q.log_prob(z) - log_joint + log_px_y)[:, 0]
    gap = (q.log_prob(z)[:, 0].exp() * gap).sum() * 16 / 2000
    with pytest.raises(ValueError, match="one class for each"):
        model.given(torch.zeros(3, dtype=torch.long)).posterior(x)
    single = objectives.elbo(model.given(1), x.expand(4000, 1, 2, 2)).elbo
    error = single.std() / len(single) ** 0.5
    assert abs(single.mean() - (log_px_y - gap)) < 4 * error and gap > 0.001


def test_the_loss_is_minus_the_mean_bound_and_reaches_every_weight(model, pairs):
    terms = negative_conditional_elbo(model, pairs, 2.0)
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + 2 * terms["kl"])
    x, y = pairs
    kl = torch.distributions.kl_divergence(model.posterior(x, y), Independent(Normal(torch.zeros(3), 1.0), 1))
    torch.testing.assert_close(terms["kl"], kl.mean())
    terms["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_samples_are_of_the_classes_asked_for_and_a_seed_repeats_them(model):
    y = torch.tensor([0, 1, 2, 3])
    draws = [model.sample(y, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(draws[0], model.decode_mean(z, y))
    assert not draws[0].requires_grad


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda m, x, y: m.encode(x, y.float()), TypeError, "whole numbers"),
        (lambda m, x, y: m.encode(x, y[:2]), ValueError, "one class for each"),
        (lambda m, x, y: m.encode(x, y + 2), ValueError, "classes 0 to 3"),
        (lambda m, x, y: m.encode(x[0], y), ValueError, "batches of images"),
        (lambda m, x, y: m.encode(x.byte(), y), TypeError, "255"),
        (lambda m, x, y: m.decode(torch.zeros(5, 2), y), ValueError, "3 numbers on the last axis"),
        (lambda m, x, y: m.sample(torch.tensor(3)), ValueError, "one for each sample"),
        (lambda m, x, y: ConditionalVAE.mlp(3, n_classes=0), ValueError, "one class or more"),
    ],
)
def test_bad_input_is_named_in_one_sentence(model, pairs, call, error, said):
    with pytest.raises(error, match=said):
        call(model, *pairs)
