# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 08 Inside the latent space
#
# You train a VAE whose code is a point in a plane, and look at all of it: where the encoder puts the images, how the codes
# together compare with the prior, what each place decodes to, and how to walk from place to place. On the way you take apart a
# published picture that shows one corner of such a plane. At the end you take your own VAE home as a web page.

# %% [markdown]
# **After this lesson you can**
# - draw the plane of a two-dimensional VAE so that the picture shows what the model samples,
# - compute the density of all codes together, and measure how far it is from the prior,
# - say what a sigmoid on $\mu$ and $\sigma$ breaks, and repair it,
# - walk between codes on a line or on an arc, and say when the difference matters,
# - change one property of an image by moving its code.
#
# **You need first:** [lesson 04](04_the_elbo.ipynb) (the ELBO), [lesson 03](03_kl_and_variational_inference.ipynb) (the KL) and
# [lesson 07](07_your_first_vae.ipynb) (training a VAE). Means, variances, the normal distribution.
#
# **Time:** Four cells train networks, or load what they trained before; each says how long it takes. The numbers in the text
# are those of MNIST; a table at the end of the lesson has those of the pen digits beside them.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $x$ | images | `x` | `[B, 1, 28, 28]` |
# | $y$ | classes | `y` | `[B]` |
# | $z$ | codes, or places in the plane of codes | `z` | `[M, D]`, at first $D = 2$ |
# | $\mu, \log\sigma^2$ | mean and log variance of $q(z \mid x)$ | `mu`, `logvar` | `[B, D]` each |
# | $\sigma$ | standard deviation of $q(z \mid x)$ | `std` | `[B, D]` |
# | $q(z)$ | aggregated posterior: the mean of all $q(z \mid x)$ | `log_aggregate`, its logarithm | `[M]` |
# | $\Phi$ | standard normal distribution function, from a place to a share | `torch.special.ndtr` | |
# | $\Phi^{-1}$ | its inverse, from a share to a place | `torch.special.ndtri` | |
# | $n, N$ | number of an image, and how many there are; in section 4, $n$ codes to a side | `n`, `len(mu)` | |
# | $t$ | how far along a walk, from 0 to 1 | `t` | `[T]` |
# | $\theta$ | angle between two codes | `angle` | |
# | $a$ | attribute vector | `direction` | `[D]` |

# %% [markdown]
# ## 1 A code that fits on paper
#
# The VAE of lesson 07 had 20 latent dimensions. With two, every code is a point in a plane, and you can see all that the model
# knows.

# %%
import math

import torch
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F

from vae_course import data, exercises, objectives, plotting
from vae_course.claims import claim
from vae_course.plotting.images import image_rows, marked_pairs
from vae_course.plotting.latent import planes, posterior_ellipses, squares, unit_square
from vae_course.derivations import Derivation, standard_error

_ = torch.manual_seed(0)
splits = data.load("auto")
world, train = splits.name, splits.train

# %% [markdown]
# The network has two hidden layers on each side, 784-256-128-2 and back. It is shown 800,000 images, pixels drawn anew as 0 or
# 1 for each batch. The first time, this takes about half a minute on two idle cores.

# %%
from vae_course.models import VAE
from vae_course.training import Recipe, fit_or_load

settings = {"images": train, "transform": data.dynamic_binarize, "loss": objectives.negative_elbo, "batch_size": 128}


def epochs(shown):
    """The passes over the training images in which about so many images are shown."""
    return round(shown / len(train))


plane = Recipe(
    name=f"plane-{world}",
    build=lambda: VAE.mlp(2, hidden=(256, 128)),
    epochs=epochs(800_000),
    lr=3e-3,
    **settings,
)
model, history = fit_or_load(plane)

# %% [markdown]
# In this lesson you look and choose, so you use 2,000 validation images, their pixels drawn once. The test images stay closed.
# Two numbers carry less than twenty. The model of lesson 07 reached {{mnist:07-binarised-test-elbo}} nats. Predict: how much
# lower is the ELBO of this one?

# %%
from vae_course.evaluation import evaluate

val = data.binarize(splits.val, seed=1)[:2000]
result = evaluate(model, val)
claim("08-elbo", result.elbo, world=world, tolerance=2.0)
claim("08-kl", result.kl, world=world, tolerance=0.5)

# %% [markdown]
# The ELBO is {{mnist:08-elbo}} nats, tens of nats lower: two numbers lose much detail. A code costs {{mnist:08-kl}} nats.
#
# ## 2 Where the encoder puts the images
#
# The encoder has never seen a label. Predict: which classes will share a border?

# %%
x, y = val.x, val.y
with torch.no_grad():
    mu, logvar = model.encode(x)
plotting.latent_scatter(mu, y)

# %% [markdown]
# Some classes have a region of their own. Others share one: where digits of two classes lie on each other, two numbers don't
# tell them apart. Neighbours are classes that look alike: a stroke has to change little to turn one into the other.
#
# Each point is only the middle of a posterior $q(z \mid x) = \mathcal N(\mu, \sigma^2)$. Predict: is a posterior as large as
# the region of its class, or far smaller? Eight images of each class, each with an ellipse of two standard deviations. The
# dashed circles hold 50, 90 and 99% of the prior's draws.

# %%
few = torch.cat([(y == digit).nonzero()[:8, 0] for digit in range(10)])
std = torch.exp(0.5 * logvar)
radius = mu.norm(dim=1)
claim("08-width", std.median(), world=world, tolerance=0.03, unit="is the median sigma", digits=2)
claim("08-width-inside", std[radius < 0.5].median(), world=world, tolerance=0.02, unit="near the middle", digits=2)
claim("08-width-outside", std[radius > 2].median(), world=world, tolerance=0.03, unit="far out", digits=2)
claim("08-spread", mu.std(), world=world, tolerance=0.15, unit="is the standard deviation of the means", digits=2)
posterior_ellipses(mu[few], std[few], y[few])

# %% [markdown]
# Far smaller. Half of all $\sigma$ are below {{mnist:08-width}}, while the means spread over the plane with a standard
# deviation of {{mnist:08-spread}}. So the plane holds many places that the model tells apart. Where it is crowded, they are
# small: the median $\sigma$ is {{mnist:08-width-inside}} within 0.5 of the middle and {{mnist:08-width-outside}} beyond a
# distance of 2. But no place is a point. Each time an image is shown, its code is drawn from the ellipse, so the decoder
# practises on the whole of it. The autoencoder of lesson 01 practised on points.
#
# ## 3 All codes together
#
# To sample, you draw $z$ from the prior and decode it. The decoder, however, was trained on codes that came from training
# images. Where do *those* lie? Pick such an image at random, then draw a code from its posterior. The density of that code is
# the **aggregated posterior**,
#
# $$q(z) = \frac1N \sum_{n=1}^N q(z \mid x_n).$$
#
# If $q(z)$ equals $p(z)$, then sampling asks the decoder nothing new.
#
# ### Your turn: the density of all codes
#
# Write $\log q(z)$ for many places at once. It is a mixture of as many Gaussians as there are images, and far out all of their
# densities are tiny, so stay with logarithms.

# %% exercise="08-aggregate"

