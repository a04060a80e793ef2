"""No check overlooks what people put into an answer "for safety": each one is broken so, and must say no on every seed."""

import dataclasses
import functools
import math
import re
from types import SimpleNamespace

import pytest
import torch

from tests.exercises import patches
from tests.exercises.harmless import TOO_SMALL
from tests.exercises.test_exercise_proofs import passes, written_out
from vae_course.exercises import Verdict, all_exercises, get, judge, run_answer

# The exercise, and what its answer does to its arguments before the worked answer gets them.
BREAKAGES = [
    ("07-kl", lambda mu, logvar: (mu, logvar.clamp(max=10))),
    ("07-kl", lambda mu, logvar: (mu, logvar.clamp(min=-10))),
    ("07-kl", lambda mu, logvar: (mu.clamp(-10, 10), logvar)),
    ("07-kl", lambda mu, logvar: (mu, (logvar.exp() + 1e-6).log())),
    ("07-kl", lambda mu, logvar: (mu, logvar.clamp(max=20))),
    ("07-kl", lambda mu, logvar: (mu, logvar.clamp(min=-30))),
    ("07-kl", lambda mu, logvar: (mu[:10], logvar[:10])),
    ("07-reparameterize", lambda mu, logvar, eps: (mu, logvar.clamp(max=10), eps)),
    ("07-reparameterize", lambda mu, logvar, eps: (mu, logvar.clamp(max=20), eps)),
    ("07-reparameterize", lambda mu, logvar, eps: (mu, logvar.clamp(min=-10), eps)),
    ("07-reparameterize", lambda mu, logvar, eps: (mu.clamp(-10, 10), logvar, eps)),
    ("07-reparameterize", lambda mu, logvar, eps: (mu, logvar, eps.clamp(-1, 1))),
    ("07-loss", lambda log_px_z, kl: (-log_px_z.abs(), kl)),
    ("07-loss", lambda log_px_z, kl: (log_px_z.clamp(min=-1000), kl)),
    ("07-loss", lambda log_px_z, kl: (log_px_z, kl.clamp(min=0.01))),
]


@functools.cache
def without_misconceptions(id):
    """The exercise, which says no to the same answers, but looks for no reason."""
    return dataclasses.replace(get(id), misconceptions=())


def verdict(id, answer, seed):
    exercise = without_misconceptions(id)
    return judge(exercise, run_answer(exercise, answer, exercise.cases(seed)), seed=seed, varied=False).status


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("id", "broken"), BREAKAGES)
def test_an_answer_that_is_cut_off_at_an_edge_is_not_right(id, broken, seed):
    reference = get(id).reference

    def answer(*arguments):
        return reference(*broken(*arguments))

    # The parameters' names are part of the task.
    answer.__wrapped__ = reference
    assert verdict(id, answer, seed) == Verdict.FAILED


@pytest.mark.parametrize("id", sorted({id for id, _ in BREAKAGES}))
def test_the_same_answer_without_the_breakage_is_right(id):
    reference = get(id).reference

    def answer(*arguments):
        return reference(*arguments)

    answer.__wrapped__ = reference
    assert verdict(id, answer, 0) == Verdict.PASSED


def clamped(name, low=-math.inf, high=math.inf):
    """A breakage: the reference, with one of its inputs clamped."""

    def breakage(exercise):
        place = exercise.parameters.index(name)

        def answer(*inputs):
            changed = list(inputs)
            changed[place] = inputs[place].clamp(low, high)
            return exercise.reference(*changed)

        return answer

    return breakage


def with_eps(name, eps):
    """A breakage: the reference, with a small number added to one of its inputs."""

    def breakage(exercise):
        place = exercise.parameters.index(name)
        return lambda *inputs: exercise.reference(*inputs[:place], inputs[place] + eps, *inputs[place + 1 :])

    return breakage


def instead(answer):
    """A breakage that is written out."""
    return lambda exercise: answer


def mean_exp(logs, centre, eps=0.0):
    """log mean exp over axis 0, with this taken out and a small number added inside the logarithm."""
    return centre + ((logs - centre).exp().mean(0) + eps).log()


def sum_exp(logs, step, centre, eps=0.0):
    return centre + ((logs.T - centre).exp().sum(0) * step + eps).log()


def held(model, name, low, high):
    """The networks of a ladder, with the log variances of one, or the logits of the decoder, held within limits."""
    parts = {key: getattr(model, key) for key in ("encode", "encode_top", "decode_top", "decode")}
    part = parts[name]
    if name == "decode":
        parts[name] = lambda h: part(h).clamp(low, high)
    else:
        parts[name] = lambda h: (part(h)[0], part(h)[1].clamp(low, high))
    return SimpleNamespace(**parts)


