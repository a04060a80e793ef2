# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 Gradients and reparameterisation
#
# Lesson 04 ended with a bound that you can compute from draws of $q$. To maximise it you need its gradient with respect to the
# parameters of $q$, and those parameters decide where the draws fall. How do you differentiate through a throw of dice? There
# are two answers. Both are right on average, and one of them is so much quieter that VAEs are trained with it.

# %% [markdown]
# **After this lesson you can**
# - say why a draw has no gradient, and what to do about it,
# - derive the score-function gradient and the pathwise gradient line by line, and write both by hand,
# - say how noisy each of them is, in how many dimensions, and what a baseline and more draws change,
# - find two errors that no error message reports: noise shared by a batch, and a gradient cut off by accident,
# - choose an estimator where the code is discrete.
#
# **You need first:** lesson [04](04_the_elbo.ipynb) (the ELBO and its worlds). Derivatives, the chain rule,
# `backward()` in PyTorch.
#
# **Time:** No cell takes longer than 5 seconds.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $\mu, \log \sigma^2$ | mean and log variance of a Gaussian $q$ | `mu`, `logvar` | `[B, D]`, or one number each |
# | $\sigma$ | standard deviation, $\exp(\frac12 \log \sigma^2)$ | `std` | as `mu` |
# | $z$ | codes drawn from $q$ | `z` | `[L, B, D]`; `[G]` on a grid |
# | $\varepsilon$ | standard normal noise, $z = \mu + \sigma \varepsilon$ | `eps` | `[L, B, D]` |
# | $f(z)$ | what is averaged over $q$ | `f` | `[L, B]`; `[G]` on a grid |
# | $J$ | the average, $J(\mu, \log\sigma^2) = \mathbb E_q[f(z)]$ | `J` | one number |
# | $s_\mu, s_v$ | scores: derivatives of $\log q(z)$ with respect to $\mu$ and to $\log\sigma^2$ | `score_mu`, `score_logvar` | `[L, B, D]` |
# | $f'(z), \nabla f(z)$ | gradient of $f$ with respect to $z$ | `grad_f` | as `z` |
# | $g$ | an estimate of a gradient | `g_mu`, `g_logvar` | `[B, D]` |
# | $c, c^*$ | a baseline that is subtracted from $f$, and the best one (Going deeper) | `c`, `best` | one number, or as `f` |
# | $W, b, \tau$ | loadings, offset and noise of the linear-Gaussian world | `W`, `linear` | `[X, D]`, `[X]`, one number |
# | $\eta$ | variance that one example's noise gives a slope | `eta` | one number |
# | $\phi, \theta$ | parameters of any $q$; in section 8 those of a discrete $q$ (in lesson 04 $\theta$ was the model's) | `theta` | `[3]` |
# | $w(z)$ | $p(x, z) / q(z)$ | `log_w` | `[3]` |
# | $L, B, D, X, R$ | draws, examples, dimensions of $z$ and of $x$, repeats of the noise | `n_draws`, `n_examples`, `dim`, `repeats` | |

# %% [markdown]
# ## 1 A draw has no slope
#
# In the ELBO the KL is a formula, and PyTorch differentiates it. The reconstruction term is an average over draws:
#
# $$J(\mu, \log\sigma^2) = \mathbb E_{q}[f(z)], \qquad q = \mathcal N(\mu, \sigma^2), \qquad f(z) = \log p(x \mid z).$$
#
# We want the gradient of $J$ with respect to $\mu$ and $\log\sigma^2$.

# %%
import functools
import math

import sympy
import torch
from torch import nn
from torch.distributions import Normal

from vae_course import exercises, plotting
from vae_course.claims import claim
from vae_course.distributions import gaussian_kl, reparameterize
from vae_course.exact import DiscreteWorld, GridWorld, LinearGaussian
from vae_course.plotting.gradients import estimates, scaling, two_ways
from vae_course.derivations import Derivation, standard_error

torch.manual_seed(0)
torch.set_num_threads(1)  # on tensors as small as these, several would only wait for each other
# Short names for PyTorch's functions with the longer numbers: derivations are compared to six digits.
numbers = functools.partial(torch.tensor, dtype=torch.float64)
randn = functools.partial(torch.randn, dtype=torch.float64)
linspace = functools.partial(torch.linspace, dtype=torch.float64)
# %% [markdown]
# Begin with **the two hills** of lesson 04: one latent dimension, $x = z^2 + \frac12 z + 0.7 \cdot \text{noise}$, and we see
# $x = 2$. Our $q$ has mean 0.5 and log variance $-1$. Draw five codes from it, average $f$, and ask for the gradient.
# Predict: what does PyTorch say?


# %% tags=["nbval-check-output"]
def f_hills(z):
    """log p(x = 2 | z) on the two hills, any shape."""
    return Normal(z**2 + z / 2, 0.7).log_prob(numbers(2.0))


mu, logvar = numbers(0.5, requires_grad=True), numbers(-1.0, requires_grad=True)
std = torch.exp(0.5 * logvar)
z = Normal(mu, std).sample((5,))
try:
    f_hills(z).mean().backward()
except RuntimeError as error:
    print(str(error).split(" and")[0])

# %% [markdown]
# No gradient. `sample()` returns five plain numbers. They came about with the help of `mu`, but how, PyTorch did not record.
#
# Can we pull the derivative inside the average by hand,
# $\frac{d}{d\mu} \mathbb E_q[f(z)] = \mathbb E_q[\frac{d}{d\mu} f(z)]$? There is no $\mu$ in $f(z)$, so the right side
# would be zero. The left side is not: on a fine grid, where every average is a sum (quadrature), compute $J$ at two
# neighbouring places and take the difference.

# %%
hills = GridWorld(lambda z: (z.square() + z / 2).unsqueeze(-1), 0.7, half_width=20.0, n_points=2001)
mu, logvar, std = mu.detach(), logvar.detach(), std.detach()


def J(mu, logvar):
    """E_q[f(z)] on the two hills, by quadrature."""
    q = Normal(mu, torch.exp(0.5 * logvar)).log_prob(hills.grid).exp()
    return (q * f_hills(hills.grid)).sum() * hills.step


h = 1e-4
by_mu = (J(mu + h, logvar) - J(mu - h, logvar)) / (2 * h)
by_logvar = (J(mu, logvar + h) - J(mu, logvar - h)) / (2 * h)
truth = torch.stack([by_mu, by_logvar])
claim("05-hills-mu", by_mu, world="any", tolerance=0.01, unit="nats per unit of mu", digits=2)
claim("05-hills-logvar", by_logvar, world="any", tolerance=0.01, unit="nats per unit of logvar", digits=2)

# %% [markdown]
# Moving $\mu$ to the right raises the average by {{any:05-hills-mu}} nats per unit, and widening $q$ changes it by
# {{any:05-hills-logvar}} nats per unit of $\log\sigma^2$. These are the **truth** for the next sections.
#
# Where does $\mu$ enter, if not in $f$? In the question *which $z$ are drawn how often*. There are two ways to describe
# what changes when $\mu$ grows a little.

# %%
z = Normal(mu, std).icdf(linspace(0.06, 0.94, 8))
weights = (Normal(mu + 0.2, std).log_prob(z) - Normal(mu, std).log_prob(z)).exp()
near = linspace(-0.75, 1.75, 101)
two_ways(near, f_hills(near), z, f_hills(z), weights=weights, moved=z + 0.2, values=f_hills(z + 0.2))

# %% [markdown]
# The curve is $f$, the dots are eight draws, and $\mu$ moves by 0.2. On the left the draws stay where they are and their
# **weights** change: those on the right become more probable, the larger dots. On the right each draw keeps its weight
# and **moves**. The first way leads to the score function, the second to the path.

# %% [markdown]
# ## 2 The score-function gradient
#
# **Line 1.** Write the average as an integral. Only the density depends on $\mu$, so only the density is differentiated:
#
# $$\frac{dJ}{d\mu} = \frac{d}{d\mu} \int q(z) \, f(z) \, dz = \int \frac{dq(z)}{d\mu} \, f(z) \, dz,$$
#
# and the same with $\log\sigma^2$ in place of $\mu$. The left side is the truth of section 1; on the right autograd
# differentiates the density at each point of the grid.


# %%
def integrate(values):
    return values.sum(-1) * hills.step


def slopes_of(values, n):
    """Slopes in mu and in logvar, [2, n], of n values, where values(mu, logvar) takes n of each."""
    leaves = [value.repeat(n).requires_grad_() for value in (mu, logvar)]
    return torch.stack(torch.autograd.grad(values(*leaves).sum(), leaves))


def q_of(mu, logvar):
    return Normal(mu, torch.exp(0.5 * logvar)).log_prob(hills.grid).exp()


f, dq = f_hills(hills.grid), slopes_of(q_of, 2001)
score = Derivation("The score-function gradient")
score.step("slope of J = integral of (slope of q) f", truth, integrate(dq * f), how="quadrature")