# %% [markdown]
# Take 8,000 training images, since it is on those that the decoder practised. Compute $q(z)$ on a grid over the square from
# $-4$ to $4$, in pieces of 250 places to save memory. A density integrates to one: does it?

# %%
asked = data.binarize(train, seed=4)[:8000]
with torch.no_grad():
    train_mu, train_logvar = model.encode(asked.x)


def log_q_at(z):
    return torch.cat([log_aggregate(part, train_mu, train_logvar) for part in z.split(250)])


side = torch.linspace(-4, 4, 91)
grid, cell = torch.cartesian_prod(side, side).flip(1), (side[1] - side[0]) ** 2
log_q_grid = log_q_at(grid)
total = log_q_grid.exp().sum() * cell
print(f"integral of q(z) over the square: {total:.3f}")
assert abs(total - 1) < 0.02

# %% [markdown]
# Now look at it beside the prior. Predict: a smooth hill like the prior, or something with ridges and gaps?

# %%
prior = model.prior()
log_p_grid = prior.log_prob(grid)
planes({"q(z), all codes": log_q_grid.exp().view(91, 91), "p(z), prior": log_p_grid.exp().view(91, 91)}, extent=4)

# %% [markdown]
# The colours stand for densities on a scale of roots, which lifts the pale ones, so that you can see them. On the whole $q(z)$
# is a hill where the prior is one. In detail it is rough: peaks where many similar images lie, and pale seams between classes.
#
# And do the circles fit? They hold 50, 90 and 99% of the prior. Draw a code for each of the 8,000 images, and count how many
# lie inside. Then the other way round, for the seams: draw from the prior, and count the draws at which $q(z)$ is less than a
# tenth of $p(z)$.

# %%
_ = torch.manual_seed(10)
codes = Normal(train_mu, torch.exp(0.5 * train_logvar)).sample()
for share in (50, 90, 99):
    inside = codes.square().sum(1) < -2 * math.log(1 - share / 100)  # in the plane, P(|z| < r) = 1 - exp(-r^2 / 2)
    claim(
        f"08-inside-{share}",
        100 * inside.float().mean(),
        world=world,
        tolerance=4,
        unit=f"% inside the {share} % circle",
    )
claim("08-outside", 100 * (1 - inside.float().mean()), world=world, tolerance=2, unit="% outside the last")

_ = torch.manual_seed(1)
z = prior.sample((2000,))
rare = log_q_at(z) < prior.log_prob(z) - math.log(10)
claim("08-rare", 100 * rare.float().mean(), world=world, tolerance=3, unit="% of the draws")

# %% [markdown]
# The circles hold {{mnist:08-inside-50}}, {{mnist:08-inside-90}} and {{mnist:08-inside-99}}% of the codes. So the tails of
# $q(z)$ are heavier than the prior's: outside the last circle lie {{mnist:08-outside}}%, where the prior has 1%. And
# {{mnist:08-rare}}% of the prior's draws ask the decoder for something that training hardly asked for. (The number belongs to
# the count: with the posteriors of all training images in $q(z)$ some gaps fill, with those of a few hundred more of them
# open.)
#
# ### How far, in nats?
#
# The KL that the model pays is a mean over images. Below, $\mathbb E$ is the mean over an image picked at random, $n$ uniform
# from 1 to $N$, **and** a draw of its code, $z \sim q(z \mid x_n)$. Picked that way, $z$ by itself has the density $q(z)$: that
# is how $q(z)$ was defined.
#
# $$\begin{aligned}
# \frac1N \sum_n \mathrm{KL}\big(q(z \mid x_n) \,\Vert\, p(z)\big) &= \mathbb E\left[\log q(z \mid x_n) - \log p(z)\right] &&
# \text{(1) definition of the KL} \\ &= \mathbb E\left[\log q(z \mid x_n) - \log q(z)\right] + \mathbb E\left[\log q(z) - \log
# p(z)\right] && \text{(2) log q(z) taken off and added} \\ &= \underbrace{\mathbb E\left[\log \frac{q(z \mid
# x_n)}{q(z)}\right]}_{\text{what a code tells about its image}} + \underbrace{\mathrm{KL}\big(q(z) \,\Vert\,
# p(z)\big)}_{\text{how far all codes are from the prior}} && \text{(3) z alone has the density q(z)} \end{aligned}$$
#
# The first part is the **mutual information** of image and code. Both parts are mean KLs, of $q(z \mid x_n)$ from $q(z)$ and of
# $q(z)$ from $p(z)$, so neither is below zero. The first is at most $\log N$: $q(z)$ contains $\frac1N q(z \mid x_n)$, so the
# ratio in it is at most $N$. For 8,000 images that is 9.0 nats. The cell checks lines (1) and (3): the left side in closed
# form, the information from one draw for each image, the last KL by adding up the grid. Predict: which of the two parts is the
# larger?

# %%
with torch.no_grad():
    q = model.posterior(asked.x)
    kl = kl_divergence(q, prior)
z = q.sample()
told, paid = q.log_prob(z) - log_q_at(z), q.log_prob(z) - prior.log_prob(z)
far = (log_q_grid.exp() * (log_q_grid - log_p_grid)).sum() * cell
split = Derivation("Where the KL goes")
split.step("mean KL = E[log q(z|x) - log p(z)]", kl.mean(), paid.mean(), standard_error=standard_error(paid))
split.step(
    "mean KL = E[log q(z|x)/q(z)] + KL(q(z) || p(z))", kl.mean(), told.mean() + far, standard_error=standard_error(told)
)
claim("08-asked-kl", kl.mean(), world=world, tolerance=0.5, digits=2)
claim("08-information", told.mean(), world=world, tolerance=0.4, digits=2)
claim("08-marginal", (paid - told).mean(), world=world, tolerance=0.15, digits=2)

# %% [markdown]
# Of the {{mnist:08-asked-kl}} nats that these images cost, {{mnist:08-information}} are information about the image, and
# {{mnist:08-marginal}} are the distance of all codes from the prior. The second number is small: the training has pressed the
# codes into the shape of the prior. That is what an autoencoder lacks, and why decoding draws of the prior works at all. (What
# is left of it, another prior could save: Going deeper fits one to the codes.)
#
# ## 4 The whole plane in one picture
#
# Choose 20 by 20 codes, decode them, and lay the pictures out. Which codes? The picture is to show **what the model samples**,
# so each of its cells should stand for the same share of the prior. In one dimension: cut the shares from 0 to 1 into $n$ equal
# parts, take the middle of each, and ask below which $z$ that share of the prior lies,
#
# $$z_i = \Phi^{-1}\left(\frac{i + \frac12}{n}\right), \qquad i = 0, \dots, n - 1.$$
#
# ### Your turn: the grid

# %% exercise="08-quantile-grid"

# %% [markdown]
# `plotting.manifold` decodes the same grid. Before you run the cell: will all ten digits be there? Then find each of them.

# %%
z = quantile_grid(20)
with torch.no_grad():
    decoded = model.decode_mean(z)
plotting.manifold(model.decode_mean, n=20)

# %% [markdown]
# Each digit has its area, and on the borders one turns into the next. It is the scatter plot of section 2, stretched so that
# its crowded middle gets room.
#
# Your eye needs a second judge: the *reader*, a small classifier trained on real images with their labels. `read` returns the
# class that it sees in each image, and whether it is *sure*: it gives that class a probability of 0.8 or more. Training it
# takes a few seconds.


