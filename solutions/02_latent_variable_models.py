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
# Lesson 01 ended with holes. An autoencoder gives each image a code, but nothing says which codes are to be expected, so
# most codes decode to nonsense. This lesson starts at the other end: **first** a distribution over codes, **then** a rule
# that turns a code into something you can see. Two questions follow you from here to the end of the course. How probable
# is what you see? And which code lies behind it?

# %% [markdown]
# **After this lesson you can**
# - draw the graphical model of a VAE, and draw from the model itself,
# - tell prior, likelihood, joint, marginal and posterior apart, in tables and in densities,
# - derive $p(x)$ and the posterior of the linear-Gaussian world, line by line,
# - compute $\log p(x)$ by a grid in one dimension, and say why no grid helps in twenty,
# - estimate $p(x)$ from draws of the prior, and predict how far such an estimate is off.
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
# | $f$ | the bend of the second world: the mean of $x$ is $f(z)$ | `f` | as $z$ |
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
# Somebody writes a digit. Before the pen touches the paper, a few things have been settled: which digit, how slanted, how
# large. You never see these things. You see the pixels that they lead to. A **latent-variable model** is this story with
# probabilities in it. First draw a code $z$, then draw $x$ from a distribution that depends on $z$.

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
# This is a **graphical model**. A circle is a random quantity. It is grey if you observe it, empty if it stays hidden. An
# arrow says what is drawn first, and what depends on it. The frame, called a **plate**, says: all this happens $N$ times,
# each time with a code of its own. The picture stands for one formula, a product with one factor for each circle:
#
# $$p(x, z) = p(z) \; p(x \mid z)$$
#
# To draw from such a model, follow the arrows, parents before children. This is called **ancestral sampling**.
#
# The basic notions come three times, in three small worlds where nothing has to be believed: one of
# tables, one of curves, and one with as many dimensions as you like. Each has its own `z` and `x`: if you go back to an
# earlier world, run its cells again from the top.

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
# In which share of the games do urn 2 *and* a red ball come up? Urn 2 is picked in 20% of them, and in 80% of those the
# ball is red. So it should be 0.2 times 0.8. The table of all six such products is the **joint**:
#
# $$p(x, z) = p(z) \, p(x \mid z)$$
#
# You can count it. `games` holds a table for each game, with a 1 at its urn and ball and zeros elsewhere.

# %%
games = torch.nn.functional.one_hot(2 * z + x, 6).reshape(-1, 3, 2).double()
joint = p_z[:, None] * p_x_z
bayes = Derivation("Bayes in the world of urns")
bayes.step("share of games = p(z) p(x|z)", games.mean(0), joint, standard_error=standard_error(games))

# %% [markdown]
# ### How to read such a line
#
# From here on, no formula of this course comes alone. A `Derivation` computes **both sides of each line, in two different
# ways**, and compares them. The row that it shows says, from left to right:
#
# - the formula;
# - the values of its two sides. If a side is a table, each entry is compared, and the one shown is the entry that comes
#   nearest to its limit, or is furthest beyond it;
# - a tick. Click it to see the difference, what is allowed, and how the sides were compared. *Closed form*: equal up to
#   rounding, $10^{-6}$. *Quadrature*: an integral by a fine sum, $10^{-4}$ (both times the number itself where that is
#   larger than one). *Algebra*: sympy has simplified the difference of both sides to zero. *Monte Carlo*: one side is
#   a mean over draws.
#
# A mean over draws is never exact. Its **standard error**, the standard deviation of the draws divided by the root of their
# number, says how far off it typically is. A line may differ by four standard errors, which chance exceeds about once in
# 16,000 times.
#
# What if a line is wrong? Then it raises a `StepError`, and the notebook stops there. See it happen: the right side below
# has one factor too many. (`try` and `except` catch the error, so that only its message is shown.)
#
# You will also meet `claim`: it compares a number of the text with the one that your cell has computed.

# %% tags=["nbval-check-output"]
p_x = joint.sum(0)
factor = 1.1
try:
    Derivation("A wrong line").step("p(red) = sum of the first column", p_x[0], factor * joint[:, 0].sum())
except StepError as error:
    print(error)

# %% [markdown]
# Read the message: the two sides, by how much they differ, and *FAILS*. Now set `factor` to 1, run the cell again, and see
# the line hold. How small an error does it notice? Try 1.000001: it
# still holds. The line fails from about 1.000003 on.

# %% [markdown]
# ### The marginal
#
# You see the ball only. How probable is red? The urn does not matter any more, so add up over the urns. This is called
# **marginalising**, and the result is the **marginal** $p(x)$, or the *evidence*:
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
# The ball is red. From which urn does it come? Predict before you go on: which urn is the most probable one, and is it
# by far or by little?
#
# To find out, keep only the games with a red ball, {{any:02-urns-red}}% of all, and count urns among them. What is the share
# of urn $z$? Games with this urn and a red ball, divided by games with a red ball:
#
# $$p(z \mid x) = \frac{p(x, z)}{p(x)}$$
#
# This is the **posterior**: what you know about the code after you have seen $x$.

# %%
red = games[x == 0][:, :, 0]
bayes.step(
    "share among red games = p(x, z) / p(x)", red.mean(0), joint[:, 0] / p_x[0], standard_error=standard_error(red)
)

