"""The discretised logistic against differences of a sigmoid in float64 and its own sums; the VAE of colour pictures."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Independent, Normal

from vae_course.colour import LEVELS, ColourVAE, DiscretisedLogistic
from vae_course.objectives import negative_elbo

GREY = torch.arange(LEVELS, dtype=torch.float64) / 255
few = settings(max_examples=30, deadline=None)
locations, log_scales = st.floats(-3, 4), st.floats(-9, 3)


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ColourVAE.conv(3, channels=4, shape=(3, 8, 8))


@pytest.fixture
def pictures():
    return torch.randint(256, (6, 3, 8, 8), generator=torch.Generator().manual_seed(1)) / 255


@few
@given(locations, log_scales)
def test_the_256_probabilities_add_up_to_one(m, log_s):
    for dtype, error in ((torch.float64, 1e-12), (torch.float32, 2e-4)):
        # In single precision a pixel is exact to some 1e-8 of the range, of which a scale of e^-9 makes 1e-4 of itself.
        log_p = DiscretisedLogistic(double(m).to(dtype), double(log_s).to(dtype)).log_prob(GREY.to(dtype))
        assert log_p.dtype == dtype and log_p.shape == (256,) and (log_p <= 1e-6).all()
        assert log_p.double().exp().sum().item() == pytest.approx(1, abs=error)


@few
@given(st.floats(-0.2, 1.2), st.floats(-4, 1), st.integers(0, 255))
def test_each_is_the_mass_of_its_bin_and_the_ends_take_the_tails(m, log_s, k):
    edges = torch.cat([double(-math.inf), (GREY[1:] + GREY[:-1]) / 2, double(math.inf)])
    mass = torch.sigmoid((edges - m) / math.exp(log_s)).diff()
    found = DiscretisedLogistic(double(m), double(log_s)).log_prob(GREY)
    assert torch.allclose(found.exp(), mass, atol=1e-13)


@pytest.mark.parametrize(("m", "log_s"), [(-1e4, -9.0), (1e4, -9.0), (0.5, -20.0), (0.5, 12.0), (-50.0, 3.0)])
def test_far_locations_and_extreme_scales_keep_a_finite_log_and_a_gradient(m, log_s):
    location, log_scale = (torch.tensor([value], requires_grad=True) for value in (m, log_s))
    log_p = DiscretisedLogistic(location, log_scale).log_prob(GREY.float())
    log_p.sum().backward()
    for values in (log_p, location.grad, log_scale.grad):
        assert torch.isfinite(values).all()


def test_the_log_of_a_far_level_is_that_of_the_tail():
    # For x far above m, P(x) = exp(-(x - m) / s) (exp(h / s) - exp(-h / s)) with h = 1/510.
    m, s = -20.0, 0.02
    found = DiscretisedLogistic(torch.tensor(m), torch.tensor(s).log()).log_prob(GREY[1:-1].float())
    expected = -(GREY[1:-1] - m) / s + math.log(2 * math.sinh(1 / 510 / s))
    assert torch.allclose(found.double(), expected, rtol=1e-5)


@few
@given(locations, st.floats(-9, 2))
def test_the_mean_is_that_of_the_256_probabilities(m, log_s):
    p = DiscretisedLogistic(double(m), double(log_s))
    assert p.mean.item() == pytest.approx((p.log_prob(GREY).exp() @ GREY).item(), abs=1e-10)


@pytest.mark.parametrize(("m", "s"), [(0.3, 0.01), (1.05, 0.1), (-0.2, 0.3)])
def test_draws_have_the_probabilities(m, s):
    n = 40_000
    drawn = DiscretisedLogistic(double(m), double(s).log()).sample((n,))
    assert drawn.shape == (n, 1)
    level = (255 * drawn).round().long().flatten()
    assert torch.allclose(GREY[level], drawn.flatten())
    p = DiscretisedLogistic(double(m), double(s).log()).log_prob(GREY).exp()
    seen = torch.bincount(level, minlength=256) / n
    assert ((seen - p).abs() <= 5 * (p * (1 - p) / n).sqrt() + 2e-4).all()


def test_scales_go_with_channels_or_with_pixels():
    location, log_scale = torch.rand(2, 3, 4, 4), torch.tensor([-1.0, -2.0, -3.0]).view(3, 1, 1)
    p = DiscretisedLogistic(location, log_scale)
    assert p.batch_shape == p.mean.shape == p.sample().shape == (2, 3, 4, 4)
    assert torch.equal(
        p.log_prob(torch.zeros(2, 3, 4, 4))[:, 1],
        DiscretisedLogistic(location[:, 1], torch.tensor(-2.0)).log_prob(torch.zeros(2, 4, 4)),
    )
    assert repr(p)


@pytest.mark.parametrize("x", [0.5, -1 / 255, 256 / 255, math.nan, 2.0])
def test_what_is_no_grey_level_has_no_probability(x):
    with pytest.raises(ValueError, match="no grey levels 0, 1/255, ..., 1: give pixels of 8 bits / 255"):
        DiscretisedLogistic(torch.zeros(2), torch.zeros(2)).log_prob(torch.tensor([0.0, x]))


# The VAE


@pytest.mark.parametrize("make", [lambda: ColourVAE.conv(3, channels=4), lambda: ColourVAE.mlp(3, hidden=(8,))])
def test_a_picture_is_one_event_in_three_colours(make):
    model, x = make(), torch.randint(256, (2, 3, 32, 32)) / 255
    q = model.posterior(x)
    likelihood = model.likelihood(q.rsample((4,)))
    assert (likelihood.batch_shape, likelihood.event_shape) == ((4, 2), (3, 32, 32))
    assert likelihood.log_prob(x.expand(4, *x.shape)).shape == (4, 2) and likelihood.sample().shape == (4, 2, 3, 32, 32)


def test_a_likelihood_is_that_of_its_pixels(model, pictures):
    z = torch.randn(6, 3)
    location, log_scale = model.decoder(z).chunk(2, 1)
    pixels = DiscretisedLogistic(location + 0.5, (log_scale - 2).clamp(min=-7))
    found = model.likelihood(z).log_prob(pictures)
    torch.testing.assert_close(found, pixels.log_prob(pictures).sum((1, 2, 3)))
    torch.testing.assert_close(model.decode(z), location + 0.5)
    torch.testing.assert_close(model.decode_mean(z), pixels.mean)
    alone = model.likelihood(z[2]).log_prob(pictures[2])
    torch.testing.assert_close(alone, found[2])


def test_pictures_are_means_in_zero_to_one(model, pictures):
    for shown, n in ((model.sample(5), 5), (model.reconstruct(pictures), 6)):
        assert shown.shape == (n, 3, 8, 8) and 0 <= shown.min() and shown.max() <= 1 and not shown.requires_grad


def test_the_posterior_is_that_of_a_vae(model, pictures):
    mu, logvar = model.encode(pictures)
    z = torch.randn(6, 3)
    torch.testing.assert_close(
        model.posterior(pictures).log_prob(z), Independent(Normal(mu, (0.5 * logvar).exp()), 1).log_prob(z)
    )


def test_it_learns_and_says_fewer_than_eight_bits(model):
    # Two plain colours and a little noise: a guess of any grey level costs 8 bits.
    noise = 0.05 * torch.rand(40, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    colour = torch.where(torch.arange(40) % 2 == 0, 0.2, 0.8).view(40, 1, 1, 1)
    x = (255 * (colour + noise)).round() / 255
    optimiser, losses = torch.optim.Adam(model.parameters(), lr=3e-2), []
    for _ in range(60):
        optimiser.zero_grad()
        loss = negative_elbo(model, x)["loss"]
        loss.backward()
        optimiser.step()
        losses.append(loss.item() / (3 * 8 * 8 * math.log(2)))
    assert losses[0] > 8 and losses[-1] < 7


def test_a_scale_stays_above_a_quarter_of_a_level_however_sure_the_decoder_is(model, pictures):
    with torch.no_grad():
        model.decoder[-1].bias[3:] = -50.0
    z = torch.randn(6, 3)
    assert torch.isfinite(model.likelihood(z).log_prob(pictures)).all()
    assert (model.likelihood(z).base_dist.log_scale == -7).all()


def test_bad_input_is_told_in_a_sentence(model, pictures):
    with pytest.raises(ValueError, match="this model's codes have 3 numbers"):
        model.decode(torch.zeros(4))
    with pytest.raises(ValueError, match=r"takes batches of images \[B, 3, 8, 8\]"):
        model.encode(pictures[:, :1])
    with pytest.raises(ValueError, match="no grey levels"):
        negative_elbo(model, 2 * pictures - 1)
    with pytest.raises(ValueError, match="multiples of 4"):
        ColourVAE.conv(shape=(3, 30, 30))