# %%
def cross_entropy(network, batch):
    images, classes = batch
    return {"loss": F.cross_entropy(network(images), classes)}


reading = Recipe(
    name=f"reader-{world}",
    build=lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)),
    images=(train.x, train.y),
    loss=cross_entropy,
    epochs=epochs(200_000),
    batch_size=128,
    lr=3e-3,
)
reader, _ = fit_or_load(reading)


@torch.no_grad()
def read(images):
    probability, digit = torch.softmax(reader(images), 1).max(1)
    return digit, probability >= 0.8


seen, sure = read(splits.val.x[:2000])
claim("08-reader", 100 * (seen == y).float().mean(), world=world, tolerance=1.0, unit="% right")

# %% [markdown]
# It reads {{mnist:08-reader}}% of the real images right. That was on sharp images; on a blurred picture its verdict is one
# opinion, and your eye may differ. Now the 400 pictures of the grid. Each stands for the same share of the samples, and about a
# tenth of the images show each digit. Predict: will each digit get about 40 pictures?

# %%
seen, sure = read(decoded)
counts = torch.bincount(seen[sure], minlength=10)
claim("08-classes", (counts > 0).sum(), world=world, tolerance=0, digits=0, unit="classes of 10")
claim("08-fewest", counts.min(), world=world, tolerance=12, digits=0, unit="pictures of the rarest class")
claim("08-sure-grid", 100 * sure.float().mean(), world=world, tolerance=6, digits=0, unit="% of the pictures")
plotting.bars(
    [str(digit) for digit in range(10)], counts, xlabel="pictures of 400 that are read with certainty", digits=0
)

# %% [markdown]
# The reader finds {{mnist:08-classes}} classes of 10, the rarest in {{mnist:08-fewest}} pictures, and is sure of
# {{mnist:08-sure-grid}}% of the 400 pictures. Why not 40 each? Unsure ones count for no digit;
# besides, the decoder may seldom draw a digit even for codes of that digit, or the prior may seldom go where such codes lie.
# Going deeper counts all pictures and tells these two apart.
#
# ## 5 The corner
#
# *Variational Autoencoders*, a blog post of 18 July 2020 (the *second text* of lesson 00), shows such a picture too: 20 by 20
# codes, evenly spaced on the square from 0 to 1. Predict: what does *your* model show on that square? And how much of what it
# samples lies there?

# %%
share = (Normal(0.0, 1.0).cdf(torch.tensor(1.0)) - 0.5) ** 2
claim("08-square-share", 100 * share, world="any", tolerance=0.05, unit="% of the prior")
even = torch.cartesian_prod(torch.linspace(1, 0, 20), torch.linspace(0, 1, 20)).flip(1)
with torch.no_grad():
    seen, sure = read(model.decode_mean(even))
classes = (torch.bincount(seen[sure], minlength=10) > 0).sum()
claim("08-square-classes", classes, world=world, tolerance=4, digits=0, unit="classes of 10")
unit_square(model.decode_mean)

# %% [markdown]
# The square is the outlined corner, {{any:08-square-share}}% of the prior, and the reader finds {{mnist:08-square-classes}} of
# the ten classes in it. Yet that text draws its grid there. Why?
#
# Because of a bug. Its encoder ends in a sigmoid, for $\mu$ and for $\sigma$. So every mean lies in the square. The codes are
# draws around the means, and how far they stray outside depends on $\sigma$. `Caged` is our model with such a head.


# %%
class Caged(VAE):
    def posterior(self, x):
        mu, std = torch.sigmoid(self.encoder(x)).chunk(2, dim=-1)
        return Independent(Normal(mu, std, validate_args=False), 1, validate_args=False)


# %% [markdown]
# The KL of one dimension, $\frac12(\sigma^2 + \mu^2 - 1 - \log\sigma^2)$, pulls $\mu$ towards 0 and $\sigma$ towards 1. For the
# sigmoid, 0 lies at minus infinity and 1 at plus infinity. On the way to either its slope, $s(1 - s)$ at the value $s$, goes to
# zero, so what has been pushed there hardly moves any more. (In the second text the KL has the weight 0.0001. That does not say
# how hard it pulls: lesson 06 found an effective beta of {{any:06-beta-second-text}} with its batches of 8 and
# {{any:06-beta-second-text-128}} with batches of 128. Ours is 1.)
#
# ### Your turn: open the cage
#
# Repair the head. `out` is what the encoder returns, without any activation.

# %% exercise="08-posterior-head"

# %% [markdown]
# Now train both on the same 200,000 images, with the same seed: the caged one and the repaired one. The first time, this takes
# about fifteen seconds. Predict: is the caged model's KL higher or lower, and its reconstruction?


# %%
class Mended(VAE):
    def posterior(self, x):
        mu, std = posterior_head(self.encoder(x))
        return Independent(Normal(mu, std, validate_args=False), 1, validate_args=False)


short = settings | {"epochs": epochs(200_000), "lr": 3e-3, "seed": 4}
caged, _ = fit_or_load(Recipe(name=f"caged-{world}", build=lambda: Caged.mlp(2, hidden=(256, 128)), **short))
mended, _ = fit_or_load(Recipe(name=f"mended-{world}", build=lambda: Mended.mlp(2, hidden=(256, 128)), **short))

# %% [markdown]
# Where will the means of the caged model lie? Each point is the mean of one of the 2,000 images, in the colour of its class;
# ten of them have their ellipse of two standard deviations. The outline is the unit square. Mind the two scales. The numbers
# count the means within 0.05 of an edge, and the *codes*, drawn from the ellipses, outside the square.

# %%
with torch.no_grad():
    cage, free = caged.posterior(x), mended.posterior(x)

_ = torch.manual_seed(9)
low, high = (cage.mean < 0.05).any(1), (cage.mean > 0.95).any(1)
for edge, near in (("low", low), ("high", high)):
    share = 100 * near.float().mean()
    claim(f"08-{edge}-edge", share, world=world, tolerance=None, digits=0, unit=f"% near the {edge} edge")
drawn = cage.sample()
outside = 1 - ((drawn > 0) & (drawn < 1)).all(1).float().mean()
claim("08-codes-outside", 100 * outside, world=world, tolerance=40, digits=0, unit="% of the codes outside the square")

squares(
    {"caged": cage.mean, "mended": free.mean},
    {"caged": cage.stddev, "mended": free.stddev},
    y,
    windows={"caged": (-0.5, 1.5), "mended": (-4, 4)},
)

# %% [markdown]
# The caged means press against edges of the square, and not against all four alike: {{mnist:08-low-edge}}% have a number next
# to 0 and {{mnist:08-high-edge}}% one next to 1. Towards 0 is where the KL pulls, for both numbers; within 0.05 of an edge the
# sigmoid has less than a fifth of its steepest slope, so an image that has got there has little to leave with. Drawn codes lie
# where $\sigma$ lets them, {{mnist:08-codes-outside}}% of them outside the square. How many means get stuck, and at which edge,
# is a matter of the start: with another `seed` in `short` you see another cage. And the price?

