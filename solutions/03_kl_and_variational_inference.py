# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 03 KL divergence and variational inference
#
# Lesson 02 ended with a posterior that only tiny worlds let you compute. If you can't have the posterior, take the
# closest distribution that you can have. "Closest" needs a number. Here you derive one, the KL divergence.

# %% [markdown]
# **After this lesson you can**
# - compute a KL divergence from tables, from densities and from draws, in nats and in bits,
# - prove that it is never negative, and say when it is zero,
# - derive the KL of two Gaussians line by line, and say where each term comes from,
# - predict what a fit does when its KL is turned round,
# - say in one sentence what variational inference is.
#
# **You need first:** [lesson 02](02_latent_variable_models.ipynb) (prior, likelihood, posterior, quadrature and Monte Carlo).
# Logarithms are natural ones throughout, $\log e = 1$.
#
# **Time:** One cell takes a few seconds and says so; all others are quicker.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $z$ | an outcome, or a point on the line | `z` | `[N]` |
# | $q$ | the distribution that the draws come from | `q` | a table `[K]`, or a density |
# | $p$ | the distribution that $q$ is compared with | `p` | as `q` |
# | $\log q(z) - \log p(z)$ | the log ratio | `log_ratio` | `[N]` |
# | $\mathrm{KL}(q \,\Vert\, p)$ | the divergence of $q$ from $p$, in nats | `kl` | `[]`, or `[B]` for $B$ pairs |
# | $t$ | the ratio $p(z) / q(z)$ | `t` | `[K]` |
# | $\mu, \sigma$ | mean and standard deviation of a Gaussian $q$ | `mu`, `std` | `[]`, or `[B, D]` |
# | $\log \sigma^2$ | its log variance | `logvar` | as `mu` |
# | $\mu_p, \sigma_p, \log \sigma_p^2$ | the same of a Gaussian $p$ | `mu_p`, `std_p`, `logvar_p` | as `mu` |
# | $\varepsilon$ | standard normal noise | `eps` | `[B, D]` |

# %% [markdown]
# ## 1 How wrong is a distribution?
#
# First the tools. A `Derivation` computes both sides of each line and compares them to six digits. PyTorch's usual numbers have
# only seven, so we use the longer ones, `float64`.

# %%
import math

import sympy
import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal, kl_divergence

from vae_course import exercises, plotting
from vae_course.claims import claim
from vae_course.derivations import Derivation, standard_error

torch.manual_seed(0)
torch.set_num_threads(1)  # on tensors as small as these, several would only wait for each other


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


# %% [markdown]
# In your town the weather is sunny, cloudy or rainy with probabilities $q$. A forecaster believes in probabilities $p$.
# How wrong is the forecaster?
#
# Look at one day. If $z$ happens, $q$ had given it the probability $q(z)$ and the forecaster $p(z)$. Compare the two by
# the **log ratio** $\log q(z) - \log p(z)$. It is positive where the forecaster expected $z$ too little, negative where
# the forecaster expected it too much.
#
# One number for all days: the **mean** log ratio over the days as they really come, that is, over draws of $z$ from
# $q$. This is the Kullback-Leibler divergence, KL for short:
#
# $$\mathrm{KL}(q \,\Vert\, p) = \mathbb E_q\big[\log q(z) - \log p(z)\big] = \sum_z q(z) \, \big(\log q(z) - \log p(z)\big).$$
#
# $\mathbb E_q[\ldots]$ means: draw $z$ from $q$, and average what stands in the brackets. A sunny day has the weight 0.5,
# because half of the days are sunny. Test the definition: the sum on the left, a mean over real draws on the right. The two
# may lie up to four standard errors apart.

# %%
q, p = numbers(0.5, 0.3, 0.2), numbers(0.2, 0.2, 0.6)
log_ratio = q.log() - p.log()
for k, weather in enumerate(("sunny ", "cloudy", "rainy ")):
    print(f"{weather}  q {q[k]:.1f}  p {p[k]:.1f}  log ratio {log_ratio[k]:+.2f}")
what = Derivation("What a KL is")
kl = (q * log_ratio).sum()
draws = Categorical(q).sample((100_000,))
values = log_ratio[draws]
what.step("sum q (log q - log p) = E_q[log q - log p]", kl, values.mean(), standard_error=standard_error(values))

# %% [markdown]
# The KL is a difference of two means. The first, $\mathbb E_q[-\log p(z)]$, is the **cross-entropy**: how surprised the
# forecaster is on average. The second, $\mathbb E_q[-\log q(z)]$, is the **entropy** of $q$: how surprised somebody is who
# knows $q$. The KL is the surprise that knowing $q$ would have saved.
#
# $$\mathrm{KL}(q \,\Vert\, p) = \mathbb E_q[-\log p(z)] - \mathbb E_q[-\log q(z)]$$
#
# With natural logarithms the unit is the **nat**. With logarithms to the base 2 it is the **bit**. Since
# $\log_2 a = \log a / \log 2$, one nat is $1 / \log 2 \approx 1.44$ bits.
#
# $$\mathrm{KL} \text{ in bits} = \frac{\mathrm{KL} \text{ in nats}}{\log 2}$$

# %%
cross_entropy = -(q * p.log()).sum()
what.step("KL(q || p) = cross-entropy - entropy", kl, cross_entropy - Categorical(q).entropy())
what.step("KL in bits = KL in nats / log 2", (q * (q.log2() - p.log2())).sum(), kl / math.log(2))
claim("03-weather-nats", kl, world="any", tolerance=0.006, digits=2)
claim("03-weather-bits", kl / math.log(2), world="any", tolerance=0.006, unit="bits", digits=2)

# %% [markdown]
# This forecaster is wrong by {{any:03-weather-nats}} nats a day, or {{any:03-weather-bits}} bits. The second number can be
# taken literally: a long file of weather reports that is compressed with $p$ takes that many bits a day more, on average,
# than one compressed with $q$. Lesson 12 builds such a compressor. Here we count in nats.

# %% [markdown]
# ## 2 The KL of two tables
#
# Before you write it, two special cases.
#
# - **$q(z) = 0$.** Such a $z$ is never drawn, so it contributes nothing. The formula agrees if we read $0 \log 0$ as 0,
#   which is the limit of $t \log t$ for small $t$. The computer does not know that limit: `0 * log(0)` is NaN.
# - **$p(z) = 0$, but $q(z) > 0$.** Now something happens that $p$ calls impossible. The log ratio is infinite, and so is
#   the KL.

# %% exercise="03-kl-discrete"

