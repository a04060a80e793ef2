# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 17 From VAE to diffusion
#
# A diffusion model is trained to guess the noise in a noisy point, and draws by taking noise away, little by little. Where is
# the bound in that, and where the encoder? Take lesson 07's VAE and change two things: give it very many levels, and let its
# encoder learn nothing.

# %% [markdown]
# **After this lesson you can**
# - write the bound of a VAE with T steps and a fixed encoder as $L_T + \sum L_t + L_0$,
# - make one step back, and turn what it costs into a squared error of the point, or of the noise,
# - say where the gap of such a model comes from, how it falls with T, and what a schedule changes,
# - train a denoiser, and draw from it with fresh noise in each step, or with none,
# - read the same network as a score and as a velocity,
# - say why a diffusion model is a VAE, and what was given up for what was gained.
#
# **You need first:** [lesson 04](04_the_elbo.ipynb) (the bound and its gap) and [lesson 07](07_your_first_vae.ipynb) (training a
# VAE). [Lesson 16](16_hierarchies.ipynb) helps.
#
# **Time:** Slow cells say so. No images take part, so the numbers are the same for MNIST and for the pen digits. ± is a
# standard deviation over three seeds.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $x_0$ | a point of the data | `x0` | `[B, D]` |
# | $x_t, x_s$ | its level $t$, and the level before it, $s = t - 1$ | `x_t`, `x_s` | `[B, D]` |
# | $\tilde x_0$ | level 0, the data but for a trace of noise | `x[0]` | `[B, D]` |
# | $T$ | number of steps | `n_steps` | one number |
# | $\alpha_t, \sigma_t$ | how much signal and how much noise a level holds | `alpha`, `sigma` | `[T + 1]` |
# | $\mathrm{SNR}_t$ | signal-to-noise ratio, $\alpha_t^2 / \sigma_t^2$; in code its logarithm | `log_snr` | `[T + 1]` or `[B]` |
# | $\hat x_0, \hat\varepsilon$ | guesses of the point, and of the noise in $x_t$ | `x0_hat`, `eps_hat` | `[B, D]` |
# | $L_T, L_t, L_0$ | terms of $-\mathcal L$, nats | `found.prior`, `found.steps`, `found.reconstruction` | `[B]`, `[T, B]`, `[B]` |
# | $\nabla \log q(x_t)$ | score of a level, a gradient with respect to $x_t$ | `score` | `[B, D]` |
# | $\hat\varepsilon - \hat x_0$ | velocity of flow matching | `velocity` | `[B, D]` |
# | $\eta$ | fresh noise, as a share of the ancestral sampler's (standard deviation) | `eta` | one number |
#
# Sizes in brackets: B points of D numbers, T steps. ($\eta$ and the word score have other meanings in lesson 05.)

# %% [markdown]
# ## 1 Many levels, and an encoder that learns nothing
#
# Put a stack of levels, 0 to T, in place of lesson 07's one code (lesson 16 has two). Make each **as large as the data point**
# $x_0$, and fix how they come about: each level is the one before it, shrunk a little, plus a little noise. In one go, from the
# data to level $t$:
#
# $$q(x_t \mid x_0) = \mathcal N(\alpha_t x_0, \sigma_t^2 I), \qquad x_t = \alpha_t x_0 + \sigma_t \varepsilon, \qquad
# \alpha_t^2 + \sigma_t^2 = 1.$$
#
# The encoder holds no parameters. Data of variance 1 keep that variance on each level, so it is called **variance preserving**.
# One number says where a level lies, the **signal-to-noise ratio** $\mathrm{SNR}_t = \alpha_t^2 / \sigma_t^2$, or its
# logarithm, the **log-SNR**. It falls with $t$:
#
# $$\alpha_t^2 = \mathrm{sigmoid}(\text{log-SNR}_t), \qquad \sigma_t^2 = \mathrm{sigmoid}(-\text{log-SNR}_t).$$
#
# A **noise schedule** lists the log-SNRs of the levels. Here all go from 9 at level 0 ($\sigma_0 =$ {{any:17-sigma-0}}, hardly
# any noise) to −9 at level T (hardly anything else). *Linear* goes there evenly in the log-SNR (Ho and others' "linear" is
# linear in the variance of a step); *cosine* goes evenly in the angle whose cosine is $\alpha$.

# %%
import functools
import math

import torch
from torch.distributions import Normal, kl_divergence

from vae_course import diffusion, exercises, hierarchies, plotting
from vae_course.claims import claim
from vae_course.derivations import Derivation, standard_error
from vae_course.plotting.diffusion import bound_bars, particles
from vae_course.studies.diffusion_worlds import expected_terms, gap, gaussian, limit, one_variance, two_bumps
from vae_course.studies.spiral import entropy, spiral, strays

_ = torch.manual_seed(0)
linear, cosine = diffusion.linear_log_snr(), diffusion.cosine()

# %% [markdown]
# What it does to points of a spiral, with the cosine schedule. *Time* is the level
# over T, from 0 to 1, and a schedule is a function of it:

# %%
times, generator = [0.0, 0.1, 0.2, 0.4, 1.0], torch.Generator().manual_seed(1)
x0 = spiral().sample(700, generator=generator)
eps = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
forward = [diffusion.diffuse(x0, cosine(torch.tensor(t)), eps) for t in times]
particles({"forward": forward}, times)

# %% [markdown]
# At time 0.4 you can no longer tell a spiral, and the last level looks like $\mathcal N(0, I)$. So start there: let the model
# draw $x_T \sim p(x_T) = \mathcal N(0, I)$, and then from level to level with a network,
#
# $$p(x_0, \tilde x_0, \dots, x_T) = p(x_T) \prod_{t=1}^T p(x_s \mid x_t) \; p(x_0 \mid \tilde x_0), \qquad s = t - 1.$$
#
# ($\tilde x_0$ is level 0, to tell it from the data point; for $t = 1$ it is the $x_s$, here and below.) This is a **diffusion
# model**. Call all levels together *one* code $z$, and you see a VAE: the prior is the chain down to $\tilde x_0$, the decoder
# the one step left, from $\tilde x_0$ to $x_0$, and $q(z \mid x_0)$ the approximate posterior. (Many papers call the whole chain
# the decoder.) So lesson 04's bound holds as it stands:
#
# $$\log p(x_0) \ge \mathbb E_q\left[\log p(x_0, z) - \log q(z \mid x_0)\right] = \mathcal L.$$
#
# Check it where everything is known: $x_0 \sim \mathcal N(0, \frac14)$, ten steps. All levels are Gaussian together, so the
# true step back $q(x_s \mid x_t)$, which knows no $x_0$, is a Gaussian that can be written down. Let the model be made of
# these, and of the true $q(x_T)$ as its prior. Draw the chain forwards, by the steps
#
# $$x_t = \frac{\alpha_t}{\alpha_s} x_s + \text{noise of variance } \sigma_t^2 \Big(1 - \frac{\mathrm{SNR}_t}{\mathrm{SNR}_s}
# \Big).$$
#
# **Line 1**: the noise that is in $x_s$ already, shrunk, and the new noise make up $\sigma_t^2$. **Line 2**: with the true steps
# back, $\log p(x_0, z) - \log q(z \mid x_0)$ is $\log p(x_0)$ for *every* draw, for q is the exact posterior of that model.


