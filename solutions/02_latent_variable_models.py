# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 Latent-variable models
#
# Lesson 01 ended with holes: nothing says which codes of an autoencoder are to be expected. This lesson starts at the other
# end: **first** a distribution over codes, **then** a rule that turns a code into something you can see. Two questions
# follow you from here to the end of the course. How probable is what you see? And which code lies behind it?

# %% [markdown]
# **After this lesson you can**
# - draw the graphical model of a latent-variable model, and draw from the model itself,
# - tell prior, likelihood, joint, marginal and posterior apart,
# - derive $p(x)$ and the posterior of the linear-Gaussian world,
# - compute $p(x)$ by a grid, and say why no grid helps in twenty dimensions,
# - estimate $p(x)$ from draws of the prior, and predict the error.
#
# **You need first:** lesson 01. Densities, expectations and variances; a little matrix algebra.
#
# **Time:** No cell takes longer than a few seconds.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $z$ | a code: the hidden cause | `z` | `[N]`, `[N, D]` for $N$ draws; `[G]` on a grid |
# | $x$ | what is observed | `x` | `[N]`, `[N, X]`, or one point `[1, X]` |
# | $p(z)$ | prior | `p_z`, `prior` | `[K]` for $K$ codes; `[G]` |
# | $p(x \mid z)$ | likelihood | `p_x_z`, `likelihood`, `log_px_z` | `[K, M]` for $M$ observations; `[G]`; `[L, B]` for $L$ draws |
# | $p(x, z)$ | joint: prior times likelihood | `joint`, `log_joint` | `[K, M]`; `[B, G]` |
# | $p(x)$ | marginal, also called the evidence | `p_x`, `log_px` | `[M]`; one number, or `[B]` |
# | $p(z \mid x)$ | posterior | `posterior` | `[M, K]`; `[G]` |
# | $\Delta$ | distance between two points of a grid | `step` | one number |
# | $f$ | in the second world the mean of $x$ is $f(z)$ | `f` | as $z$ |
# | $W, b, \sigma$ | loadings, mean and noise of the linear-Gaussian world | `W`, `b`, `sigma` | `[X, D]`, `[X]`, one number |
# | $m, S$ | mean and covariance of its posterior | `m`, `S` | `[D]`, `[D, D]` |
# | $\varepsilon$ | standard normal noise | `eps` | as what it is added to |
# | $\hat p$ | an estimate of $p(x)$ | `p_hat` | one number, or one for each repetition |
# | $r, c$ | relative error of $\hat p$; factor by which one dimension multiplies $L r^2 + 1$ | `r`, `c` | one number |
#
# In the shapes, $N$ counts draws, $D$ latent and $X$ observed numbers, $K$ codes and $M$ observations of a table, $G$ points
# of a grid, $L$ draws in one estimate, and $B$ points $x$.

# %% [markdown]
# ## 1 A hidden cause
#
# Before a pen touches the paper, a few things are settled: which digit, how slanted, how large. You never see these, only the
# pixels that they lead to. A **latent-variable model** is this story with probabilities in it. First draw a code $z$, then
# draw $x$ from a distribution that depends on $z$.

# %%
import math

import sympy
import torch
from torch.distributions import Categorical, MultivariateNormal, Normal

from vae_course import exercises, plotting
from vae_course.claims import claim
from vae_course.exact import DiscreteWorld, GridWorld, LinearGaussian
from vae_course.plotting import worlds
from vae_course.derivations import Derivation, StepError, standard_error

_ = torch.manual_seed(0)
torch.set_num_threads(1)  # on tensors as small as these, several would only wait for each other
worlds.graphical_model()

# %% [markdown]
# This is a **graphical model**. A circle is a random quantity, grey if you observe it, empty if it stays hidden. An arrow
# says what depends on what. The frame, called a **plate**, says: all this happens $N$ times, each time with a code of its
# own. The picture stands for a product with one factor for each circle:
#
# $$p(x, z) = p(z) \; p(x \mid z)$$
#
# To draw from such a model, follow the arrows, parents before children. This is called **ancestral sampling**.
#
# You meet the basic notions in three worlds: one of tables, one of curves, and one with as many dimensions as you like. Each
# has its own `z` and `x`: if you go back to an earlier world, run its cells again from the top.

# %% [markdown]
# ## 2 The world of urns
#
# There are three urns, $z = 0, 1, 2$. Somebody picks one with probabilities 0.5, 0.3 and 0.2, the **prior** $p(z)$, and
# draws a ball from it, red ($x = 0$) or blue ($x = 1$). Urn 0 holds 10% red balls, urn 1 50%, urn 2 80%. These are the
# **likelihood** $p(x \mid z)$: one row for each urn. Play 100,000 games by ancestral sampling.


# %%
def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


p_z = numbers(0.5, 0.3, 0.2)
p_x_z = torch.stack([numbers(0.1, 0.9), numbers(0.5, 0.5), numbers(0.8, 0.2)])
z = Categorical(p_z).sample((100_000,))
x = Categorical(p_x_z[z]).sample()
print([f"urn {z[n]}, {('red', 'blue')[x[n]]}" for n in range(4)])

# %% [markdown]
# In 20% of the games urn 2 is picked, and in 80% of those the ball is red, so urn 2 *and* red should come up in 0.2 times 0.8
# of them. The table of all six such products is the **joint**.
#
# $$p(x, z) = p(z) \, p(x \mid z)$$
#
# Count it. `games` holds a table for each game, with a 1 at its urn and ball and zeros elsewhere.

# %%
games = torch.nn.functional.one_hot(2 * z + x, 6).reshape(-1, 3, 2).double()
joint = p_z[:, None] * p_x_z
bayes = Derivation("Bayes in the world of urns")
bayes.step("share of games = p(z) p(x|z)", games.mean(0), joint, standard_error=standard_error(games))

# %% [markdown]
# ### How to read such a line
#
# A `Derivation` computes **both sides of a line in two different ways**, and compares them. Its row shows the formula, both
# values (of a table, the entry that comes nearest to its limit), and a tick. Click the tick to see how they were compared.
# *Closed form*: equal up to rounding. *Quadrature*: an integral by a fine sum. *Algebra*: sympy has simplified the
# difference to zero. *Monte Carlo*: one side is a mean over draws.
#
# A mean over draws is never exact. Its **standard error**, the standard deviation of the draws divided by the root of their
# number, says how far off it typically is. A line may differ by four standard errors, which chance exceeds about once in
# 16,000 times for one number, more often for a table.
#
# A wrong line raises a `StepError`, and the notebook stops there. Below, the right side has one factor too many (`try` and
# `except` show only the message). Set `factor` to 1, and the line holds. And `claim` compares a number of the text with the
# one that your cell has computed.

