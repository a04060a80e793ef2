"""The ELBO playground: its account is right wherever q is, and every part of it moves together."""

import io
import math

import pytest
import torch
from PIL import Image

from vae_course.exact import GridWorld
from vae_course.widgets.elbo_playground import (
    LOG_VARIANCES,
    MEANS,
    STEP,
    ELBOPlayground,
    bimodal_world,
    climb,
    compute,
    in_words,
    optimum,
    picture,
    render,
)

pytestmark = pytest.mark.usefixtures("one_thread_only")


@pytest.fixture
def playground():
    return ELBOPlayground()


def places(limits, every=1):
    """The places of a slider."""
    return torch.arange(limits[0], limits[1] + STEP / 2, every * STEP, dtype=torch.float64)


def gaussian_world():
    """Its posterior at x = 1 is N(1/2, 1/2), within the sliders' reach."""
    return GridWorld(lambda z: z.unsqueeze(-1), 1.0, half_width=20.0, n_points=1001), torch.ones(
        1, 1, dtype=torch.float64
    )


def test_bound_and_gap_add_up_to_log_p_x_wherever_q_is():
    world, x = bimodal_world()
    for mu in places(MEANS, 6).tolist():
        for logvar in places(LOG_VARIANCES, 6).tolist():
            value = compute(world, x, mu, logvar)
            assert value.elbo + value.gap == pytest.approx(value.log_px, abs=1e-6)
            assert value.gap > 0.4


def test_log_p_x_is_that_of_a_finer_and_wider_grid():
    world, x = bimodal_world()
    finer = GridWorld(world.f, world.sigma, half_width=30.0, n_points=12_001)
    assert compute(world, x, 0.7, -1.0).log_px == pytest.approx(finer.log_marginal(x).item(), abs=1e-9)
    mu, logvar = torch.tensor([[[3.0]], [[1.0]]], dtype=torch.float64)  # the widest q, furthest out
    assert compute(world, x, 3.0, 1.0).elbo == pytest.approx(finer.elbo(x, mu, logvar).item(), rel=1e-6)


def test_the_gap_vanishes_where_q_is_the_posterior():
    value = compute(*gaussian_world(), 0.5, math.log(0.5))
    assert value.gap == pytest.approx(0, abs=1e-9) and value.elbo == pytest.approx(value.log_px, abs=1e-9)


def slope(world, x, value):
    place = torch.tensor([value.mu, value.logvar], dtype=torch.float64, requires_grad=True)
    world.elbo(x, place[:1, None], place[1:, None]).sum().backward()
    return place.grad


def test_the_optimum_is_at_least_as_good_as_every_setting_of_the_sliders():
    world, x = bimodal_world()
    logvars = places(LOG_VARIANCES).unsqueeze(1)
    best = max(world.elbo(x, torch.full_like(logvars, mu), logvars).max().item() for mu in places(MEANS).tolist())
    found = optimum(world, x)
    assert best <= found.elbo < best + 0.005
    assert slope(world, x, found).abs().max() < 0.01


def test_the_optimum_of_a_gaussian_world_leaves_no_gap():
    found = optimum(*gaussian_world())
    assert found.mu == pytest.approx(0.5, abs=1e-3) and found.logvar == pytest.approx(math.log(0.5), abs=1e-3)
    assert 0 <= found.gap < 1e-6


@pytest.mark.parametrize(("start", "mu", "gap"), [((-2.0, -1.0), -1.48, 1.105), ((0.0, 0.0), 0.01, 1.402)])
def test_a_climb_goes_uphill_and_may_end_on_a_lower_hill(start, mu, gap):
    world, x = bimodal_world()
    top = climb(world, x, *start)
    assert top.elbo > compute(world, x, *start).elbo
    assert top.mu == pytest.approx(mu, abs=0.02) and top.gap == pytest.approx(gap, abs=0.002)
    assert slope(world, x, top).abs().max() < 0.01


def test_a_climb_stays_on_the_sliders():
    world = GridWorld(lambda z: z.unsqueeze(-1), 0.05, half_width=20.0, n_points=4001)
    top = climb(world, torch.tensor([[9.0]], dtype=torch.float64), 2.8, -4.8)
    assert (top.mu, top.logvar) == (MEANS[1], LOG_VARIANCES[0])


def test_render_gives_a_picture_that_depends_on_q():
    pictures = [render(*bimodal_world(), mu, logvar) for mu, logvar in ((0.0, 0.0), (0.05, 0.0), (0.0, 0.05))]
    assert len(set(pictures)) == 3
    with Image.open(io.BytesIO(pictures[0])) as image:
        assert image.format == "PNG" and image.size == (700, 340)


