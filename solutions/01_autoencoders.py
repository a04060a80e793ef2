# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 01 Autoencoders
#
# An image of a digit has 784 pixels. How much of it survives if only two numbers may be kept? You compress images, first
# with straight lines and then with a network. Then you make up two numbers, to get a new digit. That works badly, and *why*
# it does is the reason for the rest of this course.

# %% [markdown]
# **After this lesson you can**
# - compress images by PCA and say what its error is made of,
# - show that a linear autoencoder finds the same subspace, and compare subspaces by their angles,
# - train a non-linear autoencoder and read its code plane,
# - find the holes in the plane, and say what an autoencoder lacks before it could generate images.
#
# **You need first:** PyTorch tensors, modules and optimisers; from linear algebra eigenvectors of a symmetric matrix,
# singular values, span and least squares; covariance; [lesson 00](00_start_here.ipynb).
#
# **Time:** Three cells train a network, about ten seconds each; each says so beforehand. The numbers in the text are those of
# MNIST; a table at the end has those of the pen digits.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $x$ | images | `x` | `[B, 1, 28, 28]` |
# | $\hat x$ | their reconstructions | `x_hat` | as $x$ |
# | $P$ | the number of pixels | `len(mean)` | 784 |
# | $k$ | the number of codes that are kept | `k` | a whole number |
# | $\bar x$ | the mean image | `mean` | `[P]` |
# | $c$ | images minus the mean, flattened | `c` | `[N, P]`; two columns for points in the plane |
# | $z$ | codes | `z` | `[N, k]` |
# | $u$ | a direction of length one | `u` | `[2]` |
# | $S$ | covariance of the pixels | `S` | `[P, P]` |
# | $\lambda_j, v_j$ | eigenvalues of $S$ and their directions, largest first | `lam`, `V` | `[P]`, `[P, P]` |
# | $Q$ | $k$ directions at right angles, of length one | `Q` | `[P, k]` |
# | $h_j$ | the share of $v_j$ that lies in a plane (Going deeper) | `h` | `[P]` |
# | $E, D$ | weights of a linear encoder and decoder | `E`, `D` | `[k, P]`, `[P, k]` |
# | $A$ | an invertible matrix that mixes codes | `A` | `[k, k]` |

# %% [markdown]
# ## 1 What does a lost pixel cost?
#
# An **autoencoder** is two functions in a row. The encoder turns an image $x$ into a short code $z$. The decoder turns
# the code into an image $\hat x$ again, the **reconstruction**. The code is a bottleneck: what does not fit through it is
# lost.

# %%
import torch
from torch import nn

from vae_course import data, exercises, plotting
from vae_course.claims import claim
from vae_course.plotting.autoencoders import decoded_plane, projections
from vae_course.plotting.images import image_rows
from vae_course.derivations import Derivation

_ = torch.manual_seed(0)

# %% [markdown]
# All methods learn from the same images, up to 20,000, and are compared on the test images.

# %%
splits = data.load("auto")
world = splits.name
train = splits.train[:20_000]
x = splits.test.x
print(f"{world}: {len(train):,} images to train, {len(x):,} to test")
plotting.image_grid(x[:20], ncols=10)

# %% [markdown]
# To compare methods you need one number for "how wrong is a reconstruction". We take the squared difference of each
# pixel, **add them up** over an image, and **average** over the images:
#
# $$\text{error} = \frac1B \sum_{b=1}^{B} \sum_{i=1}^{P} (x_{bi} - \hat x_{bi})^2.$$
#
# An image is one thing, so its pixels are summed. A batch is a collection, so it is averaged. A mean over the pixels as well
# makes the error 784 times smaller, and with it its weight against any other term of a loss (lesson 06 shows what that does).
# Return a tensor, so that networks can learn from it.
#
# ### Your turn: the error

# %% exercise="01-reconstruction-error"

# %% [markdown]
# Begin with the shortest code of all: none. Whatever the image was, the decoder answers with the mean of the training
# images. This error is the one to beat. (`claim` compares a number with the one that the text states.)

# %%
mean_image = train.x.mean(0, keepdim=True)
nothing = reconstruction_error(x, mean_image.expand_as(x))
claim("01-no-code", nothing, world=world, tolerance=0.1, unit="per image")

# %% [markdown]
# Now predict: with two numbers for each image, which share of that error will be left?

# %% [markdown]
# ## 2 Two numbers to one
#
# Before 784 numbers become two, let two become one: there you can see everything. Take 30 points in the plane. A code of
# one number means that each reconstruction lies on a line; the number says where on the line. Which line is best?

# %%
generator = torch.Generator().manual_seed(1)
points = torch.randn(30, 2, generator=generator, dtype=torch.float64)
points = points @ torch.tensor([[2.0, 1.2], [0.0, 0.7]], dtype=torch.float64) + torch.tensor([3.0, 1.0])
angle = torch.deg2rad(torch.tensor(70.0, dtype=torch.float64))
u = torch.stack([angle.cos(), angle.sin()])
projections(points, u, title="a line, and what it loses")

# %% [markdown]
# Each point moves to the nearest place on the line, its **projection**, along an orange segment. The error is the mean of
# the squared lengths of the segments. This line, at 70 degrees, is a bad one.
#
# The best line goes through the mean, so take the mean off, once: $c = x - \bar x$. What a line keeps and what it loses are at
# right angles, so by Pythagoras
#
# $$\text{error} = \text{total variance} - \text{variance kept}, \qquad \text{variance kept} = u^\top S u,
# \qquad S = \frac1N \sum_n c_n c_n^\top.$$
#
# The total, the mean of $|c|^2$, is $\mathrm{trace}\, S$. It does not depend on the line, so losing little means keeping much.
# Which $u$ makes $u^\top S u$ largest? Write
# $S = \sum_j \lambda_j v_j v_j^\top$ by its eigenvalues $\lambda_1 \ge \lambda_2$ and their directions. Then $u^\top S u = \sum_j
# \lambda_j (u \cdot v_j)^2$ is a weighted mean of the eigenvalues, at most $\lambda_1$, and the line along $v_1$ keeps just
# that. (Going deeper shows all of this line by line.) Turn the line through half a circle, and predict where the error is
# smallest, and where it is largest.