# %% tags=["nbval-check-output"]
p_x = joint.sum(0)
factor = 1.1
try:
    Derivation("A wrong line").step("p(red) = sum of the first column", p_x[0], factor * joint[:, 0].sum())
except StepError as error:
    print(error)

# %% [markdown]
# ### The marginal
#
# How probable is red, whatever the urn? Add up over the urns. This is called **marginalising**, and the result is the
# **marginal** $p(x)$, or the *evidence*:
#
# $$p(x) = \sum_z p(x, z) = \sum_z p(z) \, p(x \mid z)$$

# %%
colours = games.sum(1)
bayes.step("share of each colour = sum_z p(x, z)", colours.mean(0), p_x, standard_error=standard_error(colours))
bayes.step("sum_z p(x, z) = sum_z p(z) p(x|z)", p_x, p_z @ p_x_z)
claim("02-urns-red", 100 * p_x[0], world="any", tolerance=0.5, unit="% red balls", digits=0)

# %% [markdown]
# ### The posterior
#
# The ball is red. Predict: which urn does it most probably come from, and by far or by little?
#
# Keep only the games with a red ball, {{any:02-urns-red}}% of all. The share of urn $z$ among them is
#
# $$p(z \mid x) = \frac{p(x, z)}{p(x)} = \frac{p(z) \, p(x \mid z)}{\sum_{z'} p(z') \, p(x \mid z')}$$
#
# This is the **posterior**: what you know about the code after you have seen $x$. The second form is **Bayes' rule**. It
# turns the arrow round: the model goes from $z$ to $x$, the posterior from $x$ back to $z$. The second line below goes
# through logarithms, as you will have to with images: a softmax exponentiates and divides by the sum.

# %%
red = games[x == 0][:, :, 0]
bayes.step(
    "share among red games = p(x, z) / p(x)", red.mean(0), joint[:, 0] / p_x[0], standard_error=standard_error(red)
)
urns = DiscreteWorld(p_z, p_x_z)
right = torch.softmax(p_z.log() + p_x_z[:, 0].log(), dim=0)
bayes.step("p(z|x) = p(z) p(x|z) / sum of the same over z", urns.posterior()[0], right)
claim("02-urns-two", 100 * urns.posterior()[0, 2], world="any", tolerance=0.5, unit="% urn 2", digits=0)
worlds.urn_mosaic(p_z, p_x_z, 0, names=["urn 0", "urn 1", "urn 2"], seen="red")

# %% [markdown]
# On the left, each urn is as wide as its prior, and hatched as high as its likelihood of red. So the hatched **area** is the
# joint, and all three together are $p(x)$. On the right they are scaled until they sum to one: the posterior, beside the
# prior as blue lines. Red speaks against urn 0, the favourite before. Urn 2 leads with {{any:02-urns-two}}%, but only just:
# urn 1 makes up by its prior what it lacks in red balls.
#
# One trap. The formula $p(x \mid z)$ can be read in two ways. With $z$ fixed it is a distribution over **$x$**: each row of
# the table sums to one. With $x$ fixed it is a function of **$z$**, which statistics calls the likelihood in the narrow
# sense, the likelihood *of $z$*. It is not a distribution: the column of red sums to $0.1 + 0.5 + 0.8$. Multiplied by the
# prior and divided by $p(x)$ it becomes one, the posterior.

# %% [markdown]
# ### Your turn: Bayes' rule for tables
#
# Write it for all observations at once. `p_z` is `[K]`, `p_x_z` is `[K, M]` with one row for each code. The result has one row
# for each **observation**: `[M, K]`. To multiply the rows of a `[K, M]` table, a `[K]` tensor needs another axis,
# `p_z[:, None]`; without it PyTorch matches it with the $M$ columns.

# %% exercise="02-posterior-table"

# %% [markdown]
# ## 3 The world of two hills
#
# Codes of VAEs are not urns but numbers. So let $z$ be one number with a standard normal prior, and bend it:
#
# $$z \sim \mathcal N(0, 1), \qquad x = f(z) + 0.7 \, \varepsilon, \qquad f(z) = z^2 + \tfrac12 z,
# \qquad \varepsilon \sim \mathcal N(0, 1)$$
#
# In $\mathcal N(\cdot, \cdot)$ the second entry is the **variance**; code takes its root. So $p(x \mid z)$ is
# $\mathcal N(x; f(z), \sigma^2)$ with $\sigma = 0.7$. A VAE has a neural network where this world has $f$. Sums over codes
# become integrals, and probabilities become densities.
#
# `GridWorld` does the integrals by fine sums. `hills.grid` holds $G = 4{,}001$ codes from $-8$ to 8, `hills.step` apart.
# `hills.log_joint(x)` takes points `[B, 1]` and gives $\log p(x, z)$ at each code of the grid, `[B, G]`;
# `hills.log_marginal(x)` gives $\log p(x)$, `[B]`; `hills.likelihood(z)` is $p(x \mid z)$ as a distribution of PyTorch.
#
# Before you look: sketch where the pairs $(z, x)$ lie. Which codes can have led to $x = 2$?

# %%
z, eps = torch.randn(2, 200_000, dtype=torch.float64)
x = z.square() + z / 2 + 0.7 * eps
hills = GridWorld(lambda z: (z.square() + z / 2).unsqueeze(-1), 0.7)
xs = torch.linspace(-4, 18, 441, dtype=torch.float64)
near = GridWorld(hills.f, 0.7, half_width=3.2, n_points=401)  # codes from -3.2 to 3.2 are enough for a picture
density = near.log_joint(xs[:, None]).exp()
worlds.joint_map(near.grid, xs, density, seen=2.0, shown=(-2.5, 8.0), draws=(z[:400], x[:400]))

