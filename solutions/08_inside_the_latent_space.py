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
# together compare with the prior, what each place decodes to, and how to walk from place to place. On the way you take
# apart a published picture that shows one corner of such a plane. At the end you take your own VAE home as a web page.

# %% [markdown]
# **After this lesson you can**
# - draw the plane of a two-dimensional VAE so that the picture shows what the model samples,
# - compute the density of all codes together, and measure how far it is from the prior,
# - say what a sigmoid on $\mu$ and $\sigma$ breaks, and mend it,
# - walk between codes on a line or on an arc, and say when the difference matters,
# - change one property of an image by moving its code.
#
# **You need first:** [lesson 04](04_the_elbo.ipynb) (the ELBO), [lesson 03](03_kl_and_variational_inference.ipynb) (the KL) and
# [lesson 07](07_your_first_vae.ipynb) (training a VAE). Means, variances, the normal distribution.
#
# **Time:** 60 minutes. Four cells train networks, or load what they trained before. Each says how long it takes; together they
# need about a minute on two idle cores.
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
# | $\Phi$ | standard normal distribution function | `torch.special.ndtr` | |
# | $t$ | how far along a walk, from 0 to 1 | `t` | `[T]` |
# | $a$ | attribute vector | `direction` | `[D]` |

# %% [markdown]
# ## 1 A code that fits on paper
#
# The VAE of lesson 07 had 20 latent dimensions. With two, every code is a point in a plane, and you can see all that the model
# knows. First the imports and the data.

# %%
import math

import torch
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F

from vae_course import data, exercises, objectives, plotting
from vae_course.claims import claim
from vae_course.plotting.autoencoders import image_rows
from vae_course.plotting.latent import marked_pairs, planes, posterior_ellipses, unit_square
from vae_course.steps import Derivation, standard_error

_ = torch.manual_seed(0)
splits = data.load("auto")
world, train = splits.name, splits.train

# %% [markdown]
# The network has two hidden layers on each side, 784-256-128-2 and back. It is shown 800,000 images, pixels drawn anew as 0 or 1
# for each batch. The first time, this takes about half a minute on two idle cores.

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
# In this lesson you look and choose, so you use validation images, their pixels drawn once: 2,000 of them. The test images
# stay closed. Two numbers carry less than twenty. Predict: by how much is the ELBO of this model lower than that of the 20-dimensional one in
# lesson 07?

# %%
from vae_course.evaluation import evaluate

val = data.binarize(splits.val, seed=1)[:2000]
result = evaluate(model, val)
claim("08-elbo", result.elbo, world=world, tolerance=2.0)
claim("08-kl", result.kl, world=world, tolerance=0.5)

# %% [markdown]
# The ELBO is {{mnist:08-elbo}} nats on MNIST ({{pen:08-elbo}} on pen digits); in lesson 07 it was {{mnist:07-binarised-test-elbo}}
# ({{pen:07-binarised-test-elbo}}). So two numbers lose many nats of detail. A code costs {{mnist:08-kl}} nats ({{pen:08-kl}}).

# %% [markdown]
# ## 2 Where the encoder puts the images
#
# The encoder has never seen a label. Predict: which classes will share a border?

# %%
x, y = val.x, val.y
with torch.no_grad():
    mu, logvar = model.encode(x)
plotting.latent_scatter(mu, y)

# %% [markdown]
# Each class has a region, and neighbours are classes that look alike: a stroke has to change little to turn one into the other.
#
# Each point is only the middle of a posterior $q(z \mid x) = \mathcal N(\mu, \sigma^2)$. Predict: is a posterior as large as the region of
# its class, or far smaller? Eight images of each class, each with an ellipse of two standard deviations:

# %%
few = torch.cat([(y == digit).nonzero()[:8, 0] for digit in range(10)])
std = torch.exp(0.5 * logvar)
posterior_ellipses(mu[few], std[few], y[few])

# %%
claim("08-width", std.median(), world=world, tolerance=0.03, unit="", digits=2)
claim("08-spread", mu.std(), world=world, tolerance=0.15, unit="", digits=2)

