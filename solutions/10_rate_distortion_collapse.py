# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 10 Rate, distortion and collapse
#
# The ELBO is a sum of two prices: what the code costs, and what is still missing once the code is known. You trade one for
# the other, see how much of the code's price is information, kill a code on purpose, find out why it died, and bring it back.

# %% [markdown]
# **After this lesson you can**
# - say what beta trades for what, and at which rate of exchange,
# - read a rate-distortion curve, with its bound, its slope and its two ends,
# - say how much of a rate is information, and how much the price of a prior that does not fit,
# - tell which latent dimensions are active,
# - recognise a collapsed posterior, tell three of its causes apart with a control, and choose a cure whose price you know.
#
# **You need first:** [lesson 04](04_the_elbo.ipynb) (the ELBO and its two forms), [lesson 06](06_choosing_the_likelihood.ipynb)
# (beta, and a Gaussian with a stated sigma) and [lesson 07](07_your_first_vae.ipynb) (training a VAE). Variances and logarithms.
#
# **Time:** A cell that trains networks, or loads what it trained before, says how long it takes. The numbers in the text are
# MNIST's; those of the pen digits stand in a table at the end.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $\beta$ | weight of the KL | `beta` | one number |
# | $R$ | rate: mean KL of $q(z \mid x)$ to the prior, nats per image | `rate` | one number, or `[X]` |
# | $D$ | distortion: mean of $-\log p(x \mid z)$, nats per image | `distortion` | one number, or `[X]` |
# | $H(x)$ | entropy of the data, nats | `entropy` | one number |
# | $s^2$ | variance of the data in each direction | `s2` | `[X]` |
# | $\sigma$ | standard deviation of the decoder's noise | `sigma` | one number |
# | $v, m, \tau^2$ | slope of the decoder; slope and variance of $q$ | `v`, `m`, `tau2` | `[X]` each |
# | $q(z)$ | aggregated posterior (lesson 08): the mixture of all posteriors | `log_mixture` | `[M]`, one for each code |
# | $a$ | variance of the codes of all $x$ together | `a` | `[X]` |
# | $I$ | information that codes carry about the image, nats | `information` | one number |
# | $\mathrm{KL}_d$ | KL of each latent dimension, nats | `kl_of_dims` | `[B, D]` |
#
# Sizes in brackets: X directions of the data, B images in a batch, D latent dimensions, N images behind a mixture, M
# codes. (D counts dimensions in shapes only; in formulas $D$ is the distortion.)

# %% [markdown]
# ## 1 Two prices
#
# Think of the code $z$ as a message to the decoder.
#
# - The **rate** $R = \mathbb E_x \, \mathrm{KL}(q(z \mid x) \,\Vert\, p(z))$ is what the message costs. A code that is
#   the same for all images, and like the prior, costs nothing.
# - The **distortion** $D = -\mathbb E_x \mathbb E_{q(z \mid x)} \log p(x \mid z)$ is what has to be added to get the
#   image exactly, once the message is known.
#
# The ELBO adds them, and a **beta-VAE** weighs them:
#
# $$-\text{ELBO} = D + R, \qquad \text{loss} = D + \beta R.$$
#
# With $\beta = 4$ a nat of code costs as much as four nats of distortion, so the network will buy fewer of them. Lesson 06
# showed how a beta slips in unseen; here you choose it. The loss of a beta-VAE is not a bound that you can compare.
# **Whatever a model was trained with, its ELBO is $-(D + R)$.**

# %%
import functools
import math

import sympy
import torch
from torch.distributions import Independent, Normal, kl_divergence

from vae_course import data, exercises, objectives
from vae_course.claims import claim
from vae_course.evaluation import active_units, evaluate, kl_per_dim
from vae_course.plotting.rates import cures, dimensions, rate_distortion, shares, spreads, walks
from vae_course.studies.rate_distortion import GaussianSource, LinearModel
from vae_course.derivations import Derivation, standard_error

_ = torch.manual_seed(0)

# %% [markdown]
# ## 2 The curve, where everything is known
#
# Data with one number first: $x$ is Gaussian with variance $s^2$. Decoder and encoder are straight lines, and $\sigma$ is fixed:
#
# $$z \sim \mathcal N(0, 1), \qquad x \mid z \sim \mathcal N(v z, \sigma^2), \qquad q(z \mid x) = \mathcal N(m x, \tau^2).$$
#
# Training means to find $v$, $m$ and $\tau^2$ for a given $\beta$, here on paper.
#
# **Line 1**, the rate: the KL of a Gaussian to $\mathcal N(0, 1)$ is $\frac12 (\mu^2 + \tau^2 - 1 - \log \tau^2)$,
# with $\mu = m x$, and the mean of $x^2$ is $s^2$. **Line 2**, the distortion: the error $x - v z$ has two parts,
# $(1 - v m) x$ and $v$ times the noise of $q$.
#
# $$R = \tfrac12 \left(m^2 s^2 + \tau^2 - 1 - \log \tau^2\right),
# \qquad D = \tfrac12 \log(2 \pi \sigma^2) + \frac{s^2 (1 - v m)^2 + v^2 \tau^2}{2 \sigma^2}.$$
#
# The cell draws points and codes, with $v, m, \tau^2$ far from the best ones.

# %%
curve = Derivation("The rate-distortion curve of Gaussian data")
s2, sigma = torch.tensor([4.0], dtype=torch.float64), 0.5
v, m, tau2 = (torch.tensor([value], dtype=torch.float64) for value in (1.5, 0.7, 0.3))
model, line = LinearModel(v, m, tau2, sigma), GaussianSource(s2, sigma)
x = line.sample(100_000, generator=torch.Generator().manual_seed(1))
terms = objectives.elbo(model, x)
ours = 0.5 * (m**2 * s2 + tau2 - 1 - tau2.log())
blur = 0.5 * math.log(2 * math.pi * sigma**2) + (s2 * (1 - v * m) ** 2 + v**2 * tau2) / (2 * sigma**2)
curve.step("R = 1/2 (m^2 s^2 + tau^2 - 1 - log tau^2)", terms.kl.mean(), ours, standard_error=standard_error(terms.kl))
spread = standard_error(terms.log_px_z)
curve.step("D = 1/2 log(2 pi sigma^2) + error / (2 sigma^2)", -terms.log_px_z.mean(), blur, standard_error=spread)

# %% [markdown]
# Now the best $q$ for a given decoder: set the derivatives of $D + \beta R$ to zero. **Lines 3 and 4**, by sympy:
#
# $$\frac{\partial}{\partial m} (D + \beta R) = \frac{s^2}{\sigma^2} \left((v^2 + \beta \sigma^2) \, m - v\right), \qquad
# \frac{\partial}{\partial \tau^2} (D + \beta R) = \frac{1}{2} \left(\frac{v^2 + \beta \sigma^2}{\sigma^2} -
# \frac{\beta}{\tau^2}\right).$$
#
# They vanish at $m = v / (v^2 + \beta \sigma^2)$ and $\tau^2 = \beta \sigma^2 / (v^2 + \beta \sigma^2)$: the true
# posterior of a world whose noise has variance $\beta \sigma^2$. **Line 5** puts this $q$ in and takes the derivative with
# respect to the decoder's slope $v$:
#
# $$\frac{d}{dv} (D + \beta R) = \frac{\beta \, v}{(v^2 + \beta \sigma^2)^2} \left(v^2 + \beta \sigma^2 - s^2\right).$$
#
# $v$ and $-v$ describe the same data (turn $z$ round), so look at $v \ge 0$ only. There are two cases:
#
# - $s^2 > \beta \sigma^2$: the bracket is negative at small $v$, so the loss falls until $v^2 = s^2 - \beta \sigma^2$.
#   The code is used.
# - $s^2 \le \beta \sigma^2$: the loss rises with $v$ from the start. **The best decoder has $v = 0$**, then $m = 0$ and
#   $\tau^2 = 1$: the posterior is the prior.
#
# The second case is a **collapsed posterior**, and nothing went wrong: it is the minimum of the loss.

