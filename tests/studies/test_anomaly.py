"""The area under the ROC curve and its standard error, against scikit-learn and repetition."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

from vae_course.studies.anomaly import auroc


@pytest.mark.parametrize("step", [1e-6, 0.5, 3.0])
def test_the_area_is_that_of_scikit_learn_ties_included(step):
    source = torch.Generator().manual_seed(0)
    usual, odd = torch.randn(70, generator=source), 0.7 + 2 * torch.randn(40, generator=source)
    usual, odd = ((scores / step).round() * step for scores in (usual, odd))
    labels = torch.cat([torch.zeros(70), torch.ones(40)])
    assert auroc(usual, odd).area == pytest.approx(roc_auc_score(labels, torch.cat([usual, odd])))


def test_the_standard_error_is_the_spread_over_repetitions():
    source = torch.Generator().manual_seed(1)
    found = [auroc(torch.randn(60, generator=source), 1 + torch.randn(30, generator=source)) for _ in range(400)]
    spread = torch.tensor([f.area for f in found]).std().item()
    told = torch.tensor([f.standard_error for f in found]).mean().item()
    assert told == pytest.approx(spread, rel=0.12)


def test_all_equal_scores_are_a_coin_and_it_reads_well():
    found = auroc(torch.ones(3), torch.ones(2))
    assert found.area == 0.5 and str(found) == "0.500 ± 0.000"


@pytest.mark.parametrize("odd", [torch.ones(1), torch.ones(2, 2), torch.tensor([1.0, torch.nan])])
def test_bad_scores_are_named(odd):
    with pytest.raises(ValueError, match="odd has shape .* give two or more scores"):
        auroc(torch.ones(3), odd)
