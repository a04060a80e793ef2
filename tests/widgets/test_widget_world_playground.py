"""The playground of the worlds: Bayes' rule is right wherever the sliders are, and every part of it moves together."""

import math

import pytest
import torch
from torch.distributions import Normal

from vae_course.widgets.world_playground import (
    SHOWN,
    SIGMAS,
    START,
    STEP,
    XS,
    WorldPlayground,
    compute,
    in_words,
    render,
    two_hills,
)

PLACES = [(x, sigma) for x in (-2.0, 0.0, 2.0, 8.0) for sigma in (0.2, 0.7, 2.0)]

pytestmark = pytest.mark.usefixtures("one_thread_only")


@pytest.fixture
def playground():
    return WorldPlayground()


@pytest.mark.parametrize(("x", "sigma"), PLACES)
def test_the_posterior_integrates_to_one_and_is_prior_times_likelihood_over_p_x(x, sigma):
    value = compute(x, sigma)
    step = (value.z[1] - value.z[0]).item()
    assert value.posterior.sum().item() * step == pytest.approx(1, abs=1e-9)
    assert torch.allclose(value.posterior, value.prior * value.likelihood / value.p_x, rtol=1e-9, atol=1e-14)
    assert torch.allclose(value.joint, value.prior * value.likelihood, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(("x", "sigma"), PLACES)
def test_p_x_is_that_of_another_grid(x, sigma):
    z = torch.linspace(-9, 9, 8001, dtype=torch.float64)
    density = (Normal(0.0, 1.0).log_prob(z) + Normal(z * (z + 0.5), sigma).log_prob(torch.tensor(x))).exp()
    assert compute(x, sigma).p_x == pytest.approx(torch.trapezoid(density, z).item(), rel=1e-6)


def test_one_hill_becomes_two_as_x_rises_and_one_again_as_the_noise_grows():
    assert [len(compute(x, 0.7).hills) for x in (0.0, 0.3, 0.5, 2.0)] == [1, 1, 2, 2]
    assert [len(compute(2.0, sigma).hills) for sigma in (0.7, 1.5, 1.6, 2.0)] == [2, 2, 1, 1]
    assert compute(2.0, 0.7).hills == pytest.approx((-1.58, 1.11), abs=0.01)


def test_the_picture_holds_every_hill_that_the_sliders_reach():
    for x in XS:
        for sigma in SIGMAS:
            assert all(abs(place) < SHOWN for place in compute(x, sigma).hills)


def test_the_words_and_the_picture_state_the_same_numbers():
    value = compute(2.0, 0.7)
    assert in_words(value) == "p(x) = 0.1240. The posterior has 2 hills, at z = -1.58 and 1.11."
    assert "The posterior has one hill, at z = " in in_words(compute(0.0, 0.7))
    fig = render(value)
    assert fig.alt.startswith("x = 2.00, sigma = 0.70: ") and "area p(x) = 0.124" in fig.alt
    assert fig.axes[0].get_xlim() == (-SHOWN, SHOWN)


def test_a_moved_slider_moves_picture_and_words(playground):
    pictures, words = [playground.picture.value], [playground.status.value]
    for slider, place in ((playground.x, 2.0), (playground.sigma, 1.6)):
        slider.value = place
        pictures.append(playground.picture.value)
        words.append(playground.status.value)
    assert len(set(pictures)) == len(set(words)) == 3
    assert "2 hills" in words[1] and "one hill" in words[2] and 'role="status"' in words[2]
    assert (playground.value.x, playground.value.sigma) == (2.0, 1.6)


def test_sliders_start_within_their_reach_and_take_the_keyboard(playground):
    for slider, (low, high), start in ((playground.x, XS, START[0]), (playground.sigma, SIGMAS, START[1])):
        assert (slider.min, slider.max, slider.value) == (low, high, start)
        assert slider.step == STEP and slider.continuous_update and slider.description


def test_reset_and_go_to(playground):
    playground.go_to(5.0, 0.3)
    assert (playground.x.value, playground.sigma.value) == (5.0, 0.3) and "2 hills" in playground.status.value
    playground.reset_button.click()
    assert (playground.x.value, playground.sigma.value) == START
    with pytest.raises(ValueError, match="x is 9: this playground goes from -2 to 8"):
        playground.go_to(9, 0.5)
    with pytest.raises(ValueError, match="sigma is nan"):
        playground.go_to(0, math.nan)


def test_a_button_draws_once(playground, monkeypatch):
    playground.go_to(5.0, 0.3)
    calls = []
    monkeypatch.setattr("vae_course.widgets.world_playground.png", lambda figure: calls.append(figure) or b"")
    playground.reset_button.click()
    assert len(calls) == 1


def test_an_error_is_shown_in_place_and_goes_away(playground):
    playground.f = lambda z: 1 / 0
    playground.x.value = 1.0
    assert "ZeroDivisionError" in playground.error.value and playground.error.layout.display == ""
    playground.f = two_hills
    playground.x.value = 2.0
    assert playground.error.value == "" and playground.error.layout.display == "none"


def test_the_stand_in_is_a_picture_with_words(playground):
    bundle, metadata = playground._repr_mimebundle_()
    assert bundle["image/png"] and "x = 0.00, sigma = 0.70" in bundle["text/plain"]
    assert "text/html" not in bundle and metadata["image/png"]["alt"] == bundle["text/plain"]


def test_another_decoder_can_be_brought():
    assert len(WorldPlayground(lambda z: z.unsqueeze(-1)).value.hills) == 1


@pytest.mark.parametrize(
    ("x", "sigma", "said"), [(math.inf, 0.7, "x is inf"), (0.0, 0.0, "sigma is 0.0"), (0.0, math.nan, "sigma is nan")]
)
def test_bad_input_is_named_in_one_sentence(x, sigma, said):
    with pytest.raises(ValueError, match=said):
        compute(x, sigma)