# %% [markdown]
# Far smaller. The middle standard deviation of a posterior is {{mnist:08-width}} ({{pen:08-width}} on pen digits), while the means
# have one of {{mnist:08-spread}} ({{pen:08-spread}}). So the plane holds many places that the model tells apart. But no place is a point. Each
# time an image is shown, its code is drawn from the ellipse, so the decoder practises on the whole of it. The autoencoder of lesson 01
# had no width at all, and practised on points.

# %% [markdown]
# ## 3 All codes together
#
# To sample, you draw $z$ from the prior and decode it. The decoder, however, was trained on codes that came from training images. Where
# do *those* lie? Pick such an image at random, then draw a code from its posterior. The density of that code is the **aggregated posterior**,
#
# $$q(z) = \frac1N \sum_{n=1}^N q(z \mid x_n).$$
#
# If $q(z)$ equals $p(z)$, then sampling asks the decoder nothing new.
#
# ### Your turn: the density of all codes
#
# Write $\log q(z)$ for many places at once. It is a mixture of as many Gaussians as there are images, and far out all of their densities
# are tiny, so stay with logarithms.


# %% exercise="08-aggregate"
def log_aggregate(z, mu, logvar):
    """log q(z) at places z [M, D], for posteriors with mu and logvar [N, D] each: [M]."""
    ### BEGIN SOLUTION
    q = torch.distributions.Normal(mu, torch.exp(0.5 * logvar))
    log_each = q.log_prob(z.unsqueeze(1)).sum(dim=-1)
    return torch.logsumexp(log_each, dim=1) - math.log(len(mu))
    ### END SOLUTION


# %% check="08-aggregate" points=3
exercises.check("08-aggregate", log_aggregate)
log_aggregate = exercises.or_reference("08-aggregate", log_aggregate)

# %% [markdown]
# Take 8,000 training images, since it is on those that the decoder practised. A density integrates to one: compute $q(z)$ on a grid
# over the square from $-4$ to $4$, in pieces of 250 places to save memory, and add it up.

# %%
asked = data.binarize(train, seed=4)[:8000]
with torch.no_grad():
    mu, logvar = model.encode(asked.x)


def log_q_at(z):
    return torch.cat([log_aggregate(part, mu, logvar) for part in z.split(250)])


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
# On the whole $q(z)$ covers what the prior covers, and no more: the circles fit both. In detail it is rough. There are peaks where
# many similar images lie, and pale seams between classes. How much of the prior falls into seams and gaps? Draw from it, and
# count the draws at which $q(z)$ is less than a tenth of $p(z)$.

# %%
_ = torch.manual_seed(1)
z = prior.sample((2000,))
rare = log_q_at(z) < prior.log_prob(z) - math.log(10)
claim("08-rare", 100 * rare.float().mean(), world=world, tolerance=2, unit="% of the draws")

# %% [markdown]
# {{mnist:08-rare}} % of the prior's draws on MNIST ({{pen:08-rare}} % on pen digits) ask the decoder for something that
# training hardly asked for.
#
# ### How far, in nats?
#
# The distance has a place in the ELBO. The KL that the model pays is a mean over images. **Line 1** is its definition, with an image and a
# draw of its code inside the expectation. Write $\log q(z \mid x) - \log p(z)$ as $\log q(z \mid x) - \log q(z)$ plus $\log q(z) - \log p(z)$. The
# second difference depends on $z$ alone, and $z$ has the density $q(z)$, so its mean is a KL. That is **line 2**:
#
# $$\frac1N \sum_n \mathrm{KL}\big(q(z \mid x_n) \,\Vert\, p(z)\big)
# = \underbrace{\mathbb E\left[\log \frac{q(z \mid x)}{q(z)}\right]}_{\text{what a code tells about its image}}
# + \underbrace{\mathrm{KL}\big(q(z) \,\Vert\, p(z)\big)}_{\text{how far all codes are from the prior}}.$$
#
# The first part is the **mutual information** of image and code; for $N$ images it is at most $\log N$. Neither part is below zero. The cell
# takes the left side in closed form, the information from one draw for each image, and the last KL by adding up the grid.

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

# %% [markdown]
# Predict: which of the two parts is the larger?