# %%
V, M, T, S, N, B = sympy.symbols("v m t s sigma beta", positive=True)
R = (M**2 * S**2 + T - 1 - sympy.log(T)) / 2
D = sympy.log(2 * sympy.pi * N**2) / 2 + (S**2 * (1 - V * M) ** 2 + V**2 * T) / (2 * N**2)
loss, total = D + B * R, V**2 + B * N**2
by_m, by_t = S**2 / N**2 * (total * M - V), (total / N**2 - B / T) / 2
curve.algebra("dL/dm = s^2 / sigma^2 ((v^2 + beta sigma^2) m - v)", sympy.diff(loss, M), by_m)
curve.algebra("dL/dtau^2 = 1/2 ((v^2 + beta sigma^2) / sigma^2 - beta / tau^2)", sympy.diff(loss, T), by_t)
best_q = {M: V / total, T: B * N**2 / total}
slope = sympy.diff(loss.subs(best_q), V)
curve.algebra("dL/dv = beta v (v^2 + beta sigma^2 - s^2) / (...)^2", slope, B * V * (total - S**2) / total**2)

# %% [markdown]
# In the first case $v^2 + \beta \sigma^2 = s^2$, so the best $q$ reads $m = v / s^2$ and $\tau^2 = \beta \sigma^2 / s^2$.
# **Line 6** follows: $m^2 s^2 + \tau^2 = 1$. The left side is the variance of the codes of all $x$ together, and at the
# best model it is that of the prior, whatever $\beta$ is.
#
# **Lines 7 to 9** are the variance of the error that is left, the rate and the distortion of the best model:
#
# $$\mathbb E[(x - v z)^2] = \beta \sigma^2, \qquad R = \frac12 \log \frac{s^2}{\beta \sigma^2},
# \qquad D = \frac12 \log(2 \pi \sigma^2) + \frac{\beta}{2}.$$
#
# Two facts follow.
#
# **Line 10, the slope.** Along the curve $dD / dR = -\beta$. At the best model one more nat of code saves exactly $\beta$
# nats of distortion. If it saved more, the network would buy it; if less, it would sell one. *Any family of models*: the
# argument needs a smooth curve of best models, nothing Gaussian.
#
# **Line 11, the bound.** At $\beta = 1$ the sum $R + D$ is $\frac12 \log(2 \pi e s^2)$, the entropy
# $H(x) = -\mathbb E[\log p(x)]$ of the data themselves. For *any model and any $q$*, $R + D \ge H(x)$: it is $-$ELBO, the
# ELBO is at most $\log p_{\text{model}}(x)$, and no model gives the data a higher mean $\log p$ than their own distribution
# does, since
# $\mathrm{KL}(p_{\text{data}} \,\Vert\, p_{\text{model}}) \ge 0$. The *equals sign* is special: the model has to be the
# distribution of the data, and $q$ the true posterior. Here both hold.

# %%
best = {M: V / S**2, T: B * N**2 / S**2}
best_v = sympy.sqrt(S**2 - B * N**2)
curve.algebra("m^2 s^2 + tau^2 = 1", (M**2 * S**2 + T).subs(best).subs(V, best_v), 1)
error = (S**2 * (1 - V * M) ** 2 + V**2 * T).subs(best).subs(V, best_v)
curve.algebra("E[(x - vz)^2] = beta sigma^2", error, B * N**2)
best_R = R.subs(best).subs(V, best_v)
best_D = D.subs(best).subs(V, best_v)
curve.algebra("R = 1/2 log(s^2 / (beta sigma^2))", best_R, sympy.log(S**2 / (B * N**2)) / 2)
curve.algebra("D = 1/2 log(2 pi sigma^2) + beta / 2", best_D, sympy.log(2 * sympy.pi * N**2) / 2 + B / 2)
curve.algebra("dD/dR = -beta", sympy.diff(best_D, B) / sympy.diff(best_R, B), -B)
entropy = sympy.log(2 * sympy.pi * sympy.E * S**2) / 2
curve.algebra("R + D = H(x), beta = 1", (best_R + best_D).subs(B, 1), entropy)

# %% [markdown]
# ### Several directions
#
# Data with three independent directions need three such models side by side, and rates and distortions add up (Going deeper
# checks it on draws). Each direction is left with an error of variance $\beta \sigma^2$, or $s^2$ where that is smaller.
#
# Information theory calls this **reverse water-filling**: no code makes a better trade.
#
# Predict the curve. From right to left $\beta$ grows from 0.25 to 32. With $\sigma^2 = 0.25$, at which values of $\beta$
# does a direction with variance 4, 1.5 or 0.6 die? Where does the curve touch the bound, and with which slope?

# %%
s2 = torch.tensor([4.0, 1.5, 0.6], dtype=torch.float64)
source = GaussianSource(s2, sigma)


def point(beta):
    """Rate and distortion of the best model, added up over the directions."""
    return source.rate(beta).sum().item(), source.distortion(beta).sum().item()


betas = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
rates, distortions = zip(*map(point, betas), strict=True)
fine = [point(beta) for beta in torch.logspace(-2, 5, 200, base=2).tolist()]
deaths = {beta: point(beta) for beta in (s2 / sigma**2).tolist()}
best = source.entropy().item()
rate_distortion(rates, distortions, betas, chosen=1.0, best=best, path=tuple(zip(*fine, strict=True)), deaths=deaths)

# %% [markdown]
# No model gets into the grey region, where $R + D < H(x)$. The curve touches its edge at $\beta = 1$, with the slope of the
# edge, $-1$. To the right the curve is flat: more rate saves less and less. The directions die at
# $\beta = s^2 / \sigma^2$, at 2.4, 6 and 16 (crosses); from then on $R = 0$, so 16 and 32 are one point. (A distortion
# below zero is not an error: $p(x \mid z)$ is a density here, and can exceed 1.)
#
# The two ends have names. As $R$ grows without end, the code comes to hold all there is to know about $x$: the
# **auto-encoding limit**. At $R = 0$ the decoder has to do without a code: the **auto-decoding limit**. Here it does badly,
# because a Gaussian with a fixed $\sigma$ can't describe data with a larger variance. A decoder that could would reach
# $(R, D) = (0, H(x))$, on the edge.

# %% [markdown]
# ### Your turn: which directions are worth their price?
#
# Put the two cases into one function: the rate of each direction at a given $\beta$ and $\sigma$.
#
# > For each direction the model leaves an error of variance $\beta \sigma^2$, or $s^2$ where that is smaller; the rate
# > is half the logarithm of $s^2$ over it.

# %% exercise="10-rate"

# %% [markdown]
# ### Build (optional): spend a budget
#
# So far $\beta$ was given, and the rates followed. Turn it round: you may spend so many nats in all, as on a line that
# carries no more. Which rate does each direction get? All that live are left with the same error $\beta \sigma^2$, call
# it the *level*. The lower the level, the more the rates add up to. Find the level at which they add up to the budget.
# Nothing below needs this function; write it if you like to search. The check names the first stage not yet reached.

# %% exercise="10-spend"

# %% [markdown]
# ## 3 The curve of a network
#
# Now images. The network is small (784 pixels, 200 hidden units, 20 latent dimensions), and it sees 10,000 images six
# times, pixels drawn anew as 0 or 1: far from the best that a VAE can do. There are eight trainings, one for each $\beta$,
# which differ in nothing else. `fit_or_load_all` runs them **side by side, one on each core**, and keeps the results. The
# first time this takes about half a minute on two cores.

# %%
from vae_course.models import VAE
from vae_course.training import Recipe, fit_or_load_all

splits = data.load("auto")
world = splits.name
train, val = splits.train[:10_000], data.binarize(splits.val, seed=1)[:2000]
betas = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
settings = {"images": train, "transform": data.dynamic_binarize, "epochs": 6, "batch_size": 100, "lr": 4e-3}
recipes = [
    Recipe(
        name=f"beta-{i}-{world}",
        build=functools.partial(VAE.mlp, 20, hidden=(200,)),
        loss=functools.partial(objectives.negative_elbo, beta=beta),
        **settings,
    )
    for i, beta in enumerate(betas)
]
models = {beta: model for beta, (model, _) in zip(betas, fit_or_load_all(recipes), strict=True)}

# %% [markdown]
# Rate and distortion on 2,000 validation images. Predict: which $\beta$ has the best ELBO? At which end will the curve be steep?