# %%
def log_normal(x, mean, variance):
    """log N(x; mean, variance), summed over the numbers of a point: [B]."""
    return Normal(mean, variance.sqrt()).log_prob(x).sum(-1)


levels, world = Derivation("T levels, one bound"), gaussian(std=0.5)
log_snr = diffusion.levels(linear, 10)
alpha, sigma = diffusion.signal_and_noise(log_snr)
claim("17-sigma-0", sigma[0], world="any", tolerance=0.001, unit="", digits=3)
lower, upper = slice(0, 10), slice(1, 11)  # level s and level t of each step
ratio, added = alpha[upper] / alpha[lower], sigma[upper] ** 2 * (1 - torch.exp(log_snr[upper] - log_snr[lower]))
levels.step(
    "(alpha_t/alpha_s)^2 sigma_s^2 + new noise = sigma_t^2", ratio**2 * sigma[lower] ** 2 + added, sigma[upper] ** 2
)

# %% [markdown]
# The chain, and its density under q, from the data on:

# %%
x0 = world.sample(1000, generator=generator)
x = [diffusion.diffuse(x0, log_snr[0], torch.randn(1000, 1, generator=generator, dtype=torch.float64))]
log_q = log_normal(x[0], alpha[0] * x0, sigma[0] ** 2)
for r, v in zip(ratio, added, strict=True):
    x.append(r * x[-1] + v.sqrt() * torch.randn(1000, 1, generator=generator, dtype=torch.float64))
    log_q += log_normal(x[-1], r * x[-2], v)

# %% [markdown]
# And under the exact model, from the noise on:

# %%
variance = alpha**2 / 4 + sigma**2  # of each level
log_p = log_normal(x[10], torch.zeros(()), variance[10])
for i in range(10):  # x_s given x_t, as for any two Gaussians with covariance ratio * variance of x_s
    slope = ratio[i] * variance[i] / variance[i + 1]
    log_p += log_normal(x[i], slope * x[i + 1], variance[i] - slope**2 * variance[i + 1])
slope = alpha[0] / 4 / variance[0]
log_p += log_normal(x0, slope * x[0], 1 / 4 - slope**2 * variance[0])
levels.step("log p(x0, z) - log q(z|x0) = log p(x0)", log_p - log_q, world.log_density(x0))

# %% [markdown]
# ### Three kinds of terms
#
# Write $q(z \mid x_0)$ from the noisy end on, so that each factor meets its partner in $p$:
#
# $$q(z \mid x_0) = q(x_T \mid x_0) \prod_{t=1}^T q(x_s \mid x_t, x_0).$$
#
# A step forward looks at $x_s$ alone, so by Bayes' rule $q(x_s \mid x_0) \, q(x_t \mid x_s)$ is
# $q(x_t \mid x_0) \, q(x_s \mid x_t, x_0)$; do that at each step. And $-\mathcal L$ falls into
#
# $$\boxed{\;\underbrace{\mathrm{KL}(q(x_T \mid x_0) \,\Vert\, p(x_T))}_{L_T} + \sum_{t=1}^T \underbrace{\mathbb E_q
# \,\mathrm{KL}(q(x_s \mid x_t, x_0) \,\Vert\, p(x_s \mid x_t))}_{L_t} + \underbrace{\mathbb E_q[-\log p(x_0 \mid \tilde
# x_0)]}_{L_0}\;}$$
#
# Put it beside lesson 07: $L_0$ is its reconstruction, and the KL has become $L_T$ and a KL for each step. (The name $L_T$ is
# kept for the KL at the top; the step down from level $T$ is one of the sum's $T$ terms.) No $L_t$ needs the
# whole chain: it asks for one pair of levels, and $x_t$ can be drawn from $x_0$ in one go.

# %% [markdown]
# ## 2 One step back
#
# What is $q(x_s \mid x_t, x_0)$? Two densities say where $x_s$ lies: from the data, $q(x_s \mid x_0) = \mathcal N(\alpha_s x_0,
# \sigma_s^2 I)$; from above, the step $q(x_t \mid x_s)$, read as a function of $x_s$. Both are Gaussian: multiply them.
# Precisions, one over a variance, add, and each mean counts by its own. Read so, the step has the mean $\frac{\alpha_s}{\alpha_t}
# x_t$ and, with $k = \mathrm{SNR}_t / \mathrm{SNR}_s$, the variance $\sigma_s^2 (1 - k) / k$. So the precisions add up to $1 /
# (\sigma_s^2 (1 - k))$:
#
# $$\text{variance} = \sigma_s^2 \Big(1 - \frac{\mathrm{SNR}_t}{\mathrm{SNR}_s}\Big), \qquad \text{mean} = \Big(1 -
# \frac{\mathrm{SNR}_t}{\mathrm{SNR}_s}\Big) \alpha_s x_0 + \frac{\mathrm{SNR}_t}{\mathrm{SNR}_s} \, \frac{\alpha_s}{\alpha_t}
# x_t.$$
#
# The mean lies between two estimates of $x_s$: $\alpha_s x_0$, and $x_t$ with its shrinking undone.
#
# ### Your turn: the step back

# %% exercise="17-posterior-step"

# %% [markdown]
# **Line 3**: yours is the product of the two densities. **Line 4**: with yours, q factored from the noisy end is the q of line
# 2, draw by draw.

# %%
log_q_back, merged, yours = log_normal(x[10], alpha[10] * x0, sigma[10] ** 2), [], []
for i in range(10):
    at_t, at_s = (at.expand(1000) for at in (log_snr[i + 1], log_snr[i]))
    mean, v = posterior_step(x[i + 1], x0, at_t, at_s)
    log_q_back += log_normal(x[i], mean, v[:, None])
    data = alpha[i] * x0, (sigma[i] ** 2).log().expand(1000, 1)
    above = x[i + 1] / ratio[i], (added[i] / ratio[i] ** 2).log().expand(1000, 1)
    merged.append(torch.stack(hierarchies.merge(*data, *above)))
    yours.append(torch.stack([mean, v[:, None].log()]))
levels.step("step back = product of two densities: mean and log variance", torch.stack(yours), torch.stack(merged))
levels.step("log q(z|x0), from the noisy end = from the data", log_q_back, log_q)