# %% [markdown]
# The blue cloud is the joint $p(x, z)$, with 400 of the draws on it. Added up over $x$ it gives the prior, above; added up
# over $z$, the marginal $p(x)$, at the side. The cut along the dashed line $x = 2$ has two hills, because $z$ and its
# counterpart on the other arm of the parabola lead to the same $x$. Its area is $p(x)$. Divide by that, and you have the
# posterior, below.
#
# **Line 1**: the joint is the product of two normal densities. **Line 2**: the marginal is an integral, $p(x) = \int p(z) \,
# p(x \mid z) \, dz$. **Line 3**: this $p(x)$ is what draws of the model follow; count how many fall between 1.5 and 2.5.
# **Line 4** is Bayes' rule, and **line 5** says that the posterior has an area of one. Predict one more: what is the area
# under the *likelihood*, read along $z$?

# %%
curves = Derivation("The world of two hills")
x_hills = numbers(2.0).reshape(1, 1)
grid, step = hills.grid, hills.step
prior = torch.exp(-0.5 * grid**2) / math.sqrt(2 * math.pi)
likelihood = torch.exp(-0.5 * ((2 - grid**2 - grid / 2) / 0.7) ** 2) / (0.7 * math.sqrt(2 * math.pi))
curves.step("p(x, z) = p(z) p(x|z), at each z", hills.log_joint(x_hills)[0].exp(), prior * likelihood)
p_2 = hills.log_marginal(x_hills).exp()[0]
right = torch.trapezoid((prior * likelihood)[::10], grid[::10])
curves.step("p(x) = integral of p(z) p(x|z) dz", p_2, right, how="quadrature")

# %%
inside = ((x > 1.5) & (x < 2.5)).double()
window = torch.linspace(1.5, 2.5, 101, dtype=torch.float64)
right = torch.trapezoid(hills.log_marginal(window[:, None]).exp(), window)
formula = "share of draws with 1.5 < x < 2.5 = integral of p(x)"
curves.step(formula, inside.mean(), right, standard_error=standard_error(inside))
posterior = hills.posterior_density(x_hills)[0]
curves.step("p(z|x) = p(z) p(x|z) / p(x), at each z", posterior, prior * likelihood / p_2)
curves.step("integral of p(z|x) dz = 1", torch.trapezoid(posterior, grid), 1.0, how="quadrature")
claim("02-likelihood-area", likelihood.sum() * step, world="any", tolerance=0.005, unit="", digits=2)
claim("02-hills-px", p_2, world="any", tolerance=0.0005, unit="", digits=3)

# %% [markdown]
# The area of the likelihood is {{any:02-likelihood-area}}, and it might be anything. And note one thing for later: the prior
# is Gaussian, and $p(x \mid z)$ is Gaussian for each $z$. The posterior is not.

# %% [markdown]
# ## 4 The integral as a sum
#
# Put $G$ points $z_1, \dots, z_G$ at even distances $\Delta$, draw a bar of this width on each, and add up the areas:
#
# $$p(x) = \int p(x, z) \, dz \;\approx\; \Delta \sum_{g=1}^G p(x, z_g)$$
#
# This is called **quadrature**. Predict: how many bars do you need between $-4$ and $4$ for three correct digits of $p(2)$?


# %%
def coarse(points):
    """The same world on a grid of a few points between -4 and 4."""
    return GridWorld(hills.f, 0.7, half_width=4.0, n_points=points)


fig, axes = plotting.figure(1, 2, height=2.8)
inner = grid.abs() <= 4
for ax, points in zip(axes[0], (9, 25), strict=True):
    few = coarse(points)
    heights = few.log_joint(x_hills)[0].exp()
    worlds.grid_sum(grid[inner], (prior * likelihood)[inner], few.grid, heights, ax=ax)
fig

# %% [markdown]
# Nine bars miss most of the shape, and still their sum is not far from $p(2) =$ {{any:02-hills-px}}. The next
# picture counts the correct digits, $-\log_{10}$ of the relative error.

# %%
counts = list(range(5, 62, 4))
sums = torch.cat([coarse(points).log_marginal(x_hills).exp() for points in counts])
digits = -(sums / p_2 - 1).abs().log10()
claim("02-grid-nine", 100 * abs(sums[1] / p_2 - 1), world="any", tolerance=0.5, unit="% off with 9 points", digits=0)
claim("02-grid-digits", digits[5], world="any", tolerance=0.1, unit="digits with 25 points", digits=1)
plotting.lines(counts, {"p(2)": digits}, xlabel="points of the grid", ylabel="correct digits", markers=True)

# %% [markdown]
# Nine points are {{any:02-grid-nine}}% off, 25 points give {{any:02-grid-digits}} digits, and soon the sum is as exact as
# the computer. For smooth curves that die out at both ends with all their derivatives, the errors of neighbouring bars cancel,
# and the error falls faster than any power of $\Delta$.

# %% [markdown]
# ### Twenty dimensions
#
# With 25 points along each axis, a grid in $D$ dimensions has $25^D$ points. Let a computer evaluate the joint at a billion
# points a second. How long does it take for $D = 20$, the size of lesson 07's VAE?

# %%
seconds = 25**20 / 1e9
ages = seconds / (365.25 * 24 * 3600) / 13.8e9
claim("02-grid-ages", ages, world="any", tolerance=0.5, unit="ages of the universe", digits=0)

# %% [markdown]
# {{any:02-grid-ages}} times the age of the universe, for a single $x$, and a training set has tens of thousands.

# %% [markdown]
# ## 5 Move x yourself
#
# Here are the two hills at one $x$. Above, the prior and the likelihood, read along $z$; in the middle their product, the
# joint, whose area is $p(x)$; below, the posterior. Drag a slider, or focus it and press the arrow keys.
#
# 1. Start at $x = 0$ and raise it slowly. Where does the second hill appear? What happens to $p(x)$ meanwhile?
# 2. At $x = 2$, raise the noise $\sigma$. When do the two hills become one, and why?
# 3. Push $x$ down to $-2$. No $z$ has $f(z) = -2$. What does the posterior do?

# %%
from vae_course.studies.two_hills import slice_at
from vae_course.widgets.world_playground import WorldPlayground, render

WorldPlayground()

# %% [markdown]
# If nothing moves here, this picture shows $x = 2$. The cell also finds the answers to questions 1 and 2:

