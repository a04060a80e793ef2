"""Pictures of densities that move: areas that stay, gaps that are told, zeros that are blank, and bad input named."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from vae_course.plotting.flows import account, fitted, gaps, jacobians, panels, pushed, warps

Z = np.linspace(-3, 3, 601)
P = np.exp(-(Z**2) / 2) / math.sqrt(2 * math.pi)
Y = Z + np.tanh(Z)
PUSHED = P / (2 - np.tanh(Z) ** 2)
PLANE = torch.stack(torch.meshgrid(torch.linspace(-3, 3, 61), torch.linspace(-4, 4, 81), indexing="xy"), -1)
ROUND = Normal(0.0, 1.0).log_prob(PLANE).sum(-1).exp()


def areas(ax, axis: int) -> list[float]:
    """What each filled strip covers, by the trapezium rule; axis 0 for a density over z, 1 for one on its side."""
    found = []
    for collection in ax.collections:
        corners = collection.get_paths()[0].vertices
        x, y = corners[:, axis], corners[:, 1 - axis]
        found.append(abs(float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2))
    return found


# ------------------------------------------------------------------------------------------------ pushed


def test_a_strip_has_the_same_area_before_and_after_the_map():
    fig = pushed(Z, P, Y, PUSHED, strips=[(-1.5, -1.0), (0.0, 0.5)])
    side, middle, _, below = fig.axes
    assert areas(below, 0) == pytest.approx(areas(side, 1), rel=1e-3)
    assert areas(below, 0) == pytest.approx([0.0919, 0.1915], abs=2e-4)
    assert middle.lines[0].get_xydata().tolist() == np.column_stack([Z, Y]).tolist()
    assert "9% of the mass lies in z from -1.50 to -1.00, and then in y from -2.41 to -1.76" in fig.alt


def test_strips_differ_in_colour_and_in_hatch():
    strips = pushed(Z, P, Y, PUSHED, strips=[(-1.5, -1.0), (0.0, 0.5), (1.0, 2.0)]).axes[3].collections
    assert len({strip.get_hatch() for strip in strips}) == len({tuple(s.get_facecolor()[0]) for s in strips}) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y": -Y}, "must rise"),
        ({"y": Y[:9]}, "y has 9 values"),
        ({"strips": [(1.0, 0.0)]}, "each .a, b. with a < b within z"),
        ({"strips": [(0.0, 9.0)]}, "within z"),
        ({"strips": [(0.0, 1.0)] * 4}, "give 3 at most"),
    ],
)
def test_a_map_that_does_not_fit_is_named(change, said):
    with pytest.raises(ValueError, match=said):
        pushed(**{"z": Z, "p": P, "y": Y, "q": PUSHED} | change)


# ------------------------------------------------------------------------------------------------ panels


def test_each_q_has_a_panel_with_its_gap_on_one_scale():
    fig = panels(Z, P, {"Gaussian": P, "2 steps": 2 * P}, {"Gaussian": 0.4754, "2 steps": 0.0301})
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["Gaussian\ngap 0.475", "2 steps\ngap 0.030"]
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim() and fig.axes[0].get_ylim()[1] > 2 * P.max()
    assert fig.axes[1].lines[0].get_ydata().tolist() == (2 * P).tolist()
    assert fig.alt.endswith("Gaps in nats: Gaussian 0.475; 2 steps 0.030.")


def test_seven_panels_stand_in_two_rows():
    names = [str(i) for i in range(7)]
    fig = panels(Z, P, dict.fromkeys(names, P), dict.fromkeys(names, 0.1))
    assert len(fig.axes) == 8 and not fig.axes[7].axison and fig.axes[6].axison


def test_outlines_in_the_plane_hold_half_and_nine_tenths_of_the_mass():
    fig = panels(PLANE, ROUND, {"q": ROUND}, {"q": 0.0})
    lines = fig.axes[0].collections[-1]
    radii = sorted(float(np.hypot(*path.vertices.T).mean()) for path in lines.get_paths())
    # Of a standard Gaussian in the plane: sqrt(-2 log(1 - share)); the window cuts a little of it off.
    assert radii == pytest.approx([math.sqrt(2 * math.log(2)), math.sqrt(2 * math.log(10))], abs=0.05)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: panels(Z, P, {}, {}), "at least one q"),
        (lambda: panels(Z, P, {"a": P}, {"b": 0.1}), "names"),
        (lambda: panels(Z, P, {"a": P[:5]}, {"a": 0.1}), r"a has shape \[5\] at places \[601\]"),
        (lambda: panels(PLANE, P, {"a": ROUND}, {"a": 0.1}), "the posterior has shape"),
        (lambda: panels(PLANE[..., :1], P, {"a": P}, {"a": 0.1}), "places have shape"),
        (lambda: panels(Z, P * np.nan, {"a": P}, {"a": 0.1}), "NaN"),
    ],
)
def test_panels_that_do_not_fit_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# ------------------------------------------------------------------------------------------------ warps


def test_a_bent_grid_has_lines_of_both_directions_within_one_frame():
    grid = torch.stack(torch.meshgrid(torch.linspace(-1, 1, 5), torch.linspace(-1, 1, 5), indexing="xy"), -1)
    bent = grid + torch.tensor([0.0, 2.0])
    fig = warps([grid, bent], ["start", "1 step"])
    assert [len(ax.collections) for ax in fig.axes] == [2, 2]
    rows, cols = (np.array(c.get_segments()) for c in fig.axes[1].collections)
    assert (rows[..., 1].min(), rows[..., 1].max()) == (1, 3) and rows.shape == cols.shape == (3, 5, 2)
    assert fig.axes[0].get_ylim() == fig.axes[1].get_ylim() == pytest.approx((-1.16, 3.16))
    assert "1 step: z1 from -1.0 to 1.0, z2 from 1.0 to 3.0" in fig.alt


@pytest.mark.parametrize("stages", [[], [PLANE, PLANE], [Z]])
def test_stages_that_do_not_fit_are_named(stages):
    with pytest.raises(ValueError, match="give"):
        warps(stages, ["one"])


# ------------------------------------------------------------------------------------------------ gaps


def test_the_line_is_of_the_best_start_and_every_start_has_a_mark():
    fig = gaps(
        [1, 2, 4], {"planar": [[0.4, 0.3, 0.2], [0.5, 0.1, 0.3]], "spline": [[0.02, 0.01, 0.01]]}, levels={"one": 0.48}
    )
    marks, best, alone, level = fig.axes[0].lines
    assert sorted(marks.get_ydata()) == [0.1, 0.2, 0.3, 0.3, 0.4, 0.5]
    assert best.get_ydata().tolist() == [0.4, 0.1, 0.2] and alone.get_ydata().tolist() == [0.02, 0.01, 0.01]
    assert level.get_ydata()[0] == 0.48 and fig.axes[0].get_yscale() == "log"
    assert (
        "planar: best 0.400 at 1, 0.200 at 4, the worst of 2 starts 0.300; spline: best 0.020 at 1, 0.010 at 4;"
        in fig.alt
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({}, "rows is empty"),
        ({"a": [[0.1, 0.2]]}, r"give \[S, 3\]"),
        ({"a": [[0.1, 0.0, 0.1]]}, "needs gaps above zero"),
    ],
)
def test_gaps_that_do_not_fit_are_named(rows, said):
    with pytest.raises(ValueError, match=said):
        gaps([1, 2, 4], rows)


# ------------------------------------------------------------------------------------------------ Jacobians


def test_zeros_are_blank_and_the_kind_of_matrix_is_told():
    full, lower, coupling = torch.ones(3, 3), torch.ones(3, 3).tril(), torch.eye(3)
    coupling[2, 0] = 0.5
    fig = jacobians({"planar": full, "chain": lower, "upper": lower.T, "one": coupling, "scale": torch.eye(3)})
    assert [len(ax.patches) for ax in fig.axes] == [9, 6, 6, 4, 3]
    said = [ax.get_xlabel().split("\n")[1] for ax in fig.axes]
    assert said == ["full", "triangular", "triangular", "triangular", "diagonal alone"]
    (entry,) = (p for p in fig.axes[3].patches if p.get_x() != p.get_y())
    assert (entry.get_x(), entry.get_y()) == (0, 2)
    assert "one: 4 of 9 entries, triangular" in fig.alt


def test_a_band_on_both_sides_of_the_diagonal_is_not_triangular():
    band = torch.ones(3, 3).tril(1).triu(-1)
    assert "a: 7 of 9 entries, full" in jacobians({"a": band}).alt


@pytest.mark.parametrize("matrices", [{}, {"a": torch.ones(2, 3)}])
def test_what_is_no_jacobian_is_named(matrices):
    with pytest.raises(ValueError, match="give"):
        jacobians(matrices)


# ------------------------------------------------------------------------------------------------ accounts


def test_each_part_begins_where_the_last_one_ended():
    fig = account({"amortisation": (3.19, 0.19), "approximation": (2.52, float("nan"))}, start="ELBO", end="log p(x)")
    first, second = fig.axes[0].patches
    assert (first.get_x(), first.get_width()) == (0, 3.19)
    assert (second.get_x(), second.get_width()) == pytest.approx((3.19, 2.52))
    assert fig.alt == "From ELBO to log p(x), 5.71 nats in 2 parts: amortisation 3.19 ± 0.19; approximation 2.52."
    with pytest.raises(ValueError, match="parts is empty"):
        account({}, start="a", end="b")


# ------------------------------------------------------------------------------------------------ one fit


def test_the_column_reaches_the_bound_and_the_gap_fills_the_rest():
    stages = [np.linspace(-2, 2, 5), np.linspace(-1, 3, 5)]
    fig = fitted(Z, P, 2 * P, stages=stages, name="planar, 1 step", log_px=-2.0, elbo=-2.3)
    above, below, right = fig.axes
    bound, gap = right.patches
    assert bound.get_y() + bound.get_height() == pytest.approx(-2.3)
    assert (gap.get_y(), gap.get_height()) == pytest.approx((-2.3, 0.3))
    assert above.get_ylim()[1] > 2 * P.max()
    assert [line[-1].tolist() for line in below.collections[0].get_segments()] == [
        [-1, 1],
        [0, 1],
        [1, 1],
        [2, 1],
        [3, 1],
    ]
    assert fig.alt == (
        "q, planar, 1 step, over the true posterior, 100% of whose mass it shares, hills of the posterior at 0.00, of q at 0.00;"
        " paths of a grid by its steps. log p(x) is -2.00 nats, ELBO -2.300, gap 0.300."
    )


def test_the_words_tell_how_much_of_the_posterior_q_shares():
    two = 0.5 * (np.exp(-((Z - 1.5) ** 2) / 0.08) + np.exp(-((Z + 1.5) ** 2) / 0.08)) / math.sqrt(0.08 * math.pi)
    one = np.exp(-((Z - 1.5) ** 2) / 0.08) / math.sqrt(0.08 * math.pi)
    fig = fitted(Z, two, one, stages=[Z], name="Gaussian", log_px=0.0, elbo=-math.log(2))
    assert "50% of whose mass it shares, hills of the posterior at -1.50 and 1.50, of q at 1.50" in fig.alt


def test_in_the_plane_the_grid_stands_in_the_posterior_s_frame():
    fig = fitted(PLANE, ROUND, ROUND, stages=[PLANE, 2 * PLANE], name="coupling, 1 step", log_px=-2.0, elbo=-2.0)
    above, below, _ = fig.axes
    assert above.get_xlim() == below.get_xlim() == (-3, 3) and below.get_ylim() == (-4, 4)
    assert np.max([line.max() for line in below.collections[0].get_segments()]) == 8
    assert "a grid as bent by its steps" in fig.alt


@pytest.mark.parametrize("stages", [[], [PLANE], [Z, Z[:5]]])
def test_stages_of_another_shape_are_named(stages):
    with pytest.raises(ValueError, match="The stages have shapes"):
        fitted(Z, P, P, stages=stages, name="q", log_px=0.0, elbo=0.0)