# %%
c = points - points.mean(0)
S_points = c.T @ c / len(c)
lam, V = torch.linalg.eigh(S_points)
lam, V = lam.flip(0), V.flip(1)
degrees = torch.arange(0, 181, 2, dtype=torch.float64)
turned = torch.stack([torch.deg2rad(degrees).cos(), torch.deg2rad(degrees).sin()])
errors = S_points.trace() - (turned * (S_points @ turned)).sum(0)
fig, axes = plotting.figure(1, 2, height=3.4)
curves = {"error": errors, "lambda_1": lam[0].expand(91), "lambda_2": lam[1].expand(91)}
plotting.lines(degrees, curves, xlabel="direction of the line (degrees)", ylabel="mean squared error", ax=axes[0, 0])
axes[0, 0].axvline(70, color="grey", linewidth=1)
projections(points, V[:, 0], title="the best line", ax=axes[0, 1])

# %% [markdown]
# The grey mark is the line from above. The curve touches $\lambda_2$ once, at the direction $v_1$ of the right panel; a
# quarter turn further, along $v_2$, the error is largest, $\lambda_1$. Finding these directions is **principal
# component analysis**, PCA.

# %% [markdown]
# ## 3 PCA on images
#
# The same holds in any number of dimensions. A line loses all but one of the 784 eigenvalues, and the directions $v_1, v_2,
# \dots$ are images themselves. A code of $k$ numbers keeps the first $k$ of them:
#
# $$z_j = v_j \cdot (x - \bar x), \qquad \hat x = \bar x + \sum_{j=1}^k z_j v_j.$$

# %%
flat = train.x.flatten(1).double()
mean = flat.mean(0)
c = flat - mean
S = c.T @ c / len(c)
lam, V = torch.linalg.eigh(S)
lam, V = lam.flip(0), V.flip(1)

# %% [markdown]
# ### Your turn: there and back
#
# `V` holds one direction in each column, the most important first. Mind the mean: the directions tell how images differ
# *from it*.

# %% exercise="01-pca"

# %% [markdown]
# A `Derivation` computes both sides of each line, prints them, and stops the notebook if they differ. "Closed form" means
# that nothing was drawn at random. **Lines 1 and 2**: the total variance is the sum of all eigenvalues, and PCA with $k$
# numbers loses those that it drops:
#
# $$\text{error of PCA} = \sum_{j > k} \lambda_j$$
#
# The left sides are measured with your function. (Going deeper proves that no other plane loses less.) How well does PCA do on
# test images?

# %%
k = 2
planes = Derivation("PCA keeps the best plane")
planes.step("mean |c|^2 = sum of all lambda_j", c.square().sum(1).mean(), lam.sum())
dropped = (flat - pca_reconstruct(flat, mean, V, k)).square().sum(1).mean()
planes.step("error of PCA with 2 = sum of lambda_j from the third on", dropped, lam[k:].sum())

# %%
flat_test = x.flatten(1).double()
x_pca = pca_reconstruct(flat_test, mean, V, 2).reshape(x.shape).float()
claim("01-pca-error", reconstruction_error(x, x_pca), world=world, tolerance=0.1, unit="per image")
claim("01-pca-share", 100 * reconstruction_error(x, x_pca) / nothing, world=world, tolerance=1, unit="% left", digits=0)
plotting.pairs(x[:10], x_pca[:10].clamp(0, 1))

# %% [markdown]
# The error falls from {{mnist:01-no-code}} without a code to {{mnist:01-pca-error}}: {{mnist:01-pca-share}}% of it is left. No
# plane does better on the training images. Still, that is not much of a gain: the pictures are blurred shapes that look like
# several digits at once.

# %% [markdown]
# ## 4 A linear autoencoder
#
# Now a network, the smallest there is: no hidden layer, no activation. The encoder is a matrix $E$, the decoder a matrix
# $D$, and gradient descent never hears of eigenvectors.
#
# $$z = E\,c, \qquad \hat c = D\,z$$
#
# Predict: will it beat PCA, match it, or fall short? And will its codes be those of PCA?
#
# A small observation makes the training exact and fast. **Line 1**: the error depends on the images through their
# covariance only. **Line 2** multiplies out, so that no matrix product is larger than $[P, P]$ times $[P, 2]$.
#
# $$\text{error} = \mathrm{trace}\big((I - DE)\, S\, (I - DE)^\top\big) = \mathrm{trace}\, S - 2\,
# \mathrm{trace}(E S D) + \mathrm{trace}(D^\top D\, E S E^\top)$$


# %%
def linear_error(E, D):
    """The mean squared error of the linear autoencoder, from the covariance S alone."""
    SE = S @ E.T
    return S.trace() - 2 * (D * SE).sum() + ((D.T @ D) * (E @ SE)).sum()


linear = Derivation("The linear autoencoder")
E = torch.randn(2, len(mean), generator=generator, dtype=torch.float64) / 28
D = torch.randn(len(mean), 2, generator=generator, dtype=torch.float64) / 28
rest = torch.eye(len(mean), dtype=torch.float64) - D @ E
linear.step(
    "mean |c - DEc|^2 = trace (I-DE) S (I-DE)'", (c - c @ E.T @ D.T).square().sum(1).mean(), (rest @ S @ rest.T).trace()
)
linear.step("trace (I-DE) S (I-DE)' = trace S - 2 trace ESD + ...", (rest @ S @ rest.T).trace(), linear_error(E, D))

# %% [markdown]
# Train: 400 steps of Adam, which take two seconds.


