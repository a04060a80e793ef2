"""What the networks of two builds are given: points, and a log-SNR for each."""

import torch
from torch import Tensor

from vae_course.exercises.model import AnswerError


def checked(name: str, x_t: Tensor, log_snrs: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Log-SNRs that stand beside the numbers of their points, and the weights, both in the dtype of the points."""
    dims = weights.shape[-1]
    at = log_snrs if isinstance(log_snrs, Tensor) else torch.as_tensor(log_snrs)
    if not isinstance(x_t, Tensor) or x_t.dim() < 1 or x_t.shape[-1] != dims:
        found = f"a tensor of shape {list(x_t.shape)}" if isinstance(x_t, Tensor) else f"a {type(x_t).__name__}"
        raise AnswerError(f"`{name}` was given {found} as x_t; it takes points [B, {dims}].")
    if at.shape == x_t.shape[:-1]:
        at = at.unsqueeze(-1)
    elif at.numel() != 1 and at.shape != (*x_t.shape[:-1], 1):
        raise AnswerError(
            f"`{name}` was given log-SNRs of shape {list(at.shape)} for points {list(x_t.shape)}; it takes one log-SNR for "
            f"each point, {list(x_t.shape[:-1])}."
        )
    return at.to(x_t.dtype), weights.to(x_t.dtype)