# %% [markdown]
# Put the products in, and you have **Bayes' rule**. It turns the arrow round: the model goes from $z$ to $x$, the
# posterior goes from $x$ back to $z$.
#
# $$p(z \mid x) = \frac{p(z) \, p(x \mid z)}{\sum_{z'} p(z') \, p(x \mid z')}$$
#
# The left side below is the package's table. The right side goes through logarithms, as you will have to with images: a
# softmax exponentiates and divides by the sum.

# %%
urns = DiscreteWorld(p_z, p_x_z)
right = torch.softmax(p_z.log() + p_x_z[:, 0].log(), dim=0)
bayes.step("p(z|x) = p(z) p(x|z) / sum of the same over z", urns.posterior()[0], right)
claim("02-urns-two", 100 * urns.posterior()[0, 2], world="any", tolerance=0.5, unit="% urn 2", digits=0)

# %%
worlds.urn_mosaic(p_z, p_x_z, 0, names=["urn 0", "urn 1", "urn 2"], seen="red")

# %% [markdown]
# On the left, each urn is as wide as its prior, and hatched as high as its likelihood of red. So the hatched **area** is the
# joint, and all three together are $p(x)$. On the right, the three areas are scaled until they sum to one: the
# posterior, beside the prior as blue lines. A red ball speaks against urn 0, which was the favourite before. Urn 2 leads
# with {{any:02-urns-two}}%, but only just, for urn 1 makes up by its prior what it lacks in red balls.
#
# One trap. Sum the likelihood over its two directions:

# %%
bayes.step("sum over x of p(x|z) = 1, for each z", p_x_z.sum(1), torch.ones(3, dtype=torch.float64))
bayes.step("sum over z of p(z|x) = 1, for each x", urns.posterior().sum(1), torch.ones(2, dtype=torch.float64))
print(f"sum over z of p(red|z) = {p_x_z[:, 0].sum():.1f}")

# %% [markdown]
# The formula $p(x \mid z)$ can be read in two ways. With $z$ fixed it is a distribution over **$x$**. With $x$ fixed it is a
# function of **$z$**, and that function is what statistics calls the likelihood in the narrow sense, the likelihood *of
# $z$*. It is not a distribution: multiplied by the prior and divided by $p(x)$ it becomes one, the posterior.

# %% [markdown]
# ### Your turn: Bayes' rule for tables
#
# Write it for any prior and any table, for all observations at once. `p_z` is `[K]`, `p_x_z` is `[K, M]` with one row for
# each code. What is wanted has one row for each **observation**: `[M, K]`. To multiply the rows of a `[K, M]` table, a
# `[K]` tensor needs another axis, `p_z[:, None]`; without it PyTorch matches it with the $M$ columns.

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
# $\mathcal N(x; f(z), \sigma^2)$, a normal density with mean $f(z)$ and standard deviation $\sigma = 0.7$. A VAE has a
# neural network where this world has $f$; nothing else will change. Sums over codes become integrals, and probabilities
# become densities. `GridWorld` does the integrals by fine sums.

# %%
z, eps = torch.randn(2, 200_000, dtype=torch.float64)
x = z.square() + z / 2 + 0.7 * eps
hills = GridWorld(lambda z: (z.square() + z / 2).unsqueeze(-1), 0.7)
print("draws:", [f"z {z[n]:.2f}, x {x[n]:.2f}" for n in range(3)])

# %% [markdown]
# `hills.grid` holds $G = 4{,}001$ codes from $-8$ to 8 (`n_points` and `half_width` choose others), `hills.step` apart.
# `hills.log_joint(x)` takes points `[B, 1]` and gives $\log p(x, z)$ at each code of the grid, `[B, G]`;
# `hills.log_marginal(x)` gives $\log p(x)$, `[B]`; `hills.likelihood(z)` is $p(x \mid z)$ as a distribution of PyTorch.
#
# Before you look: sketch on paper where the pairs $(z, x)$ lie. Then suppose that $x = 2$ was observed. Which codes can
# have led to it?

# %%
xs = torch.linspace(-4, 18, 441, dtype=torch.float64)
near = GridWorld(hills.f, 0.7, half_width=3.2, n_points=401)  # codes from -3.2 to 3.2 are enough for a picture
density = near.log_joint(xs[:, None]).exp()
worlds.joint_map(near.grid, xs, density, seen=2.0, shown=(-2.5, 8.0), draws=(z[:400], x[:400]))

# %% [markdown]
# The blue cloud is the joint $p(x, z)$, with 400 of the draws on it. Everything else is made from it. Add it up over
# $x$, and the prior comes out, above. Add it up over $z$, and the marginal $p(x)$ comes out, at the side. Cut it along the
# dashed line $x = 2$: the cut has two hills, because $z$ and its counterpart on the other arm of the parabola lead to the
# same $x$. Its area is $p(x)$. Divide by that, and you have the posterior, below.
#
# Five lines say so in formulas. **Line 1**: the joint is the product of two normal densities.

# %%
curves = Derivation("The world of two hills")
x_hills = numbers(2.0).reshape(1, 1)
grid, step = hills.grid, hills.step
prior = torch.exp(-0.5 * grid**2) / math.sqrt(2 * math.pi)
likelihood = torch.exp(-0.5 * ((2 - grid**2 - grid / 2) / 0.7) ** 2) / (0.7 * math.sqrt(2 * math.pi))
curves.step("p(x, z) = p(z) p(x|z), at each z", hills.log_joint(x_hills)[0].exp(), prior * likelihood)