# %%
results = {beta: evaluate(model, val) for beta, model in models.items()}
rates, distortions = [r.rate for r in results.values()], [r.distortion for r in results.values()]
noise = 2.5  # nats: the margin that the checks of this lesson allow an ELBO, chosen by hand
for beta in (0.25, 1.0, 8.0):
    name = f"{beta:g}".replace(".", "-")
    claim(f"10-rate-{name}", results[beta].rate, world=world, tolerance=1.5)
    claim(f"10-elbo-{name}", results[beta].elbo, world=world, tolerance=noise)
claim("10-half-behind", results[1.0].elbo - results[0.5].elbo, world=world, tolerance=1.0)
assert results[1.0].elbo > max(result.elbo for beta, result in results.items() if beta not in (0.5, 1.0))
rate_distortion(rates, distortions, betas, chosen=1.0)

# %% [markdown]
# The same shape. On the dashed line the ELBO is that of the model with $\beta = 1$. There is no grey region: nobody knows
# $H(x)$ of these images.
#
# | $\beta$ | rate | ELBO |
# |---|---|---|
# | 1/4 | {{mnist:10-rate-0-25}} | {{mnist:10-elbo-0-25}} |
# | 1 | {{mnist:10-rate-1}} | {{mnist:10-elbo-1}} |
# | 8 | {{mnist:10-rate-8}} | {{mnist:10-elbo-8}} |
#
# Going far from $\beta = 1$ costs ELBO on either side, since only the model with $\beta = 1$ was trained for the ELBO.
# Its lead over 0.5, {{mnist:10-half-behind}} nats here, is small, and was there with each of three seeds. With them the ELBO at
# $\beta = 1$ moves by {{mnist:10-elbo-1:spread}} nats and that at 8 by {{mnist:10-elbo-8:spread}}; the checks here allow each 2.5
# either way.

# %% [markdown]
# ### Move beta yourself
#
# The slider goes through the eight models. Above, the point on the curve and the line of slope $-\beta$ through it. Below,
# originals, their copies, and samples.
#
# 1. Go from $\beta = 1$ to the left. Do the copies get sharper? Do the samples?
# 2. Go to the right, step by step. Which properties of a digit are lost first, which last?
# 3. At $\beta = 32$, all copies are the same. What picture is it?

# %%
from vae_course.widgets.beta_playground import BetaPlayground

BetaPlayground(models, val)

# %% [markdown]
# If nothing moves here: the copies made by three of the models, one row for each.

# %%
from vae_course.plotting.images import rows

shown = val.x[:12]
rows({"originals": shown} | {f"beta = {beta:g}": models[beta].reconstruct(shown) for beta in (0.25, 4.0, 16.0)})

# %% [markdown]
# With a cheap code small strokes are kept. At $\beta = 4$ a digit turns into a typical one, and not always of its own
# kind. The nats would do: to name one of ten digits takes $\log 10 = 2.3$, and there are {{mnist:10-split-rate-4}}. But the
# loss buys whatever saves most distortion, and that is ink in the right place. At 16 little more is left than a guess at
# slant and roundness, and at 32 every copy is about the mean image, the best that one picture can do for all. For samples a
# cheap code is bad: the images' codes fill the prior badly, and a draw from it decodes to something between digits. A large
# beta gives up details first, because they cost nats and save few. That is lossy compression, and for this use a beta other
# than 1 is a reasonable choice.

# %% [markdown]
# ## 4 What is in a rate?
#
# A rate of 20 nats: is that 20 nats of information about the image? Not quite. Let $q(z)$ be the mixture of all
# posteriors, $q(z) = \mathbb E_x \, q(z \mid x)$: what codes look like when you do not know their images. Add and subtract
# its logarithm. **Line 1**, for each draw:
#
# $$\log \frac{q(z \mid x)}{p(z)} = \log \frac{q(z \mid x)}{q(z)} + \log \frac{q(z)}{p(z)}.$$
#
# In expectation the left side is the rate. The first term on the right is the **information** $I(x; z)$ that a code
# carries about its image. The second is $\mathrm{KL}(q(z) \,\Vert\, p(z))$, the **marginal KL**: a price for nothing,
# paid because the codes as a whole do not look like the prior.
#
# Back to one Gaussian direction and the poor $q$ of section 2. **Line 2**: the codes of all $x$ together have variance
# $a = m^2 s^2 + \tau^2$, so $q(z) = \mathcal N(0, a)$. **Lines 3 and 4** are the two parts:
#
# $$I = \frac12 \log \frac{a}{\tau^2}, \qquad \mathrm{KL}(q(z) \,\Vert\, p(z)) = \frac12 (a - 1 - \log a).$$
#
# **Line 5**: they add up to the rate of section 2. **Line 6**: at the *best* $q$ and decoder $a = 1$, whatever $\beta$ is.
# Then the marginal KL is zero, and the whole rate is information.

# %%
parts = Derivation("What a rate consists of")
z, a = model.posterior(x).sample(), m**2 * line.s2 + tau2
mixture, prior = Independent(Normal(torch.zeros(1).double(), a.sqrt()), 1), model.prior()
log_q, log_mixture, log_p = model.posterior(x).log_prob(z), mixture.log_prob(z), prior.log_prob(z)
parts.step(
    "log q(z|x)/p(z) = log q(z|x)/q(z) + log q(z)/p(z)", log_q - log_p, (log_q - log_mixture) + (log_mixture - log_p)
)
parts.step("variance of all codes = m^2 s^2 + tau^2", (z**2).mean(0), a, standard_error=standard_error(z**2))
information = 0.5 * torch.log(a / tau2)
draws = log_q - log_mixture
parts.step("I = 1/2 log(a / tau^2)", draws.mean(), information, standard_error=standard_error(draws))
parts.step("KL(q(z) || p(z)) = 1/2 (a - 1 - log a)", kl_divergence(mixture, prior), 0.5 * (a - 1 - a.log()))
A = M**2 * S**2 + T
halves = sympy.log(A / T) / 2 + (A - 1 - sympy.log(A)) / 2
parts.algebra("I + KL(q(z) || p(z)) = R", halves, R)
parts.algebra("a = 1 at the best model", A.subs({M: best_v / S**2, T: B * N**2 / S**2}), 1)
claim("10-poor-information", information, world="any", tolerance=0.005, digits=2)
claim("10-poor-marginal", 0.5 * (a - 1 - a.log()), world="any", tolerance=0.005, digits=2)

# %% [markdown]
# The poor $q$ carries {{any:10-poor-information}} nats of information and pays {{any:10-poor-marginal}} nats on top.
#
# ### From images
#
# For a network, $q(z)$ is known only through the images: with $N$ of them it is the mixture of $N$ Gaussians,
#
# $$q(z) = \frac1N \sum_{n=1}^N q(z \mid x_n).$$
#
# With it you get the information $I(n; z)$: how well a code tells **which of these $N$ images** it belongs to. (In Going
# deeper you write this split yourself.) Its ceiling is $\log N$, what it takes to name one of $N$ images. The information
# $I(x; z)$ about images in general may be larger. `split_rate` therefore reports a second number, from a mixture that leaves
# the code's own image out: in expectation $I(x; z)$ lies between the two. But $I \le R$ always. Where codes hardly overlap, the
# second number exceeds even the rate and says nothing; "at most" is then the rate itself.
#
# Predict for the eight models: where is the rate all information? Where do the two estimates part? (The cell takes some
# seconds.)

# %%
from vae_course.studies.information import split_rate

parts_of = {beta: split_rate(model, val) for beta, model in models.items()}
low, high = [part.information for part in parts_of.values()], [part.information_above for part in parts_of.values()]
shares(betas, [part.rate for part in parts_of.values()], low, high)

# %% [markdown]
# The share of each rate that is information lies in the shaded band. Where there is no downward triangle, the second
# estimate says nothing.

# %%
claim("10-ceiling", math.log(2000), world="any", tolerance=0.05)
for beta, part in parts_of.items():
    at_most = min(part.information_above, part.rate)
    digits, name = {16.0: 2, 32.0: 3}.get(beta, 1), f"{beta:g}".replace(".", "-")
    near = {"world": world, "tolerance": round(0.1 + 0.05 * part.rate, 1), "digits": digits, "quiet": True}
    claim(f"10-split-rate-{name}", part.rate, **near)
    claim(f"10-information-{name}", part.information, **near)
    claim(f"10-at-most-{name}", at_most, **near)
    print(f"beta {beta:5g}: rate {part.rate:6.3f}, information from {part.information:6.3f} to {at_most:6.3f}")
