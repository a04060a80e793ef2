# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 06 Choosing the likelihood
#
# One term of the ELBO is $\log p(x \mid z)$, and so far the exact worlds came with their $p(x \mid z)$. For images you
# have to choose it. The choice is the model's statement of what an error costs, and it decides how much a code is worth.

# %% [markdown]
# **After this lesson you can**
# - derive cross-entropy from the Bernoulli and squared error from the Gaussian, line by line,
# - say why cross-entropy on grey pixels is not a log-likelihood, and what the missing factor is,
# - read the $\sigma^2$ off a squared error, and learn it instead,
# - turn every mixture of sums, means and weights into an effective beta, and say what a wrong one does,
# - convert nats into bits per pixel.
#
# **You need first:** [lesson 04](04_the_elbo.ipynb) (the ELBO as reconstruction minus KL, the linear-Gaussian world).
# Densities and their integrals, gradients, and PyTorch.
#
# **Time:** No cell takes longer than 10 seconds.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $B, X$ | images in a batch, pixels of an image | `batch`, `pixels` | |
# | $x$ | images, or one pixel | `x` | `[B, 1, 28, 28]`, `[B, X]` |
# | $\ell$ | log odds of a pixel, an output of the decoder | `logits` | as `x` |
# | $\lambda = \mathrm{sigmoid}(\ell)$ | the probability of ink | `lam` | as `x` |
# | $x'$ | mean of a pixel, the output of a Gaussian decoder | `mean` | as `x` |
# | $\sigma, \sigma^2$ | standard deviation and variance of a pixel around $x'$ | `sigma`, `variance` | one number |
# | $\log p(x \mid z)$ | log-likelihood of the images, given their codes | `log_px_z` | `[B]` |
# | $\mu, \log\sigma^2$ of $q$ | mean and log variance of the code, $D$ latents | `mu`, `logvar`, `latents` | `[B, D]` |
# | $\beta$ | effective weight of the KL | `beta` | one number, or `[M]` for $M$ losses |

# %% [markdown]
# ## 1 What does an error cost?
#
# A pixel is 0.3 and the decoder says 0.8. How bad is that? There is no answer before you choose $p(x \mid z)$. Take a
# Gaussian around the decoder's output with a standard deviation of 0.1, 0.5 or 2. Predict: with which of them is the
# error expensive?

# %%
import math

import sympy
import torch
from torch.distributions import Bernoulli, ContinuousBernoulli, Independent, Normal
from torch.nn import functional as F

from vae_course import data, exercises, plotting
from vae_course.claims import claim
from vae_course.distributions import bernoulli_log_prob, gaussian_kl, gaussian_log_prob
from vae_course.exact import GridWorld, LinearGaussian
from vae_course.derivations import Derivation, standard_error

_ = torch.manual_seed(0)
# %% [markdown]
# `log_prob` of a torch distribution is a log density in nats. A *hit* is the decoder's output itself.

# %% tags=["nbval-check-output"]
for sigma in (0.1, 0.5, 2.0):
    pixel = Normal(torch.tensor(0.8), sigma)
    hit, miss = pixel.log_prob(torch.tensor(0.8)), pixel.log_prob(torch.tensor(0.3))
    print(f"sigma = {sigma}: the error costs {hit - miss:.2f} nats more than a hit")

# %% [markdown]
# The same error, three prices. Now recall the other term of the ELBO: the KL charges nats for what the code says.
# Training spends a nat of code wherever it saves more than a nat of error. With $\sigma = 0.1$ it pays to describe this
# pixel, with $\sigma = 2$ it does not. **The likelihood sets the exchange rate between errors and codes.**
#
# The images of this lesson, and the simplest decoder there is: it always answers with the mean of the training images. Any
# likelihood can be tried on it without training.

# %%
splits = data.load("auto")
world, pixels = splits.name, splits.train.x[0].numel()
mean_image = splits.train.x.mean(0, keepdim=True)
print(f"{world}: {len(splits.train):,} images to learn from, {len(splits.val):,} to look at, {pixels} pixels each")

# %% [markdown]
# ## 2 Pixels that are 0 or 1
#
# Let a pixel be ink or paper, $x \in \{0, 1\}$, with ink at probability $\lambda$. **Line 1** writes both cases as one
# formula: the exponent that is zero switches its factor off.
#
# $$p(x \mid z) = \lambda^{x} (1 - \lambda)^{1 - x}$$
#
# **Line 2** takes the logarithm. The negative of the right side is called the **cross-entropy** of $x$ and $\lambda$.
#
# $$\log p(x \mid z) = x \log\lambda + (1 - x) \log(1 - \lambda)$$

# %%
bernoulli = Derivation("From the Bernoulli to cross-entropy")
x = torch.tensor([0.0, 1.0, 1.0, 0.0], dtype=torch.float64)
lam = torch.tensor([0.2, 0.7, 0.9, 0.5], dtype=torch.float64)
cases = torch.where(x == 1, lam, 1 - lam)
bernoulli.step("lam^x (1 - lam)^(1 - x) = lam if x is 1, else 1 - lam", lam**x * (1 - lam) ** (1 - x), cases)
a_pixel, log_odds = sympy.symbols("x l", real=True)
ink, paper = sympy.symbols("lam one_minus_lam", positive=True)
right = a_pixel * sympy.log(ink) + (1 - a_pixel) * sympy.log(paper)
left = sympy.log(ink**a_pixel * paper ** (1 - a_pixel))
bernoulli.algebra("log p = x log lam + (1 - x) log(1 - lam)", left, right)

# %% [markdown]
# A network's last layer gives any real number, so let it give the log odds $\ell = \log\frac{\lambda}{1 - \lambda}$.
# Solved for $\lambda$, that is the sigmoid, in two ways of writing it (**line 3**). **Lines 4 and 5** are the two
# logarithms that line 2 needs, and **line 6** puts them in. What is left holds one logarithm:
#
# $$\lambda = \frac{1}{1 + e^{-\ell}} = \frac{e^{\ell}}{1 + e^{\ell}}, \qquad
# \log p(x \mid z) = x \, \ell - \log\big(1 + e^{\ell}\big)$$

# %%
odds = sympy.exp(log_odds)
log_lam, log_rest = log_odds - sympy.log(1 + odds), -sympy.log(1 + odds)
bernoulli.algebra("1 / (1 + e^-l) = e^l / (1 + e^l)", 1 / (1 + sympy.exp(-log_odds)), odds / (1 + odds))
bernoulli.algebra("log lam = l - log(1 + e^l)", sympy.log(odds / (1 + odds)), log_lam)
bernoulli.algebra("log(1 - lam) = -log(1 + e^l)", sympy.log(sympy.simplify(1 - odds / (1 + odds))), log_rest)
left, right = a_pixel * log_lam + (1 - a_pixel) * log_rest, a_pixel * log_odds - sympy.log(1 + odds)
bernoulli.algebra("log p = x l - log(1 + e^l)", left, right)

# %% [markdown]
# One trap is left. What does $\log(1 + e^{\ell})$ give for $\ell = 100$, in the 32-bit numbers that networks use?
# Predict, then compare with a second way of writing it, which takes the large part out of the logarithm:
#
# $$\log\big(1 + e^{\ell}\big) = \max(\ell, 0) + \log\big(1 + e^{-|\ell|}\big)$$
#
# **Line 7** checks that the two ways agree where both work.

# %% tags=["nbval-check-output"]
large = torch.tensor([10.0, 100.0])
print("as it stands:", torch.log(1 + torch.exp(large)).tolist())
print("rewritten:   ", (large.clamp_min(0) + torch.log1p(torch.exp(-large.abs()))).tolist())

# %%
ell = torch.linspace(-30, 30, 13, dtype=torch.float64)
safe = ell.clamp_min(0) + torch.log1p(torch.exp(-ell.abs()))
bernoulli.step("log(1 + e^l) = max(l, 0) + log(1 + e^-|l|)", torch.log(1 + torch.exp(ell)), safe)

# %% [markdown]
# $e^{100}$ is more than a 32-bit number can hold. PyTorch calls the function `softplus`, and its
# `F.binary_cross_entropy_with_logits` is written in the safe way. A sigmoid first and a cross-entropy of its result
# afterwards is not.
#
# From one pixel to an image takes an **assumption**: once the code is known, the pixels are independent. It has a price.
# Whatever ties pixels together beyond chance, the code must carry, and an image whose pixels are *drawn* from
# $p(x \mid z)$ looks sprinkled with dots, which is why one shows the mean of each pixel instead. What it buys is that the
# probability of an image is a product, and its logarithm a **sum over the pixels**. **Line 8** checks it for one row of
# pixels, with the mean image as $\lambda$, kept away from 0 and 1, where one drop of ink would have probability zero. **Line 9**
# compares the whole formula with torch's distribution, on four images.