# %%
bounds = {"caged": evaluate(caged, val), "mended": evaluate(mended, val)}
for name, wider in (("caged", 3), ("mended", 1)):  # where the caged model ends depends on its start
    print(f"{name}: {bounds[name]}")
    claim(f"08-{name}-kl", bounds[name].kl, world=world, tolerance=1.25 * wider)
    claim(f"08-{name}-log-px-z", bounds[name].log_px_z, world=world, tolerance=5 * wider)
claim("08-cage-cost", bounds["mended"].elbo - bounds["caged"].elbo, world=world, tolerance=18, digits=0)

# %% [markdown]
# | | mean KL | mean $\log p(x \mid z)$ |
# |---|---|---|
# | caged | {{mnist:08-caged-kl}} | {{mnist:08-caged-log-px-z}} |
# | repaired | {{mnist:08-mended-kl}} | {{mnist:08-mended-log-px-z}} |
#
# The KL of the caged model is *lower*, and yet its ELBO is {{mnist:08-cage-cost}} nats lower too, with the same network, images
# and seed. So all of that, and what the KL saved, is lost in the reconstruction. The KL is what a code can tell about its
# image, up to the distance of $q(z)$ from the prior (section 3). The square would be large enough, as $\sigma$ may be as small
# as it likes; but most means are stuck at its edge, where hardly any gradient moves them. So codes tell less, and the decoder
# has to guess more. Going deeper samples from both models.
#
# Is a grid on the unit square always wrong, then? No. If $z$ is standard normal, $u = \Phi(z)$ is uniform on the square, and an
# even grid in $u$, at the midpoints $(i + \frac12)/n$, is your quantile grid in $z$. The square is right for a model whose
# prior is uniform on it. **Draw the grid where the prior is.**
#
# ## 6 Walking from code to code
#
# In lesson 00 you walked from one digit to another on a straight line. In the plane that is fine, as the picture of the whole
# plane shows. In more dimensions there is a doubt. Draws of $\mathcal N(0, I)$ in $D$ dimensions have a length of about
# $\sqrt{D}$: the squared length is a sum of $D$ squares, each 1 on average. Its standard deviation is $\sqrt{2D}$, so the
# length itself scatters by about $\sqrt{2D} / (2 \sqrt{D}) \approx 0.7$, however large $D$ is. Against a radius of $\sqrt{D}$
# that is a thin shell, and a straight line between two points of a shell leaves it. Half way between two independent draws each
# coordinate is a mean of two numbers, with variance $\frac12$, so the length there is about $\sqrt{D / 2}$.
#
# Is that unusual? The squared length of a draw follows a chi-squared distribution, so the share of draws that lie closer to the
# centre than $\sqrt{D/2}$ is $P(\chi^2_D < D / 2)$. Predict for 2, 20 and 200 dimensions: is it a third, a hundredth, nothing?

# %%
dims = torch.tensor([2, 5, 10, 20, 50, 100, 200], dtype=torch.float64)
closer = torch.special.gammainc(dims / 2, dims / 4)  # the distribution function of chi-squared at D / 2
fig, axes = plotting.figure()
labels = {"xlabel": "latent dimensions", "ylabel": "share of the draws"}
plotting.lines(dims, {"closer": closer}, **labels, logx=True, logy=True, markers=True, ax=axes[0, 0])
for i in (0, 3):
    axes[0, 0].annotate(f"{100 * closer[i]:.0f} %", (dims[i], closer[i]), (4, -16), textcoords="offset points")
claim("08-closer-2", 100 * closer[0], world="any", tolerance=0.05, unit="% of the draws")
claim("08-closer-20", 100 * closer[3], world="any", tolerance=0.05, unit="% of the draws")
fig

# %% [markdown]
# In two dimensions {{any:08-closer-2}}% of all draws lie closer to the centre than $\sqrt{D/2}$: nothing unusual there. In 20
# dimensions {{any:08-closer-20}}%, and in 200 practically none. There a straight walk crosses a region that the prior
# practically never visits.
#
# The remedy is to walk on an arc. Take two codes of length one first, with the angle $\theta$ between them. The code at $t$
# lies in their plane and has turned by $t \, \theta$, so that equal steps of $t$ turn by equal angles. Like each place of the
# plane, it is a sum $c_0 z_0 + c_1 z_1$.
#
# ### Your turn: along the arc
#
# Which shares $c_0$ and $c_1$, for each $t$? Draw it: in coordinates with $z_0 = (1, 0)$ and $z_1 = (\cos\theta, \sin\theta)$
# the code at $t$ is $(\cos t\theta, \sin t\theta)$, and two equations give two unknowns. Codes of any other length are mixed
# with the same two shares. So the walk keeps the length where both have the same one; where not, it leads from one length to
# the other, and may be longer than both on the way if the angle is wide. Two draws in many dimensions have nearly the same
# length, and nearly a right angle between them. Parallel codes ($\theta = 0$) have no arc but the line, opposite ones
# ($\theta = \pi$) many: there your shares divide by zero.

# %% exercise="08-slerp"

# %% [markdown]
# Does it matter for a VAE? Take the 784-400-20 network of lesson 07, shown 400,000 images. The first time, this takes about
# fifteen seconds.

# %%
wide, _ = fit_or_load(
    Recipe(name=f"wide-{world}", build=VAE.mlp, **(settings | {"epochs": epochs(400_000), "lr": 4e-3}))
)

# %% [markdown]
# Three walks, both ways each, between draws of the prior: the first six of which the reader is sure, since many draws are not
# digits. Look at the middle, which lies on a tint: which way gives the better digits?

# %%
_ = torch.manual_seed(6)
t, rows = torch.linspace(0, 1, 11), {}
draws = wide.prior().sample((50,))
with torch.no_grad():
    ends = draws[read(wide.decode_mean(draws))[1]][:6].view(3, 2, -1)
    for number, (z_0, z_1) in enumerate(ends, start=1):
        rows[f"{number}, line"] = wide.decode_mean(z_0 + t.unsqueeze(1) * (z_1 - z_0))
        rows[f"{number}, arc"] = wide.decode_mean(slerp(z_0, z_1, t))
image_rows(rows, marked=dict.fromkeys(rows, torch.arange(11) == 5))

# %% [markdown]
# Line and arc look much alike; the line is paler in the middle where you see a difference at all. Three walks prove nothing.
# Measure with 1,000: how often is the reader sure at the ends, and half way on the line and on the arc? Predict the order of
# the three.

# %%
_ = torch.manual_seed(7)
half = torch.tensor([0.5])
z_0, z_1 = wide.prior().sample((2, 1000))
places = {
    "draw": z_0,
    "line": (z_0 + z_1) / 2,
    "arc": torch.cat([slerp(a, b, half) for a, b in zip(z_0, z_1, strict=True)]),
}
for name, z in places.items():
    with torch.no_grad():
        _, sure = read(wide.decode_mean(z))
    share = 100 * sure.float().mean()
    claim(f"08-sure-{name}", share, world=world, tolerance=6, digits=0, unit="% are read with certainty")