# %% [markdown]
# From tables to densities: cut the line into narrow bins of width $\Delta$. A bin at $z$ has a probability of about
# $q(z) \, \Delta$ under $q$ and $p(z) \, \Delta$ under $p$. In the ratio the width cancels, and the sum becomes an integral:
#
# $$\mathrm{KL}(q \,\Vert\, p) = \int q(z) \, \big(\log q(z) - \log p(z)\big) \, dz.$$

# %% [markdown]
# ## 3 Never negative
#
# Single log ratios may be negative: on a rainy day the forecaster looks better than the truth. Predict: can the mean be
# negative as well? Try ten thousand random pairs of tables.

# %% tags=["nbval-check-output"]
many = torch.randn(2, 10_000, 5, dtype=torch.float64).softmax(-1)
kls = kl_discrete(many[0], many[1])
print(f"{(kls < 0).sum()} of {len(kls):,} are negative")

# %% [markdown]
# None. That can be proved in three lines. Call the other ratio $t = p(z) / q(z)$, and let both $q$ and $p$ be
# positive everywhere.
#
# **Line 1** turns the log ratio round, because $\log q - \log p = -\log (p / q)$:
#
# $$\mathrm{KL}(q \,\Vert\, p) = -\mathbb E_q[\log t]$$
#
# **Line 2**: the mean of $t$ itself is one. The weight $q(z)$ cancels the denominator, and the probabilities of $p$ add
# up to one:
#
# $$\mathbb E_q[t] = \sum_z q(z) \, \frac{p(z)}{q(z)} = \sum_z p(z) = 1$$
#
# **Line 3**: so $\mathbb E_q[t - 1]$ is zero, and we may add it without changing anything:
#
# $$\mathrm{KL}(q \,\Vert\, p) = \mathbb E_q\big[\, t - 1 - \log t \,\big]$$

# %%
never = Derivation("A KL is never negative")
t = p / q
never.step("KL(q || p) = -E_q[log t], with t = p / q", kl_discrete(q[None], p[None]), -(q * t.log()).sum())
never.step("E_q[t] = sum p = 1", t[draws].mean(), p.sum(), standard_error=standard_error(t[draws]))
never.step("KL(q || p) = E_q[t - 1 - log t]", kl, (q * (t - 1 - t.log())).sum())

# %% [markdown]
# Look at the two curves $\log t$ and $t - 1$.

# %%
t_axis = torch.linspace(0.1, 4, 200, dtype=torch.float64)
plotting.lines(t_axis, {"t - 1": t_axis - 1, "log t": t_axis.log()}, xlabel="t", ylabel="value")

# %% [markdown]
# The straight line touches the logarithm at $t = 1$ and lies above it everywhere else. So the bracket $t - 1 - \log t$,
# the distance between the two, is never negative.
#
# To prove what the picture shows, take the derivative of the bracket, $1 - 1/t$. It is negative below $t = 1$ and positive
# above. So the bracket falls until $t = 1$, where it is zero, and rises from there on.

# %% [markdown]
# So the KL is a mean of brackets none of which is negative, and $\mathrm{KL}(q \,\Vert\, p) \ge 0$. The mean of such
# brackets is zero only if every one of them is (for densities, except at places that hold no probability).
# A bracket is zero only at $t = 1$, where $p(z) = q(z)$. So $\mathrm{KL}(q \,\Vert\, p) = 0$ **if and only if** $q = p$.
#
# Two cases remain, for so far neither $q$ nor $p$ was zero anywhere. Where $q(z) = 0$, no draw ever lands: the term counts
# as zero. Line 2 then adds up only the part of $p$ where $q$ draws, which may be less than one, so line 3 becomes
# $\mathrm{KL} \ge \mathbb E_q[t - 1 - \log t]$, and the conclusion stands. Where $p(z) = 0$ but $q(z) > 0$, the log ratio is
# infinite, and so is the KL.
#
# This is a special case of **Jensen's inequality**: the mean of a logarithm is never above the logarithm of
# the mean, $\mathbb E[\log t] \le \log \mathbb E[t]$, for any positive $t$. The same bracket proves it. Let
# $m = \mathbb E[t]$ and use $t / m$, whose mean is one, in place of $t$:
#
# $$\log m - \mathbb E[\log t] = \mathbb E\left[\frac tm - 1 - \log \frac tm\right] \ge 0$$

# %%
t_any = numbers(1.0, 4.0, 10.0)
m = (q * t_any).sum()
gap = m.log() - (q * t_any.log()).sum()
never.step(
    "log E[t] - E[log t] = E[t/m - 1 - log(t/m)], m = E[t]", gap, (q * (t_any / m - 1 - (t_any / m).log())).sum()
)

# %% [markdown]
# Lesson 04 begins with this line.

# %% [markdown]
# ## 4 Not a distance
#
# A distance is the same in both directions. Is the KL? First with the weather, then with somebody who never expects
# rain.

# %%
no_rain = numbers(0.6, 0.4, 0.0)
pairs = {"q and p": (q, p), "no rain and p": (no_rain, p)}
for name, (first, second) in pairs.items():
    there, back = kl_discrete(first[None], second[None]), kl_discrete(second[None], first[None])
    print(f"{name}: {there.item():.3f} nats one way, {back.item():.3f} the other way")

# %% [markdown]
# It is not. The order of the arguments says whose days are averaged over. If the days come from `no_rain`, the forecast
# $p$ is wrong by a finite amount: it expected rain that never came. If the days come from $p$, sooner or later it
# rains, and `no_rain` is refuted for good: infinity.
#
# > Read $\mathrm{KL}(q \,\Vert\, p)$ as: *the draws come from q, and p is held against them.*

# %% [markdown]
# ## 5 Many dimensions: add, don't average
#
# A code $z$ of a VAE has $D$ numbers, and both $q$ and $p$ treat them as independent:
# $q(z) = q_1(z_1) \, q_2(z_2) \cdots q_D(z_D)$. What is the KL of the whole code? Two dimensions show it, with tables of 3
# and of 4 outcomes.
#
# **Line 1**: the logarithm turns the product into a sum.
#
# $$\log q(z_1, z_2) = \log q_1(z_1) + \log q_2(z_2)$$
#
# **Line 2**: the mean of something that depends on $z_1$ alone does not depend on $z_2$, because the probabilities
# $q_2$ add up to one.
#
# $$\mathbb E_{q}\big[\log q_1(z_1) - \log p_1(z_1)\big] = \mathbb E_{q_1}\big[\log q_1(z_1) - \log p_1(z_1)\big]$$
#
# **Line 3**: the log ratio of the whole is a sum by line 1, and its mean is a sum of KLs by line 2.
#
# $$\mathrm{KL}(q \,\Vert\, p) = \sum_{d=1}^{D} \mathrm{KL}(q_d \,\Vert\, p_d)$$

