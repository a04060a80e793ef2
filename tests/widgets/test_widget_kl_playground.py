"""The KL playground: its numbers against closed forms and draws, its descent, and the widget around them."""

import io
import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch.distributions import Normal, Uniform, kl_divergence

from tests.support.old_widgets import unknown_to_7_7_1
from vae_course.derivations import standard_error
from vae_course.widgets import kl_playground
from vae_course.widgets.gaussian_fit import KL, bimodal, descend, forward_kl, reverse_kl
from vae_course.widgets.kl_playground import KLPlayground, render

STARTS = list(itertools.product((-3.0, -1.0, 0.0, 0.5, 2.5), (-1.5, 0.0, 1.0)))
NUMBER = st.floats(-3, 3)
LOG_STD = st.floats(-2, 1.5)


@pytest.fixture
def playground():
    return KLPlayground()


@given(NUMBER, LOG_STD, NUMBER, LOG_STD)
def test_both_directions_agree_with_the_closed_form_where_p_is_a_gaussian(mean, log_std, mean_p, log_std_p):
    p = Normal(torch.tensor(mean_p, dtype=torch.float64), math.exp(log_std_p))
    q = Normal(torch.tensor(mean, dtype=torch.float64), math.exp(log_std))
    torch.testing.assert_close(reverse_kl(p, mean, log_std), kl_divergence(q, p), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(forward_kl(p, mean, log_std), kl_divergence(p, q), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("mean", "log_std"), [(0.0, 0.0), (2.0, -1.0), (0.4, 0.7)])
def test_both_directions_agree_with_draws_from_the_bimodal_p(mean, log_std):
    p, q = bimodal(), Normal(torch.tensor(mean, dtype=torch.float64), math.exp(log_std))
    z_q, z_p = q.sample((100_000,)), p.sample((100_000,))
    for kl, ratios in (
        (reverse_kl(p, mean, log_std), q.log_prob(z_q) - p.log_prob(z_q)),
        (forward_kl(p, mean, log_std), p.log_prob(z_p) - q.log_prob(z_p)),
    ):
        assert abs(kl - ratios.mean()) < 4 * standard_error(ratios)


@pytest.mark.parametrize("direction", KL)
@pytest.mark.parametrize(("mean", "log_std"), STARTS)
def test_a_descent_lowers_the_kl_and_ends_where_the_ground_is_level(direction, mean, log_std):
    p = bimodal()
    walk = descend(p, mean, log_std, direction)
    assert walk.after < walk.before == pytest.approx(float(KL[direction](p, mean, log_std)))
    assert walk.after == pytest.approx(float(KL[direction](p, walk.mean, walk.log_std)))
    for nudge in (-0.05, 0.05):
        assert KL[direction](p, walk.mean + nudge, walk.log_std) > walk.after
        assert KL[direction](p, walk.mean, walk.log_std + nudge) > walk.after


def test_each_step_of_a_descent_goes_down():
    values = [descend(bimodal(), 0.0, 0.0, "reverse", steps=n).after for n in range(12)]
    assert all(later < earlier for earlier, later in itertools.pairwise(values))


def test_the_reverse_descent_finds_one_of_two_modes_and_pays_for_the_other():
    ends = {round(w.mean): w for w in (descend(bimodal(), *start, "reverse") for start in STARTS)}
    assert sorted(ends) == [-2, 2]
    for mean, weight in ((-2, 0.4), (2, 0.6)):
        assert ends[mean].mean == pytest.approx(mean, abs=1e-3)
        assert math.exp(ends[mean].log_std) == pytest.approx(0.35, abs=1e-3)
        assert ends[mean].after == pytest.approx(-math.log(weight), abs=1e-4)


@pytest.mark.parametrize(("mean", "log_std"), STARTS)
def test_the_forward_descent_matches_the_moments_from_everywhere(mean, log_std):
    p, walk = bimodal(), descend(bimodal(), mean, log_std, "forward")
    assert walk.mean == pytest.approx(float(p.mean), abs=1e-3)
    assert math.exp(walk.log_std) == pytest.approx(float(p.stddev), abs=1e-3)


def test_modes_that_lie_close_are_covered_by_the_reverse_direction_too():
    p = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(torch.tensor([0.4, 0.6], dtype=torch.float64)),
        Normal(torch.tensor([-1.5, 1.5], dtype=torch.float64), 0.8),
    )
    ends = [descend(p, *start, "reverse") for start in STARTS]
    assert all(math.exp(end.log_std) > 1.4 for end in ends)
    assert max(end.after for end in ends) < 0.2


def test_the_picture_shows_the_integrand_of_the_direction():
    reverse, forward = (render(bimodal(), 0.0, 0.0, direction) for direction in ("reverse", "forward"))
    assert "integrand of KL(q || p)" in reverse.alt and "integrand of KL(p || q)" in forward.alt
    area = float(reverse.alt.split("range is ")[1].split()[0])
    assert area == pytest.approx(float(reverse_kl(bimodal(), 0.0, 0.0)), abs=0.01)


def test_the_first_view_is_the_standard_normal(playground):
    assert (playground.mean.value, playground.log_std.value) == (0.0, 0.0)
    assert f"KL(q || p) = {float(reverse_kl(bimodal(), 0.0, 0.0)):.3f} nats" in playground.numbers.value
    assert f"KL(p || q) = {float(forward_kl(bimodal(), 0.0, 0.0)):.3f} nats" in playground.numbers.value
    with Image.open(io.BytesIO(playground.picture.value)) as image:
        assert image.format == "PNG" and image.size == (470, 390)