# %% [markdown]
# **Line 2**: the marginal is an integral, $p(x) = \int p(z) \, p(x \mid z) \, dz$. The left side is the package's, the right
# side uses the trapezoid rule, on every tenth point.
#
# **Line 3**: this $p(x)$ is what draws of the model follow. Count how many fall between 1.5 and 2.5.

# %%
p_2 = hills.log_marginal(x_hills).exp()[0]
right = torch.trapezoid((prior * likelihood)[::10], grid[::10])
curves.step("p(x) = integral of p(z) p(x|z) dz", p_2, right, how="quadrature")

# %%
inside = ((x > 1.5) & (x < 2.5)).double()
window = torch.linspace(1.5, 2.5, 101, dtype=torch.float64)
right = torch.trapezoid(hills.log_marginal(window[:, None]).exp(), window)
formula = "share of draws with 1.5 < x < 2.5 = integral of p(x)"
curves.step(formula, inside.mean(), right, standard_error=standard_error(inside))

# %% [markdown]
# **Line 4** is Bayes' rule, and **line 5** says that dividing by $p(x)$ is what gives the posterior an area of one.

# %%
posterior = hills.posterior_density(x_hills)[0]
curves.step("p(z|x) = p(z) p(x|z) / p(x), at each z", posterior, prior * likelihood / p_2)
curves.step("integral of p(z|x) dz = 1", torch.trapezoid(posterior, grid), 1.0, how="quadrature")

# %% [markdown]
# What is the area under the *likelihood*, read along $z$? Predict, then look.

# %%
claim("02-likelihood-area", likelihood.sum() * step, world="any", tolerance=0.005, unit="", digits=2)
claim("02-hills-px", p_2, world="any", tolerance=0.0005, unit="", digits=3)

# %% [markdown]
# It is {{any:02-likelihood-area}}, and it might be anything. And note one thing for later: the prior is Gaussian, and
# $p(x \mid z)$ is Gaussian for each $z$. The posterior is not.

# %% [markdown]
# ## 4 The integral as a sum
#
# What is a grid sum? Put $G$ points $z_1, \dots, z_G$ at even distances $\Delta$, draw a bar of this width on each, and
# add up the areas of the bars:
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
# Nine bars miss most of the shape, and still their sum is not far from $p(2) =$ {{any:02-hills-px}}. The steps of 25 bars
# still look coarse, but where one is too high another is too low, and the sum agrees. The next picture counts the correct
# digits, $-\log_{10}$ of the relative error.

# %%
counts = list(range(5, 62, 4))
sums = torch.cat([coarse(points).log_marginal(x_hills).exp() for points in counts])
digits = -(sums / p_2 - 1).abs().log10()
plotting.lines(counts, {"p(2)": digits}, xlabel="points of the grid", ylabel="correct digits", markers=True)

# %%
claim("02-grid-nine", 100 * abs(sums[1] / p_2 - 1), world="any", tolerance=0.5, unit="% off with 9 points", digits=0)
claim("02-grid-digits", digits[5], world="any", tolerance=0.1, unit="digits with 25 points", digits=1)

# %% [markdown]
# Nine points are {{any:02-grid-nine}}% off, 25 points give {{any:02-grid-digits}} digits, and soon the sum is as exact as
# the computer. For smooth curves that vanish at both ends, the errors of neighbouring bars cancel, and the error falls
# faster than any power of $\Delta$. One latent dimension is a solved problem.

# %% [markdown]
# ### Your turn: find two errors
#
# Here is a grid sum written in a hurry. It is to give $\log p(x)$, from `log_joint` `[B, G]`, that is $\log p(x, z_g)$
# for $B$ points $x$ at the $G$ points of a grid (in **nats**, the unit of the natural logarithm). Look at what it prints
# for $x = 2$ and for an $x$ far out, on a grid and on one with twice as many points. Two things are wrong.


# %% tags=["nbval-check-output"]
def in_a_hurry(log_joint, step):
    return log_joint.exp().sum(dim=-1).log()


two_points = numbers(2.0, -40.0).reshape(2, 1)
for points in (1001, 2001):
    world = GridWorld(hills.f, 0.7, n_points=points)
    found = in_a_hurry(world.log_joint(two_points), world.step)
    print(points, "points:", [round(value, 2) for value in found.tolist()])

# %% [markdown]
# For the computer $e^{-800}$ is zero (**underflow**), and the logarithm of zero is minus infinity. `torch.logsumexp(t, dim)`
# gives the logarithm of a sum of exponentials without this loss; section 9 shows how.
#
# Mend it. What comes in is `log_joint` `[B, G]`, where values near $-2000$ occur, and the spacing `step`, a Python number:
# its logarithm is `math.log(step)`. What goes out is $\log p(x)$ `[B]`.

# %% exercise="02-quadrature"

# %% [markdown]
# Your function against the package, on two different grids:

# %%
formula = "your grid sum = log p(x), at x = 2 and x = -40"
left = log_px_grid(world.log_joint(two_points), world.step)
curves.step(formula, left, hills.log_marginal(two_points), how="quadrature")

# %% [markdown]
# ### Twenty dimensions
#
# A grid in two dimensions with 25 points along each axis has $25 \times 25$ points. In $D$ dimensions it has $25^D$. Let a
# computer evaluate the joint at a billion points a second. How long does it take for $D = 20$, a usual size for a VAE?

# %%
seconds = 25**20 / 1e9
ages = seconds / (365.25 * 24 * 3600) / 13.8e9
claim("02-grid-ages", ages, world="any", tolerance=0.5, unit="ages of the universe", digits=0)