# %%
add = Derivation("KLs of independent dimensions add up")
q1, p1 = numbers(0.5, 0.3, 0.2), numbers(0.2, 0.2, 0.6)
q2, p2 = numbers(0.1, 0.2, 0.3, 0.4), numbers(0.25, 0.25, 0.25, 0.25)
q12, p12 = q1[:, None] * q2, p1[:, None] * p2
add.step("log q(z1, z2) = log q1(z1) + log q2(z2)", q12.log(), q1.log()[:, None] + q2.log())
first_ratio = q1.log() - p1.log()
add.step("E_q[log q1 - log p1] = E_q1[log q1 - log p1]", (q12 * first_ratio[:, None]).sum(), (q1 * first_ratio).sum())
whole = kl_discrete(q12.reshape(1, 12), p12.reshape(1, 12))
parts = kl_discrete(q1[None], p1[None]) + kl_discrete(q2[None], p2[None])
add.step("KL(q1 q2 || p1 p2) = KL(q1 || p1) + KL(q2 || p2)", whole, parts)

# %% [markdown]
# A **sum** over dimensions, then. Published code sometimes takes a mean (lesson 06 measures two examples). A loss that
# averages a reconstruction error $R$ over 784 pixels and the KL over 200 latent dimensions is not the sum of the
# two divided by anything. It weighs the KL by a factor that nobody chose:
#
# $$\frac{R}{784} + \frac{\mathrm{KL}}{200} = \frac{1}{784} \left( R + \frac{784}{200} \, \mathrm{KL} \right)$$

# %%
R, KL = sympy.symbols("R KL", positive=True)
weight = sympy.Rational(784, 200)
add.algebra("R/784 + KL/200 = (R + 784/200 KL) / 784", R / 784 + KL / 200, (R + weight * KL) / 784)
claim("03-hidden-weight", weight, world="any", tolerance=0.006, unit="times", digits=2)

# %% [markdown]
# Here the KL counts {{any:03-hidden-weight}} times. If the reconstruction is a sum and only the KL is averaged, by one
# `.mean()` at the very end, it counts $1/D$ times, a twentieth for a code of 20 numbers.

# %% [markdown]
# ## 6 A KL from draws
#
# Often the sum is too long and the integral has no closed form. Draws from $q$, and both log densities at those draws, are
# enough:
#
# $$\mathrm{KL}(q \,\Vert\, p) \approx \frac1N \sum_{n=1}^{N} \big(\log q(z_n) - \log p(z_n)\big), \qquad z_n \sim q$$
#
# In code the log densities come with a third axis, one entry for each of the $D$ dimensions. You know from section 5
# what to do with it.

# %% exercise="03-kl-mc"

# %% [markdown]
# **Line 1** uses it on $q = \mathcal N(0.5, 1.5^2)$ and $p = \mathcal N(0, 1)$, with a hundred thousand draws of one dimension.
# The left side is an integral by quadrature.

# %%
q, p = Normal(numbers(0.5), numbers(1.5)), Normal(numbers(0.0), numbers(1.0))
z = torch.linspace(-15, 15, 3001, dtype=torch.float64)
log_ratio = q.log_prob(z) - p.log_prob(z)
kl_qp = torch.trapezoid(q.log_prob(z).exp() * log_ratio, z)
kl_pq = torch.trapezoid(-p.log_prob(z).exp() * log_ratio, z)
draw = Derivation("A KL from draws")
z = q.sample((100_000,))
log_q, log_p = q.log_prob(z), p.log_prob(z)
estimate, error = kl_mc(log_q[:, None], log_p[:, None]), standard_error(log_q - log_p)
draw.step("KL(q || p) = mean of log q - log p over draws from q", kl_qp, estimate, standard_error=error)

# %% [markdown]
# What if you draw from the wrong one of the two? Predict the sign before you run **line 2**. It takes the same log ratio,
# $\log q - \log p$, but averages it over draws from $p$:
#
# $$\mathbb E_p\big[\log q(z) - \log p(z)\big] = -\mathbb E_p\big[\log p(z) - \log q(z)\big] = -\mathrm{KL}(p \,\Vert\, q)$$

# %%
z_p = p.sample((100_000,))
wrong = q.log_prob(z_p) - p.log_prob(z_p)
draw.step("E_p[log q - log p] = -KL(p || q)", wrong.mean(), -kl_pq, standard_error=standard_error(wrong))

# %% [markdown]
# If a "KL" in your code stays negative however many draws you take, the draws and the first argument do not belong together.
# (With few draws, and $q$ close to $p$, noise alone can make it negative.)

# %% [markdown]
# ## 7 The KL of two Gaussians
#
# For Gaussians the integral can be solved, and you will use the result in every VAE. Let
#
# $$q = \mathcal N(\mu, \sigma^2), \qquad p = \mathcal N(\mu_p, \sigma_p^2).$$
#
# **Line 1** is the logarithm of the Gaussian density. The density is $\exp\big(-(z - \mu)^2 / 2 \sigma^2\big)$ divided by
# $\sqrt{2 \pi \sigma^2}$, and the root becomes a factor $\frac12$ of the logarithm:
#
# $$\log q(z) = -\tfrac12 \left( \log 2\pi + \log \sigma^2 + \frac{(z - \mu)^2}{\sigma^2} \right)$$
#
# The lines are tested with the four numbers of the cell, and means under $q$ are taken by quadrature.

# %%
mu, std, mu_p, std_p = 1.2, 0.5, -0.3, 1.6
q, p = Normal(numbers(mu), numbers(std)), Normal(numbers(mu_p), numbers(std_p))
z = torch.linspace(-10, 12, 4001, dtype=torch.float64)


def mean_under_q(values):
    return torch.trapezoid(q.log_prob(z).exp() * values, z)


gauss = Derivation("The KL of two Gaussians")
log_density = -0.5 * (math.log(2 * math.pi) + math.log(std**2) + (z - mu) ** 2 / std**2)
gauss.step("log q(z) = -1/2 [log 2 pi + log sigma^2 + (z - mu)^2 / sigma^2]", q.log_prob(z), log_density)

# %% [markdown]
# Only one thing in it depends on $z$, the square. **Lines 2 and 3** are its mean, which is what "variance" means:
#
# $$\mathbb E_q\big[(z - \mu)^2\big] = \sigma^2$$
#
# Line 2 tests it with our numbers, line 3 for all numbers: the capital letters in the cell are symbols without a value, and
# sympy solves the integral.
#
# **Line 4**: take the mean of line 1. The constants stay, and by line 2 the last term becomes
# $\sigma^2 / \sigma^2 = 1$:
#
# $$\mathbb E_q[\log q(z)] = -\tfrac12 \left( \log 2\pi + \log \sigma^2 + 1 \right)$$