# %%
appears = next(n / 20 for n in range(40) if len(slice_at(n / 20, 0.7).hills) == 2)
merges = next(n / 20 for n in range(14, 41) if len(slice_at(2.0, n / 20).hills) == 1)
peak = xs[hills.log_marginal(xs[:, None]).argmax()]
claim("02-px-peak", peak, world="any", tolerance=0.06, unit="is the x with the largest p(x)", digits=1)
claim("02-second-hill", appears, world="any", tolerance=0.06, unit="is the x with a second hill", digits=1)
claim("02-merged", merges, world="any", tolerance=0.06, unit="is the sigma that merges them", digits=1)
render(slice_at(2.0, 0.7))

# %% [markdown]
# $p(x)$ rises until about $x =$ {{any:02-px-peak}} and then falls; the second hill appears a little later, at about
# {{any:02-second-hill}}. At $x = 2$, a noise of about {{any:02-merged}} makes the hills one: so noisy an observation no longer
# rules out the codes between the two arms. An $x$ that no code reaches still has a posterior, on the codes that come nearest.

# %% [markdown]
# ## 6 The linear-Gaussian world
#
# The third world has as many dimensions as you like, and no bend. A matrix $W$ turns the code of $D$ numbers into $X$
# numbers:
#
# $$z \sim \mathcal N(0, I), \qquad x = W z + b + \sigma \varepsilon, \qquad \varepsilon \sim \mathcal N(0, I).$$
#
# It is the linear autoencoder of lesson 01 turned into a probability model (its name is *probabilistic PCA*), and its $p(x)$,
# its posterior and, in lesson 04, its ELBO have closed forms.
#
# ### Your turn: draw from it
#
# Ancestral sampling, with the noise given: `eps_z` `[N, D]` for the codes and `eps_x` `[N, X]` for the observations. Return
# both, codes first. One row is one draw, so $W z$ for all rows at once is `z @ W.T`, `[N, X]`.

# %% exercise="02-ancestral"

# %% [markdown]
# Take one latent and two observed numbers, so that the world fits on a plane. Where will the draws lie?

# %%
W, b, sigma = numbers(1.5, 0.8).reshape(2, 1), numbers(1.0, 0.5), 0.5
eps_z, eps_x = torch.randn(200_000, 1, dtype=torch.float64), torch.randn(200_000, 2, dtype=torch.float64)
z, x = ancestral(W, b, sigma, eps_z, eps_x)
plane = LinearGaussian(W, b, sigma)
x_star = numbers(2.5, 0.3)
worlds.cloud(x[:500], W, b, sigma, seen=x_star)

# %% [markdown]
# $W$ lays the line of codes into the plane, black, and the noise makes a cloud of it. The ellipse, at two standard deviations,
# is what you derive now: how $x$ is distributed when nobody tells you $z$. (The star is a point for later.)
#
# ### What is p(x)?
#
# **Line 1**: the mean is $b$, since $z$ and $\varepsilon$ average to zero.
#
# The covariance is the mean of $(x - b)(x - b)^\top$, and $x - b = W z + \sigma \varepsilon$. **Line 2** multiplies
# it out, for each single draw:
#
# $$(x - b)(x - b)^\top = W z z^\top W^\top + \sigma \, W z \, \varepsilon^\top + \sigma \,
# \varepsilon \, z^\top W^\top + \sigma^2 \, \varepsilon \varepsilon^\top$$
#
# Take the mean of each part. The entries of $z$ are independent with variance one, so $\mathbb E[z z^\top] = I$, and the
# first part becomes $W W^\top$ (**line 3**), the last $\sigma^2 I$ in the same way. The mixed parts average to zero, because
# $z$ and $\varepsilon$ are independent and each averages to zero. **Line 4** puts them together:
#
# $$\mathbb E[(x - b)(x - b)^\top] = W W^\top + \sigma^2 I$$


# %%
def outer(u, v):
    """u v^T for each row: [N, A] and [N, B] to [N, A, B]."""
    return u[:, :, None] * v[:, None, :]


marginal = Derivation("p(x) of the linear-Gaussian world")
marginal.step("mean of x = b", x.mean(0), b, standard_error=standard_error(x))
first = slice(5)
left = outer(x[first] - b, x[first] - b)
W_zz_W = W @ outer(z, z) @ W.T
cross = outer(z @ W.T, eps_x)
mixed = sigma * (cross + cross.mT)
right = W_zz_W[first] + mixed[first] + sigma**2 * outer(eps_x[first], eps_x[first])
marginal.step("(x-b)(x-b)^T, multiplied out, draw by draw", left, right)
marginal.step("E[W z z^T W^T] = W W^T", W_zz_W.mean(0), W @ W.T, standard_error=standard_error(W_zz_W))
C = W @ W.T + sigma**2 * torch.eye(2, dtype=torch.float64)
spread = outer(x - b, x - b)
marginal.step("covariance of x = W W^T + sigma^2 I", spread.mean(0), C, standard_error=standard_error(spread))

# %% [markdown]
# Sums of multiples of independent Gaussian numbers are Gaussian. So
#
# $$\boxed{\;p(x) = \mathcal N\big(x;\; b,\; W W^\top + \sigma^2 I\big)\;}$$
#
# **Line 5** holds that against the definition, the integral over $z$, by a grid sum. `logsumexp` is the logarithm of a sum of
# exponentials (section 9 says why).

# %%
z_grid = torch.linspace(-8, 8, 1601, dtype=torch.float64)[:, None]
log_joint = plane.prior().log_prob(z_grid) + plane.likelihood(z_grid).log_prob(x[first][:, None, :])
right = log_joint.logsumexp(dim=-1) + math.log(0.01)
left = MultivariateNormal(b, C).log_prob(x[first])
marginal.step("log N(x; b, W W^T + sigma^2 I) = log of the integral", left, right, how="quadrature")

# %% [markdown]
# ### What is the posterior?
#
# First with one number each and $b = 0$: $x = w z + \sigma \varepsilon$. Minus twice the logarithm of the joint is a
# sum of squares and a constant. **Line 1**:
#
# $$-2 \log p(x, z) = z^2 + \frac{(x - w z)^2}{\sigma^2} + \log(4 \pi^2 \sigma^2)$$
#
# As a function of $z$ this is a parabola. **Line 2** completes the square, with $1/S = 1 + w^2 / \sigma^2$ and
# $m = S w x / \sigma^2$, the place of the lowest point:
#
# $$z^2 + \frac{(x - w z)^2}{\sigma^2} = \frac{(z - m)^2}{S} + \frac{x^2}{\sigma^2} - \frac{m^2}{S}$$
#
# sympy checks the algebra, for all values at once.