# %% [markdown]
# {{any:02-grid-ages}} times the age of the universe, for a single $x$, and a training set has tens of thousands. The grid is
# out.

# %% [markdown]
# ## 5 Move x yourself
#
# The playground shows the world of two hills at one $x$. Above, the prior and the likelihood, read along $z$. In the middle
# their product, the joint, whose area is $p(x)$. Below the posterior, the same curve scaled to area one. Drag a slider, or
# focus it and press the arrow keys.

# %%
from vae_course.studies.two_hills import slice_at
from vae_course.widgets.world_playground import WorldPlayground, render

WorldPlayground()

# %% [markdown]
# 1. Start at $x = 0$ and raise it slowly. Where does the second hill appear? What happens to $p(x)$ meanwhile?
# 2. At $x = 2$, raise the noise $\sigma$. When do the two hills become one, and why?
# 3. Push $x$ down to $-2$. No $z$ has $f(z) = -2$. What does the posterior do?
#
# If nothing moves here, this picture shows $x = 2$:

# %%
render(slice_at(2.0, 0.7))

# %%
appears = next(n / 20 for n in range(40) if len(slice_at(n / 20, 0.7).hills) == 2)
merges = next(n / 20 for n in range(14, 41) if len(slice_at(2.0, n / 20).hills) == 1)
peak = xs[hills.log_marginal(xs[:, None]).argmax()]
claim("02-px-peak", peak, world="any", tolerance=0.06, unit="is the x with the largest p(x)", digits=1)
claim("02-second-hill", appears, world="any", tolerance=0.06, unit="is the x with a second hill", digits=1)
claim("02-merged", merges, world="any", tolerance=0.06, unit="is the sigma that merges them", digits=1)

# %% [markdown]
# $p(x)$ rises until about $x =$ {{any:02-px-peak}} and then falls; the second hill appears a little later, at about
# {{any:02-second-hill}}. At $x = 2$, a noise of
# about {{any:02-merged}} makes the hills one: an observation that is so noisy cannot tell the two arms of the parabola
# apart. And an $x$ that no code reaches still has a posterior. It sits on the codes that come nearest.

# %% [markdown]
# ## 6 The linear-Gaussian world
#
# The third world has as many dimensions as you like, and no bend. A matrix $W$ turns the code of $D$ numbers into $X$
# numbers:
#
# $$z \sim \mathcal N(0, I), \qquad x = W z + b + \sigma \varepsilon, \qquad \varepsilon \sim \mathcal N(0, I).$$
#
# It is the linear autoencoder of lesson 01 turned into a probability model (its name is *probabilistic PCA*), and the
# only one of the three with continuous codes where every quantity of this course has a closed form. You will meet it
# again in lesson 04 and later.
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
# The codes lie on a line, and $W$ lays this line into the plane, black. The noise makes a cloud of it. The ellipse, drawn
# at two standard deviations, is what you derive now: how $x$ is distributed when nobody tells you $z$. (The star is a
# point for later.)
#
# ### What is p(x)?
#
# **Line 1**: the mean. Both $z$ and $\varepsilon$ average to zero, so $\mathbb E[x] = W \, \mathbb E[z] + b + \sigma \,
# \mathbb E[\varepsilon] = b$.

# %%
marginal = Derivation("p(x) of the linear-Gaussian world")
marginal.step("mean of x = b", x.mean(0), b, standard_error=standard_error(x))

# %% [markdown]
# The covariance is the mean of $(x - b)(x - b)^\top$, and $x - b = W z + \sigma \varepsilon$. **Line 2** multiplies
# out. It holds for each single draw; here are the first five.
#
# $$(x - b)(x - b)^\top = W z z^\top W^\top + \sigma \, W z \, \varepsilon^\top + \sigma \,
# \varepsilon \, z^\top W^\top + \sigma^2 \, \varepsilon \varepsilon^\top$$


# %%
def outer(u, v):
    """u v^T for each row: [N, A] and [N, B] to [N, A, B]."""
    return u[:, :, None] * v[:, None, :]


first = slice(5)
left = outer(x[first] - b, x[first] - b)
W_zz_W = W @ outer(z, z) @ W.T
cross = outer(z @ W.T, eps_x)
mixed = sigma * (cross + cross.mT)
right = W_zz_W[first] + mixed[first] + sigma**2 * outer(eps_x[first], eps_x[first])
marginal.step("(x-b)(x-b)^T, multiplied out, draw by draw", left, right)

# %% [markdown]
# Now the mean of each part. **Line 3**: the entries of $z$ are independent with variance one, so $\mathbb E[z z^\top] = I$,
# and the first part becomes $W W^\top$. The last part becomes $\sigma^2 I$ in the same way. **Line 4**: $z$ and
# $\varepsilon$ are independent and average to zero, so the mixed parts average to zero: add them to the first part, and its
# mean stays what it was.

# %%
marginal.step("E[W z z^T W^T] = W W^T", W_zz_W.mean(0), W @ W.T, standard_error=standard_error(W_zz_W))
both = W_zz_W + mixed
marginal.step("E[W z z^T W^T + mixed parts] = W W^T", both.mean(0), W @ W.T, standard_error=standard_error(both))

# %% [markdown]
# **Line 5** puts them together: the covariance of $x$.
#
# $$\mathbb E[(x - b)(x - b)^\top] = W W^\top + \sigma^2 I$$