# %%
claim("08-asked-kl", kl.mean(), world=world, tolerance=0.5, digits=2)
claim("08-information", told.mean(), world=world, tolerance=0.4, digits=2)
claim("08-marginal", (paid - told).mean(), world=world, tolerance=0.15, digits=2)

# %% [markdown]
# Of the {{mnist:08-asked-kl}} nats that these images cost on MNIST, {{mnist:08-information}} are information about the image, and
# {{mnist:08-marginal}} are the distance of all codes from the prior (on pen digits {{pen:08-information}} and {{pen:08-marginal}} of
# {{pen:08-asked-kl}}). The second number is small: the training has pressed the codes into the shape of the prior. That is what an
# autoencoder lacks, and why decoding draws of the prior works at all.

# %% [markdown]
# ## 4 The whole plane in one picture
#
# Choose 20 by 20 codes, decode them, and lay the pictures out. Which codes? The picture is to show **what the model samples**, so each
# of its cells should stand for the same share of the prior. In one dimension: cut the shares from 0 to 1 into $n$ equal parts, take
# the middle of each, and ask below which $z$ that share of the prior lies,
#
# $$z_i = \Phi^{-1}\left(\frac{i + \frac12}{n}\right), \qquad i = 0, \dots, n - 1.$$
#
# ### Your turn: the grid


# %% exercise="08-quantile-grid"
def quantile_grid(n):
    """Codes at mid-quantiles of N(0, I), row by row from the top left, z[0] to the right, z[1] upwards: [n * n, 2]."""
    ### BEGIN SOLUTION
    axis = torch.special.ndtri((torch.arange(n) + 0.5) / n)
    up, across = torch.meshgrid(axis.flip(0), axis, indexing="ij")
    return torch.stack([across, up], dim=-1).reshape(n * n, 2)
    ### END SOLUTION


# %% check="08-quantile-grid" points=3
exercises.check("08-quantile-grid", quantile_grid)
quantile_grid = exercises.or_reference("08-quantile-grid", quantile_grid)

# %% [markdown]
# `plotting.manifold` decodes the same grid. Before you run the cell: will all ten digits be there? Then take a pencil, and find each
# of them.

# %%
z = quantile_grid(20)
with torch.no_grad():
    decoded = model.decode_mean(z)
plotting.manifold(model.decode_mean, n=20)

# %% [markdown]
# Each digit has its area, and on the borders one turns into the next. Compare the areas with the scatter plot of section 2: the same
# map, stretched so that its crowded middle gets room.
#
# Your eye is one judge. A second one, which knows nothing of what it should find, is useful. The *reader* is a small classifier, trained on real
# images with their labels. It takes a few seconds.


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

# %% [markdown]
# `read` returns the class that the reader sees in each image, and whether it is *sure*: it gives that class a probability of
# 0.8 or more. On real validation images it is right this often:


# %%
@torch.no_grad()
def read(images):
    probability, digit = torch.softmax(reader(images), 1).max(1)
    return digit, probability >= 0.8


seen, sure = read(splits.val.x[:2000])
claim("08-reader", 100 * (seen == y).float().mean(), world=world, tolerance=1.0, unit="% right")

# %% [markdown]
# It reads {{mnist:08-reader}} % of the real images right ({{pen:08-reader}} %). Now the 400 pictures of the grid. Predict: which digit will be the rarest?

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
# The reader finds {{mnist:08-classes}} classes of 10 on MNIST, the rarest in {{mnist:08-fewest}} pictures ({{pen:08-classes}} and
# {{pen:08-fewest}} on pen digits), and is sure of {{mnist:08-sure-grid}} % of the 400 pictures ({{pen:08-sure-grid}} %). The rest are the borders.

# %% [markdown]
# ### What gets lost on the way through two numbers
#
# The plane shows what is there. What is missing shows when you send images through it: 400 of them, 40 of each class in order, each
# above its reconstruction. Predict: which class will suffer most? Where the reader sees another class in the reconstruction,
# the pair lies on a tint.

