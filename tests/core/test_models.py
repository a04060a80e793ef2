"""The VAE's distributions, shapes and pictures."""

import pytest
import torch
from torch.distributions import Independent, Normal

from vae_course.models import VAE

KINDS = {"mlp": lambda d: VAE.mlp(d, hidden=(16,)), "conv": lambda d: VAE.conv(d, channels=4)}


@pytest.fixture(params=sorted(KINDS))
def model(request):
    torch.manual_seed(0)
    return KINDS[request.param](3)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_each_distribution_has_the_whole_code_or_image_as_its_event(model, batch):
    x = torch.rand(batch, 1, 28, 28)
    q, p = model.posterior(x), model.prior()
    assert (q.batch_shape, q.event_shape) == ((batch,), (3,))
    assert (p.batch_shape, p.event_shape) == ((), (3,))
    likelihood = model.likelihood(q.rsample((4,)))
    assert (likelihood.batch_shape, likelihood.event_shape) == ((4, batch), (1, 28, 28))
    assert likelihood.log_prob(x.expand(4, *x.shape)).shape == (4, batch)


def test_the_posterior_is_the_gaussian_that_encode_describes(model):
    x, z = torch.rand(4, 1, 28, 28), torch.randn(4, 3)
    mu, logvar = model.encode(x)
    expected = Independent(Normal(mu, logvar.exp().sqrt()), 1)
    torch.testing.assert_close(model.posterior(x).log_prob(z), expected.log_prob(z))


def test_784_400_20_has_the_published_number_of_parameters():
    weights = 784 * 400 + 400 * 40 + 20 * 400 + 400 * 784
    biases = 400 + 40 + 400 + 784
    assert sum(p.numel() for p in VAE.mlp().parameters()) == weights + biases


def test_decode_keeps_leading_axes_and_treats_each_code_alone(model):
    z = torch.randn(2, 5, 3)
    assert model.decode(z).shape == (2, 5, 1, 28, 28)
    torch.testing.assert_close(model.decode(z)[1, 4], model.decode(z[1, 4]), atol=1e-5, rtol=1e-4)


def test_an_image_s_posterior_does_not_depend_on_its_neighbours(model):
    x = torch.rand(6, 1, 28, 28)
    torch.testing.assert_close(model.encode(x)[0][2:3], model.encode(x[2:3])[0], atol=1e-5, rtol=1e-4)


def test_pictures_are_means_in_zero_to_one_without_gradient(model):
    x = torch.rand(2, 1, 28, 28)
    pictures = [model.sample(5), model.reconstruct(x)]
    assert [len(p) for p in pictures] == [5, 2]
    for picture in pictures:
        assert 0 <= picture.min() and picture.max() <= 1 and not picture.requires_grad
    torch.testing.assert_close(pictures[1], torch.sigmoid(model.decode(model.encode(x)[0])))


def test_samples_come_from_the_prior_and_a_seed_repeats_them(model):
    draws = [model.sample(3, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    z = torch.randn(3, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(draws[0], model.decode_mean(z))


def test_a_double_precision_model_stays_in_double_precision():
    model = VAE.mlp(2, hidden=(4,)).double()
    assert model.sample(2).dtype == torch.float64
    assert model.posterior(torch.rand(2, 1, 28, 28).double()).mean.dtype == torch.float64


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: VAE.mlp(0), ValueError, "at least one latent"),
        (lambda: VAE.conv(2, shape=(1, 30, 28)), ValueError, "multiples of 4"),
        (lambda: VAE.mlp(2).decode(torch.zeros(3, 5)), ValueError, "2 numbers on the last axis"),
        (lambda: VAE.mlp(2).decode(torch.tensor(1.0)), ValueError, "last axis"),
        (lambda: VAE.mlp(2).encode(torch.zeros(3, 784)), ValueError, "batches of images"),
        (lambda: VAE.mlp(2).encode(torch.zeros(1, 28, 28)), ValueError, "batches of images"),
        (lambda: VAE.mlp(2).encode(torch.zeros(3, 1, 28, 28).byte()), TypeError, "255"),
        (lambda: VAE.mlp(2).sample(0), ValueError, "at least one sample"),
    ],
)
def test_bad_input_is_named_in_one_sentence(call, error, said):
    with pytest.raises(error, match=said):
        call()