# %% [markdown]
# ### The model's step
#
# The model goes from $x_t$ to $x_s$ too, but it has no $x_0$. So let a network guess it, $\hat x_0(x_t, \text{log-SNR}_t)$, and
# take the same step with the guess:
#
# $$p(x_s \mid x_t) = q(x_s \mid x_t, x_0 = \hat x_0).$$
#
# The network, one for all levels, is a **denoiser**: it sees a noisy point and says which clean one is behind it. The decoder
# guesses too: $p(x_0 \mid \tilde x_0) = \mathcal N(\hat x_0, \sigma_0^2 I)$, so $L_0$ is a squared error over $2 \sigma_0^2$,
# plus $\frac D2 \log 2 \pi \sigma_0^2$. Now $L_t$,
# for one draw of $x_t$, is a KL of two Gaussians with *one* variance, so it is the squared distance of the means over twice the
# variance, and the $x_t$ part cancels, which leaves (work it out)
#
# $$L_t = \frac{\big(1 - \frac{\mathrm{SNR}_t}{\mathrm{SNR}_s}\big)^2 \alpha_s^2 \, \lvert x_0 - \hat x_0 \rvert^2}{2 \sigma_s^2
# \big(1 - \frac{\mathrm{SNR}_t}{\mathrm{SNR}_s}\big)} = \tfrac12 (\mathrm{SNR}_s - \mathrm{SNR}_t) \, \lvert x_0 - \hat x_0
# \rvert^2.$$
#
# ### Your turn: what a wrong guess costs

# %% exercise="17-weight"

# %% [markdown]
# Guess the noise in place of the point, and you get the form that Ho and others start from. $\hat x_0$ and $\hat\varepsilon$
# are tied by $x_t = \alpha_t \hat x_0 + \sigma_t \hat\varepsilon$, so $\alpha_t (x_0 - \hat x_0) = -\sigma_t (\varepsilon -
# \hat\varepsilon)$, and
#
# $$L_t = \tfrac12 \Big(\frac{\mathrm{SNR}_s}{\mathrm{SNR}_t} - 1\Big) \lvert \varepsilon - \hat\varepsilon \rvert^2.$$
#
# For a random guess, at all ten steps: **lines 1 and 2**, the KL by `torch.distributions` agrees with the distance of the means
# and with yours. **Lines 3 and 4**: the same in terms of the noise. **Line 5**: add up the weights of all steps, and what
# stands between the ends cancels.

# %%
cost = Derivation("What a wrong guess costs")
x0_hat = x0 + 0.3 * torch.randn(1000, 1, generator=generator, dtype=torch.float64)
kl, by_means, by_points, by_noise, noise_error, point_error = [], [], [], [], [], []
for i in range(10):
    x_t, at_t, at_s = x[i + 1], log_snr[i + 1].expand(1000), log_snr[i].expand(1000)
    (mean, v), (guess, _) = (posterior_step(x_t, point, at_t, at_s) for point in (x0, x0_hat))
    kl.append(kl_divergence(Normal(mean, v[:, None].sqrt()), Normal(guess, v[:, None].sqrt())).sum(-1))
    by_means.append((mean - guess).square().sum(-1) / (2 * v))
    by_points.append(step_cost(x0, x0_hat, at_t, at_s))
    eps, eps_hat = (diffusion.eps_from_x0(x_t, point, at_t) for point in (x0, x0_hat))
    noise_error.append((eps - eps_hat).square().sum(-1))
    point_error.append((x0 - x0_hat).square().sum(-1) * at_t.exp())
    by_noise.append(0.5 * torch.expm1(at_s - at_t) * noise_error[-1])
cost.step("KL = |difference of the means|^2 / (2 variance)", torch.stack(kl), torch.stack(by_means))
cost.step("KL = 1/2 (SNR(s) - SNR(t)) |x0 - x0_hat|^2", torch.stack(kl), torch.stack(by_points))
cost.step("|eps - eps_hat|^2 = SNR(t) |x0 - x0_hat|^2", torch.stack(noise_error), torch.stack(point_error))
cost.step("KL = 1/2 (SNR(s)/SNR(t) - 1) |eps - eps_hat|^2", torch.stack(kl), torch.stack(by_noise))
snr = log_snr.exp()
cost.step("sum of SNR(s) - SNR(t) = SNR(0) - SNR(T)", (snr[lower] - snr[upper]).sum(), snr[0] - snr[-1])

# %% [markdown]
# ## 3 Where everything is known
#
# Which guess is best? The mean $\mathbb E[x_0 \mid x_t]$ has the least squared error. For points in **two bumps** on the line,
# Gaussians around −1 and 1 with standard deviation ¼, it has a closed form, so here is a diffusion model with a perfect
# denoiser. The average of each term is an integral over $x_t$, done numerically (*quadrature*); **line 1** compares it with
# draws of 20,000 points. The bars are the terms $L_t$ for $T = 10$, each as an area over its piece of the time. Predict: is the
# bound tight?

# %%
known, bumps = Derivation("Where everything is known"), two_bumps()
x0 = bumps.sample(20_000, generator=torch.Generator().manual_seed(2))
found = diffusion.terms(bumps.denoiser, x0, linear, n_steps=10, generator=torch.Generator().manual_seed(3))
exact = expected_terms(bumps, linear, 10)
known.step("bound of 20,000 points", found.elbo.mean(), exact.elbo, standard_error=standard_error(found.elbo))

# %% [markdown]
# The terms, and the picture:

# %%
parts = {"steps": exact.steps.sum(), "reconstruction": exact.reconstruction, "sum": -exact.elbo}
for name, value in parts.items():
    claim(f"17-bumps-{name}", value, world="any", tolerance=0.01, digits=2)
claim("17-bumps-top", exact.prior, world="any", tolerance=0.00001, digits=5)
claim("17-bumps-entropy", bumps.entropy, world="any", tolerance=0.006, digits=2)
claim("17-bumps-limit", limit(bumps, linear).sum(), world="any", tolerance=0.01, digits=2)
bound_bars(exact.steps, limit(bumps, linear), title="ten steps back, with the best guess in each")

# %% [markdown]
# $L_T = $ {{any:17-bumps-top}}, the steps cost {{any:17-bumps-steps}} together, $L_0 = $ {{any:17-bumps-reconstruction}} (a
# density of points can exceed 1, so its $-\log$ can be negative). The sum is {{any:17-bumps-sum}} nats, and $-\log$ of the
# data's density is {{any:17-bumps-entropy}} on average, so {{any:17-gap-linear-small-10}} nats are missing. More steps bring
# the bars down to the line, their limit, whose area is {{any:17-bumps-limit}}. Why so much, if each guess is perfect?
#
# ### Most of this gap is the variance
#
# What is missing is where the steps differ from the true ones:
#
# $$\text{gap} = \sum_t \mathbb E \, \mathrm{KL}(q(x_s \mid x_t) \,\Vert\, p(x_s \mid x_t)) + \text{the same for both ends}.$$
#
# (Measured from the density of the *data*.) Both steps have the same mean, for the mean of section 2 is linear in $x_0$, and
# $\hat x_0$ is the mean of $x_0$ given $x_t$. But the true one averages over all $x_0$ that $x_t$
# may have come from, so to the variance of section 2, which takes the point as known, comes a second part, for not knowing it.
# On average over $x_t$ (for one Gaussian it is the same everywhere) that makes
#
# $$\sigma_s^2 \Big(1 - \frac{\mathrm{SNR}_t}{\mathrm{SNR}_s}\Big) + \Big(1 - \frac{\mathrm{SNR}_t}{\mathrm{SNR}_s}\Big)^2
# \alpha_s^2 \; \mathbb E \lvert x_0 - \hat x_0 \rvert^2 \quad \text{(for D = 1)}.$$
#
# The **reverse variance** is a choice: the *small* one lacks the second part, the *large* one is that of the step forward,
# $\sigma_t^2 (1 - \mathrm{SNR}_t / \mathrm{SNR}_s)$, and the *best* one is this sum. (With the last two, $L_t$ is the full KL of
# two Gaussians, the ratio of their variances included.) In the world $x_0 \sim \mathcal N(0, \frac14)$, **line 2**: the sum is
# the true step's variance. **Line 3**: with the small one the gap of ten steps is the sum of KLs above. **Line 4**: with the best
# one it is 0 up to the ends, for one step, ten or a hundred.