# %%
forty = torch.cat([(y == digit).nonzero()[:40, 0] for digit in range(10)])
originals = splits.val.x[forty]
copies = model.reconstruct(x[forty])
seen, _ = read(copies)
wrong = seen != y[forty]
marked_pairs(originals, copies, wrong, ncols=20)

# %%
by_class = wrong.float().view(10, 40).mean(1)
claim("08-kept", 100 * (1 - wrong.float().mean()), world=world, tolerance=5, digits=0, unit="% of the pairs")
claim("08-worst-kept", 100 * (1 - by_class.max()), world=world, tolerance=20, digits=0, unit="% in the worst class")

# %% [markdown]
# {{mnist:08-kept}} % of the reconstructions keep their class ({{pen:08-kept}} % on pen digits). The class that suffers most keeps it in
# {{mnist:08-worst-kept}} % ({{pen:08-worst-kept}} %). Every reconstruction is smooth and typical: slant, loops and width come back only as far
# as two numbers can say them.

# %% [markdown]
# ## 5 The corner
#
# A well-known text shows such a picture too: 20 by 20 codes, evenly spaced on the square from 0 to 1. Predict: what does *your* model
# show on that square? And how much of what it samples lies there?

# %%
unit_square(model.decode_mean)

# %%
share = (Normal(0.0, 1.0).cdf(torch.tensor(1.0)) - 0.5) ** 2
claim("08-square-share", 100 * share, world="any", tolerance=0.05, unit="% of the prior")
even = torch.cartesian_prod(torch.linspace(1, 0, 20), torch.linspace(0, 1, 20)).flip(1)
with torch.no_grad():
    seen, sure = read(model.decode_mean(even))
classes = (torch.bincount(seen[sure], minlength=10) > 0).sum()
claim("08-square-classes", classes, world=world, tolerance=3, digits=0, unit="classes of 10")

# %% [markdown]
# The square is the outlined corner, {{any:08-square-share}} % of the prior, and the reader finds {{mnist:08-square-classes}} of the ten classes in it
# ({{pen:08-square-classes}} on pen digits). Yet that text draws its grid there. Why?
#
# Because of a bug. Its encoder ends in a sigmoid, for $\mu$ and for $\sigma$. So every mean lies between 0 and 1, and whatever the decoder
# learns, it learns on that square. `Caged` is our model with such a head.


# %%
class Caged(VAE):
    def posterior(self, x):
        mu, std = torch.sigmoid(self.encoder(x)).chunk(2, dim=-1)
        return Independent(Normal(mu, std, validate_args=False), 1, validate_args=False)


# %% [markdown]
# What does the cage do to the bound? The KL of one dimension, $\frac12(\sigma^2 + \mu^2 - 1 - \log\sigma^2)$, is zero only at $\mu = 0$ and
# $\sigma = 1$. A sigmoid reaches neither: both lie at infinity, where it is flat and no gradient leads back. In that text the KL has the
# weight 0.0001, so its loss hardly says so. Ours will.
#
# ### Your turn: open the cage
#
# Mend the head. `out` is what the encoder returns, without any activation.


# %% exercise="08-posterior-head"
def posterior_head(out):
    """mu and std, [B, D] each, from the encoder's numbers out [B, 2 D]: mu first, then log sigma squared."""
    ### BEGIN SOLUTION
    mu, logvar = out.chunk(2, dim=-1)
    return mu, torch.exp(0.5 * logvar)
    ### END SOLUTION


# %% check="08-posterior-head" points=2
exercises.check("08-posterior-head", posterior_head)
posterior_head = exercises.or_reference("08-posterior-head", posterior_head)


# %% [markdown]
# Now train both on the same 200,000 images, with the same seed: the caged one and the mended one. The first time, this takes about fifteen seconds.


# %%
class Mended(VAE):
    def posterior(self, x):
        mu, std = posterior_head(self.encoder(x))
        return Independent(Normal(mu, std, validate_args=False), 1, validate_args=False)


short = settings | {"epochs": epochs(200_000), "lr": 3e-3}
caged, _ = fit_or_load(Recipe(name=f"caged-{world}", build=lambda: Caged.mlp(2, hidden=(256, 128)), **short))
mended, _ = fit_or_load(Recipe(name=f"mended-{world}", build=lambda: Mended.mlp(2, hidden=(256, 128)), **short))