# %% [markdown]
# The reader is sure of {{mnist:08-sure-draw}}% of the draws, of {{mnist:08-sure-line}}% half way on the line, and of
# {{mnist:08-sure-arc}}% half way on the arc; each share has a standard error of about 1.5 points. So in this model the line
# loses something, and the arc hardly anything: with 20 dimensions the middle of the line is rare, but not unheard of. Between
# draws in many dimensions take the arc. In the plane a line will do.
#
# ## 7 Directions that mean something
#
# If the decoder is smooth, then one direction in the space of codes may change one property of the image. To find it, take the
# mean code of images that have the property, minus the mean code of those that lack it. That is an **attribute vector**.
#
# We need a property that a program can measure. The slant of a digit: how far a stroke moves to the right for each step down.
# With the ink as weights, it is the covariance of column and row, divided by the variance of the row. A `/` moves one column to
# the left for each row down, so its slant is $-1$. Sort the validation images: the third with the lowest slant, the *italic*
# third, leans like `/`. The third with the highest, *backhand*, leans the other way.


# %%
def slant(images):
    """How far the ink moves to the right for each row down, [B]: 0 for |, below zero for /, above zero for a backslash."""
    ink = images[:, 0] / images.sum((1, 2, 3)).view(-1, 1, 1)
    place = torch.arange(28.0)
    row, column = (ink.sum(2) @ place).view(-1, 1), (ink.sum(1) @ place).view(-1, 1)
    covariance = (ink * ((place - row).unsqueeze(2) * (place - column).unsqueeze(1))).sum((1, 2))
    return covariance / (ink.sum(2) * (place - row) ** 2).sum(1)


stroke = torch.eye(28).flip(1).view(1, 1, 28, 28)
print(f"slant of /: {slant(stroke).item():.1f}")
real = splits.val.x[:2000]
with torch.no_grad():
    wide_mu, _ = wide.encode(x)
order = slant(real).argsort()
italic, backhand = order[:667], order[-667:]
slant_direction = wide_mu[italic].mean(0) - wide_mu[backhand].mean(0)
for name, group in (("italic", italic), ("backhand", backhand)):
    claim(f"08-{name}", slant(real[group]).mean(), world=world, tolerance=0.02, unit="columns for each row", digits=2)
print(f"length of the attribute vector: {slant_direction.norm():.2f}, of a code: {wide_mu.norm(dim=1).mean():.2f}")

# %% [markdown]
# The mean slant is {{mnist:08-italic}} in the italic third and {{mnist:08-backhand}} in the other. Add multiples of the vector
# to the codes of one image of each class. Predict: will a 3 stay a 3? A tint marks the pictures in which the reader sees
# another digit than in the middle row.

# %%
ten = torch.stack([(y == digit).nonzero()[0, 0] for digit in range(10)])
with torch.no_grad():
    rows = {f"{step:+d} a": wide.decode_mean(wide_mu[ten] + step * slant_direction) for step in (-2, -1, 0, 1, 2)}
middle = read(rows["+0 a"])[0]
image_rows(rows, marked={name: read(images)[0] != middle for name, images in rows.items()})

# %% [markdown]
# Ten images are few. Measure with all 2,000, and for the 3 with all threes.


# %%
def moved(direction, step):
    """What all 2,000 codes decode to before and after a step, and whether the reader sees the same class in both."""
    with torch.no_grad():
        before, after = wide.decode_mean(wide_mu), wide.decode_mean(wide_mu + step * direction)
    return before, after, read(before)[0] == read(after)[0]


before, after, same = moved(slant_direction, 1)
claim("08-slant-before", slant(before).mean(), world=world, tolerance=0.05, unit="columns for each row", digits=2)
claim("08-slant-after", slant(after).mean(), world=world, tolerance=0.08, unit="columns for each row", digits=2)
claim("08-slant-kept", 100 * same.float().mean(), world=world, tolerance=6, digits=0, unit="% keep their class")
claim("08-three-kept", 100 * same[y == 3].float().mean(), world=world, tolerance=12, digits=0, unit="% of the threes")
two = moved(slant_direction, 2)[2]
claim("08-slant-kept-2", 100 * two.float().mean(), world=world, tolerance=8, digits=0, unit="% after two steps")
claim("08-three-kept-2", 100 * two[y == 3].float().mean(), world=world, tolerance=20, digits=0, unit="% of the threes")

# %% [markdown]
# One step along $a$ changes the slant of the pictures from {{mnist:08-slant-before}} to {{mnist:08-slant-after}} columns for
# each row, on average, and {{mnist:08-slant-kept}}% keep the class that the reader saw before. After two steps only
# {{mnist:08-slant-kept-2}}% do. And a 3? After one step {{mnist:08-three-kept}}% of the threes are what they were, after two
# {{mnist:08-three-kept-2}}%. So the direction means slant near the start, and other things too when you go far.
#
# ### A trap
#
# Try another property: the amount of ink. Which digit has the least ink, whoever writes it? What will then happen to an image
# whose code moves towards "less ink"? Take the vector twice: once from thirds of all images mixed, and once from thirds within
# each class, averaged over the classes.


# %%
def attribute_vector(mu, score, groups):
    """Mean code of the upper third by score minus that of the lower third, within each group, then averaged: [D]."""
    differences = []
    for group in groups.unique():
        inside = groups == group
        codes = mu[inside][score[inside].argsort()]
        third = len(codes) // 3
        differences.append(codes[-third:].mean(0) - codes[:third].mean(0))
    return torch.stack(differences).mean(0)


def ink(images):
    return images.sum((1, 2, 3))


less = {
    "all mixed": attribute_vector(wide_mu, -ink(real), torch.zeros_like(y)),
    "by class": attribute_vector(wide_mu, -ink(real), y),
}

# %% [markdown]
# A longer step changes more of everything. A fair comparison goes equally far in what was asked for: find for each vector how
# many times it must be added until the mean ink has fallen by 40%.


# %%
def steps_until(direction, measure, target):
    """How many times to add a direction until the mean measure of the pictures has fallen to the target: bisection."""
    low, high = 0.0, 2.0
    for _ in range(12):
        step = (low + high) / 2
        with torch.no_grad():
            fallen = measure(wide.decode_mean(wide_mu + step * direction)).mean() < target
        low, high = (low, step) if fallen else (step, high)
    return high


target = 0.6 * ink(before).mean()
step = {name: steps_until(vector, ink, target) for name, vector in less.items()}
for name, vector in less.items():
    print(f"{name}: length {vector.norm():.2f}, added {step[name]:.2f} times")

# %% [markdown]
# Two images of each class, as they were and after these steps. The tint again marks what the reader takes for another digit
# than at the start.

# %%
pairs = torch.cat([(y == digit).nonzero()[:2, 0] for digit in range(10)])
with torch.no_grad():
    rows = {"start": wide.decode_mean(wide_mu[pairs])}
    rows |= {name: wide.decode_mean(wide_mu[pairs] + step[name] * vector) for name, vector in less.items()}
first = read(rows["start"])[0]
image_rows(rows, marked={name: read(images)[0] != first for name, images in rows.items()})

# %% [markdown]
# And all 2,000, with the number of ones in the thirds of all images mixed.

# %%
stays = {}
for name, vector in less.items():
    _, after, same = moved(vector, step[name])
    print(f"{name}: ink {100 * (ink(after).mean() / ink(before).mean() - 1):.0f} %")
    stays[name] = 100 * same.float()
    claim(
        f"08-ink-{name.split()[0]}", stays[name].mean(), world=world, tolerance=6, digits=0, unit="% keep their class"
    )