@pytest.mark.parametrize(("control", "value"), [("mean", 1.0), ("log_std", -1.0)])
def test_a_slider_moves_q_in_the_picture_in_numbers_and_in_words(playground, control, value):
    before = (playground.picture.value, playground.numbers.value, playground.status.value)
    getattr(playground, control).value = value
    after = (playground.picture.value, playground.numbers.value, playground.status.value)
    assert all(a != b for a, b in zip(after, before, strict=True))
    assert f"N({playground.mean.value:.2f}, {math.exp(playground.log_std.value):.2f}²)" in playground.status.value


def test_a_change_of_direction_changes_the_picture_but_not_q(playground):
    picture, numbers = playground.picture.value, playground.numbers.value
    playground.direction.value = "forward"
    assert playground.picture.value != picture and playground.numbers.value == numbers


def test_descend_moves_the_sliders_and_says_what_it_gained(playground):
    playground.descend_button.click()
    assert playground.mean.value == pytest.approx(2.0, abs=1e-3)
    assert "took KL(q || p) from 6.524 to 0.511 nats" in playground.status.value
    assert "lies 60% of p" in playground.status.value
    playground.direction.value = "forward"
    playground.descend_button.click()
    assert playground.log_std.value == pytest.approx(math.log(float(bimodal().stddev)), abs=1e-3)


def test_the_start_of_a_descent_stays_in_sight_until_q_is_moved(playground):
    drawn = []
    original = kl_playground.render
    kl_playground.render = lambda *args, start=None: drawn.append(start) or original(*args, start=start)
    try:
        playground.descend()
        playground.direction.value = "forward"
        playground.mean.value = 1.0
    finally:
        kl_playground.render = original
    assert drawn == [(0.0, 0.0), (0.0, 0.0), None]


def test_a_browser_that_rounds_the_sliders_to_their_step_moves_nothing(playground):
    playground.go_to(1.234, -0.777)
    shown = (playground.picture.value, playground.status.value)
    playground.mean.value, playground.log_std.value = 1.25, -0.8
    assert playground.q == (1.234, -0.777)
    assert (playground.picture.value, playground.status.value) == shown
    playground.mean.value = 1.3
    assert playground.q == (1.3, -0.777)


def test_reset_goes_back_to_the_first_view(playground):
    first = playground.picture.value
    playground.descend()
    playground.reset_button.click()
    assert playground.picture.value == first
    assert "Move q, or press Descend" in playground.status.value


def test_q_can_be_placed_from_code_beyond_the_sliders(playground):
    playground.go_to(7.0, 2.0)
    assert (playground.mean.value, playground.log_std.value) == (7.0, 2.0)
    with pytest.raises(ValueError, match="two finite numbers"):
        playground.go_to(math.nan, 0.0)


def test_an_error_is_shown_in_the_widget_and_goes_away(playground, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("no ink <left>")

    with monkeypatch.context() as patch:
        patch.setattr(kl_playground, "render", broken)
        playground.mean.value = 1.0
    assert "no ink &lt;left&gt;" in playground.error.value and playground.error.layout.display == ""
    playground.mean.value = 1.5
    assert playground.error.value == ""


def test_a_descent_from_an_infinite_kl_is_refused():
    box = Uniform(torch.tensor(0.0, dtype=torch.float64), 1.0, validate_args=False)
    with pytest.raises(ValueError, match="no slope to follow"):
        descend(box, 0.0, 0.0, "reverse")


def test_a_descent_that_fails_says_so_in_the_widget(playground, monkeypatch):
    monkeypatch.setattr(kl_playground, "descend", lambda *args: 1 / 0)
    playground.descend_button.click()
    assert "The descent failed. ZeroDivisionError" in playground.error.value


def test_a_page_without_a_kernel_gets_a_picture_with_words(playground):
    bundle, metadata = playground.stand_in()
    assert bundle["image/png"]
    assert "KL(q || p) from the left ends at N(-2.00, 0.35²)" in metadata["image/png"]["alt"]
    assert "KL(p || q) from the right ends at N(0.40, 1.99²)" in bundle["text/plain"]


def test_every_control_has_a_label_and_takes_the_keyboard(playground):
    assert [c.description for c in (playground.mean, playground.log_std)] == ["mean of q", "log std of q"]
    assert playground.direction.description == "Direction" and len(playground.direction.options) == 2
    assert [b.description for b in (playground.descend_button, playground.reset_button)] == ["Descend", "Reset"]
    assert 'role="status"' in playground.status.value


def test_nothing_is_set_that_ipywidgets_7_7_1_would_ignore(playground):
    assert unknown_to_7_7_1(playground) == []


@pytest.mark.parametrize("p", [Normal(0.5, 1.0), torch.distributions.StudentT(5.0)])
def test_another_p_can_be_given(p):
    playground = KLPlayground(p)
    playground.log_std.value = 0.5
    playground.descend_button.click()
    assert playground.error.value == "" and playground.mean.value == pytest.approx(float(p.mean), abs=1e-3)


@pytest.mark.parametrize(
    ("p", "error", "said"),
    [
        (3.0, TypeError, "give a torch distribution"),
        (Normal(torch.zeros(2), torch.ones(2)), ValueError, "batch .2."),
        (torch.distributions.Cauchy(0.0, 1.0), ValueError, "finite mean"),
        (Uniform(0.0, 1.0), ValueError, "zero in places"),
        (Uniform(0.0, 1.0, validate_args=False), ValueError, "zero in places"),
    ],
)
def test_a_p_that_does_not_fit_is_named_in_one_sentence(p, error, said):
    with pytest.raises(error, match=said):
        KLPlayground(p)


def test_an_unknown_direction_is_named():
    with pytest.raises(ValueError, match="choose reverse or forward"):
        descend(bimodal(), 0.0, 0.0, "sideways")