# %% [markdown]
# Predict: where will the means of the caged model lie? The outlines are again two standard deviations.

# %%
with torch.no_grad():
    cage = caged.posterior(x)
posterior_ellipses(cage.mean[few], cage.stddev[few], y[few])

# %% [markdown]
# The means are pressed against the edges of the square, where the sigmoid is flat, and the ellipses are huge. How many are within 0.05 of an edge,
# and what does that cost?

# %%
at_edge = ((cage.mean < 0.05) | (cage.mean > 0.95)).any(1)
claim("08-at-edge", 100 * at_edge.float().mean(), world=world, tolerance=25, digits=0, unit="% of the means")
bounds = {name: evaluate(net, val).elbo for name, net in (("caged", caged), ("mended", mended))}
claim("08-mended-elbo", bounds["mended"], world=world, tolerance=5)
claim("08-cage-cost", bounds["mended"] - bounds["caged"], world=world, tolerance=20, digits=0)

# %% [markdown]
# Now sample from both: the same draws of the prior, decoded by each. Predict what the caged decoder does with a draw far outside its
# square.

# %%
_ = torch.manual_seed(2)
z = prior.sample((2000,))
with torch.no_grad():
    from_caged, from_mended = caged.decode_mean(z), mended.decode_mean(z)
plotting.pairs(from_caged[:20], from_mended[:20], ncols=10, labels=("caged", "mended"))

# %%
for name, images in (("caged", from_caged), ("mended", from_mended)):
    commonest = torch.bincount(read(images)[0]).max() / len(images)
    claim(f"08-{name}-top", 100 * commonest, world=world, tolerance=15, digits=0, unit="% are read as one class")

# %% [markdown]
# On MNIST {{mnist:08-at-edge}} % of the caged means are at an edge ({{pen:08-at-edge}} % on pen digits), and the ELBO is
# {{mnist:08-cage-cost}} nats lower than that of the mended model ({{pen:08-cage-cost}}), though network, images and seed are the same. Of the caged
# model's samples, {{mnist:08-caged-top}} % are read as the same class ({{pen:08-caged-top}} %); of the mended one's, the commonest class has
# {{mnist:08-mended-top}} % ({{pen:08-mended-top}} %).
#
# Is a grid on the unit square always wrong, then? No. If $z$ is standard normal, $u = \Phi(z)$ is uniform on the square, and an even grid in $u$ is your quantile
# grid in $z$. The square is right for a model whose prior is uniform on it. **Draw the grid where the prior is.**

# %% [markdown]
# ## 6 Walking from code to code
#
# In lesson 00 you walked from one digit to another on a straight line. In the plane that is fine, as the picture of the whole plane shows.
# In more dimensions there is a doubt. Draws of $\mathcal N(0, I)$ in $D$ dimensions have a length of about $\sqrt D$: the squared length is a sum of $D$
# squares, each 1 on average. So they lie in a thin shell, and a straight line between two points of a shell leaves the shell. By how
# much?
#
# ### Your turn: predict
#
# Let $z_0$ and $z_1$ be independent draws. For each $t$, how long is $(1 - t) z_0 + t z_1$, as the root of its mean square? Do not
# measure: think of one coordinate first.


# %% exercise="08-path-norm"
def path_norm(t, latent_dim):
    """The root of the mean squared length of (1 - t) z_0 + t z_1 for each t [T], z_0 and z_1 from N(0, I): [T]."""
    ### BEGIN SOLUTION
    variance = (1 - t) ** 2 + t**2
    return torch.sqrt(latent_dim * variance)
    ### END SOLUTION


# %% check="08-path-norm" points=2
exercises.check("08-path-norm", path_norm)
path_norm = exercises.or_reference("08-path-norm", path_norm)

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
# The lines coincide. Half way the length has fallen from $\sqrt{D}$ to $\sqrt{D / 2}$, in any dimension. Is that unusual? It depends on how
# thick the shell is. The squared length of a draw follows a chi-squared distribution, so the share of draws that lie closer to the centre
# than the middle of the walk is $P(\chi^2_D < D / 2)$. Predict for 2, 20 and 200 dimensions: is it a third, a hundredth, nothing?