claim("10-marginal-8", parts_of[8.0].marginal_kl, world=world, tolerance=0.3)
assert parts_of[32.0].marginal_kl < 0.01 < parts_of[16.0].marginal_kl

# %% [markdown]
# | $\beta$ | rate | $I$ at least | at most |
# |---|---|---|---|
# | 1/4 | {{mnist:10-split-rate-0-25}} | {{mnist:10-information-0-25}} | {{mnist:10-at-most-0-25}} |
# | 1 | {{mnist:10-split-rate-1}} | {{mnist:10-information-1}} | {{mnist:10-at-most-1}} |
# | 2 | {{mnist:10-split-rate-2}} | {{mnist:10-information-2}} | {{mnist:10-at-most-2}} |
# | 4 | {{mnist:10-split-rate-4}} | {{mnist:10-information-4}} | {{mnist:10-at-most-4}} |
# | 8 | {{mnist:10-split-rate-8}} | {{mnist:10-information-8}} | {{mnist:10-at-most-8}} |
# | 16 | {{mnist:10-split-rate-16}} | {{mnist:10-information-16}} | {{mnist:10-at-most-16}} |
# | 32 | {{mnist:10-split-rate-32}} | {{mnist:10-information-32}} | {{mnist:10-at-most-32}} |
#
# **Where is the rate all information?** At $\beta = 32$, where hardly any rate is left, as far as 2,000 draws can tell. From
# 2 to 16 even the upper estimate stays below the rate; at $1/4$ these images can't tell, and at 1 hardly. At $\beta = 8$ the
# two estimates still agree, and the split is clear: {{mnist:10-marginal-8}} nats of marginal KL. Line 6 of this section
# promised zero, but for the *best* model of a family that contains the truth. The codes of digits come in clouds. A network
# would have to bend these into one Gaussian, and this one, trained for a short time, has not.
#
# **Where do the estimates part?** At $\beta = 4$ and 2, where the rate comes near the ceiling of {{any:10-ceiling}}
# nats and passes it. For $\beta \le 1$ the lower one has run into that ceiling: nearly every one of the 2,000 images
# can be told from its code, and the upper one is no help. So all that 2,000 images can say of the {{mnist:10-split-rate-1}}
# nats at $\beta = 1$ is that *at least* {{mnist:10-information-1}} of them are information.

# %% [markdown]
# ## 5 Which dimensions work?
#
# A rate is a sum over latent dimensions. Does each carry a share? Two measures are in use:
#
# - the **KL of each dimension**, its share of the rate,
# - whether it is **active**: does its posterior mean move from image to image? The usual test is a variance above 0.01.
#
# They differ in two cases. A dimension may pay for a code that is **the same for all images**: it has a KL, all of it
# marginal, and no information. The test rightly calls it not active. Or the mean stands still, but the **width** moves from
# image to image. The test calls this not active too, yet a draw far from the middle then speaks for an image with a wide
# posterior. Here the test has a blind spot, and Going deeper shows a patient in it.
#
# ### Your turn: find the active ones

# %% exercise="10-active-units"

# %% [markdown]
# `logvar` was not needed: the test looks at the mean alone. Here is the model with $\beta = 16$. Grey and hatched dimensions
# are not active.


# %%
def show_dimensions(model):
    """The KL of each dimension on the validation images, dead ones grey."""
    with torch.no_grad():
        mu, logvar = model.encode(val.x)
    return dimensions(kl_per_dim(model, val), is_active(mu, logvar, 0.01))


show_dimensions(models[16.0])

# %% [markdown]
# How far are they from the threshold? Here are the variances of the means, sorted, for three models, each with its number of
# active dimensions.


# %%
def variance_of_means(model):
    """The variance over the validation images of each posterior mean, [D]."""
    with torch.no_grad():
        return model.encode(val.x)[0].var(0)


for beta in (1.0, 8.0, 16.0, 32.0):
    claim(f"10-active-{beta:g}", active_units(models[beta], val), world=world, tolerance=5, digits=0, unit="of 20")
kl, active = kl_per_dim(models[16.0], val), variance_of_means(models[16.0]) > 0.01
claim("10-least-active", kl[active].min(), world=world, tolerance=0.006, digits=3)
spreads({f"beta {beta:g}": variance_of_means(models[beta]) for beta in (8.0, 16.0, 32.0)})

# %% [markdown]
# | $\beta$ | 1 | 8 | 16 | 32 |
# |---|---|---|---|---|
# | active of 20 | {{mnist:10-active-1}} | {{mnist:10-active-8}} | {{mnist:10-active-16}} | {{mnist:10-active-32}} |
#
# As the code gets more expensive, all variances sink, the small ones first. The count depends on where you put the threshold:
# at $\beta = 16$ the points run through it without a gap, and the least active dimension has a KL of
# {{mnist:10-least-active}} nats. Read the bars as well as the count.
#
# ### The dashboard
#
# Choose a model, then a dimension (they are sorted by KL), and move its value. The others keep the code of the image. The
# strip below shows the whole walk.
#
# 1. With $\beta = 16$, take the first dimension, then the last. What does each change?
# 2. Take another image. Does the same dimension still mean the same? (With $\beta = 16$ nearly: the other dimensions
#    hold little. With $\beta = 1$ you will see it depend on them.)

# %%
from vae_course.widgets.dimension_dashboard import DimensionDashboard

DimensionDashboard({f"beta = {beta:g}": models[beta] for beta in (16.0, 8.0, 1.0)}, val[:500])

# %% [markdown]
# If nothing moves here: walks along the two dimensions with the largest KL, and along the one with the smallest, at
# $\beta = 16$. Above each column stands the value of the dimension.

# %%
from vae_course.plotting.images import walk

order = torch.argsort(kl_per_dim(models[16.0], val), descending=True).tolist()
with torch.no_grad():
    centre = models[16.0].posterior(val.x[:1]).mean[0]
    steps = {d: models[16.0].decode_mean(walk(centre, d)) for d in (*order[:2], order[-1])}
change = {d: float((pictures.amax(0) - pictures.amin(0)).max()) for d, pictures in steps.items()}
for d in steps:
    print(f"z[{d}]: KL {kl[d]:.3f} nats, a pixel changes by up to {change[d]:.2f}")
claim("10-walk-first", change[order[0]], world=world, tolerance=0.2, digits=2, unit="of ink")
claim("10-walk-last", change[order[-1]], world=world, tolerance=0.1, digits=2, unit="of ink")
walks({f"z[{d}]": pictures for d, pictures in steps.items()}, range(-3, 4))

# %% [markdown]
# A dimension with a large KL changes much. The one with the smallest changes **little, but not nothing**: a pixel by
# {{mnist:10-walk-last}} at most, against {{mnist:10-walk-first}} for the first. The decoder saw mostly noise there, and has
# learned nearly to ignore it.

# %% [markdown]
# ## 6 Kill a code on purpose
#
# At $\beta = 32$ the code died because it was **too expensive**. Two other causes act even at $\beta = 1$:
#
# - The code is **not needed**: the decoder can describe the data without it. This is the corner $(0, H(x))$ of
#   section 2. Collapse is then the minimum of the loss.
# - The code was **never learned**: it would pay, but the decoder has arranged itself without a code, so the encoder has no
#   reason to say anything, so the decoder has nothing to listen to.
#
# Both look the same from outside. A **control** tells them apart: the same networks, trained without the suspected cause.
# Let the decoder see the pixels before the one it predicts, in reading order, so that both are possible:
#
# $$p(x \mid z) = \prod_i \mathrm{Bernoulli}\left(x_i; \,
# \mathrm{sigmoid}\left(\ell_i(z) + \textstyle\sum_{j < i} w_{ij} x_j\right)\right).$$
#
# $\ell_i(z)$ is the logit of pixel $i$, from a decoder network as before. The weights $w_{ij}$ are learned, one matrix for
# all images. Each factor is a conditional probability, so this is a proper likelihood. (It is `PixelVAE`, in
# `vae_course/studies/collapse.py`.) Half of a stroke predicts its next pixel well, for nothing. A code that says the same
# costs nats.
#
# Then we start badly: for the first 60% of the training (again six passes over the 10,000 images) the code is made expensive
# ($\beta = 16$), and only then does it cost what it should ($\beta = 1$). That is the **patient**. Beside it stands a
# **control**, which differs in nothing but the start: $\beta = 1$ from the beginning. Section 7 treats the patient. One of the
# treatments is **free bits**: a code is charged a minimum, the *floor*, whether it is used or not. Below the floor there is
# nothing to save, so nothing pushes the posterior to the prior.
#
# ### Your turn: a floor under each dimension
#
# An author wrote free bits like this:
#
# ```python
# def free_bits(kl_of_dims, floor):
#     return kl_of_dims.sum(dim=1).mean().clamp_min(floor)
# ```
#
# `kl_of_dims` `[B, D]` holds the KL of each dimension for each image. A single dimension can keep the total above the floor,
# and all others may die. Repair it: **each dimension** costs its mean over the batch, and at least `floor`.