# %%
best = world.best_variance(log_snr[upper], log_snr[lower])
true_variance = variance[lower] - (ratio * variance[lower]) ** 2 / variance[upper]
known.step("best variance = that of q(x_s|x_t)", best, true_variance)
true = torch.cat([true_variance, variance[-1:], 1 / 4 - alpha[:1] ** 2 / 16 / variance[:1]])
small = torch.cat([diffusion.step_variance("small", log_snr[upper], log_snr[lower]), torch.ones(1), sigma[:1] ** 2])
kls = 0.5 * ((small / true).log() + true / small - 1)  # of Gaussians with the same mean
known.step("gap = sum of KL(q(x_s|x_t) || p(x_s|x_t))", gap(world, linear, 10), kls.sum(), how="quadrature")
bounds = torch.stack([expected_terms(world, linear, n, world.best_variance).elbo for n in (1, 10, 100)])
entropies = torch.full((3,), world.entropy).double()
known.step("-entropy = mean bound with it, for T = 1, 10, 100", -entropies, bounds, how="quadrature")
claim("17-gaussian-small", gap(world, linear, 10), world="any", tolerance=0.01, digits=2)

# %% [markdown]
# With the small variance the gap is {{any:17-gaussian-small}} nats.
#
# And for two bumps? Predict: will the best variance close the gap there? How does each gap fall with T?

# %%
steps = [5, 10, 20, 50, 100, 300, 1000]
variances = {"small": "small", "large": "large", "best": bumps.best_variance}
rows = {name: [gap(bumps, linear, n, choice) for n in steps] for name, choice in variances.items()}
for curve_name, curve in (("linear", linear), ("cosine", cosine)):
    for name, choice in variances.items():
        for n, digits in ((10, 2), (100, 3), (1000, 4)):
            left = gap(bumps, curve, n, choice)
            near = {"tolerance": 10.0**-digits + 0.01 * left, "digits": digits}
            claim(f"17-gap-{curve_name}-{name}-{n}", left, world="any", quiet=True, **near)
for n, digits in ((10, 2), (100, 3)):
    shared, left = one_variance(bumps, linear, n), gap(bumps, linear, n, bumps.best_variance)
    claim(f"17-shared-{n}", shared, world="any", tolerance=0.05 * shared, digits=digits, quiet=True)
    claim(f"17-hills-{n}", left - shared, world="any", tolerance=0.1 * (left - shared), digits=digits, quiet=True)
plotting.lines(steps, rows, xlabel="steps T", ylabel="gap (nats)", logx=True, logy=True, markers=True)

# %% [markdown]
# With many steps the gap falls about like $1/T$. As numbers (cosine with the small variance is not there yet, and falls
# faster):
#
# | gap with the best guess, nats | T = 10 | T = 100 | T = 1000 |
# |---|---|---|---|
# | linear, small | {{any:17-gap-linear-small-10}} | {{any:17-gap-linear-small-100}} | {{any:17-gap-linear-small-1000}} |
# | linear, large | {{any:17-gap-linear-large-10}} | {{any:17-gap-linear-large-100}} | {{any:17-gap-linear-large-1000}} |
# | linear, best | {{any:17-gap-linear-best-10}} | {{any:17-gap-linear-best-100}} | {{any:17-gap-linear-best-1000}} |
# | cosine, small | {{any:17-gap-cosine-small-10}} | {{any:17-gap-cosine-small-100}} | {{any:17-gap-cosine-small-1000}} |
# | cosine, large | {{any:17-gap-cosine-large-10}} | {{any:17-gap-cosine-large-100}} | {{any:17-gap-cosine-large-1000}} |
# | cosine, best | {{any:17-gap-cosine-best-10}} | {{any:17-gap-cosine-best-100}} | {{any:17-gap-cosine-best-1000}} |
#
# Even the best variance leaves {{any:17-gap-linear-best-10}} nats at $T = 10$. About half, {{any:17-shared-10}}, is because it
# is one number for every $x_t$. The rest, {{any:17-hills-10}}, is because the true step may have two hills (from the middle
# $x_t$ may have come from either bump), and p has one. That rest falls to {{any:17-hills-100}} at $T = 100$: a *small* step
# is nearly Gaussian. **This is why there are many steps.**
#
# ### What a schedule can't change
#
# Let the steps get smaller: $\frac12 (\mathrm{SNR}_s / \mathrm{SNR}_t - 1)$ tends to half the distance of the two log-SNRs, so
#
# $$\sum_t L_t \;\longrightarrow\; \tfrac12 \int_{-9}^{9} \mathbb E \lvert \varepsilon - \hat\varepsilon \rvert^2 \; d\,
# \text{log-SNR}.$$
#
# Each piece of log-SNR counts alike, and of the schedule only the two ends are left. **Line 5**: both schedules tend to the same
# area.

# %%
areas = [limit(bumps, schedule, 2000).sum() for schedule in (linear, cosine)]
known.step("area of the line: linear = cosine", *areas, how="quadrature")

# %% [markdown]
# ### Play with it
#
# 1. Drag the time: where do the points that go back decide for a bump?
# 2. With the small variance, go from 1 to 200 steps. Where do the bars fall last?

# %%
from vae_course.widgets.diffusion_playground import DiffusionPlayground

DiffusionPlayground()

# %% [markdown]
# ## 4 A denoiser that is learned
#
# On to the spiral: 200 places on a curve in the plane, plus noise of standard deviation 0.08. Its entropy is known,
# {{any:17-spiral-entropy}} nats, and so is its best denoiser, but now let a network find it: `diffusion.PointDenoiser`, width
# 96, which is told the log-SNR and whose last layer guesses $\hat\varepsilon$; it returns the $\hat x_0$ that follows.
#
# A training step draws *one* log-SNR for each point, evenly between the ends, mixes $x_t$ and compares the noise. Its mean is
# the integral above.


# %%
def training_loss(denoiser, x0):
    """Half of |eps - eps_hat|^2 times the range of the log-SNRs, nats: an estimate of the sum of L_t."""
    u = (torch.arange(len(x0)) / len(x0) + torch.rand(())) % 1  # evenly spread, with one shift by chance
    at = 9.0 - 18.0 * u.to(x0)
    eps = torch.randn_like(x0)
    x_t = diffusion.diffuse(x0, at, eps)
    eps_hat = diffusion.eps_from_x0(x_t, denoiser(x_t, at), at)
    return 0.5 * 18.0 * (eps - eps_hat).square().sum(-1).mean()


