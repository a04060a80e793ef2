"""A diffusion prior on codes against Gaussians and mixtures whose best denoiser is known: its bound, samples, classes, loss."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal

from vae_course import objectives
from vae_course.diffusion import cosine, eps_from_x0, levels, score, signal_and_noise
from vae_course.latent_diffusion import (
    CodeDenoiser,
    DiffusionPrior,
    diffusion_loss,
    drawn_codes,
    guided,
    scaling_factor,
)
from vae_course.models import VAE
from vae_course.priors import MixturePrior, WithPrior


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


class Exact(nn.Module):
    """The best denoiser where x0 of class k comes from N(m_k, s^2 I) and every class is as likely; label K is no class."""

    def __init__(self, means, std):
        super().__init__()
        self.means, self.std = torch.tensor(means, dtype=torch.float64), std
        self.n_classes, self.latent_dim = self.means.shape

    def log_q(self, x_t, log_snr):
        """log q(x_t | k), `[B, K]`."""
        alpha, sigma = signal_and_noise(log_snr.unsqueeze(-1).unsqueeze(-1))
        return Normal(alpha * self.means, (alpha**2 * self.std**2 + sigma**2).sqrt()).log_prob(x_t.unsqueeze(1)).sum(-1)

    def log_prob(self, x0, labels=None):
        log_q = self.log_q(x0, torch.full((len(x0),), math.inf, dtype=torch.float64))
        return log_q.logsumexp(1) - math.log(self.n_classes) if labels is None else log_q[torch.arange(len(x0)), labels]

    def forward(self, x_t, log_snr, labels=None):
        share = torch.softmax(self.log_q(x_t, log_snr), 1)
        if labels is not None:
            one_hot = torch.eye(self.n_classes + 1, dtype=torch.float64)[labels, :-1]
            share = torch.where((labels == self.n_classes).unsqueeze(1), share, one_hot)
        alpha, sigma = signal_and_noise(log_snr.unsqueeze(-1))
        m = share @ self.means
        return m + alpha * self.std**2 / (alpha**2 * self.std**2 + sigma**2) * (x_t - alpha * m)

    def draw(self, n, seed=0):
        labels = torch.randint(self.n_classes, (n,), generator=generator(seed))
        return self.means[labels] + self.std * draws(n, self.latent_dim, seed=seed + 1), labels


def gaussian(std=0.5, dim=2):
    return Exact([[0.0] * dim], std)


def two_bumps():
    return Exact([[-1.0, 0.5], [1.0, -0.5]], 0.25)


class Told(nn.Module):
    """A denoiser that remembers what it was told."""

    latent_dim, n_classes = 2, 3

    def __init__(self):
        super().__init__()
        self.log_snr, self.labels = [], []

    def forward(self, x_t, log_snr, labels=None):
        self.log_snr.append(log_snr)
        self.labels.append(labels)
        return x_t


def assert_mean(values, expected, least=0.0):
    """The mean lies within four and a half standard errors."""
    assert values.mean().item() == pytest.approx(expected, abs=4.5 * values.std().item() / len(values) ** 0.5 + least)


# Scaling


def test_scaled_codes_have_variance_one_over_all_dimensions_together():
    codes = draws(500, 3) * torch.tensor([0.1, 2.0, 5.0]) + 3
    c = scaling_factor(codes)
    assert (c * codes).std(correction=0).item() == pytest.approx(1) and c == pytest.approx(1 / codes.numpy().std())
    assert (c * codes).std(0)[2] > 1.2 > 0.1 > (c * codes).std(0)[0]
    assert scaling_factor(codes.float().reshape(100, 5, 3)) == pytest.approx(c, rel=1e-6)


# Guidance


def test_guidance_is_off_at_zero_leaves_the_class_out_at_minus_one_and_goes_beyond_above():
    c, u = draws(4, 2), draws(4, 2, seed=1)
    assert torch.equal(guided(c, u, 0), c) and torch.allclose(guided(c, u, -1), u)
    assert torch.allclose(guided(c, u, 2.0), c + 2 * (c - u))


def test_guidance_of_the_noise_or_of_v_is_guidance_of_the_guess():
    x_t, c, u, log_snr = draws(4, 2), draws(4, 2, seed=1), draws(4, 2, seed=2), draws(4, seed=3)
    alpha, sigma = signal_and_noise(log_snr.unsqueeze(-1))
    eps = [eps_from_x0(x_t, x0, log_snr) for x0 in (c, u, guided(c, u, 1.5))]
    assert torch.allclose(guided(*eps[:2], 1.5), eps[2])
    v = [alpha * e - sigma * x0 for e, x0 in zip(eps, (c, u, guided(c, u, 1.5)), strict=True)]
    assert torch.allclose(guided(*v[:2], 1.5), v[2])


def test_the_guided_score_is_that_of_a_product_of_densities():
    world, x_t, log_snr, y = two_bumps(), draws(7, 2).requires_grad_(), draws(7, seed=1), torch.arange(7) % 2
    log_q = world.log_q(x_t, log_snr)
    product = 2.5 * log_q[torch.arange(7), y] - 1.5 * log_q.logsumexp(1)
    found = score(x_t, DiffusionPrior(world).told(y, 7, weight=1.5)(x_t, log_snr), log_snr)
    assert torch.allclose(found, torch.autograd.grad(product.sum(), x_t)[0])


# The network


def test_an_untrained_network_is_a_standard_normal_on_the_scaled_codes():
    torch.manual_seed(0)
    prior, z = DiffusionPrior(CodeDenoiser(3, hidden=8), scale=2.5), torch.randn(3000, 3) / 2.5
    found = prior.distribution().log_prob(z)
    assert found.dtype == torch.float32
    # With x0 ~ N(0, I) neither end costs anything, and each step of DDIM shrinks by the cosine of its angle.
    assert_mean(found - Normal(0.0, 1 / 2.5).log_prob(z).sum(-1), 0)
    assert torch.allclose(prior.sample(4000, n_steps=200).std(0), torch.tensor(1 / 2.5), rtol=0.04)
    shrunk = math.cos(math.pi / 2 / 16) ** 16 / 2.5
    assert torch.allclose(prior.sample(4000, n_steps=16).std(0), torch.tensor(shrunk), rtol=0.04)


def test_the_network_predicts_v():
    model, x_t, log_snr, given = CodeDenoiser(2, hidden=4).double(), draws(5, 2), draws(5, seed=1), draws(2, seed=2)
    model.last.bias.data.copy_(given)
    (alpha, sigma), guess = signal_and_noise(log_snr.unsqueeze(-1)), model(x_t, log_snr)
    assert torch.allclose(alpha * (x_t - alpha * guess) / sigma - sigma * guess, given.expand(5, 2))


def test_level_and_class_of_each_point_enter_every_block():
    torch.manual_seed(0)
    model, x_t, level, y = CodeDenoiser(3, n_classes=4), torch.randn(4, 3), torch.arange(4.0), torch.arange(4)
    nn.init.normal_(model.last.weight)
    alone = torch.cat([model(x_t[i : i + 1], level[i : i + 1], y[i]) for i in range(4)])
    assert torch.allclose(model(x_t, level, y), alone, atol=1e-4)
    assert torch.equal(model(x_t, level), model(x_t, level, torch.full((4,), 4)))
    for other in (model(x_t, level, y.flip(0)), model(x_t, level.flip(0), y), model(x_t, level)):
        assert not torch.allclose(model(x_t, level, y), other, atol=1e-2)
    for kept in range(3):
        # With all blocks but one taken out, the condition still comes in by the one that is left.
        one = CodeDenoiser(3, n_blocks=1, n_classes=4)
        one.load_state_dict({name.replace(f"blocks.{kept}", "blocks.0"): value for name, value in model.state_dict().items()
                             if "blocks" not in name or f"blocks.{kept}" in name})  # fmt: skip
        assert not torch.allclose(one(x_t, level, y), one(x_t, level, y.flip(0)), atol=1e-3)
    assert sum(p.numel() for p in CodeDenoiser().parameters()) == 409_876


# The bound


@pytest.mark.parametrize(("first", "last"), [(9.0, -6.0), (1.0, 0.0)])
@pytest.mark.parametrize("scale", [1.0, 1.6])
def test_the_bound_of_a_gaussian_is_its_log_density_but_for_what_the_two_ends_cost(first, last, scale):
    world = gaussian()
    prior = DiffusionPrior(world, scale=scale, first=first, last=last).double()
    z = world.draw(6000)[0] / scale
    found = prior.terms(z, generator=generator(3))
    low, high = (torch.sigmoid(torch.tensor(end, dtype=torch.float64)) for end in (last, first))
    # At the noisy end N(0, v) is taken for N(0, 1); at the other the decoder has the variance 1 - high, and not that of q.
    v, left = low * 0.25 + 1 - low, 0.25 * (1 - high) / (high * 0.25 + 1 - high)
    ends = (v - 1 - v.log()) + ((1 - high).log() - left.log() + left / (1 - high) - 1)
    log_p = world.log_prob(scale * z) + 2 * math.log(scale)
    assert_mean(log_p - found.elbo, ends.item(), least=1e-6)
    assert (ends > 0.2) == (first == 1.0)
    assert torch.allclose(found.elbo, -(found.prior + found.steps.sum(0) + found.reconstruction))


@pytest.mark.parametrize("n_draws", [1, 16])
def test_the_bound_of_a_mixture_and_of_its_classes_is_their_log_density(n_draws):
    world = two_bumps()
    prior = DiffusionPrior(world, scale=0.5, n_draws=n_draws).double()
    x0, y = world.draw(6000)
    for labels in (None, y):
        torch.manual_seed(1)
        found = prior.distribution(labels).log_prob(x0 / 0.5)
        assert_mean(world.log_prob(x0, labels) + 2 * math.log(0.5) - found, 0, least=1e-4)
    assert prior.terms(x0 / 0.5).steps.shape == (n_draws, 6000) and prior.terms(x0, n_draws=3).steps.shape == (3, 6000)


def test_a_vae_with_this_prior_keeps_its_bound():
    torch.manual_seed(0)
    world, vae, x = two_bumps(), VAE.mlp(2, hidden=(16,), shape=(1, 4, 4)).double(), draws(2000, 1, 4, 4).sigmoid()
    same = MixturePrior.of(torch.ones(2) / 2, world.means, torch.full((2, 2), 2 * math.log(0.25))).double()
    bounds = []
    for prior in (DiffusionPrior(world), same):
        torch.manual_seed(1)
        bounds.append(objectives.iwae_bound(WithPrior(vae, prior), x.round(), k=1))
    assert_mean(bounds[1] - bounds[0], 0, least=1e-4)
    bounds[0].mean().backward()
    assert all(p.grad.abs().max() > 0 for p in vae.encoder.parameters())


def test_the_distribution_has_the_shapes_of_codes():
    prior = DiffusionPrior(two_bumps()).double()
    p, told = prior.distribution(), prior.distribution(torch.tensor([0, 1, 1]))
    assert p.event_shape == (2,) and p.batch_shape == ()
    assert p.log_prob(draws(4, 3, 2)).shape == (4, 3) and p.log_prob(draws(2)).shape == ()
    assert p.sample((4, 3)).shape == (4, 3, 2) and p.sample().shape == (2,)
    assert told.log_prob(draws(4, 3, 2)).shape == (4, 3)
    assert (told.sample((50, 3))[..., 0] > 0).double().mean(0).tolist() == [0, 1, 1]


# Samples


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_samples_follow_the_mixture_or_the_class_that_is_asked_for(scale):
    world = two_bumps()
    prior = DiffusionPrior(world, scale=scale).double()
    drawn = scale * prior.sample(4000, n_steps=200, generator=generator(1))
    right = drawn[:, 0] > 0
    assert abs(right.double().mean() - 0.5) < 0.04
    told = scale * prior.sample(4000, labels=torch.ones(4000).long(), n_steps=200, generator=generator(2))
    for found in (drawn[right], told):
        assert torch.allclose(found.mean(0), world.means[1], atol=0.03) and torch.allclose(
            found.std(0), torch.tensor(0.25, dtype=torch.float64), rtol=0.06
        )
    assert torch.equal(prior.sample(9, labels=1, generator=generator()),
                       prior.sample(9, labels=torch.ones(9).long(), generator=generator()))  # fmt: skip


def test_guided_samples_of_gaussian_classes_are_what_the_closed_form_leads_to():
    # One Gaussian class, N(m, s^2), before a background of N(0, I): the guided guess is linear in x_t.
    m, s, w = 0.7, 0.5, 1.5

    class Background(Exact):
        def forward(self, x_t, log_snr, labels=None):
            alpha, _ = signal_and_noise(log_snr.unsqueeze(-1))
            return alpha * x_t if labels is None else super().forward(x_t, log_snr, labels)

    prior = DiffusionPrior(Background([[m]], s), first=5.0, last=-5.0).double()
    found = prior.sample(50, labels=0, weight=w, n_steps=4, generator=generator())
    # The prior was made double after its noise is drawn in single precision.
    x = torch.randn(50, 1, generator=generator()).double()
    alpha, sigma = signal_and_noise(levels(cosine(5.0, -5.0), 4).flip(0))

    def guess(k):
        share = alpha[k] * s**2 / (alpha[k] ** 2 * s**2 + sigma[k] ** 2)
        return (1 + w) * (m + share * (x - alpha[k] * m)) - w * alpha[k] * x

    for k in range(4):
        x0 = guess(k)
        x = alpha[k + 1] * x0 + sigma[k + 1] * (x - alpha[k] * x0) / sigma[k]
    assert torch.allclose(found, guess(4))
    plain = prior.sample(500, labels=0, n_steps=100, generator=generator())
    strong = prior.sample(500, labels=0, weight=w, n_steps=100, generator=generator())
    assert strong.mean() > plain.mean() + 0.2 and strong.std() < plain.std() - 0.05


def test_samples_come_from_the_generator_alone():
    prior, before = DiffusionPrior(two_bumps()), torch.get_rng_state()
    one, again, other = (prior.sample(5, generator=generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


# The loss


@pytest.mark.parametrize("scale", [1.0, 1.6])
def test_the_loss_is_the_sum_of_the_levels_in_nats(scale):
    world = gaussian(dim=1)
    prior = DiffusionPrior(world, scale=scale, first=6.0, last=-5.0)
    z = world.draw(40_000)[0] / scale
    found = sum(diffusion_loss(prior, z)["loss"].item() for _ in range(4)) / 4
    # 1/2 integral of SNR s^2 / (1 + SNR s^2).
    assert found == pytest.approx((math.log1p(0.25 * math.exp(6)) - math.log1p(0.25 * math.exp(-5))) / 2, rel=0.02)
    simple = diffusion_loss(prior, z, weighting="simple")["loss"].item()
    power = 0.25 * levels(prior.schedule, 20_000).exp()
    assert simple == pytest.approx((power / (1 + power)).mean().item(), rel=0.04)


@pytest.mark.parametrize("drop", [0.0, 0.3, 1.0])
def test_classes_are_dropped_anew_each_time_for_their_share(drop):
    prior, y = DiffusionPrior(Told()), torch.arange(6000) % 3
    for _ in range(2):
        diffusion_loss(prior, (torch.randn(6000, 2), y), drop=drop)
    for labels in prior.denoiser.labels:
        kept = labels != 3
        assert (~kept).double().mean().item() == pytest.approx(drop, abs=0.03) and torch.equal(labels[kept], y[kept])
    assert torch.equal(*prior.denoiser.labels) == (drop in (0, 1))
    assert prior.denoiser.log_snr[0].min() > -6.01 and prior.denoiser.log_snr[0].max() < 9.01


def test_without_classes_the_denoiser_is_told_none():
    prior = DiffusionPrior(Told())
    diffusion_loss(prior, torch.randn(5, 2))
    prior.terms(torch.randn(5, 2))
    prior.sample(5)
    assert all(labels is None for labels in prior.denoiser.labels)


def test_codes_are_drawn_anew_from_their_posteriors():
    mu, logvar, y = draws(3, 2), draws(3, 2, seed=1), torch.arange(3)
    many = torch.stack([drawn_codes((mu, logvar), generator(seed)) for seed in range(3000)])
    std = (0.5 * logvar).exp()
    assert ((many.mean(0) - mu).abs() < 4.5 * std / 3000**0.5).all() and torch.allclose(many.std(0), std, rtol=0.1)
    z, same = drawn_codes((mu, logvar, y), generator(7))
    assert torch.equal(z, many[7]) and torch.equal(same, y)


def test_a_network_learns_two_classes_and_what_they_are_together():
    torch.manual_seed(0)
    world = two_bumps()
    prior = DiffusionPrior(CodeDenoiser(2, hidden=32, n_blocks=1, n_classes=2), scale=1 / 0.8)
    optimiser = torch.optim.Adam(prior.parameters(), lr=1e-2)
    for step in range(200):
        z, y = world.draw(200, seed=step)
        optimiser.zero_grad()
        diffusion_loss(prior, (z.float(), y), drop=0.3)["loss"].backward()
        optimiser.step()
    z, y = world.draw(1000, seed=1000)
    with torch.no_grad():
        # Without training the gaps are 1.7 and 2.3 nats.
        for labels, most in ((None, 0.7), (y, 0.4)):
            gap = world.log_prob(z, labels) - prior.distribution(labels).log_prob(z.float())
            assert -0.1 < gap.mean() < most
        drawn = prior.sample(200, labels=1, generator=generator())
    assert (drawn[:, 0] > 0).float().mean() > 0.95


# Bad input


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: scaling_factor(torch.ones(3, 2)), ValueError, "standard deviation 0: give finite codes that differ"),
        (lambda: scaling_factor(torch.ones(0, 2)), ValueError, "standard deviation nan"),
        (lambda: scaling_factor(torch.tensor([1.0, math.nan])), ValueError, "standard deviation nan"),
        (lambda: guided(draws(3, 2), draws(2), 1), ValueError, r"shapes \[3, 2\] and \[2\]: they must be the same"),
        (lambda: CodeDenoiser(0), ValueError, "latent_dim is 0"),
        (lambda: CodeDenoiser(2, hidden=0), ValueError, "hidden is 0"),
        (lambda: CodeDenoiser(2, n_blocks=0), ValueError, "n_blocks is 0"),
        (lambda: CodeDenoiser(2, n_classes=-1), ValueError, "n_classes is -1"),
        (lambda: CodeDenoiser(2)(torch.ones(3, 2), torch.ones(3), torch.ones(3).long()), ValueError, "knows no classes"),
        (lambda: CodeDenoiser(2, n_classes=2)(torch.ones(3, 2), torch.ones(3), torch.tensor(3)), ValueError, "runs from 3"),
        (lambda: DiffusionPrior(Told(), scale=0), ValueError, "scale is 0: give a number above zero"),
        (lambda: DiffusionPrior(Told(), n_draws=0), ValueError, "n_draws is 0"),
        (lambda: DiffusionPrior(Told(), first=-6, last=9).sample(3), ValueError, "do not fall"),
        (lambda: DiffusionPrior(Told()).terms(draws(3, 5)), ValueError, r"z has shape \[3, 5\], but .* has 2 numbers"),
        (lambda: DiffusionPrior(Told()).distribution().log_prob(draws(3, 5)), ValueError, r"z has shape \[3, 5\]"),
        (lambda: diffusion_loss(DiffusionPrior(Told()), draws(3, 5)), ValueError, r"z has shape \[3, 5\]"),
        (lambda: DiffusionPrior(Told()).terms(torch.ones(3, 2).long()), TypeError, "z holds torch.int64"),
        (lambda: DiffusionPrior(Told()).sample(0), ValueError, "n is 0"),
        (lambda: DiffusionPrior(Told()).sample(2, n_steps=0), ValueError, "n_steps is 0"),
        (lambda: DiffusionPrior(Told()).sample(2, weight=1), ValueError, "weight is 1, but there are no labels"),
        (lambda: DiffusionPrior(Told()).sample(2, labels=3), ValueError, "y runs from 3 to 3: this model knows"),
        (lambda: DiffusionPrior(Told()).sample(2, labels=torch.ones(3).long()), ValueError, r"y has shape \[3\] for \[2\]"),
        (lambda: DiffusionPrior(Told()).sample(2, labels=0.5), TypeError, "give classes as whole numbers"),
        (lambda: DiffusionPrior(CodeDenoiser(2)).sample(2, labels=1), ValueError, "make its denoiser with n_classes"),
        (lambda: diffusion_loss(DiffusionPrior(CodeDenoiser(2)), (torch.ones(3, 2), torch.ones(3).long())), ValueError,
         "make its denoiser with n_classes"),
        (lambda: diffusion_loss(DiffusionPrior(Told()), draws(3, 2), drop=2), ValueError, "drop is 2: give the share"),
        (lambda: diffusion_loss(DiffusionPrior(Told()), draws(3, 2), weighting="fair"), ValueError, "weighting is 'fair'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()