# %%
w, x_sym, z_sym = sympy.symbols("w x z", real=True)
s = sympy.Symbol("sigma", positive=True)


def log_normal(value, mean, variance):
    return -((value - mean) ** 2) / (2 * variance) - sympy.log(2 * sympy.pi * variance) / 2


square_post = Derivation("The posterior, by completing the square")
joint_terms = -2 * (log_normal(z_sym, 0, 1) + log_normal(x_sym, w * z_sym, s**2))
right = z_sym**2 + (x_sym - w * z_sym) ** 2 / s**2 + sympy.log(4 * sympy.pi**2 * s**2)
square_post.algebra("-2 log p(x, z) = z^2 + (x - w z)^2/sigma^2 + log(4 pi^2 sigma^2)", joint_terms, right)

S_1 = 1 / (1 + w**2 / s**2)
m_1 = S_1 * w * x_sym / s**2
left = z_sym**2 + (x_sym - w * z_sym) ** 2 / s**2
square_post.algebra("the square completed", left, (z_sym - m_1) ** 2 / S_1 + x_sym**2 / s**2 - m_1**2 / S_1)

# %% [markdown]
# Only the first of the three terms depends on $z$. So as a function of $z$ the joint is a multiple of
# $\mathcal N(z; m, S)$, and so is the posterior, $p(x, z) / p(x)$. Both have area one: they are the same. In $D$ dimensions
# the same steps work with matrices, and give
#
# $$\boxed{\;p(z \mid x) = \mathcal N(z;\; m, S), \qquad S = \Big(I + \tfrac{1}{\sigma^2} W^\top W\Big)^{-1},
# \qquad m = \tfrac{1}{\sigma^2} \, S \, W^\top (x - b)\;}$$
#
# **Line 3** tests it with three latent and five observed numbers: at 1,000 places $z$, the joint divided by this Gaussian is
# $p(x)$, wherever $z$ is.

# %%
generator = torch.Generator().manual_seed(1)
W5 = torch.randn(5, 3, generator=generator, dtype=torch.float64)
five = LinearGaussian(W5, numbers(0.5, -0.5, 0.0, 1.0, 0.0), 0.7)
_, x5 = five.sample(1, generator=generator)
S = torch.linalg.inv(torch.eye(3, dtype=torch.float64) + W5.T @ W5 / 0.7**2)
m = S @ W5.T @ (x5[0] - five.b) / 0.7**2
places = torch.randn(1000, 3, generator=generator, dtype=torch.float64)
log_joint = five.prior().log_prob(places) + five.likelihood(places).log_prob(x5)
left = log_joint - MultivariateNormal(m, S).log_prob(places)
square_post.step("log p(x, z) - log N(z; m, S) = log p(x), at each z", left, five.log_marginal(x5))

# %% [markdown]
# Predict: is the posterior at the star wider or narrower than the prior? Would it be wider at a star further out?

# %%
from vae_course.plotting.densities import densities

star = plane.posterior(x_star[None])
codes = z_grid[450:1151, 0]  # from -3.5 to 3.5
after = Normal(star.mean[0], star.stddev[0]).log_prob(codes).exp()
densities(codes, Normal(0, 1).log_prob(codes).exp(), {"p(z | x)": after}, name="prior p(z)")

# %% [markdown]
# It is narrower: seeing $x$ tells you something about each direction of $z$ that $W$ does not ignore. And its width is the same
# wherever the star lies, for $S$ does not contain $x$. That is special to the linear world: with two hills, the width and
# even the number of hills depended on $x$.

# %% [markdown]
# ## 7 Naive Monte Carlo
#
# Twenty dimensions, no grid, and a bent decoder, so no closed form. What is left? Look at the integral once more:
#
# $$p(x) = \int p(z) \, p(x \mid z) \, dz = \mathbb E_{p(z)}\big[p(x \mid z)\big]$$
#
# It is a **mean**: draw codes from the prior, and average how probable each of them makes $x$. With $L$ draws,
#
# $$\hat p = \frac1L \sum_{l=1}^L p(x \mid z_l), \qquad z_l \sim p(z).$$
#
# It is **unbiased**: on average $\hat p$ is $p(x)$, however small $L$ is. **Line 1** tests that on the two hills.
#
# How far off is one $\hat p$? The variance of a mean of $L$ independent draws is the variance of one draw divided by $L$,
# and a variance is the mean square minus the squared mean. **Line 2** tests that on 4,000 estimates from $L = 50$ draws each:
#
# $$\mathbb E\big[(\hat p - p(x))^2\big] = \frac1L \Big(\mathbb E_{p(z)}\big[p(x \mid z)^2\big] - p(x)^2\Big)$$

# %%
naive = Derivation("The error of the naive estimate")
draws = torch.randn(200_000, 1, dtype=torch.float64)
values = hills.likelihood(draws).log_prob(x_hills[0]).exp()
naive.step("mean of p(x|z) over draws from p(z) = p(x)", values.mean(), p_2, standard_error=standard_error(values))
p_hat = values.reshape(50, 4000).mean(0)
errors = (p_hat - p_2).square()
mean_square = (prior * likelihood**2).sum() * step
formula = "E[(p_hat - p(x))^2] = (E[p(x|z)^2] - p(x)^2) / L"
naive.step(formula, errors.mean(), (mean_square - p_2**2) / 50, standard_error=standard_error(errors))

# %% [markdown]
# An error of 0.01 means something else at $p(x) = 0.1$ than at $10^{-30}$. So divide by $p(x)^2$ and take the root. This is
# the **relative error** $r$:
#
# $$r^2 = \frac1L \left(\frac{\mathbb E[p(x \mid z)^2]}{p(x)^2} - 1\right)$$

# %% [markdown]
# ## 8 The error against the dimension
#
# Now a family of worlds that differ in nothing but $D$: $W = I$, $b = 0$, $\sigma = \frac12$. Take an ordinary $x$, each of
# whose entries lies one standard deviation from its mean, $x_d = \sqrt{1 + \sigma^2}$. Prior, likelihood and marginal are
# products over the dimensions, and so is the ratio $\mathbb E[p(x \mid z)^2] / p(x)^2$: each dimension multiplies it by the
# same $c$, which Going deeper derives.
#
# $$c = \frac{\mathcal N(x_d; 0, 1 + \frac12 \sigma^2)}{\sqrt{4 \pi \sigma^2} \; \mathcal N(x_d; 0, 1 + \sigma^2)^2},
# \qquad r = \sqrt{\frac{c^D - 1}{L}}$$