lead = stays["by class"] - stays["all mixed"]
claim("08-ink-lead", lead.mean(), world=world, tolerance=4, unit="points more by class")
assert lead.mean() > 2 * standard_error(lead)
ones = y[ink(real).argsort()] == 1
for name, group in (("least", ones[:667]), ("most", ones[-667:])):
    claim(
        f"08-ones-{name}",
        group.sum(),
        world=world,
        tolerance=20,
        digits=0,
        unit=f"ones in the third with the {name} ink",
    )

# %% [markdown]
# Both take away 40% of the ink. With all classes mixed {{mnist:08-ink-all}}% of the images keep their class, by class
# {{mnist:08-ink-by}}%. The count of the ones gives one reason: {{mnist:08-ones-least}} of them are in the third with the least
# ink and {{mnist:08-ones-most}} in the third with the most. So the mixed vector points towards that class, and others
# with little ink, as well as towards thin strokes. Two groups differ in more than what you sorted them by. Your slant
# vector was mixed too: Going deeper measures what that costs.

# %% [markdown]
# ## 8 The latent pad, and the way home
#
# Back to the plane, now by hand. The pad shows the codes of your own model, trained above. Drag through the plane, or click it
# and use the arrow keys. Find a seam between two classes that you cross in a single press of a key, and a place where the
# picture is a digit that nobody would write.

# %%
from vae_course.widgets import LatentPad

pad = LatentPad(model, splits.val[:1000])
pad

# %% [markdown]
# The pad decodes in the page itself, so it needs neither a kernel nor Python. **Take your VAE home**: the next cell writes it
# into a single file beside this notebook. Open it with a double click, or send it to a friend; it works without a network. (In
# Colab it is in the *Files* panel at the left: download it before the session ends.)

# %%
page = pad.to_html("my_vae.html", title="My VAE")
print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB")
assert page.stat().st_size < 1e6

# %% [markdown]
# ## 9 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("08", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("08")

# %%
exercises.progress("08")

# %% [markdown]
# ## Summary
#
# > $$q(z) = \frac1N \sum_n q(z \mid x_n), \qquad
# > \frac1N \sum_n \mathrm{KL}\big(q(z \mid x_n) \,\Vert\, p(z)\big) = I(x; z) + \mathrm{KL}\big(q(z) \,\Vert\, p(z)\big)$$
# >
# > $$z_i = \Phi^{-1}\left(\frac{i + \frac12}{n}\right): \text{ each picture of the grid stands for the same share of
# > the samples}$$
# >
# > $$\lVert z \rVert \approx \sqrt{D} \text{ for a draw}, \qquad \lVert \tfrac12 (z_0 + z_1) \rVert \approx \sqrt{D / 2}
# > \text{ half way on a line}$$
# >
# > $$z(t) = \big[\sin((1 - t) \theta) \, z_0 + \sin(t \theta) \, z_1\big] / \sin\theta$$
# >
# > No activation on $\mu$; $\sigma = \exp(\frac12 \log\sigma^2)$. Attribute vectors: within each class, or you find the
# > class instead.

# %%
plotting.summary("08")

# %% [markdown]
# **Sources.** D. P. Kingma and M. Welling, [*Auto-Encoding Variational Bayes*](https://arxiv.org/abs/1312.6114), ICLR 2014,
# figure 4 and appendix A, for the grid through the inverse distribution function. M. D. Hoffman and M. J. Johnson, [*ELBO
# Surgery: Yet Another Way to Carve Up the Variational Evidence Lower
# Bound*](http://approximateinference.org/2016/accepted/HoffmanJohnson2016.pdf), workshop at NIPS 2016, for the split of the KL.
# T. White, [*Sampling Generative Networks*](https://arxiv.org/abs/1609.04468), 2016, for spherical interpolation and attribute
# vectors that mix properties. The grid on the unit square is that of the second text of lesson 00.
#
# **Next:** [09 Find the bug](09_find_the_bug.ipynb), where the sigmoid of section 5 has eleven companions.

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.

# %% [markdown]
# ### In your own words: the corner
#
# A friend decodes a 20 by 20 grid on the unit square with the encoder of the second text, sees many digits, and says: "So this
# is what my VAE samples." Answer in four to six sentences. Nothing checks your words. If you learn alone, compare them
# afterwards with the answer and its list of criteria, which `exercises.solution("08-corner")` shows.

# %% exercise="08-corner"

# %% [markdown]
# ### What gets lost on the way through two numbers
#
# Section 4 shows what is there. What is missing shows when you send images through the plane: 120 of them, 12 of each class in
# order and two classes in a row, each above its reconstruction. Predict: which class will suffer most? Where the reader sees
# another class in the reconstruction, the pair lies on a tint.

# %%
twelve = torch.cat([(y == digit).nonzero()[:12, 0] for digit in range(10)])
copies = model.reconstruct(x)
wrong = read(copies)[0] != y
marked_pairs(splits.val.x[twelve], copies[twelve], wrong[twelve], ncols=24)

# %% [markdown]
# The tint is the reader's verdict: you may call some pictures without a tint another digit too. The counts are over all
# 2,000 images.

# %%
kept = torch.stack([1 - wrong[y == digit].float().mean() for digit in range(10)])
print("kept, in %:", dict(enumerate((100 * kept).round().int().tolist())))
claim("08-kept", 100 * (1 - wrong.float().mean()), world=world, tolerance=5, digits=0, unit="% of the pairs")
claim("08-worst", kept.argmin(), world=world, tolerance=None, digits=0, unit="suffers most")
claim("08-worst-kept", 100 * kept.min(), world=world, tolerance=30, digits=0, unit="% in this class")

# %% [markdown]
# {{mnist:08-kept}}% of the reconstructions keep their class. The class that suffers most was the {{mnist:08-worst}} in our run,
# with {{mnist:08-worst-kept}}%; in another run it may be another class, and suffer less or more. Every reconstruction is smooth
# and typical: slant, loops and width come back only as far as two numbers can say them.

# %% [markdown]
# ### Build (optional): a prior that fits
#
# In section 3 the distance of $q(z)$ from the prior buys nothing: it is paid because the codes do not lie as the prior has them.
# Another prior could lower it without any training of the model. Take a **mixture** of $K$ Gaussians, and fit it to the codes,
#
# $$m(z) = \sum_{k=1}^K w_k \, \mathcal N\big(z;\; m_k, \, \mathrm{diag}(s_k^2)\big).$$
#
# *Expectation maximisation* (EM) does it in rounds of two halves. First share out each code among the components: how
# much of $m(z)$ comes from each of them? Then give each component what fits the codes that it owns, each code counted
# by its share. The next two cells use your function, and nothing after them does. The check names the first stage
# not yet reached.

# %% exercise="08-mixture-prior"

# %% [markdown]
# Begin with 20 components at codes picked at random, and go 40 rounds on the 8,000 codes. Predict the shape of the
# curve: can it fall?