# %%
def train_linear(seed, steps=400):
    """E, D after training, with the error and the decoder after each step."""
    source = torch.Generator().manual_seed(seed)
    E = (torch.randn(2, len(mean), generator=source, dtype=torch.float64) / 28).requires_grad_()
    D = (torch.randn(len(mean), 2, generator=source, dtype=torch.float64) / 28).requires_grad_()
    optimiser, errors, decoders = torch.optim.Adam([E, D], lr=3e-3), [], []
    for _ in range(steps):
        error = linear_error(E, D)
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        errors.append(error.item())
        decoders.append(D.detach().clone())
    return E.detach(), D.detach(), errors, decoders


E, D, errors, decoders = train_linear(seed=1)
print(f"trained: {errors[-1]:.3f}   PCA: {lam[2:].sum():.3f}   (training images)")
assert abs(errors[-1] - lam[2:].sum()) < 0.01

# %% [markdown]
# The two errors agree to within a hundredth, so the descent found as good a plane as PCA. Is it the *same* plane? The
# columns of $D$ are the two images from which the network builds everything. Compare the first with $v_1$, the second with
# $v_2$.


# %%
def one_by_one(A, B):
    """The largest angle in degrees between column j of A and column j of B."""
    cosines = (A * B).sum(0).abs() / (A.norm(dim=0) * B.norm(dim=0))
    return torch.rad2deg(torch.arccos(cosines.min()))


claim("01-column-angle", one_by_one(D, V[:, :2]), world=world, tolerance=3, unit="degrees", digits=0)

# %% [markdown]
# They are up to {{mnist:01-column-angle}} degrees apart. Did training fail? Before you decide, test the *measure*. Take $v_1$
# and $v_2$, and mix them into two other vectors of the same plane, $v_1 + v_2$ and $v_1 - v_2$.

# %% tags=["nbval-check-output"]
mixed = V[:, :2] @ torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
print(f"the same plane, other vectors: {one_by_one(mixed, V[:, :2]):.1f} degrees")

# %% [markdown]
# The measure is wrong: it compares vectors, and a plane has many pairs of vectors. And the network cannot care which: for
# each invertible matrix $A$, the encoder $A E$ and the decoder $D A^{-1}$ give the same reconstructions.
#
# $$(D A^{-1})(A E) = D E$$
#
# What does it care about? With its best encoder, a decoder is worth exactly what its **span** is worth as a plane (Going
# deeper shows it). So compare planes. The **principal angles** $\alpha_i$ between two subspaces do that: with
# orthonormal bases $Q_A$ and $Q_B$ (columns at right angles, of length one), the singular values of $Q_A^\top Q_B$ are
# their cosines, $\cos \alpha_i$. The largest angle is zero only if the subspaces are equal.
#
# ### Your turn: find the error
#
# Write `subspace_angle`, the repaired `one_by_one`: it returns the largest principal angle between the *spans* of the
# columns, one number, a tensor. `torch.linalg.svdvals` gives singular values. Mind that rounding may lift a cosine a
# hair above 1.

# %% exercise="01-subspace-angle"

# %% [markdown]
# Now the question itself: how far is the plane that gradient descent found from the plane of PCA?

# %%
angle = subspace_angle(D, V[:, :2])
assert angle < 1
claim("01-subspace-angle", angle, world=world, tolerance=0.3, unit="degrees", digits=2)
angles = [subspace_angle(decoder, V[:, :2]).item() for decoder in decoders]
fig, axes = plotting.figure(1, 2, height=3.2)
curves = {"trained": errors, "PCA": [lam[2:].sum().item()] * 400}
plotting.lines(range(1, 401), curves, xlabel="step", ylabel="squared error per image", ax=axes[0, 0])
plotting.lines(
    range(1, 401), {"angle": angles}, xlabel="step", ylabel="angle to PCA's plane (degrees)", logy=True, ax=axes[0, 1]
)

# %% [markdown]
# The error falls to that of PCA, and the plane turns from nearly a right angle to within {{mnist:01-subspace-angle}} degrees of
# PCA's own. **PCA is the linear autoencoder**, as far as planes go. The codes are PCA's codes mixed by some matrix $A$, and
# which one is an accident of the seed.

# %% [markdown]
# ## 5 A network that bends
#
# The best plane is flat. Images of digits do not lie near a plane: halfway between two slants of a 1 lies a 1 with a slant
# between them, not a mix of both. So let the decoder bend. Put hidden layers with ReLUs between 784 and 2, on both sides.


