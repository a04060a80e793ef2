"""What two exercises of lesson 18 share: a log-SNR that is read as the SNR."""

from collections.abc import Callable

import torch

from vae_course.exercises.model import Answer, Misconception


def snr_for_alpha(changed: Callable[..., Answer]) -> Misconception:
    """exp(log-SNR) taken for alpha^2, with several sigma^2; `changed` makes answers of `bar`, alpha^2, and `rest`, sigma^2."""
    return Misconception(
        "SNR for alpha^2",
        changed(bar=torch.exp, rest=torch.ones_like),
        "You take the SNR for alpha^2. The SNR, exp(log-SNR), is alpha^2 / sigma^2, and these two add up to 1: alpha^2 = "
        "SNR / (1 + SNR) = sigmoid(log-SNR).",
        variants=(
            changed(bar=torch.exp),
            changed(bar=torch.exp, rest=lambda at: torch.sigmoid(-at)),
            changed(bar=torch.exp, rest=lambda at: (1 - at.exp()).clamp(min=0)),
            changed(bar=torch.exp, rest=lambda at: 1 - at.exp()),
        ),
    )