# %% [markdown]
# Right, but of no use: an integral against $dq / d\mu$ is not an average over draws, because a slope is not a density.
#
# **Lines 2 and 3** are the trick that makes it one. The derivative of a logarithm is $(\log q)' = q' / q$, so
#
# $$\frac{dq(z)}{d\mu} = q(z) \, \frac{d \log q(z)}{d\mu}.$$
#
# The slope of $\log q$ is called the **score**. **Lines 4 and 5** work it out for a Gaussian. With
# $\varepsilon = (z - \mu) / \sigma$, the distance from the mean in standard deviations,
#
# $$s_\mu = \frac{d \log q}{d\mu} = \frac{z - \mu}{\sigma^2} = \frac{\varepsilon}{\sigma}, \qquad
# s_v = \frac{d \log q}{d \log\sigma^2} = \frac12 \left( \frac{(z - \mu)^2}{\sigma^2} - 1 \right) = \frac{\varepsilon^2 -
# 1}{2}.$$
#
# Sympy checks them for all $z$, $\mu$ and $v = \log\sigma^2$ at once.

# %%
Z, M, V, E = sympy.symbols("z mu v eps", real=True)
log_q = -((Z - M) ** 2) / (2 * sympy.exp(V)) - V / 2 - sympy.log(2 * sympy.pi) / 2
density = sympy.exp(log_q)
score.algebra("dq/dmu = q dlogq/dmu", sympy.diff(density, M), density * sympy.diff(log_q, M))
score.algebra("dq/dv = q dlogq/dv", sympy.diff(density, V), density * sympy.diff(log_q, V))
at_eps = {Z: M + sympy.exp(V / 2) * E}
score.algebra("dlogq/dmu = eps / sigma", sympy.diff(log_q, M).subs(at_eps), E / sympy.exp(V / 2))
score.algebra("dlogq/dv = (eps^2 - 1) / 2", sympy.diff(log_q, V).subs(at_eps), (E**2 - 1) / 2)

# %% [markdown]
# Read the scores as votes. A draw to the right of the mean becomes more probable when $\mu$ grows: $s_\mu > 0$. A draw more
# than one standard deviation away becomes more probable when $q$ widens: $s_v > 0$.
#
# **Line 6** puts the score into line 1. Now $q$ stands in front, and the integral is an average over draws:
#
# $$\boxed{\;\frac{dJ}{d\mu} = \int q(z) \, f(z) \, s_\mu(z) \, dz = \mathbb E_q\big[f(z) \, s_\mu(z)\big]\;}$$
#
# This is the **score-function gradient**; in reinforcement learning it is known as REINFORCE. Each draw votes for its own
# direction, as loudly as its $f$ is large. Where $f$ is negative it votes *against* itself. Our $f$, a log-likelihood, is
# negative everywhere: all draws vote against themselves, the bad ones loudest, and only the difference between the voices
# counts.
#
# **Line 7** does it with half a million draws. No derivative of $f$ is taken anywhere.

# %%
grid_eps = (hills.grid - mu) / std
score_mu, score_logvar = grid_eps / std, (grid_eps**2 - 1) / 2
scores = torch.stack([score_mu, score_logvar])
q = q_of(mu, logvar)
score.step("slope of J = E_q[f score]", truth, integrate(q * f * scores), how="quadrature")
z = Normal(mu, std).sample((500_000,))
eps = (z - mu) / std
votes = f_hills(z).unsqueeze(-1) * torch.stack([eps / std, (eps**2 - 1) / 2], dim=-1)
score.step("mean of f score over draws = slope of J", votes.mean(0), truth, standard_error=standard_error(votes))

# %% [markdown]
# **Line 8** is a fact about scores that you will need twice. Take $f = 1$: its average is 1 whatever $\mu$ is, so its slope
# is zero, and line 6 says $\mathbb E_q[s_\mu] = 0$. The votes to the left and to the right balance:
# $\mathbb E_q[\max(s_\mu, 0)] = \mathbb E_q[\max(-s_\mu, 0)]$.
#
# **Line 9** follows: you may subtract any constant $c$ from $f$, and the gradient stays right.
# $\mathbb E_q[(f - c) \, s] = \mathbb E_q[f s] - c \, \mathbb E_q[s]$, and the last term is zero. Such a $c$ is called a
# **baseline**.

# %%
halves = [integrate(q * side.clamp(min=0)) for side in (scores, -scores)]
score.step("votes up = votes down", *halves, how="quadrature")
score.step("E_q[(f - c) score] = slope of J, c = -7", integrate(q * (f + 7) * scores), truth, how="quadrature")

# %% [markdown]
# ### Your turn: the score-function gradient
#
# Now for a batch. You get the values `f` at $L$ draws for each of $B$ examples, `[L, B]`, the draws `z`, `[L, B, D]`, and
# `mu` and `logvar`, `[B, D]`. In $D$ dimensions each coordinate has a score of its own, and all of them are multiplied by the
# same $f$. Return the two gradients `g_mu, g_logvar`, each `[B, D]`.

# %% exercise="05-score-gradient"

# %% [markdown]
# ## 3 The pathwise gradient
#
# The second way: the draws move. **Line 1** is a change of variable. Draw the noise first, from $\mathcal N(0, 1)$, which
# has no parameters. Then stretch it by $\sigma$ and shift it to $\mu$:
#
# $$\mathbb E_{z \sim \mathcal N(\mu, \sigma^2)}[f(z)] = \mathbb E_{\varepsilon \sim \mathcal N(0, 1)}[f(\mu + \sigma
# \varepsilon)].$$
#
# Now the parameters stand *inside* $f$, and the distribution does not know them. **Line 2**: so the derivative may be pulled
# inside the average, the step that failed in section 1. (If $f$ has no jumps; see section 8.)
#
# $$\frac{dJ}{d\mu} = \mathbb E_\varepsilon\left[\frac{d}{d\mu} f(\mu + \sigma\varepsilon)\right].$$
#
# The course's function `reparameterize(mu, logvar, eps)` computes $\mu + \sigma\varepsilon$; without `eps` it draws the noise
# itself. The right sides are summed over a grid of $\varepsilon$.


# %%
def f_path(mu, logvar):
    return f_hills(reparameterize(mu, logvar, noise))


path = Derivation("The pathwise gradient")
noise = linspace(-10, 10, 1001)
p_noise = Normal(0.0, 1.0).log_prob(noise).exp() * 0.02  # 0.02 is the step of this grid
right = p_noise @ f_path(mu.expand(1001), logvar.expand(1001))
path.step("E_z[f(z)] = E_eps[f(mu + std eps)]", J(mu, logvar), right, how="quadrature")
inside = slopes_of(f_path, 1001)
path.step("slope of J = E_eps[slope of f(mu + std eps)]", truth, inside @ p_noise, how="quadrature")

# %% [markdown]
# **Line 3** is the chain rule: the slope of $f$ where the draw landed, times how far the parameter moves the draw. When
# $\mu$ grows, every draw moves along by as much:
#
# $$\frac{d}{d\mu} f(\mu + \sigma\varepsilon) = f'(z) \cdot 1.$$
#
# ### Your turn: the other parameter
#
# And when $\log\sigma^2$ grows? Work out how far, and which way, that moves a draw. Then write both gradients by hand, once,
# before `backward()` does it for you. You get the slopes of $f$ at the draws, `grad_f` `[L, B, D]`, the noise `eps`
# `[L, B, D]` that made them, and `logvar` `[B, D]`. Return `g_mu, g_logvar`, each `[B, D]`.

# %% exercise="05-pathwise-gradient"

# %% [markdown]
# **Line 4** is the derivative that you found. With $v = \log\sigma^2$ we have $\sigma = e^{v/2}$, whose derivative is
# $\frac12 e^{v/2}$:
#
# $$\frac{d}{d \log\sigma^2} f(\mu + \sigma\varepsilon) = f'(z) \cdot \tfrac12 \sigma\varepsilon.$$
#
# **Line 5** is the result, the **pathwise gradient**, or reparameterised gradient; **line 6** is the same from draws.
#
# $$\boxed{\;\frac{dJ}{d\mu} = \mathbb E_\varepsilon[f'(z)], \qquad
# \frac{dJ}{d\log\sigma^2} = \mathbb E_\varepsilon\big[f'(z) \, \tfrac12 \sigma \varepsilon\big], \qquad z = \mu +
# \sigma\varepsilon\;}$$


# %%
def f_of(place):
    """f on the two hills for sympy, without its constant, which has no slope."""
    return -((2 - place**2 - place / 2) ** 2) / (2 * sympy.Rational(49, 100))


def grad_hills(z):
    """f'(z) on the two hills, by hand."""
    return (2 - z**2 - z / 2) * (2 * z + 0.5) / 0.49


place = M + sympy.exp(V / 2) * E
slope_there = sympy.diff(f_of(Z), Z).subs(Z, place)
path.algebra("df/dmu = f'(z)", sympy.diff(f_of(place), M), slope_there)
path.algebra("df/dv = f'(z) std eps / 2", sympy.diff(f_of(place), V), slope_there * sympy.exp(V / 2) * E / 2)
slopes = grad_hills(mu + std * noise)
right = torch.stack([p_noise @ slopes, p_noise @ (slopes * std * noise / 2)])
path.step("slope of J = E_eps[f'(z)], E_eps[f'(z) std eps / 2]", truth, right, how="quadrature")
moves = grad_hills(z).unsqueeze(-1) * torch.stack([torch.ones_like(eps), std * eps / 2], dim=-1)
path.step("mean over draws = slope of J", moves.mean(0), truth, standard_error=standard_error(moves))

