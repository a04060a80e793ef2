"""The likelihood playground: its prices are torch's, its betas those of the objectives, and every part follows."""

import io
import math

import pytest
import torch
from PIL import Image
from torch.distributions import Bernoulli, ContinuousBernoulli, Normal

from vae_course.objectives import effective_beta
from vae_course.widgets.likelihood_costs import LIKELIHOODS, PUBLISHED, UNITS, Loss, beta_of, charge, log_area
from vae_course.widgets.likelihood_playground import (
    FIELDS,
    SIGMAS,
    START,
    STEP,
    LikelihoodPlayground,
    beta_in_words,
    beta_picture,
    png,
    price_in_words,
    price_picture,
)

OUTPUTS = torch.linspace(0.01, 0.99, 99, dtype=torch.float64)


@pytest.fixture
def playground():
    return LikelihoodPlayground()


@pytest.mark.parametrize("x", [0.0, 0.25, 0.5, 1.0])
def test_prices_are_those_of_torch(x):
    pixel = torch.tensor(x, dtype=torch.float64)
    torch.testing.assert_close(
        charge("continuous Bernoulli", x, OUTPUTS, 0.3), -ContinuousBernoulli(OUTPUTS).log_prob(pixel)
    )
    torch.testing.assert_close(charge("Gaussian", x, OUTPUTS, 0.3), -Normal(OUTPUTS, 0.3).log_prob(pixel))
    if x in (0.0, 1.0):
        torch.testing.assert_close(charge("cross-entropy", x, OUTPUTS, 0.3), -Bernoulli(OUTPUTS).log_prob(pixel))


def test_cross_entropy_of_a_grey_pixel_has_its_floor_where_it_is_right():
    nats = charge("cross-entropy", 0.3, OUTPUTS, 0.3)
    assert OUTPUTS[nats.argmin()].item() == pytest.approx(0.3)
    assert nats.min().item() == pytest.approx(Bernoulli(torch.tensor(0.3)).entropy().item(), abs=1e-6)


@pytest.mark.parametrize("likelihood", ["continuous Bernoulli", "Gaussian"])
def test_what_is_a_density_integrates_to_one(likelihood):
    x = torch.linspace(0, 1, 4001, dtype=torch.float64)
    output = torch.tensor(0.45, dtype=torch.float64)
    density = torch.stack([torch.exp(-charge(likelihood, value, output, 0.05)) for value in x])
    assert torch.trapezoid(density, x).item() == pytest.approx(1, abs=1e-5)


def test_the_area_under_grey_cross_entropy_is_half_at_most():
    logits = torch.tensor([-200.0, -1.0, 0.0, 1e-6, 3.0], dtype=torch.float64)
    x = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    lam = torch.sigmoid(logits).unsqueeze(1)
    area = torch.trapezoid(lam**x * (1 - lam) ** (1 - x), x)
    torch.testing.assert_close(log_area(logits).exp(), area, atol=1e-4, rtol=0)
    assert log_area(logits).max().item() == pytest.approx(math.log(0.5))


@pytest.mark.parametrize(
    ("name", "beta"),
    [
        ("the ELBO", 1),
        ("mean and mean", 3.92),
        ("mean and sum", 784),
        ("KL never summed", 0.5),
        ("second text", 0.6272),
    ],
)
def test_the_published_losses_have_the_betas_of_the_lesson(name, beta):
    assert beta_of(PUBLISHED[name], 0.25) == pytest.approx(beta)
    assert set(PUBLISHED) == {"the ELBO", "mean and mean", "mean and sum", "KL never summed", "second text"}


def test_the_sigma_of_the_slider_counts_only_where_the_unit_says_so():
    sizes = {"pixels": 784, "latents": 20, "batch": 128}
    for unit, nats in zip(UNITS, (1, 1, 1 / (2 * 0.1**2)), strict=True):
        expected = effective_beta("mean", "sum", nats=nats, **sizes)
        assert beta_of(Loss("mean", "sum", unit=unit), 0.1) == pytest.approx(expected)


def test_the_price_picture_says_each_lowest_point():
    fig = price_picture(0.5, 0.25)
    assert "cross-entropy is lowest at 0.50, 0.69 nats" in fig.alt
    assert "Gaussian is lowest at 0.50, -0.47 nats" in fig.alt