# %%
x = data.binarize(splits.val[:4], seed=1).x.double()
lam = mean_image.double().clamp(0.01, 0.99)
logits = torch.logit(lam).expand_as(x)
row, row_lam = x[0, 0, 14], lam[0, 0, 14]
product = torch.where(row == 1, row_lam, 1 - row_lam).prod()
summed = (row * logits[0, 0, 14] - F.softplus(logits[0, 0, 14])).sum()
bernoulli.step("log of a product over pixels = sum of x l - log(1 + e^l)", product.log(), summed)
log_px_z = (x * logits - F.softplus(logits)).flatten(1).sum(1)
bernoulli.step("sum of x l - log(1 + e^l) = torch's", log_px_z, Independent(Bernoulli(logits=logits), 3).log_prob(x))
print("log_px_z:", [round(value, 1) for value in log_px_z.tolist()])

# %% [markdown]
# `bernoulli_log_prob(x, logits)` of the package is this sum.
#
# ### Where do such pixels come from?
#
# Scanned digits are grey. The usual answer: read each grey level as a probability and draw the pixel as 0 or 1. Draw once and
# keep the result (`data.binarize`, **fixed**), or draw anew whenever an image is used (`data.dynamic_binarize`, **dynamic**).
# How many pixels change from one draw to the next?

# %%
generator = torch.Generator().manual_seed(3)
first, second = (data.dynamic_binarize(splits.val.x, generator) for _ in range(2))
claim(
    "06-redrawn", 100 * (first != second).float().mean(), world=world, tolerance=0.05, unit="% of the pixels", digits=2
)
grey = splits.val.x[:8]
once, again = (data.dynamic_binarize(grey, torch.Generator().manual_seed(seed)) for seed in (1, 2))
plotting.image_grid(torch.cat([grey, once, again]), ncols=8)

# %% [markdown]
# First row: grey. Second and third row: two draws of the same images. They differ only at the edges of the strokes, on MNIST
# in {{mnist:06-redrawn}}% of the pixels. Few, but with a fixed draw a large network can learn even those by heart. Train on
# dynamic draws, and measure on one fixed draw that everybody uses.

# %% [markdown]
# ## 3 Grey pixels
#
# Code that skips the drawing puts the grey pixel itself into the cross-entropy. Nothing crashes. What does the number mean?
#
# **Line 10.** The formula $x \, \ell - \log(1 + e^{\ell})$ is *linear* in $x$. So its mean over all draws of the pixels
# is the formula at the mean of the draws, which is the grey level $g$:
#
# $$\mathbb E_{x \sim \mathrm{Bernoulli}(g)}\big[x \, \ell - \log(1 + e^{\ell})\big] = g \, \ell - \log\big(1 + e^{\ell}\big)$$
#
# So cross-entropy on grey pixels is a reasonable *loss*: for a given $\ell$ it is the average loss over dynamic draws.
# It is about the drawn images, though, not about the grey ones. Two things show it.
#
# **First: its floor.** A perfect decoder answers $\lambda = g$. Predict its loss, then see **line 11**: it is the
# entropy of the coin tosses, which nobody can predict, not even with the right probability.

# %%
g, ell = splits.val.x[0].double().flatten(), logits[0].flatten()
draws = torch.bernoulli(g.expand(4000, -1))
values = (draws * ell - F.softplus(ell)).sum(1)
grey_formula, error = (g * ell - F.softplus(ell)).sum(), standard_error(values)
bernoulli.step(
    "mean of log p over draws = formula at the grey image", values.mean(), grey_formula, standard_error=error
)
perfect = F.binary_cross_entropy(g, g, reduction="sum")
bernoulli.step("cross-entropy of g with itself = entropy of the coins", perfect, Bernoulli(g).entropy().sum())
floor = F.binary_cross_entropy(splits.val.x, splits.val.x, reduction="none").flatten(1).sum(1).mean()
claim("06-grey-floor", floor, world=world, tolerance=0.2)

# %% [markdown]
# On the validation images of MNIST a perfect reconstruction costs {{mnist:06-grey-floor}} nats.
#
# **Second: its integral.** A grey pixel can take every value in $[0, 1]$, so a likelihood for it must be a density, and
# integrate to one. Compute $\int_0^1 \lambda^x (1 - \lambda)^{1 - x} \, dx$. **Line 1** of this new derivation writes the
# integrand with the log odds. **Line 2** integrates what depends on $x$, **lines 3 and 4** put the factor back and tidy up:
#
# $$\lambda^x (1 - \lambda)^{1 - x} = (1 - \lambda) \, e^{\ell x}, \qquad
# \int_0^1 e^{\ell x} dx = \frac{e^{\ell} - 1}{\ell}, \qquad (1 - \lambda) \, \frac{e^{\ell} - 1}{\ell} = \frac{2 \lambda -
# 1}{\ell} = \frac{\tanh(\ell / 2)}{\ell}$$

# %%
continuous = Derivation("Cross-entropy on grey pixels, and the continuous Bernoulli")
levels = torch.linspace(0, 1, 10_001, dtype=torch.float64)
lam = torch.tensor([[0.02], [0.3], [0.9]], dtype=torch.float64)
ell = torch.logit(lam)
integrand = lam**levels * (1 - lam) ** (1 - levels)
continuous.step("lam^x (1 - lam)^(1 - x) = (1 - lam) e^(l x)", integrand, (1 - lam) * torch.exp(ell * levels))
above_0, ink = sympy.symbols("l", positive=True), odds / (1 + odds)
left = sympy.integrate(sympy.exp(above_0 * a_pixel), (a_pixel, 0, 1))
continuous.algebra("integral of e^(l x) = (e^l - 1) / l", left, (sympy.exp(above_0) - 1) / above_0)
left, right = (1 - ink) * (odds - 1) / log_odds, (2 * ink - 1) / log_odds
continuous.algebra("(1 - lam) (e^l - 1) / l = (2 lam - 1) / l", left, right)
continuous.algebra("2 lam - 1 = tanh(l / 2)", 2 * ink - 1, sympy.tanh(log_odds / 2).rewrite(sympy.exp))

# %% [markdown]
# ### Your turn: the integral
#
# Write it for any logits. At $\ell = 0$ the formula is $0 / 0$. What is the integrand there, and hence the integral?

# %% exercise="06-grey-integral"

# %% [markdown]
# **Line 5**: your function against quadrature, at five $\lambda$. Then the area for all $\lambda$, beside the integrands
# themselves. Predict: for which $\lambda$ is the area closest to one?

# %%
lam = torch.tensor([[0.02], [0.3], [0.5], [0.9], [0.999]], dtype=torch.float64)
area = torch.trapezoid(lam**levels * (1 - lam) ** (1 - levels), levels)
integral = grey_integral(torch.logit(lam)).squeeze(1)
continuous.step("area under exp(-cross-entropy) = tanh(l / 2) / l", area, integral, how="quadrature")
fig, axes = plotting.figure(1, 2, height=3.2)
for ax in axes[0]:
    _ = ax.set_ylim(0, 1.05)
curves = {f"lam = {p}": p**levels * (1 - p) ** (1 - levels) for p in (0.9, 0.5, 0.1)}
plotting.lines(levels, curves, xlabel="grey level x", ylabel="exp(-cross-entropy)", ax=axes[0, 0])
p = torch.linspace(0.002, 0.998, 301, dtype=torch.float64)
areas = {"area": grey_integral(torch.logit(p)), "a density": torch.ones_like(p)}
plotting.lines(p, areas, xlabel="lam, what the decoder says", ylabel="area over all grey levels", ax=axes[0, 1])
fig

# %% [markdown]
# Left, the would-be density for three outputs of the decoder; right, the area under it. It is never above one half, which it
# reaches at $\lambda = \frac12$, and it depends on the output: no constant would repair it. So grey cross-entropy is not $-\log
# p(x \mid z)$ plus something harmless.
#
# ### The way out that keeps the pixels grey
#
# Divide by the area. The result is a density on $[0, 1]$, the **continuous Bernoulli** (Loaiza-Ganem and Cunningham,
# 2019):
#
# $$\log p(x \mid z) = x \, \ell - \log\big(1 + e^{\ell}\big) - \log \frac{\tanh(\ell / 2)}{\ell}$$
#
# **Line 6**: it integrates to one. **Line 7**: it is torch's `ContinuousBernoulli`. **Line 8** is a surprise that shows in
# pictures: its mean is *not* $\lambda$. Show the mean as the reconstruction, not $\mathrm{sigmoid}(\ell)$.
#
# $$\mathbb E[x] = \frac{\lambda}{2 \lambda - 1} - \frac{1}{\ell}$$


