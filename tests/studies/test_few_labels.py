"""A classifier of few labels: the labels are drawn evenly, the fit is the minimum, the scale of the features is nothing."""

import pytest
import torch
from torch.nn import functional as F

from vae_course.studies import few_labels

Y = torch.arange(3).repeat(40)
CENTRES = torch.tensor([[3.0, 0.0], [0.0, 3.0], [-3.0, -3.0]])


def images(seed, spread):
    noise = torch.randn(len(Y), 2, generator=torch.Generator().manual_seed(seed))
    return (CENTRES[Y] + spread * noise).double()


def test_a_draw_shows_as_many_labels_of_each_class_and_another_seed_other_ones():
    shown = few_labels.draw(Y, per_class=5, seed=0)
    assert Y[shown].bincount().tolist() == [5, 5, 5] and len(set(shown.tolist())) == 15
    assert shown.tolist() != few_labels.draw(Y, per_class=5, seed=1).tolist()


def test_the_fit_is_where_the_gradient_of_the_penalised_loss_vanishes():
    features = images(0, 2.0)
    weights, biases = (t.requires_grad_() for t in few_labels.logistic(features, Y, penalty=0.05))
    loss = F.cross_entropy(features @ weights + biases, Y) + 0.05 * weights.square().sum()
    loss.backward()
    assert max(weights.grad.abs().max(), biases.grad.abs().max()) < 1e-4
    assert weights.abs().max() > 0.1


def test_classes_far_apart_are_all_told_apart_by_the_names_that_they_were_shown_under():
    clear = few_labels.accuracy((images(0, 0.3), Y), (images(1, 0.3), Y), per_class=5, draws=3)
    assert clear.tolist() == [1, 1, 1]
    renamed = few_labels.accuracy((images(0, 0.3), (Y + 1) % 3), (images(1, 0.3), Y), per_class=5, draws=3)
    assert renamed.tolist() == [0, 0, 0]


def test_the_scale_and_the_origin_of_the_features_do_not_matter():
    train, test = images(0, 2.0), images(1, 2.0)
    plain = few_labels.accuracy((train, Y), (test, Y), per_class=5, draws=4)
    moved = few_labels.accuracy((50 * train + 7, Y), (50 * test + 7, Y), per_class=5, draws=4)
    assert torch.equal(plain, moved) and plain.std() > 0


def test_a_class_with_too_few_examples_is_named():
    with pytest.raises(ValueError, match="A class has 40 examples"):
        few_labels.draw(Y, per_class=41, seed=0)


def test_labels_spread_along_two_rings_that_no_line_parts():
    angle, y = torch.linspace(0, 2 * torch.pi, 400, dtype=torch.float64), torch.arange(400) % 2
    ring = (1 + y)[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    shown = torch.tensor([0, 1])
    assert (few_labels.spread(ring, shown, y[shown], neighbours=5, steps=2000) == y).double().mean() > 0.99
    weights, biases = few_labels.logistic(ring[shown], y[shown])
    assert ((ring @ weights + biases).argmax(1) == y).double().mean() < 0.8


def test_spreading_ends_at_the_solution_of_its_linear_equations():
    generator = torch.Generator().manual_seed(1)
    points, shown = torch.randn(30, 2, generator=generator, dtype=torch.float64), torch.tensor([3, 8, 20])
    y = torch.tensor([0, 1, 2])
    chosen = torch.cdist(points, points).fill_diagonal_(torch.inf).topk(4, largest=False).indices
    joined = torch.zeros(30, 30, dtype=torch.float64).scatter_(1, chosen, 1.0)
    joined = ((joined + joined.T) > 0).double()
    joined = joined / (joined.sum(0) * joined.sum(1)[:, None]).sqrt()
    told = torch.zeros(30, 3, dtype=torch.float64)
    told[shown, y] = 1
    exact = torch.linalg.solve(torch.eye(30).double() - 0.9 * joined, 0.1 * told)
    found = few_labels.spread(points, shown, y, neighbours=4, keep=0.9, steps=400)
    assert torch.equal(found, exact.argmax(1))


def test_a_spread_that_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="fewer"):
        few_labels.spread(torch.randn(5, 2), torch.tensor([0]), torch.tensor([0]), neighbours=5)
