"""The pictures of the worlds say what the numbers say, and bad input is named."""

import math

import numpy as np
import pytest
import torch
from matplotlib.patches import Circle, Ellipse, FancyArrowPatch, FancyBboxPatch, Rectangle

from vae_course.exact import DiscreteWorld, GridWorld, LinearGaussian
from vae_course.plotting import AltFigure, figure
from vae_course.plotting.worlds import cloud, graphical_model, grid_sum, joint_map, slices, urn_mosaic
from vae_course.studies.two_hills import hills

P_Z, P_X_Z = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]])
NAMES = ["urn 0", "urn 1", "urn 2"]
WORLD = GridWorld(lambda z: (z.square() + z / 2).unsqueeze(-1), 0.7, half_width=4.0, n_points=401)
X = torch.linspace(-4, 18, 441, dtype=torch.float64)
W, B = torch.tensor([[1.5], [0.8]], dtype=torch.float64), torch.tensor([1.0, 0.5], dtype=torch.float64)


def curves(x=2.0):
    """z, prior, likelihood and joint of one x, and p(x)."""
    seen = torch.tensor([[x]], dtype=torch.float64)
    log_prior, log_joint = WORLD.prior().log_prob(WORLD.grid[:, None]), WORLD.log_joint(seen)[0]
    rows = WORLD.grid, log_prior.exp(), (log_joint - log_prior).exp(), log_joint.exp()
    return *rows, WORLD.log_marginal(seen).exp().item()


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_hidden_circle_is_empty_and_the_observed_one_is_grey():
    fig = graphical_model()
    fills = [p.get_facecolor() for p in fig.axes[0].patches if isinstance(p, Circle)]
    assert fills[0][:3] == (1, 1, 1) and fills[1][:3] != (1, 1, 1)
    assert {"z", "x", "p(z)", "p(x | z)", "N times"} <= set(texts(fig.axes[0])) and "plate" in fig.alt


def test_parameters_stand_outside_the_plate_and_only_the_arrows_of_q_are_dashed():
    fig = graphical_model(parameters=True)
    ax = fig.axes[0]
    plate = next(p for p in ax.patches if isinstance(p, FancyBboxPatch)).get_bbox()
    at = {text.get_text(): text.get_position()[0] for text in ax.texts}
    assert at[r"$\phi$"] < plate.x0 and plate.x1 < at[r"$\theta$"]
    ends = {p.get_linestyle(): [] for p in ax.patches if isinstance(p, FancyArrowPatch)}
    for arrow in (p for p in ax.patches if isinstance(p, FancyArrowPatch)):
        ends[arrow.get_linestyle()].append(tuple(round(x) for x in arrow._posA_posB[1]))
    assert {style == "-": len(places) for style, places in ends.items()} == {True: 2, False: 2}
    dashed = next(places for style, places in ends.items() if style != "-")
    assert {x for x, _ in dashed} <= {2, 3}  # beside z, at 2.3
    assert r"$q_\phi$(z | x)" in at and r"$p_\theta$(x | z)" in at and "Dashed arrows" in fig.alt
    assert not {r"$\phi$", r"$\theta$"} & set(texts(graphical_model().axes[0]))


def test_the_hatched_areas_of_the_mosaic_are_the_joint():
    fig = urn_mosaic(P_Z, P_X_Z, 0, names=NAMES, seen="red")
    hatched = [p for p in fig.axes[0].patches if isinstance(p, Rectangle) and p.get_hatch()]
    joint = DiscreteWorld(P_Z, P_X_Z).joint()[:, 0]
    assert [p.get_width() * p.get_height() for p in hatched] == pytest.approx(joint.tolist())
    assert [p.get_x() for p in hatched] == pytest.approx([0, 0.5, 0.8])


def test_the_bars_beside_the_mosaic_are_the_posterior_and_the_lines_the_prior():
    fig = urn_mosaic(P_Z, P_X_Z, 1, names=NAMES, seen="blue")
    right = fig.axes[1]
    assert [p.get_height() for p in right.patches] == pytest.approx(
        DiscreteWorld(P_Z, P_X_Z).posterior()[1].tolist(), abs=1e-6
    )
    assert [line.get_ydata()[0] for line in right.lines] == pytest.approx(P_Z.tolist())
    assert "0.64 in all" in fig.alt and "urn 0 has area 0.45 and posterior 0.70" in fig.alt


def joint_figure(**changes):
    joint = WORLD.log_joint(X[:, None]).exp()
    return joint_map(**{"z": WORLD.grid, "x": X, "joint": joint, "seen": 2.0, "shown": (-2.0, 8.0)} | changes)