# %%
def continuous_bernoulli_log_prob(x, logits):
    return x * logits - F.softplus(logits) - torch.log(grey_integral(logits))


log_density = continuous_bernoulli_log_prob(levels, torch.logit(lam))
area = torch.trapezoid(log_density.exp(), levels)
continuous.step("area under the continuous Bernoulli = 1", area, torch.ones(5), how="quadrature")
continuous.step("x l - log(1 + e^l) - log(area) = torch's", log_density, ContinuousBernoulli(lam).log_prob(levels))
p = lam[[0, 1, 3, 4]]
density = continuous_bernoulli_log_prob(levels, torch.logit(p)).exp()
formula = p / (2 * p - 1) - 1 / torch.logit(p)
continuous.step(
    "mean of the density = lam / (2 lam - 1) - 1/l",
    torch.trapezoid(levels * density, levels),
    formula[:, 0],
    how="quadrature",
)
claim("06-cb-mean", formula[2], world="any", tolerance=0.005, unit="at lam = 0.9", digits=2)

# %% [markdown]
# For $\lambda = 0.9$ the mean is {{any:06-cb-mean}}. (Train with torch's distribution: near $\ell = 0$ the formula's slope loses
# its digits and ends as NaN. *Going deeper* shows it.)
#
# What was missing on real images? Take the mean image as the decoder, clamped to $[0.01, 0.99]$. Three numbers: the
# cross-entropy, what it leaves out, and what is left when nothing is left out. The clamp is our choice, so the last number
# comes once more with $[0.001, 0.999]$:

# %%
logits = torch.logit(mean_image.clamp(0.01, 0.99))
cross_entropy = -bernoulli_log_prob(splits.val.x, logits.expand_as(splits.val.x)).mean()
missing = -grey_integral(logits).log().sum()
proper = -continuous_bernoulli_log_prob(splits.val.x, logits).flatten(1).sum(1).mean()
claim("06-mean-image-cross-entropy", cross_entropy, world=world, tolerance=0.5)
claim("06-missing-normaliser", missing, world=world, tolerance=1.0)
claim("06-mean-image-continuous", proper, world=world, tolerance=1.5)
sharper = torch.logit(mean_image.clamp(0.001, 0.999))
proper = -continuous_bernoulli_log_prob(splits.val.x, sharper).flatten(1).sum(1).mean()
claim("06-mean-image-sharper", proper, world=world, tolerance=2)

# %% [markdown]
# | nats per validation image | MNIST |
# |---|---|
# | cross-entropy of the grey pixels | {{mnist:06-mean-image-cross-entropy}} |
# | what the normaliser adds to $\log p$ | {{mnist:06-missing-normaliser}} |
# | $-\log p(x)$ under the continuous Bernoulli | {{mnist:06-mean-image-continuous}} |
# | the same, $\lambda$ clamped to $[0.001, 0.999]$ | {{mnist:06-mean-image-sharper}} |
#
# The correction is several times as large as the number that it corrects. And $-\log p$ is negative! That is no
# mistake: a density may exceed one, and where the decoder is nearly sure of paper, it does. A probability of discrete
# pixels can't. Never compare the two kinds of number. And the surer the decoder may be of pixels that are always paper, the lower
# such a number falls: see the last row.

# %% [markdown]
# ## 4 Real-valued pixels: from the Gaussian to squared error
#
# The other common choice: a pixel is the decoder's output $x'$ plus Gaussian noise. **Line 1** of a new derivation is
# the negative logarithm of its density:
#
# $$-\log \mathcal N(x; x', \sigma^2) = \frac{(x - x')^2}{2 \sigma^2} + \tfrac12 \log\big(2 \pi \sigma^2\big)$$
#
# **Line 2** sums over the $X$ independent pixels of an image. The squared error appears, and beside it a term that does
# not depend on the image:
#
# $$-\log p(x \mid z) = \frac{1}{2 \sigma^2} \sum_{i=1}^{X} (x_i - x_i')^2 + \frac X2 \log\big(2 \pi \sigma^2\big)$$
#
# **Line 3**: the gradient with respect to an output is the error divided by $\sigma^2$. This is where $\sigma$ acts: it
# multiplies every gradient that reaches the decoder.
#
# $$\frac{\partial}{\partial x_i'} \big(-\log p(x \mid z)\big) = \frac{x_i' - x_i}{\sigma^2}$$

# %%
squared = Derivation("From the Gaussian to squared error")
centre, sd = sympy.symbols("mean sigma", positive=True)
gaussian = sympy.exp(-((a_pixel - centre) ** 2) / (2 * sd**2)) / sympy.sqrt(2 * sympy.pi * sd**2)
right = (a_pixel - centre) ** 2 / (2 * sd**2) + sympy.log(2 * sympy.pi * sd**2) / 2
squared.algebra("-log N = (x - x')^2 / (2 sigma^2) + 1/2 log(2 pi sigma^2)", -sympy.log(gaussian), right)
x, mean, sigma = splits.val.x[:4].double().flatten(1), mean_image.double().flatten(1).expand(4, -1), 0.4
error = ((x - mean) ** 2).sum(1)
formula = error / (2 * sigma**2) + pixels / 2 * math.log(2 * math.pi * sigma**2)
nll = -Independent(Normal(mean, sigma), 1).log_prob(x)
squared.step("-log p(x|z) = squared error / (2 sigma^2) + X/2 log(2 pi sigma^2)", nll, formula)
output = mean.clone().requires_grad_()
(slope,) = torch.autograd.grad(-Independent(Normal(output, sigma), 1).log_prob(x).sum(), output)
squared.step("slope of -log p in x' = (x' - x) / sigma^2", slope, (mean - x) / sigma**2)

# %% [markdown]
# ## 5 Which sigma did you choose?
#
# *Variational Autoencoders*, a blog post of 18 July 2020 (the **second text** of lesson 00), derives squared error in one line:
# it sets $p(x \mid z) = \exp\big(-(x - x')^2\big)$, so that $-\log p(x \mid z) = (x - x')^2$. Something is missing, twice. Say
# what before you read on.
#
# **Line 4**: the area under that curve is not one. **Line 5**: set its exponent beside the Gaussian's,
# $(x - x')^2 / (2 \sigma^2)$, and solve for $\sigma^2$.
#
# Every way to write a squared error implies a sigma. You need not trust anybody's comments to find out which: the second
# derivative of $-\log p$ with respect to an output is $1 / \sigma^2$ (**line 6**), so **ask the loss**.


# %%
def implied_variance(loss):
    """sigma^2 of each pixel, from the second derivative of a loss with respect to the outputs."""
    output = mean.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(x, output), output, create_graph=True)
    # The sum is allowed because no output changes the slope of another: one call gives every second derivative.
    (curvature,) = torch.autograd.grad(slope.sum(), output)
    return 1 / curvature


def gaussian_loss(x, output):
    return -Independent(Normal(output, 0.4), 1).log_prob(x).sum()


grid = torch.linspace(-8, 8, 4001, dtype=torch.float64)
area = torch.trapezoid(torch.exp(-((grid - 0.3) ** 2)), grid)
squared.step("area under exp(-(x - x')^2) = sqrt(pi)", area, math.sqrt(math.pi), how="quadrature")
v = sympy.symbols("v", positive=True)  # a variance, sigma^2
squared.algebra("1 / (2 sigma^2) = 1 at sigma^2 = 1/2", sympy.solve(1 / (2 * v) - 1, v)[0], sympy.Rational(1, 2))
squared.step("1 / second derivative of -log p = sigma^2", implied_variance(gaussian_loss), 0.4**2)

# %% [markdown]
# So the text *has* chosen a sigma: $\sigma^2 = \frac12$, without saying so. Now three losses for one image that are all called
# "squared error". Predict the $\sigma^2$ of each; the third is what `nn.MSELoss()` does by default. And how much of such a
# density lies outside $[0, 1]$, where no pixel can be, if the decoder answers 0.3?

# %%
x, mean = x[:1], mean[:1]
losses = {
    "sum": lambda x, output: ((x - output) ** 2).sum(),
    "half": lambda x, output: 0.5 * ((x - output) ** 2).sum(),
    "mean": lambda x, output: F.mse_loss(output, x),
}
for name, loss in losses.items():
    variance = implied_variance(loss)
    assert variance.max() - variance.min() < 1e-9 * variance.mean()
    claim(f"06-variance-{name}", variance.mean(), world="any", tolerance=0.005, unit="= sigma^2", digits=2)
