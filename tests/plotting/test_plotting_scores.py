"""Histograms of scores say what the numbers say."""

import pytest
import torch

from vae_course.plotting import score_histograms

GROUPS = {"digits": torch.tensor([1.0, 1.0, 5.0, 9.0]), "dots": torch.tensor([0.0, 0.2])}


def test_each_group_adds_up_to_all_of_it_and_has_its_name():
    ax = score_histograms(GROUPS, xlabel="-ELBO (nats)").axes[0]
    shares = [patch.get_data().values.sum() for patch in ax.patches]
    assert shares == pytest.approx([100, 100, 100])  # the first is drawn twice, as an area and as an outline
    assert [text.get_text() for text in ax.texts] == ["digits", "dots"]
    assert ax.get_xlabel() == "-ELBO (nats)"


def test_the_words_state_the_numbers():
    assert score_histograms(GROUPS, xlabel="score").alt == (
        "score: digits 4.0 on average, standard deviation 3.3; dots 0.1 on average, standard deviation 0.1."
    )
    assert score_histograms(GROUPS, xlabel="score", alt="mine").alt == "mine"


@pytest.mark.parametrize(("groups", "said"), [({}, "groups is empty"), ({"a": torch.tensor([])}, "a is empty")])
def test_bad_input_is_named(groups, said):
    with pytest.raises(ValueError, match=said):
        score_histograms(groups, xlabel="score")