# %% exercise="10-free-bits"

# %% [markdown]
# Now the patient and the control, side by side; the first time this takes about 15 seconds. `two_prices` is the bad start as a
# schedule of $\beta$.

# %%
from vae_course.studies.collapse import PixelVAE, free_bits_loss, two_prices
from vae_course.training import linear_warmup

plain = objectives.negative_elbo
starts = {"collapsed": two_prices(16.0, 0.6), "good start": None}
recipes = [
    Recipe(
        name=f"{name.replace(' ', '-')}-{world}",
        build=functools.partial(PixelVAE, 20),
        loss=plain,
        anneal=anneal,
        **settings,
    )
    for name, anneal in starts.items()
]
patients = {name: model for name, (model, _) in zip(starts, fit_or_load_all(recipes), strict=True)}

# %% [markdown]
# First the patient. Predict the picture of its dimensions.

# %%
checkup = {name: (active_units(patient, val), evaluate(patient, val)) for name, patient in patients.items()}
units, result = checkup["collapsed"]
claim("10-collapsed-rate", result.rate, world=world, tolerance=0.8, digits=1)
claim("10-collapsed-elbo", result.elbo, world=world, tolerance=noise)
claim("10-collapsed-active", units, world=world, tolerance=3, digits=0, unit="of 20")
top = variance_of_means(patients["collapsed"]).max()
claim("10-collapsed-variance", top, world=world, tolerance=0.01, digits=4, unit="is the largest variance")
show_dimensions(patients["collapsed"])

# %% [markdown]
# A rate of {{mnist:10-collapsed-rate}} nats: the posterior has collapsed. The count of active dimensions is
# {{mnist:10-collapsed-active}}, but the bars are all about the same height, and the largest variance of a mean is
# {{mnist:10-collapsed-variance}}, near the threshold of 0.01. Two more or less mean nothing here. (Going deeper looks at what
# is left of the code.)
#
# ### Which cause is it?
#
# The ELBO of the patient is {{mnist:10-collapsed-elbo}} nats, **better** than the {{mnist:10-elbo-1}} of the healthy
# VAE of section 3. Judged by its loss alone, nothing is wrong: it looks like a decoder that does not need a code, near the
# corner of section 2. If that is so, the control has collapsed as well. Predict.

# %%
units, result = checkup["good start"]
claim("10-good-start-active", units, world=world, tolerance=4, digits=0, unit="of 20")
claim("10-good-start-rate", result.rate, world=world, tolerance=2.5)
lead = result.elbo - checkup["collapsed"][1].elbo
claim("10-good-start-gain", lead, world=world, tolerance=noise)
assert checkup["collapsed"][1].rate < result.rate / 4 and lead > 0

# %% [markdown]
# The control did not collapse. It has a rate of {{mnist:10-good-start-rate}} nats, and an ELBO that is better by
# {{mnist:10-good-start-gain}} nats. So this decoder *does* need the code, $\beta = 1$ is not too expensive, and the patient
# is not at the minimum of its loss: its code was never learned, because of the bad start. Only the control tells.

# %% [markdown]
# ## 7 Nothing, and four remedies
#
# The patient goes on for six more passes at a constant learning rate, with each of four remedies. It may also get well by
# itself, so it goes on with no remedy too: only what is better than *that* is the remedy's doing. And two go on from the
# control.
#
# | gone on with | from | what differs |
# |---|---|---|
# | nothing | the patient | nothing |
# | annealing | the patient | $\beta$ grows from 0 to 1 in the first half |
# | free bits | the patient | each dimension costs 0.25 nats at least: nothing to save below |
# | weaker decoder | the patient | the decoder sees only the 3 pixels before |
# | lower beta | the patient | $\beta$ is 1/4 |
# | good start | the control | nothing |
# | good, weaker | the control | the decoder sees only the 3 pixels before |
#
# Predict: which of them brings the rate back? What happens to the patient that is left alone? Which remedy costs ELBO?


# %%
def gone_on(name, reach=784):
    """What builds the model of this name with the weights that it has, and a decoder that sees so many pixels back."""

    def build():
        model = PixelVAE(20, reach=reach)
        model.load_state_dict(patients[name].state_dict())
        return model

    return build


# %% [markdown]
# The seven run side by side; the first time they take about a minute:

# %%
plans = {  # where it goes on from, the loss, and its weight over time
    "nothing": (gone_on("collapsed"), plain, None),
    "annealing": (gone_on("collapsed"), plain, linear_warmup(0.5)),
    "free bits": (gone_on("collapsed"), functools.partial(free_bits_loss, floor=0.25), None),
    "weaker decoder": (gone_on("collapsed", reach=3), plain, None),
    "lower beta": (gone_on("collapsed"), functools.partial(plain, beta=0.25), None),
    "good start": (gone_on("good start"), plain, None),
    "good, weaker": (gone_on("good start", reach=3), plain, None),
}
further = settings | {"schedule": "constant", "lr": 1e-3, "seed": 1}
names = {name: name.replace(",", "").replace(" ", "-") for name in plans}
recipes = [
    Recipe(name=f"on-{names[name]}-{world}", build=build, loss=loss, anneal=anneal, **further)
    for name, (build, loss, anneal) in plans.items()
]
treated = {name: model for name, (model, _) in zip(plans, fit_or_load_all(recipes), strict=True)}

# %%
after = {name: (active_units(model, val), evaluate(model, val)) for name, model in treated.items()}
table = {name: (units, result.rate, result.elbo) for name, (units, result) in after.items()}
for name, (units, rate_now, elbo_now) in table.items():
    key = f"10-on-{names[name]}"
    claim(f"{key}-active", units, world=world, tolerance=4, digits=0, unit="of 20")
    claim(f"{key}-rate", rate_now, world=world, tolerance=2.5)
    claim(f"{key}-elbo", elbo_now, world=world, tolerance=noise)
    if name != "nothing":
        claim(f"{key}-gain", elbo_now - table["nothing"][2], world=world, tolerance=noise)
alone = table["nothing"][1]
assert checkup["collapsed"][1].rate < alone < min(table["annealing"][1], table["free bits"][1])
assert max(table[name][2] for name in ("weaker decoder", "lower beta")) < table["nothing"][2] - noise
cures(table, reference="nothing")

