"""Two levels of codes: the merge, the pair as one code, and both bounds where a sum over a plane knows everything."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from vae_course import objectives
from vae_course.hierarchies import LadderVAE, TwoLevelVAE, merge, negative_hierarchical_elbo, terms

KINDS = pytest.mark.parametrize("kind", [TwoLevelVAE, LadderVAE], ids=["bottom-up", "ladder"])
SHAPE = (1, 2, 2)


def made(kind: type[TwoLevelVAE], dims: tuple[int, int] = (3, 2), *, seed: int = 0, wild: float = 1.0) -> TwoLevelVAE:
    """A small model in double precision; a wild one has larger weights, so that the levels depend on each other."""
    torch.manual_seed(seed)
    model = kind.mlp(dims, hidden=(6, 5), shape=SHAPE).double()
    with torch.no_grad():
        for weights in model.parameters():
            weights *= wild
    return model


@pytest.fixture
def x() -> Tensor:
    return torch.rand(5, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64).round()


# ------------------------------------------------------------------------------------------------ the merge


def _normal(mu: float, logvar: float) -> Normal:
    return Normal(*torch.tensor([mu, math.exp(logvar / 2)], dtype=torch.float64))


def test_the_merged_gaussian_is_the_normalised_product_by_quadrature():
    z = torch.linspace(-20, 20, 40_001, dtype=torch.float64)
    for mu_a, logvar_a, mu_b, logvar_b in [(0.0, 0.0, 2.0, 0.0), (-1.0, 1.0, 3.0, -2.0), (4.0, 2.0, 4.0, 0.5)]:
        a, b = (_normal(*each) for each in ((mu_a, logvar_a), (mu_b, logvar_b)))
        product = (a.log_prob(z) + b.log_prob(z)).exp()
        product /= product.sum()
        mu, logvar = merge(*(torch.tensor(v, dtype=torch.float64) for v in (mu_a, logvar_a, mu_b, logvar_b)))
        mean = (product * z).sum()
        assert float(mu) == pytest.approx(float(mean), abs=1e-9)
        assert float(logvar.exp()) == pytest.approx(float((product * (z - mean).square()).sum()), rel=1e-9)


def test_precisions_add_and_means_are_weighed_by_them_for_tensors_that_broadcast():
    source = torch.Generator().manual_seed(0)
    mu_a, logvar_a = torch.randn(2, 4, 3, generator=source, dtype=torch.float64)
    mu_b, logvar_b = torch.randn(2, 5, 4, 3, generator=source, dtype=torch.float64)
    mu, logvar = merge(mu_a, logvar_a, mu_b, logvar_b)
    precision = 1 / logvar_a.exp() + 1 / logvar_b.exp()
    torch.testing.assert_close(1 / logvar.exp(), precision)
    torch.testing.assert_close(mu, (mu_a / logvar_a.exp() + mu_b / logvar_b.exp()) / precision)
    for one, other in zip((mu, logvar), merge(mu_b, logvar_b, mu_a, logvar_a), strict=True):
        torch.testing.assert_close(one, other)


def test_who_is_sure_is_heard_alone_and_nothing_overflows():
    mu, logvar = merge(
        torch.tensor([1.0, 1.0, 1.0]), torch.tensor([-90.0, 90.0, 0.0]), torch.full((3,), 5.0), torch.zeros(3)
    )
    torch.testing.assert_close(mu, torch.tensor([1.0, 5.0, 3.0]))
    torch.testing.assert_close(logvar, torch.tensor([-90.0, 0.0, -math.log(2)]))


# ------------------------------------------------------------------------------------------------ pairs


@KINDS
def test_a_pair_is_one_code_with_the_bottom_first(kind, x):
    model = made(kind)
    q, p = model.posterior(x), model.prior()
    assert (q.batch_shape, q.event_shape) == ((5,), (5,)) and (p.batch_shape, p.event_shape) == ((), (5,))
    z = q.rsample((4,))
    assert z.shape == (4, 5, 5) and q.log_prob(z).shape == (4, 5) == p.log_prob(z).shape
    z1, z2 = z.split((3, 2), -1)
    mu, logvar = model.decode_top(z2)
    expected = Normal(0.0, 1.0).log_prob(z2).sum(-1) + Normal(mu, (0.5 * logvar).exp()).log_prob(z1).sum(-1)
    torch.testing.assert_close(p.log_prob(z), expected)
    torch.testing.assert_close(model.likelihood(z).mean, model.decode_mean(z1))
    if kind is LadderVAE:
        (mu2, logvar2), (mu1, logvar1) = model.encode_top(x), merge(*model.encode(x), mu, logvar)
    else:
        (mu2, logvar2), (mu1, logvar1) = model.encode_top(z1), model.encode(x)
    expected = Normal(mu2, (0.5 * logvar2).exp()).log_prob(z2).sum(-1) + Normal(mu1, (0.5 * logvar1).exp()).log_prob(
        z1
    ).sum(-1)
    torch.testing.assert_close(q.log_prob(z), expected)


@KINDS
def test_draws_of_a_pair_have_the_density_that_is_stated(kind, x):
    # Draws from the prior, weighed by q / p, must have the moments of draws from q: a noise of another width would show.
    model = made(kind)
    q, p = model.posterior(x[:1]), model.prior()
    with torch.no_grad():
        torch.manual_seed(0)
        z, own = p.rsample((100_000, 1))[:, 0], q.rsample((100_000,))[:, 0]
        weight = (q.log_prob(z[:, None]) - p.log_prob(z[:, None])).exp()
    for moment in (lambda t: t, torch.square, lambda t: t[:, :1] * t[:, 3:]):
        theirs, ours = weight * moment(z), moment(own)
        error = ((theirs.var(0) + ours.var(0)) / len(z)).sqrt()
        assert ((theirs.mean(0) - ours.mean(0)).abs() < 4.5 * error).all()
    assert float(weight.mean()) == pytest.approx(1, abs=4.5 * float(weight.std()) / len(z) ** 0.5)


@KINDS
def test_samples_are_drawn_top_first_and_a_seed_repeats_them(kind):
    model = made(kind)
    draws = [model.sample(6, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    source = torch.Generator().manual_seed(1)
    eps, z2 = torch.randn(6, 3, generator=source).double(), torch.randn(6, 2, generator=source).double()
    mu, logvar = model.decode_top(z2)
    torch.testing.assert_close(draws[0], model.decode_mean(mu + (0.5 * logvar).exp() * eps))


# ------------------------------------------------------------------------------------------------ bounds


def on_a_plane(model: TwoLevelVAE, x: Tensor) -> dict[str, float]:
    """log p(x), the bound and its parts for one image and one number at each level, by a sum over a grid."""
    side = torch.linspace(-12, 12, 801, dtype=torch.float64)
    z1, z2 = (g.flatten()[:, None] for g in torch.meshgrid(side, side, indexing="ij"))
    area = 0.03**2
    with torch.no_grad():
        log_px_z = model.pixels(z1).log_prob(x)
        given = Normal(*_width(model.decode_top(z2))).log_prob(z1)[:, 0]
        log_p2 = Normal(0.0, 1.0).log_prob(z2)[:, 0]
        if isinstance(model, LadderVAE):
            log_q2 = Normal(*_width(model.encode_top(x))).log_prob(z2)[:, 0]
            log_q1 = Normal(*_width(merge(*model.encode(x), *model.decode_top(z2)))).log_prob(z1)[:, 0]
        else:
            log_q2 = Normal(*_width(model.encode_top(z1))).log_prob(z2)[:, 0]
            log_q1 = Normal(*_width(model.encode(x))).log_prob(z1)[:, 0]
        q = (log_q1 + log_q2).exp() * area
        parts = {"log_px_z": log_px_z, "kl_bottom": log_q1 - given, "kl_top": log_q2 - log_p2}
        means = {name: float((q * values).sum()) for name, values in parts.items()}
        log_px = float(torch.logsumexp(log_px_z + given + log_p2, 0)) + math.log(area)
    assert float(q.sum()) == pytest.approx(1, abs=1e-5)
    return means | {"log_px": log_px, "elbo": means["log_px_z"] - means["kl_bottom"] - means["kl_top"]}


def _width(parameters: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    mu, logvar = parameters
    return mu, (0.5 * logvar).exp()


@KINDS
@pytest.mark.parametrize("seed", [1, 2])
def test_bound_and_parts_are_those_of_a_sum_over_the_plane(kind, seed, x):
    model = made(kind, (1, 1), seed=seed, wild=1.6)
    exact = on_a_plane(model, x[:1])
    with torch.no_grad():
        torch.manual_seed(0)
        drawn = terms(model, x[:1].expand(60_000, *SHAPE))
    for name, values in drawn._asdict().items():
        assert float(values.mean()) == pytest.approx(
            exact[name], abs=4 * float(values.std()) / len(values) ** 0.5 + 1e-6
        ), name
    assert exact["elbo"] < exact["log_px"] - 1e-3


@KINDS
def test_importance_weights_run_unchanged_and_reach_log_p(kind, x):
    model = made(kind, (1, 1), seed=1, wild=1.6)
    exact = on_a_plane(model, x[:1])
    with torch.no_grad():
        torch.manual_seed(0)
        weights = objectives.log_weights(model, x[:1], k=60_000)[:, 0]
    ratio = (weights - exact["log_px"]).exp()
    assert float(ratio.mean()) == pytest.approx(1, abs=4 * float(ratio.std()) / len(ratio) ** 0.5)
    assert float(weights.mean()) == pytest.approx(exact["elbo"], abs=4 * float(weights.std()) / len(weights) ** 0.5)


def test_the_parts_of_a_ladder_are_never_negative_and_the_bottom_part_from_below_can_be(x):
    with torch.no_grad():
        ladder = terms(made(LadderVAE, wild=2.0), x, n_samples=20)
        assert (ladder.kl_bottom > 0).all() and (ladder.kl_top > 0).all()
        # z2 repeats z1 almost exactly, and p(z1 | z2) knows that it does; q(z1 | x) is wide.
        model = made(TwoLevelVAE, (1, 1))
        for network, weight, logvar in (
            (model.encoder, 0.0, 0.0),
            (model.top_encoder, 1.0, -6.0),
            (model.top_decoder, 1.0, -6.0),
        ):
            _straight(network, weight, logvar)
        up = terms(model, x, n_samples=200)
    assert (up.kl_bottom < -1).all() and (up.kl_top > 1).all() and (up.kl_bottom + up.kl_top > -0.2).all()


def _straight(network: torch.nn.Sequential, weight: float, logvar: float) -> None:
    """Make mu = weight times the input, with a constant logvar, of a network with one hidden layer of ReLUs."""
    first, second = (layer for layer in network if isinstance(layer, torch.nn.Linear))
    for layer in (first, second):
        layer.weight.zero_()
        layer.bias.zero_()
    first.weight[0, 0], first.weight[1, 0] = 1.0, -1.0
    second.weight[0, 0], second.weight[0, 1] = weight, -weight
    second.bias[1] = logvar


@KINDS
def test_the_loss_is_minus_the_mean_bound_with_both_levels_weighed_and_reaches_every_weight(kind, x):
    model = made(kind)
    found = negative_hierarchical_elbo(model, x, 2.0, n_samples=3)
    torch.testing.assert_close(found["loss"], found["reconstruction"] + 2 * (found["kl_bottom"] + found["kl_top"]))
    found["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@KINDS
def test_gradients_pass_through_the_draws_of_both_levels(kind, x):
    model = made(kind)
    found = terms(model, x)
    # What is drawn from an encoder, and the term that sees it through the draw alone.
    paths = [(found.log_px_z, model.encoder)]
    if kind is LadderVAE:
        paths += [
            (found.log_px_z, model.top_encoder),
            (found.log_px_z, model.top_decoder),
            (found.kl_bottom, model.top_encoder),
        ]
    else:
        paths.append((found.kl_bottom, model.top_encoder))
    for term, network in paths:
        slopes = torch.autograd.grad(term.sum(), list(network.parameters()), retain_graph=True, materialize_grads=True)
        assert all(slope.abs().sum() > 0 for slope in slopes)


@KINDS
def test_many_draws_are_a_mean_of_different_ones(kind, x):
    model = made(kind, wild=2.0)
    draw = model.draw(x, n_samples=3)
    assert draw.z1.shape == (3, 5, 3) and draw.z2.shape == (3, 5, 2)
    assert draw.kl_bottom.shape == (3, 5) == draw.kl_top.shape
    assert not torch.equal(draw.z1[0], draw.z1[1]) and not torch.equal(draw.z2[0], draw.z2[1])
    assert not torch.equal(draw.z1[0, 0], draw.z1[0, 1])


def test_the_defaults_make_the_networks_that_the_docstrings_state():
    up, ladder = TwoLevelVAE.mlp(), LadderVAE.mlp()
    assert [p.shape[0] for n, p in up.named_parameters() if n.endswith("bias")] == [400, 40, 200, 20, 200, 40, 400, 784]
    widths = {name: p.shape for name, p in ladder.named_parameters() if name.endswith("weight")}
    assert widths["trunk.1.weight"] == (400, 784) and widths["encoder.weight"] == (40, 400)
    assert widths["top_encoder.1.weight"] == (200, 400) and widths["top_encoder.3.weight"] == (20, 200)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda m, x: m.encode(x[:, :, :1]), ValueError, r"x has shape \[5, 1, 1, 2\]"),
        (lambda m, x: m.encode(x.long()), TypeError, "floating-point"),
        (lambda m, x: m.decode(torch.zeros(4)), ValueError, r"z1 has shape \[4\] .* level 1 have 3 numbers"),
        (lambda m, x: m.decode_top(torch.zeros(1, 3)), ValueError, r"z2 has shape \[1, 3\] .* level 2 have 2 numbers"),
        (lambda m, x: terms(m, x, n_samples=0), ValueError, "n_samples is 0"),
        (lambda m, x: terms(m, x[:0]), ValueError, "x is empty"),
        (lambda m, x: m.sample(0), ValueError, "n is 0"),
        (lambda m, x: type(m).mlp((3, 0)), ValueError, r"latent_dims is \(3, 0\)"),
        (lambda m, x: type(m).mlp((3, 2), hidden=(5,)), ValueError, r"hidden is \(5,\)"),
    ],
)
@KINDS
def test_bad_input_is_named_in_one_sentence(kind, x, call, error, said):
    with pytest.raises(error, match=said) as raised:
        call(made(kind), x)
    assert "\n" not in str(raised.value)
