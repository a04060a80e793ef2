"""Pictures of diffusion: bars whose area is told, paths that end at the marked time, and bad input named."""

import numpy as np
import pytest

from vae_course.plotting.diffusion import bound_bars, journeys, particles

POINTS = np.random.default_rng(0).normal(size=(50, 2))
PLACES = np.linspace(-3, 3, 31)
DENSITIES = np.tile(np.exp(-(PLACES**2)), (7, 1))
THERE = np.linspace([0.0, 1.0], [2.0, -1.0], 11)
BACK = np.linspace([-1.0, 0.5], [1.0, 0.0], 5)
STEPS, LIMIT = np.array([2.0, 1.0, 0.5, 0.5]), np.full(10, 0.3)


def shown(**change):
    drawn = {
        "places": PLACES,
        "densities": DENSITIES,
        "there": THERE,
        "back": BACK,
        "steps": STEPS,
        "limit": LIMIT,
        "at": 0.3,
    }
    return journeys(**(drawn | change))


# ------------------------------------------------------------------------------------------------ particles


def test_each_way_is_a_row_with_a_panel_for_each_time():
    fig = particles({"forward": [POINTS, 2 * POINTS], "back": [POINTS, 3 * POINTS]}, [0.0, 0.5])
    assert [ax.get_title() for ax in fig.axes] == ["t = 0", "t = 0.5", "", ""]
    assert [ax.get_ylabel() for ax in fig.axes] == ["forward", "", "back", ""]
    assert fig.axes[3].collections[0].get_offsets().tolist() == (3 * POINTS).tolist()
    assert len({ax.get_xlim() for ax in fig.axes}) == 1
    spread = POINTS.std(0).mean()
    assert f"forward: {spread:.2f}, {2 * spread:.2f}; back: {spread:.2f}, {3 * spread:.2f}" in fig.alt


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({}, "for 1 times"),
        ({"a": [POINTS, POINTS]}, r"\[2\] panels for 1 times"),
        ({"a": [POINTS[:, :1]]}, r"a at t = 0 has shape \[50, 1\]"),
        ({"a": [np.nan * POINTS]}, "NaN"),
    ],
)
def test_particles_that_do_not_fit_are_named(rows, said):
    with pytest.raises(ValueError, match=said):
        particles(rows, [0.0])


# ------------------------------------------------------------------------------------------------ bars


def test_areas_are_what_the_steps_and_the_limit_cost():
    fig = bound_bars(STEPS, LIMIT, title="linear")
    bars = fig.axes[0].patches
    assert [bar.get_width() * bar.get_height() for bar in bars] == pytest.approx(STEPS)
    assert [bar.get_x() for bar in bars] == [0, 0.25, 0.5, 0.75]
    x, y = fig.axes[0].lines[0].get_data()
    assert y.mean() == pytest.approx(LIMIT.sum()) and x.tolist() == pytest.approx(np.linspace(0.05, 0.95, 10))
    assert fig.alt.startswith("linear: 4 bars with an area of 4.00 nats") and "3.00 nats" in fig.alt
    assert fig.axes[0].texts[0].get_text() == "bars, T = 4: 4.00 nats\nline, T → ∞: 3.00 nats"


@pytest.mark.parametrize(("steps", "limit"), [([], LIMIT), (STEPS, [[1.0]]), ([np.inf], LIMIT)])
def test_costs_that_do_not_fit_are_named(steps, limit):
    with pytest.raises(ValueError, match="empty|give one row|infinity"):
        bound_bars(steps, limit)


# ------------------------------------------------------------------------------------------------ journeys


@pytest.mark.parametrize("at", [0.0, 0.3, 0.5, 1.0])
def test_paths_run_from_their_start_to_the_marked_time(at):
    fig = shown(at=at)
    there, back, bars = fig.axes
    for ax, way, start in ((there, THERE, 0.0), (back, BACK[::-1], 1.0)):
        path = np.array(ax.collections[0].get_segments())
        t = np.linspace(0, 1, len(way))
        assert sorted({path[..., 0].min(), path[..., 0].max()}) == sorted({start, at})
        for line, column in zip(path, way.T, strict=True):
            assert line[:, 1] == pytest.approx(np.interp(line[:, 0], t, column))
        dots = ax.lines[0].get_xydata()
        assert (dots[:, 0] == at).all()
        assert dots[:, 1] == pytest.approx([np.interp(at, t, column) for column in way.T])
    assert f"t = {at:.2f} is marked" in fig.alt and "4 bars with an area of 4.00 nats" in fig.alt
    pale = {bar.get_x() for bar in bars.patches if bar.get_alpha() < 0.5}
    assert pale == {x for x in (0, 0.25, 0.5, 0.75) if x + 0.125 < at}


def test_the_grey_behind_the_paths_is_the_density():
    image = shown().axes[0].images[0]
    assert np.asarray(image.get_array()) == pytest.approx(np.sqrt(DENSITIES.T))
    assert list(image.get_extent()) == [0, 1, -3, 3]


@pytest.mark.parametrize(
    "change", [{"densities": DENSITIES[:, :5]}, {"there": THERE[0]}, {"back": BACK[:1]}, {"there": np.nan * THERE}]
)
def test_journeys_that_do_not_fit_are_named(change):
    with pytest.raises(ValueError, match="have shapes|NaN"):
        shown(**change)