# %% [markdown]
# | gone on with | active | rate | ELBO | gain |
# |---|---|---|---|---|
# | nothing | {{mnist:10-on-nothing-active}} | {{mnist:10-on-nothing-rate}} | {{mnist:10-on-nothing-elbo}} |    |
# | annealing | {{mnist:10-on-annealing-active}} | {{mnist:10-on-annealing-rate}} | {{mnist:10-on-annealing-elbo}} | {{mnist:10-on-annealing-gain}} |
# | free bits | {{mnist:10-on-free-bits-active}} | {{mnist:10-on-free-bits-rate}} | {{mnist:10-on-free-bits-elbo}} | {{mnist:10-on-free-bits-gain}} |
# | weaker decoder | {{mnist:10-on-weaker-decoder-active}} | {{mnist:10-on-weaker-decoder-rate}} | {{mnist:10-on-weaker-decoder-elbo}} | {{mnist:10-on-weaker-decoder-gain}} |
# | lower beta | {{mnist:10-on-lower-beta-active}} | {{mnist:10-on-lower-beta-rate}} | {{mnist:10-on-lower-beta-elbo}} | {{mnist:10-on-lower-beta-gain}} |
# | good start | {{mnist:10-on-good-start-active}} | {{mnist:10-on-good-start-rate}} | {{mnist:10-on-good-start-elbo}} | {{mnist:10-on-good-start-gain}} |
# | good, weaker | {{mnist:10-on-good-weaker-active}} | {{mnist:10-on-good-weaker-rate}} | {{mnist:10-on-good-weaker-elbo}} | {{mnist:10-on-good-weaker-gain}} |
#
# *Gain* is the ELBO above that of the patient left alone. Over three seeds the ELBO of *nothing* moves by
# {{mnist:10-on-nothing-elbo:spread}} nats and that of the *weaker decoder* by {{mnist:10-on-weaker-decoder-elbo:spread}}: read
# nothing into a gain or a loss of less than 2.5.
#
# **Nothing** is the row to read first. The patient left alone has gained many nats of ELBO, and its rate has gone from
# {{mnist:10-collapsed-rate}} to {{mnist:10-on-nothing-rate}} nats: it has begun to recover by itself, slowly. Compared with
# the patient *before*, all remedies but the weaker decoder would look like a success.
#
# - **Annealing** makes codes free for a while, so that the encoder finds out what is worth saying. The rate,
#   {{mnist:10-on-annealing-rate}} nats, is far from the {{mnist:10-on-good-start-rate}} of the *good start*. Annealing was
#   invented for *prevention*, from the first step on.
# - **Free bits** put a floor under the rate, 20 dimensions times 0.25 nats, and the rate settles a little above it. The ELBO
#   can't be told from that of nothing: the nats of code replace nats of distortion, about one for one.
# - **The weaker decoder** has to use the code. The price is many nats of ELBO. Most of it is the price of the decoder, not of
#   the bad start: the control pays it as well (compare the ELBO of *good, weaker* with that of *good start*).
# - **A lower beta** brings back a large rate, {{mnist:10-on-lower-beta-rate}} nats, more than the control has. But the loss
#   is no longer the bound: more rate is bought than it saves in distortion, and the ELBO is worse than with no remedy at all.
#
# What another seed does not change is the method: **a control for the cause, a control for the cure, and rate, active units
# and ELBO read together.**

# %% [markdown]
# ## 8 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("10", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("10")

# %%
exercises.progress("10")

# %% [markdown]
# ## Summary
#
# > $$-\text{ELBO} = D + R, \qquad \text{loss} = D + \beta R, \qquad \frac{dD}{dR} = -\beta, \qquad R + D \ge H(x)$$
# >
# > $$\text{Gaussian data: error} = \min(\beta \sigma^2, s^2), \qquad R = \tfrac12 \log \frac{s^2}{\text{error}},
# > \qquad \text{dead if } s^2 \le \beta \sigma^2$$
# >
# > $$R = I(x; z) + \mathrm{KL}(q(z) \,\Vert\, p(z)), \qquad q(z) = \tfrac1N \textstyle\sum_n q(z \mid x_n),
# > \qquad I \le \log N \text{ from } N \text{ images}$$
# >
# > $$\text{active}_d: \; \mathrm{Var}_x(\mu_d) > 0.01,
# > \qquad \text{free bits} = \textstyle\sum_d \max\left(\text{floor}, \tfrac1B \sum_b \mathrm{KL}_{bd}\right)$$
# >
# > The ELBO does not see where the information is. A code may die because it is **too expensive**, because it is **not
# > needed**, or because it was **never learned**. A control, trained without the suspected cause, tells these apart. Report
# > rate, active units and ELBO together, the ELBO always with $\beta = 1$. A dimension whose mean stands still may
# > yet speak through its width.

# %%
from vae_course import plotting

plotting.summary("10")

# %% [markdown]
# **Sources.** T. Cover and J. Thomas, [*Elements of Information Theory*](https://doi.org/10.1002/047174882X), 2nd edition 2006,
# chapter 10, for reverse water-filling. I. Higgins and others, [*beta-VAE: Learning Basic Visual Concepts with a Constrained
# Variational Framework*](https://openreview.net/forum?id=Sy2fzU9gl), ICLR 2017. A. Alemi and others, [*Fixing a Broken
# ELBO*](https://arxiv.org/abs/1711.00464), ICML 2018, for the plane of rate and distortion and its two limits. J. Lucas and
# others, [*Don't Blame the ELBO! A Linear VAE Perspective on Posterior Collapse*](https://arxiv.org/abs/1911.02469), NeurIPS
# 2019, for collapse in the linear world. M. Hoffman and M. Johnson, [*ELBO Surgery: Yet Another Way to Carve Up the Variational
# Evidence Lower Bound*](http://approximateinference.org/2016/accepted/HoffmanJohnson2016.pdf), NIPS workshop 2016, for the split,
# and B. Poole and others, [*On Variational Bounds of Mutual Information*](https://arxiv.org/abs/1905.06922), ICML 2019, for its
# two sides. Y. Burda and others, [*Importance Weighted Autoencoders*](https://arxiv.org/abs/1509.00519), ICLR 2016, for active
# units. S. Bowman and others, [*Generating Sentences from a Continuous Space*](https://arxiv.org/abs/1511.06349), CoNLL 2016, for
# annealing; D. Kingma and others, [*Improved Variational Inference with Inverse Autoregressive
# Flow*](https://arxiv.org/abs/1606.04934), NIPS 2016, for free bits; X. Chen and others, [*Variational Lossy
# Autoencoder*](https://arxiv.org/abs/1611.02731), ICLR 2017, for weaker decoders; B. Frey and others, [*Does the Wake-sleep
# Algorithm Produce Good Density
# Estimators?*](https://proceedings.neurips.cc/paper_files/paper/1995/hash/55b1927fdafef39c48e5b73b5d61ea60-Abstract.html), NIPS
# 8, 1996, for the decoder that sees pixels; I. Gulrajani and others, [*PixelVAE: A Latent Variable Model for Natural
# Images*](https://arxiv.org/abs/1611.05013), ICLR 2017, for a VAE with such a decoder, at scale.
#
# **Next:** [11 How good is it?](11_how_good_is_it.ipynb) asks how sure one can be that one model is
# better than another.

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.

# %% [markdown]
# ### The price of another beta
#
# The lines below go on from those of section 2. **Line 12**: off $\beta = 1$ each Gaussian direction that is used costs $R + D
# - H(x) = \frac12 (\beta - 1 - \log \beta)$ nats of ELBO.

# %%
curve.algebra("R + D - H(x) = (beta - 1 - log beta) / 2", best_R + best_D - entropy, (B - 1 - sympy.log(B)) / 2)
claim("10-cost-of-4", (4 - 1 - math.log(4)) / 2, world="any", tolerance=0.005, digits=2)

# %% [markdown]
# At $\beta = 4$ that is {{any:10-cost-of-4}} nats for each.
#
# ### Reverse water-filling
#
# How many nats does it take to describe three Gaussian directions if the mean squared error may be $\Delta$? Shannon's
# **rate-distortion function** $R(\Delta)$ gives each direction the same error, a level, but none more than its own variance, and
# the rate $\frac12 \log (s^2 / \text{level})$. In section 2 the level is $\beta \sigma^2$: with Gaussian data the linear VAE
# traces the best trade that any code can make.
#
# ### Three directions, from draws
#
# In section 2 rates add up over the directions. **Lines 13 and 14** of that derivation compare the rate of the best model,
# measured on draws, with the formula, for two values of $\beta$.

# %%
points = source.sample(20_000, generator=torch.Generator().manual_seed(2))
for beta in (1.0, 4.0):
    q = source.model(beta).posterior(points)
    kl_of_dims = kl_divergence(q.base_dist, Normal(0.0, 1.0))
    whole = kl_of_dims.sum(1)
    curve.step(
        f"R of three directions, beta = {beta:g}",
        whole.mean(),
        source.rate(beta).sum(),
        standard_error=standard_error(whole),
    )
    print("   each of them:", ", ".join(f"{part:.3f}" for part in kl_of_dims.mean(0).tolist()))

