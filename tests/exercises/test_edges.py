"""No check overlooks what people put into an answer "for safety": each one is broken so, and must say no on every seed."""

import pytest

from vae_course.exercises import Verdict, evaluate, get

# The exercise, and what its answer does to its arguments before the worked answer gets them.
BREAKAGES = [
    ("07-kl", lambda mu, logvar: (mu, logvar.clamp(max=10))),
    ("07-kl", lambda mu, logvar: (mu, logvar.clamp(min=-10))),
    ("07-kl", lambda mu, logvar: (mu.clamp(-10, 10), logvar)),
    ("07-kl", lambda mu, logvar: (mu, (logvar.exp() + 1e-6).log())),
    ("07-kl", lambda mu, logvar: (mu[:10], logvar[:10])),
    ("07-reparameterize", lambda mu, logvar, eps: (mu, logvar.clamp(max=10), eps)),
    ("07-reparameterize", lambda mu, logvar, eps: (mu, logvar.clamp(min=-10), eps)),
    ("07-reparameterize", lambda mu, logvar, eps: (mu.clamp(-10, 10), logvar, eps)),
    ("07-reparameterize", lambda mu, logvar, eps: (mu, logvar, eps.clamp(-1, 1))),
    ("07-loss", lambda log_px_z, kl: (-log_px_z.abs(), kl)),
    ("07-loss", lambda log_px_z, kl: (log_px_z.clamp(min=-1000), kl)),
    ("07-loss", lambda log_px_z, kl: (log_px_z, kl.clamp(min=0.01))),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("id", "broken"), BREAKAGES)
def test_an_answer_that_is_cut_off_at_an_edge_is_not_right(id, broken, seed):
    reference = get(id).reference

    def answer(*arguments):
        return reference(*broken(*arguments))

    # The parameters' names are part of the task.
    answer.__wrapped__ = reference
    assert evaluate(id, answer, seed=seed).status == Verdict.FAILED


@pytest.mark.parametrize("id", sorted({id for id, _ in BREAKAGES}))
def test_the_same_answer_without_the_breakage_is_right(id):
    reference = get(id).reference

    def answer(*arguments):
        return reference(*arguments)

    answer.__wrapped__ = reference
    assert evaluate(id, answer).status == Verdict.PASSED
