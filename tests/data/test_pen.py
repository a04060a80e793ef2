"""The pen draws digits that a reader recognises, and the factors say how each was drawn."""

import math

import pytest
import torch

from vae_course.data import pen
from vae_course.data.skeletons import SKELETONS


@pytest.fixture(scope="module")
def drawn():
    return pen.draw(3000, seed=1)


def test_images_are_grey_levels_of_a_byte_and_classes_are_even(drawn):
    x, y, _ = drawn
    assert x.shape == (3000, 1, 28, 28) and x.dtype == torch.float32
    torch.testing.assert_close((255 * x).round() / 255, x)
    # Four standard errors of a binomial count with p = 1/10.
    assert ((torch.bincount(y, minlength=10) - 300).abs() < 4 * math.sqrt(3000 * 0.09)).all()


def test_a_seed_repeats_every_image_and_another_seed_none():
    first, again, other = (pen.draw(20, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_every_skeleton_is_drawn_about_as_often_as_it_says(drawn):
    _, y, factors = drawn
    for digit in range(10):
        shares = torch.tensor([s.frequency for s in SKELETONS if s.digit == digit])
        counts = torch.bincount(factors["variant"][y == digit], minlength=len(shares)).float()
        expected = shares / shares.sum()
        assert len(counts) == len(shares)
        assert (
            (counts / counts.sum() - expected).abs() < 4 * (expected * (1 - expected) / counts.sum()).sqrt() + 1e-6
        ).all()


def test_the_shift_is_where_the_centre_of_mass_is(drawn):
    x, _, factors = drawn
    at = torch.arange(28.0)
    ink = x.squeeze(1) / x.sum((1, 2, 3)).reshape(-1, 1, 1)
    for name, axis in (("shift_x", 1), ("shift_y", 2)):
        moved = (ink.sum(axis) * at).sum(1) - 13.5
        assert (moved - factors[name]).abs().median() < 0.2
        assert correlation(moved, factors[name]) > 0.9


def test_ink_grows_with_thickness_and_lean_with_slant(drawn):
    x, y, factors = drawn
    ones = (y == 1) & (factors["variant"] == 0)
    assert correlation(x[ones].sum((1, 2, 3)), factors["thickness"][ones]) > 0.9
    lean = factors["slant"] + factors["rotation"]
    assert correlation(-_skew(x[ones].squeeze(1)), lean[ones]) > 0.8


def test_the_longer_side_is_the_scale(drawn):
    x, _, factors = drawn
    marked = x.squeeze(1) > 0.1
    sides = torch.stack([marked.any(axis).sum(1) for axis in (1, 2)]).amax(0)
    assert ((sides - factors["scale"]).abs() < 3).float().mean() > 0.95
    assert correlation(sides, factors["scale"]) > 0.7


def test_rotation_aspect_and_ink_show_in_the_picture(drawn):
    x, y, factors = drawn
    x = x.squeeze(1)
    ones = (y == 1) & (factors["variant"] == 0)
    # The lean of a straight stroke is slant and rotation together, so what the slant leaves over is the rotation.
    lean = torch.rad2deg(torch.atan(-_skew(x[ones])))
    assert correlation(lean - factors["slant"][ones], factors["rotation"][ones]) > 0.6
    upright = (y == 0) & ((factors["slant"] + factors["rotation"]).abs() < 10)
    width, height = ((x[upright] > 0.5).any(axis).sum(1) for axis in (1, 2))
    assert correlation(width / height, factors["aspect"][upright]) > 0.6
    thick = factors["thickness"] > 2.5
    torch.testing.assert_close(x[thick].amax((1, 2)), factors["ink"][thick], atol=0.01, rtol=0)


def test_digits_keep_inside_the_frame(drawn):
    x, _, _ = drawn
    border = torch.cat([x[..., 0, :], x[..., -1, :], x[..., 0], x[..., -1]], -1)
    assert (border.amax((1, 2)) > 0.2).float().mean() < 0.01


def test_the_ink_is_the_distance_to_a_straight_stroke():
    """A vertical stroke in the middle: the grey level of each column is known."""
    middle = torch.stack([torch.full((200,), 13.5), torch.linspace(-5, 33, 200)], 1)[None]
    ink = pen._ink(middle, torch.full((1, 200), 38 / 199), torch.tensor([3.0]))[0, 14]
    distance = (torch.arange(28.0) - 13.5).abs()
    torch.testing.assert_close(ink, ((1.5 - distance) / pen.SOFTNESS + 0.5).clamp(0, 1), atol=0.02, rtol=0)


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        pen.draw(0)


def correlation(a, b):
    return torch.corrcoef(torch.stack([a.float(), b.float()]))[0, 1].item()


def _skew(x):
    """How far the ink moves to the right from one row to the next below."""
    at = torch.arange(28.0)
    mass = x / x.sum((1, 2), keepdim=True)
    dx, dy = at - (mass.sum(1) * at).sum(1, keepdim=True), at - (mass.sum(2) * at).sum(1, keepdim=True)
    return (mass * dy[:, :, None] * dx[:, None, :]).sum((1, 2)) / (mass * dy.square()[:, :, None]).sum((1, 2))


def test_a_linear_classifier_carries_over_between_pen_digits_and_mnist(mnist_root, monkeypatch):
    from benchmarks.domain_gap import accuracies

    monkeypatch.setenv("VAE_COURSE_DATA", str(mnist_root))
    found = accuracies(limit=4000)
    assert found["mnist", "mnist"] > 0.85 and found["pen", "pen"] > 0.9
    # Chance is 0.1; the two worlds are not the same, but what is learned in one helps in the other.
    assert found["pen", "mnist"] > 0.6 and found["mnist", "pen"] > 0.75