def of_changed(predict_v, scale, *, batch=lambda *inputs: inputs, start=lambda *inputs: inputs):
    """Both functions of the right prior on codes, with what either is given changed."""
    loss, sample = get("18-prior").reference(predict_v, scale)
    return lambda *inputs: loss(*batch(*inputs)), lambda *inputs: sample(*start(*inputs))


# The exercise, and whole answers that it must catch: inputs changed on the way, or written out.
SHORTCUTS = [
    ("00-codes", clamped("mu", -10, 10), with_eps("mu", 1e-3),
     instead(lambda mu, y, digit: mu[y == digit][:10].mean(0)), instead(lambda mu, y, digit: mu[:100][y[:100] == digit].mean(0)),
     instead(lambda mu, y, digit: mu[y == digit].sum(0) / ((y == digit).sum() + 1e-5))),
    ("00-interpolate", clamped("z_start", -3, 3), clamped("z_end", -10, 10),
     instead(lambda start, end, steps: get("00-interpolate").reference(start, end, min(steps, 50)))),
    ("01-reconstruction-error", clamped("x_hat", 0, 1), clamped("x_hat", -5, 5),
     instead(lambda x, x_hat: get("01-reconstruction-error").reference(x[:32], x_hat[:32])),
     instead(lambda x, x_hat: (x - x_hat).square().flatten(1).sum(1).clamp(max=1000).mean())),
    ("01-pca", clamped("x", -10, 10), clamped("x", low=0),
     instead(lambda x, mean, V, k: mean + ((x - mean) @ V[:, :k]).clamp(-10, 10) @ V[:, :k].T),
     instead(lambda x, mean, V, k: get("01-pca").reference(x, mean, V, min(k, 5)))),
    ("01-subspace-angle", instead(lambda A, B: get("01-subspace-angle").reference(A, B).clamp(min=3)),
     instead(lambda A, B: get("01-subspace-angle").reference(A[:32], B[:32]))),
    ("01-holes", clamped("z", -10, 10), instead(lambda z, n: get("01-holes").reference(z[:100], n)),
     instead(lambda z, n: get("01-holes").reference(z, min(n, 10)))),
    ("01-least-squares", clamped("c", -10, 10), clamped("D", -10, 10), clamped("c", high=100),
     instead(lambda c, D, rounds: get("01-least-squares").reference(c, D, min(rounds, 5))),
     instead(lambda c, D, rounds: get("01-least-squares").reference(c[:100], D, rounds)),
     instead(lambda c, D, rounds: get("01-least-squares").reference(c + 1e-4, D, rounds))),
    ("02-ancestral", clamped("eps_z", -5, 5), clamped("eps_x", -5, 5), clamped("b", -10, 10)),
    ("02-naive-mc", clamped("log_px_z", low=-100), clamped("log_px_z", low=-10000), clamped("log_px_z", high=0),
     instead(lambda logs: mean_exp(logs, logs[0])), instead(lambda logs: mean_exp(logs.double(), logs[0])),
     instead(lambda logs: mean_exp(logs.double(), logs[-1])), instead(lambda logs: mean_exp(logs.double(), logs.mean(0))),
     instead(lambda logs: mean_exp(logs.double(), logs.median(0).values)),
     instead(lambda logs: mean_exp(logs, logs.amax(0), 1e-6)),
     instead(lambda logs: mean_exp(logs, logs.max()))),
    ("02-quadrature", clamped("log_joint", low=-100), clamped("log_joint", low=-10000), clamped("log_joint", high=0),
     instead(lambda logs, step: sum_exp(logs, step, logs[:, 0])),
     instead(lambda logs, step: sum_exp(logs.double(), step, logs[:, 0])),
     instead(lambda logs, step: sum_exp(logs.double(), step, logs[:, -1])),
     instead(lambda logs, step: sum_exp(logs.double(), step, logs.mean(1))),
     instead(lambda logs, step: sum_exp(logs.double(), step, logs.median(1).values)),
     instead(lambda logs, step: sum_exp(logs, step, logs.max())),
     instead(lambda logs, step: torch.logsumexp(logs[:, 1:-1], 1) + math.log(step))),
    ("02-posterior-table", clamped("p_z", low=1e-3), clamped("p_x_z", low=1e-6), with_eps("p_x_z", 1e-8),
     instead(lambda p_z, p_x_z: (p_z[:, None] * p_x_z / (p_z @ p_x_z + 1e-8)).T)),
    ("03-gaussian-kl", clamped("logvar", -10, 10), clamped("logvar_p", -6, 6), clamped("logvar", high=10),
     clamped("logvar_p", low=-10), clamped("mu", -10, 10), clamped("mu_p", -20, 20), with_eps("logvar_p", 0.01)),
    ("03-direction", clamped("log_q", low=-100), clamped("log_p", low=-1000),
     instead(lambda log_q, log_p, dz: tuple(
         (w.exp() * ((a.exp() + 1e-8).log() - (b.exp() + 1e-8).log())).sum(-1) * dz
         for w, a, b in ((log_q, log_q, log_p), (log_p, log_p, log_q))))),
    ("03-kl-discrete", clamped("p", low=1e-8), clamped("p", low=1e-4), with_eps("p", 1e-12), with_eps("p", 1e-6)),
    ("03-kl-mc", clamped("log_q", low=-500), clamped("log_p", low=-500), clamped("log_p", low=-3000),
     instead(lambda log_q, log_p: (log_q - log_p).sum(-1).clamp(-50, 50).mean(0)),
     instead(lambda log_q, log_p: (log_q - log_p).sum(-1).mean(0).clamp(min=0))),
    ("03-sigma", clamped("log_sigma", -5, 5), clamped("log_sigma", -6), clamped("mu", -10, 10), clamped("eps", -5, 5)),
    ("04-elbo", clamped("log_px_z", low=-1000), clamped("log_px_z", high=0), clamped("kl", high=100)),
    ("04-elbo-discrete", clamped("p_x_z", low=1e-8), with_eps("p_x_z", 1e-12), clamped("q", low=1e-4),
     instead(lambda p_z, p_x_z, q, x: (
         torch.where((q > 0) & (p_x_z[:, x] > 0), q * (p_z * p_x_z[:, x] / q).log(), 0.0).sum())),
     instead(lambda p_z, p_x_z, q, x: (q * (p_z * p_x_z[:, x] / q).log()).nan_to_num().sum())),
    ("04-gap", clamped("log_px", -100, 100), clamped("log_joint", low=-10000), clamped("log_joint", high=100),
     instead(lambda log_px, log_joint, log_q: (log_q - log_joint + log_px).clamp(max=100).mean(0))),
    ("04-sign", clamped("log_px_z", low=-1000), clamped("log_px_z", high=100), clamped("kl", high=100)),
    ("04-two-forms", clamped("logvar", -10, 10), clamped("logvar", low=-10), clamped("log_joint", low=-1000),
     instead(lambda log_joint, logvar: (
         log_joint.mean(0) + 0.5 * (1 + torch.log(2 * torch.pi * (logvar.exp() + 1e-6))).sum(-1)))),
    ("05-baseline", clamped("f", -100, 100), clamped("f", low=-1000), clamped("score", -5, 5)),
    ("05-layer-gradients",
     clamped("noise", -2, 2), clamped("x", -1, 1),
     *(instead(lambda encoder, x, f, noise, own=own: get("05-layer-gradients").reference(encoder, x, own(f), noise))
       for own in (lambda f: lambda z: f(z).clamp(min=-1000), lambda f: lambda z: f(z.clamp(-10, 10)))),
     instead(lambda encoder, x, f, noise: get("05-layer-gradients").reference(encoder, x[:2], f, noise[:, :, :2]))),
    ("05-pathwise-gradient", clamped("logvar", -10, 10), clamped("logvar", low=-10), clamped("logvar", high=10),
     clamped("grad_f", -20, 20)),
    ("05-score-gradient", clamped("logvar", -10, 10), clamped("logvar", low=-10), clamped("logvar", high=10),
     clamped("mu", -10, 10), clamped("f", -100, 100), clamped("f", low=-1000),
     instead(lambda f, z, mu, logvar: tuple(
         (f.unsqueeze(-1) * score).mean(0)
         for score in ((z - mu) / (logvar.exp() + 1e-6), 0.5 * ((z - mu) ** 2 / (logvar.exp() + 1e-6) - 1))))),
    ("06-bits-per-dim", clamped("nll", low=0), clamped("nll", high=1e4)),
    ("06-effective-beta", clamped("weight", low=1e-3), clamped("weight", high=1), clamped("nats", low=0.1),
     clamped("nats", high=100), clamped("n_error", high=1e4), clamped("n_kl", low=2)),
    ("06-grey-integral", clamped("logits", -20, 20), clamped("logits", low=-100), with_eps("logits", 1e-3)),
    ("06-implied-sigma", clamped("sigma", low=0.01), clamped("sigma", high=10), with_eps("sigma", 1e-6),
     clamped("mean", -10, 10)),
    ("06-optimal-sigma", clamped("mean", -10, 10),
     instead(lambda x, mean: ((x - mean).square().mean() + 1e-12).log())),
    ("07-generate", instead(lambda decode, eps: torch.sigmoid(decode(eps.clamp(-4, 4)))),
     instead(lambda decode, eps: torch.sigmoid(decode(eps).clamp(-10, 10))),
     instead(lambda decode, eps: torch.sigmoid(decode(eps[:16]))), instead(lambda decode, eps: 1 - torch.sigmoid(decode(-eps)))),
    ("07-reconstruction", clamped("logits", -100, 100), clamped("logits", -50, 50), clamped("logits", low=-100),
     instead(lambda x, logits: get("07-reconstruction").reference(x[:32], logits[:32])),
     instead(lambda x, logits: -torch.nn.functional.binary_cross_entropy(
         logits.sigmoid(), x, reduction="none").flatten(1).sum(1)),
     instead(lambda x, logits: get("07-reconstruction").reference(x.round(), logits))),
    ("08-aggregate", clamped("logvar", low=-10), clamped("logvar", high=10), clamped("mu", -10, 10), clamped("z", -10, 10),
     with_eps("logvar", 0.01), instead(lambda z, mu, logvar: get("08-aggregate").reference(z, mu[:10], logvar[:10]))),
    ("08-mixture-prior", clamped("logvar", low=-10), clamped("logvar", high=10), clamped("mean", -10, 10),
     clamped("z", -10, 10), clamped("weight", low=1e-4), with_eps("weight", 1e-5)),
    ("08-posterior-head", instead(lambda out: (out.chunk(2, 1)[0].clamp(-3.5, 3.5), (out.chunk(2, 1)[1] / 2).exp())),
     instead(lambda out: (out.chunk(2, 1)[0], (out.chunk(2, 1)[1].clamp(-30, 20) / 2).exp())),
     instead(lambda out: (out.chunk(2, 1)[0], (out.chunk(2, 1)[1].clamp(max=10) / 2).exp())),
     instead(lambda out: (out.chunk(2, 1)[0], (out.chunk(2, 1)[1].clamp(min=-10) / 2).exp()))),
    ("08-slerp", instead(lambda a, b, t: get("08-slerp").reference(a, torch.where(a @ b < 0, -b, b), t))),
    ("09-batch-means", clamped("means", low=-100), clamped("counts", high=1000)),
    ("09-noise-scale", clamped("logvar", low=-10), clamped("logvar", high=10), clamped("mu", -10, 10), clamped("z", -10, 10)),
    ("09-scale", clamped("errors", high=100), clamped("errors", low=0), clamped("kl_of_dims", low=0.01)),
    ("09-two-sigmoids", clamped("p", 1e-3, 1 - 1e-3), clamped("p", low=1e-4), clamped("p", high=1 - 1e-3),
     instead(lambda x, p: -torch.where(x == 1, p, 1 - p).flatten(1).prod(1).log())),
    ("10-active-units",
     instead(lambda mu, logvar, threshold: (mu.var(0) > threshold) | (logvar.var(0) > threshold)),
     instead(lambda mu, logvar, threshold: mu.var(0) > 0.01)),
    ("10-free-bits", clamped("kl_of_dims", high=10)),
    ("10-rate", clamped("s2", low=1e-3), clamped("s2", high=100), with_eps("s2", 1e-6)),
    ("10-split", clamped("log_q_all", low=-100), clamped("log_q", low=-700), clamped("log_p", low=-700)),
    ("11-iwae-bound", clamped("log_w", low=-100), clamped("log_w", low=-10000), clamped("log_w", high=88),
     instead(lambda logs: mean_exp(logs.double(), logs[0])), instead(lambda logs: mean_exp(logs, logs[0])),
     instead(lambda logs: mean_exp(logs.double(), logs.mean(0))), instead(lambda logs: mean_exp(logs.double(), logs[-1])),
     instead(lambda logs: mean_exp(logs.double(), logs.median(0).values)),
     instead(lambda logs: mean_exp(logs, logs.amax(0), 1e-6)), instead(lambda logs: mean_exp(logs, logs.max()))),
    ("11-effective-sample-size", clamped("log_w", low=-100), clamped("log_w", low=-10000), clamped("log_w", high=88),
     instead(lambda logs: (logs - logs.max()).exp().sum(0) ** 2 / (logs - logs.max()).exp().square().sum(0))),
    ("11-iwae-gradient-weights", clamped("log_w", low=-100), clamped("log_w", low=-10000), clamped("log_w", high=88)),
    ("11-standard-error", clamped("log_px_a", low=-100), clamped("log_px_b", high=-100)),
    ("12-message-length", clamped("log_px_z", low=-10000), clamped("log_qz", high=0), clamped("log_pz", low=-28)),
    ("12-auroc", clamped("usual", high=100), instead(lambda usual, odd: get("12-auroc").reference(usual[:100], odd))),
    ("12-missing-pixels", clamped("logits", -100, 100), clamped("logits", -15, 15), clamped("z", -10, 10)),
    ("14-nearest", clamped("z_e", -10, 10), clamped("codebook", -10, 10), with_eps("codebook", 1e-2),
     instead(lambda z_e, codebook: get("14-nearest").reference(z_e, codebook[:5])),
     instead(lambda z_e, codebook: get("14-nearest").reference(z_e[:, :3], codebook))),
    ("14-quantise", clamped("z_e", -10, 10), clamped("codebook", -10, 10), clamped("codebook", low=0),
     instead(lambda z_e, codebook, beta: get("14-quantise").reference(z_e, codebook, min(beta, 1.0))),
     instead(lambda z_e, codebook, beta: get("14-quantise").reference(z_e, codebook, 0.25)),
     instead(lambda z_e, codebook, beta: get("14-quantise").reference(z_e, codebook, beta or 0.25))),
    ("14-perplexity", clamped("tokens", high=20), clamped("tokens", low=1),
     instead(lambda tokens, K: get("14-perplexity").reference(tokens[:100], K)),
     instead(lambda tokens, K: get("14-perplexity").reference(tokens, K).clamp(min=1.1))),
    ("14-account", clamped("logits", -100, 100), clamped("logits", -15, 15), clamped("prior_logits", -50, 50),
     clamped("prior_logits", -10, 10), with_eps("logits", 1e-2),
     instead(lambda x, logits, tokens, prior_logits: get("14-account").reference(x, logits, tokens, prior_logits).clamp(min=3)),
     instead(lambda x, logits, tokens, prior_logits: (
         get("14-account").reference(x, logits, tokens, (prior_logits.softmax(-1) + 1e-8).log())))),
    ("14-choice-gradient", clamped("logits", -10, 10), clamped("logits", low=-10), clamped("f", -100, 100),
     clamped("f", low=-1000), instead(lambda logits, k, f: get("14-choice-gradient").reference(logits, k[:10], f[:10]))),
    ("15-planar", clamped("z", -10, 10), clamped("u", -10, 10), clamped("w", -3, 3), clamped("b", -10, 10), clamped("b", -2, 2),
     instead(lambda z, u, w, b: get("15-planar").reference(z, torch.where(u @ w < -1, u - (1 + u @ w) * w / (w @ w), u), w, b)),
     instead(lambda *inputs: tuple(part.clamp(-1e6, 1e6) if part.dim() == 2 else part.clamp(-5, 5)
                                   for part in get("15-planar").reference(*inputs))),
     instead(lambda z, u, w, b: get("15-planar").reference(z, u, w, b.detach()))),
    ("15-flow-elbo", clamped("log_p_xz", low=-1000), clamped("log_p_xz", high=0), clamped("log_q0", high=20),
     clamped("log_q0", low=-50), clamped("log_dets", -10, 10), clamped("log_dets", low=0),
     instead(lambda joint, q0, dets: get("15-flow-elbo").reference(joint, q0, dets[:, :8])),
     instead(lambda joint, q0, dets: get("15-flow-elbo").reference(joint[:5], q0[:5], dets[:5]))),
    ("15-mean-field-gap", instead(lambda precision: get("15-mean-field-gap").reference(precision).clamp(max=3)),
     instead(lambda precision: get("15-mean-field-gap").reference(precision[:, :8, :8])),
     instead(lambda precision: get("15-mean-field-gap").reference(precision.float())),
     instead(lambda precision: get("15-mean-field-gap").reference(precision + 1e-5 * torch.eye(precision.shape[-1]))),
     clamped("precision", high=1e3), clamped("precision", low=0), with_eps("precision", 1e-4)),
    ("15-coupling", clamped("z", -10, 10),
     *(instead(lambda z, network, flip, inverse, own=own: get("15-coupling").reference(z, own(network), flip, inverse))
       for own in (lambda f: lambda half: (f(half)[0].clamp(-10, 10), f(half)[1]),
                   lambda f: lambda half: (5 * torch.tanh(f(half)[0] / 5), f(half)[1]),
                   lambda f: lambda half: (f(half)[0], f(half)[1].clamp(-5, 5)),
                   lambda f: lambda half: f(half.clamp(-3, 3)))),
     instead(lambda z, network, flip, inverse: get("15-coupling").reference(z[:32], network, flip, inverse))),
    ("15-vamp", clamped("logvar", low=-10), clamped("logvar", high=10), clamped("mu", -10, 10), clamped("z", -10, 10),
     clamped("z", -100, 100), with_eps("logvar", 1e-2),
     instead(lambda z, mu, logvar: get("15-vamp").reference(z, mu[:50], logvar[:50])),
     instead(lambda z, mu, logvar: get("15-vamp").reference(z, mu, logvar).clamp(min=-1000))),
    ("16-rates", clamped("a", high=0.99), clamped("a", high=0.9999), clamped("a", low=0.01),
     instead(lambda a, sigma: get("16-rates").reference(a, max(sigma, 0.05))),
     instead(lambda a, sigma: get("16-rates").reference(a, max(sigma, 0.003))),
     instead(lambda a, sigma: get("16-rates").reference(a, min(sigma, 5.0))),
     instead(lambda a, sigma: get("16-rates").reference(a, (sigma**2 + 1e-6) ** 0.5)),
     instead(lambda a, sigma: get("16-rates").reference(a, 0.5))),
    ("16-merge", clamped("logvar_a", -10, 10), clamped("logvar_b", -10, 10), clamped("logvar_a", high=20),
     clamped("logvar_b", low=-20), clamped("logvar_a", -30, 30), clamped("mu_a", -10, 10), clamped("mu_b", -20, 20),
     with_eps("logvar_b", 0.01),
     instead(lambda mu_a, logvar_a, mu_b, logvar_b: get("16-merge").reference(
         mu_a, (logvar_a.exp() + 1e-8).log(), mu_b, (logvar_b.exp() + 1e-8).log()))),
    ("16-two-level", clamped("z1", -10, 10), clamped("log_px_z", low=-1000), clamped("log_px_z", high=0),
     *(instead(lambda log_px, z1, *pairs, place=place, low=low, high=high: get("16-two-level").reference(
         log_px, z1, *((mu, v.clamp(low, high) if i == place else v) for i, (mu, v) in enumerate(pairs))))
       for place in range(3) for low, high in ((-10, 10), (-100, 10), (-10, 100))),
     instead(lambda log_px, z1, *pairs: get("16-two-level").reference(
         log_px, z1, *((mu, (v.exp() + 1e-6).log()) for mu, v in pairs))),
     instead(lambda log_px, z1, *pairs: get("16-two-level").reference(log_px, z1, *((mu.clamp(-10, 10), v) for mu, v in pairs)))),
    ("16-freeze", clamped("z1", -10, 10), clamped("z2", -1, 1), clamped("new", -1.5, 1.5),
     *(instead(lambda z1, z2, level, top, new, limits=limits: get("16-freeze").reference(
         z1, z2, level, lambda z: (top(z)[0], top(z)[1].clamp(*limits)), new)) for limits in ((-10, 10), (-20, 20), (-100, 10))),
     instead(lambda z1, z2, level, top, new: get("16-freeze").reference(
         z1, z2, level, lambda z: (top(z)[0], 2 * ((top(z)[1] / 2).exp() + 1e-8).log()), new))),
    ("16-two-counts", clamped("mu", -0.1, 0.1), clamped("logvar", low=-0.1), clamped("logvar", high=0.1),
     instead(lambda mu, logvar, variance, nats: get("16-two-counts").reference(mu[:10], logvar[:10], variance, nats)),
     instead(lambda mu, logvar, variance, nats: get("16-two-counts").reference(mu[:, :30], logvar[:, :30], variance, nats)),
     instead(lambda mu, logvar, variance, nats: (
         ((mu.var(0) > variance) | (logvar.var(0) > variance)).sum(),
         get("16-two-counts").reference(mu, logvar, variance, nats)[1])),
     instead(lambda mu, logvar, variance, nats: get("16-two-counts").reference(mu, logvar, 0.01, nats)),
     instead(lambda mu, logvar, variance, nats: get("16-two-counts").reference(mu, logvar, variance, 0.1))),
    ("16-ladder", *(instead(lambda model, x, eps2, eps1, name=name, limits=limits: get("16-ladder").reference(
        held(model, name, *limits), x, eps2, eps1))
        for name in ("encode", "encode_top", "decode_top") for limits in ((-10, 100), (-100, 5))),
     instead(lambda model, x, eps2, eps1: get("16-ladder").reference(held(model, "decode", -100, 100), x, eps2, eps1)),
     instead(lambda model, x, eps2, eps1: get("16-ladder").reference(held(model, "decode", -15, 15), x, eps2, eps1))),
    ("17-posterior-step", clamped("log_snr_t", -10, 10), clamped("log_snr_s", -10, 10), clamped("x0", -10, 10),
     clamped("x_t", -10, 10), with_eps("log_snr_s", 1e-3),
     instead(lambda x_t, x0, at_t, at_s: get("17-posterior-step").reference(x_t[:32], x0[:32], at_t[:32], at_s[:32]))),
    ("17-weight", clamped("log_snr_s", -10, 10), clamped("log_snr_t", low=-10), clamped("x0_hat", -10, 10),
     with_eps("log_snr_s", 1e-4), instead(lambda *inputs: get("17-weight").reference(*inputs).clamp(max=1000)),
     instead(lambda x0, x0_hat, at_t, at_s: get("17-weight").reference(x0[:, :5], x0_hat[:, :5], at_t, at_s))),
    ("17-score", clamped("log_snr", -10, 10), clamped("log_snr", low=-14), clamped("log_snr", high=14), clamped("x_t", -10, 10),
     instead(lambda *inputs: tuple(part.clamp(-1000, 1000) for part in get("17-score").reference(*inputs)))),
    ("17-bound",
     *(instead(lambda denoise, x0, at, noise, own=own: get("17-bound").reference(*own(denoise, x0, at, noise)))
       for own in (lambda f, x0, at, noise: (f, x0, at.clamp(-10, 10), noise),
                   lambda f, x0, at, noise: (f, x0, at[-8:], noise[-8:]),
                   lambda f, x0, at, noise: (f, x0.clamp(-10, 10), at, noise),
                   lambda f, x0, at, noise: (f, x0, at, noise.clamp(-1, 1)),
                   lambda f, x0, at, noise: (lambda x, at: f(x, at).clamp(-10, 10), x0, at, noise)))),
    ("17-sampler",
     *(instead(lambda f, x, at, eta, noise, own=own: get("17-sampler").reference(*own(f, x, at, eta, noise)))
       for own in (lambda f, x, at, eta, noise: (f, x, at.clamp(-10, 10), eta, noise),
                   lambda f, x, at, eta, noise: (f, x, at, round(eta), noise),
                   lambda f, x, at, eta, noise: (f, x, at, 1.0, noise),
                   lambda f, x, at, eta, noise: (f, x.clamp(-1, 1), at, eta, noise)))),
    ("18-price",
     *(instead(lambda w, how, n, b, own=own: get("18-price").reference(*own(w, how, n, b)))
       for own in (lambda w, how, n, b: (max(w, 1e-6), how, n, b), lambda w, how, n, b: (min(w, 1.0), how, n, b),
                   lambda w, how, n, b: (w, how, n, max(b, 1e-3)), lambda w, how, n, b: (w, how, n, min(b, 10.0)),
                   lambda w, how, n, b: (w, how, min(n, 3072), b))),
     instead(lambda *inputs: min(get("18-price").reference(*inputs), 1.0))),
    ("18-density", clamped("z", -10, 10),
     *(instead(lambda z, c, log_p, own=own: get("18-density").reference(*own(z, c, log_p)))
       for own in (lambda z, c, log_p: (z, max(c, 1e-3), log_p), lambda z, c, log_p: (z, min(c, 100.0), log_p),
                   lambda z, c, log_p: (z[:32], c, log_p),
                   lambda z, c, log_p: (z, c, lambda x: log_p(x).clamp(min=-100)),
                   lambda z, c, log_p: (z, c, lambda x: log_p(x.clamp(-10, 10)))))),
    ("18-guidance", clamped("log_snr", -10, 10), clamped("log_snr", low=-14), clamped("log_snr", high=14),
     clamped("x_t", -10, 10),
     clamped("v_class", -10, 10), clamped("v_free", -10, 10),
     *(instead(lambda x, at, c, u, w, own=own: get("18-guidance").reference(x, at, c, u, own(w)))
       for own in (lambda w: max(w, 0.0), lambda w: min(w, 5.0), round, abs))),
    ("18-prior",
     *(instead(lambda f, c, own=own: get("18-prior").reference(*own(f, c)))
       for own in (lambda f, c: (f, max(c, 1e-3)), lambda f, c: (f, min(c, 10.0)),
                   lambda f, c: (lambda x, at: f(x, at).clamp(-1, 1), c), lambda f, c: (lambda x, at: f(x, at.clamp(-5, 5)), c))),
     *(instead(lambda f, c, own=own: of_changed(f, c, batch=own))
       for own in (lambda mu, logvar, eps, noise, at: (mu, logvar.clamp(min=-10), eps, noise, at),
                   lambda mu, logvar, eps, noise, at: (mu, logvar.clamp(max=10), eps, noise, at),
                   lambda mu, logvar, eps, noise, at: (mu, logvar, eps, noise, at.clamp(-10, 10)),
                   lambda *batch: tuple(part[:32] for part in batch))),
     *(instead(lambda f, c, own=own: of_changed(f, c, start=own))
       for own in (lambda x, at: (x, at.clamp(-10, 10)), lambda x, at: (x, at[-8:]), lambda x, at: (x.clamp(-1, 1), at)))),
    ("05-shared-noise", clamped("logvar", low=-10), clamped("logvar", high=10), clamped("mu", -10, 10)),
]  # fmt: skip
ROWS = [(id, number, make) for id, *makes in SHORTCUTS for number, make in enumerate(makes)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("id", "number", "make"), ROWS, ids=[f"{id}-{number}" for id, number, _ in ROWS])
def test_a_shortcut_for_tame_numbers_is_caught(id, number, make, seed):
    assert verdict(id, make(get(id)), seed) == Verdict.FAILED