@pytest.mark.parametrize("pixel", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("sigma", SIGMAS)
def test_every_setting_of_the_sliders_can_be_drawn(pixel, sigma):
    with Image.open(io.BytesIO(png(price_picture(pixel, sigma)))) as image:
        assert image.format == "PNG" and image.size == (700, 320)


def test_the_beta_picture_puts_yours_below_the_published():
    assert beta_picture(Loss("mean", "mean"), 0.25).alt.endswith("second text 0.627; yours 39.2.")


def test_words_give_the_sigma_that_says_the_same():
    assert beta_in_words(Loss("mean", "sum"), 0.25) == "Effective beta 784."
    assert "sigma^2 = 392" in beta_in_words(Loss("mean", "sum", unit=UNITS[1]), 0.25)
    # Whichever sigma the error is read with, the same loss is the same honest ELBO.
    assert "sigma^2 = 392" in beta_in_words(Loss("mean", "sum", unit=UNITS[2]), 0.1)


def test_it_starts_with_a_grey_pixel_and_the_elbo(playground):
    assert (playground.pixel.value, playground.sigma.value) == START and playground.loss == PUBLISHED["the ELBO"]
    assert price_in_words(*START) in playground.price_status.value
    assert "Effective beta 1." in playground.beta_status.value


def test_a_slider_moves_picture_and_words(playground):
    for slider, value, place in ((playground.pixel, 0.0, (0.0, 0.25)), (playground.sigma, 0.1, (0.0, 0.1))):
        slider.value = value
        assert playground.price.value == png(price_picture(*place))
        assert price_in_words(*place) in playground.price_status.value


def test_the_sliders_reach_what_they_should(playground):
    for slider, limits in ((playground.pixel, (0.0, 1.0)), (playground.sigma, SIGMAS)):
        assert (slider.min, slider.max, slider.step) == (*limits, STEP)
        assert slider.continuous_update and slider.description


def test_sigma_moves_beta_where_the_error_is_read_with_it(playground):
    playground.controls["unit"].value = UNITS[2]
    playground.sigma.value = 0.5
    assert "Effective beta 2." in playground.beta_status.value


@pytest.mark.parametrize("field", FIELDS)
def test_every_control_moves_beta(playground, field):
    playground.choose("second text")
    playground.controls["kl"].value = "mean, summed over batch"
    before = playground.beta.value
    others = {"reconstruction": "sum", "kl": "sum", "weight": 0.5, "pixels": 9, "latents": 7, "batch": 3}
    playground.controls[field].value = others.get(field, UNITS[2])
    assert playground.beta.value != before and playground.error.value == ""


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_loss_fills_in_all_controls_and_draws_once(playground, name, monkeypatch):
    calls = []
    monkeypatch.setattr("vae_course.widgets.likelihood_playground.png", lambda figure: calls.append(figure) or b"")
    playground.choose(name)
    assert playground.loss == PUBLISHED[name] and len(calls) == 1


def test_the_menu_of_published_losses_works_as_the_method_does(playground):
    playground.known.value = "mean and sum"
    assert playground.loss == PUBLISHED["mean and sum"] and "Effective beta 784." in playground.beta_status.value


def test_an_impossible_entry_is_told_in_place_and_goes_away(playground):
    good = playground.beta.value
    playground.controls["pixels"].value = 0
    assert "pixels is 0" in playground.error.value and playground.error.layout.display == ""
    assert playground.beta.value == good
    playground.controls["pixels"].value = 784
    assert playground.error.value == "" and playground.error.layout.display == "none"


def test_the_stand_in_is_a_picture_with_words(playground):
    bundle, metadata = playground._repr_mimebundle_()
    assert bundle["image/png"] and "Price of a pixel of 0.50" in bundle["text/plain"]
    assert "text/html" not in bundle and metadata["image/png"]["alt"] == bundle["text/plain"]


def test_go_to_is_for_use_from_code(playground):
    playground.go_to(1.0, 0.5)
    assert (playground.pixel.value, playground.sigma.value) == (1.0, 0.5)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LikelihoodPlayground().go_to(1.5, 0.5), "pixel is 1.5: this playground goes from 0 to 1"),
        (lambda: LikelihoodPlayground().go_to(0.5, 0.0), "sigma is 0"),
        (lambda: LikelihoodPlayground().choose("mine"), "There is no loss 'mine'"),
        (lambda: charge("Laplace", 0.5, OUTPUTS, 0.3), "There is no likelihood 'Laplace'"),
        (lambda: charge("Gaussian", 0.5, OUTPUTS, 0.0), "sigma is 0"),
        (lambda: beta_of(Loss("sum", "sum", unit="bits"), 0.3), "There is no unit 'bits'"),
        (lambda: beta_of(Loss("sum", "sum", weight=0.0), 0.3), "weight is 0"),
    ],
)
def test_bad_input_is_named_in_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_the_likelihoods_are_three():
    assert len(LIKELIHOODS) == len(set(LIKELIHOODS)) == 3