# %% [markdown]
# ### Chords
#
# A sweep gives a few points, not a smooth curve. What does the line through two of them say? Let model $i$ be best for
# $\beta_i$ and model $j$ for $\beta_j > \beta_i$. Being best means that the other one is not better:
#
# $$D_i + \beta_i R_i \le D_j + \beta_i R_j, \qquad D_j + \beta_j R_j \le D_i + \beta_j R_i.$$
#
# The more expensive code is the smaller one, $R_i > R_j$, so you may divide by $R_i - R_j$. Solve both for that fraction, which
# is *minus* the slope of the chord:
#
# $$\beta_i \;\le\; \frac{D_j - D_i}{R_i - R_j} \;\le\; \beta_j.$$
#
# No calculus, no Gaussian: this holds for any family of models, as long as each is the best of them. **Line 15** of section 2
# gives minus the slope for Gaussian data in closed form, $(\beta_j - \beta_i) / \log(\beta_j / \beta_i)$, while no direction
# dies. Below it, the chords of the networks of section 3.

# %%
steepness = (source.distortion(2).sum() - source.distortion(1).sum()) / (rate(s2, 1, sigma) - rate(s2, 2, sigma)).sum()
curve.step("chord from beta 1 to 2 = 1 / log 2", steepness, 1 / math.log(2))
inside = 0
for i in range(len(betas) - 1):
    steepness = (distortions[i + 1] - distortions[i]) / (rates[i] - rates[i + 1])
    inside += betas[i] <= steepness <= betas[i + 1]
    print(f"beta {betas[i]:5g} to {betas[i + 1]:g}: slope of the chord -{steepness:.2f}")
claim("10-chords", inside, world=world, tolerance=1, digits=0, unit="of 7 chords between their betas")

# %% [markdown]
# {{mnist:10-chords}} of 7 chords lie between their two betas. It need not be so: the argument is about the best models on the
# training images, while these were trained for a short time and measured on others. In a sweep of your own, a chord outside
# its bounds is a handy sign of a training that did not get where it could.
#
# ### Your turn: split a rate
#
# Section 4 splits a rate from $N$ images. Given are $M$ codes, code $m$ drawn for image $m$: `log_q` `[M]` is
# $\log q(z_m \mid x_m)$, `log_q_all` `[M, N]` is $\log q(z_m \mid x_n)$ for all images, `log_p` `[M]` is $\log p(z_m)$. There
# may be fewer codes than images. Return the information and the marginal KL.

# %% exercise="10-split"

# %% [markdown]
# Try it on 500 points of the poor $q$ of section 2. **Line 7**, after the six of section 4: the parts add up to the mean of the
# draws, to all digits. **Line 8** says what is missing from the ceiling: by Bayes' rule $q(z \mid x_n) / (N q(z))$ is the
# probability that the code belongs to image $n$, so $\log N - I$ is minus the mean log probability of the right image.

# %%
few = x[:500]
q, z = model.posterior(few), z[:500]
log_q_all = q.log_prob(z[:, None])  # codes [500, 1], posteriors [500]: each code under each posterior, [500, 500]
information, marginal = split(log_q[:500], log_q_all, log_p[:500])
parts.step("I + KL(q(z) || p(z)) = R, 500 images", information + marginal, (log_q - log_p)[:500].mean())
right_image = torch.log_softmax(log_q_all, 1).diagonal()
parts.step("log N - I = -mean log p(right image)", math.log(500) - information, -right_image.mean())
print(f"I = {information:.2f} from 500 points, {0.5 * torch.log(a / tau2).item():.2f} in closed form")

# %% [markdown]
# For a rate of about a nat, 500 points come near (what differs is the luck of the draws).
#
# ### What is left of a collapsed code
#
# If hardly any mean of the patient of section 6 moves, where does the KL of its dimensions come from? Split it, with $\mu$ and
# $\sigma$ those of the posterior here, not the decoder's noise: $\frac12 \mu^2$ is the
# part of the mean, $\frac12 (\sigma^2 - 1 - \log \sigma^2)$ that of the width. And compare the width with the amount of ink,
# the number of black pixels of an image. Predict the sign.

# %%
with torch.no_grad():
    mu, logvar = patients["collapsed"].encode(val.x)
from_mean, from_width = 0.5 * mu**2, 0.5 * (logvar.exp() - 1 - logvar)
claim(
    "10-width-share",
    100 * from_width.sum() / (from_mean + from_width).sum(),
    world=world,
    tolerance=15,
    digits=0,
    unit="%",
)
ink = val.x.flatten(1).sum(1)
correlations = torch.stack([torch.corrcoef(torch.stack([column, ink]))[0, 1] for column in logvar.T])
claim("10-ink-least", correlations.max(), world=world, tolerance=0.15, digits=2, unit="")
claim("10-ink-most", correlations.min(), world=world, tolerance=0.15, digits=2, unit="")
left = split_rate(patients["collapsed"], val)
claim("10-collapsed-information", left.information, world=world, tolerance=0.4)

# %% [markdown]
# {{mnist:10-width-share}}% of the KL comes from the width. And the width is not the same for all images: the more ink, the
# narrower. The correlation of $\log \sigma^2$ with the ink lies between {{mnist:10-ink-most}} and {{mnist:10-ink-least}} in
# all 20 dimensions. So here is the blind spot of section 5: dimensions that the test calls dead, or nearly, and that all say a
# little of one thing, how much ink there is. That makes {{mnist:10-collapsed-information}} nats of information in a rate of
# {{mnist:10-collapsed-rate}}. Of all else, shape, slant, which digit, so few nats can hold no more than a trace.
#
# Look at the dashboard with the patients. Their pictures are means of 32 drawings, made with the same random numbers for each
# code. A drawing begins at the top left and each pixel leans on those before, so 32 of them need not show the blur of all
# digits: with so few, and the same luck in each, they may agree on one shape.

# %%
shown = {"good start": treated["good start"], "collapsed": patients["collapsed"], "free bits": treated["free bits"]}
DimensionDashboard(shown, val[:500])

# %% [markdown]
# If nothing moves here: the dimension with the largest KL, in the collapsed model and in the one with the good start. The
# other dimensions keep the code of the first image.

# %%
along = {}
for name in ("collapsed", "good start"):
    patient, d = shown[name], int(kl_per_dim(shown[name], val).argmax())
    with torch.no_grad():
        along[name] = patient.decode_mean(walk(patient.posterior(val.x[:1]).mean[0], d))
walks(along, range(-3, 4))

# %%
middle, ends = along["collapsed"][3].sum(), along["collapsed"][[0, 6]].sum((1, 2, 3)).mean()
claim("10-ink-at-ends", 100 * ends / middle, world=world, tolerance=20, digits=0, unit="% of the ink in the middle")

# %% [markdown]
# In the model with the good start one shape turns into another. In the collapsed one the shape stays, and the ink goes from faint
# to dark and back to faint, about the same on both sides: at the ends there is {{mnist:10-ink-at-ends}}% of the middle's ink.
# That is the width speaking. The decoder never sees means, it sees draws: images with much ink have narrow posteriors, so their
# draws stay near the middle, and a draw far out speaks for a faint image. With a posterior near $\mathcal N(0, 1)$ such draws
# come up for every image now and then, so each of them says little.

# %% [markdown]
# ### In your own words
#
# A colleague's VAE with a powerful decoder has a rate of 0.1 nats and a good ELBO. She lowers $\beta$ until the rate is
# 15 nats, and the ELBO gets worse. She asks which of the two models is broken. Answer in four to six sentences. Then
# compare with `exercises.solution("10-cure")`, and give yourself the points.

# %% exercise="10-cure"

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (curve, parts):
    display(derivation.summary())