# %%
def world_of(D, sigma=0.5):
    """The world with W = I in D dimensions, and an ordinary x of it, [1, D]."""
    x = torch.full((1, D), math.sqrt(1 + sigma**2), dtype=torch.float64)
    return LinearGaussian(torch.eye(D, dtype=torch.float64), torch.zeros(D, dtype=torch.float64), sigma), x


x_d, variance = math.sqrt(1.25), 0.25
numerator = math.exp(-(x_d**2) / (2 + variance)) / math.sqrt(2 * math.pi * (1 + variance / 2))
p_x_d = math.exp(-(x_d**2) / (2 * (1 + variance))) / math.sqrt(2 * math.pi * (1 + variance))
c = numerator / math.sqrt(4 * math.pi * variance) / p_x_d**2
claim("02-c", c, world="any", tolerance=0.05, unit="times per dimension", digits=1)

# %% [markdown]
# Here $c =$ {{any:02-c}}. Predict with a pocket calculator: from $L = 1{,}000$ draws, how large is the relative error for
# $D = 2$, for $D = 10$, for $D = 20$? The experiment makes 300 such estimates for each $D$. All numbers are divided by
# $p(x)$, so the truth is 1. The cell takes two or three seconds.

# %%
dims = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20]
generator, log_ratio = torch.Generator().manual_seed(0), {}
for D in dims:
    world, x_D = world_of(D)
    codes = torch.randn(1000, 300, D, generator=generator, dtype=torch.float64)
    log_ratio[D] = world.likelihood(codes).log_prob(x_D) - world.log_marginal(x_D)  # log of p(x|z) / p(x)
measured = [(log_ratio[D].exp().mean(0) - 1).square().mean().sqrt().item() for D in dims]
predicted = [math.sqrt((c**D - 1) / 1000) for D in dims]

both = {"derived": predicted, "measured": measured}
labels = {"xlabel": "latent dimensions D", "ylabel": "relative error, 1,000 draws (1 = 100 %)"}
fig = plotting.lines(dims, both, logy=True, markers=True, **labels)
fig.axes[0].set_xticks(dims, dims)
fig

# %%
for D in (2, 10, 20):
    r = 100 * predicted[dims.index(D)]
    claim(f"02-error-{D}", r, world="any", tolerance=0.6, unit=f"% error, derived, D = {D}", digits=0)
claim("02-measured-2", 100 * measured[1], world="any", tolerance=1.0, unit="% error, measured, D = 2", digits=0)
p_hat = log_ratio[20].exp().mean(0).sort().values  # 300 estimates, in multiples of p(x)
claim("02-typical-20", 1e6 * p_hat.median(), world="any", tolerance=4, unit="millionths of p(x), D = 20", digits=0)
claim("02-below-20", 100 * (p_hat < 1).double().mean(), world="any", tolerance=1, unit="% too small, D = 20", digits=0)
errors = (p_hat - 1).square()
claim("02-share-20", 100 * errors[-1] / errors.sum(), world="any", tolerance=2, unit="% of the squares", digits=0)
claim("02-best-20", p_hat[-1], world="any", tolerance=2, unit="times p(x), the largest, D = 20", digits=0)
claim("02-measured-20", 100 * measured[-1], world="any", tolerance=10, unit="% error, measured, D = 20", digits=0)

# %% [markdown]
# Mind the axis: 1 is an error of 100%. The derived error grows by a nearly constant factor with each dimension. With 1,000
# draws it is {{any:02-error-2}}% for $D = 2$ (measured: {{any:02-measured-2}}%), {{any:02-error-10}}% for $D = 10$, and
# {{any:02-error-20}}% for $D = 20$. The estimate has become worthless.
#
# But look at the measured curve. At the end it is far *below* the derived one. Has the derivation gone wrong? No: the
# experiment has. In 20 dimensions, {{any:02-below-20}}% of the 300 estimates are below $p(x)$, and a typical one is
# {{any:02-typical-20}} millionths of it. The largest is {{any:02-best-20}} times $p(x)$: it alone makes
# {{any:02-share-20}}% of the sum of the squared errors, whose mean is behind the measured {{any:02-measured-20}}%. The still
# larger ones that the true error is made of did not come up. What you measure looks better than what is true, and nothing
# in the numbers warns you.
#
# Why? Only codes near the posterior make $x$ probable, and the prior rarely draws there. The next cell shows what share of the
# sum of 1,000 terms the largest one carries. How many draws, then, would give a relative error of 10%? Solve $r = 0.1$ for $L$:
#
# $$L = \frac{c^D - 1}{0.1^2} = 100 \, (c^D - 1)$$

# %%
some = [1, 2, 5, 10, 20]
largest = torch.stack([(log_ratio[D].amax(0) - log_ratio[D].logsumexp(0)).exp().mean() for D in some])
claim("02-largest-2", 100 * largest[1], world="any", tolerance=0.5, unit="% of the sum, D = 2", digits=0)
claim("02-largest-20", 100 * largest[4], world="any", tolerance=5, unit="% of the sum, D = 20", digits=0)
needed = {D: 100 * (c**D - 1) for D in (2, 10, 20)}
claim("02-draws-2", needed[2], world="any", tolerance=1, unit="draws, D = 2", digits=0)
claim("02-draws-10", needed[10] / 1e6, world="any", tolerance=0.05, unit="million draws, D = 10", digits=1)
claim("02-draws-20", needed[20] / 1e9, world="any", tolerance=0.5, unit="billion draws, D = 20", digits=0)
plotting.bars([f"D = {D}" for D in some], 100 * largest, xlabel="share of the largest of 1,000 terms, %")

# %% [markdown]
# For $D = 2$ the largest term is {{any:02-largest-2}}% of the sum: a mean of many. For $D = 20$ it is
# {{any:02-largest-20}}%: the other 999 draws hardly count.
#
# You need {{any:02-draws-2}} draws for $D = 2$, {{any:02-draws-10}} million for $D = 10$, {{any:02-draws-20}} billion for
# $D = 20$. For 10 and 20 that is far fewer than for a grid, and for 20 still too many for a single $x$. And this
# world is a mild one: with less noise, or more observed numbers for each code, $c$ is larger.