for name in ("sum", "mean"):
    pixel = Normal(torch.tensor(0.3), implied_variance(losses[name]).mean().sqrt().float())
    outside = 100 * (1 - pixel.cdf(torch.tensor(1.0)) + pixel.cdf(torch.tensor(0.0)))
    claim(f"06-outside-{name}", outside, world="any", tolerance=0.5, unit="% of the mass outside [0, 1]", digits=0)

# %% [markdown]
# See what these variances say, beside a chosen $\sigma^2 = 0.2^2$. The grey band is where pixels can be.

# %%
variances = {"chosen": 0.2**2, "half": 1.0, "sum": 0.5, "mean": 392.0}
at = torch.linspace(-1.5, 2.5, 401, dtype=torch.float64)
densities = {f"{name}: {of:g}": Normal(0.3, of**0.5).log_prob(at).exp() for name, of in variances.items()}
fig = plotting.lines(
    at, densities, xlabel="pixel x, when the decoder says 0.3", ylabel="density (sigma^2 behind the name)"
)
_ = fig.axes[0].axvspan(0, 1, color="#D0D0D0", alpha=0.5, linewidth=0, zorder=0)
fig

# %% [markdown]
# The plain sum has $\sigma^2 =$ {{any:06-variance-sum}}, with the factor $\frac12$ it is {{any:06-variance-half}}, and
# the mean over 784 pixels means $\sigma^2 =$ {{any:06-variance-mean}}: noise with a standard deviation of 20 on pixels
# between 0 and 1. {{any:06-outside-sum}}% of the mass of the plain sum lies outside the pixels' range, and
# {{any:06-outside-mean}}% of the mean's. None of these was chosen; they came from a `sum`, a `mean` and a $\frac12$.
#
# ### Your turn: find what is missing
#
# This is the text's loss for one image. Repair it: give it the sigma as an argument, and everything that makes it a
# negative log-likelihood in nats.


# %%
def as_printed(x, mean):
    return ((x - mean) ** 2).sum(dim=-1)


# %% exercise="06-implied-sigma"

# %% [markdown]
# **Line 7** holds yours against the package, at $\sigma = \frac12$. **Line 8**: at $\sigma^2 = \frac12$ it differs from
# the text's by the logarithm of the missing factor, $\sqrt\pi$ for each pixel. How many nats is that for an image?

# %%
x, mean = splits.val.x.double().flatten(1), mean_image.double().flatten(1).expand(len(splits.val), -1)
half = torch.tensor(0.5, dtype=torch.float64)
squared.step("your -log p = the package's", gaussian_nll(x, mean, half), -gaussian_log_prob(x, mean, 2 * half.log()))
offset = gaussian_nll(x, mean, half.sqrt()) - as_printed(x, mean)
squared.step("-log p at sigma^2 = 1/2, minus the text's loss = X log sqrt(pi)", offset, pixels * math.log(math.pi) / 2)
claim("06-missing-nats", offset.mean(), world="any", tolerance=0.05)

# %% [markdown]
# {{any:06-missing-nats}} nats: a constant that training does not notice, and that makes every reported number wrong.

# %% [markdown]
# ## 6 Learn it
#
# If $\sigma$ has to be chosen, let the data choose. Call $S$ the squared error summed over all $N = B X$ pixels of a batch,
# and $v = \sigma^2$. **Line 1** of a new derivation is the slope of the loss with respect to $v$, **line 2** where it
# vanishes. **Line 3**: the second derivative is positive there, so it is a minimum.
#
# $$\frac{d}{dv} \left[\frac{S}{2 v} + \frac N2 \log(2 \pi v)\right] = \frac{N}{2 v} - \frac{S}{2 v^2} = 0
# \quad\Longrightarrow\quad \sigma^2 = v = \frac SN$$
#
# The best variance **is** the mean squared error. **Line 4** puts it back in, and the error term becomes a constant:
#
# $$\min_{\sigma^2} \; -\log p = \frac N2 \left(\log\Big(2 \pi \frac SN\Big) + 1\right)$$

# %%
learned = Derivation("The best sigma")
N, S = sympy.symbols("N S", positive=True)
nll_of_v = S / (2 * v) + N / 2 * sympy.log(2 * sympy.pi * v)
best = sympy.solve(sympy.diff(nll_of_v, v), v)[0]
learned.algebra("d/dv of -log p = N / (2 v) - S / (2 v^2)", sympy.diff(nll_of_v, v), N / (2 * v) - S / (2 * v**2))
learned.algebra("best sigma^2 = S / N", best, S / N)
learned.algebra("second derivative there = N^3 / (2 S^2)", sympy.diff(nll_of_v, v, 2).subs(v, best), N**3 / (2 * S**2))
learned.algebra(
    "-log p there = N/2 (log(2 pi S/N) + 1)", nll_of_v.subs(v, best), N / 2 * (sympy.log(2 * sympy.pi * S / N) + 1)
)

# %% [markdown]
# ### Your turn: the best sigma
#
# One variance for all pixels and images. As everywhere in this course, hand back the log variance.

# %% exercise="06-optimal-sigma"

# %% [markdown]
# **Line 5**: with your variance, the loss of 10,000 training images is the minimum of line 4. Is it the lowest? Move sigma and
# see. Then look at what this sigma and that of section 5 cost on images that took no part in choosing it.

# %%
x, mean = splits.train.x[:10_000].double().flatten(1), mean_image.double().flatten(1).expand(10_000, -1)
best_sigma = torch.exp(0.5 * optimal_logvar(x, mean))
lowest = gaussian_nll(x, mean, best_sigma).mean()
formula = pixels / 2 * (math.log(2 * math.pi * F.mse_loss(mean, x)) + 1)
learned.step("mean of -log p at the best sigma = X/2 (log(2 pi mse) + 1)", lowest, formula)
sigmas = torch.logspace(-0.95, 0.4, 50, dtype=torch.float64)
curve = torch.stack([gaussian_nll(x[:1000], mean[:1000], s).mean() for s in sigmas])
title = "the mean image as the decoder"
claim("06-best-sigma", best_sigma, world=world, tolerance=0.002, unit="= sigma", digits=3)
x, mean = splits.val.x.double().flatten(1), mean[:1].expand(len(splits.val), -1)
claim("06-nll-best", gaussian_nll(x, mean, best_sigma).mean(), world=world, tolerance=0.5)
claim("06-nll-half", gaussian_nll(x, mean, half.sqrt()).mean(), world=world, tolerance=0.5)
plotting.lines(sigmas, {"-log p": curve}, xlabel="sigma", ylabel="nats per image", logx=True, title=title)

# %% [markdown]
# Too small a sigma is punished by the error, too large a one by the logarithm. The best one for the mean image of MNIST is
# {{mnist:06-best-sigma}}, and $-\log p$ of a validation image falls from {{mnist:06-nll-half}} to {{mnist:06-nll-best}} nats,
# without a better picture: the model only stopped claiming so much noise. In a VAE make the log variance of the pixels
# one learned number, or set it to the log of each batch's mean squared error. As reconstructions improve, sigma
# shrinks, and errors become more expensive: the exchange rate follows. Give sigma a floor. With a sigma for each pixel the
# likelihood has no upper bound: a pixel that is paper in every image gains $\log 2$ nats each time its sigma is halved (*Going
# deeper*).

# %% [markdown]
# ## 7 Mean or sum? The lab
#
# Both terms of the ELBO are sums: over pixels the one, over latents the other, and one mean over the batch at the end.
# Published code mixes sums and means. What does that do?
#
# Write any such loss as $a$ times the reconstruction in nats for each image, plus $b$ times the KL for each image:
#
# $$\text{loss} = a \cdot \big(-\log p(x \mid z)\big) + b \cdot \mathrm{KL} + \text{constant}
# \;=\; a \, \Big[ -\log p(x \mid z) + \underbrace{\tfrac ba}_{\beta} \, \mathrm{KL} \Big] + \text{constant}$$
#
# The constant holds the normaliser, so $\sigma$ is fixed here. A factor in front of everything moves no minimum. What
# counts is the ratio, the **effective beta** $\beta = b / a$. The ELBO has $\beta = 1$. Here are four losses as they
# were published, in a few lines each. Predict their betas before you go on.


# %%
def mean_and_mean(x, logits, mu, logvar):  # a course notebook, 200 latents
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp())
    return F.binary_cross_entropy_with_logits(logits, x) + kl.mean()


def mean_and_sum(x, logits, mu, logvar):  # a library's official example, since corrected
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp())
    return F.binary_cross_entropy_with_logits(logits, x) + kl.sum(1).mean()


def never_summed(x, logits, mu, logvar):  # a research repository, 2 latents
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp())
    return (kl - bernoulli_log_prob(x, logits).unsqueeze(1)).mean()


