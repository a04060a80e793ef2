"""Pictures of the capstone: bounds below a known log p(x), and a card that says all it shows."""

import pytest
import torch

from vae_course.plotting.capstone import bounds_below, report_card
from vae_course.plotting.figure import LARGEST
from vae_course.studies.capstone.acceptance import Acceptance, AcceptanceFinding, Relation
from vae_course.studies.capstone.acceptance import Test as Tested
from vae_course.studies.capstone.card import RUBRIC, Headline, ProjectCard

LOG_PX = torch.tensor([-5.0, -6.0, -9.0])


def test_bounds_are_averaged_by_how_frequent_an_image_is():
    fig = bounds_below(LOG_PX, {"ELBO": LOG_PX - torch.tensor([1.0, 2.0, 5.0])}, torch.tensor([2.0, 2.0, 0.0]))
    assert "3 images" in fig.alt and "ELBO -1.500." in fig.alt
    drawn = fig.axes[0].collections[0].get_offsets()
    assert drawn[:, 1].tolist() == [-1, -2, -5] and drawn[:, 0].tolist() == LOG_PX.tolist()


@pytest.mark.parametrize("bad", [torch.tensor([1.0]), torch.tensor([1.0, float("nan"), 2.0])])
def test_bounds_of_another_length_or_without_a_value_are_refused(bad: torch.Tensor):
    with pytest.raises(ValueError, match="ELBO"):
        bounds_below(LOG_PX, {"ELBO": bad}, torch.ones(3))


def card(bits: dict[str, float], over_seeds: float | None = 0.03, **points: int) -> ProjectCard:
    findings = tuple(AcceptanceFinding(test, 1.0, Relation.EQUAL, 2.0 * i) for i, test in enumerate(Tested))
    return ProjectCard(
        "detect", Headline("AUROC", 0.8, 0.01, over_seeds, ""), Acceptance(findings, 7.0, 5.3, 0.1), bits, points
    )


@pytest.mark.parametrize("bits", [{}, {"message": 10.0, "with the weights": 200.0}])
def test_a_card_shows_each_finding_and_each_row_of_the_rubric(bits: dict[str, float]):
    fig = report_card(card(bits, errors=2))
    words = " ".join(text.get_text() for ax in fig.axes for text in (*ax.texts, *ax.get_yticklabels()))
    assert all(str(test) in words for test in Tested) and all(row.name in words for row in RUBRIC)
    assert "2 of 4" in words and "by your own count 2 of 20 points" in words
    assert fig.alt.endswith("Own points 2 of 20.") and ("200.0" in fig.alt) == bool(bits)
    assert len(fig.png()) <= LARGEST


def test_a_card_of_one_training_says_so_and_has_one_error_bar():
    fig = report_card(card({}, over_seeds=None))
    assert "one training: no error over trainings" in [text.get_text() for text in fig.axes[0].get_yticklabels()]
    assert len(fig.axes[0].containers) == 1 and "no error over trainings" in fig.alt


def test_nothing_of_a_card_is_cut_off():
    fig = report_card(card({"message": 10.0}))
    fig.canvas.draw()
    width = fig.bbox.width
    for ax in fig.axes:
        for text in ax.texts:
            box = text.get_window_extent()
            assert box.x0 >= 0 and box.x1 <= width, text.get_text()