# %%
C = W @ W.T + sigma**2 * torch.eye(2, dtype=torch.float64)
spread = outer(x - b, x - b)
marginal.step("covariance of x = W W^T + sigma^2 I", spread.mean(0), C, standard_error=standard_error(spread))

# %% [markdown]
# And its shape? $x$ is a sum of multiples of independent Gaussian numbers, and such sums are Gaussian. So
#
# $$\boxed{\;p(x) = \mathcal N\big(x;\; b,\; W W^\top + \sigma^2 I\big)\;}$$
#
# **Line 6** holds that against the definition, the integral over $z$, at five draws. There is one latent dimension, so your
# grid sum can do it: `log_joint` is $\log p(z) + \log p(x \mid z)$ on a grid of 1,601 codes.

# %%
z_grid = torch.linspace(-8, 8, 1601, dtype=torch.float64)[:, None]
log_joint = plane.prior().log_prob(z_grid) + plane.likelihood(z_grid).log_prob(x[first][:, None, :])
right = log_px_grid(log_joint, 0.01)
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
# From here on sympy checks the algebra, for all values at once.

# %%
w, x_sym, z_sym = sympy.symbols("w x z", real=True)
s = sympy.Symbol("sigma", positive=True)


def log_normal(value, mean, variance):
    return -((value - mean) ** 2) / (2 * variance) - sympy.log(2 * sympy.pi * variance) / 2


square_post = Derivation("The posterior, by completing the square")
joint_terms = -2 * (log_normal(z_sym, 0, 1) + log_normal(x_sym, w * z_sym, s**2))
right = z_sym**2 + (x_sym - w * z_sym) ** 2 / s**2 + sympy.log(4 * sympy.pi**2 * s**2)
square_post.algebra("-2 log p(x, z) = z^2 + (x - w z)^2/sigma^2 + log(4 pi^2 sigma^2)", joint_terms, right)

# %% [markdown]
# As a function of $z$ this is a parabola. **Line 2** sorts it by powers of $z$:
#
# $$z^2 + \frac{(x - w z)^2}{\sigma^2} = \left(1 + \frac{w^2}{\sigma^2}\right) z^2 - \frac{2 w x}{\sigma^2} \, z +
# \frac{x^2}{\sigma^2}$$
#
# **Line 3** completes the square. Call the factor of $z^2$ $1/S$, and let $m = S w x / \sigma^2$ be the place of the
# lowest point:
#
# $$\frac1S z^2 - \frac{2 m}{S} z + \frac{x^2}{\sigma^2} = \frac{(z - m)^2}{S} + \frac{x^2}{\sigma^2} - \frac{m^2}{S}$$

# %%
S_1 = 1 / (1 + w**2 / s**2)
m_1 = S_1 * w * x_sym / s**2
sorted_terms = (1 + w**2 / s**2) * z_sym**2 - 2 * w * x_sym / s**2 * z_sym + x_sym**2 / s**2
square_post.algebra("sorted by powers of z", z_sym**2 + (x_sym - w * z_sym) ** 2 / s**2, sorted_terms)
square_post.algebra("the square completed", sorted_terms, (z_sym - m_1) ** 2 / S_1 + x_sym**2 / s**2 - m_1**2 / S_1)

# %% [markdown]
# What is left does not depend on $z$. **Line 4** simplifies it, and you know the result: it is what stands in the exponent of
# a Gaussian with variance $w^2 + \sigma^2$, the $p(x)$ found above. **Line 5**: the constants split in the same way.
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
# So the joint falls apart into a Gaussian in $z$ and a Gaussian in $x$:
# $p(x, z) = \mathcal N(z; m, S) \; \mathcal N(x; 0, w^2 + \sigma^2)$. The second factor is $p(x)$. Then the first one must
# be the posterior, for $p(x, z) = p(z \mid x) \, p(x)$.
#
# In $D$ dimensions the same steps work with matrices, and give
#
# $$\boxed{\;p(z \mid x) = \mathcal N(z;\; m, S), \qquad S = \Big(I + \tfrac{1}{\sigma^2} W^\top W\Big)^{-1},
# \qquad m = \tfrac{1}{\sigma^2} \, S \, W^\top (x - b)\;}$$
#
# **Line 6** tests it where it counts: with three latent and five observed numbers, at 1,000 places $z$, the joint divided by
# this Gaussian is $p(x)$, wherever $z$ is.

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
# What does it say about the star? Predict: is the posterior wider or narrower than the prior? And would it be wider at
# another star, further out?

# %%
from vae_course.plotting.densities import densities

star = plane.posterior(x_star[None])
codes = z_grid[450:1151, 0]  # from -3.5 to 3.5
after = Normal(star.mean[0], star.stddev[0]).log_prob(codes).exp()
densities(codes, Normal(0, 1).log_prob(codes).exp(), {"p(z | x)": after}, name="prior p(z)")

# %% [markdown]
# It is narrower: wherever $W$ is not zero, seeing $x$ tells you something about $z$, for each direction that $W$ does not
# ignore. And its width is the same wherever the star lies, for $S$ does not contain $x$.
# That is special to the linear world. With two hills, the width and even the number of hills depended on $x$.

# %% [markdown]
# ## 7 Naive Monte Carlo
#
# Twenty dimensions, no grid, and a bent decoder, so no closed form either. What is left? Look at the integral once more:
#
# $$p(x) = \int p(z) \, p(x \mid z) \, dz = \mathbb E_{p(z)}\big[p(x \mid z)\big]$$
#
# It is a **mean**: draw codes from the prior, and average how probable each of them makes $x$. With $L$ draws,
#
# $$\hat p = \frac1L \sum_{l=1}^L p(x \mid z_l), \qquad z_l \sim p(z).$$
#
# It is **unbiased**: on average over all possible draws, $\hat p$ is $p(x)$, however small $L$. **Line 1** tests that on the
# two hills, with 200,000 draws.