# %%
K, picks = 20, torch.Generator().manual_seed(11)
places = codes[torch.randperm(len(codes), generator=picks)[:K]]
weight, mean, log_s2, curve = refit(codes, torch.full((K,), 1 / K), places, torch.full((K, 2), -2.0), 40)
log_m_grid = torch.logsumexp(weight.log() + Normal(mean, (0.5 * log_s2).exp()).log_prob(grid.unsqueeze(1)).sum(-1), 1)
assert (torch.as_tensor(curve).diff() > -1e-4).all()
plotting.lines(range(41), {"codes": torch.as_tensor(curve)}, xlabel="rounds", ylabel="mean log m(z) (nats)")

# %% [markdown]
# It never falls. The mixture beside the codes, and what it is worth for codes of images that it was not
# fitted to: their ELBO with $m(z)$ as the prior, less that with $p(z)$.

# %%
fresh = mu + std * torch.randn(mu.shape, generator=picks)
saved = refit(fresh, weight, mean, log_s2, 0)[-1][0] - prior.log_prob(fresh).mean()
print(f"the ELBO of 2,000 validation images rises by {saved:.2f} nats")
log_grids = {"q(z), all codes": log_q_grid, "m(z), mixture": log_m_grid}
planes({name: log_grid.exp().view(91, 91) for name, log_grid in log_grids.items()}, extent=4)

# %% [markdown]
# The mixture has found the crowded places, and no network was trained for it. How much can a prior save at most? The price of
# the codes is then $I(x; z) + \mathrm{KL}(q(z) \Vert m(z))$: the information stays, so at best all of $\mathrm{KL}(q(z) \Vert
# p(z))$ is saved, for as long as the encoder stays as it is.

# %% [markdown]
# ### Why not forty pictures each?
#
# Section 4 has two suspects. The decoder may draw a digit seldom, even for codes of that digit. Or the prior may seldom go
# where such codes lie, since $q(z)$ is not $p(z)$. A table tells them apart: the classes of the 8,000 images, the classes that
# the reader sees when **their codes** are decoded, and those it sees when **draws of the prior** are. From the first row to the
# second the way through two numbers is at work, encoder, decoder and reader together; from the second to the third only $q(z)$
# is exchanged for $p(z)$.

# %%
_ = torch.manual_seed(5)
with torch.no_grad():
    from_codes, from_prior = (read(model.decode_mean(z))[0] for z in (codes, prior.sample((8000,))))
table = [100 * torch.bincount(digits, minlength=10) / 8000 for digits in (asked.y, from_codes, from_prior)]
for name, row in zip(("images", "their codes", "prior"), table, strict=True):
    print(f"{name:>12}", "".join(f"{share:6.1f}" for share in row), " %")
by_decoder, by_prior = table[1] - table[0], table[2] - table[1]
rarest = table[2].argmin()
claim("08-rarest", rarest, world=world, tolerance=None, digits=0, unit="is the rarest digit")
for name, row in zip(("images", "codes", "prior"), table, strict=True):
    claim(f"08-rarest-{name}", row[rarest], world=world, tolerance=6, unit=f"% of the {name}")
claim("08-redrawn", by_decoder.abs().max(), world=world, tolerance=4, unit="points at most between images and codes")
claim("08-exchange", by_prior.abs().max(), world=world, tolerance=3, unit="points at most between codes and prior")

# %% [markdown]
# In our run the rarest digit among the samples is the {{mnist:08-rarest}}. Its share is {{mnist:08-rarest-images}}% of the
# images, {{mnist:08-rarest-codes}}% of the decoded codes and {{mnist:08-rarest-prior}}% of the samples: the row in which it
# drops shows on which of the two ways it was lost. Over all digits, a share changes by up to {{mnist:08-redrawn}} points from
# images to codes, and by up to {{mnist:08-exchange}} from codes to samples. If the decoder drew every code's digit and $q(z)$
# were $p(z)$, only chance would be left, about half a point. Which digit pays, and for which of the two, is another matter in
# every run: training arranges the plane anew.

# %% [markdown]
# ### Samples of the caged model
#
# Sample from both models of section 5: the same draws of the prior, decoded by each. Predict what the caged decoder does with a
# draw far from its square.

# %%
_ = torch.manual_seed(2)
z = prior.sample((2000,))
with torch.no_grad():
    from_caged, from_mended = caged.decode_mean(z), mended.decode_mean(z)
plotting.pairs(from_caged[:20], from_mended[:20], ncols=10, labels=("caged", "mended"))

# %%
for name, images, tolerance in (("caged", from_caged, None), ("mended", from_mended, 15)):
    commonest = torch.bincount(read(images)[0]).max() / len(images)
    claim(f"08-{name}-top", 100 * commonest, world=world, tolerance=tolerance, digits=0, unit="% are read as one class")
for name, q, tolerance in (("caged", cage, None), ("mended", free, 20)):
    log_q = log_aggregate(z, q.mean, 2 * q.stddev.log())
    gap = log_q < prior.log_prob(z) - math.log(10)
    part = 100 * gap.float().mean()
    claim(f"08-{name}-gap", part, world=world, tolerance=tolerance, digits=0, unit="% of the prior in gaps")

# %% [markdown]
# Of the caged model's samples, {{mnist:08-caged-top}}% are read as the same class; of the repaired one's, the commonest class
# has {{mnist:08-mended-top}}%. Is the caged decoder asked for what it never practised? In our run mostly not, by a count like
# section 3's, with the posteriors of these 2,000 images: {{mnist:08-caged-gap}}% of the draws fall where $q(z)$ of the caged
# model is less than a tenth of the prior, and {{mnist:08-mended-gap}}% for the repaired one. Some of the caged model's ellipses
# are nearly as wide as the prior. So the decoder has practised far outside the square, but with codes that tell little: what it
# draws there is a compromise between many images, and the reader takes that for one class. It is a matter of the start again:
# where the ellipses stay small, as they may with another `seed`, most of the prior's draws fall into gaps, and the caged
# decoder has practised on the square and its surroundings only.

# %% [markdown]
# ### All along the line
#
# Let $z_0$ and $z_1$ be independent draws. Section 6 gives the length half way between them. For each $t$, how long is $(1 - t)
# z_0 + t z_1$, as the root of its mean square? Do not measure: think of one coordinate first.

# %% exercise="08-path-norm"

# %% [markdown]
# Now measure, with 5,000 pairs in 20 dimensions.

# %%
_ = torch.manual_seed(3)
z_0, z_1 = torch.randn(2, 5000, 20)
t = torch.linspace(0, 1, 11)
measured = torch.stack([((1 - s) * z_0 + s * z_1).square().sum(1).mean().sqrt() for s in t])
torch.testing.assert_close(measured, path_norm(t, 20), rtol=0.02, atol=0)
curves = {"predicted": path_norm(t, 20), "measured": measured}
plotting.lines(t, curves, xlabel="t", ylabel="length of the code", markers=True)

# %% [markdown]
# The lines coincide, and half way the length has fallen from $\sqrt{D}$ to $\sqrt{D / 2}$, in any dimension. The middle of a
# walk varies too. Against the middle of *another* walk, picked at random, the shares of draws that lie closer to the centre are
# $P(F_{D,D} < \frac12)$: one third for $D = 2$, and about twice as much as in section 6 for $D = 20$.

# %% [markdown]
# ### What the slant vector owes to the classes
#
# Your slant vector was taken with all classes mixed. Are the classes spread evenly over its two groups? And what does a vector
# by class do, added until the slant has fallen as far?