# %% [markdown]
# ## 9 Logarithms
#
# The probability of an image is a product over hundreds of pixels, a number like $e^{-700}$. PyTorch's usual numbers, float32,
# end near $e^{-103}$, and the float64 of this lesson near $e^{-745}$. So we work with logarithms. What about a *mean*?

# %% tags=["nbval-check-output"]
log_px_z = torch.tensor([-700.0, -703.0, -710.0])
print("naively:", log_px_z.exp().mean().log().item())

# %% [markdown]
# Every likelihood is rounded to zero, and the logarithm of zero is minus infinity. So take the largest,
# $a = \max_l \log p(x \mid z_l)$, out of the sum first. Then the largest term is 1.
#
# $$\log \frac1L \sum_l p(x \mid z_l) = a + \log \sum_l e^{\log p(x \mid z_l) - a} - \log L$$
#
# The first two terms together are `torch.logsumexp`; do not add $a$ once more.
#
# ### Your turn: log p(x) from draws
#
# Write the naive estimate of $\log p(x)$ without leaving the logarithms: from $\log p(x \mid z)$ at $L$ draws from the prior,
# `[L, B]`, to one number for each $x$, `[B]`.

# %% exercise="02-naive-mc"

# %% [markdown]
# Take the 300,000 draws of section 8 in five dimensions, in groups of $L = 1, 10, 100$ and $1{,}000$, with one estimate from
# each. The estimates of $p(x)$ are right on average, whatever $L$ is. Predict: are their logarithms?

# %%
log_px = world_of(5)[0].log_marginal(world_of(5)[1])
sizes = [1, 10, 100, 1000]
means = [log_px_naive(log_ratio[5].T.reshape(-1, L).T).mean() + log_px for L in sizes]
claim("02-bias-1", log_px - means[0], world="any", tolerance=0.1, unit="nats too low, L = 1", digits=1)
claim("02-bias-100", log_px - means[2], world="any", tolerance=0.05, unit="nats too low, L = 100", digits=2)
rows = {"log p(x)": log_px.expand(4), "mean of log p_hat": torch.cat(means)}
plotting.lines(sizes, rows, xlabel="draws L in each estimate", ylabel="nats", logx=True, markers=True)

# %% [markdown]
# They are not. With one draw, their mean is {{any:02-bias-1}} nats too low, with a hundred draws still
# {{any:02-bias-100}}. (A **nat** is the unit of the natural logarithm.) The logarithm of an unbiased estimate is **biased
# low**. To see why, take an estimate that gives half of the truth or one and a half times the truth, equally often. Its mean
# is the truth, but the mean of the logarithms is off by
#
# $$\tfrac12 \log \tfrac12 + \tfrac12 \log \tfrac32 = \tfrac12 \log \tfrac34 < 0.$$
#
# The logarithm punishes low estimates more than it rewards high ones. So the mean of such logarithms lies **below**
# $\log p(x)$: it is a bound. Lesson 03 proves it, and lesson 04 makes of it what a VAE maximises.

# %% [markdown]
# ### What would help
#
# Most draws from the prior land where $p(x \mid z)$ is next to nothing. Draws from the posterior would not, but the posterior
# needs $p(x)$, which is what you are after. You need something *like* the posterior that you can have without $p(x)$. That is
# where lesson 03 begins.

# %% [markdown]
# ## 10 In your own words
#
# A fellow student says: "The estimate is unbiased, so for 20 latent dimensions I take a few more draws from the prior and
# have $p(x)$." What do you answer, in three to five sentences? Then compare with `exercises.solution("02-why-intractable")`,
# and give yourself the points.

# %% exercise="02-why-intractable"

# %% [markdown]
# ## 11 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("02", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("02")

# %%
exercises.progress("02")

# %% [markdown]
# ## Summary
#
# > $$\underbrace{p(x, z)}_{\text{joint}} = \underbrace{p(z)}_{\text{prior}} \; \underbrace{p(x
# > \mid z)}_{\text{likelihood}} \qquad \text{draw } z \text{ first, then } x$$
# >
# > $$p(x) = \int p(z) \, p(x \mid z) \, dz,
# > \qquad \underbrace{p(z \mid x)}_{\text{posterior}} = \frac{p(z) \, p(x \mid z)}{p(x)}$$
# >
# > $$x = W z + b + \sigma \varepsilon: \quad p(x) = \mathcal N(x;\, b,\, W W^\top + \sigma^2 I)$$
# >
# > $$p(z \mid x) = \mathcal N(z;\, m, S), \quad S = \big(I + \tfrac{1}{\sigma^2} W^\top W\big)^{-1},
# > \quad m = \tfrac{1}{\sigma^2} S \, W^\top (x - b)$$
# >
# > $$\hat p = \tfrac1L \textstyle\sum_l p(x \mid z_l), \quad z_l \sim p(z): \quad \mathbb E[\hat p] = p(x),
# > \quad r^2 = \tfrac1L \left(\mathbb E[p(x \mid z)^2] \,/\, p(x)^2 - 1\right)$$
# >
# > The likelihood is a density over $x$, not over $z$. Unbiased is not accurate: in a world of $D$ equal dimensions, $r^2$
# > grows like $c^D$. The logarithm of an unbiased estimate is biased low.

# %%
plotting.summary("02")

# %% [markdown]
# **Sources.** C. M. Bishop, [*Pattern Recognition and Machine
# Learning*](https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/), 2006, sections 2.3.3
# (linear-Gaussian models), 8.1 (graphical models, ancestral sampling) and 12.2 (probabilistic PCA). M. E. Tipping and C. M.
# Bishop, [*Probabilistic Principal Component Analysis*](https://doi.org/10.1111/1467-9868.00196), Journal of the Royal
# Statistical Society B 61, 1999. L. N. Trefethen and J. A. C. Weideman, [*The Exponentially Convergent Trapezoidal
# Rule*](https://doi.org/10.1137/130932132), SIAM Review 56, 2014, for the error of the grid sum. D. P. Kingma and M. Welling,
# [*Auto-Encoding Variational Bayes*](https://arxiv.org/abs/1312.6114), ICLR 2014, section 2.1. D. J. C. MacKay, [*Information
# Theory, Inference, and Learning Algorithms*](https://www.inference.org.uk/mackay/itila/), 2003, chapter 29, for Monte Carlo in
# many dimensions.
#
# **Next:** [03 KL and variational inference](03_kl_and_variational_inference.ipynb): if you can't have the posterior,
# take the closest distribution that you can have.