# %%
naive = Derivation("The error of the naive estimate")
draws = torch.randn(200_000, 1, dtype=torch.float64)
values = hills.likelihood(draws).log_prob(x_hills[0]).exp()
naive.step("mean of p(x|z) over draws from p(z) = p(x)", values.mean(), p_2, standard_error=standard_error(values))

# %% [markdown]
# How far off is one $\hat p$? The variance of a mean of $L$ independent draws is the variance of one draw divided by $L$,
# and a variance is the mean square minus the squared mean. **Line 2**:
#
# $$\mathbb E\big[(\hat p - p(x))^2\big] = \frac1L \Big(\mathbb E_{p(z)}\big[p(x \mid z)^2\big] - p(x)^2\Big)$$
#
# On the left 4,000 estimates from $L = 50$ draws each. On the right the mean square by quadrature.

# %%
p_hat = values.reshape(50, 4000).mean(0)
errors = (p_hat - p_2).square()
mean_square = (prior * likelihood**2).sum() * step
formula = "E[(p_hat - p(x))^2] = (E[p(x|z)^2] - p(x)^2) / L"
naive.step(formula, errors.mean(), (mean_square - p_2**2) / 50, standard_error=standard_error(errors))

# %% [markdown]
# Divide by $p(x)^2$, because an error of 0.01 means something else at $p(x) = 0.1$ than at $10^{-30}$. The root of the
# result is the **relative error** $r$. **Line 3** is algebra:
#
# $$r^2 = \frac{1}{p(x)^2} \cdot \frac1L \Big(\mathbb E[p(x \mid z)^2] - p(x)^2\Big) = \frac1L
# \left(\frac{\mathbb E[p(x \mid z)^2]}{p(x)^2} - 1\right)$$

# %%
E2, p, draws_L = sympy.symbols("E2 p L", positive=True)
left, right = (E2 - p**2) / draws_L / p**2, (E2 / p**2 - 1) / draws_L
naive.algebra("(E2 - p^2) / L / p^2 = (E2 / p^2 - 1) / L", left, right)

# %% [markdown]
# All depends on the mean square of the likelihood under the prior. In the linear-Gaussian world it has a closed form.
# **Line 4**: the square of a Gaussian is a Gaussian of half the variance, up to a factor. In one dimension:
#
# $$\mathcal N(x; \mu, \sigma^2)^2 = \frac{1}{\sqrt{4 \pi \sigma^2}} \; \mathcal N\big(x; \mu, \tfrac12 \sigma^2\big)$$

# %%
left = 2 * log_normal(x_sym, z_sym, s**2)
right = -sympy.log(4 * sympy.pi * s**2) / 2 + log_normal(x_sym, z_sym, s**2 / 2)
naive.algebra("2 log N(x; mu, sigma^2) = -1/2 log(4 pi sigma^2) + log N(x; mu, sigma^2/2)", left, right)

# %% [markdown]
# With $X$ observed numbers there are $X$ such factors. What remains is the mean over the prior of a likelihood
# with noise $\sigma^2 / 2$ in place of $\sigma^2$. But you know this mean: it is the marginal of section 6, in a world with
# less noise. **Line 5**:
#
# $$\mathbb E_{p(z)}\big[p(x \mid z)^2\big] = (4 \pi \sigma^2)^{-X/2} \; \mathcal N\big(x;\; b,\; W W^\top + \tfrac12
# \sigma^2 I\big)$$
#
# Tested at the star by quadrature. **Line 6** is the same with three latent dimensions, by draws.


# %%
def log_mean_square(world, x):
    """log E[p(x | z)^2] under the prior, in closed form: [B]."""
    less = LinearGaussian(world.W, world.b, world.sigma / math.sqrt(2))
    return less.log_marginal(x) - 0.5 * len(world.b) * math.log(4 * math.pi * world.sigma**2)


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

# %% [markdown]
# ## 8 The error against the dimension
#
# Now a family of worlds that differ in nothing but $D$: $W = I$, $b = 0$, $\sigma = \frac12$. Each latent number is seen
# through noise. Take an ordinary $x$, each of whose entries lies one standard deviation from its mean,
# $x_d = \sqrt{1 + \sigma^2}$. Prior, likelihood and marginal are products over the dimensions, and so is the ratio. **Line
# 7**: each dimension multiplies it by the same $c$, which line 5 gives for one number.
#
# $$\frac{\mathbb E[p(x \mid z)^2]}{p(x)^2} = c^D,
# \qquad c = \frac{\mathcal N(x_d; 0, 1 + \frac12 \sigma^2)}{\sqrt{4 \pi \sigma^2} \; \mathcal N(x_d; 0, 1 + \sigma^2)^2},
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
pairs = [world_of(D) for D in (1, 2, 5, 10)]
ratios = torch.cat([log_mean_square(*pair) - 2 * pair[0].log_marginal(pair[1]) for pair in pairs])
naive.step("log of E[p(x|z)^2] / p(x)^2 = D log c, D = 1, 2, 5, 10", ratios, numbers(1, 2, 5, 10) * math.log(c))
claim("02-c", c, world="any", tolerance=0.05, unit="times per dimension", digits=1)