# %%
print("italic  ", y[italic].bincount(minlength=10).tolist())
print("backhand", y[backhand].bincount(minlength=10).tolist())
by_class = attribute_vector(wide_mu, -slant(real), y)
_, slanted, same = moved(slant_direction, 1)
far_enough = steps_until(by_class, slant, slant(slanted).mean())
within = moved(by_class, far_enough)[2]
claim("08-slant-class-kept", 100 * within.float().mean(), world=world, tolerance=6, digits=0, unit="% keep their class")
lead = 100 * (within.float() - same.float())
claim("08-slant-lead", lead.mean(), world=world, tolerance=2, unit="points more by class")
claim("08-slant-lead-se", standard_error(lead), world=world, tolerance=0.2, unit="points")

# %% [markdown]
# They are not: some classes lean more than others, so your vector points towards these classes too. But here that costs little.
# By class {{mnist:08-slant-class-kept}}% keep their class. Counted image by image, that is a lead over your vector of
# {{mnist:08-slant-lead}} ± {{mnist:08-slant-lead-se}} points, with its standard error over images; another training would move
# it as well. With the ink the lead was {{mnist:08-ink-lead}} points: there the trap was deep.

# %% [markdown]
# ### The same on pen digits
#
# | section | what | MNIST | pen digits |
# |---|---|---|---|
# | 1 | ELBO of the plane's model (nats) | {{mnist:08-elbo}} | {{pen:08-elbo}} |
# | 1 | its KL (nats) | {{mnist:08-kl}} | {{pen:08-kl}} |
# | 2 | median $\sigma$; near the middle; far out | {{mnist:08-width}}; {{mnist:08-width-inside}}; {{mnist:08-width-outside}} | {{pen:08-width}}; {{pen:08-width-inside}}; {{pen:08-width-outside}} |
# | 2 | standard deviation of the means | {{mnist:08-spread}} | {{pen:08-spread}} |
# | 3 | codes inside the 50, 90, 99% circle (%) | {{mnist:08-inside-50}}; {{mnist:08-inside-90}}; {{mnist:08-inside-99}} | {{pen:08-inside-50}}; {{pen:08-inside-90}}; {{pen:08-inside-99}} |
# | 3 | codes outside the last circle (%) | {{mnist:08-outside}} | {{pen:08-outside}} |
# | 3 | draws of the prior where $q(z)$ is rare (%) | {{mnist:08-rare}} | {{pen:08-rare}} |
# | 3 | mean KL of 8,000 images; information; distance from the prior (nats) | {{mnist:08-asked-kl}}; {{mnist:08-information}}; {{mnist:08-marginal}} | {{pen:08-asked-kl}}; {{pen:08-information}}; {{pen:08-marginal}} |
# | 4 | real images that the reader reads right (%) | {{mnist:08-reader}} | {{pen:08-reader}} |
# | 4 | classes on the grid; pictures of the rarest; pictures of which the reader is sure (%) | {{mnist:08-classes}}; {{mnist:08-fewest}}; {{mnist:08-sure-grid}} | {{pen:08-classes}}; {{pen:08-fewest}}; {{pen:08-sure-grid}} |
# | 5 | classes on the unit square | {{mnist:08-square-classes}} | {{pen:08-square-classes}} |
# | 5 | caged: means near the low and the high edge, codes outside (%) | {{mnist:08-low-edge}}; {{mnist:08-high-edge}}; {{mnist:08-codes-outside}} | {{pen:08-low-edge}}; {{pen:08-high-edge}}; {{pen:08-codes-outside}} |
# | 5 | caged: KL and $\log p(x \mid z)$ (nats) | {{mnist:08-caged-kl}}; {{mnist:08-caged-log-px-z}} | {{pen:08-caged-kl}}; {{pen:08-caged-log-px-z}} |
# | 5 | repaired: KL and $\log p(x \mid z)$ (nats) | {{mnist:08-mended-kl}}; {{mnist:08-mended-log-px-z}} | {{pen:08-mended-kl}}; {{pen:08-mended-log-px-z}} |
# | 5 | what the cage costs (nats) | {{mnist:08-cage-cost}} | {{pen:08-cage-cost}} |
# | 6 | reader sure: draw, line, arc (%) | {{mnist:08-sure-draw}}; {{mnist:08-sure-line}}; {{mnist:08-sure-arc}} | {{pen:08-sure-draw}}; {{pen:08-sure-line}}; {{pen:08-sure-arc}} |
# | 7 | slant of the italic and the backhand third | {{mnist:08-italic}}; {{mnist:08-backhand}} | {{pen:08-italic}}; {{pen:08-backhand}} |
# | 7 | slant before and after a step | {{mnist:08-slant-before}}; {{mnist:08-slant-after}} | {{pen:08-slant-before}}; {{pen:08-slant-after}} |
# | 7 | class kept after one step and two (%) | {{mnist:08-slant-kept}}; {{mnist:08-slant-kept-2}} | {{pen:08-slant-kept}}; {{pen:08-slant-kept-2}} |
# | 7 | of the threes (%) | {{mnist:08-three-kept}}; {{mnist:08-three-kept-2}} | {{pen:08-three-kept}}; {{pen:08-three-kept-2}} |
# | 7 | class kept with less ink: all mixed, by class (%); lead (points) | {{mnist:08-ink-all}}; {{mnist:08-ink-by}}; {{mnist:08-ink-lead}} | {{pen:08-ink-all}}; {{pen:08-ink-by}}; {{pen:08-ink-lead}} |
# | 7 | ones with the least and with the most ink | {{mnist:08-ones-least}}; {{mnist:08-ones-most}} | {{pen:08-ones-least}}; {{pen:08-ones-most}} |
# | deeper | reconstructions that keep their class; the worst class, and its share (%) | {{mnist:08-kept}}; {{mnist:08-worst}}; {{mnist:08-worst-kept}} | {{pen:08-kept}}; {{pen:08-worst}}; {{pen:08-worst-kept}} |
# | deeper | rarest digit; its share of images, codes, samples (%) | {{mnist:08-rarest}}; {{mnist:08-rarest-images}}; {{mnist:08-rarest-codes}}; {{mnist:08-rarest-prior}} | {{pen:08-rarest}}; {{pen:08-rarest-images}}; {{pen:08-rarest-codes}}; {{pen:08-rarest-prior}} |
# | deeper | largest change of a share: images to codes, codes to samples (points) | {{mnist:08-redrawn}}; {{mnist:08-exchange}} | {{pen:08-redrawn}}; {{pen:08-exchange}} |
# | deeper | samples read as one class: caged, repaired (%) | {{mnist:08-caged-top}}; {{mnist:08-mended-top}} | {{pen:08-caged-top}}; {{pen:08-mended-top}} |
# | deeper | prior in gaps: caged, repaired (%) | {{mnist:08-caged-gap}}; {{mnist:08-mended-gap}} | {{pen:08-caged-gap}}; {{pen:08-mended-gap}} |
# | deeper | slant by class: class kept (%); lead, its standard error (points) | {{mnist:08-slant-class-kept}}; {{mnist:08-slant-lead}}; {{mnist:08-slant-lead-se}} | {{pen:08-slant-class-kept}}; {{pen:08-slant-lead}}; {{pen:08-slant-lead-se}} |