# %%
class Autoencoder(nn.Module):
    def __init__(self, latent_dim=2):
        super().__init__()
        self.latent_dim = latent_dim
        down = nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, latent_dim)
        up = nn.Linear(latent_dim, 64), nn.ReLU(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 784)
        self.encoder = nn.Sequential(nn.Flatten(), *down)
        self.decoder = nn.Sequential(*up, nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def loss(model, x):
    return {"loss": reconstruction_error(x, model(x))}


# %% [markdown]
# The sigmoid at the end keeps each pixel between 0 and 1. A `Recipe` holds what training needs; `fit_or_load` trains
# once and keeps the result for later runs. The first time, this takes about ten seconds.

# %%
from vae_course.training import Recipe, fit_or_load


def recipe(latent_dim, seed):
    return Recipe(
        name=f"autoencoder-{latent_dim}-{world}-{seed}",
        build=lambda: Autoencoder(latent_dim),
        images=train,
        val=splits.val,
        loss=loss,
        epochs=8,
        lr=4e-3,
        seed=seed,
    )


model, history = fit_or_load(recipe(2, seed=0))

# %% [markdown]
# Before you look at the result, guess: how many numbers does *PCA* need to be as good as this network with two?

# %%
with torch.no_grad():
    x_auto = model(x)
auto_error = reconstruction_error(x, x_auto)
claim("01-auto-error", auto_error, world=world, tolerance=1.0, unit="per image")
pca_errors = [
    reconstruction_error(flat_test, pca_reconstruct(flat_test, mean, V, count)).item() for count in range(1, 13)
]
claim("01-auto-share", 100 * auto_error / nothing, world=world, tolerance=3, unit="% left", digits=0)
worth = 1 + sum(error > auto_error for error in pca_errors)
claim("01-pca-worth", worth, world=world, tolerance=1, unit="PCA numbers", digits=0)
curves = {"PCA": pca_errors, "network, 2 numbers": [auto_error.item()] * 12}
plotting.lines(range(1, 13), curves, xlabel="numbers kept by PCA", ylabel="squared error per image", markers=True)

# %% [markdown]
# The network's error is {{mnist:01-auto-error}}, {{mnist:01-auto-share}}% of the error without a code; PCA needs
# {{mnist:01-pca-worth}} numbers to do as well. How do the pictures compare?

# %%
with torch.no_grad():
    x_linear = (mean + (flat_test[:9] - mean) @ E.T @ D.T).reshape(9, 1, 28, 28).clamp(0, 1)
rows = {
    "original": x[:9],
    "PCA, 2 numbers": x_pca[:9].clamp(0, 1),
    "linear autoencoder": x_linear,
    "network, 2 numbers": x_auto[:9],
}
image_rows(rows)

# %% [markdown]
# The second and third rows look the same, as they should. The last one shows digits, some right and some wrong. This is
# **compression**: two numbers of four bytes instead of 784 bytes. Look at the wrong digits in the last row: this decoder can't
# draw them from two numbers. Whether another one could, the picture does not say.

# %% [markdown]
# ## 6 The code plane
#
# Two numbers are a place in a plane. Where did the encoder put the images? It never saw a class. And a second question: if
# you train again with another seed, will the plane look the same? The next cell trains once more, ten seconds.

# %%
second, _ = fit_or_load(recipe(2, seed=1))
with torch.no_grad():
    second_error = reconstruction_error(x, second(x))
claim("01-second-error", second_error, world=world, tolerance=1.0, unit="per image")
fig, axes = plotting.figure(1, 2, width=8.6, height=4.4)
for ax, trained, seed in zip(axes[0], (model, second), (0, 1), strict=True):
    with torch.no_grad():
        z = trained.encoder(train.x[:1500])
    plotting.latent_scatter(z, train.y[:1500], title=f"seed {seed}", ax=ax)
    ax.set(xlabel="z[0]", ylabel="z[1]")
fig

# %% [markdown]
# Both planes sort the digits into clouds, crowded in the middle, and both reconstruct about equally well
# ({{mnist:01-auto-error}} and {{mnist:01-second-error}}). In both, like digits are neighbours, such as 4, 7 and 9; that comes
# from the images. Yet the planes are not the same. On MNIST the 7s reach down in one and up to the left in the other. Where a
# digit lies, and how far out, is left to the seed.
#
# You know the reason from section 4. There a matrix $A$ could be slipped between encoder and decoder. A network can
# slip in more: shift, stretch, bend, as long as the decoder undoes it. **The loss fixes the reconstructions, not the
# codes.**

# %% [markdown]
# ## 7 New digits?
#
# The decoder turns two numbers into an image. So make up two numbers. The usual first try is a draw from the normal
# distribution $\mathcal N(0, I)$ (each number by itself, with mean 0 and standard deviation 1), and it is what lesson 00 did
# with *Random*. Predict what you will see.

# %%
with torch.no_grad():
    made_up = model.decoder(torch.randn(20, 2))
plotting.image_grid(made_up, ncols=10)

# %% [markdown]
# Blurs, and the same few shapes again and again. The clouds of section 6 reach many units from zero in places of their own
# choosing, and $\mathcal N(0, I)$ does not know them: it covers one small spot of the plane.
#
# We can help. Since nothing fixes place and scale, choose them: shift and stretch the codes so that each of the two has
# mean 0 and standard deviation 1, and let the decoder undo it.


# %%
class Standardised:
    """The same autoencoder with codes of mean 0 and standard deviation 1."""

    def __init__(self, model, x):
        self.model, self.latent_dim = model, model.latent_dim
        with torch.no_grad():
            z = model.encoder(x)
        self.mean, self.std = z.mean(0), z.std(0)

    def encode(self, x):
        return (self.model.encoder(x) - self.mean) / self.std, None

    def decode_mean(self, z):
        return self.model.decoder(self.mean + self.std * z)


# %% [markdown]
# (`encode` returns two things because the explorer below expects that of a VAE; the second stays empty.) No
# reconstruction changes. Draw from $\mathcal N(0, I)$ once more. Predict what has changed.

# %%
plane = Standardised(model, train.x)
with torch.no_grad():
    z, _ = plane.encode(train.x)
    torch.testing.assert_close(plane.decode_mean(z[:100]), model(train.x[:100]), rtol=1e-3, atol=1e-4)
print("codes", tuple(z.shape), "from", z.amin(0).numpy().round(1), "to", z.amax(0).numpy().round(1))
with torch.no_grad():
    made_up = plane.decode_mean(torch.randn(20, 2, generator=generator))
plotting.image_grid(made_up, ncols=10)

# %% [markdown]
# Better: several classes, though some smears. Place and scale are repaired, the *shape* of the heap of codes is not.
#
# Now walk through the plane yourself. Drag both sliders to places far from the middle, and between the clouds. Where is the
# worst picture that you can find? (The explorer was made for VAEs: what it calls a posterior mean is the code of an image
# here, and its prior is $\mathcal N(0, I)$; lesson 02 explains both words.)

# %%
from vae_course.widgets import LatentExplorer

LatentExplorer(plane, splits.val[:200])

# %% [markdown]
# ## 8 The holes
#
# Where the pictures are bad, are there codes of training images? Lay a grid over the smallest box that holds all codes, and
# ask of each cell whether a code lies in it. A cell without one is part of a **hole**: in training the decoder was never
# asked to draw anything there. `torch.histogramdd` counts points in the cells of a box; or count by hand. Return a tensor or
# a plain number.
#
# ### Your turn: count the empty cells

# %% exercise="01-holes"

# %% [markdown]
# There are thousands of codes and 400 cells, dozens of codes for each. Guess the share of empty cells first, then that
# of a cloud without holes: as many draws from $\mathcal N(0, I)$ (the mean over fifty clouds).

# %%
round_clouds = torch.stack(
    [torch.as_tensor(empty_share(torch.randn(z.shape, generator=generator), 20)) for _ in range(50)]
)
claim("01-empty", 100 * empty_share(z, 20), world=world, tolerance=12, unit="% of the cells", digits=0)
claim("01-empty-normal", 100 * round_clouds.mean(), world=world, tolerance=1.5, unit="% of the cells", digits=0)

# %% [markdown]
# Of the cells {{mnist:01-empty}}% are empty; that is also how often a code drawn evenly from the box lands in a hole. But a
# cloud without holes leaves {{mnist:01-empty-normal}}% empty: a few far points set the box, and its corners stay bare. The
# share alone proves little. Look what the decoder makes of the middle of each cell. Cells without a code are tinted.

# %%
decoded_plane(plane.decode_mean, z, n=20)

# %% [markdown]
# Tinted does not mean bad. Most tinted cells continue their neighbours with thicker strokes: the decoder extrapolates.
# The ugly pictures stand at the seams between clouds, tinted or not: two digits on top of each other.
#
# Put a number on it. Take a **round trip**: decode a code, encode the picture, decode again. Where encoder and decoder
# agree, the same picture comes back; the squared error between the two says how much they disagree. Predict: is it
# larger in cells with codes or in holes? The picture shows the nine holes with the largest error, and what comes back.


# %%
def round_trip(model, pictures):
    """Squared error between decoded pictures [B, 1, 28, 28] and what comes back of each [B]."""
    with torch.no_grad():
        return (pictures - model(pictures)).square().flatten(1).sum(1)


counts, edges = torch.histogramdd(z, bins=[20, 20])
centres = torch.cartesian_prod(*[(edge[:-1] + edge[1:]) / 2 for edge in edges])
with torch.no_grad():
    pictures = plane.decode_mean(centres)
empty = counts.flatten() == 0
trip = round_trip(model, pictures)
claim("01-trip-codes", trip[~empty].mean(), world=world, tolerance=0.4, unit="per image")
claim("01-trip-holes", trip[empty].mean(), world=world, tolerance=None, unit="per image")
assert trip[empty].mean() > 2 * trip[~empty].mean()
worst = trip.masked_fill(~empty, -1).argsort(descending=True)[:9]
with torch.no_grad():
    back = model(pictures[worst])
image_rows({"drawn in a hole": pictures[worst], "after the round trip": back})

# %% [markdown]
# A picture comes back with an error of {{mnist:01-trip-codes}} where codes lie and of {{mnist:01-trip-holes}} in holes. The
# first few stand at the seam: two digits at once go in, and one of them comes back. The thick blots come back as thinner digits.
# Many holes continue a cloud well; there the error is small, and a 0 stays a 0.

# %% [markdown]
# ## 9 More numbers, more holes
#
# Two numbers are coarse, so take sixteen. The reconstructions must get better. Predict: will random codes give better
# digits as well? The next cell trains for about ten seconds.

# %%
wide_model, _ = fit_or_load(recipe(16, seed=0))
wide = Standardised(wide_model, train.x)
random_z = torch.randn(1000, 16, generator=torch.Generator().manual_seed(3))
with torch.no_grad():
    x_wide = wide_model(x)
    drawn = wide.decode_mean(random_z)
claim("01-wide-error", reconstruction_error(x, x_wide), world=world, tolerance=1.5, unit="per image")

# %%
rows = {
    "original": x[:9],
    "16 numbers": x_wide[:9],
    "random codes": drawn[:9],
    "more random codes": drawn[9:18],
}
claim("01-wide-trip", round_trip(wide_model, x_wide).mean(), world=world, tolerance=0.4, unit="per image")
claim("01-drawn-trip", round_trip(wide_model, drawn).mean(), world=world, tolerance=1, unit="per image")
image_rows(rows)

# %% [markdown]
# The reconstructions are much better: the error is {{mnist:01-wide-error}}. The pictures from random codes are much worse,
# although those codes come from $\mathcal N(0, I)$ and the codes of images were standardised: a few digits among blots and
# broken strokes. On a round trip a reconstruction comes back with an error of {{mnist:01-wide-trip}}, a random picture with
# {{mnist:01-drawn-trip}}.
#
# Most random codes miss the thin part of the space that the codes fill (Going deeper measures it).
#
# **A better compressor is not a better generator.** The loss asks about codes of training images and is silent on all others.

# %% [markdown]
# ## 10 What is missing
#
# To draw new digits you need a probability distribution over codes, and an autoencoder has none. Two demands follow:
#
# 1. Fix a distribution over codes first, such as $\mathcal N(0, I)$, and let training fit the codes to *it*.
# 2. Ask the decoder for images not only at single points, but wherever that distribution may put a code.
#
# A model that begins with such a distribution is a **latent-variable model**, the subject of lesson 02. A VAE is one
# that is trained with an encoder at its side.
#
# ## 11 In your own words
#
# Somebody says: "My autoencoder reconstructs well, so I can generate new digits: I draw random codes and decode them."
# What do you answer?

# %% exercise="01-why-not-generate"

# %% [markdown]
# ## 12 Quiz
#
# Five questions. If you see no buttons, type `quizzes.answer("01", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("01")

# %%
exercises.progress("01")

# %% [markdown]
# ## Summary
#
# > $$\text{error} = \frac1B \textstyle\sum_b \sum_i (x_{bi} - \hat x_{bi})^2
# > \qquad \text{sum over pixels, one mean over the batch}$$
# >
# > $$\text{PCA:} \quad z_j = v_j \cdot (x - \bar x), \qquad \hat x = \bar x + \textstyle\sum_{j \le k} z_j v_j$$
# >
# > $$\text{error of PCA} = \text{total variance} - \text{variance kept} = \textstyle\sum_{j > k} \lambda_j$$
# >
# > $$(D A^{-1})(A E) = D E: \quad \text{a linear autoencoder finds PCA's subspace, not PCA's codes}$$
# >
# > $$\cos \alpha_i = \text{singular values of } Q_A^\top Q_B \qquad \text{principal angles between two subspaces}$$
# >
# > The loss of an autoencoder fixes reconstructions, not codes. Place, scale and holes of the plane are left to chance, so
# > there is nothing right to draw from. What is missing is a distribution over codes.

# %%
plotting.summary("01")

# %% [markdown]
# **Sources.** K. Pearson, [*On Lines and Planes of Closest Fit to Systems of Points in
# Space*](https://doi.org/10.1080/14786440109462720), Philosophical Magazine 2, 1901. C. Eckart and G. Young, [*The Approximation
# of One Matrix by Another of Lower Rank*](https://doi.org/10.1007/BF02288367), Psychometrika 1, 1936. P. Baldi and K. Hornik,
# [*Neural Networks and Principal Component Analysis: Learning from Examples Without Local
# Minima*](https://doi.org/10.1016/0893-6080%2889%2990014-2), Neural Networks 2, 1989. G. E. Hinton and R. R. Salakhutdinov,
# [*Reducing the Dimensionality of Data with Neural Networks*](https://doi.org/10.1126/science.1127647), Science 313, 2006, for a
# deep autoencoder with two codes beside PCA. A. Björck and G. H. Golub, [*Numerical Methods for Computing Angles Between Linear
# Subspaces*](https://doi.org/10.1090/S0025-5718-1973-0348991-3), Mathematics of Computation 27, 1973.
#
# **Next:** [02 Latent-variable models](02_latent_variable_models.ipynb). It begins with the distribution, and works out what
# else follows.

# %% [markdown]
# ## Going deeper
#
# ### Build (optional): PCA by least squares alone
#
# No other part of the course needs this section. With the decoder fixed, the best codes of each image are a least-squares
# problem (*A decoder is worth its span*, further below, has the formula). Now fix the codes instead, and ask for the best
# decoder: least squares once more, one small problem for each pixel. Go to and fro. Neither half of such a round can raise the
# error, and there is no learning rate to choose.
#
# The plane in which this ends is PCA's, and then there are still its axes. Take an orthonormal basis $Q$ of the plane: the
# codes $c\,Q$ have a $k \times k$ covariance, and its eigenvectors turn $Q$ into axes along which the codes are uncorrelated.

# %% exercise="01-least-squares"

# %% [markdown]
# Try it on 2,000 images, from two random decoders. Predict how the error above that of PCA falls with the rounds.

# %%
few = c[:2000] - c[:2000].mean(0)
lam_few, V_few = (part.flip(-1) for part in torch.linalg.eigh(few.T @ few / len(few)))
excess, share = {}, (lam_few[2] / lam_few[1]) ** 2
for seed in (1, 2):
    start = torch.randn(len(mean), 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    axes, _, errors = pca_by_least_squares(few, start, 30)
    excess[f"start {seed}"] = torch.as_tensor(errors, dtype=torch.float64)[1:] - lam_few[2:].sum()
excess["(lambda_3 / lambda_2)^2 a round"] = excess["start 1"][9] * share ** torch.arange(-9, 21)
plotting.lines(range(1, 31), excess, xlabel="round", ylabel="error above PCA's", logy=True)

# %%
print(
    f"the planes are {subspace_angle(axes, V_few[:, :2]):.2f} degrees apart, the axes {one_by_one(axes, V_few[:, :2]):.2f}"
)
assert abs(excess["start 1"][29] / excess["start 1"][19] / share**10 - 1) < 0.2

# %% [markdown]
# After some rounds both are straight lines, of the same slope: each round leaves the same share of what is missing. A round
# applies $S$ to the plane, so what it holds of $v_3$ shrinks by $\lambda_3 / \lambda_2$ against what it holds of $v_2$; the error
# knows the square of that. And the axes? In section 4 they were an accident of the seed. Right angles and uncorrelated codes
# have fixed them, up to signs. (EM turns into these steps as a model's noise goes to zero: S. Roweis, [*EM Algorithms for PCA and
# SPCA*](https://proceedings.neurips.cc/paper_files/paper/1997/hash/d9731321ef4e063ebbee79298fa36f56-Abstract.html),
# NIPS 10, 1998.)

# %% [markdown]
# ### Are random codes in a hole?
#
# A grid like that of section 8 would have $20^{16}$ cells for the sixteen numbers of section 9. So measure how far a code is
# from the nearest code of a training image. In many dimensions all points are far apart, so take a baseline: a cloud that does
# follow
# $\mathcal N(0, I)$.


# %%
def gaps(codes, known):
    """The distance of each of the codes [B, k] to the nearest of the known ones [N, k]: [B]."""
    return torch.cdist(codes, known).amin(1)


with torch.no_grad():
    known, tested = wide.encode(train.x)[0], wide.encode(x[:1000])[0]
cloud = torch.randn(known.shape, generator=generator)
claim("01-wide-near", gaps(tested, known).mean(), world=world, tolerance=0.2, unit="standard deviations")
claim("01-wide-far", gaps(random_z, known).mean(), world=world, tolerance=0.5, unit="standard deviations")
claim("01-wide-cloud", gaps(random_z, cloud).mean(), world=world, tolerance=0.1, unit="standard deviations")

# %% [markdown]
# A test image lands {{mnist:01-wide-near}} standard deviations from a code that the decoder knows, a random code
# {{mnist:01-wide-far}}. Most of the second is dimension: had the codes followed $\mathcal N(0, I)$, both would be
# {{mnist:01-wide-cloud}}. It is the *first* that tells, far below that: the codes fill a thin part of the space, and random
# codes miss it. How many do? Count those that are further from the known codes than 99% of the test codes, with two numbers and
# with sixteen.

# %%
with torch.no_grad():
    tested_two = plane.encode(x[:1000])[0]
missed = gaps(random_z[:, :2], z) > gaps(tested_two, z).quantile(0.99)
claim("01-missed-two", 100 * missed.float().mean(), world=world, tolerance=None, unit="% of the draws", digits=0)
missed = gaps(random_z, known) > gaps(tested, known).quantile(0.99)
claim("01-missed-sixteen", 100 * missed.float().mean(), world=world, tolerance=10, unit="% of the draws", digits=0)

# %% [markdown]
# Of draws that follow the codes 1% would miss. With two standardised numbers {{mnist:01-missed-two}}% miss, with sixteen
# {{mnist:01-missed-sixteen}}%: there nearly every place is a hole.

# %% [markdown]
# ### No plane is better than PCA's
#
# Is there no better plane than the one of $v_1$ and $v_2$? Take any other: a random one, given by two directions at right
# angles, the columns of $Q$. **Line 3** is Pythagoras again. For **lines 4 and 5**, let $h_j = |Q^\top v_j|^2$ be the
# share of $v_j$ that lies in the plane. The variance kept weighs the eigenvalues with $h_j$, and the shares add up to
# $k$.
#
# $$\text{error} = \mathrm{trace}\, S - \mathrm{trace}(Q^\top S Q),
# \qquad \mathrm{trace}(Q^\top S Q) = \sum_j \lambda_j h_j, \qquad \sum_j h_j = k$$

# %%
random = torch.randn(len(mean), k, generator=generator, dtype=torch.float64)
Q, _ = torch.linalg.qr(random)
lost, kept = c - (c @ Q) @ Q.T, (Q.T @ S @ Q).trace()
planes.step("error of any plane = trace S - trace Q'SQ", lost.square().sum(1).mean(), S.trace() - kept)
h = (Q.T @ V).square().sum(0)
planes.step("trace Q'SQ = sum_j lambda_j h_j", kept, lam @ h)
planes.step("sum_j h_j = trace Q'Q", h.sum(), (Q.T @ Q).trace())

# %% [markdown]
# No share $h_j$ exceeds one, so the best that a plane can do is to spend its $k$ shares on the $k$ largest
# eigenvalues. **Line 6** is the gap to that, a sum without negative terms:
#
# $$\sum_{j \le k} \lambda_j - \mathrm{trace}(Q^\top S Q) = \sum_{j \le k} (\lambda_j - \lambda_k)(1 - h_j) +
# \sum_{j > k} (\lambda_k - \lambda_j)\, h_j \ge 0$$

# %%
below = ((lam[:k] - lam[k - 1]) * (1 - h[:k])).sum() + ((lam[k - 1] - lam[k:]) * h[k:]).sum()
planes.step("what the best plane keeps - trace Q'SQ = gap", lam[:k].sum() - kept, below)

# %% [markdown]
# ### A decoder is worth its span
#
# **Line 3**: mixed codes change nothing. **Line 4**: the best encoder of a fixed decoder finds, for each image, the
# combination of $D$'s columns that comes nearest, which is least squares: $E^\ast = (D^\top D)^{-1} D^\top$. **Line 5**:
# together they project onto the span of $D$'s columns, $D E^\ast = Q Q^\top$, where $Q$ is any basis of that span at right
# angles. **Line 6**: any other encoder pays extra. (Lines 3 to 5 are tried on nine images, lines 3 and 5 at twelve
# pixels in the middle.)
#
# $$\text{error}(D, E) = \text{error}(D, E^\ast) + \text{mean of } |D (E - E^\ast)\, c|^2$$

# %%
A = torch.tensor([[2.0, 1.0], [0.0, 0.5]], dtype=torch.float64)
nine, middle = c[:9], slice(400, 412)
mixed_copy = nine @ (A @ E).T @ (D @ A.inverse()).T
linear.step("(D A^-1)(A E) c = D E c", mixed_copy[:, middle], (nine @ E.T @ D.T)[:, middle])
E_best = torch.linalg.solve(D.T @ D, D.T)
linear.step("least squares = (D'D)^-1 D' c", torch.linalg.lstsq(D, nine.T).solution, E_best @ nine.T)
Q, _ = torch.linalg.qr(D)
linear.step("D (D'D)^-1 D' c = Q Q' c", (nine @ E_best.T @ D.T)[:, middle], (nine @ Q @ Q.T)[:, middle])
extra = (c @ (E - E_best).T @ D.T).square().sum(1).mean()
linear.step("error(D, E) = error(D, E*) + extra", linear_error(E, D), linear_error(E_best, D) + extra)

# %% [markdown]
# **Line 7** tries it where the answer is known: tilt a plane by 30 degrees around one of its own directions, then hide it
# behind another basis. **Line 8** is a second way to measure: the projections onto the two planes differ by twice the squared
# sine. (The other angle is zero here; in general, by twice the sum of the squared sines of all angles.)

# %%
tilt = torch.deg2rad(torch.tensor(30.0, dtype=torch.float64))
flat_plane = V[:, :2]
tilted = torch.stack([V[:, 0], tilt.cos() * V[:, 1] + tilt.sin() * V[:, 2]], dim=1)
found = subspace_angle(flat_plane, tilted @ A)
linear.step("a plane tilted by 30 degrees, in another basis", found, 30.0)
difference = flat_plane @ flat_plane.T - tilted @ tilted.T
linear.step("|P_A - P_B|^2 = 2 sin^2 of the angle", difference.square().sum(), 2 * torch.deg2rad(found).sin() ** 2)

# %% [markdown]
# ### The best line, line by line
#
# The best line of section 2 goes through the mean. Why? **Line 1**: for any place $a$, the mean squared distance to $a$
# is the one to the mean $\bar x$ plus what $a$ is off:
#
# $$\frac1N \sum_n |x_n - a|^2 = \frac1N \sum_n |x_n - \bar x|^2 + |\bar x - a|^2.$$
#
# For a line through $a$, only distances at right angles to it count. Apply line 1 to those: the part of $\bar x - a$ at
# right angles is extra, and it is zero if the line meets the mean. So we take the mean off, once: $c = x - \bar
# x$. **Line 2** is Pythagoras for each point: what the line keeps and what it loses are at right angles.
#
# $$|c|^2 = (u \cdot c)^2 + |c - (u \cdot c)\, u|^2$$

# %%
line = Derivation("The best line")
centre, a = points.mean(0), torch.tensor([1.0, 2.0], dtype=torch.float64)
c = points - centre
left = (points - a).square().sum(1).mean()
line.step("mean |x - a|^2 = mean |x - m|^2 + |m - a|^2", left, c.square().sum(1).mean() + (centre - a).square().sum())
z = c @ u
lost = c - z.unsqueeze(1) * u
line.step("|c|^2 = (u.c)^2 + |c - (u.c) u|^2, each point", c.square().sum(1), z**2 + lost.square().sum(1))

# %% [markdown]
# **Line 3** averages line 2. The **total variance** does not depend on the line, so losing little means keeping much:
#
# $$\text{error} = \text{total variance} - \text{variance kept}.$$
#
# **Lines 4 and 5** say that both come from the covariance matrix $S = \frac1N \sum_n c_n c_n^\top$: the total is its trace
# (the sum of its diagonal), and the variance kept is $u^\top S u$.

# %%
S_points = c.T @ c / len(c)
total, kept = c.square().sum(1).mean(), (z**2).mean()
line.step("error = total variance - variance kept", lost.square().sum(1).mean(), total - kept)
line.step("total variance = trace S", total, S_points.trace())
line.step("variance kept = u' S u", kept, u @ S_points @ u)

# %% [markdown]
# Which $u$ makes $u^\top S u$ largest? Write $S$ by its eigenvalues $\lambda_1 \ge \lambda_2$ and their directions
# $v_1, v_2$, which are at right angles (**line 6**). Then $u^\top S u$ is a weighted mean of the eigenvalues (**line 7**),
# because the weights $(u \cdot v_j)^2$ add up to one (**line 8**).
#
# $$S = \sum_j \lambda_j v_j v_j^\top, \qquad u^\top S u = \sum_j \lambda_j (u \cdot v_j)^2, \qquad \sum_j (u \cdot v_j)^2 = 1$$

# %%
lam, V = torch.linalg.eigh(S_points)
lam, V = lam.flip(0), V.flip(1)
weights = (V.T @ u) ** 2
line.step("S = sum_j lambda_j v_j v_j'", S_points, sum(lam[j] * torch.outer(V[:, j], V[:, j]) for j in range(2)))
line.step("u' S u = sum_j lambda_j (u.v_j)^2", u @ S_points @ u, lam @ weights)
line.step("sum_j (u.v_j)^2 = |u|^2", weights.sum(), u @ u)

# %% [markdown]
# A mean is at most its largest entry. **Line 9** shows by how much it stays below: a sum in which no term is negative.
#
# $$\lambda_1 - u^\top S u = \sum_j (\lambda_1 - \lambda_j)(u \cdot v_j)^2 \ge 0$$
#
# So no line keeps more than $\lambda_1$, and the line along $v_1$ keeps just that. **Line 10**: what it loses is the
# other eigenvalue.

# %%
line.step(
    "lambda_1 - u' S u = sum_j (lambda_1 - lambda_j) (u.v_j)^2", lam[0] - u @ S_points @ u, (lam[0] - lam) @ weights
)
best = c - torch.outer(c @ V[:, 0], V[:, 0])
line.step("error along v_1 = lambda_2", best.square().sum(1).mean(), lam[1])

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (line, planes, linear):
    display(derivation.summary())

# %% [markdown]
# ### The same on pen digits
#
# | section | what | MNIST | pen digits |
# |---|---|---|---|
# | 1 | error without a code | {{mnist:01-no-code}} | {{pen:01-no-code}} |
# | 3 | PCA, 2 numbers: error; share of it that is left (%) | {{mnist:01-pca-error}}; {{mnist:01-pca-share}} | {{pen:01-pca-error}}; {{pen:01-pca-share}} |
# | 4 | columns apart; planes apart (degrees) | {{mnist:01-column-angle}}; {{mnist:01-subspace-angle}} | {{pen:01-column-angle}}; {{pen:01-subspace-angle}} |
# | 5 | network, 2 numbers: error; share left (%); numbers of PCA that do as well | {{mnist:01-auto-error}}; {{mnist:01-auto-share}}; {{mnist:01-pca-worth}} | {{pen:01-auto-error}}; {{pen:01-auto-share}}; {{pen:01-pca-worth}} |
# | 6 | the other seed: error | {{mnist:01-second-error}} | {{pen:01-second-error}} |
# | 8 | empty cells; those of a cloud without holes (%) | {{mnist:01-empty}}; {{mnist:01-empty-normal}} | {{pen:01-empty}}; {{pen:01-empty-normal}} |
# | 8 | error of a round trip: where codes lie; in holes | {{mnist:01-trip-codes}}; {{mnist:01-trip-holes}} | {{pen:01-trip-codes}}; {{pen:01-trip-holes}} |
# | 9 | network, 16 numbers: error | {{mnist:01-wide-error}} | {{pen:01-wide-error}} |
# | 9 | error of a round trip: reconstruction; random picture | {{mnist:01-wide-trip}}; {{mnist:01-drawn-trip}} | {{pen:01-wide-trip}}; {{pen:01-drawn-trip}} |
# | deeper | distance to a known code: test image; random code; had the codes followed $\mathcal N(0, I)$ (standard deviations) | {{mnist:01-wide-near}}; {{mnist:01-wide-far}}; {{mnist:01-wide-cloud}} | {{pen:01-wide-near}}; {{pen:01-wide-far}}; {{pen:01-wide-cloud}} |
# | deeper | draws that miss: two numbers; sixteen (%) | {{mnist:01-missed-two}}; {{mnist:01-missed-sixteen}} | {{pen:01-missed-two}}; {{pen:01-missed-sixteen}} |