# %% [markdown]
# ### The whole ELBO, in closed form
#
# Both of your functions now face **the linear-Gaussian world** of lesson 04: $x = W z + b + 0.7 \cdot \text{noise}$ with
# two latent dimensions, three observed ones, and $B = 4$ observations.
#
# **Line 1.** The expected squared error of $x - Wz - b$ is its square at the mean, plus what the spread of $z$ adds. With
# $w_d$ for column $d$ of $W$, and $\tau = 0.7$ for the noise of $x$ (`world.sigma` in the code):
#
# $$\mathbb E_q[\log p(x \mid z)] = -\frac{X}{2} \log(2\pi\tau^2)
# - \frac{1}{2\tau^2} \Big( |x - W\mu - b|^2 + \sum_d \sigma_d^2 \, |w_d|^2 \Big).$$


# %%
def expected_log_likelihood(world, x, mu, logvar):
    """E_q[log p(x | z)] in the linear-Gaussian world, [B]."""
    error = (x - mu @ world.W.T - world.b).square().sum(-1) + torch.exp(logvar) @ world.W.square().sum(0)
    return -0.5 * (len(world.b) * math.log(2 * math.pi * world.sigma**2) + error / world.sigma**2)


W = numbers([[1.0, 0.5], [0.0, 1.0], [-0.8, 0.6]])
linear = LinearGaussian(W, numbers([0.5, -0.5, 0.0]), 0.7)
_, x = linear.sample(4, generator=torch.Generator().manual_seed(1))
mu, logvar = linear.posterior(x).mean + 0.5, numbers([-1.0, 0.3]).repeat(4, 1)
n_draws = 400_000
eps = randn(n_draws, 4, 2)
z = reparameterize(mu, logvar, eps)
both = Derivation("Both estimators in the linear-Gaussian world")
f = linear.likelihood(z).log_prob(x)
right = expected_log_likelihood(linear, x, mu, logvar)
both.step("E_q[log p(x|z)] = formula", f.mean(0), right, standard_error=standard_error(f))

# %% [markdown]
# **Lines 2 and 3** differentiate this formula, and subtract the slopes of the KL of lesson 03,
# $\frac12 \sum_d (\sigma_d^2 + \mu_d^2 - 1 - \log\sigma_d^2)$. On the left autograd, on the right by hand:
#
# $$\frac{d \mathcal L}{d \mu} = \frac{W^\top (x - W\mu - b)}{\tau^2} - \mu, \qquad
# \frac{d \mathcal L}{d \log\sigma_d^2} = \frac12 - \frac{\sigma_d^2}{2} \left( 1 + \frac{|w_d|^2}{\tau^2} \right).$$


# %%
def elbo_of(mu, logvar):
    return (expected_log_likelihood(linear, x, mu, logvar) - gaussian_kl(mu, logvar)).sum()


left = torch.func.grad(elbo_of, argnums=(0, 1))(mu, logvar)
elbo_mu = (x - mu @ W.T - linear.b) @ W / 0.7**2 - mu
elbo_logvar = 0.5 - torch.exp(logvar) / 2 * (1 + W.square().sum(0) / 0.7**2)
both.step("dELBO/dmu = W'(x - W mu - b) / tau^2 - mu", left[0], elbo_mu)
both.step("dELBO/dlogvar = 1/2 - std^2 (1 + |w|^2 / tau^2) / 2", left[1], elbo_logvar)

# %% [markdown]
# **Lines 4 to 7**: your two gradients of the first term, minus the KL's slopes, must agree with these formulas within their
# noise. To see the noise, compare 500 groups of 800 draws. Look at the tolerances at the ends of the lines.

# %%
grad_f = (x - z @ W.T - linear.b) @ W / 0.7**2  # slope of log p(x | z) in z, [L, B, D]
kl_mu, kl_logvar = mu, (torch.exp(logvar) - 1) / 2
estimators = {
    "score function": [score_gradient(f[i::500], z[i::500], mu, logvar) for i in range(500)],
    "pathwise": [pathwise_gradient(grad_f[i::500], eps[i::500], logvar) for i in range(500)],
}
for name, groups in estimators.items():
    g_mu, g_logvar = (torch.stack(part) for part in zip(*groups, strict=True))
    both.step(f"{name}, mu", g_mu.mean(0) - kl_mu, elbo_mu, standard_error=standard_error(g_mu))
    error = standard_error(g_logvar)
    both.step(f"{name}, logvar", g_logvar.mean(0) - kl_logvar, elbo_logvar, standard_error=error)

# %% [markdown]
# Both are right; the pathwise tolerance is several times smaller. **Line 8** is how you will use it from now on:
# `reparameterize` makes $z$ by a formula, so `backward()` finds the path by itself. With the same noise it gives your numbers.

# %%
leaf_mu, leaf_logvar = mu.clone().requires_grad_(), logvar.clone().requires_grad_()
few = eps[:100]
linear.likelihood(reparameterize(leaf_mu, leaf_logvar, few)).log_prob(x).mean(0).sum().backward()
yours = torch.stack(pathwise_gradient(grad_f[:100], few, logvar))
both.step("your pathwise gradient = backward()", yours, torch.stack([leaf_mu.grad, leaf_logvar.grad]))

# %% [markdown]
# ## 4 How noisy are they?
#
# Training takes one draw, or a few, for each step. So it matters how far a single estimate lies from the truth. Take an $f$
# for which that can be worked out, in any dimension $D$:
#
# $$f(z) = -\tfrac12 |z - a|^2, \qquad q = \mathcal N(\mu, I), \qquad \mu = a.$$
#
# It is a Gaussian log-likelihood without its constant; the code puts $a$ at the origin. Since $q$ sits where it
# should, the true gradient in $\mu$ is zero: **all that an estimate shows is noise.** **Lines 1 and 2** write the estimates
# of its first coordinate from one draw, with $z - a = \varepsilon$ and $\sigma = 1$:
#
# $$\text{pathwise: } \frac{\partial f}{\partial z_1} = -\varepsilon_1, \qquad
# \text{score function: } f(z) \, \varepsilon_1 = -\tfrac12 \, \varepsilon_1 \sum_{d=1}^D \varepsilon_d^2.$$


# %%
def f_square(z):
    return -0.5 * z.square().sum(-1)


variance = Derivation("The variances in D dimensions")
dim = 20
eps_20 = randn(200_000, dim)
leaf = torch.zeros(5, dim, dtype=torch.float64, requires_grad=True)
(slope,) = torch.autograd.grad(f_square(leaf + eps_20[:5]).sum(), leaf)
variance.step("pathwise: slope of f(mu + eps) = -eps_1", slope[:, 0], -eps_20[:5, 0])
(slope,) = torch.autograd.grad(Normal(leaf, 1.0).log_prob(eps_20[:5]).sum(), leaf)
votes = f_square(eps_20[:5]) * slope[:, 0]
variance.step("score: f score = -1/2 eps_1 sum eps^2", votes, -eps_20[:5, 0] * (eps_20[:5] ** 2).sum(-1) / 2)

# %% [markdown]
# Predict: what is the variance of each in 20 dimensions, the number of latents of your first VAE? That of
# $-\varepsilon_1$ you know. For the other one, guess a number.

# %%
pathwise, by_score = -eps_20[:, 0], f_square(eps_20) * eps_20[:, 0]
plane = eps_20[:, :2]
in_two = f_square(plane) * plane[:, 0]
claim("05-ratio-2", in_two.var() / pathwise.var(), world="any", tolerance=0.4, unit="times the variance", digits=1)
claim("05-ratio-20", by_score.var() / pathwise.var(), world="any", tolerance=6, unit="times the variance", digits=0)
estimates({"score function": by_score[:2000], "pathwise": pathwise[:2000]}, truth=0.0)

# %% [markdown]
# Measured, the score function's variance is {{any:05-ratio-2}} times the pathwise one in 2 dimensions, and
# {{any:05-ratio-20}} times in 20, as in the picture. The moments of a normal number give both exactly (*Going deeper* has the
# algebra):
#
# $$\boxed{\;\mathrm{Var}[\text{score function}] = \frac{(D + 2)(D + 4)}{4}, \qquad \mathrm{Var}[\text{pathwise}] = 1\;}$$
#
# Now vary the dimension. Predict the shape of three curves on logarithmic axes: score function, pathwise, and the score
# function after the average of $f$, which is $-D/2$, is subtracted as a baseline.

# %%
dims = torch.tensor([1, 2, 5, 10, 20, 50, 100])
wide = randn(50_000, 100)
measured = {"score": [], "with baseline": [], "pathwise": []}
for n in dims.tolist():
    noise_n = wide[:, :n]
    f_n = f_square(noise_n)
    for name, g in zip(measured, (f_n * noise_n[:, 0], (f_n + n / 2) * noise_n[:, 0], -noise_n[:, 0]), strict=True):
        measured[name].append(g.var().item())