def test_the_picture_names_every_q_with_its_numbers():
    fig = picture(*bimodal_world(), {"prior": (0.0, 0.0), "right": (1.05, -2.65)})
    assert "log p(x) is -2.09 nats" in fig.alt
    assert "prior: ELBO -3.88, gap 1.79; right: ELBO -2.56, gap 0.48" in fig.alt


def test_it_starts_at_the_prior_with_its_numbers_in_words(playground):
    assert (playground.mean.value, playground.logvar.value) == (0.0, 0.0)
    assert in_words(playground.value) in playground.status.value
    assert "log p(x) = -2.09 nats, whatever q is. ELBO -3.88 + gap 1.79 = -2.09." in playground.status.value
    assert playground.picture.value == render(playground.world, playground.x, 0.0, 0.0)


def test_a_slider_moves_picture_and_words(playground):
    for slider, value, place in ((playground.mean, 0.5, (0.5, 0.0)), (playground.logvar, -1.0, (0.5, -1.0))):
        slider.value = value
        assert playground.picture.value == render(playground.world, playground.x, *place)
        assert in_words(compute(playground.world, playground.x, *place)) in playground.status.value


def test_the_sliders_reach_what_they_should_and_follow_while_dragged(playground):
    for slider, limits in ((playground.mean, MEANS), (playground.logvar, LOG_VARIANCES)):
        assert (slider.min, slider.max, slider.step) == (*limits, STEP)
        assert slider.continuous_update and slider.description


def test_buttons_go_to_the_optimum_uphill_and_back(playground):
    playground.optimum_button.click()
    assert playground.value == optimum(playground.world, playground.x)
    assert "best Gaussian" in playground.status.value
    playground.reset_button.click()
    assert (playground.mean.value, playground.logvar.value) == (0.0, 0.0)
    playground.mean.value = -2.0
    playground.climb_button.click()
    assert playground.value == climb(playground.world, playground.x, -2.0, 0.0)
    assert playground.picture.value == render(
        playground.world, playground.x, playground.value.mu, playground.value.logvar
    )


def test_a_place_that_the_browser_rounds_to_a_step_stays_exact(playground):
    playground.optimum_button.click()
    exact, words = playground.value, playground.status.value
    playground.mean.value, playground.logvar.value = 1.05, -2.6
    assert (playground.value, playground.status.value) == (exact, words)
    playground.mean.value = 1.0
    assert playground.value.mu == 1.0 and "best" not in playground.status.value


def test_a_button_draws_once(playground, monkeypatch):
    calls = []
    monkeypatch.setattr("vae_course.widgets.elbo_playground.render", lambda *args: calls.append(args) or b"")
    playground.optimum_button.click()
    assert len(calls) == 1


def test_go_to_is_for_use_from_code(playground):
    playground.go_to(-1.5, -2.5)
    assert (playground.value.mu, playground.value.logvar) == (-1.5, -2.5)
    with pytest.raises(ValueError, match="mu is 7: this playground goes from -3 to 3"):
        playground.go_to(7, 0)
    with pytest.raises(ValueError, match="logvar is nan"):
        playground.go_to(0, math.nan)


def test_an_error_is_shown_in_place_and_goes_away(playground):
    good = playground.world
    playground.world = GridWorld(lambda z: 1 / 0, 1.0)
    playground.mean.value = 1.0
    assert "ZeroDivisionError" in playground.error.value and playground.error.layout.display == ""
    playground.world = good
    playground.optimum_button.click()
    assert playground.error.value == "" and playground.error.layout.display == "none"


def test_the_stand_in_is_a_picture_with_words(playground):
    bundle, metadata = playground._repr_mimebundle_()
    assert (
        bundle["image/png"]
        and "prior: ELBO -3.88" in bundle["text/plain"]
        and "best: ELBO -2.56" in bundle["text/plain"]
    )
    assert "text/html" not in bundle and metadata["image/png"]["alt"] == bundle["text/plain"]


def test_another_world_can_be_brought():
    playground = ELBOPlayground(*gaussian_world())
    playground.optimum_button.click()
    assert playground.value.gap < 1e-4


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ELBOPlayground(gaussian_world()[0]), "together with one of its points"),
        (lambda: ELBOPlayground(x=gaussian_world()[1]), "together with one of its points"),
        (lambda: ELBOPlayground(gaussian_world()[0], torch.ones(2, 1)), "shows one point"),
        (lambda: compute(gaussian_world()[0], torch.ones(1), 0.0, 0.0), "shows one point"),
    ],
)
def test_bad_input_is_named_in_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()