# %%
dims = torch.tensor([2, 5, 10, 20, 50, 100, 200], dtype=torch.float64)
closer = torch.special.gammainc(dims / 2, dims / 4)  # the distribution function of chi-squared at D / 2
plotting.lines(
    dims, {"share": closer}, xlabel="latent dimensions", ylabel="draws closer to 0", logx=True, logy=True, markers=True
)

# %%
claim("08-closer-2", 100 * closer[0], world="any", tolerance=0.05, unit="% of the draws")
claim("08-closer-20", 100 * closer[3], world="any", tolerance=0.05, unit="% of the draws")

# %% [markdown]
# In two dimensions {{any:08-closer-2}} % of all draws lie closer to the centre than the middle of a walk: nothing unusual there. In 20 dimensions
# {{any:08-closer-20}} %, and in 200 practically none. There a straight walk crosses a region that the prior never visits.
#
# The remedy is to walk on an arc. With $\theta$ the angle between the two codes, the *spherical* interpolation is
#
# $$z(t) = \frac{\sin((1 - t) \, \theta)}{\sin \theta} \, z_0 + \frac{\sin(t \, \theta)}{\sin \theta} \, z_1, \qquad \cos\theta = \frac{z_0 \cdot z_1}{\lVert z_0 \rVert \, \lVert z_1 \rVert}.$$
#
# ### Your turn: along the arc


# %% exercise="08-slerp"
def slerp(z_start, z_end, t):
    """Codes on the arc from z_start [D] to z_end [D], one for each t [T]: [T, D]."""
    ### BEGIN SOLUTION
    cosine = (z_start @ z_end) / (z_start.norm() * z_end.norm())
    angle, t = torch.acos(cosine), t.unsqueeze(1)
    return (torch.sin((1 - t) * angle) * z_start + torch.sin(t * angle) * z_end) / torch.sin(angle)
    ### END SOLUTION


# %% check="08-slerp" points=3
exercises.check("08-slerp", slerp)
slerp = exercises.or_reference("08-slerp", slerp)

# %% [markdown]
# Does it matter for a VAE? Take the 784-400-20 network of lesson 07, shown 400,000 images. The first time, this takes about fifteen
# seconds.

# %%
wide, _ = fit_or_load(
    Recipe(name=f"wide-{world}", build=VAE.mlp, **(settings | {"epochs": epochs(400_000), "lr": 4e-3}))
)

# %% [markdown]
# Between two draws of the prior, both ways, four walks each. Look at the middle: which way gives the better digits?

# %%
_ = torch.manual_seed(6)
t, rows = torch.linspace(0, 1, 10), {}
for number in (1, 2, 3):
    z_0, z_1 = wide.prior().sample((2,))
    with torch.no_grad():
        rows[f"{number}, line"] = wide.decode_mean(z_0 + t.unsqueeze(1) * (z_1 - z_0))
        rows[f"{number}, arc"] = wide.decode_mean(slerp(z_0, z_1, t))
image_rows(rows)

# %% [markdown]
# Three walks prove nothing. Measure with 1,000: how often is the reader sure at the ends, and half way on the line and on the arc? Predict the order of
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
# On MNIST the reader is sure of {{mnist:08-sure-draw}} % of the draws, of {{mnist:08-sure-line}} % half way on the line, and of
# {{mnist:08-sure-arc}} % half way on the arc (on pen digits {{pen:08-sure-draw}}, {{pen:08-sure-line}} and {{pen:08-sure-arc}} %). So the line
# loses something, and the arc hardly anything. It is a matter of degree, no cliff: with 20 dimensions the middle of the line is rare, but
# not unheard of. Between draws in many dimensions take the arc. In the plane stay on the line.

# %% [markdown]
# ## 7 Directions that mean something
#
# If the decoder is smooth, then one direction in the space of codes may change one property of the image. To find it, no gradient is
# needed: take the mean code of images that have the property, minus the mean code of those that lack it. That is an **attribute vector**.
#
# We need a property that a program can measure. The slant of a digit: how far a stroke moves to the right for each step down. With the
# ink as weights, it is the covariance of column and row, divided by the variance of the row.


