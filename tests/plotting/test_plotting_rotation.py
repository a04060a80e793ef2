"""The picture of codes turned against two factors."""

import pytest

from vae_course.plotting.rotation import turned

LIMITS = {"first": (0.0, 1.0), "second": (-1.0, 0.0)}


def test_the_arrows_are_the_columns_of_the_decoder_and_every_measure_is_told():
    fig = turned(
        (2.0, 0.5), (0.0, 90.0), {"first": ((0.1, 0.2), (0.3, 0.4)), "second": ((-0.5, -0.6), (-0.7, -0.8))}, LIMITS
    )
    assert "Codes turned by 90 degrees: code 1 to (0.00, -0.50) and code 2 to (2.00, 0.00)" in fig.alt
    assert "first 0.200 with the true posterior, 0.400 with a diagonal q; second -0.600" in fig.alt
    assert [ax.get_title(loc="left") for ax in fig.axes[1:]] == ["first", "second"]
    assert fig.axes[0].get_xlabel() == "along factor 1" and fig.axes[-1].get_xlabel() == "angle (degrees)"


def test_a_measure_of_another_length_is_named():
    with pytest.raises(ValueError, match="first has 1 and 2 values for 2 angles"):
        turned((2.0, 0.5), (0.0, 9.0), {"first": ((0.1,), (0.3, 0.4))}, LIMITS)