# %%
Z, M, M_p = sympy.symbols("z mu mu_p", real=True)
S, S_p = sympy.symbols("sigma sigma_p", positive=True)
gaussian = sympy.exp(-((Z - M) ** 2) / (2 * S**2)) / sympy.sqrt(2 * sympy.pi * S**2)
solved = sympy.integrate(gaussian * (Z - M) ** 2, (Z, -sympy.oo, sympy.oo))
gauss.step("E_q[(z - mu)^2] = sigma^2", mean_under_q((z - mu) ** 2), std**2, how="quadrature")
gauss.algebra("E_q[(z - mu)^2] = sigma^2", solved, S**2)
entropy_part = -0.5 * (math.log(2 * math.pi) + math.log(std**2) + 1)
gauss.step(
    "E_q[log q] = -1/2 [log 2 pi + log sigma^2 + 1]", mean_under_q(q.log_prob(z)), entropy_part, how="quadrature"
)

# %% [markdown]
# That was $\log q$. Now $\log p$, still averaged over $q$. It has the square of $z - \mu_p$ in it, the distance from the
# centre of the *other* Gaussian. **Line 5** goes there by way of $\mu$:
#
# $$(z - \mu_p)^2 = (z - \mu)^2 + 2 \, (z - \mu)(\mu - \mu_p) + (\mu - \mu_p)^2$$
#
# In the mean the middle term vanishes, because $\mathbb E_q[z] = \mu$ (**line 6**). **Line 7**: the first term has the mean
# $\sigma^2$ by line 2, the third is a constant.
#
# $$\mathbb E_q\big[(z - \mu_p)^2\big] = \sigma^2 + (\mu - \mu_p)^2$$

# %%
apart = (Z - M) ** 2 + 2 * (Z - M) * (M - M_p) + (M - M_p) ** 2
gauss.algebra("(z - mu_p)^2 = (z - mu)^2 + 2 (z - mu)(mu - mu_p) + (mu - mu_p)^2", (Z - M_p) ** 2, apart)
gauss.step("E_q[z] = mu", mean_under_q(z), mu, how="quadrature")
square = std**2 + (mu - mu_p) ** 2
gauss.step("E_q[(z - mu_p)^2] = sigma^2 + (mu - mu_p)^2", mean_under_q((z - mu_p) ** 2), square, how="quadrature")

# %% [markdown]
# **Line 8**: write line 1 for $p$, with $\mu_p$ and $\sigma_p$, and take its mean under $q$ with the help of line 7.
#
# $$\mathbb E_q[\log p(z)] = -\tfrac12 \left( \log 2\pi + \log \sigma_p^2 + \frac{\sigma^2 + (\mu -
# \mu_p)^2}{\sigma_p^2} \right)$$
#
# **Lines 9 and 10**: the KL is line 4 minus line 8. The $\log 2\pi$ cancels, and here is the result:
#
# $$\mathrm{KL}(q \,\Vert\, p) = \tfrac12 \left( \log \sigma_p^2 - \log \sigma^2 + \frac{\sigma^2 + (\mu -
# \mu_p)^2}{\sigma_p^2} - 1 \right)$$
#
# Once by sympy, for all numbers; then with ours.

# %%
cross_part = -0.5 * (math.log(2 * math.pi) + math.log(std_p**2) + square / std_p**2)
formula = "E_q[log p] = -1/2 [log 2 pi + log sigma_p^2 + (sigma^2 + (mu - mu_p)^2) / sigma_p^2]"
gauss.step(formula, mean_under_q(p.log_prob(z)), cross_part, how="quadrature")
line_4 = -(sympy.log(2 * sympy.pi) + sympy.log(S**2) + 1) / 2
line_8 = -(sympy.log(2 * sympy.pi) + sympy.log(S_p**2) + (S**2 + (M - M_p) ** 2) / S_p**2) / 2
result = (sympy.log(S_p**2) - sympy.log(S**2) + (S**2 + (M - M_p) ** 2) / S_p**2 - 1) / 2
gauss.algebra("line 4 - line 8 = KL(q || p)", line_4 - line_8, result)
kl = 0.5 * (math.log(std_p**2) - math.log(std**2) + square / std_p**2 - 1)
formula = "KL = 1/2 [log sigma_p^2 - log sigma^2 + (sigma^2 + (mu - mu_p)^2) / sigma_p^2 - 1]"
gauss.step(f"{formula}, by quadrature", mean_under_q(q.log_prob(z) - p.log_prob(z)), kl, how="quadrature")

# %% [markdown]
# Now the formula is yours. In code a network gives $\log \sigma^2$, called `logvar`, because any real number is a valid
# logarithm, and a negative number is not a valid variance. So $\sigma^2$ is `logvar.exp()`, and $\log \sigma^2$ is there for
# free. For $D$ dimensions, add up.

# %% exercise="03-gaussian-kl"

# %% [markdown]
# Hold it against two others, for four examples of 20 dimensions: **line 11** against PyTorch's KL of 20-dimensional Gaussians,
# which knows nothing of sums over dimensions, **line 12** against the package's function, which later lessons use.

# %%
from torch.distributions import MultivariateNormal

from vae_course import distributions

mu, logvar, mu_p, logvar_p = torch.randn(4, 4, 20, dtype=torch.float64)
q = MultivariateNormal(mu, torch.diag_embed(logvar.exp()))
p = MultivariateNormal(mu_p, torch.diag_embed(logvar_p.exp()))
yours = gaussian_kl(mu, logvar, mu_p, logvar_p)
gauss.step("yours, D = 20 = torch's for whole vectors", yours, kl_divergence(q, p))
gauss.step("yours, D = 20 = the package's", yours, distributions.gaussian_kl(mu, logvar, mu_p, logvar_p))

# %% [markdown]
# In a VAE, $p$ is the prior $\mathcal N(0, I)$. **Line 13** puts $\mu_p = 0$ and $\sigma_p = 1$ into line 9, where
# $\log \sigma_p^2$ becomes zero. **Line 14** writes it in `logvar`, $\sigma^2 = e^{\log \sigma^2}$:
#
# $$\mathrm{KL}\big(q \,\Vert\, \mathcal N(0, 1)\big) = \tfrac12 \left( \sigma^2 + \mu^2 - 1 - \log \sigma^2 \right)
# = \tfrac12 \left( e^{\mathrm{logvar}} + \mu^2 - 1 - \mathrm{logvar} \right)$$

