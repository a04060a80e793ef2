"""The spiral's density against draws of it, and what counts as astray."""

import pytest
import torch

from vae_course.studies.spiral import NOISE, entropy, spiral, strays


def test_the_entropy_is_the_mean_surprise_of_draws_and_the_density_integrates_to_one():
    x = spiral().sample(20_000, generator=torch.Generator().manual_seed(0))
    surprise = -spiral().log_density(x)
    assert abs(surprise.mean() - entropy()) < 4 * surprise.std() / 20_000**0.5
    axis = torch.linspace(-3, 3, 151, dtype=torch.float64)
    mass = spiral().log_density(torch.cartesian_prod(axis, axis)).exp().sum() * 0.04**2
    assert mass.item() == pytest.approx(1, abs=1e-6)


def test_the_places_lie_so_close_that_the_noise_hides_them():
    steps = spiral().means.diff(dim=0).norm(dim=1)
    assert (steps[1:] < 1.5 * NOISE).all() and (spiral().sample(5000).var(0) - 0.9).abs().max() < 0.25


def test_true_points_hardly_stray_and_others_do():
    x = spiral().sample(50_000, generator=torch.Generator().manual_seed(1))
    assert 0 <= strays(x) < 3e-4
    outside = spiral().means[-1:] * torch.tensor([[1 + 3.9 * NOISE / 2], [1 + 4.1 * NOISE / 2]])
    assert strays(outside) == 0.5 and strays(torch.tensor([[5.0, 5.0]])) == 1


@pytest.mark.parametrize("x", [torch.zeros(3), torch.zeros(0, 2), torch.zeros(4, 3)])
def test_points_outside_the_plane_are_refused(x):
    with pytest.raises(ValueError, match=r"give points of the plane, \[N, 2\]"):
        strays(x)