# %% [markdown]
# **Line 1**: this is the package's loss, from the same random numbers.

# %%
learned, x0 = Derivation("A denoiser that is learned"), spiral().sample(500, generator=generator)
untrained, losses = diffusion.PointDenoiser().double(), []
for loss in (training_loss, lambda *args: diffusion.denoising_loss(*args)["loss"]):
    torch.manual_seed(5)
    losses.append(loss(untrained, x0))
learned.step("training_loss = the package's", *losses)

# %% [markdown]
# Ho, Jain and Abbeel (2020) train with another, **L_simple**: the plain mean of $\lvert \varepsilon - \hat\varepsilon \rvert^2$
# with *times* drawn evenly. Drawing a level more often is giving it more weight. With the cosine schedule an even time is an
# even angle, and a log-SNR is drawn in proportion to $\alpha \sigma$: **line 2**, the slope of the schedule, by autograd.

# %%
time = torch.linspace(0.01, 0.99, 99, dtype=torch.float64, requires_grad=True)
(slope,) = torch.autograd.grad(cosine(time).sum(), time)
amount = math.prod(diffusion.signal_and_noise(cosine(time)))
share = 1 / slope.abs() / amount
learned.step("times per log-SNR / (alpha sigma): the same everywhere", share, share[0].expand(99))
amount_at_9 = math.prod(diffusion.signal_and_noise(torch.tensor(9.0, dtype=torch.float64)))
claim("17-simple-rarer", 0.5 / amount_at_9, world="any", tolerance=0.5, unit="times", digits=0)

# %% [markdown]
# For one look at a log-SNR of 9, L_simple takes {{any:17-simple-rarer}} at 0, where the bound takes one: it cares less for both
# ends, the fine last steps among them. It is no bound. In their paper it gives the better pictures and the worse bound. Here?
# With three seeds each, predict: which has the smaller gap, and whose samples stray less? (Six trainings, under a minute on one
# core the first time.)

# %%
from vae_course.training import Recipe, fit_or_load_all

points = spiral().sample(20_000, generator=torch.Generator().manual_seed(6)).float()
settings = {"images": points, "epochs": 25, "batch_size": 200, "lr": 3e-3, "build": diffusion.PointDenoiser}
weightings = ("bound", "simple")
recipes = [
    Recipe(
        name=f"spiral-{weighting}-{seed}",
        loss=functools.partial(diffusion.denoising_loss, weighting=weighting),
        seed=seed,
        **settings,
    )
    for weighting in weightings
    for seed in range(3)
]
trained = [m.requires_grad_(False) for m, _ in fit_or_load_all(recipes)]
models = {"bound": trained[:3], "simple": trained[3:]}

# %% [markdown]
# Draw from one of them. The **ancestral sampler** goes the model's way, level by level: $x_T \sim \mathcal N(0, I)$, then $x_s$
# from $p(x_s \mid x_t)$, and at the end the guess $\hat x_0$. (100 steps, the small variance.) Above the way forward, read from
# the left; below the way back, read from the right:

# %%
x_T = torch.randn(2000, 2, generator=torch.Generator().manual_seed(7))
drawn = diffusion.sample_ancestral(models["bound"][0], x_T, cosine, 100, generator=torch.Generator().manual_seed(8))
back = [drawn.path[100 - round(100 * t)] for t in times[1:]]
particles({"forward": forward, "back": [drawn.x0, *back]}, times)

# %% [markdown]
# The spiral is back, with some points astray.
#
# **Bits.** The gap of a learned denoiser, for infinitely many steps: how much lower its bound is than that of the exact
# denoiser, on the same 2,000 new points with the same noise. **Looks.** The share of drawn points that lie more than four
# standard deviations of the noise away from the curve; of 100,000 true points it is {{any:17-true-astray}}%. It doesn't see
# which parts of the curve are missed.

# %%
new = spiral().sample(2000, generator=torch.Generator().manual_seed(9)).float()


def bound(denoiser):
    """The bound of each new point for infinitely many steps, [2000]."""
    return diffusion.continuous_bound(denoiser, new, cosine, generator=torch.Generator().manual_seed(10)).elbo


best = bound(spiral().denoiser)
lost = {name: torch.stack([best - bound(m) for m in three]) for name, three in models.items()}
behind = {name: each.mean(1) for name, each in lost.items()}
claim("17-spiral-entropy", entropy(), world="any", tolerance=0.006, digits=2)
claim("17-spiral-exact", -best.mean(), world="any", tolerance=0.05, digits=2)
true_points = spiral().sample(100_000, generator=torch.Generator().manual_seed(15))
claim("17-true-astray", 100 * strays(true_points), world="any", tolerance=0.003, unit="%", digits=3)
for name, values in behind.items():
    claim(f"17-behind-{name}", values.mean(), world="any", tolerance=0.06, digits=3)
    claim(f"17-behind-{name}-sd", values.std(), world="any", tolerance=None, digits=3)
lead = behind["simple"] - behind["bound"]
claim("17-lead", lead.mean(), world="any", tolerance=0.03, digits=3)
claim("17-lead-se", standard_error(lead), world="any", tolerance=None, digits=3)
assert lead.mean() > 2 * standard_error(lead)

# %% [markdown]
# And how many points stray, for 10 to 50 steps? (Some seconds.) The second sampler, DDIM, is the next section's.

# %%
counts = [10, 20, 50]


def drawn_astray(denoiser, sampler, n_steps):
    """Stray points in 2,000 drawn ones, %."""
    if sampler == "DDIM":
        return 100 * strays(diffusion.sample_ddim(denoiser, x_T, cosine, n_steps).x0)
    source = torch.Generator().manual_seed(8)
    return 100 * strays(diffusion.sample_ancestral(denoiser, x_T, cosine, n_steps, generator=source).x0)


astray = {
    (sampler, name): torch.tensor([[drawn_astray(m, sampler, n) for n in counts] for m in three]).double()
    for sampler in ("ancestral", "DDIM")
    for name, three in models.items()
}
for (sampler, name), values in astray.items():
    for n, mean, sd in zip(counts, values.mean(0).tolist(), values.std(0), strict=True):
        claim(f"17-astray-{sampler}-{name}-{n}", mean, world="any", tolerance=0.6 * mean, unit="%", quiet=True)
        claim(f"17-astray-{sampler}-{name}-{n}-sd", sd, world="any", tolerance=None, unit="%", quiet=True)

