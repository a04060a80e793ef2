"""The tests of the core can fail: each bug below is put into a copy of the package, and its tests must notice.

The bugs are those that public VAE code really had: lost signs and factors, means for sums, sigma for its square, one
noise vector for a whole batch, weights that ignore the proposal.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

MODULES = (
    DISTRIBUTIONS,
    EXACT,
    MODELS,
    OBJECTIVES,
    DISCRETE,
    CONDITIONAL,
    FLOWS,
    PRIORS,
    HIERARCHIES,
    DIFFUSION,
    LATENT_DIFFUSION,
    COLOUR,
) = (
    "distributions",
    "exact",
    "models",
    "objectives",
    "discrete",
    "conditional",
    "flows",
    "priors",
    "hierarchies",
    "diffusion",
    "latent_diffusion",
    "colour",
)
BUGS = [
    (DISTRIBUTIONS, "return mu + torch.exp(0.5 * logvar) * eps", "return mu + torch.exp(logvar) * eps"),
    (DISTRIBUTIONS, "eps = torch.randn_like(mu)", "eps = torch.randn_like(mu[:1])"),
    (DISTRIBUTIONS, "eps = torch.randn_like(mu)", "eps = 0.01 * torch.randn_like(mu)"),
    (
        DISTRIBUTIONS,
        "return 0.5 * (torch.expm1(logvar) - logvar + mu.square()).sum(-1)",
        "return 0.5 * (torch.expm1(logvar) - logvar + mu.square()).mean(-1)",
    ),
    (
        DISTRIBUTIONS,
        "return 0.5 * (torch.expm1(logvar) - logvar + mu.square()).sum(-1)",
        "return (torch.expm1(logvar) - logvar + mu.square()).sum(-1)",
    ),
    (DISTRIBUTIONS, "log_ratio = logvar - logvar_p", "log_ratio = logvar_p - logvar"),
    (DISTRIBUTIONS, 'reduction="none").flatten(1).sum(1)', 'reduction="none").flatten(1).mean(1)'),
    (DISTRIBUTIONS, "(LOG_2PI + logvar + scaled", "(LOG_2PI + 2 * logvar + scaled"),
    (OBJECTIVES, "ELBOTerms(log_px_z - beta * kl,", "ELBOTerms(log_px_z + beta * kl,"),
    (OBJECTIVES, '"loss": -terms.elbo.mean()', '"loss": -terms.elbo.sum()'),
    (OBJECTIVES, "- math.log(k)", ""),
    (OBJECTIVES, "+ model.prior().log_prob(z) - q.log_prob(z)", "+ model.prior().log_prob(z)"),
    (OBJECTIVES, "torch.logsumexp(log_weights(model, x, k=k), 0)", "log_weights(model, x, k=k).sum(0)"),
    (OBJECTIVES, "z = q.rsample((n_samples,))", "z = q.sample((n_samples,))"),
    (OBJECTIVES, "z = q.rsample((n_samples,))", "z = q.rsample((1,)).expand(n_samples, -1, -1)"),
    (MODELS, "torch.exp(0.5 * logvar)", "torch.exp(logvar)"),
    (MODELS, "z = torch.randn(n, self.latent_dim", "z = 1.5 * torch.randn(n, self.latent_dim"),
    (EXACT, "/ self.sigma**2).T", "/ self.sigma).T"),
    (EXACT, "+ math.log(self.step)", ""),
    (DISCRETE, "0.5 * codebook.square().sum(-1) - z_e @ codebook.T", "-z_e @ codebook.T"),
    (DISCRETE, "return z_e + (e - z_e).detach()", "return e"),
    (
        DISCRETE,
        "(z_e.detach() - e).square().sum(-1), (z_e - e.detach())",
        "(z_e - e.detach()).square().sum(-1), (z_e.detach() - e)",
    ),
    (DISCRETE, "codebook + commitment * committed", "commitment * codebook + committed"),
    (DISCRETE, "(1 - decay) * (s - n.unsqueeze(1) * self.codebook)", "(1 - decay) * (s - self.codebook)"),
    (DISCRETE, "least = self.revive * self.counts.mean()", "least = 0 * self.counts.mean()"),
    (DISCRETE, "if self.training and not self.started", "if not self.started"),
    (DISCRETE, "self.levels * torch.sigmoid(2 * z_e) - 0.5", "(self.levels - 1) * torch.sigmoid(2 * z_e)"),
    (DISCRETE, "else (order < middle)", "else (order <= middle)"),
    (DISCRETE, "tokens[0].numel() * math.log(model.n_codes)", "math.log(model.n_codes)"),
    (DISCRETE, "torch.exp(-torch.xlogy(p, p).sum())", "-torch.xlogy(p, p).sum()"),
    (DISCRETE, "-prior.log_prob(tokens).mean()", "prior.log_prob(tokens).mean()"),
    (CONDITIONAL, "return (self.label_scale * one_hot)", "return (one_hot)"),
    (CONDITIONAL, "self._labels(y, x, x.shape[:1])", "0 * self._labels(y, x, x.shape[:1])"),
    (CONDITIONAL, "self._labels(y, z, z.shape[:-1])", "0 * self._labels(y, z, z.shape[:-1])"),
    (CONDITIONAL, "torch.exp(0.5 * logvar)", "torch.exp(logvar)"),
    (CONDITIONAL, "negative_elbo(model.given(y), x, beta,", "negative_elbo(model.given(y.roll(1)), x, beta,"),
    (CONDITIONAL, "z = torch.randn(len(y), self.latent_dim", "z = 1.5 * torch.randn(len(y), self.latent_dim"),
    (FLOWS, "* self.w / self.w.square().sum()", "* self.w / self.w.norm()"),
    (FLOWS, "(F.softplus(w_u) - 1 - w_u)", "(F.softplus(w_u) - w_u)"),
    (FLOWS, "F.softplus(self.w @ self.u) * (1 - bend.square())", "F.softplus(self.w @ self.u) * (1 - bend)"),
    (FLOWS, "self.below.tril(-1)", "self.below.tril()"),
    (FLOWS, "-self.log_diag.sum().expand", "self.log_diag.sum().expand"),
    (FLOWS, "(y_b - t) * (-s).exp()), -s.sum(-1)", "y_b * (-s).exp() - t), -s.sum(-1)"),
    (FLOWS, "self._joined(z_a, z_b * s.exp() + t), s.sum(-1)", "self._joined(z_a, z_b * s.exp() + t), s.exp().sum(-1)"),
    (FLOWS, "return (second, first) if self.flip else (first, second)", "return first, second"),
    (FLOWS, "places[:, None] > seen", "places[:, None] >= seen"),
    (FLOWS, "seen[:, None] >= seen", "seen[:, None] > seen"),
    (FLOWS, "for _ in range(self.dim):", "for _ in range(self.dim - 1):"),
    (FLOWS, "2 * mean.log() + above.log() - 2 * below.log()", "2 * mean.log() + above.log() - below.log()"),
    (FLOWS, "* (2 * shares.cumsum(-1)[:, :-1] - 1)", "* shares.cumsum(-1)[:, :-1]"),
    (
        FLOWS,
        "torch.where(within, bin_.x + xi * bin_.width, y), -torch",
        "torch.where(within, bin_.x + xi * bin_.width, y), torch",
    ),
    (FLOWS, "in reversed(self.steps)", "in self.steps"),
    (FLOWS, "total = total + log_det", "total = log_det"),
    (FLOWS, "return y, self.base.log_prob(z) - log_det", "return y, self.base.log_prob(z) + log_det"),
    (FLOWS, "return y, self.base.log_prob(z) - log_det", "return y, self.base.log_prob(y) - log_det"),
    (FLOWS, "return MOST_LOG_SCALE * torch.tanh(raw / MOST_LOG_SCALE), t", "return raw, t"),
    (PRIORS, "(logvar + LOG_2PI).sum(1)", "(logvar.exp() + LOG_2PI).sum(1)"),
    (PRIORS, "(logvar + LOG_2PI).sum(1)", "(logvar / logvar.exp() + LOG_2PI).sum(1)"),
    (PRIORS, "precision = torch.exp(-logvar)", "precision = torch.exp(-2 * logvar)"),
    (PRIORS, "torch.log_softmax(self.mixture_distribution.logits.to(wide), 0) + log_density", "log_density"),
    (PRIORS, "torch.logsumexp(self.log_joint(z), -1)", "self.log_joint(z).sum(-1)"),
    (PRIORS, "torch.logsumexp(self.log_joint(z), -1)", "self.log_joint(z).mean(-1)"),
    (PRIORS, "wide = torch.float32 if z.device", "wide = torch.float32 if True or z.device"),
    (
        PRIORS,
        "Normal(mean, torch.exp(0.5 * logvar), validate_args=False), 1",
        "Normal(mean, logvar.exp(), validate_args=False), 1",
    ),
    (PRIORS, "(prior.logits, weight.log())", "(prior.logits, weight)"),
    (PRIORS, "return torch.sigmoid(self.logits)", "return self.logits"),
    (PRIORS, "GaussianMixture(mu.new_zeros(len(mu)), mu, logvar)", "GaussianMixture(mu.sum(1), mu, logvar)"),
    (
        PRIORS,
        "self.encoder, self.logits = encoder,",
        "self.encoder, self.logits = __import__('copy').deepcopy(encoder),",
    ),
    (PRIORS, "return self.latent_prior.distribution()", "return self.model.prior()"),
    (PRIORS, "return self.decode_mean(self.prior().sample((n,)))", "return self.model.sample(n)"),
    (PRIORS, "isolated_rng(int(torch.randint(2**31, (), generator=generator)))", "isolated_rng()"),
    (PRIORS, "-prior.distribution().log_prob(z).mean()", "-prior.distribution().log_prob(z).sum()"),
    (HIERARCHIES, "-torch.logaddexp(-logvar_a, -logvar_b)", "torch.logaddexp(logvar_a, logvar_b)"),
    (HIERARCHIES, "torch.sigmoid(logvar_b - logvar_a)", "torch.sigmoid(logvar_a - logvar_b)"),
    (HIERARCHIES, "torch.exp(0.5 * logvar)", "torch.exp(logvar)"),
    (HIERARCHIES, "(second, first) if self.top_first", "(first, second) if self.top_first"),
    (HIERARCHIES, "kl_divergence(q1, _gaussian(*prior))", "kl_divergence(q1, _gaussian(*message))"),
    (HIERARCHIES, "_gaussian(*merge(*message, *prior))", "_gaussian(*message)"),
    (HIERARCHIES, "log_px_z - beta * (kl_bottom + kl_top)", "log_px_z - beta * kl_bottom"),
    (HIERARCHIES, "log_px_z - beta * (kl_bottom + kl_top)", "log_px_z - (beta * kl_bottom + kl_top)"),
    (HIERARCHIES, "- _gaussian(*self.decode_top(z2)).log_prob(z1)", "- _gaussian(0 * z1, 0 * z1).log_prob(z1)"),
    (
        HIERARCHIES,
        "kl_bottom = q1.log_prob(z1) - _gaussian(*self.decode_top(z2)).log_prob(z1)",
        "kl_bottom = kl_divergence(q1, _gaussian(*self.decode_top(z2)))",
    ),
    (HIERARCHIES, "z1 = q1.rsample(torch.Size([n_samples]))", "z1 = q1.sample(torch.Size([n_samples]))"),
    (HIERARCHIES, "z2 = q2.rsample()", "z2 = q2.sample()"),
    (HIERARCHIES, "z2 = q2.rsample(torch.Size", "z2 = q2.sample(torch.Size"),
    (HIERARCHIES, "return Draw(q1.rsample()", "return Draw(q1.sample()"),
    (HIERARCHIES, "noise = [torch.randn(n, size", "noise = [1.5 * torch.randn(n, size"),
    # Published: the log-variance of L_T (tqch/ddpm-torch 9), variances in place of their logs (diffusers 2090).
    (DIFFUSION, "sigma.square().log().to(x0)", "sigma.log().to(x0)"),
    (
        DIFFUSION,
        "sigma_s ** (2 - 2 * w) * sigma_t ** (2 * w)",
        "((1 - w) * sigma_s.square() + w * sigma_t.square())",
    ),
    # Published: beta of one small step where steps are skipped (diffusers 3006).
    (DIFFUSION, ", -torch.expm1(log_snr_t - log_snr_s)\n", ", -torch.expm1((log_snr_t - log_snr_s) / 2)\n"),
    (DIFFUSION, "return -torch.expm1(log_snr_t - log_snr_s)", "return -torch.expm1((log_snr_t - log_snr_s) / 2)"),
    (DIFFUSION, "torch.sigmoid(log_snr).sqrt(), torch", "torch.sigmoid(log_snr), torch"),
    (DIFFUSION, "-2 * torch.log(torch.tan", "-torch.log(torch.tan"),
    (DIFFUSION, "kept * (alpha_s / alpha_t) * x_t", "kept * (alpha_t / alpha_s) * x_t"),
    (DIFFUSION, "share * sigma_s.square()", "share * sigma_s"),
    (DIFFUSION, "guess, variance_p.log().to(mean))", "guess, variance.log().to(mean).expand_as(mean))"),
    (DIFFUSION, "return alpha * x_t - sigma * v", "return alpha * x_t + sigma * v"),
    (DIFFUSION, "return -eps_from_x0(x_t, x0_hat, log_snr) / sigma", "return -eps_from_x0(x_t, x0_hat, log_snr)"),
    (DIFFUSION, "eps_from_x0(x_t, x0_hat, log_snr) - x0_hat", "x0_hat - eps_from_x0(x_t, x0_hat, log_snr)"),
    (DIFFUSION, "self.prior + self.steps.sum(0)", "self.prior + self.steps.mean(0)"),
    (DIFFUSION, "0.5 * width * _noise_error", "width * _noise_error"),
    (DIFFUSION, "width * (k + torch.rand(len(x0)", "width * (k + 0 * torch.rand(len(x0)"),
    (DIFFUSION, "log_snr_t, log_snr_s).sqrt() * _noise", "log_snr_t, log_snr_s) * _noise"),
    (DIFFUSION, "diffuse(x0_hat, log_snr_s, eps_from", "diffuse(x0_hat, log_snr_t, eps_from"),
    (DIFFUSION, ".remainder(1).to(x0)", ".clamp(0, 1).to(x0)"),
    (DIFFUSION, '(first - last) / 2) if weighting == "bound"', '1.0) if weighting == "bound"'),
    (DIFFUSION, 'if weighting == "bound" else (schedule(t), 1.0)', "if True else (schedule(t), 1.0)"),
    (DIFFUSION, "return log_snr.exp() * (x0 - x0_hat)", "return (x0 - x0_hat)"),
    (DIFFUSION, "h = h + block(h + level)", "h = h + block(h)"),
    (DIFFUSION, "-gaussian_log_prob(x0, x0_hat", "gaussian_log_prob(x0, x0_hat"),
    (DIFFUSION, 'choice if callable(choice) else "large"', '"large"'),
    (DIFFUSION, "Samples(_guess(denoiser, path[-1], log_snr[-1])", "Samples(path[-1]"),
    (LATENT_DIFFUSION, "return 1 / std", "return std"),
    (LATENT_DIFFUSION, "codes.double().std(correction=0)", "codes.double().std(0, correction=0).mean()"),
    (LATENT_DIFFUSION, "codes.double().std(correction=0)", "codes.double().square().mean().sqrt()"),
    (LATENT_DIFFUSION, "return self.scale * z", "return z / self.scale"),
    (LATENT_DIFFUSION, "return self.scale * z", "return self.scale.square() * z"),
    (LATENT_DIFFUSION, "n_steps).x0 / self.scale", "n_steps).x0"),
    (LATENT_DIFFUSION, "n_steps).x0 / self.scale", "n_steps).x0 * self.scale"),
    (LATENT_DIFFUSION, "- self.latent_dim * self.scale.log()", ""),
    (LATENT_DIFFUSION, "- self.latent_dim * self.scale.log()", "+ self.latent_dim * self.scale.log()"),
    (LATENT_DIFFUSION, "- self.latent_dim * self.scale.log()", "- self.scale.log()"),
    (
        LATENT_DIFFUSION,
        "return found._replace(reconstruction=",
        "return found._replace(prior=0 * found.prior, reconstruction=",
    ),
    (LATENT_DIFFUSION, "found.reconstruction - ", "-"),
    # Published both ways: s = 1 + w is not w.
    (LATENT_DIFFUSION, "(1 + weight) * conditional - weight * unc", "weight * conditional + (1 - weight) * unc"),
    (LATENT_DIFFUSION, "conditional - weight * unconditional", "conditional + weight * unconditional"),
    (LATENT_DIFFUSION, "partial(self._guided, labels=y, weight=weight)", "partial(self.denoiser, labels=y)"),
    (LATENT_DIFFUSION, "partial(self.denoiser, labels=y) if weight", "self.denoiser if weight"),
    (LATENT_DIFFUSION, "log_snr, labels=labels), self.denoiser(x_t, log_snr)", "log_snr), self.denoiser(x_t, log_snr)"),
    (LATENT_DIFFUSION, "x0_from_v(x_t, self.last(h), log_snr)", "x0_from_v(x_t, -self.last(h), log_snr)"),
    (LATENT_DIFFUSION, "x0_from_v(x_t, self.last(h), log_snr)", "self.last(h)"),
    (LATENT_DIFFUSION, "nn.init.zeros_(self.last.weight)", ""),
    (LATENT_DIFFUSION, "h = h + block(h + condition)", "h = h + block(h)"),
    (LATENT_DIFFUSION, "condition = condition + self.label(y)", "condition = condition + 0 * self.label(y)"),
    (LATENT_DIFFUSION, "none = torch.tensor(self.n_classes", "none = torch.tensor(0 * self.n_classes"),
    (LATENT_DIFFUSION, "torch.rand(len(z), device=z.device) < drop", "torch.rand(len(z), device=z.device) < 0"),
    (LATENT_DIFFUSION, "torch.rand(len(z), device=z.device) < drop", "torch.rand(len(z), device=z.device) > drop"),
    (LATENT_DIFFUSION, "torch.rand(len(z), device=z.device) < drop", "torch.rand((), device=z.device) < drop"),
    (LATENT_DIFFUSION, "torch.where(dropped, prior.n_classes", "torch.where(dropped, 0"),
    (LATENT_DIFFUSION, "return cosine(self.first, self.last)", "return cosine()"),
    (LATENT_DIFFUSION, "weighting=weighting, schedule=prior.schedule", "weighting=weighting"),
    (LATENT_DIFFUSION, "weighting=weighting, schedule", "schedule"),
    (LATENT_DIFFUSION, "x_T = torch.randn(n", "x_T = 1.5 * torch.randn(n"),
    (LATENT_DIFFUSION, "reparameterize(mu, logvar, torch", "reparameterize(mu, 2 * logvar, torch"),
    (COLOUR, "HALF = 0.5 / (LEVELS - 1)", "HALF = 0.5 / LEVELS"),
    (COLOUR, "HALF = 0.5 / (LEVELS - 1)", "HALF = 1 / (LEVELS - 1)"),
    (COLOUR, "torch.exp(-self.log_scale)", "torch.exp(-0.5 * self.log_scale)"),
    (COLOUR, "torch.exp(-self.log_scale)", "torch.exp(self.log_scale)"),
    (COLOUR, "torch.where(top, zero, F.logsigmoid(above))", "F.logsigmoid(above)"),
    (COLOUR, "torch.where(bottom, zero, F.logsigmoid(-below))", "F.logsigmoid(-below)"),
    (
        COLOUR,
        "torch.where(top, zero, F.logsigmoid(above)) + torch.where(bottom,",
        "torch.where(bottom, zero, F.logsigmoid(above)) + torch.where(top,",
    ),
    (COLOUR, "torch.where(top | bottom, zero, torch.log", "torch.where(top & bottom, zero, torch.log"),
    (
        COLOUR,
        "torch.log(-torch.expm1(-2 * HALF * precision))",
        "torch.log(torch.sigmoid(above) - torch.sigmoid(below)) - F.logsigmoid(above) - F.logsigmoid(-below)",
    ),
    (COLOUR, "-torch.expm1(-2 * HALF * precision)", "1 - torch.exp(-2 * HALF * precision)"),
    (COLOUR, "-torch.expm1(-2 * HALF * precision)", "-torch.expm1(-HALF * precision)"),
    (COLOUR, "(2 * k - 1) * HALF) / scale", "2 * k * HALF) / scale"),
    (
        COLOUR,
        "x = self.location + self.log_scale.exp() * torch.logit(u)",
        "x = self.location + self.log_scale.exp() * torch.randn_like(u)",
    ),
    (COLOUR, ".round().clamp(0, LEVELS - 1)", ".floor().clamp(0, LEVELS - 1)"),
    (COLOUR, "(level - level.round()).abs() < 0.01", "(level - level.round()).abs() < 1"),
    (COLOUR, "& (x >= 0) & (x <= 1)", ""),
    (COLOUR, ".chunk(2, dim=-3)", ".flip(-3).chunk(2, dim=-3)"),
    (COLOUR, ".clamp(min=LEAST_LOG_SCALE)", ""),
    (COLOUR, "return self._pixels(z).mean", "return self._pixels(z).location"),
]
NO_BUG = ("import", "import")


RUNNER = """
import gc, json, os, re, sys
import hypothesis, pytest, torch
torch.set_num_threads(1)  # so that no thread exists yet when the process forks
torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))  # the first one has PyTorch import sympy: once here
gc.freeze()  # pytest collects garbage when it ends: each process only among its own objects
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # loading them takes longer than most of these tests
found_is_enough = [hypothesis.Phase.explicit, hypothesis.Phase.generate]  # a bug's smallest example is for nobody here
hypothesis.settings.register_profile("quick", phases=found_is_enough, deadline=None, derandomize=True)
hypothesis.settings.load_profile("quick")
noticed = {}
for copy, module, bug in json.loads(sys.argv[1]):
    tests = [f"tests/core/test_{module}.py"] if bug else sorted(noticed[module])
    child = os.fork()
    if child == 0:
        os.chdir(copy)
        sys.path.insert(0, copy)
        sys.stdout = open("output.txt", "w")
        options = ["-x", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", "."]
        code = pytest.main([*options, *tests])
        sys.stdout.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    said = open(f"{copy}/output.txt").read()
    noticed.setdefault(module, set()).update(re.findall(r"^FAILED ([^ :]+::\\w+)", said, re.MULTILINE))
"""


def broken_copy(folder: Path, module: str, right: str, wrong: str) -> Path:
    """The core and its tests in a folder of their own, with one line of one module changed."""
    (folder / "tests" / "core").mkdir(parents=True)
    (folder / "tests" / "__init__.py").touch()
    (folder / "vae_course").mkdir()
    for name in ["__init__", "networks", *MODULES]:
        shutil.copy(ROOT / "vae_course" / f"{name}.py", folder / "vae_course")
    shutil.copytree(ROOT / "vae_course" / "support", folder / "vae_course" / "support")
    for name in ["__init__", *(f"test_{name}" for name in MODULES)]:
        shutil.copy(ROOT / "tests" / "core" / f"{name}.py", folder / "tests" / "core")
    file = folder / "vae_course" / f"{module}.py"
    source = file.read_text(encoding="utf-8")
    assert right in source, f"{module}.py no longer contains {right!r}: bring this list up to date"
    file.write_text(source.replace(right, wrong), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory) -> dict[tuple[str, str, str], tuple[int, str]]:
    """Exit code and output of the module's tests for every bug and, as the control, of those that noticed one, without it."""
    folder = tmp_path_factory.mktemp("bugs")
    cases = [*BUGS, *((module, *NO_BUG) for module in MODULES)]
    copies = [broken_copy(folder / str(i), *case) for i, case in enumerate(cases)]
    jobs = json.dumps([(str(copy), case[0], case in BUGS) for copy, case in zip(copies, cases, strict=True)])
    result = subprocess.run([sys.executable, "-c", RUNNER, jobs], capture_output=True, text=True, check=True)
    codes = [int(line) for line in result.stdout.split()]
    outputs = [(copy / "output.txt").read_text(encoding="utf-8") for copy in copies]
    return dict(zip(cases, zip(codes, outputs, strict=True), strict=True))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug[0]}: {bug[2][:40] or 'left out'}")
def test_the_core_tests_notice_the_bug(bug, verdicts):
    code, output = verdicts[bug]
    assert code == 1 and "failed" in output, f"the bug went unnoticed:\n{output[-2000:]}"


@pytest.mark.parametrize("module", MODULES)
def test_without_a_bug_the_tests_that_noticed_one_pass(module, verdicts):
    code, output = verdicts[module, *NO_BUG]
    assert code == 0 and "passed" in output, output[-2000:]