# %%
def slant(images):
    """How far the ink moves to the right for each row down, [B]: 0 upright, below zero for italic digits."""
    ink = images[:, 0] / images.sum((1, 2, 3)).view(-1, 1, 1)
    place = torch.arange(28.0)
    row, column = (ink.sum(2) @ place).view(-1, 1), (ink.sum(1) @ place).view(-1, 1)
    covariance = (ink * ((place - row).unsqueeze(2) * (place - column).unsqueeze(1))).sum((1, 2))
    return covariance / (ink.sum(2) * (place - row) ** 2).sum(1)


# %% [markdown]
# Sort the validation images by slant, and take the upright third and the italic third.

# %%
real = splits.val.x[:2000]
with torch.no_grad():
    wide_mu, _ = wide.encode(x)
order = slant(real).argsort()
italic, upright = order[:667], order[-667:]
direction = wide_mu[italic].mean(0) - wide_mu[upright].mean(0)
print(f"length of the attribute vector: {direction.norm():.2f}, of a code: {wide_mu.norm(dim=1).mean():.2f}")

# %% [markdown]
# Add multiples of it to the codes of one image of each class. Predict: will a 3 stay a 3?

# %%
ten = torch.stack([(y == digit).nonzero()[0, 0] for digit in range(10)])
steps = [-2, -1, 0, 1, 2]
with torch.no_grad():
    image_rows({f"{step:+d} a": wide.decode_mean(wide_mu[ten] + step * direction) for step in steps})


# %%
def moved(direction, step):
    """What all 2,000 codes decode to after a step, and which class the reader sees before and after it."""
    with torch.no_grad():
        before, after = wide.decode_mean(wide_mu), wide.decode_mean(wide_mu + step * direction)
    return before, after, (read(before)[0] == read(after)[0]).float().mean()


before, after, kept = moved(direction, 1)
claim("08-slant-before", slant(before).mean(), world=world, tolerance=0.05, unit="columns for each row", digits=2)
claim("08-slant-after", slant(after).mean(), world=world, tolerance=0.08, unit="columns for each row", digits=2)
claim("08-slant-kept", 100 * kept, world=world, tolerance=6, digits=0, unit="% keep their class")

# %% [markdown]
# One step along $a$ changes the slant of the pictures from {{mnist:08-slant-before}} to {{mnist:08-slant-after}} columns for each row, on average, and
# {{mnist:08-slant-kept}} % keep the class that the reader saw before ({{pen:08-slant-before}} to {{pen:08-slant-after}} and {{pen:08-slant-kept}} % on pen
# digits).
#
# ### A trap
#
# Try another property: the amount of ink. Before you run the cell: which digit has the least ink, whoever writes it? What will then happen
# to an image whose code moves towards "less ink"?


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


ink = real.sum((1, 2, 3))
mixed = attribute_vector(wide_mu, ink, torch.zeros_like(y))
within = attribute_vector(wide_mu, ink, y)

# %%
with torch.no_grad():
    start = wide_mu[ten]
    image_rows(
        {
            "start": wide.decode_mean(start),
            "all mixed": wide.decode_mean(start - mixed),
            "by class": wide.decode_mean(start - within),
        }
    )

# %%
for name, direction in (("mixed", mixed), ("within", within)):
    before, after, kept = moved(direction, -1)
    change = after.sum((1, 2, 3)).mean() / before.sum((1, 2, 3)).mean() - 1
    claim(f"08-{name}-ink", 100 * change, world=world, tolerance=6, digits=0, unit="% ink")
    claim(f"08-{name}-kept", 100 * kept, world=world, tolerance=6, digits=0, unit="% keep their class")

