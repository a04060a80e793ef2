"""M2 on codes: its bounds lie where the exact ones lie, and it learns from examples without a label."""

import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal

from vae_course.studies import semi_supervised
from vae_course.studies.semi_supervised import LabelledCodes


@pytest.fixture
def model():
    torch.manual_seed(0)
    return LabelledCodes(2, latent_dim=1, hidden=8, n_classes=3).double()


def test_the_bound_with_a_label_is_below_log_p_of_codes_and_label_by_quadrature(model):
    c = torch.tensor([[0.5, -1.0]], dtype=torch.float64)
    y = torch.tensor([1])
    z = torch.linspace(-8, 8, 2001, dtype=torch.float64)[:, None]
    told = torch.nn.functional.one_hot(y.expand(2001), 3).double()
    log_pc = Independent(Normal(model.decoder(torch.cat([z, told], 1)), (0.5 * model.logvar).exp()), 1).log_prob(c)
    log_joint = log_pc + Normal(0.0, 1.0).log_prob(z[:, 0]) - math.log(3)
    exact = torch.logsumexp(log_joint, 0) + math.log(16 / 2000)
    mu, logvar = model.encoder(torch.cat([c, told[:1]], 1)).chunk(2, 1)
    log_q = Normal(mu[0], (0.5 * logvar[0]).exp()).log_prob(z[:, 0])
    expected = (log_q.exp() * (log_joint - log_q)).sum() * 16 / 2000
    draws = model.elbo(c.expand(20_000, 2), y.expand(20_000))
    assert abs(draws.mean() - expected) < 4 * draws.std() / 20_000**0.5
    assert expected < exact


def test_without_a_label_the_bound_sums_over_the_classes_and_adds_the_entropy(model):
    # q(y | c) and the bound with each label do not depend on the draw where the decoder does not listen to z.
    with torch.no_grad():
        model.decoder[0].weight[:, 0] = 0
    c = torch.randn(4, 2, dtype=torch.float64)
    bounds = torch.stack([model.elbo(c, torch.full((4,), y)) for y in range(3)], 1)
    q = model.classifier(c).softmax(1)
    expected = (q * bounds).sum(1) + torch.distributions.Categorical(q).entropy()
    torch.testing.assert_close(model.elbo_without_label(c), expected)


def test_the_loss_holds_its_three_terms_with_their_weights(model):
    with torch.no_grad():
        model.decoder[0].weight[:, 0] = 0
    c, known, y = torch.randn(6, 2).double(), torch.randn(3, 2).double(), torch.tensor([0, 1, 2])
    terms = semi_supervised.loss(model, c, labelled=(known, y), n_data=60, weight=7.0)
    cross_entropy = -model.classifier(known).log_softmax(1)[torch.arange(3), y].mean()
    expected = -model.elbo_without_label(c).mean() - 3 / 60 * model.elbo(known, y).mean() + 7 * cross_entropy
    torch.testing.assert_close(terms["loss"], expected)


def test_codes_without_labels_move_the_boundary_to_where_the_classes_part():
    # Two long clouds side by side; one labelled point each, which lie so that a classifier of these alone errs.
    torch.manual_seed(1)
    clouds = MultivariateNormal(torch.zeros(2), torch.tensor([[9.0, 0.0], [0.0, 0.05]]))
    c = torch.cat([clouds.sample((300,)) + torch.tensor([0.0, side]) for side in (-1.0, 1.0)])
    y = torch.arange(2).repeat_interleave(300)
    known = torch.tensor([[-3.0, -1.0], [-1.0, -1.0], [1.0, 1.0], [3.0, 1.0]])
    model = LabelledCodes(2, latent_dim=1, hidden=16, n_classes=2)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        semi_supervised.loss(model, c, labelled=(known, torch.tensor([0, 0, 1, 1])), n_data=600)["loss"].backward()
        optimizer.step()
    assert (model.classify(c) == y).double().mean() > 0.95