# %% [markdown]
# ## Going deeper
#
# ### Find two errors
#
# Here is a grid sum written in a hurry. It is to give $\log p(x)$, from `log_joint` `[B, G]`, that is $\log p(x, z_g)$
# for $B$ points $x$ at the $G$ points of a grid. Look at what it prints for $x = 2$ and for an $x$ far out, on a grid and on
# one with twice as many points. Two things are wrong.


# %% tags=["nbval-check-output"]
def in_a_hurry(log_joint, step):
    return log_joint.exp().sum(dim=-1).log()


two_points = numbers(2.0, -40.0).reshape(2, 1)
for points in (1001, 2001):
    world = GridWorld(hills.f, 0.7, n_points=points)
    found = in_a_hurry(world.log_joint(two_points), world.step)
    print(points, "points:", [round(value, 2) for value in found.tolist()])

# %% [markdown]
# For the computer $e^{-800}$ is zero (**underflow**), and the logarithm of zero is minus infinity: section 9 has the remedy.
#
# Repair it. What comes in is `log_joint` `[B, G]`, where values near $-2000$ occur, and the spacing `step`, a Python number:
# its logarithm is `math.log(step)`. What goes out is $\log p(x)$ `[B]`.

# %% exercise="02-quadrature"

# %% [markdown]
# Your function against the package, on two different grids:

# %%
formula = "your grid sum = log p(x), at x = 2 and x = -40"
left = log_px_grid(world.log_joint(two_points), world.step)
curves.step(formula, left, hills.log_marginal(two_points), how="quadrature")

# %% [markdown]
# ### What is left is p(x)
#
# Section 6 completed the square. What is left does not depend on $z$. **Line 4** simplifies it: it is what stands in the
# exponent of a Gaussian with variance $w^2 + \sigma^2$, the $p(x)$ of section 6. **Line 5**: the constants split in the
# same way. So $p(x, z) = \mathcal N(z; m, S) \; \mathcal N(x; 0, w^2 + \sigma^2)$.
#
# $$\frac{x^2}{\sigma^2} - \frac{m^2}{S} = \frac{x^2}{w^2 + \sigma^2},
# \qquad \log(4 \pi^2 \sigma^2) = \log(2 \pi S) + \log\big(2 \pi (w^2 + \sigma^2)\big)$$

# %%
square_post.algebra(
    "x^2/sigma^2 - m^2/S = x^2/(w^2 + sigma^2)", x_sym**2 / s**2 - m_1**2 / S_1, x_sym**2 / (w**2 + s**2)
)
right = sympy.log(2 * sympy.pi * S_1) + sympy.log(2 * sympy.pi * (w**2 + s**2))
square_post.algebra(
    "log(4 pi^2 sigma^2) = log(2 pi S) + log(2 pi (w^2 + sigma^2))", sympy.log(4 * sympy.pi**2 * s**2), right
)

# %% [markdown]
# ### Where the factor c comes from
#
# The relative error needs the mean square of the likelihood under the prior. In the linear-Gaussian world it has a closed
# form. **Line 3** (after the two of section 7): the square of a Gaussian is a Gaussian of half the variance, up to a factor.
# In one dimension:
#
# $$\mathcal N(x; \mu, \sigma^2)^2 = \frac{1}{\sqrt{4 \pi \sigma^2}} \; \mathcal N\big(x; \mu, \tfrac12 \sigma^2\big)$$
#
# With $X$ observed numbers there are $X$ such factors. What remains is the mean over the prior of a likelihood
# with noise $\sigma^2 / 2$ in place of $\sigma^2$. But you know this mean: it is the marginal of section 6, in a world with
# less noise. **Line 4**:
#
# $$\mathbb E_{p(z)}\big[p(x \mid z)^2\big] = (4 \pi \sigma^2)^{-X/2} \; \mathcal N\big(x;\; b,\; W W^\top + \tfrac12
# \sigma^2 I\big)$$
#
# It is tested at the star of section 6 by quadrature. **Line 5** is the same with three latent dimensions, by draws. **Line
# 6** puts $W = I$ and $b = 0$: the ratio is a product over the dimensions, with the $c$ of section 8 for each.


# %%
def log_mean_square(world, x):
    """log E[p(x | z)^2] under the prior, in closed form: [B]."""
    less = LinearGaussian(world.W, world.b, world.sigma / math.sqrt(2))
    return less.log_marginal(x) - 0.5 * len(world.b) * math.log(4 * math.pi * world.sigma**2)


left = 2 * log_normal(x_sym, z_sym, s**2)
right = -sympy.log(4 * sympy.pi * s**2) / 2 + log_normal(x_sym, z_sym, s**2 / 2)
naive.algebra("2 log N(x; mu, sigma^2) = -1/2 log(4 pi sigma^2) + log N(x; mu, sigma^2/2)", left, right)
log_square = plane.prior().log_prob(z_grid) + 2 * plane.likelihood(z_grid).log_prob(x_star)
formula = "log E[p(x|z)^2] = -X/2 log(4 pi sigma^2) + log N(x; b, W W^T + sigma^2/2 I)"
left = log_px_grid(log_square[None], 0.01)
naive.step(formula, left, log_mean_square(plane, x_star[None]), how="quadrature")

# %%
codes = five.prior().sample((200_000,))
values = (2 * five.likelihood(codes).log_prob(x5) - 2 * five.log_marginal(x5)).exp()
right = (log_mean_square(five, x5) - 2 * five.log_marginal(x5)).exp()
formula = "E[p(x|z)^2] / p(x)^2, D = 3, from draws = closed form"
naive.step(formula, values.mean(), right[0], standard_error=standard_error(values))
pairs = [world_of(D) for D in (1, 2, 5, 10)]
ratios = torch.cat([log_mean_square(*pair) - 2 * pair[0].log_marginal(pair[1]) for pair in pairs])
naive.step("log of E[p(x|z)^2] / p(x)^2 = D log c, D = 1, 2, 5, 10", ratios, numbers(1, 2, 5, 10) * math.log(c))

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (bayes, curves, marginal, square_post, naive):
    display(derivation.summary())