# %% [markdown]
# - **Bits:** trained with the bound's weights the model is {{any:17-behind-bound}} ± {{any:17-behind-bound-sd}} nats behind the
#   exact denoiser, with L_simple {{any:17-behind-simple}} ± {{any:17-behind-simple-sd}}. The lead is {{any:17-lead}} (standard
#   error of the three pairs {{any:17-lead-se}}).
# - **Looks:** at 10 and 50 ancestral steps {{any:17-astray-ancestral-bound-10}} ± {{any:17-astray-ancestral-bound-10-sd}}% and
#   {{any:17-astray-ancestral-bound-50}} ± {{any:17-astray-ancestral-bound-50-sd}}% stray with the bound's weights,
#   {{any:17-astray-ancestral-simple-10}} ± {{any:17-astray-ancestral-simple-10-sd}}% and
#   {{any:17-astray-ancestral-simple-50}} ± {{any:17-astray-ancestral-simple-50-sd}}% with L_simple.
#
# So one half of that claim is seen here: the bound is worse. With this sampler the means favour L_simple's looks, with DDIM
# (next section) those of the bound's weights: with three seeds better looks are neither shown nor ruled out. Without any
# training: take the exact denoiser and ten steps of the cosine schedule, once with either variance:

# %%
for name in ("small", "large"):
    source = torch.Generator().manual_seed(11)
    found = diffusion.terms(spiral().denoiser, new.double(), cosine, 10, reverse_variance=name, generator=source)
    lost = spiral().log_density(new.double()) - found.elbo
    claim(f"17-ten-gap-{name}", lost.mean(), world="any", tolerance=1 if name == "small" else 0.1)
    samples = diffusion.sample_ancestral(
        spiral().denoiser, x_T.double(), cosine, 10, reverse_variance=name, generator=source
    )
    claim(f"17-ten-astray-{name}", 100 * strays(samples.x0), world="any", tolerance=0.5, unit="%")

# %% [markdown]
# In this run the large variance loses {{any:17-ten-gap-large}} nats where the small one loses {{any:17-ten-gap-small}}, and
# strays more, {{any:17-ten-astray-large}}% against {{any:17-ten-astray-small}}%. Too narrow a step costs many nats, yet what it
# draws stays close to the curve: bits and looks are two questions.

# %% [markdown]
# ## 5 Fewer steps
#
# The loss asked only for $x_t$ given $x_0$, never how $x_t$ came from $x_s$. So any way down that visits levels with the right
# amount of noise may use the same network. Song and others (2021) keep the *old* noise, as guessed, in place of new:
#
# $$x_s = \alpha_s \hat x_0 + \sigma_s \hat\varepsilon.$$
#
# This is **DDIM** (denoising diffusion implicit model). Nothing is drawn but $x_T$. Between it and the ancestral sampler lies
# $\eta$, the fresh noise as a share of the ancestral sampler's (standard deviation): 0 for DDIM, 1 for ancestral. A step is then
# $\alpha_s \hat x_0 + \sqrt{\sigma_s^2 - v} \, \hat\varepsilon + \sqrt v \, \varepsilon'$, $v = \eta^2$ times the small
# variance. The means over three seeds:

# %%
rows = {f"{sampler}, {name}": values.mean(0) for (sampler, name), values in astray.items()}
fewer = (astray["ancestral", "bound"] - astray["DDIM", "bound"])[:, 0]
claim("17-ddim-fewer-least", fewer.min(), world="any", tolerance=None, unit="percentage points")
assert fewer.mean() > 0
plotting.lines(counts, rows, xlabel="steps T", ylabel="stray points (%)", logx=True, markers=True)

# %% [markdown]
# - Trained with the bound's weights, DDIM strays less at ten steps, {{any:17-astray-DDIM-bound-10}} ±
#   {{any:17-astray-DDIM-bound-10-sd}}% against {{any:17-astray-ancestral-bound-10}} ± {{any:17-astray-ancestral-bound-10-sd}}%,
#   in each of the three pairs by {{any:17-ddim-fewer-least}} percentage points or more.
# - With L_simple three seeds settle nothing: {{any:17-astray-DDIM-simple-10}} ± {{any:17-astray-DDIM-simple-10-sd}}% against
#   {{any:17-astray-ancestral-simple-10}} ± {{any:17-astray-ancestral-simple-10-sd}}%. So don't carry "DDIM needs fewer steps"
#   over to another network unmeasured.
#
# Is what is left the fault of the steps? The control is the exact denoiser at 50 steps:

# %%
for sampler in ("ancestral", "DDIM"):
    left = drawn_astray(spiral().denoiser, sampler, 50)
    claim(f"17-exact-astray-{sampler}", left, world="any", tolerance=0.15, unit="%", digits=2)

# %% [markdown]
# {{any:17-exact-astray-ancestral}}% and {{any:17-exact-astray-DDIM}}% of 2,000. At 50 steps what strays is the network's error.

# %% [markdown]
# ## 6 One network, three names
#
# **Score matching.** The score of a level is the gradient of $\log q(x_t)$ *with respect to* $x_t$, an arrow to where points
# are denser. $q(x_t)$ is the mean over the data of $\mathcal N(\alpha_t x_0, \sigma_t^2 I)$. Take the gradient of its
# logarithm: each $x_0$ counts by how probable it is given $x_t$, and
#
# $$\nabla \log q(x_t) = \mathbb E\Big[-\frac{x_t - \alpha_t x_0}{\sigma_t^2} \,\Big|\, x_t\Big] = -\frac{x_t - \alpha_t \hat
# x_0}{\sigma_t^2} = -\frac{\hat\varepsilon}{\sigma_t} \qquad \text{with } \hat x_0 = \mathbb E[x_0 \mid x_t].$$
#
# So to denoise well is to know the score. Learning it by this route is *denoising score matching* (Vincent, 2011).
#
# **Flow matching.** Go straight from a point to a draw of noise, $y = (1 - r) x_0 + r \varepsilon$ for $r$ from 0 to 1. On the
# way the velocity is $\varepsilon - x_0$. A network is trained to guess it from $y$; the best guess is the mean,
# $\hat\varepsilon - \hat x_0$. But $y$ is $x_t / (\alpha_t + \sigma_t)$ at $r = \sigma_t / (\alpha_t + \sigma_t)$, a rescaled
# $x_t$. To draw, follow the velocity from $r = 1$ to 0 in small steps, $y - \Delta r \cdot \text{velocity}$ (Euler's method).
#
# ### Your turn: one guess under its other names

# %% exercise="17-score"

# %% [markdown]
# On the two bumps, with the exact denoiser: **line 1**, yours is the slope of $\log q(x_t)$, by autograd. **Line 2**: one step
# of DDIM, rescaled, is Euler's step along yours. **Line 3**: flow matching's squared error is that of the noise times
# $(1 + \sigma_t / \alpha_t)^2$.

# %%
names = Derivation("One network, three names")
x0, eps = bumps.sample(1000, generator=generator), torch.randn(1000, 1, generator=generator, dtype=torch.float64)
at_t, at_s = (torch.full((1000,), value, dtype=torch.float64) for value in (-0.5, 0.7))
x_t = diffusion.diffuse(x0, at_t, eps).requires_grad_()
(slope,) = torch.autograd.grad(bumps.log_density(x_t, at_t).sum(), x_t)
x_t = x_t.detach()
x0_hat = bumps.denoiser(x_t, at_t)
eps_hat = diffusion.eps_from_x0(x_t, x0_hat, at_t)
score, velocity = score_and_velocity(x_t, eps_hat, at_t)
names.step("score = grad log q(x_t)", score, slope)

# %% [markdown]
# The other two:

# %%
(alpha_t, sigma_t), (alpha_s, sigma_s) = (diffusion.signal_and_noise(at[0]) for at in (at_t, at_s))
x_s = alpha_s * x0_hat + sigma_s * eps_hat
dr = sigma_s / (alpha_s + sigma_s) - sigma_t / (alpha_t + sigma_t)
names.step("DDIM, rescaled = y + dr velocity", x_s / (alpha_s + sigma_s), x_t / (alpha_t + sigma_t) + dr * velocity)
error = (eps - x0 - velocity).square()
weighted = (1 + sigma_t / alpha_t) ** 2 * (eps - eps_hat).square()
names.step("|velocity error|^2 = (1 + sigma/alpha)^2 |eps - eps_hat|^2", error, weighted)

# %% [markdown]
# ## 7 What was given up
#
# | | lesson 07's VAE | a diffusion model |
# |---|---|---|
# | code z | 20 numbers | $T + 1$ levels, each as large as $x_0$ |
# | encoder $q(z \mid x)$ | a network | noise by a fixed rule |
# | prior | $\mathcal N(0, I)$ on the code | $\mathcal N(0, I)$ on level T, and the chain down to $\tilde x_0$ |
# | decoder | a network | the last step, by the network of the chain |
#
# **Given up: a code.** What level T can tell of $x_0$ (their mutual information) is at most the mean of $L_T$: for the two
# bumps {{any:17-bumps-top}} nats. It is as large as the data, and it says nothing. **Given up: one pass.** A sample takes one
# more pass than steps. **Given up: a q that comes to meet the model.** With q fixed, the gap can be closed from the model's
# side alone, and for Gaussian steps that takes many small ones, unless the data are Gaussian.
#
# **Gained:** q can't collapse, for it can't learn. No gradient goes through a draw. A model of a thousand levels is trained one
# level at a time, by plain regression. Each small step is nearly Gaussian.

# %% [markdown]
# ## 8 Quiz
#
# If you see no buttons, type `quizzes.answer("17", 1, "b")` in a cell to answer the first question with b.

# %%
from vae_course import quizzes

quizzes.show("17")

# %%
exercises.progress("17")

# %% [markdown]
# ## Summary
#
# > $$-\mathcal L = \underbrace{\mathrm{KL}(q(x_T \mid x_0) \,\Vert\, p(x_T))}_{L_T} + \sum_t \underbrace{\mathbb E\,
# > \mathrm{KL}(q(x_s \mid x_t, x_0) \,\Vert\, p(x_s \mid x_t))}_{L_t} + \underbrace{\mathbb E[-\log p(x_0 \mid \tilde
# > x_0)]}_{L_0}$$
# >
# > $$L_t = \tfrac12 (\mathrm{SNR}_s - \mathrm{SNR}_t) \, \mathbb E \lvert x_0 - \hat x_0 \rvert^2 = \tfrac12
# > \Big(\frac{\mathrm{SNR}_s}{\mathrm{SNR}_t} - 1\Big) \, \mathbb E \lvert \varepsilon - \hat\varepsilon \rvert^2$$
# >
# > $$\sum_t L_t \to \tfrac12 \int \mathbb E \lvert \varepsilon - \hat\varepsilon \rvert^2 \, d\,\text{log-SNR}, \qquad \nabla
# > \log q(x_t) = -\hat\varepsilon / \sigma_t, \qquad \text{velocity} = \hat\varepsilon - \hat x_0$$
# >
# > A diffusion model is a VAE of many levels whose encoder is fixed. With the best denoiser the gap is the steps', and falls
# > about like $1/T$; a learned one adds its own. L_simple is no bound, and bits and looks are two questions.

# %%
plotting.summary("17")

# %% [markdown]
# **Sources.** J. Sohl-Dickstein and others, [*Deep Unsupervised Learning using Nonequilibrium
# Thermodynamics*](https://arxiv.org/abs/1503.03585), ICML 2015, for the fixed chain and its bound. J. Ho, A. Jain and P.
# Abbeel, [*Denoising Diffusion Probabilistic Models*](https://arxiv.org/abs/2006.11239), NeurIPS 2020, for guessing the noise,
# L_simple and the ancestral sampler. D. P. Kingma and others, [*Variational Diffusion
# Models*](https://arxiv.org/abs/2107.00630), NeurIPS 2021, for the SNR form and its limit. D. P. Kingma and R. Gao,
# [*Understanding Diffusion Objectives as the ELBO with Simple Data Augmentation*](https://arxiv.org/abs/2303.00848), NeurIPS
# 2023, reads losses of all three kinds as the bound with other weights on the log-SNR. C. Luo, [*Understanding Diffusion
# Models: A Unified Perspective*](https://arxiv.org/abs/2208.11970), 2022, derives the bound and the guesses of point, noise and
# score. A. Nichol and P. Dhariwal, [*Improved Denoising Diffusion Probabilistic Models*](https://arxiv.org/abs/2102.09672),
# ICML 2021, for the cosine schedule and variances between the two. F. Bao and others,
# [*Analytic-DPM*](https://arxiv.org/abs/2201.06503), ICLR 2022, for the best variance that is the same for all $x_t$. J. Song,
# C. Meng and S. Ermon, [*Denoising Diffusion Implicit Models*](https://arxiv.org/abs/2010.02502), ICLR 2021. P. Vincent, [*A
# Connection Between Score Matching and Denoising Autoencoders*](https://doi.org/10.1162/NECO_a_00142), Neural Computation 2011.
# Y. Lipman and others, [*Flow Matching for Generative Modeling*](https://arxiv.org/abs/2210.02747), ICLR 2023.
#
# **Next:** [The autoencoder inside today's generators](18_latent_generators.ipynb): such a model on the codes of an autoencoder,
# and what that does to bits and to looks.

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.
#
# ### In your own words
#
# Answer first. Then compare with `exercises.solution("17-why")`, and give yourself the points.

# %% exercise="17-why"

# %% [markdown]
# ### Build (optional): the bound, term by term
#
# Sections 1 to 3 in one function, for given levels and given noise.

# %% exercise="17-bound"

# %% [markdown]
# **Line 6** of section 3's derivation: for the two bumps and ten steps, yours is on average what the integrals say.

# %%
x0 = bumps.sample(20_000, generator=torch.Generator().manual_seed(12))
noise = torch.randn(11, 20_000, 1, generator=torch.Generator().manual_seed(13), dtype=torch.float64)
yours = torch.stack(bound_terms(bumps.denoiser, x0, diffusion.levels(linear, 10), noise))
exact = expected_terms(bumps, linear, 10)
exact = torch.stack([exact.prior, exact.steps.sum(), exact.reconstruction])
error = yours.std(1) / math.sqrt(20_000)
known.step("yours: L_T, sum of L_t, L_0", yours.mean(1), exact, standard_error=error)

# %% [markdown]
# ### Build (optional): from noise to points
#
# Both samplers, and all between them, in one.

# %% exercise="17-sampler"