def second_text(x, mean, mu, logvar):  # the second text, batches of 8
    kl = -0.5 * (1 + logvar - mu**2 - logvar.exp())
    return F.mse_loss(mean, x) + 0.0001 * kl.sum()


# %% [markdown]
# To measure a beta, **ask the gradients** again. The gradient with respect to the decoder's output holds $a$, the one with
# respect to $\mu$ holds $b$. Divide both by the gradients of the honest sum, $-\log p(x \mid z) + \mathrm{KL}$ in nats for each
# image: what remains is $a$, and $b$, the same number in every entry.


# %%
def measured_beta(loss, log_prob, batch, latents):
    generator = torch.Generator().manual_seed(0)
    x = data.binarize(splits.val[:batch], seed=1).x.double().flatten(1)
    output = torch.randn(x.shape, generator=generator).double()
    mu, logvar = torch.randn(2, batch, latents, generator=generator).double()
    inputs = output.requires_grad_(), mu.requires_grad_()
    honest = (gaussian_kl(mu, logvar) - log_prob(x, output)).mean()
    theirs, ours = (torch.autograd.grad(value, inputs) for value in (loss(x, output, mu, logvar), honest))
    a, b = (their / our for their, our in zip(theirs, ours, strict=True))
    assert a.std() < 1e-6 * a.mean() and b.std() < 1e-6 * b.mean()
    return b.mean() / a.mean()


def gaussian_half(x, mean):  # the second text's sigma
    return gaussian_log_prob(x, mean, half.log())


# %% [markdown]
# Five measurements: the four losses, and the last one once more with larger batches.

# %%
published = {
    "mean-mean": (mean_and_mean, bernoulli_log_prob, 128, 200),
    "mean-sum": (mean_and_sum, bernoulli_log_prob, 128, 2),
    "never-summed": (never_summed, bernoulli_log_prob, 128, 2),
    "second-text": (second_text, gaussian_half, 8, 2),
    "second-text-128": (second_text, gaussian_half, 128, 2),
}
measured = {name: measured_beta(*row) for name, row in published.items()}
for name, beta in measured.items():
    claim(f"06-beta-{name}", beta, world="any", tolerance=0.005, unit="= effective beta", digits=2)

# %% [markdown]
# None of them is 1. Now without gradients, by counting.
#
# ### Your turn: the formula
#
# A loss divides the error, summed over all pixels and images, by some number $n_\text{error}$: a mean over 128 images
# of 784 pixels by $128 \cdot 784$, a mean over the images of a sum over the pixels by 128, a plain sum by 1. It divides
# the KL, summed over all latents and images, by $n_\text{KL}$, and multiplies it by a weight. Last, one unit of its
# error stands for so many nats: 1 for cross-entropy, $1 / (2 \sigma^2)$ for a squared error. Put the four together.

# %% exercise="06-effective-beta"

# %% [markdown]
# Fill in the counts of the five losses. `never_summed` is the odd one: its table `[B, D]` holds each image's error $D$
# times and its mean divides by $B D$, so the error is divided by $B$, the KL by $B D$. Each **line** of a new derivation
# holds what the gradients said against your formula; the picture has the honest 1 in the middle.

# %%
counts = {
    "mean-mean": (128 * 784, 128 * 200, 1, 1),
    "mean-sum": (128 * 784, 128, 1, 1),
    "never-summed": (128, 128 * 2, 1, 1),
    "second-text": (8 * 784, 1, 0.0001, 1),
    "second-text-128": (128 * 784, 1, 0.0001, 1),
}
lab = Derivation("Effective beta: gradients against counts")
betas = effective_beta(*torch.tensor(list(counts.values()), dtype=torch.float64).T)
for name, beta in zip(counts, betas, strict=True):
    lab.step(f"beta of {name}, from gradients = from counts", measured[name], beta)
from vae_course.plotting.likelihoods import beta_axis

beta_axis(dict(zip(counts, betas.tolist(), strict=True)))

# %% [markdown]
# - **mean, mean** (KL averaged over 200 latents, error over 784 pixels): $784 / 200 =$ {{any:06-beta-mean-mean}}.
# - **mean, sum**: {{any:06-beta-mean-sum}}. The code is so expensive that nobody buys it. *Which latents survive*, under Going
#   deeper, shows what happens.
# - **never summed** (one `.mean()` over a table `[B, 2]`): the KL at weight $1 / D =$ {{any:06-beta-never-summed}}.
#   With 50 latents it would be 0.02.
# - **the second text**: its weight of 0.0001 looks like a KL that hardly counts. But the error is a mean and the KL a
#   sum over the batch: $0.0001 \cdot 8 \cdot 784 =$ {{any:06-beta-second-text}}. And because the KL is summed over the
#   batch, the *batch size* is part of the model: with batches of 128 it is {{any:06-beta-second-text-128}}.
#
# A loss that sums **everything**, batch included, has $\beta = 1$ and is honest; only its gradients grow with the batch.
#
# ### The playground
#
# First part: what each likelihood charges for a pixel, in nats, as the decoder's output moves. Set the pixel to 0, then
# to 0.5. Find where cross-entropy has its floor, and where the continuous Bernoulli goes below zero. Shrink sigma.
# Second part: choose the reductions, and see where beta lands. Can you reach $\beta = 1$ with a mean over the pixels?

# %%
from vae_course.widgets.likelihood_playground import LikelihoodPlayground

LikelihoodPlayground()

# %% [markdown]
# With a pixel of exactly 0 or 1, cross-entropy is a true cost: its floor is zero, and it is infinite at the wrong end. At
# 0.5 its lowest point is $\log 2 \approx 0.69$. The continuous Bernoulli goes below zero at pixel 0, not at 0.5. And a
# mean over the pixels reaches $\beta = 1$ if the KL, summed over the latents, gets the weight $1 / 784$.

# %% [markdown]
# ## 8 What a wrong beta does
#
# With a Gaussian likelihood of fixed sigma, beta and sigma are **the same knob**. An ELBO with weight $\beta$ on its KL is
# $\beta$ times an *honest* ELBO, that of a model with variance $\beta \sigma^2$, plus a constant (*Going deeper* derives it):
#
# $$\mathbb E_q[\log p_{\sigma^2}(x \mid z)] - \beta \, \mathrm{KL} = \beta \, \Big(
# \mathbb E_q[\log p_{\beta\sigma^2}(x \mid z)] - \mathrm{KL} \Big) + \text{constant}$$
#
# So a loss of squared errors fixes only the **product** $\beta \sigma^2$. You may read the mean over 784 pixels as
# $\beta = 784$ at $\sigma^2 = \frac12$ or as $\beta = 1$ at $\sigma^2 = 392$. Both say that the pixels are drowned in
# noise. If you *learn* sigma, this ends, since the constant contains it. Learn sigma with $\beta = 1$.

# %% [markdown]
# ## 9 Nats and bits per pixel
#
# One bit is $\log 2 \approx 0.693$ nats. To compare models across image sizes, people report bits per pixel, or *per
# dimension*. One more step is needed when the model is a density. Stored pixels are discrete: 256 levels. Scaled to
# $[0, 1]$, each level owns a bin of width $\frac1{256}$, and its probability is the area of the density over the bin,
# about density times width (**line 1** of a new derivation, for a Gaussian around 0.3 with $\sigma = 0.2$). **Line
# 2** takes $-\log_2$: the width costs $\log_2 256 = 8$ bits.
#
# $$-\log_2 P(\text{level}) \approx -\log_2 p(x) + 8$$
#
# For an image of $X$ pixels that is $\dfrac{-\log p(x)}{X \log 2} + 8$ bits per pixel.

# %%
bits = Derivation("Nats and bits")
edges = torch.arange(257, dtype=torch.float64) / 256
middle, pixel = (edges[1:] + edges[:-1]) / 2, Normal(torch.tensor(0.3, dtype=torch.float64), 0.2)
chance, density = pixel.cdf(edges).diff(), pixel.log_prob(middle).exp()
bits.step("probability of a level = density / 256", chance, density / 256, how="quadrature")
bits.step(
    "-log2 of the probability = -log2 of the density + 8",
    -chance.log2(),
    -pixel.log_prob(middle) / math.log(2) + 8,
    how="quadrature",
)

# %% [markdown]
# Does that make sense? A density of 1 all over $[0, 1]$ knows nothing. It costs 0 nats, and 8 bits per pixel, as a file
# without compression does. *Going deeper* lets you write the conversion and holds several densities against it.

# %% [markdown]
# ## 10 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("06", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("06")

# %%
exercises.progress("06")