# %% [markdown]
# Here $c =$ {{any:02-c}}. Before you run the experiment, predict with a pocket calculator: from $L = 1{,}000$ draws,
# how large is the relative error for $D = 2$, for $D = 10$, for $D = 20$?
#
# The experiment: for each $D$ make 300 estimates from 1,000 draws each, and measure how far they lie from the truth. All
# numbers are divided by $p(x)$, so the truth is 1. The cell takes two or three seconds.

# %%
dims = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20]
generator, log_ratio = torch.Generator().manual_seed(0), {}
for D in dims:
    world, x_D = world_of(D)
    codes = torch.randn(1000, 300, D, generator=generator, dtype=torch.float64)
    log_ratio[D] = world.likelihood(codes).log_prob(x_D) - world.log_marginal(x_D)  # log of p(x|z) / p(x)
measured = [(log_ratio[D].exp().mean(0) - 1).square().mean().sqrt().item() for D in dims]
predicted = [math.sqrt((c**D - 1) / 1000) for D in dims]

# %%
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
# Mind the axis: 1 is an error of 100%. The derived error grows by a nearly constant factor with each dimension, and so
# is nearly a straight line here. With 1,000 draws it is {{any:02-error-2}}% for $D = 2$ (measured: {{any:02-measured-2}}%),
# {{any:02-error-10}}% for $D = 10$, and {{any:02-error-20}}% for $D = 20$. The estimate has become worthless.
#
# But look at the measured curve. It follows the line at first, then becomes erratic: above the line at $D = 10$ and 12, and
# far *below* it at the end. Has the derivation gone wrong? No: the experiment has. In 20 dimensions, {{any:02-below-20}}%
# of the 300 estimates are below $p(x)$, and a typical one is {{any:02-typical-20}} millionths of it. The largest is
# {{any:02-best-20}} times $p(x)$: this one estimate makes {{any:02-share-20}}% of the sum of the squared errors, whose mean
# is behind the measured {{any:02-measured-20}}%. The still larger ones that the true error is made of did not come up.
# What you measure looks better than what is true, and nothing in the numbers warns
# you.
#
# Why? Only codes near the posterior make $x$ probable, and the prior rarely draws there. See which share of the sum of 1,000
# terms a single one of them carries, the largest.

# %%
some = [1, 2, 5, 10, 20]
largest = torch.stack([(log_ratio[D].amax(0) - log_ratio[D].logsumexp(0)).exp().mean() for D in some])
plotting.bars([f"D = {D}" for D in some], 100 * largest, xlabel="share of the largest of 1,000 terms, %")

# %%
claim("02-largest-2", 100 * largest[1], world="any", tolerance=0.5, unit="% of the sum, D = 2", digits=0)
claim("02-largest-20", 100 * largest[4], world="any", tolerance=5, unit="% of the sum, D = 20", digits=0)

# %% [markdown]
# For $D = 2$ the largest term is {{any:02-largest-2}}% of the sum: a mean of many. For $D = 20$ it is
# {{any:02-largest-20}}%: the other 999 draws hardly count.
#
# How many draws would you need for a relative error of 10%? Solve $r = 0.1$ for $L$:
#
# $$L = \frac{c^D - 1}{0.1^2} = 100 \, (c^D - 1)$$

# %%
needed = {D: 100 * (c**D - 1) for D in (2, 10, 20)}
claim("02-draws-2", needed[2], world="any", tolerance=1, unit="draws, D = 2", digits=0)
claim("02-draws-10", needed[10] / 1e6, world="any", tolerance=0.05, unit="million draws, D = 10", digits=1)
claim("02-draws-20", needed[20] / 1e9, world="any", tolerance=0.5, unit="billion draws, D = 20", digits=0)

# %% [markdown]
# {{any:02-draws-2}} draws for $D = 2$, {{any:02-draws-10}} million for $D = 10$, {{any:02-draws-20}} billion for
# $D = 20$. That is far better than a grid, and still too many, for it buys a single $x$, and training asks for each $x$
# again and again. And this world is a mild one: with less noise, or more observed numbers for each code, $c$ is larger.

# %% [markdown]
# ## 9 Logarithms
#
# An image has hundreds of pixels, each with a probability below one. Their product is a number like $e^{-700}$, for which
# PyTorch's usual numbers, float32, have no room: they end near $e^{-103}$, and the float64 of this lesson near
# $e^{-745}$. So we work with logarithms only. What about a *mean* of such numbers?

# %% tags=["nbval-check-output"]
log_px_z = torch.tensor([-700.0, -703.0, -710.0])
print("naively:", log_px_z.exp().mean().log().item())

# %% [markdown]
# Every likelihood is rounded to zero, and the logarithm of zero is minus infinity. The way out is to take the largest,
# $a = \max_l \log p(x \mid z_l)$, out of the sum first. What is left in the sum lies between 0 and 1, and the largest term
# is 1.
#
# $$\log \frac1L \sum_l p(x \mid z_l) = a + \log \sum_l e^{\log p(x \mid z_l) - a} - \log L$$
#
# The first two terms together are `torch.logsumexp`; do not add $a$ once more. Test the line where both sides can be
# computed, with draws in two dimensions.

# %%
logs = Derivation("The logarithm of a mean")
values = log_ratio[2][:, 0]
a = values.amax()
right = a + (values - a).exp().sum().log() - math.log(1000)
logs.step("log of the mean = a + log sum exp(log p - a) - log L", values.exp().mean().log(), right)