# %%
LV = sympy.symbols("logvar", real=True)
to_prior = (S**2 + M**2 - 1 - sympy.log(S**2)) / 2
in_logvar = (sympy.exp(LV) + M**2 - 1 - LV) / 2
gauss.algebra(
    "mu_p = 0, sigma_p = 1: KL = 1/2 [sigma^2 + mu^2 - 1 - log sigma^2]", result.subs({M_p: 0, S_p: 1}), to_prior
)
gauss.algebra("in logvar: KL = 1/2 [exp(logvar) + mu^2 - 1 - logvar]", to_prior.subs(S, sympy.exp(LV / 2)), in_logvar)

# %% [markdown]
# Which width does this price favour? Keep $\mu = 0$. Two terms depend on the width: $\frac12 (\sigma^2 - 1)$, which grows
# with it, and $-\frac12 \log \sigma^2$, which falls. Predict where their sum is lowest.

# %%
logvar = torch.linspace(-4, 2, 121, dtype=torch.float64)
wide_term, narrow_term = 0.5 * (logvar.exp() - 1), -0.5 * logvar
curves = {"(exp(logvar) - 1) / 2": wide_term, "-logvar / 2": narrow_term, "KL": wide_term + narrow_term}
plotting.lines(logvar, curves, xlabel="logvar of q (p = N(0, 1), mu = 0)", ylabel="nats")

# %% [markdown]
# The sum touches zero at `logvar` $= 0$, where $q$ is $p$. To the left, a $q$ that is narrower than $p$ pays for its
# precision, far out half a nat for each unit of `logvar`. To the right, a $q$ that is too wide puts mass where $p$ has hardly
# any, and pays exponentially. The mean costs $\frac12 \mu^2$: three standard deviations from the centre of the prior cost
# 4.5 nats.

# %% [markdown]
# ## 8 Two directions, two tastes
#
# So far $q$ and $p$ were given. Now $p$ is given and you choose $q$, a Gaussian. What if $p$ has two modes, so that no
# Gaussian fits?
#
# $$p(z) = 0.4 \; \mathcal N(z; -2, 0.35^2) + 0.6 \; \mathcal N(z; 2, 0.35^2)$$

# %%
from vae_course.plotting.densities import densities, divergence

modes = Normal(numbers(-2.0, 2.0), numbers(0.35, 0.35))
p = MixtureSameFamily(Categorical(numbers(0.4, 0.6)), modes)
z = torch.linspace(-12, 12, 4801, dtype=torch.float64)
dz = float(z[1] - z[0])
candidates = {"one mode": Normal(2.0, 0.35), "between": Normal(0.0, 1.0), "both modes": Normal(0.4, 2.0)}
shown = slice(1300, 3501)  # the middle of the grid, -5.5 to 5.5
qs = {name: q.log_prob(z[shown]).exp() for name, q in candidates.items()}
densities(z[shown], p.log_prob(z[shown]).exp(), qs)

# %% [markdown]
# Three candidates for $q$: one sits on the larger mode, one sits between the modes, one is wide enough for both. Write
# down two predictions before you go on:
#
# 1. Which of the three has the smallest $\mathrm{KL}(q \,\Vert\, p)$, where the draws come from $q$?
# 2. Which has the smallest $\mathrm{KL}(p \,\Vert\, q)$, where the draws come from $p$?
#
# The first is called the **reverse** direction and the second the **forward** direction. To find out, write both. On an
# even grid an integral is a sum times the spacing $dz$.

# %% exercise="03-direction"

# %%
log_q = torch.stack([q.log_prob(z) for q in candidates.values()])
log_p = p.log_prob(z).expand_as(log_q)
reverse, forward = both_directions(log_q, log_p, dz)
picture, axes = plotting.figure(1, 2, height=2.2)
plotting.bars(
    list(candidates), reverse, xlabel="KL(q || p) in nats", title="reverse", highlight=["one mode"], ax=axes[0, 0]
)
plotting.bars(
    list(candidates), forward, xlabel="KL(p || q) in nats", title="forward", highlight=["both modes"], ax=axes[0, 1]
)
picture

# %% [markdown]
# The reverse KL takes the candidate on one mode, the forward KL the wide one. The reason lies in where each of them looks. Take
# the wide candidate and draw the integrand of the reverse KL,
# $q(z) \, (\log q(z) - \log p(z))$, below the densities. Its area is the KL.

# %%
log_q, log_p = candidates["both modes"].log_prob(z)[shown], p.log_prob(z)[shown]
divergence(z[shown], log_p.exp(), log_q.exp(), log_q.exp() * (log_q - log_p), name="KL(q || p)")

# %% [markdown]
# Nearly all of the cost arises in the gap between the modes and outside them. There $q$ draws, and $p$ is almost zero. A
# draw that $p$ calls nearly impossible is what the reverse KL can't bear; it would rather leave a mode out. Therefore it is
# called **mode-seeking**.
#
# Now the forward KL of the candidate on one mode, with the integrand $p(z) \, (\log p(z) - \log q(z))$.

# %%
log_q = candidates["one mode"].log_prob(z)[shown]
divergence(z[shown], log_p.exp(), log_q.exp(), log_p.exp() * (log_p - log_q), name="KL(p || q)")

# %% [markdown]
# All of the cost arises on the mode that $q$ leaves out. $p$ draws there, and $q$ calls it impossible. The forward KL
# can't bear that, and would rather cover a gap where nothing is. Therefore it is called **mass-covering**.

# %% [markdown]
# ### What each optimum is
#
# On a mode of weight $w$, far from the other, $p$ is $w$ times the Gaussian of that mode. If
# $q$ is that Gaussian, the log ratio is $\log q - \log (w \, q) = \log (1/w)$ at every draw, and so is its mean:
#
# $$\mathrm{KL}(q \,\Vert\, p) = \log \frac1w$$

# %%
two = Derivation("What the two directions want")
on_modes = modes.log_prob(z[:, None]).T
two.step(
    "q on a mode of weight w: KL(q || p) = log(1/w)",
    both_directions(on_modes, p.log_prob(z).expand(2, -1), dz)[0],
    -numbers(0.4, 0.6).log(),
    how="quadrature",
)
claim("03-small-mode", -math.log(0.4), world="any", tolerance=0.006, digits=2)
claim("03-large-mode", -math.log(0.6), world="any", tolerance=0.006, digits=2)

# %% [markdown]
# Leaving out the smaller mode costs {{any:03-large-mode}} nats, leaving out the larger one {{any:03-small-mode}}. Both are
# places from which no small move of $q$ helps.
#
# The forward KL, whatever the shape of $p$, gives $q$ the mean and the variance of $p$: it **matches the moments**.
# (Going deeper derives that.)

# %% [markdown]
# ## 9 Fit it yourself
#
# Here is the same $p$ with a $q$ that you can move, and below it the integrand of the direction that you chose.