# %% [markdown]
# With the exact denoiser of the spiral and 20 levels: **line 4** of section 6's derivation, $\eta = 0$ is the package's DDIM.
# **Line 5**, with $\eta = 1$ and the same noise it is the package's ancestral sampler.

# %%
x_start, source = torch.randn(500, 2, generator=generator, dtype=torch.float64), torch.Generator().manual_seed(14)
log_snr, exact = diffusion.levels(cosine, 20), spiral().denoiser
noise = [torch.randn(500, 2, generator=source, dtype=torch.float64) for _ in range(20)]
noise = torch.stack(noise[::-1])  # the package draws from the noisy end on


def predict_eps(x_t, at):
    """The exact guess of the noise."""
    return diffusion.eps_from_x0(x_t, exact(x_t, at), at)


names.step(
    "eta = 0: DDIM",
    sample(predict_eps, x_start, log_snr, 0.0, noise),
    diffusion.sample_ddim(exact, x_start, cosine, 20).x0,
)
source = torch.Generator().manual_seed(14)
ancestral = diffusion.sample_ancestral(exact, x_start, cosine, 20, generator=source).x0
names.step("eta = 1: ancestral", sample(predict_eps, x_start, log_snr, 1.0, noise), ancestral)

# %% [markdown]
# ### Four mistakes that were published
#
# All four have stood in public code or tables, and no error message gives them away:
#
# 1. [log σ where log σ² belongs](https://github.com/tqch/ddpm-torch/issues/9) in $L_T$.
# 2. A variance between the small and the large one, mixed from [the variances in place of their
#    logs](https://github.com/huggingface/diffusers/pull/2090).
# 3. A model of 1,000 levels run in ten steps, with the variance of [the fine
#    step](https://github.com/huggingface/diffusers/pull/3006) that starts there, not that of the step which is made.
# 4. L_simple reported where a likelihood is asked for.
#
# What would each report for the two bumps, with the exact denoiser, as $-\mathcal L$?


# %%
def half_way(t, s):
    """The mean of the small and the large variance."""
    return (diffusion.step_variance("small", t, s) + diffusion.step_variance("large", t, s)) / 2


def of_a_fine_step(t, s):
    """The large variance of the step that a schedule of 1,000 levels would make from t; the decoder's stays as it is."""
    fine = torch.where(s.isinf(), s, t + 18 / 1000)
    return diffusion.step_variance("large", t, fine)


right = {"share": expected_terms(bumps, linear, 10, 0.5), "large": expected_terms(bumps, linear, 10, "large")}
reported = {
    "share": -right["share"].elbo,
    "half-way": -expected_terms(bumps, linear, 10, half_way).elbo,
    "large": -right["large"].elbo,
    "fine": -expected_terms(bumps, linear, 10, of_a_fine_step).elbo,
}

# %% [markdown]
# The other two. The first shows where level T still holds some signal: here the log-SNR ends at −1, with many steps:

# %%
short = diffusion.linear_log_snr(9.0, -1.0)
_, sigma_T = diffusion.signal_and_noise(torch.tensor(-1.0, dtype=torch.float64))
reported["end"] = -expected_terms(bumps, short, 1000).elbo
reported["end-log"] = reported["end"] + sigma_T.log() - 0.5 * sigma_T.log()
_, far = diffusion.signal_and_noise(torch.tensor(-9.0, dtype=torch.float64))
at = diffusion.levels(cosine, 1000)
reported["simple"] = (at.exp() * bumps.squared_error(at)).mean()
for name, value in reported.items():
    claim(f"17-mistake-{name}", value, world="any", tolerance=0.01 * abs(float(value)) + 0.01, digits=2)
claim("17-mistake-far", -0.5 * far.log(), world="any", tolerance=0.00001, digits=5)

# %% [markdown]
# The truth is {{any:17-bumps-entropy}} nats.
#
# 1. From −1 on, {{any:17-mistake-end}} becomes {{any:17-mistake-end-log}}: *too good*. With −9 it is off by
#    {{any:17-mistake-far}} nats, and nobody will ever notice.
# 2. Mixed as logs: {{any:17-mistake-share}}; as variances: {{any:17-mistake-half-way}}. Both are bounds, and the mistake is even
#    the better one here. But a network that was trained to say *where between the logs* is misread.
# 3. {{any:17-mistake-large}} becomes {{any:17-mistake-fine}}: each step is far too narrow.
# 4. L_simple is {{any:17-mistake-simple}}. It is a mean squared error of the noise, no number of nats, and can't be compared.

# %% [markdown]
# ### Guess neither
#
# $\hat\varepsilon$ is a poor thing to ask for where there is hardly any signal:
# $\hat x_0 = (x_t - \sigma_t \hat\varepsilon) / \alpha_t$ divides by nearly nothing. $\hat x_0$ is a poor one where there is
# hardly any noise. **v-prediction** (Salimans and Ho, [*Progressive Distillation*](https://arxiv.org/abs/2202.00512), 2022)
# asks for $v = \alpha_t \varepsilon - \sigma_t x_0$, from which $\hat x_0 = \alpha_t x_t - \sigma_t \hat v$ without a division:
# **line 3** of section 4's derivation. One more training, seed 0, with the bound's weights (some ten seconds):

# %%
x0, eps = new.double(), torch.randn(2000, 2, generator=generator, dtype=torch.float64)
at = torch.linspace(-9, 9, 2000, dtype=torch.float64)
alpha, sigma = (part[:, None] for part in diffusion.signal_and_noise(at))
x_t = diffusion.diffuse(x0, at, eps)
learned.step("alpha x_t - sigma v = x0", alpha * x_t - sigma * (alpha * eps - sigma * x0), x0)
settings |= {"build": functools.partial(diffusion.PointDenoiser, predicts="v"), "loss": diffusion.denoising_loss}
(by_v, _), *_ = fit_or_load_all([Recipe(name="spiral-v-0", seed=0, **settings)])
pair = {"v": by_v.requires_grad_(False), "eps": models["bound"][0]}
for name, model in pair.items():
    claim(f"17-{name}-behind", (best - bound(model)).mean(), world="any", tolerance=0.06, digits=2)
    for sampler in ("ancestral", "DDIM"):
        for n in (10, 50):
            left = drawn_astray(model, sampler, n)
            claim(f"17-{name}-{sampler}-{n}", left, world="any", tolerance=None, unit="%", quiet=True)

# %% [markdown]
# | one run each, seed 0 | nats behind the exact denoiser | ancestral, 10 and 50 steps, % astray | DDIM, 10 and 50 |
# |---|---|---|---|
# | guesses $\varepsilon$ | {{any:17-eps-behind}} | {{any:17-eps-ancestral-10}}, {{any:17-eps-ancestral-50}} | {{any:17-eps-DDIM-10}}, {{any:17-eps-DDIM-50}} |
# | guesses $v$ | {{any:17-v-behind}} | {{any:17-v-ancestral-10}}, {{any:17-v-ancestral-50}} | {{any:17-v-DDIM-10}}, {{any:17-v-DDIM-50}} |
#
# One seed is no order: this table says what happened once. A verdict on v would take more runs.
#
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (levels, cost, known, learned, names):
    display(derivation.summary())