# %% [markdown]
# ## Summary
#
# > $$\log p(x \mid z) = \textstyle\sum_i \big( x_i \ell_i - \log(1 + e^{\ell_i}) \big) \qquad \text{pixels that are 0 or 1}$$
# >
# > $$\log p(x \mid z) = \textstyle\sum_i \big( x_i \ell_i - \log(1 + e^{\ell_i}) - \log
# > \frac{\tanh(\ell_i / 2)}{\ell_i} \big) \qquad \text{grey pixels, continuous Bernoulli}$$
# >
# > $$-\log p(x \mid z) = \tfrac{1}{2\sigma^2} \textstyle\sum_i (x_i - x_i')^2 + \tfrac X2 \log(2 \pi \sigma^2),
# > \qquad \text{best } \sigma^2 = \text{mean squared error}$$
# >
# > $$\text{sum of } (x - x')^2: \; \sigma^2 = \tfrac12, \qquad \text{half of it}: \; \sigma^2 = 1,
# > \qquad \text{mean over } X \text{ pixels}: \; \sigma^2 = \tfrac X2$$
# >
# > $$\text{loss} = a \, (-\log p(x \mid z)) + b \, \mathrm{KL}: \quad \beta = b / a,
# > \qquad (\beta, \sigma^2) \text{ and } (1, \beta\sigma^2) \text{ have the same optimum (fixed } \sigma)$$
# >
# > $$\text{bits per pixel} = \frac{-\log p(x)}{X \log 2} + \log_2 256 \qquad \text{for a density on } [0, 1]$$
# >
# > Sum over pixels, sum over latents, one mean over the batch. State the sigma.

# %%
plotting.summary("06")

# %% [markdown]
# **Sources.** G. Loaiza-Ganem and J. P. Cunningham, [*The continuous Bernoulli: fixing a pervasive error in variational
# autoencoders*](https://arxiv.org/abs/1907.06845), NeurIPS 2019. R. Salakhutdinov and I. Murray, [*On the Quantitative Analysis
# of Deep Belief Networks*](https://doi.org/10.1145/1390156.1390266), ICML 2008, for binarised MNIST. O. Rybkin, K. Daniilidis and
# S. Levine, [*Simple and Effective VAE Training with Calibrated Decoders*](https://arxiv.org/abs/2006.13202), ICML 2021, for the
# learned sigma. P.-A. Mattei and J. Frellsen, [*Leveraging the Exact Likelihood of Deep Latent Variable
# Models*](https://arxiv.org/abs/1802.04826), NeurIPS 2018, for the likelihood without an upper bound. I. Higgins and others,
# [*beta-VAE: Learning Basic Visual Concepts with a Constrained Variational
# Framework*](https://openreview.net/forum?id=Sy2fzU9gl), ICLR 2017. The losses of section 7 are from public repositories and from
# the second text of lesson 00; the density of section 5 is that text's.
#
# **Next:** [07 Your first VAE](07_your_first_vae.ipynb). You have the bound, its gradient and its likelihood: build it.

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.
#
# **Sources.** J. Lucas, G. Tucker, R. Grosse and M. Norouzi, [*Don't Blame the ELBO! A Linear VAE Perspective on Posterior
# Collapse*](https://arxiv.org/abs/1911.02469), NeurIPS 2019, and M. E. Tipping and C. M. Bishop, [*Probabilistic Principal
# Component Analysis*](https://doi.org/10.1111/1467-9868.00196), Journal of the Royal Statistical Society B 61, 1999, for
# surviving latents and for the axes. L. Theis, A. van den Oord and M. Bethge, [*A Note on the Evaluation of Generative
# Models*](https://arxiv.org/abs/1511.01844), ICLR 2016, for dequantisation. T. Salimans, A. Karpathy, X. Chen and D. P. Kingma,
# [*PixelCNN++: Improving the PixelCNN with Discretized Logistic Mixture Likelihood and Other
# Modifications*](https://arxiv.org/abs/1701.05517), ICLR 2017, for a discretised likelihood.

# %% [markdown]
# ### A sigma for each pixel?
#
# More freedom should help, so give each pixel position a variance of its own. Predict what the best variance is for a
# pixel that is paper in every image. How many such pixels are there? **Line 6** of the derivation of
# section 6: what does such a pixel gain when its sigma is halved?

# %%
constant = (splits.train.x.amax(0) == splits.train.x.amin(0)).sum()
claim("06-constant-pixels", constant, world=world, tolerance=0.5, unit=f"of {pixels} pixels", digits=0)
s = torch.tensor([0.1, 0.01, 0.001], dtype=torch.float64)
gain = Normal(0.0, s / 2).log_prob(torch.zeros(3)) - Normal(0.0, s).log_prob(torch.zeros(3))
learned.step("log p gained by halving the sigma of a pixel without error = log 2", gain, math.log(2))

# %% [markdown]
# There are {{mnist:06-constant-pixels}} on MNIST. For such a pixel the mean squared error is zero, and each halving of its
# sigma gains $\log 2$ nats, for ever: the likelihood has **no upper bound**. Give sigma a floor. Sharing one sigma removes
# this case, in which a single pixel is enough, but it is not a cure: a decoder that reproduces every pixel of its training
# images exactly sends the shared sigma to zero as well.

# %% [markdown]
# ### In your own words
#
# A fellow student trains a VAE on images of 784 pixels in $[0, 1]$ with the default `nn.MSELoss()`, a mean, plus the KL
# summed over the latents: "I assume nothing about the noise, I only want small errors." What do you answer, in three to
# five sentences? Then compare with `exercises.solution("06-what-mse-assumes")`, and give yourself the points.

# %% exercise="06-what-mse-assumes"

# %% [markdown]
# ### Your turn: bits per pixel
#
# Write the conversion of section 9, for any number of levels.

# %% exercise="06-bits-per-dim"

# %% [markdown]
# **Line 3** of the derivation of section 9 holds it against the exact probabilities of the bins, for all validation images and
# the Gaussian with the best sigma of section 6. (Such a difference, taken as the likelihood itself, is a **discretised
# likelihood**. A model can be trained on its logarithm, which is never above zero.) Level $k$ is stored as $k / 255$; here it
# moves to the middle of its bin.

# %%
stored, mean = (splits.val.x.double().flatten(1) * 255).round(), mean_image.double().flatten(1)
middle, cdf = (stored + 0.5) / 256, Normal(mean, best_sigma).cdf
chance = cdf((stored + 1) / 256) - cdf(stored / 256)
yours = bits_per_dim(gaussian_nll(middle, mean.expand_as(middle), best_sigma), pixels, 256)
formula = "your bits per pixel = mean of -log2 of the exact probabilities"
bits.step(formula, yours, -chance.log2().mean(1), how="quadrature")
outside = -(cdf(torch.ones_like(mean)) - cdf(torch.zeros_like(mean))).log2().mean()
nll = -continuous_bernoulli_log_prob(middle, torch.logit(mean.clamp(0.01, 0.99))).sum(1)
rows = {"gaussian": yours.mean(), "outside": outside, "continuous": bits_per_dim(nll, pixels, 256).mean()}
for name, value in rows.items():
    claim(f"06-bits-{name}", value, world=world, tolerance=0.02, unit="bits per pixel", digits=2)

# %% [markdown]
# Three averages: that Gaussian, {{mnist:06-bits-gaussian}} bits per pixel on MNIST, about as many as the uncompressed file;
# what it pays for the mass that it puts outside $[0, 1]$, {{mnist:06-bits-outside}} of these bits; and the continuous
# Bernoulli of section 3 (clamp 0.01), which has no mass there and needs {{mnist:06-bits-continuous}}. The $-\log p$ of
# section 6 looked respectable; in bits you see how little that means.

# %% [markdown]
# ### The slope of the continuous Bernoulli
#
# The value of its normaliser is fine near $\lambda = \frac12$, that is $\ell \approx 0$, but training needs the *slope*. At
# $x = \frac12$ and small $\ell$ the slope of $\log p(x \mid z)$ is about $-\ell / 12$. Ask autograd, with the 32-bit numbers of
# a network:

# %%
near = torch.tensor([0.0, 0.001, 0.006, 0.05])


def slopes(log_p):
    ell = near.clone().requires_grad_()
    return [f"{slope:.2e}" for slope in torch.autograd.grad(log_p(ell).sum(), ell)[0].tolist()]


print("formula:  ", slopes(lambda ell: 0.5 * ell - F.softplus(ell) - torch.log(torch.tanh(ell / 2) / ell)))
print("torch:    ", slopes(lambda ell: ContinuousBernoulli(logits=ell).log_prob(torch.tensor(0.5))))
print("should be:", [f"{0 - value / 12:.2e}" for value in near.tolist()])