def test_the_margins_of_the_map_are_the_two_marginals_and_the_slice_is_the_posterior():
    fig = joint_figure()
    top, _, _, side, bottom, _ = fig.axes
    prior = WORLD.prior().log_prob(WORLD.grid[:, None]).exp()
    p_x = WORLD.log_marginal(X[:, None]).exp()
    posterior = WORLD.posterior_density(torch.tensor([[2.0]], dtype=torch.float64))[0]
    assert np.allclose(top.lines[0].get_ydata(), prior, atol=1e-3)
    assert np.allclose(side.lines[-1].get_xdata(), p_x, atol=1e-9)
    assert np.allclose(bottom.lines[0].get_ydata(), posterior, atol=1e-9)
    assert "p(x) = 0.124" in fig.alt and "z = 1.12" in fig.alt


def test_draws_are_dots_on_the_map():
    z, x = torch.zeros(7), torch.arange(7.0)
    with_draws = joint_figure(draws=(z, x)).axes[2].collections
    assert len(with_draws) == len(joint_figure().axes[2].collections) + 1
    assert len(with_draws[-1].get_offsets()) == 7


def test_the_bars_of_a_grid_sum_have_the_area_that_the_title_states():
    coarse = GridWorld(WORLD.f, 0.7, half_width=4.0, n_points=9)
    seen = torch.tensor([[2.0]], dtype=torch.float64)
    heights = coarse.log_joint(seen)[0].exp()
    fig = grid_sum(WORLD.grid, WORLD.log_joint(seen)[0].exp(), coarse.grid, heights)
    area = sum(p.get_width() * p.get_height() for p in fig.axes[0].patches)
    assert area == pytest.approx(coarse.log_marginal(seen).exp().item())
    assert fig.axes[0].get_title(loc="left") == f"9 points: sum {area:.4f}"
    assert f"9 points: sum {area:.4f}" in fig.alt


def test_a_grid_sum_goes_on_axes_that_are_given():
    fig, axes = figure(1, 2)
    assert grid_sum([0, 1], [1, 1], [0, 1], [1, 1], ax=axes[0, 1]) is fig and axes[0, 1].patches


def test_slices_share_one_axis_and_the_posterior_is_the_joint_over_its_area():
    *rows, p_x = curves()
    fig = slices(*rows, p_x=p_x, title="here")
    above, middle, below = fig.axes
    assert len(above.lines) == 2 and above.get_shared_x_axes().joined(above, below)
    joint, posterior = middle.lines[0].get_ydata(), below.lines[0].get_ydata()
    assert np.allclose(posterior, joint / p_x) and posterior.sum() * WORLD.step == pytest.approx(1)
    assert isinstance(fig, AltFigure) and fig.alt.startswith("here: ") and "hills at z = -1.58 and 1.12" in fig.alt


@pytest.mark.parametrize(("x", "places"), [(2.0, [-1.58, 1.12]), (-1.0, [-0.2])])
def test_hills_are_the_places_of_the_maxima(x, places):
    z, _, _, joint, _ = curves(x)
    assert hills(z, joint) == pytest.approx(places, abs=0.02)


def test_the_ellipse_of_the_cloud_is_that_of_the_covariance():
    world = LinearGaussian(W, B, 0.5)
    _, x = world.sample(20_000, generator=torch.Generator().manual_seed(0))
    fig = cloud(x, W, B, 0.5, seen=[2.5, 0.5])
    ellipse = next(p for p in fig.axes[0].patches if isinstance(p, Ellipse))
    turn = math.radians(ellipse.angle)
    away = (x - B) @ torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]).double()
    inside = (away / torch.tensor([ellipse.width / 2, ellipse.height / 2])).square().sum(1) < 1
    assert inside.double().mean().item() == pytest.approx(1 - math.exp(-2), abs=0.01)  # two standard deviations
    assert "20000 draws" in fig.alt and "(2.5, 0.5)" in fig.alt


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: urn_mosaic(P_Z[:2], P_X_Z, 0, names=NAMES, seen="red"), "2 priors, 3 rows and 3 names"),
        (lambda: joint_figure(joint=torch.ones(3, 4)), r"shape \[3, 4\]: it must be \[H, G\], here \[441, 401\]"),
        (lambda: joint_figure(joint=torch.full((441, 401), math.nan)), "NaN"),
        (lambda: grid_sum([0, 1], [1, 1], [0], [1]), "two points of the grid or more"),
        (lambda: grid_sum([0, 1], [1], [0, 1], [1, 1]), "one height for each place"),
        (lambda: slices([0, 1], [1, 1], [1], [1, 1], p_x=1.0), "2 values of each curve"),
        (lambda: slices([0, 1], [1, 1], [1, 1], [1, 1], p_x=0.0), "p_x above zero"),
        (lambda: cloud(torch.ones(4, 2), torch.ones(2, 2), B, 0.5, seen=[0, 0]), r"W has shape \[2, 2\]"),
    ],
)
def test_bad_input_is_named_in_one_sentence(draw, said):
    with pytest.raises(ValueError, match=said):
        draw()