# %%
from vae_course.widgets.kl_playground import KLPlayground

KLPlayground()

# %% [markdown]
# 1. *By hand.* With the reverse direction chosen, make $\mathrm{KL}(q \,\Vert\, p)$ as small as you can. Then press
#    *Descend*. Did gradient descent beat you?
# 2. Start it at a mean of $-1$, and at a mean of $1$. Compare where it ends, and at how many nats.
# 3. Choose the forward direction. Is there any start from which it does not end at the same place?

# %% [markdown]
# ## 10 The variational idea
#
# Back to the posterior, $p(z \mid x) = p(x, z) / p(x)$. The numerator is easy for any $z$. The denominator is the integral
# over all $z$ that lesson 02 could solve in one dimension and could not estimate well in many.
#
# **Variational inference** turns the integral into a search. Choose a family of distributions that you can handle, here
# the Gaussians $q = \mathcal N(\mu, \sigma^2)$, and take the member that is closest to the posterior:
#
# $$\min_{\mu,\, \sigma} \; \mathrm{KL}\big(q(z) \,\Vert\, p(z \mid x)\big)$$
#
# Why this direction? Because its mean is under $q$, from which you can draw. The other one wants draws from the very
# posterior that you don't have.
#
# Try it where the truth is known, in the one-dimensional world of lesson 02 with the prior $\mathcal N(0, 1)$ and
# $x = z^2 + z/2 + \text{noise}$. A point $x = 2$ can come from a positive or from a negative $z$.

# %%
from vae_course.exact import GridWorld

hills = GridWorld(lambda z: (z.square() + z / 2).unsqueeze(-1), 0.7, half_width=10.0, n_points=1001)
x = numbers(2.0).reshape(1, 1)
posterior = hills.posterior_density(x)[0]
shown = (hills.grid > -3.5) & (hills.grid < 3.5)
densities(hills.grid[shown], posterior[shown], {}, name="p(z | x)")

# %% [markdown]
# Search by gradient descent on $\mu$ and $\log \sigma^2$. `kl_to_posterior` computes the KL by quadrature, and PyTorch its
# gradient.


# %%
def search(mu, logvar):
    mu, logvar = (numbers(start).reshape(1, 1).requires_grad_() for start in (mu, logvar))
    optimiser = torch.optim.Adam([mu, logvar], lr=0.05)
    for _ in range(200):
        kl = hills.kl_to_posterior(x, mu, logvar).sum()
        optimiser.zero_grad()
        kl.backward()
        optimiser.step()
    return mu.detach(), logvar.detach()


# %% [markdown]
# Three starts: a narrow $q$ to the right, a narrow $q$ to the left, and a wide one. The cell takes a few seconds. Where
# will each of them end?

# %%
found = {"narrow, right": search(1.0, -2.0), "narrow, left": search(-1.0, -2.0), "wide": search(0.0, 1.0)}
for name, (mu, logvar) in found.items():
    print(f"{name}: mean {mu.item():.2f}, std {(0.5 * logvar).exp().item():.2f}")
    claim(f"03-hills-{name.split()[-1]}", hills.kl_to_posterior(x, mu, logvar), world="any", tolerance=0.01, digits=2)
grid = hills.grid[shown]
qs = {name: Normal(mu, (0.5 * logvar).exp()).log_prob(grid).exp()[0] for name, (mu, logvar) in found.items()}
densities(grid, posterior[shown], qs, name="p(z | x)")

# %% [markdown]
# The narrow ones climb one hill each and fit it closely. The one on the right is off by {{any:03-hills-right}} nats, the one
# on the left by {{any:03-hills-left}}. The wide one comes to rest in a third, shallow valley of the KL, stretched over both
# hills, the worst of the three at {{any:03-hills-wide}} nats. Gradient descent finds *a* valley, not the deepest one.
#
# Even the best $q$ is not the posterior. That is the price of the family.

# %% [markdown]
# ### The constant that does not matter
#
# You may object: the cell above used the posterior, which we said we do not have. Put the joint $p(x, z)$, which we do have,
# in its place:
#
# $$F(q) = \mathbb E_q\big[\log q(z) - \log p(x, z)\big]$$
#
# Since $\log p(z \mid x) = \log p(x, z) - \log p(x)$, and $\log p(x)$ does not depend on $z$ or $q$, $F$ and the KL differ
# by a constant. So between any two $q$ they show **the same difference**:
#
# $$\mathrm{KL}\big(q_1 \,\Vert\, p(z \mid x)\big) - \mathrm{KL}\big(q_2 \,\Vert\, p(z \mid x)\big) = F(q_1) - F(q_2)$$


# %%
def F(mu, logvar):
    log_q = Normal(mu, (0.5 * logvar).exp()).log_prob(hills.grid)
    return torch.trapezoid(log_q.exp() * (log_q - hills.log_joint(x)), hills.grid)


idea = Derivation("The posterior is not needed to find the best q")
first, second = (numbers(0.0).reshape(1, 1), numbers(0.0).reshape(1, 1)), found["narrow, right"]
left = hills.kl_to_posterior(x, *first) - hills.kl_to_posterior(x, *second)
idea.step("KL(q1 || posterior) - KL(q2 || posterior) = F(q1) - F(q2)", left, F(*first) - F(*second), how="quadrature")

# %% [markdown]
# Whoever makes $F$ smaller makes the KL smaller, by just as much. $F$ needs no posterior and no $p(x)$: only draws from
# $q$, the density of $q$, the prior and the likelihood.
#
# What is the constant, and what does $-F$ have to do with $\log p(x)$? That is lesson 04.

# %% [markdown]
# ## 11 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("03", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("03")

# %%
exercises.progress("03")

# %% [markdown]
# ## Summary
#
# > $$\mathrm{KL}(q \,\Vert\, p) = \mathbb E_q\big[\log q(z) - \log p(z)\big] \ge \mathbb E_q\big[t - 1 - \log t\big]
# > \ge 0, \qquad t = p(z) / q(z)$$
# >
# > $$\mathrm{KL}(q \,\Vert\, p) = 0 \text{ only if } q = p;
# > \qquad \mathrm{KL}(q \,\Vert\, p) \ne \mathrm{KL}(p \,\Vert\, q) \text{ in general}$$
# >
# > $$\mathrm{KL}(q \,\Vert\, p) = \textstyle\sum_d
# > \mathrm{KL}(q_d \,\Vert\, p_d) \text{ for independent dimensions: a sum, not a mean}$$
# >
# > $$\mathrm{KL}\big(\mathcal N(\mu, \sigma^2) \,\Vert\, \mathcal N(\mu_p, \sigma_p^2)\big) = \tfrac12 \left( \log
# > \sigma_p^2 - \log \sigma^2 + \frac{\sigma^2 + (\mu - \mu_p)^2}{\sigma_p^2} - 1 \right)$$
# >
# > $$\mathrm{KL}\big(\mathcal N(\mu, \sigma^2) \,\Vert\, \mathcal N(0, 1)\big) = \tfrac12
# > \left( e^{\mathrm{logvar}} + \mu^2 - 1 - \mathrm{logvar} \right)$$
# >
# > Reverse, $\mathrm{KL}(q \,\Vert\, p)$: draws from $q$, mode-seeking. Forward, $\mathrm{KL}(p \,\Vert\, q)$: draws from
# > $p$, mass-covering, matches the moments. Variational inference takes the reverse one, with the posterior as $p$.