# %% [markdown]
# Neither is exact everywhere. The formula's slope is a difference of two numbers near $1 / \ell$: its digits go as
# $\ell \to 0$, and at 0 it is NaN, which ends a training. Torch puts a polynomial in its place around $\frac12$ and is
# good there; close outside that stretch its slope is off too, and may be worse than the formula's. For other $x$ the
# slope is near $x - \frac12$, and errors of this size hardly count beside it. So train with torch's distribution, which
# is never NaN; the formula is for understanding it.

# %% [markdown]
# ### Beta and sigma are one knob
#
# Section 8, line by line. Write $\mathcal N_{\sigma^2}$ for the density of one pixel. **Line 1** of a new derivation is a rule
# for logarithms:
#
# $$\log \mathcal N_{\sigma^2} = \beta \, \log \mathcal N_{\beta\sigma^2} + \text{constant},
# \qquad \text{constant} = \tfrac\beta2 \log(2 \pi \beta \sigma^2) - \tfrac12 \log(2 \pi \sigma^2)$$
#
# So an ELBO with weight $\beta$ on its KL is $\beta$ times an *honest* ELBO, that of a model with variance
# $\beta \sigma^2$, plus a constant (**line 2**):
#
# $$\mathbb E_q[\log p_{\sigma^2}(x \mid z)] - \beta \, \mathrm{KL} = \beta \, \Big(
# \mathbb E_q[\log p_{\beta\sigma^2}(x \mid z)] - \mathrm{KL} \Big) + X \cdot \text{constant}$$
#
# The left side of line 2 is computed by quadrature in the linear-Gaussian world with one latent and three pixels; the
# right side from the closed forms of lesson 04, $\log p(x)$ minus the gap, in the noisier world.

# %%
knob = Derivation("Beta and sigma")
weight = sympy.symbols("beta", positive=True)


def log_normal(variance):
    return -((a_pixel - centre) ** 2) / (2 * variance) - sympy.log(2 * sympy.pi * variance) / 2


constant = weight / 2 * sympy.log(2 * sympy.pi * weight * sd**2) - sympy.log(2 * sympy.pi * sd**2) / 2
right = weight * log_normal(weight * sd**2) + constant
knob.algebra("log N(sigma^2) = beta log N(beta sigma^2) + constant", log_normal(sd**2), right)

# %% [markdown]
# The left side of line 2, for $\beta = 4$: the expectation is a sum over a grid of codes, the KL is the formula of
# lesson 03.

# %%
beta, sigma, w = 4.0, 0.5, torch.tensor([1.0, -0.5, 0.8], dtype=torch.float64)
grid_world = GridWorld(lambda z: z.unsqueeze(-1) * w, sigma)
noisier = LinearGaussian(w.unsqueeze(1), torch.zeros(3, dtype=torch.float64), beta**0.5 * sigma)
x = torch.tensor([[1.2, -0.3, 0.4]], dtype=torch.float64)
mu, logvar = torch.tensor([[[0.4]], [[-1.0]]], dtype=torch.float64)


def beta_elbo(mu, logvar):
    q = Normal(mu, torch.exp(0.5 * logvar)).log_prob(grid_world.grid).exp()
    log_px_z = grid_world.likelihood(grid_world.grid.unsqueeze(-1)).log_prob(x)
    return (q * log_px_z).sum(-1) * grid_world.step - beta * gaussian_kl(mu, logvar)


# %% [markdown]
# The right side, from closed forms, with one constant for each of the three pixels:

# %%
constant = beta / 2 * math.log(2 * math.pi * beta * sigma**2) - math.log(2 * math.pi * sigma**2) / 2
q, posterior = noisier.with_posterior(mu, logvar).posterior(x), noisier.posterior(x)
honest = noisier.log_marginal(x) - torch.distributions.kl_divergence(q, posterior)
formula = "E_q[log p] - beta KL = beta (log p(x) - gap, with beta sigma^2) + constant"
knob.step(formula, beta_elbo(mu, logvar), beta * honest + 3 * constant, how="quadrature")

# %% [markdown]
# It follows that the best $q$ under beta is the exact posterior of the noisier world. **Lines 3 and 4** climb the left
# side of line 2 by gradient from the prior, and find that posterior's mean and variance.

# %%
place = torch.zeros(2, 1, 1, dtype=torch.float64, requires_grad=True)
optimiser = torch.optim.LBFGS([place], max_iter=100, tolerance_grad=1e-10, line_search_fn="strong_wolfe")


def descent():
    optimiser.zero_grad()
    loss = -beta_elbo(*place).sum()
    loss.backward()
    return loss


optimiser.step(descent)
knob.step("best mean of q = posterior mean with beta sigma^2", place[0], posterior.mean, how="quadrature")
knob.step(
    "best variance of q = posterior variance with beta sigma^2", place[1].exp(), posterior.variance, how="quadrature"
)

# %% [markdown]
# ### Which latents survive
#
# When is a latent worth its nats? For a *linear* decoder the answer is exact. Let the columns of $W$ be at right angles:
# then $W^\top W$ is diagonal, so is the covariance of the posterior (lesson 02), and a $q$ with independent latents can
# equal it. With the best $q$ there is no gap, so the bound is $\beta \log p(x)$ of the noisier world, plus a constant. By
# lesson 02 that world's $p(x)$ is Gaussian, with the covariance $W W^\top + \beta\sigma^2 I$, and one best $W$ lies along
# the principal directions of the data (shown by Tipping and Bishop, not here), which are at right angles, as we asked.
# Along one of them, where the data have the variance $\nu$, the model puts $w^2$ of signal beside $\beta\sigma^2$ of noise.
# Its $-\log p(x)$, averaged over the data, is $\frac12 \log(w^2 + \beta\sigma^2) + \frac{\nu}{2 (w^2 + \beta\sigma^2)}$
# plus a constant. **Line 5** is its slope with respect to $w^2$, **line 6** solves for the best $w^2$. The posterior of
# that latent has the variance $\beta\sigma^2 / (w^2 + \beta\sigma^2)$ and the mean $w x / (w^2 + \beta\sigma^2)$, whose
# square averages to $w^2 \nu / (w^2 + \beta\sigma^2)^2$. **Line 7** puts them into the formula of the KL:
#
# $$\text{slope} = \frac{w^2 + \beta\sigma^2 - \nu}{2 (w^2 + \beta\sigma^2)^2}, \qquad
# w^2 = \nu - \beta\sigma^2, \qquad \mathrm{KL} = \tfrac12 \log \frac{\nu}{\beta\sigma^2} \qquad \text{if } \nu > \beta\sigma^2$$
#
# If $\nu$ is smaller, the slope is positive for every $w^2 \ge 0$, so the best $w$ is zero: the decoder ignores the
# latent, and its posterior is the prior. That is **posterior collapse**.

# %%
signal, noise, spread = sympy.symbols("w2 noise nu", positive=True)
total = signal + noise
slope = sympy.diff(sympy.log(total) / 2 + spread / (2 * total), signal)
best = sympy.solve(slope, signal)[0]
kl = (noise / total + signal * spread / total**2 - 1 - sympy.log(noise / total)) / 2
knob.algebra(
    "slope of -log p in w^2 = (w^2 + noise - nu) / (2 (w^2 + noise)^2)", slope, (total - spread) / (2 * total**2)
)
knob.algebra("best w^2 = nu - beta sigma^2", best, spread - noise)
right = sympy.log(spread / noise) / 2
knob.algebra("mean KL at the best w = 1/2 log(nu / (beta sigma^2))", kl.subs(signal, best), right)

# %% [markdown]
# **Line 8** checks the KL by draws: three directions with variances 3, 1.5 and 0.4, and $\beta\sigma^2 = 1$. The third
# latent is given $w = 0$, as line 5 says.

