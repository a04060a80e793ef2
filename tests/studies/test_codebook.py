"""A codebook in the plane: K-means as the oracle, dead codes, revival, and the numbers that are shown."""

import math

import pytest
import torch

from vae_course.studies.codebook import Codebook, cloud, start, train

pytestmark = pytest.mark.usefixtures("one_thread_only")

POINTS = torch.tensor([[0.0, 0.0], [2.0, 0.0], [9.0, 1.0], [11.0, 3.0]], dtype=torch.float64)
CODES = torch.tensor([[1.0, 1.0], [8.0, 0.0], [50.0, 50.0]], dtype=torch.float64)
BOOK = Codebook(POINTS, CODES)


def test_use_perplexity_and_distortion_by_hand():
    assert BOOK.tokens.tolist() == [0, 0, 1, 1] and BOOK.dead.tolist() == [False, False, True]
    assert BOOK.use.tolist() == [0.5, 0.5, 0.0] and BOOK.perplexity == pytest.approx(2)
    assert BOOK.distortion == pytest.approx((2 + 2 + 2 + 18) / 4)


def test_a_step_without_decay_is_one_of_k_means_and_leaves_the_dead_alone():
    assert BOOK.step(0.0).codes.tolist() == [[1, 0], [10, 2], [50, 50]]
    assert BOOK.step(0.75).codes.tolist() == [[1, 0.75], [8.5, 0.5], [50, 50]]


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9])
def test_no_step_raises_the_distortion(decay: float):
    points = cloud()
    book = Codebook(points, start(16, 2.0))
    for _ in range(30):
        after = book.step(decay)
        assert after.distortion <= book.distortion + 1e-12
        book = after


def test_k_means_ends_where_every_code_is_the_mean_of_its_points():
    book = train(cloud(), 8, spread=2.0, decay=0.0, steps=100)
    for k in range(8):
        mine = book.points[book.tokens == k]
        if len(mine):
            torch.testing.assert_close(book.codes[k], mine.mean(0))


def test_revival_puts_the_dead_on_points_and_moves_no_other():
    book = train(cloud(), 16, steps=20)
    after = book.revive(seed=0)
    assert book.dead.any() and torch.equal(after.codes[~book.dead], book.codes[~book.dead])
    assert all((book.points == code).all(1).any() for code in after.codes[book.dead])
    assert len(after.codes[book.dead].unique(dim=0)) == int(book.dead.sum())
    assert after.distortion < book.distortion and after.perplexity > book.perplexity


def test_only_revivals_that_were_reached_count():
    points = cloud()
    assert torch.equal(train(points, 16, steps=5, revived=(6,)).codes, train(points, 16, steps=5).codes)
    by_hand = train(points, 16, steps=5).revive(seed=5).step(0.9)
    assert torch.equal(train(points, 16, steps=6, revived=(5,)).codes, by_hand.codes)


def test_perplexity_reaches_from_one_to_k():
    one = Codebook(POINTS, CODES[:1])
    all_four = Codebook(POINTS, POINTS)
    assert one.perplexity == 1 and all_four.perplexity == pytest.approx(4) and all_four.distortion == 0
    assert 1 <= train(cloud(), 32, steps=3).perplexity <= 32


def test_the_cloud_has_four_heaps_and_depends_on_its_seed_alone():
    assert torch.equal(cloud(50, seed=3), cloud(50, seed=3)) and not torch.equal(cloud(50), cloud(50, seed=3))
    assert cloud(40).shape == (40, 2) and float(cloud().abs().max()) < 4


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: train(POINTS, 2, decay=1.0), "decay is 1.0"),
        (lambda: train(POINTS, 2, spread=0.0), "spread is 0.0"),
        (lambda: train(POINTS, 2, spread=math.nan), "spread is nan"),
        (lambda: train(POINTS, 5), "There are 4 points for 5 codes"),
        (lambda: train(POINTS, 2, steps=-1), "steps is -1"),
        (lambda: train(POINTS, 0), "n_codes is 0"),
        (lambda: cloud(0), "n is 0"),
    ],
)
def test_bad_input_is_named_in_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()