# %%
plotting.summary("03")

# %% [markdown]
# **Sources.** S. Kullback and R. A. Leibler, [*On Information and Sufficiency*](https://doi.org/10.1214/aoms/1177729694), Annals
# of Mathematical Statistics 22, 1951. C. M. Bishop, [*Pattern Recognition and Machine
# Learning*](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/), 2006, sections 1.6 and
# 10.1. D. M. Blei, A. Kucukelbir and J. D. McAuliffe, [*Variational Inference: A Review for
# Statisticians*](https://arxiv.org/abs/1601.00670), JASA 112, 2017. D. P. Kingma and M. Welling, [*Auto-Encoding Variational
# Bayes*](https://arxiv.org/abs/1312.6114), ICLR 2014, appendix B.
#
# **Next:** [04 The ELBO](04_the_elbo.ipynb), where the constant gets its name.

# %% [markdown]
# ## Going deeper
#
# ### Independent coordinates for a p that leans
#
# In section 5 both $q$ and $p$ were products over the coordinates. What if $p$ is not? Let it be a Gaussian of two
# coordinates with variance 1 each and correlation $\rho$, and let $q$ keep to independent coordinates, with variances $v_1$
# and $v_2$. A family of such products is called **mean field**; the $q$ of the VAEs in lessons 07 to 12 is of that kind.
# Predict: how wide is the best $q$ in each direction, for $\rho = 0.9$?
#
# With $\mu = 0$ (any other mean only adds to both), **line 1** is the KL in one direction, **line 2** in the other. Both are
# sums of a term in $v_1$ alone and a term in $v_2$ alone:
#
# $$\mathrm{KL}(q \,\Vert\, p) = \tfrac12 \Big( \frac{v_1 + v_2}{1 - \rho^2} - 2 + \log(1 - \rho^2) - \log v_1 v_2 \Big),
# \qquad \mathrm{KL}(p \,\Vert\, q) = \tfrac12 \Big( \frac1{v_1} + \frac1{v_2} - 2 + \log v_1 v_2 - \log(1 - \rho^2) \Big)$$

# %%
RHO, V1, V2 = sympy.symbols("rho v1 v2", positive=True)
reverse = ((V1 + V2) / (1 - RHO**2) - 2 + sympy.log(1 - RHO**2) - sympy.log(V1 * V2)) / 2
forward = (1 / V1 + 1 / V2 - 2 + sympy.log(V1 * V2) - sympy.log(1 - RHO**2)) / 2

rho = 0.9
leaning = MultivariateNormal(numbers(0.0, 0.0), numbers(1.0, rho, rho, 1.0).reshape(2, 2))
upright = MultivariateNormal(numbers(0.0, 0.0), torch.diag(numbers(0.3, 0.7)))
there, back = (float(side.subs({RHO: rho, V1: 0.3, V2: 0.7})) for side in (reverse, forward))
field = Derivation("Independent coordinates for a Gaussian that leans")
field.step("KL(q || p), v1 = 0.3, v2 = 0.7", there, kl_divergence(upright, leaning))
field.step("KL(p || q), v1 = 0.3, v2 = 0.7", back, kl_divergence(leaning, upright))

# %% [markdown]
# **Lines 3 and 4** set the slope with respect to $v_1$ to zero; $v_2$ goes the same way.
#
# $$\min \mathrm{KL}(q \,\Vert\, p): \; v_1 = 1 - \rho^2, \qquad \min \mathrm{KL}(p \,\Vert\, q): \; v_1 = 1$$
#
# **Line 5**: what the best $q$ still lacks is the same in both directions, $-\frac12 \log(1 - \rho^2)$.

# %%
v_reverse, v_forward = (sympy.solve(sympy.diff(side, V1), V1)[0] for side in (reverse, forward))
field.algebra("best v1 of KL(q || p) = 1 - rho^2", v_reverse, 1 - RHO**2)
field.algebra("best v1 of KL(p || q) = 1", v_forward, sympy.Integer(1))
left = [side.subs({V1: v, V2: v}) for side, v in ((reverse, v_reverse), (forward, v_forward))]
field.algebra("smallest KL(q || p) = smallest KL(p || q)", sympy.expand_log(left[0], force=True), left[1])
claim("03-mean-field-variance", v_reverse.subs(RHO, rho), world="any", tolerance=0.001, unit="= variance", digits=2)
claim("03-mean-field-lost", left[1].subs(RHO, rho), world="any", tolerance=0.006, digits=2)

# %%
from vae_course.plotting.densities import ellipses

variances = {"q, least KL(q || p)": float(v_reverse.subs(RHO, rho)), "q, least KL(p || q)": float(v_forward)}
ellipses(leaning.covariance_matrix, {name: v * torch.eye(2) for name, v in variances.items()})

# %% [markdown]
# The reverse KL gives each coordinate the variance {{any:03-mean-field-variance}}, the forward KL gives it 1. One is the
# variance that $z_1$ has under $p$ once $z_2$ is known, the other the one that it has by itself. A round $q$ as wide as $p$
# would draw in the two corners that $p$ leaves empty, and we know from section 8 that the reverse KL can't bear that. So
# where the true posterior leans, a mean-field $q$ understates how uncertain the code is, and {{any:03-mean-field-lost}}
# nats stay lost: no choice of $\mu$ and $\sigma$ wins them back.

# %% [markdown]
# ### The other direction, from draws of q
#
# Can draws from $q$ give you the other direction, a mean over $p$? Yes, if $q$ reaches all places that $p$ does, and each draw
# gets the weight $p(z) / q(z)$.
# **Line 3** of section 6's derivation: the weight cancels the $q$ that the draws come from, as in line 2 of section 3.
#
# $$\mathbb E_q\left[\frac{p(z)}{q(z)} \, \big(\log p(z) - \log q(z)\big)\right]
# = \int p(z) \, \big(\log p(z) - \log q(z)\big) \, dz = \mathrm{KL}(p \,\Vert\, q)$$