exact = {"score": (dims + 2) * (dims + 4) / 4, "with baseline": (dims + 4) / 2, "pathwise": dims / dims}
scaling(dims, measured, exact, xlabel="dimension D", ylabel="variance of one estimate")

# %% [markdown]
# Markers are measured, lines are theory. Without a baseline the variance grows like $D^2$, with it like $D$, as
# $\frac12 (D + 4)$, and the pathwise variance of a coordinate does not grow at all. The reason is in lines 1 and 2. The
# pathwise estimate asks for the slope in $z_1$, in which the other coordinates do not occur. (A decoder mixes coordinates, so
# its path is noisier, but it still gives each one a slope of its own.) The score function knows one number, $f$, to which all
# coordinates have contributed, and has to find out by trial which of them was to blame.
#
# ### Baselines and more draws
#
# In a VAE nobody knows the average of $f$. But $L$ draws hold a free estimate: for each draw, the mean of $f$ over the
# **other** $L - 1$ draws. That is the **leave-one-out** baseline. It is independent of its own draw, so nothing is biased.
# (The mean over *all* draws would shrink the gradient by the factor $(L - 1) / L$.)
#
# The mean of $L$ independent draws has $1 / L$ of the variance of one, if that is finite. So for the $f$ above, without a
# baseline, it takes $(D + 2)(D + 4) / 4$ draws of the score function to match one of the path. A VAE gets by with $L = 1$:
# averaging over a batch of $B$ examples works like more draws, as long as each example has its own noise. Remember this for
# section 6.
#
# Is the path always the quieter one? No: an $f$ that bends strongly within the width of $q$ can turn the order round. *Going
# deeper* has such an $f$, the best baseline, and leave-one-out for you to write.

# %% [markdown]
# ## 5 Play with the noise
#
# The same $f$, with everything to set by yourself. (At the start the score function has the sharper peak, but the longer
# tails: trust the bars on the right.) Three things to try:
#
# 1. Raise $D$ from 2 to 50. Which histogram changes?
# 2. At $D = 50$, how many draws $L$ bring the score function down to a standard deviation of at most 3? And with the
#    baseline?
# 3. Move $\mu$ away from $a$ with the third slider. The truth moves; do the histograms follow?

# %%
from vae_course.studies.gradient_noise import Setting
from vae_course.widgets.gradient_playground import GradientPlayground, picture

GradientPlayground()

# %% [markdown]
# If nothing moves here, this picture shows one setting: 50 dimensions, $\mu - a = 1$ in each of them, and the baseline.

# %%
picture(Setting(dim=50, n_draws=10, distance=1.0, baseline=True))

# %% [markdown]
# Wherever you set the truth, both histograms sit on it. Only their widths differ. That of the path knows neither $D$ nor
# $\mu - a$; that of the score function grows with both. Question 2: $52 \cdot 54 / 4 \le 9 L$ takes
# 78 draws (the slider's 100); with the baseline $54 / 2 \le 9 L$ takes 3 (the slider's 5).

# %% [markdown]
# ## 6 A sampling layer
#
# Here is a sampling layer from *Variational Autoencoders* (18 July 2020). It draws $L$ codes for each of $B$ examples:


# %%
def sample_shared(mu, logvar, n_draws, randn):
    eps = randn(n_draws, 1, mu.shape[-1])
    return mu + torch.exp(0.5 * logvar) * eps


# %% [markdown]
# The shapes are right, `[L, B, D]`. The mean and the variance of each code are right. Training runs, and the loss falls.
#
# ### Your turn: find the error
#
# What is wrong with it? Repair the layer. `randn` is handed in, and works like `torch.randn`. Return codes `[L, B, D]` with
# $L$ = `n_draws`.

# %% exercise="05-shared-noise"

# %% [markdown]
# The middle axis of the noise has length one, and broadcasting gives **the same noise to all examples**. What does it do to
# the gradient? First predict: does it become biased?
#
# Take a parameter that all examples share, the offset $b$ of the decoder. The gradient of a batch is the mean over its
# examples, $g = \frac1B \sum_i (x_i - W z_i - b) / \tau^2$. Let all examples have the same $\sigma$. One example's noise
# enters the first coordinate of $g$ with the variance $\eta = \sum_d W_{1d}^2 \sigma_d^2 / \tau^4$. **Line 1**: the mean of
# $g$ is right, even with shared noise. **Line 2**: with noise of its own for each example, the variance of $g$ is $\eta / B$.
# **Line 3**: with shared noise it is $\eta$, however large the batch.