# %% [markdown]
# ### Your turn: log p(x) from draws
#
# Write the naive estimate of $\log p(x)$ without leaving the logarithms. What comes in is $\log p(x \mid z)$ at $L$
# draws from the prior, `[L, B]`, where values near $-2000$ occur; what goes out is one number for each $x$, `[B]`.

# %% exercise="02-naive-mc"

# %% [markdown]
# In five dimensions, take the 300,000 draws in groups of $L = 1, 10, 100$ and $1{,}000$. Each group gives one estimate of
# $\log p(x)$. The estimates of $p(x)$ are right on average, whatever $L$ is. Predict: are their logarithms?

# %%
log_px = world_of(5)[0].log_marginal(world_of(5)[1])
sizes = [1, 10, 100, 1000]
means = [log_px_naive(log_ratio[5].T.reshape(-1, L).T).mean() + log_px for L in sizes]
rows = {"log p(x)": log_px.expand(4), "mean of log p_hat": torch.cat(means)}
plotting.lines(sizes, rows, xlabel="draws L in each estimate", ylabel="nats", logx=True, markers=True)

# %%
claim("02-bias-1", log_px - means[0], world="any", tolerance=0.1, unit="nats too low, L = 1", digits=1)
claim("02-bias-100", log_px - means[2], world="any", tolerance=0.05, unit="nats too low, L = 100", digits=2)

# %% [markdown]
# They are not. With one draw, the mean of the logarithms is {{any:02-bias-1}} nats too low, with a hundred draws still
# {{any:02-bias-100}}. The logarithm of an unbiased estimate is **biased low**. To see why, take an estimate that gives half
# of the truth or one and a half times the truth, equally often:

# %% tags=["nbval-check-output"]
half, more = math.log(0.5), math.log(1.5)
print(f"mean of the estimates {(0.5 + 1.5) / 2:.2f}, its logarithm {math.log(1.0):.2f}")
print(f"logarithms {half:+.2f} and {more:+.2f}, their mean {(half + more) / 2:+.2f}")

# %% [markdown]
# The logarithm takes more away for an estimate that is too low than it gives for one that is too high. This is not only a
# nuisance. It means that the mean of such logarithms lies **below** $\log p(x)$: a bound. Lesson 03 proves it, and
# lesson 04 makes of it the thing that a VAE maximises.

# %% [markdown]
# ### What would help
#
# The waste has one cause: draws from the prior that land where $p(x \mid z)$ is next to nothing. If you could draw from the
# posterior, hardly a draw would be lost. But the posterior needs $p(x)$, which is what you are after. You need something
# *like* the posterior that you can have without $p(x)$. That is where lesson 03 begins.

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
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (bayes, curves, marginal, square_post, naive, logs):
    display(derivation.summary())

# %% [markdown]
# ## Summary
#
# > $$\underbrace{p(x, z)}_{\text{joint}} = \underbrace{p(z)}_{\text{prior}} \; \underbrace{p(x
# > \mid z)}_{\text{likelihood}} \qquad \text{draw } z \text{ first, then } x$$
# >
# > $$p(x) = \int p(z) \, p(x \mid z) \, dz,
# > \qquad \underbrace{p(z \mid x)}_{\text{posterior}} = \frac{p(z) \, p(x \mid z)}{p(x)}$$
# >
# > $$\log p(x) \approx \log\textstyle\sum_g e^{\log p(x, z_g)} + \log \Delta \qquad \text{on a grid, in one dimension}$$
# >
# > $$x = W z + b + \sigma \varepsilon: \quad p(x) = \mathcal N(x;\, b,\, W W^\top + \sigma^2 I)$$
# >
# > $$p(z \mid x) = \mathcal N(z;\, m, S), \quad S = \big(I + \tfrac{1}{\sigma^2} W^\top W\big)^{-1},
# > \quad m = \tfrac{1}{\sigma^2} S \, W^\top (x - b)$$
# >
# > $$\hat p = \tfrac1L \textstyle\sum_l p(x \mid z_l), \quad z_l \sim p(z): \quad \mathbb E[\hat p] = p(x),
# > \quad r^2 = \tfrac1L \left(\mathbb E[p(x \mid z)^2] \,/\, p(x)^2 - 1\right)$$
# >
# > The likelihood is a density over $x$, not over $z$. The posterior need not be Gaussian. Unbiased is not accurate: in a
# > world of $D$ equal dimensions, $r^2$ grows like $c^D$. The logarithm of an unbiased estimate is biased low.
#
# **Sources.** C. M. Bishop, *Pattern Recognition and Machine Learning*, 2006, sections 2.3.3 (linear-Gaussian models), 8.1
# (graphical models, ancestral sampling) and 12.2 (probabilistic PCA). M. E. Tipping and C. M. Bishop, *Probabilistic
# Principal Component Analysis*, Journal of the Royal Statistical Society B 61, 1999. L. N. Trefethen and J. A. C. Weideman,
# *The Exponentially Convergent Trapezoidal Rule*, SIAM Review 56, 2014, for the error of the grid sum. D. P. Kingma and M.
# Welling, *Auto-Encoding Variational Bayes*, ICLR 2014, section 2.1. D. J. C. MacKay, *Information Theory, Inference, and
# Learning Algorithms*, 2003, chapter 29, for Monte Carlo in many dimensions.
#
# **Next:** [03 KL and variational inference](03_kl_and_variational_inference.ipynb): if you can't have the posterior,
# take the closest distribution that you can have.
