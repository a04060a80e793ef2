"""What two exercises share: an answer that returns the gradients with respect to mu and logvar."""

from typing import Any

from torch import Tensor

from vae_course.exercises.model import Answer, Inputs
from vae_course.exercises.probes import pair

Pair = tuple[Tensor, Tensor]


def probe(answer: Answer, case: Inputs) -> dict[str, Any]:
    """The two gradients under their names."""
    g_mu, g_logvar = pair(answer(*case.values()), "g_mu", "g_logvar")
    return {"g_mu": g_mu, "g_logvar": g_logvar}