# %%
q, p = Normal(numbers(0.5), numbers(1.5)), Normal(numbers(0.0), numbers(1.0))
z = q.sample((100_000,))
log_q, log_p = q.log_prob(z), p.log_prob(z)
weighted = (log_p - log_q).exp() * (log_p - log_q)
draw.step("E_q[p/q (log p - log q)] = KL(p || q)", weighted.mean(), kl_pq, standard_error=standard_error(weighted))

# %% [markdown]
# So $p/q$ belongs in the *other* direction. For $\mathrm{KL}(q \,\Vert\, p)$ the draws come from the right place already,
# and a weight would spoil it.

# %% [markdown]
# ### The forward KL matches the moments
#
# Let $m$ and $v$ be the mean and the variance of $p$, whatever its shape. The first part of
# $\mathbb E_p[\log p(z) - \log q(z)]$ does not depend on $q$. For the second, take line 1 of section 7 and average it
# over $p$. As in line 7 the square has the mean $v + (m - \mu)^2$:
#
# $$\mathrm{KL}(p \,\Vert\, q) = \mathbb E_p[\log p(z)] + \tfrac12 \left( \log 2\pi + \log \sigma^2 + \frac{v + (m -
# \mu)^2}{\sigma^2} \right)$$

# %%
p = MixtureSameFamily(Categorical(numbers(0.4, 0.6)), modes)
z = torch.linspace(-12, 12, 4801, dtype=torch.float64)
mu, std, m, v = 0.0, 1.0, p.mean, p.variance
log_p = p.log_prob(z)
rest = 0.5 * (math.log(2 * math.pi) + math.log(std**2) + (v + (m - mu) ** 2) / std**2)
two.step(
    "KL(p || q) = E_p[log p] + 1/2 [log 2 pi + log sigma^2 + (v + (m - mu)^2) / sigma^2]",
    both_directions(Normal(mu, std).log_prob(z)[None], log_p[None], dz)[1],
    (log_p.exp() * log_p).sum() * dz + rest,
    how="quadrature",
)

# %% [markdown]
# The right side is smallest in $\mu$ at $\mu = m$. Then $\log \sigma^2 + v / \sigma^2$ is left. Its derivative with respect
# to $\sigma^2$ is zero at one place only:
#
# $$\frac{1}{\sigma^2} - \frac{v}{\sigma^4} = 0 \quad \Longrightarrow \quad \sigma^2 = v$$

# %%
V, S2 = sympy.symbols("v sigma^2", positive=True)
slope = sympy.diff(sympy.log(S2) + V / S2, S2)
two.algebra("slope of log sigma^2 + v / sigma^2 = 1/sigma^2 - v/sigma^4", slope, 1 / S2 - V / S2**2)
two.algebra("the forward optimum: sigma^2 = v", sympy.solve(slope, S2)[0], V)

# %% [markdown]
# ### Modes that lie closer together
#
# Where two modes lie closer together, the choice becomes less stark. In a cell of your own, try
#
# ```python
# closer = Normal(numbers(-1.5, 1.5), numbers(0.8, 0.8))
# KLPlayground(MixtureSameFamily(Categorical(numbers(0.4, 0.6)), closer))
# ```
#
# Now the reverse KL covers both modes as well, because there is no deep gap to fear.

# %% [markdown]
# ### In your own words
#
# Why does the Gaussian that minimises $\mathrm{KL}(q \,\Vert\, p)$ sit on one of the two modes, although $p$ has mass on
# both, and what exactly does that cost? Answer in three to five sentences.

# %% exercise="03-one-mode"

# %% [markdown]
# ### Find the error (optional): which sigma?
#
# *Variational Autoencoders*, a blog post of 18 July 2020, writes $q(z \mid x) = \mathcal N(\mu, \Sigma)$, calls $\Sigma$
# "a $d$-by-$d$ matrix", draws $z = \mu + \Sigma \varepsilon$, and gives the KL with a trace and a determinant,
#
# $$\mathrm{KL} = \tfrac12 \left( \mathrm{tr}\, \Sigma + \mu^\top \mu - d - \log \det \Sigma \right).$$
#
# For a diagonal matrix the trace is the sum of the diagonal, and the log determinant the sum of its logarithms. Code that
# is written after such formulas has no matrix anywhere. $\Sigma$ becomes a vector of $d$ numbers for each example, and
# the network gives its logarithm, under the name of `log_sigma`. (The code below is ours.)


# %%
def from_the_text(mu, log_sigma, eps):
    Sigma = torch.exp(log_sigma)  # "a d-by-d matrix"
    z = mu + Sigma * eps  # "mu + Sigma eps"
    kl = 0.5 * (Sigma + mu**2 - 1 - log_sigma).sum(dim=-1)  # "tr Sigma + mu'mu - d - log det Sigma"
    return z, kl


# %% [markdown]
# It runs, and a VAE trained with it looks plausible. Measure it. Take $\mu = 0$ and 100,000 draws, look how wide $z$ really
# is, and compute the KL of a Gaussian of that width.

# %%
eps = torch.randn(100_000, 1, dtype=torch.float64)
for value in (0.0, -0.1, -1.0, -2.0):
    z, kl = from_the_text(torch.zeros_like(eps), torch.full_like(eps, value), eps)
    true_kl = kl_divergence(Normal(z.mean(), z.std()), Normal(numbers(0.0), numbers(1.0)))
    print(
        f"log_sigma {value:4.1f}: width of z {z.std():.2f}, KL of the code {kl[0]:.3f}, KL of these z {true_kl.item():.3f}"
    )

# %% [markdown]
# At `log_sigma` $= 0$, where $q$ is the prior, both agree, and near it both are small, so that the error is easy to miss.
# Further away the code's KL is far too low: it pays less than it should for a narrow $q$.
#
# One of the lines reads the vector as standard deviations, another as variances. Repair the function so that the KL
# belongs to the $q$ that $z$ is drawn from. The input is what its name says, $\log \sigma$.

# %% exercise="03-sigma"

# %% [markdown]
# Two remarks for reading other people's code. With the covariance matrix $\Sigma = \mathrm{diag}(\sigma^2)$ the formula
# with trace and determinant is right, and it is the draw that needs the root of the matrix. The opposite mix-up
# is `exp(logvar)` used as the width of the noise. The test is always the same. Draw many $z$, measure their
# width, and compare the KL.

# %% [markdown]
# ### Everything you have tested
#
# The lines of this lesson's derivations, each computed on both sides and compared.

# %%
from IPython.display import display

for derivation in (what, never, add, draw, gauss, two, idea, field):
    display(derivation.summary())