def remembering(exercise):
    """The reference, which gives for inputs of one shape what it gave for the first such inputs."""
    known = {}

    def answer(*inputs):
        shapes = tuple(x.shape for x in inputs if isinstance(x, torch.Tensor))
        return known.setdefault(shapes, exercise.reference(*inputs))

    answer.__wrapped__ = exercise.reference
    return answer


TAKES_TENSORS = [
    e
    for e in all_exercises()
    if e.kind == "code"
    and any(isinstance(value, torch.Tensor) for name, value in e.cases(0)[0].items() if name in e.parameters)
]


@pytest.mark.parametrize("exercise", TAKES_TENSORS, ids=lambda e: e.id)
def test_in_every_exercise_one_shape_comes_twice(exercise):
    """Else nobody would notice an answer that goes by the shape of its inputs, not by their numbers."""
    assert verdict(exercise.id, remembering(exercise), 0) == Verdict.FAILED


CODE = [e for e in all_exercises() if e.kind == "code"]


def patched(exercise):
    """Each right answer that is written out with a small constant in one place, and the names that this answer knows."""
    for _, source, namespace, is_solution in written_out(exercise):
        for patch in patches.patches(source, all_places=is_solution):
            yield patch, namespace | {"patches": patches}


def called_too_small(exercise, patch):
    place = patches.place(patch)
    rows = [(row, f"{place} in {patch.change}" if " in " in row[1] else place) for row in TOO_SMALL]
    return [row for row, text in rows if re.fullmatch(row[0], exercise.id) and re.fullmatch(row[1], text)]


@pytest.mark.slow
@pytest.mark.parametrize("exercise", CODE, ids=lambda e: e.id)
def test_a_small_constant_in_any_place_is_caught_but_where_it_is_called_too_small(exercise):
    for patch, namespace in patched(exercise):
        assert passes(exercise, patch, namespace) == bool(called_too_small(exercise, patch)), patches.place(patch)


def test_every_place_that_is_called_too_small_turns_up():
    found = [row for exercise in CODE for patch, _ in patched(exercise) for row in called_too_small(exercise, patch)]
    assert [row for row in TOO_SMALL if row not in found] == []


def test_the_proof_by_small_constants_can_fail():
    """Without its 1,000 classes, the bound of an image without a label can't tell one of them."""
    unlabelled = get("13-unlabelled")
    weak = dataclasses.replace(unlabelled, cases=lambda seed: unlabelled.cases(seed)[:3])
    missed = {patches.place(patch) for patch, namespace in patched(weak) if passes(weak, patch, namespace)}
    assert "log_softmax(logits, dim=1)" in missed