# %% [markdown]
# Both directions take ink away: {{mnist:08-mixed-ink}} % and {{mnist:08-within-ink}} % on MNIST ({{pen:08-mixed-ink}} % and {{pen:08-within-ink}} % on pen
# digits). But with all classes mixed only {{mnist:08-mixed-kept}} % of the images keep their class, by class {{mnist:08-within-kept}} %
# ({{pen:08-mixed-kept}} % and {{pen:08-within-kept}} %). To see why, count the classes in the third with the least ink,
# `y[ink.argsort()[:667]].bincount(minlength=10)`: nearly all ones lie in it, so the mixed vector points towards that class as well as
# towards thin strokes. Two groups differ in more than what you sorted them by.

# %% [markdown]
# ## 8 The latent pad, and the way home
#
# Back to the plane, now by hand. The pad shows the codes of your own model, trained above. Drag through the plane, or click it and
# use the arrow keys. Find the narrowest seam between two classes, and a place where the picture is a digit that nobody would
# write.

# %%
from vae_course.widgets import LatentPad

pad = LatentPad(model, splits.val[:1000])
pad

# %% [markdown]
# The pad decodes in the page itself, so it needs neither a kernel nor Python. **Take your VAE home**: the next cell writes it
# into a single file beside this notebook. Open it with a double click, or send it to a friend; it works without a network.

# %%
page = pad.to_html("my_vae.html", title="My VAE")
print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB")
assert page.stat().st_size < 1e6

# %% [markdown]
# In Colab the file is in the *Files* panel at the left: download it before the session ends.

# %% [markdown]
# ## 9 In your own words
#
# A friend decodes a 20 by 20 grid on the unit square with the encoder of the second text, sees many digits, and says: "So this is what
# my VAE samples." Answer in four to six sentences: why the codes lie in that square, what the model samples instead, and what the repair is.

# %% [markdown] written="08-corner" points=3
# ### BEGIN SOLUTION
# The encoder sends mu and sigma through a sigmoid, so every mean lies in the unit square, and the decoder has learnt that
# square and its rim only. The posterior can never equal the prior: the KL is zero at mu = 0 and sigma = 1 only, which a
# sigmoid never reaches. The grid shows what the decoder does on the square, not what the model samples: the model is
# N(0, I) followed by the decoder, and only 11.7 % of the draws of N(0, I) lie in the square. The other draws fall where
# hardly any image of the training lies, so the samples are worse than the grid looks. The repair is to leave mu as it is
# and to use exp(logvar / 2) as sigma, and then to draw the grid at quantiles of the prior, where each picture stands for
# the same share of the samples.
# ### END SOLUTION

# %% [markdown]
# ## 10 Quiz
#
# Six questions. If you see no buttons, type `quizzes.answer("08", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("08")

# %% [markdown]
# ## Summary
#
# > $$q(z) = \frac1N \sum_n q(z \mid x_n), \qquad
# > \frac1N \sum_n \mathrm{KL}\big(q(z \mid x_n) \,\Vert\, p(z)\big) = I(x; z) + \mathrm{KL}\big(q(z) \,\Vert\, p(z)\big)$$
# >
# > $$z_i = \Phi^{-1}\left(\frac{i + \frac12}{n}\right): \text{ each picture of the grid stands for the same share of the samples}$$
# >
# > $$\sqrt{\mathbb E \lVert (1 - t) z_0 + t z_1 \rVert^2} = \sqrt{D \, \big((1 - t)^2 + t^2\big)}$$
# >
# > $$z(t) = \big[\sin((1 - t) \theta) \, z_0 + \sin(t \theta) \, z_1\big] / \sin\theta$$
# >
# > No activation on $\mu$; $\sigma = \exp(\frac12 \log\sigma^2)$. Attribute vectors: within each class, or you find the class instead.
#
# **Sources.** D. P. Kingma and M. Welling, *Auto-Encoding Variational Bayes*, ICLR 2014, figure 4 and appendix A, for the grid through
# the inverse distribution function. M. D. Hoffman and M. J. Johnson, *ELBO surgery*, workshop at NIPS 2016, for the split of the KL. T. White,
# *Sampling Generative Networks*, 2016, for spherical interpolation and attribute vectors that mix properties. The grid on the unit
# square is that of the second of the two texts that this course started from.
#
# **Next:** [09 Find the bug](09_find_the_bug.ipynb), where the sigmoid of section 5 has eleven companions.