# %%
nu = torch.tensor([3.0, 1.5, 0.4], dtype=torch.float64)
W = torch.diag((nu - 1).clamp_min(0).sqrt())
fitted = LinearGaussian(W, torch.zeros(3, dtype=torch.float64), 1.0)
x = nu.sqrt() * torch.randn(100_000, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
kl = torch.distributions.kl_divergence(fitted.posterior(x), fitted.prior())
right = 0.5 * (nu[:2].log()).sum()
knob.step("mean KL over draws = sum of 1/2 log nu over the living", kl.mean(), right, standard_error=standard_error(kl))

# %% [markdown]
# Now your images. The variances $\nu_j$ of their principal directions come from the covariance of the pixels. With
# squared error read at $\sigma^2 = \frac12$, a latent lives if $\nu_j > \beta / 2$. Predict: how many of 784 possible
# latents live at $\beta = 1$, and how many at 784? The cell takes some seconds.

# %%
flat = splits.train.x[:20_000].flatten(1).double()
nu = torch.linalg.eigvalsh(torch.cov(flat.T, correction=0)).flip(0)
rows = {"second-text": 0, "one": 0, "mean-mean": 0, "second-text-128": 0, "mean-sum": 0}
for name in rows:
    beta = measured.get(name, 1.0)
    rows[name] = (nu > beta / 2).sum().item()
    claim(f"06-alive-{name}", rows[name], world=world, tolerance=0.5, unit="= latents alive", digits=0)

# %% [markdown]
# Who survives, side by side:

# %%
labels = [f"beta = {1.0 if name == 'one' else measured[name].item():.2f}" for name in rows]
plotting.bars(labels, list(rows.values()), xlabel="latents alive, linear decoder", digits=0, highlight=["beta = 1.00"])

# %% [markdown]
# | loss | $\beta$ | alive on MNIST | alive on pen digits |
# |---|---|---|---|
# | second text, batches of 8 | {{any:06-beta-second-text}} | {{mnist:06-alive-second-text}} | {{pen:06-alive-second-text}} |
# | the ELBO at $\sigma^2 = \frac12$ | 1 | {{mnist:06-alive-one}} | {{pen:06-alive-one}} |
# | mean and mean, 200 latents | {{any:06-beta-mean-mean}} | {{mnist:06-alive-mean-mean}} | {{pen:06-alive-mean-mean}} |
# | second text, batches of 128 | {{any:06-beta-second-text-128}} | {{mnist:06-alive-second-text-128}} | {{pen:06-alive-second-text-128}} |
# | mean and sum | {{any:06-beta-mean-sum}} | {{mnist:06-alive-mean-sum}} | {{pen:06-alive-mean-sum}} |
#
# At $\beta = 784$ no latent is worth its price, on either data set, however long you train. With the second text's loss and a
# larger batch nearly nothing is left either. (Two of the losses in the table use cross-entropy; for them the table asks what
# their beta would do to squared error. A network's decoder can bend, so its numbers differ, but the exchange rate is the same.)

# %% [markdown]
# ### Noise in place of a difference
#
# There is another way from a density to stored pixels, **dequantisation**: add uniform noise to each stored level, fresh
# each time, so that the pixel falls anywhere in its bin $[a, a + \Delta]$, and train the density on that. By Jensen's
# inequality (lesson 03) this maximises a lower bound of the discretised log-likelihood:
#
# $$\mathbb E_{u \sim \mathrm{U}(a,\, a + \Delta)}\big[\log (\Delta \, p(u))\big] \;\le\;
# \log \mathbb E_u\big[\Delta \, p(u)\big] = \log \int_a^{a + \Delta} p(u) \, du = \log P(\text{level})$$
#
# **Lines 1 and 3** of a new derivation are the equality in the middle. **Lines 2 and 4** are the left side for a Gaussian: the
# noise adds its variance $\Delta^2 / 12$ to the squared error. Predict: how much does the bound give away when $\sigma$ is one
# bin? And a quarter of one?


# %%
def bits_lost(sigma, width=1 / 256):
    """The bits per pixel by which the bound lies below the discretised log-likelihood; tests two lines on the way."""
    pixel = Normal(torch.tensor(0.3, dtype=torch.float64), sigma)
    low = edges[:-1][(edges[:-1] - 0.3).abs() < 6 * sigma]  # the bins that such a pixel can reach
    u = low.unsqueeze(1) + width * torch.linspace(0, 1, 2001, dtype=torch.float64)
    chance = pixel.cdf(low + width) - pixel.cdf(low)
    mean = torch.trapezoid(width * pixel.log_prob(u).exp(), u) / width
    dequantised.step("E_u[width p(u)] = cdf(upper) - cdf(lower)", mean, chance, how="quadrature")
    bound = torch.trapezoid(pixel.log_prob(u) + math.log(width), u) / width
    right = pixel.log_prob(low + width / 2) + math.log(width) - width**2 / (24 * sigma**2)
    formula = "E_u[log(width p(u))] = log(width p(middle)) - width^2 / (24 sigma^2)"
    dequantised.step(formula, bound, right, how="quadrature")
    assert (bound < chance.log()).all()
    return (chance * (chance.log() - bound)).sum() / math.log(2)


dequantised = Derivation("Dequantisation")
for name, sigma in (("bin", 1 / 256), ("quarter", 1 / 1024)):
    claim(f"06-dequantised-{name}", bits_lost(sigma), world="any", tolerance=0.006, unit="bits per pixel", digits=2)

# %% [markdown]
# Averaged over the levels that such a pixel takes, the bound lies {{any:06-dequantised-bin}} bits below the discretised
# log-likelihood for a $\sigma$ of one bin, and {{any:06-dequantised-quarter}} for a quarter of one; it falls ever further behind
# as $\sigma$ shrinks. But the trouble of section 6 ends: a level's probability is at most one, so its logarithm stays below zero,
# and so does the bound.
#
# ### A diagonal q chooses the axes
#
# The linear autoencoder of lesson 01 found the plane of PCA and left its axes to chance. So does $p(x)$ here: it contains
# $W$ only in $W W^\top$, which a rotation $W R$ does not change (**line 1** of a new derivation). The ELBO with independent
# latents is not indifferent: once $W$ is turned, the posterior is correlated, and the best $q$ misses it by the gap of **line
# 2**, with $\Lambda$ for the inverse of the posterior's covariance. So a linear VAE finds the principal directions themselves,
# up to
# sign and order, as long as their variances differ (Lucas and others, 2019).
#
# $$\text{gap} = \tfrac12 \Big( \sum_j \log \Lambda_{jj} - \log \det \Lambda \Big)$$


# %%
def turned(degrees):
    """The world of the surviving latents, with its two living latents turned against the axes."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    rotation = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=torch.float64)
    return LinearGaussian(fitted.W @ rotation, fitted.b, fitted.sigma)


def gap(world, x):
    """KL from the best q with independent latents to the posterior; lesson 03, *Going deeper*, has its variances."""
    posterior = world.posterior(x)
    precision = posterior.precision_matrix.diagonal(dim1=-2, dim2=-1)
    best = world.with_posterior(posterior.mean, -precision.log()).posterior(x)
    return torch.distributions.kl_divergence(best, posterior)


# %%
oblique, (_, x) = turned(45), fitted.sample(5, generator=torch.Generator().manual_seed(2))
turning = Derivation("The axes of a linear VAE")
turning.step("log p(x) with W R = log p(x) with W", oblique.log_marginal(x), fitted.log_marginal(x))
precision = torch.eye(3) + oblique.W.T @ oblique.W
formula = "gap at 45 degrees = 1/2 (sum of log Lambda_jj - log det Lambda)"
turning.step(formula, gap(oblique, x), (precision.diagonal().log().sum() - precision.logdet()) / 2)
angles = torch.linspace(0, 180, 61)
gaps = [gap(turned(degrees.item()), x).mean().round(decimals=6) for degrees in angles]
plotting.lines(angles, {"gap": gaps}, xlabel="latents turned by (degrees)", ylabel="lost by the best diagonal q (nats)")

# %% [markdown]
# The gap is zero where the latents lie along the principal directions, at 0, 90 and 180 degrees, and nowhere else.

# %% [markdown]
# ### The pen digits
#
# Where the text gives a number of MNIST, the pen digits have this one:
#
# | number | section | pen digits |
# |---|---|---|
# | pixels that change between two draws | 2 | {{pen:06-redrawn}}% |
# | floor of the cross-entropy on grey pixels, nats | 3 | {{pen:06-grey-floor}} |
# | cross-entropy of the grey pixels, the mean image | 3 | {{pen:06-mean-image-cross-entropy}} |
# | what the normaliser adds to $\log p$ | 3 | {{pen:06-missing-normaliser}} |
# | $-\log p(x)$ under the continuous Bernoulli | 3 | {{pen:06-mean-image-continuous}} |
# | the same, $\lambda$ clamped to $[0.001, 0.999]$ | 3 | {{pen:06-mean-image-sharper}} |
# | best sigma of the mean image | 6 | {{pen:06-best-sigma}} |
# | $-\log p$ at $\sigma^2 = \frac12$, and at the best sigma, nats | 6 | {{pen:06-nll-half}}, {{pen:06-nll-best}} |
# | pixels without variance | 6 | {{pen:06-constant-pixels}} |
# | bits per pixel: Gaussian, outside, continuous Bernoulli | *Your turn* | {{pen:06-bits-gaussian}}, {{pen:06-bits-outside}}, {{pen:06-bits-continuous}} |
#
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (bernoulli, continuous, squared, learned, lab, bits, knob, dequantised, turning):
    display(derivation.summary())