# %% [markdown]
# ### The same on pen digits
#
# | section | what (nats, unless it says otherwise) | MNIST | pen digits |
# |---|---|---|---|
# | 3 | $\beta = 1/4$: rate; ELBO | {{mnist:10-rate-0-25}}; {{mnist:10-elbo-0-25}} | {{pen:10-rate-0-25}}; {{pen:10-elbo-0-25}} |
# | 3 | $\beta = 1$: rate; ELBO | {{mnist:10-rate-1}}; {{mnist:10-elbo-1}} | {{pen:10-rate-1}}; {{pen:10-elbo-1}} |
# | 3 | $\beta = 8$: rate; ELBO | {{mnist:10-rate-8}}; {{mnist:10-elbo-8}} | {{pen:10-rate-8}}; {{pen:10-elbo-8}} |
# | 3 | lead of $\beta = 1$ over 1/2 | {{mnist:10-half-behind}} | {{pen:10-half-behind}} |
# | 4 | $\beta = 1/4$: rate; $I$ at least; at most | {{mnist:10-split-rate-0-25}}; {{mnist:10-information-0-25}}; {{mnist:10-at-most-0-25}} | {{pen:10-split-rate-0-25}}; {{pen:10-information-0-25}}; {{pen:10-at-most-0-25}} |
# | 4 | $\beta = 1/2$: rate; $I$ at least; at most | {{mnist:10-split-rate-0-5}}; {{mnist:10-information-0-5}}; {{mnist:10-at-most-0-5}} | {{pen:10-split-rate-0-5}}; {{pen:10-information-0-5}}; {{pen:10-at-most-0-5}} |
# | 4 | $\beta = 1$: rate; $I$ at least; at most | {{mnist:10-split-rate-1}}; {{mnist:10-information-1}}; {{mnist:10-at-most-1}} | {{pen:10-split-rate-1}}; {{pen:10-information-1}}; {{pen:10-at-most-1}} |
# | 4 | $\beta = 2$: rate; $I$ at least; at most | {{mnist:10-split-rate-2}}; {{mnist:10-information-2}}; {{mnist:10-at-most-2}} | {{pen:10-split-rate-2}}; {{pen:10-information-2}}; {{pen:10-at-most-2}} |
# | 4 | $\beta = 4$: rate; $I$ at least; at most | {{mnist:10-split-rate-4}}; {{mnist:10-information-4}}; {{mnist:10-at-most-4}} | {{pen:10-split-rate-4}}; {{pen:10-information-4}}; {{pen:10-at-most-4}} |
# | 4 | $\beta = 8$: rate; $I$ at least; at most | {{mnist:10-split-rate-8}}; {{mnist:10-information-8}}; {{mnist:10-at-most-8}} | {{pen:10-split-rate-8}}; {{pen:10-information-8}}; {{pen:10-at-most-8}} |
# | 4 | $\beta = 16$: rate; $I$ at least; at most | {{mnist:10-split-rate-16}}; {{mnist:10-information-16}}; {{mnist:10-at-most-16}} | {{pen:10-split-rate-16}}; {{pen:10-information-16}}; {{pen:10-at-most-16}} |
# | 4 | $\beta = 32$: rate; $I$ at least; at most | {{mnist:10-split-rate-32}}; {{mnist:10-information-32}}; {{mnist:10-at-most-32}} | {{pen:10-split-rate-32}}; {{pen:10-information-32}}; {{pen:10-at-most-32}} |
# | 4 | $\beta = 8$: marginal KL | {{mnist:10-marginal-8}} | {{pen:10-marginal-8}} |
# | 5 | active of 20 at $\beta = 1$; 8; 16; 32 | {{mnist:10-active-1}}; {{mnist:10-active-8}}; {{mnist:10-active-16}}; {{mnist:10-active-32}} | {{pen:10-active-1}}; {{pen:10-active-8}}; {{pen:10-active-16}}; {{pen:10-active-32}} |
# | 5 | KL of the least active dimension at $\beta = 16$ | {{mnist:10-least-active}} | {{pen:10-least-active}} |
# | 5 | change of a pixel (ink): first dimension; last | {{mnist:10-walk-first}}; {{mnist:10-walk-last}} | {{pen:10-walk-first}}; {{pen:10-walk-last}} |
# | 6 | patient: rate; ELBO; active of 20; largest variance | {{mnist:10-collapsed-rate}}; {{mnist:10-collapsed-elbo}}; {{mnist:10-collapsed-active}}; {{mnist:10-collapsed-variance}} | {{pen:10-collapsed-rate}}; {{pen:10-collapsed-elbo}}; {{pen:10-collapsed-active}}; {{pen:10-collapsed-variance}} |
# | 6 | control: rate; active of 20; its ELBO above the patient's | {{mnist:10-good-start-rate}}; {{mnist:10-good-start-active}}; {{mnist:10-good-start-gain}} | {{pen:10-good-start-rate}}; {{pen:10-good-start-active}}; {{pen:10-good-start-gain}} |
# | 7 | nothing: active of 20; rate; ELBO | {{mnist:10-on-nothing-active}}; {{mnist:10-on-nothing-rate}}; {{mnist:10-on-nothing-elbo}} | {{pen:10-on-nothing-active}}; {{pen:10-on-nothing-rate}}; {{pen:10-on-nothing-elbo}} |
# | 7 | annealing: active of 20; rate; ELBO; gain | {{mnist:10-on-annealing-active}}; {{mnist:10-on-annealing-rate}}; {{mnist:10-on-annealing-elbo}}; {{mnist:10-on-annealing-gain}} | {{pen:10-on-annealing-active}}; {{pen:10-on-annealing-rate}}; {{pen:10-on-annealing-elbo}}; {{pen:10-on-annealing-gain}} |
# | 7 | free bits: active of 20; rate; ELBO; gain | {{mnist:10-on-free-bits-active}}; {{mnist:10-on-free-bits-rate}}; {{mnist:10-on-free-bits-elbo}}; {{mnist:10-on-free-bits-gain}} | {{pen:10-on-free-bits-active}}; {{pen:10-on-free-bits-rate}}; {{pen:10-on-free-bits-elbo}}; {{pen:10-on-free-bits-gain}} |
# | 7 | weaker decoder: active of 20; rate; ELBO; gain | {{mnist:10-on-weaker-decoder-active}}; {{mnist:10-on-weaker-decoder-rate}}; {{mnist:10-on-weaker-decoder-elbo}}; {{mnist:10-on-weaker-decoder-gain}} | {{pen:10-on-weaker-decoder-active}}; {{pen:10-on-weaker-decoder-rate}}; {{pen:10-on-weaker-decoder-elbo}}; {{pen:10-on-weaker-decoder-gain}} |
# | 7 | lower beta: active of 20; rate; ELBO; gain | {{mnist:10-on-lower-beta-active}}; {{mnist:10-on-lower-beta-rate}}; {{mnist:10-on-lower-beta-elbo}}; {{mnist:10-on-lower-beta-gain}} | {{pen:10-on-lower-beta-active}}; {{pen:10-on-lower-beta-rate}}; {{pen:10-on-lower-beta-elbo}}; {{pen:10-on-lower-beta-gain}} |
# | 7 | good start: active of 20; rate; ELBO; gain | {{mnist:10-on-good-start-active}}; {{mnist:10-on-good-start-rate}}; {{mnist:10-on-good-start-elbo}}; {{mnist:10-on-good-start-gain}} | {{pen:10-on-good-start-active}}; {{pen:10-on-good-start-rate}}; {{pen:10-on-good-start-elbo}}; {{pen:10-on-good-start-gain}} |
# | 7 | good, weaker: active of 20; rate; ELBO; gain | {{mnist:10-on-good-weaker-active}}; {{mnist:10-on-good-weaker-rate}}; {{mnist:10-on-good-weaker-elbo}}; {{mnist:10-on-good-weaker-gain}} | {{pen:10-on-good-weaker-active}}; {{pen:10-on-good-weaker-rate}}; {{pen:10-on-good-weaker-elbo}}; {{pen:10-on-good-weaker-gain}} |
# | deeper | chords of 7 between their betas | {{mnist:10-chords}} | {{pen:10-chords}} |
# | deeper | patient: share of the width (%); correlation with ink, from; to | {{mnist:10-width-share}}; {{mnist:10-ink-most}}; {{mnist:10-ink-least}} | {{pen:10-width-share}}; {{pen:10-ink-most}}; {{pen:10-ink-least}} |
# | deeper | patient: information; ink at the ends (%) | {{mnist:10-collapsed-information}}; {{mnist:10-ink-at-ends}} | {{pen:10-collapsed-information}}; {{pen:10-ink-at-ends}} |
