"""A wrong answer without a listed misconception is told which part of the formula it lacks, where just one fits."""

import dataclasses
import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from vae_course.exercises import Verdict, all_exercises, evaluate, get, run_answer, variations

TOLD = "Your numbers are those of the worked answer with "
ELSE = "; your code may get there in another way."
ROWS = [
    ("07-kl", lambda mu, logvar: 0.5 * (logvar.exp() + mu**2 - 1).sum(-1), "`logvar` left out"),
    ("07-kl", lambda mu, logvar: 0.5 * (logvar.exp() + mu.abs() - 1 - logvar).sum(-1),
     "the absolute value of `mu` in place of its power"),
    ("07-kl", lambda mu, logvar: 0.5 * (logvar.exp() + mu - 1).sum(-1), "`logvar` left out, and `mu` without its power"),
    ("07-kl", lambda mu, logvar: 0.5 * (logvar.exp() + mu**2 - 2 - logvar).sum(-1), "2 in place of 1"),
    ("07-kl", lambda mu, logvar: (0.5 * (logvar.exp() + mu**2 - 1 - logvar)).sum(-1).sqrt(),
     "the square root of its result"),
    ("07-loss", lambda log_px_z, kl: -(log_px_z - 0.00025 * kl).mean(), "0.00025 times `kl`"),
    ("09-scale", lambda errors, kl_of_dims: errors.sum(1).mean() + 2 * kl_of_dims.sum(1).mean(),
     "2 times the summand with `kl_of_dims`"),
    ("04-elbo", lambda log_px_z, kl: log_px_z.mean(0) - 4 * kl, "4 times `kl`"),
    ("03-direction", lambda log_q, log_p, dz: tuple(part / dz**2 for part in get("03-direction").reference(log_q, log_p, dz)),
     "a division by `dz` in place of the factor, in two places"),
    ("04-elbo", lambda log_px_z, kl: log_px_z.median(0).values - kl, "`median` in place of `mean`"),
    ("02-quadrature", lambda log_joint, step: torch.logsumexp(log_joint, -1), None),
    ("03-kl-discrete", lambda q, p: get("03-kl-discrete").reference(q.softmax(-1), p.softmax(-1)),
     "a softmax over the last axis of `q` and `p`"),
    ("04-elbo-discrete", lambda p_z, p_x_z, q, x: get("04-elbo-discrete").reference(p_z, p_x_z, q, x - 1), "`x` less 1"),
    ("05-pathwise-gradient", lambda grad_f, eps, logvar: (grad_f[0], grad_f[0] * eps[0] * (logvar / 2).exp() / 2),
     "the first entry of `grad_f` and `eps` along axis 0 in place of each"),
    ("07-kl", lambda mu, logvar: get("07-kl").reference(mu.clamp(-8, 8), logvar),
     "a limit to how large or small `mu` may get"),
    ("06-effective-beta", lambda n_error, n_kl, weight, nats: (weight * nats * n_error / n_kl).round(decimals=2),
     "its result rounded to 2 decimals"),
    ("12-message-length", lambda log_px_z, log_pz, log_qz: (log_qz - log_pz).abs() / math.log(2) - log_px_z / math.log(2),
     "the absolute value of `log_qz - log_pz`"),
    ("05-pathwise-gradient",
     lambda grad_f, eps, logvar: ((grad_f * eps).mean(0), (grad_f * (logvar / 2).exp() * eps / 2).mean(0)),
     "an extra factor `eps` inside of a `mean`"),
    ("04-elbo", lambda log_px_z, kl: (log_px_z * log_px_z.exp()).mean(0) - kl,
     "an extra factor `log_px_z.exp()` inside of a `mean`"),
    ("06-grey-integral", lambda logits: torch.where(logits == 0, 0.25, get("06-grey-integral").reference(logits)),
     "0.25 in place of 0.5"),
    ("03-sigma", lambda mu, log_sigma, eps: (lambda z, kl: (z, kl + (z**2 - mu**2).sum(1) / 2))(
        *get("03-sigma").reference(mu, log_sigma, eps)), "`z` in place of `mu`"),
    ("02-naive-mc", lambda log_px_z: get("02-naive-mc").reference(log_px_z.clamp(min=-700)),
     "a limit to how large or small `log_px_z` may get"),
    ("14-account", lambda x, ell, k, prior: get("14-account").reference(x, ell, k, prior.roll(1, 1)),
     "`prior_logits` moved by one place along axis 1 or, with the same numbers, `tokens` moved by one place along axis 1"),
    ("14-account", lambda x, ell, k, prior: get("14-account").reference(x, ell, k, prior.flip(2)),
     "`prior_logits` the other way round along axis 2"),
    ("07-reparameterize", lambda mu, logvar, eps: mu + ((logvar / 2).exp() + 1e-3) * eps,
     "a small number added to `torch.exp(0.5 * logvar)`"),
    ("07-kl", lambda mu, logvar: 0.5 * (logvar.exp() + mu**2 - 1 - logvar.abs()).sum(-1),
     "the absolute value of `logvar` in its place"),
    ("10-rate", lambda s2, beta, sigma: 0.5 * torch.log(s2 / (beta * sigma * 2)).clamp(min=0),
     "`sigma` times `2` in place of its power"),
    ("10-rate", lambda s2, beta, sigma: 0.5 * torch.log(s2 / (beta * sigma**2)).clamp(max=0),
     "`clamp_max` in place of `clamp_min`"),
    ("12-ans-push", lambda state, start, freq, total: total * (state // freq + start) + state % freq,
     "the sum of `state // freq` and `start` multiplied by `total`"),
    ("12-ans-push", lambda state, start, freq, total: (total + start) * (state // freq) + state % freq,
     "the sum of `total` and `start` multiplied by `state // freq`"),
    ("12-missing-pixels", lambda logits, x, seen, z: get("12-missing-pixels").reference(logits, x, seen, 0 * z)
     - 0.5 * z.norm(dim=1), "the root of `(z ** 2).sum(1)`"),
    ("12-missing-pixels", lambda logits, x, seen, z: -get("12-missing-pixels").reference(logits, x, seen, 0 * z)
     - 0.5 * z.square().sum(1), "the sign of `(seen * log_px_z).sum(1)` turned"),
    ("09-scale", lambda errors, kl_of_dims: errors.sum(1).mean() + errors.shape[1] * kl_of_dims.sum(1).mean(),
     "the summand with `kl_of_dims` times the length of axis 1 of `errors`"),
    ("09-scale", lambda errors, kl_of_dims: errors.sum(1).mean()
     + kl_of_dims.shape[1] / errors.shape[1] * kl_of_dims.sum(1).mean(),
     "the summand with `kl_of_dims` times the length of axis 1 of `kl_of_dims` and divided by the length of axis 1 of `errors`"),
    ("12-message-length", lambda log_px_z, log_pz, log_qz: (log_pz - log_qz - log_px_z) / math.log(2),
     "`log_qz` and `log_pz` exchanged in a difference or, with the same numbers, the inputs `log_pz` and `log_qz` exchanged"),
    ("07-loss", lambda log_px_z, kl: (kl.clamp(min=5) - log_px_z).mean(), "a limit to how large or small `kl` may get"),
    # Two mistakes at once.
    ("07-loss", lambda log_px_z, kl: (log_px_z - kl).sum(), "`sum` in place of `mean`, and its result times -1"),
    ("07-kl", lambda mu, logvar: -0.5 * (logvar.exp() + mu**2 - 1 - logvar).mean(-1),
     "`mean` in place of `sum`, and its result times -1"),
    ("09-scale", lambda errors, kl_of_dims: 2 * errors.sum(1).mean() + 0.5 * kl_of_dims.sum(1).mean(),
     "2 times `errors.sum(dim=1).mean()`, and 0.5 times the summand with `kl_of_dims`"),
    # A factor of one term, where the rest has another.
    ("07-kl", lambda mu, logvar: (0.5 * mu**2 + logvar.exp() - logvar - 1).sum(-1),
     "0.5 times `mu ** 2`, and its result times 2"),
    ("03-gaussian-kl", lambda mu, logvar, mu_p, logvar_p: (
        (logvar_p - logvar) / 2 + (logvar.exp() + (mu - mu_p) ** 2) / logvar_p.exp() - 1).sum(-1),
     "0.5 times `logvar_p - logvar`, and its result times 2"),
    ("13-bayes", lambda log_px_y, log_py: ((log_px_y + 2 * log_py).logsumexp(1), (log_px_y + 2 * log_py).softmax(1)),
     "2 times `log_py`"),
    # Coefficients of two inputs.
    ("18-guidance", lambda x, log_snr, c, u, w: guided(x, log_snr, w * c - (1 - w) * u),
     "`1 - weight` in place of `weight`, and `weight` in place of `1 + weight`"),
    ("18-guidance", lambda x, log_snr, c, u, w: guided(x, log_snr, (1 + w) * c - (w - 1) * u),
     "`weight - 1` in place of `weight`"),
    ("18-guidance", lambda x, log_snr, c, u, w: guided(x, log_snr, 1.3 * (1 + w) * c - 0.6 * w * u),
     "1.3 times `(1 + weight) * v_class`, and 0.6 times `weight * v_free`"),
    # Something done to one result of several, or of a build.
    ("15-coupling", lambda z, network, flip, inverse: (lambda y, log_det: (y, log_det.abs()))(
        *get("15-coupling").reference(z, network, flip, inverse)), "the absolute value of `log_det`"),
    ("03-direction", lambda log_q, log_p, dz: (lambda reverse, forward: (reverse, forward.sqrt()))(
        *get("03-direction").reference(log_q, log_p, dz)), "the square root of `KL(p || q)`"),
    # Squares, sums and products.
    ("04-elbo-discrete", lambda p_z, p_x_z, q, x: (torch.xlogy(q**2, p_z * p_x_z[:, x]) - torch.xlogy(q, q)).sum(),
     "the square of `q` in its place"),
    ("15-planar", lambda z, u, w, b: (z + torch.tanh(z @ w + b)[:, None] * u,
                                      (1 + u.sum() * w.sum() * (1 - torch.tanh(z @ w + b) ** 2)).abs().log()),
     "the product of the sums of `u` and `w` in place of their scalar product"),
    ("02-posterior-table", lambda p_z, p_x_z: ((p_z[:, None] + p_x_z) / (p_z[:, None] + p_x_z).sum(0)).T,
     "the sum of `p_z[:, None]` and `p_x_z` in place of their product"),
    ("06-implied-sigma", lambda x, mean, sigma: get("06-implied-sigma").reference(x, mean, (sigma**2 + 1e-6).sqrt()),
     "a small number added to the square of `sigma`"),
    # Near the right numbers and off both ways, as if it were rounded.
    ("08-slerp", lambda z_start, z_end, t: slerp_kept_off_zero(z_start, z_end, t), "a small number added to a divisor"),
]  # fmt: skip


def guided(x_t, log_snr, v):
    alpha, sigma = (torch.sigmoid(sign * log_snr).sqrt()[:, None] for sign in (1, -1))
    return alpha * x_t - sigma * v


def logarithm_and_double(mu, logvar):
    return mu.log() + 2 * logvar


def test_weights_are_found_beside_an_input_whose_result_is_infinite():
    numbers = torch.tensor([1.0, 2.5, 3.0]), torch.tensor([0.5, -1.0, 2.0])
    cases = [{"mu": x, "logvar": y} for x, y in (numbers, (torch.zeros(2), torch.ones(2)), numbers[::-1])]
    exercise = dataclasses.replace(get("07-kl"), reference=logarithm_and_double, cases=lambda seed: cases)
    outcomes = run_answer(exercise, lambda mu, logvar: 0.9 * mu.log() + 1.2 * logvar, cases)
    told = variations.explain(exercise, cases, outcomes)
    assert "0.9 times `mu.log()`, and 0.6 times `2 * logvar`" in told


def test_what_one_factor_explains_is_not_called_two_mistakes():
    """A change without an effect, and half of the velocity, has the same numbers as half of the velocity."""

    def answer(x_t, eps_hat, log_snr):
        score, velocity = get("17-score").reference(x_t, eps_hat, log_snr)
        return score, velocity / 2

    report = evaluate("17-score", answer)
    assert TOLD not in report.message and "the velocity is the right one times 0.5" in report.message


def test_what_is_changed_in_an_alternative_is_not_said_to_stand_in_the_worked_answer():
    def cost(x, p):
        return -(x * (p + 1e-8).log() + (1 - x) * (1 - p + 1e-8).log()).flatten(1).sum(1)

    told = "Your numbers are those of a right answer in another style with a small number added inside of a logarithm or root"
    assert evaluate("09-two-sigmoids", cost).message == told + ELSE


def slerp_kept_off_zero(z_start, z_end, t):
    angle = torch.acos(torch.nn.functional.cosine_similarity(z_start, z_end, dim=0))
    size = angle.sin() + 1e-5
    return torch.outer(torch.sin((1 - t) * angle) / size, z_start) + torch.outer(torch.sin(t * angle) / size, z_end)


@pytest.mark.parametrize(("id", "answer", "told"), ROWS)
def test_the_part_that_is_different_is_named(id, answer, told):
    report = evaluate(id, answer)
    assert report.status == Verdict.FAILED
    if told is None:  # the list of misconceptions has it already
        assert report.misconception
    else:
        assert (report.misconception, report.message) == (None, TOLD + told + ELSE)


def test_a_variation_of_an_alternative_is_not_said_to_be_one_of_the_worked_answer():
    """The worked answer has no logarithm that the learner could look for."""

    def answer(x, p):
        return -(x * (p + 1e-8).log() + (1 - x) * (1 - p + 1e-8).log()).flatten(1).sum(1)

    told = "a right answer in another style with a small number added inside of a logarithm or root"
    assert evaluate("09-two-sigmoids", answer).message == f"Your numbers are those of {told}{ELSE}"


@pytest.mark.parametrize(
    "answer",
    [
        lambda mu, logvar: 0.37 * (logvar.exp() + mu**3).sum(-1),  # like nothing
        lambda mu, logvar: get("07-kl").reference(mu, logvar).detach(),  # its numbers are right
        lambda mu, logvar: torch.full((len(mu),), math.nan),
    ],
)
def test_what_is_no_variation_is_not_called_one(answer):
    report = evaluate("07-kl", answer)
    assert report.status == Verdict.FAILED and TOLD not in report.message


def test_yes_and_no_are_not_explained_by_other_inputs():
    """A limit to the means agrees with this answer, and has nothing to do with it."""
    report = evaluate("10-active-units", lambda mu, logvar, t: (mu.var(0) > t) & (logvar.exp().mean(0) < 0.5))
    assert report.status == Verdict.FAILED and TOLD not in report.message


def kl_with_wider_sigmas(mu, logvar, mu_p, logvar_p):
    q, p = Normal(mu, (logvar / 2).exp() + 1e-8), Normal(mu_p, (logvar_p / 2).exp() + 1e-8)
    return kl_divergence(q, p).sum(1)


def test_what_is_off_by_little_is_not_explained_by_what_changes_next_to_nothing():
    """A mean moved by 1e-7 is within the tolerance of both answers, and has no part in what this one is off by."""
    report = evaluate("03-gaussian-kl", kl_with_wider_sigmas)
    assert report.status == Verdict.FAILED and TOLD not in report.message


def test_what_only_the_dtype_or_the_kind_is_wrong_with_is_no_variation():
    """The square root of True is 1."""
    assert (
        "dtype float32, expected bool"
        in evaluate("10-active-units", lambda mu, logvar, threshold: (mu.var(0) > threshold).float()).message
    )


def test_two_variations_with_the_same_numbers_are_both_told_and_three_say_nothing(monkeypatch):
    kl = get("07-kl")
    three = [
        variations.Variation(words, variations.Kind.PART, lambda mu, logvar: mu) for words in ("this", "that", "these")
    ]
    outcomes = variations_outcomes(kl, lambda mu, logvar: mu)
    both = TOLD + "that or, with the same numbers, this" + ELSE
    one = TOLD + "this" + ELSE
    for found, told in ((three, ""), (three[:2], both), (three[:1], one), (three[:1] * 2, one)):
        monkeypatch.setattr(variations, "_singles", lambda _, found=found: [found])
        assert variations.explain(kl, kl.cases(0), outcomes) == told


def test_of_several_kinds_that_of_a_part_speaks(monkeypatch):
    kl = get("07-kl")
    found = [variations.Variation(kind.name, kind, lambda mu, logvar: mu) for kind in reversed(variations.Kind)]
    monkeypatch.setattr(variations, "_singles", lambda _: [found])
    assert variations.explain(kl, kl.cases(0), variations_outcomes(kl, lambda mu, logvar: mu)) == TOLD + "PART" + ELSE


def test_a_change_is_not_made_in_what_another_has_made():
    """`a - b` divided and then multiplied is no division."""
    for e in (get("07-loss"), get("03-kl-mc"), get("02-posterior-table")):
        assert not any("divided by" in v.words and "in place of the division" in v.words for v in variations._pairs(e))


def variations_outcomes(exercise, answer):
    return run_answer(exercise, answer, exercise.cases(0))


@pytest.mark.slow
@pytest.mark.parametrize("exercise", [e for e in all_exercises() if e.kind == "code"], ids=lambda e: e.id)
def test_every_worked_answer_has_variations_and_stays_as_it_is(exercise):
    found = [v for some in variations._singles(exercise) for v in some] + variations._pairs(exercise)
    tree = variations._tree(exercise.reference)
    if any(isinstance(node, variations.ast.While) for node in variations.ast.walk(tree)):
        assert found == []  # a change could make the loop endless
        return
    assert len({v.words for v in found}) > 20 or exercise.id in ("07-network", "19-audit")
    before = variations.ast.dump(tree)
    assert len(list(variations._varied(tree))) > 5 or exercise.id in ("07-network", "19-audit")
    assert variations.ast.dump(tree) == before