# %%
def batch_gradients(sampler, n_examples, repeats=10_000):
    """The batch gradients in b_1 and in W_11, for many repeats of the noise: [2, repeats]."""
    centre = mu.repeat(n_examples // 4, 1)
    z = sampler(centre, logvar[:1].expand_as(centre), repeats, randn)
    error = x.repeat(n_examples // 4, 1)[:, 0] - z @ W[0] - linear.b[0]
    return torch.stack([error.mean(-1), (error * z[..., 0]).mean(-1)]) / 0.7**2


eta = (W[0].square() @ torch.exp(logvar[0])) / 0.7**4
(shared, shared_weight), (own, own_weight) = (batch_gradients(way, 64) for way in (sample_shared, sample_codes))
noise_law = Derivation("One noise for the batch")
right = (x - mu @ W.T - linear.b)[:, 0].mean() / 0.7**2
noise_law.step("E[g], shared noise = slope", shared.mean(), right, standard_error=standard_error(shared))
laws = (("own noise: Var[g] = eta / B", own, eta / 64), ("shared noise: Var[g] = eta", shared, eta))
for name, g, law in laws:
    squares = (g - g.mean()) ** 2
    noise_law.step(f"{name}, B = 64", squares.mean(), law, standard_error=standard_error(squares))

# %% [markdown]
# Now for other batch sizes. Predict the two lines.

# %%
sizes = torch.tensor([4, 8, 16, 32, 64, 128, 256])
measured = {
    "shared noise": [batch_gradients(sample_shared, n, 2000)[0].var().item() for n in sizes.tolist()],
    "own noise": [batch_gradients(sample_codes, n, 2000)[0].var().item() for n in sizes.tolist()],
}
exact = {"shared noise": eta.expand(7), "own noise": eta / sizes}
ratio = shared_weight.var() / own_weight.var()
claim("05-shared-weight", ratio, world="any", tolerance=4, unit="times the variance", digits=0)
scaling(sizes, measured, exact, xlabel="batch size B", ylabel="variance of the slope in b_1")

# %% [markdown]
# The batch no longer averages the noise away. For the offset, the variance with 64 examples is 64 times what it could be. The
# slope of a weight is multiplied by something that differs between examples, $z_1$ for $W_{11}$, and a part of the shared
# noise cancels: there 64 examples have {{any:05-shared-weight}} times the variance. No test of a shape, a mean or a variance
# of $z$ finds this error, but a correlation between two examples does.
#
# What it does to training: a linear encoder and a linear decoder learn 64 observations of the linear-Gaussian world, by plain
# gradient descent and one draw for each example. Before each step the *exact* ELBO of the current model is recorded, by the
# formula of section 3. What differs from run to run is `draw`, the way in which a code is made.


# %%
_, x_train = linear.sample(64, generator=torch.Generator().manual_seed(4))


def train(draw, steps=300):
    """The exact ELBO before each step, and the encoder's means at the end."""
    torch.manual_seed(0)
    encoder, decoder = nn.Linear(3, 2).double(), nn.Linear(2, 3).double()
    free = nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimiser, history = torch.optim.SGD([*encoder.parameters(), *decoder.parameters(), free], lr=0.1), []
    for _ in range(steps):
        mu = encoder(x_train)
        logvar = free.expand_as(mu)
        model = LinearGaussian(decoder.weight, decoder.bias, 0.7)
        log_px_z = model.likelihood(draw(mu, logvar)).log_prob(x_train)
        loss = -(log_px_z - gaussian_kl(mu, logvar)).mean()
        with torch.no_grad():
            bound = expected_log_likelihood(model, x_train, mu, logvar) - gaussian_kl(mu, logvar)
        history.append(bound.mean().item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return history, mu.detach()


# %% [markdown]
# Two runs from the same start, on the same data. Predict: do both bounds rise? Will they end in the same place? (The picture
# begins at step 20, when the steepest part of the climb is over.)

# %%
own_run, own_codes = train(lambda mu, logvar: sample_codes(mu, logvar, 1, randn)[0])
shared_run, _ = train(lambda mu, logvar: sample_shared(mu, logvar, 1, randn)[0])
steps = range(20, 301)
runs = {"shared noise": shared_run[19:], "own noise": own_run[19:]}
jitter = {name: numbers(run[-100:]).std().item() for name, run in runs.items()}
claim("05-jitter-own", jitter["own noise"], world="any", tolerance=0.02, digits=2)
claim("05-jitter-shared", jitter["shared noise"], world="any", tolerance=0.3, digits=1)
plotting.lines(steps, runs, xlabel="step", ylabel="exact ELBO (nats)")

# %% [markdown]
# With its own noise the bound rises and stays up. With shared noise it trembles: over the last hundred steps
# it varies by {{any:05-jitter-shared}} nats (standard deviation), in place of {{any:05-jitter-own}}. If a training curve of
# yours trembles and a larger batch does not help, look at the shape of the noise.

# %% [markdown]
# ## 7 Where gradients get lost
#
# The second family of errors cuts the path. Nine ways to draw from $q$:

# %%
draws = {
    "reparameterize": lambda mu, logvar: reparameterize(mu, logvar),
    ".rsample()": lambda mu, logvar: Normal(mu, torch.exp(0.5 * logvar)).rsample(),
    ".sample()": lambda mu, logvar: Normal(mu, torch.exp(0.5 * logvar)).sample(),
    ".detach() on z": lambda mu, logvar: reparameterize(mu, logvar).detach(),
    ".data on z": lambda mu, logvar: reparameterize(mu, logvar).data,
    ".tolist() on z": lambda mu, logvar: numbers(reparameterize(mu, logvar).tolist()),
    "torch.no_grad()": torch.no_grad()(reparameterize),
    "mu detached": lambda mu, logvar: reparameterize(mu.detach(), logvar),
    "logvar detached": lambda mu, logvar: reparameterize(mu, logvar.detach()),
}

# %% [markdown]
# All nine give codes with the right distribution. For one observation, average the gradient of the **ELBO** over 200,000
# draws. Before you run the cell: which of the nine raise an error? For the others, what gradient arrives at $\mu_1$, at
# $\log\sigma_1^2$, and at the decoder's offset $b_1$?


# %%
def elbo_gradient(draw, n=200_000):
    """The gradient of the ELBO at mu_1, logvar_1 and b_1, averaged over n draws."""
    leaves = [value.clone().requires_grad_() for value in (mu[:1], logvar[:1], linear.b)]
    z = draw(leaves[0].expand(n, 2), leaves[1].expand(n, 2))
    log_px_z = LinearGaussian(W, leaves[2], 0.7).likelihood(z).log_prob(x[0])
    bound = log_px_z.mean() - gaussian_kl(leaves[0], leaves[1]).sum()
    return [g.flatten()[0].item() for g in torch.autograd.grad(bound, leaves)]


slope_b = (x[0] - W @ mu[0] - linear.b)[0] / 0.7**2
rows = {"exact": [elbo_mu[0, 0].item(), elbo_logvar[0, 0].item(), slope_b.item()]}
rows |= {name: elbo_gradient(draw) for name, draw in draws.items()}
print(f"{'':>16}{'mu_1':>8}{'logvar_1':>10}{'b_1':>8}")
for name, values in rows.items():
    print(f"{name:>16}{values[0]:8.2f}{values[1]:10.2f}{values[2]:8.2f}")
cut, cut_path = rows[".sample()"], Derivation("A path that is cut")
cut_path.step("dELBO/dmu through .sample() = -mu", cut[0], -mu[0, 0])
cut_path.step("dELBO/dlogvar through .sample() = (1 - std^2) / 2", cut[1], 0.5 * (1 - torch.exp(logvar[0, 0])))

# %% [markdown]
# None raises an error. The error of section 1 came because there was *no* path from the loss to a parameter. Here the KL
# still leads to $\mu$ and $\log\sigma^2$, and the likelihood to $b$. So `backward()` is content, and the gradient is wrong:
#
# - `.sample()`, `.detach()`, `.data`, `.tolist()` (or `.item()`) and `torch.no_grad()` cut both paths. What reaches
#   $\mu$ is $-\mu$, and what reaches $\log\sigma^2$ is $\frac12 (1 - \sigma^2)$: the slopes of $-\mathrm{KL}$
#   alone (**lines 1 and 2**).
# - Detaching one of the two cuts only that one.
# - The decoder's gradient is right in each row. The decoder learns, the loss falls.
#
# What will an encoder do that sees only the KL? Predict, then train with `.sample()` in place of the path, everything else as
# before. The flat line is the mean $\log p(x)$ under the world that made the data. A model
# that is fitted to just these 64 points may come to lie a little above it.

# %%
cut_run, cut_codes = train(draws[".sample()"])
reference = linear.log_marginal(x_train).mean().expand(300)
runs = {"mean log p(x), true world": reference, "with the path": own_run, "cut by .sample()": cut_run}
claim("05-cut-path", own_run[-1], world="any", tolerance=0.05, digits=2)
claim("05-cut-sample", cut_run[-1], world="any", tolerance=0.05, digits=2)
spreads = {"with the path": own_codes.std(0).mean(), "cut": cut_codes.std(0).mean()}
print("spread of the codes' means:", {name: round(value.item(), 3) for name, value in spreads.items()})
plotting.lines(range(1, 301), runs, xlabel="step", ylabel="exact ELBO (nats)")

# %% [markdown]
# The encoder does what it is told: it makes the KL zero, and every observation gets the same code. The decoder, whose codes
# now say nothing, learns the mean of the data. The bound stops at {{any:05-cut-sample}} nats; with the path it reaches
# {{any:05-cut-path}}. A falling loss proves that *something* learns. To know that the encoder does, compare its gradient
# with the KL's alone, or look whether the means of the codes differ from each other.

# %% [markdown]
# ## 8 Where there is no path
#
# The pathwise gradient needs a slope of $f$ and a code that can be moved. Here are two cases where it has none.
#
# **A staircase.** $f(z) = 1$ for $z > 0$, else 0. Its average is the probability of $z > 0$, and **line 1** says that it
# grows with $\mu$ as fast as $q$ is high at zero. But the slope of a staircase is zero wherever it exists: the pathwise
# gradient is zero, and wrong. **Line 2**: the score function, which needs values only, is right.

# %%
no_path = Derivation("Where there is no path")
leaf = numbers(0.5, requires_grad=True)
(left,) = torch.autograd.grad(1 - Normal(leaf, 1.0).cdf(numbers(0.0)), leaf)
no_path.step("slope of P(z > 0) = q(0)", left, Normal(0.5, 1.0).log_prob(numbers(0.0)).exp())
eps = randn(200_000)
g = (0.5 + eps > 0).double() * eps
no_path.step("mean of f score = q(0)", g.mean(), left, standard_error=standard_error(g))

# %% [markdown]
# **A discrete code.** In the world of urns, $z$ is 0, 1 or 2, and nothing lies between the urns. We see a red ball, column 0
# of the table. Let $q$ be given by three free numbers $\theta$, as $q(z) = \mathrm{softmax}(\theta)_z$. **Line 3**: its score
# has one entry for each of them,
#
# $$\frac{\partial \log q(z)}{\partial \theta_j} = \mathbb 1[z = j] - q(j).$$
#
# **Line 4**: the ELBO of a red ball is $\mathbb E_q[\log w]$ with $w = p(x, z) / q(z)$. Here $f = \log w$ depends on $q$
# itself. Does that add a term? It would be $\mathbb E_q[-\text{score}]$, and that is zero, by line 8 of section 2. So the
# gradient is $\mathbb E_q[\log w \cdot \text{score}]$. **Line 5** takes it from draws.

# %%
urns = DiscreteWorld(numbers([0.5, 0.3, 0.2]), numbers([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]]))
theta = numbers([0.6, 0.3, 0.1]).log()
q_urns = torch.softmax(theta, 0)
table = torch.func.jacrev(lambda theta: torch.log_softmax(theta, 0))(theta)
no_path.step("dlogq(z)/dtheta_j = 1[z = j] - q(j)", table, torch.eye(3, dtype=torch.float64) - q_urns)
log_w = urns.joint()[:, 0].log() - q_urns.log()
exact = torch.func.grad(lambda theta: urns.elbo(0, torch.softmax(theta, 0)))(theta)
no_path.step("slope of ELBO = sum_z q(z) log w(z) score(z)", exact, (q_urns * log_w) @ table)
z = torch.multinomial(q_urns, 400_000, replacement=True)
plain = log_w[z].unsqueeze(-1) * table[z]
no_path.step("mean of log w score = slope of ELBO", plain.mean(0), exact, standard_error=standard_error(plain))

# %% [markdown]
# ## 9 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("05", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("05")

# %%
exercises.progress("05")

# %% [markdown]
# ## Summary
#
# > $$\text{score function:} \quad \frac{d}{d\phi} \mathbb E_q[f(z)] = \mathbb E_q\big[f(z) \, s_\phi(z)\big],
# > \qquad s_\phi = \frac{d \log q(z)}{d\phi}, \qquad \mathbb E_q[s_\phi] = 0$$
# >
# > $$\text{for a Gaussian:} \quad s_\mu = \frac{\varepsilon}{\sigma},
# > \qquad s_{\log\sigma^2} = \frac{\varepsilon^2 - 1}{2}, \qquad \varepsilon = \frac{z - \mu}{\sigma}$$
# >
# > $$\text{pathwise:} \quad z = \mu + \sigma\varepsilon,
# > \qquad \frac{dJ}{d\mu} = \mathbb E_\varepsilon[\nabla f(z)],
# > \qquad \frac{dJ}{d\log\sigma^2} = \mathbb E_\varepsilon\big[\nabla f(z) \, \tfrac12 \sigma\varepsilon\big]$$
# >
# > $$f = -\tfrac12 |z - a|^2, \; \mu = a, \; \sigma = 1:
# > \quad \mathrm{Var} = \tfrac14 (D + 2)(D + 4) \text{ score},
# > \quad \tfrac12 (D + 4) \text{ with baseline } \mathbb E[f], \quad 1 \text{ pathwise}$$
# >
# > $$\text{baseline:} \quad \mathbb E_q[(f - c) \, s] = \mathbb E_q[f s],
# > \qquad c_l = \text{mean of the other draws' } f$$
# >
# > $$L \text{ draws: } \mathrm{Var} / L. \qquad B \text{ examples with noise of their own: }
# > \mathrm{Var} / B; \text{ with shared noise: up to } \mathrm{Var}, \text{ however large } B$$
# >
# > Both estimators are right on average. The path needs a code that can move and an $f$ that is continuous and
# > differentiable almost everywhere, as a network of ReLUs is; the score function needs values only. `.sample()`,
# > `.detach()`, `.data` and `torch.no_grad()` cut the path without an error message.

# %%
plotting.summary("05")

# %% [markdown]
# **Sources.** D. P. Kingma and M. Welling, [*Auto-Encoding Variational Bayes*](https://arxiv.org/abs/1312.6114), ICLR 2014,
# sections 2.3 and 2.4. D. J. Rezende, S. Mohamed and D. Wierstra, [*Stochastic Backpropagation and Approximate Inference in Deep
# Generative Models*](https://arxiv.org/abs/1401.4082), ICML 2014. R. J. Williams, [*Simple Statistical Gradient-Following
# Algorithms for Connectionist Reinforcement Learning*](https://doi.org/10.1007/BF00992696), Machine Learning 8, 1992. S. Mohamed,
# M. Rosca, M. Figurnov and A. Mnih, [*Monte Carlo Gradient Estimation in Machine Learning*](https://arxiv.org/abs/1906.10652),
# JMLR 21, 2020, for when the path is the noisier one. A. Mnih and D. J. Rezende, [*Variational Inference for Monte Carlo
# Objectives*](https://arxiv.org/abs/1602.06725), ICML 2016, for leave-one-out baselines. The layer of section 6 is that of
# *Variational Autoencoders*, a blog post of 18 July 2020.
#
# **Next:** [06 Choosing the likelihood](06_choosing_the_likelihood.ipynb). You have the gradient of
# $\mathbb E_q[\log p(x \mid z)]$ for any likelihood. Now choose one.

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.
#
# **Sources.** G. Roeder, Y. Wu and D. Duvenaud, [*Sticking the Landing: Simple, Lower-Variance Gradient Estimators for
# Variational Inference*](https://arxiv.org/abs/1703.09194), NIPS 2017. E. Jang, S. Gu and B. Poole, [*Categorical
# Reparameterization with Gumbel-Softmax*](https://arxiv.org/abs/1611.01144), and C. J. Maddison, A. Mnih and Y. W. Teh, [*The
# Concrete Distribution: A Continuous Relaxation of Discrete Random Variables*](https://arxiv.org/abs/1611.00712), both ICLR 2017.
# Y. Bengio, N. Léonard and A. Courville, [*Estimating or Propagating Gradients Through Stochastic Neurons for Conditional
# Computation*](https://arxiv.org/abs/1308.3432), 2013, for straight-through.

# %% [markdown]
# ### The variances, line by line
#
# Where do the formulas of section 4 come from? From moments of a standard normal number. **Lines 3 to 5**:
# $\mathbb E[\varepsilon^2] = 1$, $\mathbb E[\varepsilon^4] = 3$, $\mathbb E[\varepsilon^6] = 15$.

# %%
bell = sympy.exp(-(E**2) / 2) / sympy.sqrt(2 * sympy.pi)
for power, moment in ((2, 1), (4, 3), (6, 15)):
    integral = sympy.integrate(E**power * bell, (E, -sympy.oo, sympy.oo))
    variance.algebra(f"E[eps^{power}] = {moment}", integral, sympy.Integer(moment))

# %% [markdown]
# The score-function estimate has mean zero here, so its variance is
# $\frac14 \mathbb E[\varepsilon_1^2 (\sum_d \varepsilon_d^2)^2]$. Multiply the square out and sort the products by how
# often coordinate 1 occurs in them:
#
# - $\varepsilon_1^2 \cdot \varepsilon_1^4$, once, gives 15;
# - $\varepsilon_1^2 \cdot 2\,\varepsilon_1^2 \varepsilon_d^2$, for $D - 1$ other coordinates, gives $2 \cdot 3$ each;
# - $\varepsilon_1^2 \cdot \varepsilon_d^4$, for $D - 1$ of them, gives 3 each;
# - $\varepsilon_1^2 \cdot \varepsilon_d^2 \varepsilon_e^2$ with two different others, $(D - 1)(D - 2)$ ordered pairs,
#   gives 1 each.
#
# **Line 6** adds them up. **Lines 7 to 9** hold the results against 200,000 draws, in 20 and in 2 dimensions.

# %%
D = sympy.symbols("D", positive=True)
sorted_terms = 15 + 6 * (D - 1) + 3 * (D - 1) + (D - 1) * (D - 2)
variance.algebra("15 + 6(D-1) + 3(D-1) + (D-1)(D-2) = (D+2)(D+4)", sorted_terms, (D + 2) * (D + 4))
error = standard_error(by_score**2)
variance.step("4 Var[score] / (D+2)(D+4) = 1, D = 20", (by_score**2).mean() / 132, 1.0, standard_error=error / 132)
error = standard_error(pathwise**2)
variance.step("Var[pathwise] = 1, D = 20", (pathwise**2).mean(), 1.0, standard_error=error)
error = standard_error(in_two**2)
variance.step("Var[score] = (D+2)(D+4)/4, D = 2", (in_two**2).mean(), 4 * 6 / 4, standard_error=error)

# %% [markdown]
# With the baseline $-D/2$: let $S = \sum_d \varepsilon_d^2$, so that
# $f + \frac{D}{2} = -\frac12 (S - D)$. **Line 10**: $\mathbb E[\varepsilon_1^2 S] = 3 + (D - 1) = D + 2$. **Line 11** uses it
# to multiply out
#
# $$\tfrac14 \, \mathbb E[\varepsilon_1^2 (S - D)^2] = \tfrac14 \big( (D + 2)(D + 4) - 2 D (D + 2) + D^2 \big) =
# \tfrac12 (D + 4).$$

# %%
products = eps_20[:, 0] ** 2 * eps_20.square().sum(-1)
variance.step("E[eps_1^2 S] = D + 2, D = 20", products.mean(), dim + 2, standard_error=standard_error(products))
multiplied = ((D + 2) * (D + 4) - 2 * D * (D + 2) + D**2) / 4
variance.algebra("Var[score, baseline -D/2] = (D+4)/2", multiplied, (D + 4) / 2)

# %% [markdown]
# ### In your own words
#
# Explain in three to five sentences why the variance of the score-function gradient of one coordinate grows with $D$ for
# $f(z) = -\frac12 |z - a|^2$, why that of the pathwise gradient does not, and what a baseline can and cannot do about it.
# Then compare your answer with the worked one, `exercises.solution("05-why-variance")`.

# %% exercise="05-why-variance"

# %% [markdown]
# ### Is the path always quieter?
#
# The pathwise gradient averages *slopes* of $f$, the score function *values*. What if the values are small and the slopes
# are steep? Take $f(z) = \sin(\omega z)$ in one dimension, $q = \mathcal N(0.5, 1)$, and let $\omega$ grow. Predict: where
# will the order turn?

# %%
omega = 10 ** linspace(-0.6, 1, 33)
q_one = Normal(0.5, 1.0).log_prob(hills.grid).exp()
wave, angle = hills.grid - 0.5, omega.unsqueeze(1) * hills.grid
true_slope = omega * torch.exp(-(omega**2) / 2) * torch.cos(0.5 * omega)
curves = {
    "score": integrate(q_one * (torch.sin(angle) * wave) ** 2) - true_slope**2,
    "pathwise": integrate(q_one * (omega.unsqueeze(1) * torch.cos(angle)) ** 2) - true_slope**2,
}
plotting.lines(omega, curves, xlabel="frequency omega", ylabel="variance", logx=True, logy=True)

# %%
turn = omega[curves["pathwise"] > curves["score"]][0]
claim("05-wave-turn", turn, world="any", tolerance=0.1, unit="per unit of z", digits=1)
claim("05-wave-length", 2 * math.pi / turn, world="any", tolerance=0.5, unit="standard deviations", digits=0)

# %% [markdown]
# Where $f$ is smooth on the scale of $q$, the path wins by far. The order turns near $\omega$ = {{any:05-wave-turn}}, earlier
# than you may have thought: one whole wave is still {{any:05-wave-length}} standard deviations long. Beyond it the path's
# variance grows like $\omega^2 / 2$, the mean square of the slope, while that of the score function stays near $\frac12$, the
# mean square of the sine. "Pathwise is always better" is false. It is better for functions that bend little within the width
# of $q$.

# %% [markdown]
# ### Baselines
#
# Section 2 showed that a constant $c$ may be subtracted from $f$. Which one is best? Back to the two hills, where quadrature
# gives everything without noise. **Line 1**: the estimate $(f - c) \, s$ has the same mean for each $c$, so its variance is a
# parabola in $c$:
#
# $$\mathrm{Var}(c) = \mathbb E[f^2 s^2] - 2 c \, \mathbb E[f s^2] + c^2 \, \mathbb E[s^2] - \Big(\frac{dJ}{d\mu}\Big)^2.$$
#
# **Line 2**: its lowest point is at $c^* = \mathbb E[f s^2] / \mathbb E[s^2]$, and what it saves there is
# $\mathbb E[f s^2]^2 / \mathbb E[s^2]$.

# %%
f, s = f_hills(hills.grid), score_mu
fs2, s2 = integrate(q * f * s**2), integrate(q * s**2)


def variance_at(c):
    return integrate(q * ((f - c) * s) ** 2) - integrate(q * (f - c) * s) ** 2


base = Derivation("Baselines")
right = integrate(q * f**2 * s**2) - 2 * (-7) * fs2 + 49 * s2 - truth[0] ** 2
base.step("Var(c) is a parabola, at c = -7", variance_at(-7), right, how="quadrature")
best = fs2 / s2
saved = variance_at(0) - variance_at(best)
base.step("Var(0) - Var(c*) = E[f s^2]^2 / E[s^2]", saved, fs2**2 / s2, how="quadrature")

# %% [markdown]
# Draw the parabola, with the pathwise variance beside it. Predict: is its lowest point at zero, at the average of $f$, or
# elsewhere?

# %%
cs = linspace(-20, 4, 49)
line = torch.stack([variance_at(c) for c in cs])
level = integrate(grad_hills(hills.grid) ** 2 * q) - truth[0] ** 2
plotting.lines(
    cs, {"score function": line, "pathwise": level.expand(49)}, xlabel="baseline c (nats)", ylabel="variance"
)

# %% [markdown]
# A wrong baseline makes things worse: compare $c = -20$ with $c = 0$, which is no baseline. In numbers:

# %%
average = J(numbers(0.5), numbers(-1.0))
claim("05-hills-mean", average, world="any", tolerance=0.01, digits=2)
claim("05-hills-best", best, world="any", tolerance=0.01, digits=2)
print(f"variance: c = 0 {variance_at(0):.1f}, c = E[f] {variance_at(average):.1f}, c* {variance_at(best):.1f}")
print(f"pathwise {level:.1f}")
claim("05-hills-left-mean", variance_at(average) / variance_at(0), world="any", tolerance=0.01, unit="", digits=2)
claim("05-hills-left-best", variance_at(best) / variance_at(0), world="any", tolerance=0.01, unit="", digits=2)

# %% [markdown]
# The average of $f$ is {{any:05-hills-mean}} nats, the best baseline {{any:05-hills-best}}. They are not the same, but they
# leave {{any:05-hills-left-mean}} and {{any:05-hills-left-best}} of the variance: so near that the average, which is easier
# to estimate, will do. In this one-dimensional world with its steep $f$ even the pathwise gradient is noisy. (It has no use
# for a baseline: a constant added to $f$ changes no slope.)
#
# The leave-one-out baseline is random, but independent of its own draw:
# $\mathbb E[c_l s_l] = \mathbb E[c_l] \, \mathbb E[s_l] = 0$, and nothing is biased. What if you are lazy and subtract the
# mean over *all* draws? **Line 3** (for $L = 3$, sympy): the estimate shrinks by a known factor.
#
# $$\frac1L \sum_l (f_l - \bar f) \, s_l = \frac{L - 1}{L} \cdot \frac1L \sum_l (f_l - c_l) \, s_l, \qquad
# c_l = \frac{1}{L - 1} \sum_{k \ne l} f_k.$$

# %%
fs, ss = sympy.symbols("f1:4"), sympy.symbols("s1:4")
lazy = sum((fs[i] - sum(fs) / 3) * ss[i] for i in range(3)) / 3
careful = sum((fs[i] - (sum(fs) - fs[i]) / 2) * ss[i] for i in range(3)) / 3
base.algebra("mean of all as baseline = 2/3 of leave-one-out, L = 3", lazy, sympy.Rational(2, 3) * careful)

# %% [markdown]
# ### Your turn: the other draws as a baseline
#
# From `f` `[L, B]` and a `score` `[L, B, D]` make the leave-one-out gradient, `[B, D]`.

# %% exercise="05-baseline"

# %% [markdown]
# **Line 4**: yours is free of bias, even with only two draws. The 100,000 pairs of draws in the linear-Gaussian world play
# the part of a batch.

# %%
world_mu, world_logvar = mu[:1], logvar[:1]
eps_two = randn(2, 100_000, 2)
z_two = reparameterize(world_mu.expand(100_000, 2), world_logvar.expand(100_000, 2), eps_two)
f_two = linear.likelihood(z_two).log_prob(x[0])
g = baseline_gradient(f_two, eps_two * torch.exp(-0.5 * world_logvar))
right = elbo_mu[0] + mu[0]  # the slope of the first term alone
base.step("E[leave-one-out, L = 2] = slope", g.mean(0), right, standard_error=standard_error(g))

# %% [markdown]
# How much does each of them help in 20 dimensions? Estimates from $L = 10$ draws of the $f$ of section 4, all from the same
# noise, their variances times 10, so that you can compare them with one draw. (Here $s = \varepsilon_1$, and by line 10
# above $c^* = \mathbb E[f s^2] = -\frac12 (D + 2)$.)

# %%
eps = randn(10, 20_000, 20)
f, first = f_square(eps), eps[..., :1]
ways = {
    "no baseline": (f.unsqueeze(-1) * first).mean(0),
    "mean of f, -10": ((f + 10).unsqueeze(-1) * first).mean(0),
    "best constant, -11": ((f + 11).unsqueeze(-1) * first).mean(0),
    "leave-one-out": baseline_gradient(f, first),
    "pathwise": -first.mean(0),
}
per_draw = [10 * g.var().item() for g in ways.values()]
plotting.bars(list(ways), per_draw, xlabel="variance per draw, D = 20", highlight=["pathwise"])

# %%
claim("05-loo-20", per_draw[3], world="any", tolerance=0.8, unit="variance per draw", digits=1)

# %% [markdown]
# Here, in 20 dimensions, any sensible baseline takes away nine tenths of the noise. Leave-one-out, which needs no knowledge,
# reaches {{any:05-loo-20}}, somewhat more than the best constant: it aims at the average of $f$, which is not the best one, and
# a mean of nine values is noisy itself. What remains is still a dozen times the pathwise variance: a baseline removes the
# average of $f$, not its fluctuation.

# %% [markdown]
# ### More draws
#
# Averages of $L$ independent draws have $1/L$ of the variance of one, if that is finite. Predict how this looks with both
# axes logarithmic, and read off how many score-function draws replace one pathwise draw at $D = 20$.

# %%
many_draws = torch.tensor([1, 2, 5, 10, 20, 50, 100, 200])
noise_one = randn(200_000, 20)
f = f_square(noise_one)
singles = {"score": f, "with baseline": f + 10, "pathwise": -torch.ones_like(f)}
measured = {
    name: [(value * noise_one[:, 0]).reshape(-1, n).mean(1).var().item() for n in many_draws.tolist()]
    for name, value in singles.items()
}
laws = {name: one / many_draws for name, one in (("score", 132), ("with baseline", 12), ("pathwise", 1))}
scaling(many_draws, measured, laws, xlabel="draws L", ylabel="variance of the mean of L draws")

# %% [markdown]
# Three parallel lines of slope $-1$. More draws lower each line at the same rate and never change their order: the score
# function with {{any:05-ratio-20}} draws stands where the pathwise gradient stands with one.

# %% [markdown]
# ### A baseline where there is no path
#
# Does leave-one-out help with the urns of section 8? **Line 6** of that derivation: with the baseline, in groups of $L = 4$,
# the gradient is right as well. Then the variance of the mean of $n$ draws, with the baseline and without:


# %%
def relative_variance(n):
    """The variance with leave-one-out baselines over n draws, relative to that of n plain draws."""
    with_baseline = baseline_gradient(log_w[z].reshape(n, -1), table[z].reshape(n, -1, 3))
    return with_baseline.var(0).sum() / plain.reshape(n, -1, 3).mean(0).var(0).sum()


four = baseline_gradient(log_w[z].reshape(4, -1), table[z].reshape(4, -1, 3))
no_path.step("with leave-one-out, L = 4", four.mean(0), exact, standard_error=standard_error(four))
claim("05-urns-loo-4", relative_variance(4), world="any", tolerance=0.05, unit="of the plain variance", digits=2)
claim("05-urns-loo-20", relative_variance(20), world="any", tolerance=0.05, unit="of the plain variance", digits=2)

# %% [markdown]
# With $L = 4$ the variance is {{any:05-urns-loo-4}} times the plain one, with $L = 20$ it is {{any:05-urns-loo-20}} times. Why
# does it help so little, and even harm at $L = 4$? With three outcomes the variance with a constant baseline is a sum, without
# noise. Compare the average of $f$ with the best constant:


# %%
def urns_variance(c):
    """The variance of one draw with the constant baseline c, all three slopes together."""
    return (q_urns @ ((log_w - c).unsqueeze(-1) * table).square()).sum() - exact.square().sum()


s2 = q_urns * table.square().sum(-1)
average, best = q_urns @ log_w, s2 @ log_w / s2.sum()
claim("05-urns-mean", average, world="any", tolerance=0.01, digits=2)
claim("05-urns-best", best, world="any", tolerance=0.01, digits=2)
for name, c in (("05-urns-left-mean", average), ("05-urns-left-best", best)):
    claim(name, urns_variance(c) / urns_variance(0), world="any", tolerance=0.01, unit="", digits=2)

# %% [markdown]
# The average, {{any:05-urns-mean}}, is far beyond the best constant, {{any:05-urns-best}}: nearly at $2 c^*$, where the
# parabola of *Baselines* is as high as at zero. So it leaves {{any:05-urns-left-mean}} of the variance, the best constant only
# {{any:05-urns-left-best}}; for the two hills they were nearly the same. And a mean of three other values brings noise of its
# own, here more than the average takes away. Measure before you trust.

# %% [markdown]
# ### Sticking the landing
#
# Where the KL has no formula, one differentiates the whole bound along the path, $\mathbb E_q[\log w]$ with
# $\log w = \log p(x, z) - \log q(z)$. The parameters now stand in two places: in $z$, and in $q$ itself.
#
# $$\frac{d}{d\mu} \log w = \underbrace{\frac{\partial \log w}{\partial z} \cdot 1}_{\text{path}} - \; s_\mu(z)$$
#
# The second part is a score, and its mean is zero (line 8 of section 2). So drop it: let `backward()` see $\log q$ with
# detached parameters. Roeder and others (2017) call this **sticking the landing**. Predict: how noisy is what remains once
# $q$ is the true posterior?
#
# The world is that of section 3 with its first latent alone, so that $q$ can be the posterior. The cell collects the slopes in
# $\mu$ by three estimators, for a $q$ that is $k$ times as wide as the posterior.

# %%
one_latent = LinearGaussian(W[:, :1], linear.b, 0.7)
posterior = one_latent.posterior(x[:1])
centre, width = posterior.mean.squeeze(), posterior.variance.sqrt().squeeze()


def three_slopes(mu, k, n=200_000):
    """Slopes in mu of log w by each estimator, [n] each, and the noise behind them, for a q of k times the width."""
    eps, leaf = randn(n), mu.repeat(n).requires_grad_()
    z = leaf + k * width * eps

    def log_w(mu):
        joint = one_latent.prior().log_prob(z.unsqueeze(-1)) + one_latent.likelihood(z.unsqueeze(-1)).log_prob(x[0])
        return joint - Normal(mu, k * width).log_prob(z)

    pathwise, landed = (torch.autograd.grad(log_w(q_mu).sum(), leaf)[0] for q_mu in (leaf, leaf.detach()))
    votes = log_w(leaf).detach() * eps / (k * width)
    return {"score function": votes, "pathwise": pathwise, "sticking the landing": landed}, eps


# %% [markdown]
# **Line 1**: with a $q$ beside the posterior, half as wide again, the mean is right without the score. **Lines 2 and 3**: what
# is dropped is the score, and at the posterior it is all that there was. There $w = p(x)$ whatever $z$ is, so the path has no
# slope at all.

# %%
landing = Derivation("Sticking the landing")
landed = three_slopes(centre + 0.5, 1.5)[0]["sticking the landing"]
right = ((x[0] - W[:, 0] * (centre + 0.5) - linear.b) @ W[:, 0]) / 0.7**2 - (centre + 0.5)
landing.step("mean without the score = slope of ELBO", landed.mean(), right, standard_error=standard_error(landed))
at_posterior, eps = three_slopes(centre, 1.0)
dropped = at_posterior["pathwise"] - at_posterior["sticking the landing"]
landing.step("at the posterior: what is dropped = -eps / std", dropped, -eps / width)
landing.step("at the posterior: pathwise = -eps / std", at_posterior["pathwise"], -eps / width)
for name, tolerance in (("score function", 1.5), ("pathwise", 0.15)):
    measured = at_posterior[name].var()
    claim(f"05-landing-{name.split()[0]}", measured, world="any", tolerance=tolerance, unit="= variance", digits=1)

# %% [markdown]
# At the optimum the variance is {{any:05-landing-score}} for the score function, {{any:05-landing-pathwise}} for the
# pathwise gradient, and zero up to rounding without the score. A fit to the posterior can come to rest there. (So could
# the score function with a leave-one-out baseline: $\log w$ is the same for all draws.)
#
# Away from it there is no such promise. **Lines 4 and 5** are the two variances for a $q$ of $k$ times the posterior's width $r$:
#
# $$\mathrm{Var}[\text{pathwise}] = \frac{k^2}{r^2}, \qquad
# \mathrm{Var}[\text{sticking the landing}] = \frac{1}{r^2} \Big( \frac1k - k \Big)^2$$

# %%
too_narrow, _ = three_slopes(centre, 0.5)
laws = {"pathwise": 0.5**2 / width**2, "sticking the landing": (2 - 0.5) ** 2 / width**2}
for name, law in laws.items():
    squares = too_narrow[name].square()
    landing.step(f"Var[{name}], k = 1/2", squares.mean(), law, standard_error=standard_error(squares))
k = linspace(0.4, 1.6, 61)
curves = {"pathwise": k**2 / width**2, "sticking the landing": (1 / k - k) ** 2 / width**2}
plotting.lines(k, curves, xlabel="width of q, in widths of the posterior", ylabel="variance")

# %% [markdown]
# A $q$ narrower than $1 / \sqrt2 \approx 0.71$ widths of the posterior is better off with the score, and a $q$ that can't
# be the posterior never reaches the zero.
#
# ### A path for a discrete code
#
# Add Gumbel noise to the logits $\theta$ and take the largest: that is a draw from $q = \mathrm{softmax}(\theta)$ (**line 1**).
# **Gumbel-softmax** replaces the largest by a softmax at a temperature, which has a path but is no longer a choice;
# **straight-through** keeps the choice and lets `backward()` see the softmax in its place. Both are in general biased; by
# how much, [lesson 14](14_discrete_codes.ipynb) measures.

# %%
gumbel = Derivation("A choice from noise")
noise = -(-torch.rand(400_000, 3, dtype=torch.float64).log()).log()
chosen = nn.functional.one_hot((theta + noise).argmax(-1), 3).double()
error = standard_error(chosen)
gumbel.step("P(theta_j + noise_j is the largest) = q(j)", chosen.mean(0), q_urns, standard_error=error)

# %% [markdown]
# ### Build (optional): two gradients for a layer
#
# No other part of the course needs this section. So far you had the scores, or the slopes of $f$, in your hand. In a network
# the parameters are weights, and `backward()` does the rest, if you give it the right number to differentiate. For the path
# that number is a mean of $f$. For the score function it isn't an estimate of anything: only its gradient is. Which parts of it
# must count as constants? Write both for the weights of a linear encoder, several times over, so that their spread can be
# measured.

# %% exercise="05-layer-gradients"

# %% [markdown]
# Section 4 had an $f$ that is a sum over coordinates. Here a decoder mixes them and bends them. Four draws for each of eight
# examples, and a leave-one-out baseline: predict how both variances grow with the dimension of the code.


# %%
def spreads(dim, repeats=100):
    """The mean variance, over the encoder's weights, of the estimates by path and by score."""
    torch.manual_seed(0)
    encoder, decoder = nn.Linear(10, 2 * dim).double(), randn(dim, 30) / math.sqrt(dim)
    inputs, target = randn(8, 10), randn(8, 30)

    def f_mixed(z):
        return -0.5 * (target - torch.tanh(z @ decoder)).square().sum(-1)

    return [g.var(0).mean().item() for g in layer_gradients(encoder, inputs, f_mixed, randn(repeats, 4, 8, dim))]


dims = [1, 2, 5, 10, 20, 50]
by_path, by_score = zip(*[spreads(n) for n in dims], strict=True)
curves = {"path": by_path, "score, with baseline": by_score}
plotting.lines(
    dims, curves, xlabel="dimension D", ylabel="variance of a weight's slope", logx=True, logy=True, markers=True
)

# %% [markdown]
# In this layer slopes shrink as the code gets longer, since each coordinate matters less to $f$. The path asks for them one by
# one, and its variance falls. By the score every coordinate is still weighted by the whole of $f$, whose spread stays. So here
# too the gap of section 4 grows with $D$.

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (score, path, both, variance, base, noise_law, cut_path, no_path, landing, gumbel):
    display(derivation.summary())
