# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 What VAEs are used for
#
# You have a trained model and a likelihood in nats. What are they good for? In this lesson you use them three times: to
# compress images into a file and get each pixel back, to notice images that do not belong, and to fill in what is missing.
# You measure how well each works, and one of the three will fail in a way that is worth remembering. (A fourth use, digits of a
# class of your choice, stands under Going deeper.)

# %% [markdown]
# **After this lesson you can**
# - say why bits back costs $-\mathcal L / \log 2$ bits, and send images with it, bit for bit,
# - count everything that a receiver needs, and say when a model pays,
# - measure how well a score finds odd images, and say where the likelihood can fail,
# - fill in missing pixels and clean noisy ones, by climbing to one code and by drawing many.
#
# **You need first:** [lesson 07](07_your_first_vae.ipynb) (a trained VAE, binarised pixels) and [lesson
# 11](11_how_good_is_it.ipynb) (log weights, standard errors). Section 1 returns to the urns of [lesson 04](04_the_elbo.ipynb).
#
# **Time:** Slow cells say so. The numbers in the text are MNIST's, one training each, with ± over images; the pen digits' stand
# in a table at the end.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $s$ | the message so far, one whole number | `state` | one number |
# | $\log p(x \mid z)$ | log-likelihood of the pixels | `log_px_z` | `[B]` |
# | $\log p(z)$ | log prior of a code | `log_pz` | `[B]` |
# | $\log q(z \mid x)$ | log density of the code under q | `log_qz` | `[B]` |
# | $\mathcal L$ | evidence lower bound, in nats | `elbo` | `[B]` |
# | $\ell(x, z)$ | bits by which a message grows for one image | `length` | one for each code |
# | $H$ | entropy of q, in bits | `entropy` | one number |
# | $n$ | images in one message | `n` | one number |
# | $a, b$ | bits of an image in a long message; bits paid once for each message | | one number each |
# | $\delta$ | width of the steps of a grid over z | `width` | one number |
# | $h$ | how far a step of the walk goes | `step_size` | one number |
# | $g(z' \mid z)$ | density with which the walk proposes $z'$ from $z$ | inside `langevin` | |
# | $r$ | share of pixels that are flipped | `rate_of_flips` | one number |
# | $\tilde x$ | an image with flipped pixels | `noisy` | `[B, 1, 28, 28]` |

# %% [markdown]
# ## 1 Compression
#
# First a model: the 784-400-20 VAE of lesson 07, trained on pixels that are drawn anew as 0 or 1 for each batch. The first
# time this takes about twenty seconds.

# %%
import math

import numpy as np
import torch
from torch.nn import functional as F

from vae_course import data, exercises, objectives, plotting
from vae_course.claims import claim
from vae_course.models import VAE
from vae_course.plotting.images import image_rows
from vae_course.training import Recipe, fit_or_load

_ = torch.manual_seed(0)
splits = data.load("auto")
world, train = splits.name, splits.train
settings = {"build": VAE.mlp, "loss": objectives.negative_elbo, "transform": data.dynamic_binarize, "lr": 3e-3}
vae, _ = fit_or_load(Recipe(name=f"uses-{world}", images=train, epochs=round(400_000 / len(train)), **settings))
vae = vae.cpu().requires_grad_(False)

# %% [markdown]
# A digit that is binarised has 784 pixels of 0 or 1. How many bits do you need to send it? Predict before you run: a
# PNG file for each digit, at its best setting, compared with the 784 bits themselves. Larger or smaller, and by what
# factor?

# %%
from vae_course.studies import compression

test = data.binarize(splits.test, seed=2)[:2000]
N, x = len(test), test.x
png_files = sum(8 * len(compression.png(x[n : n + 1])) for n in range(N)) / N
png_strip = 8 * len(compression.png(x)) / N
claim("12-png-files", png_files, world=world, tolerance=8, unit="bits per image", digits=0)
claim("12-png-strip", png_strip, world=world, tolerance=8, unit="bits per image", digits=0)

# %% [markdown]
# A file for each digit takes {{mnist:12-png-files}} bits: **more** than the 784 pixels, because a PNG file brings its own
# head and tail. All 2,000 in one strip take {{mnist:12-png-strip}} bits each. PNG knows nothing of digits. A model does.
#
# ### A likelihood is a length
#
# If sender and receiver share a distribution $p$, then a symbol $x$ can be sent in $-\log_2 p(x)$ bits: rare symbols
# long, frequent ones short. If they come from $p$, nobody does better on average, and an *entropy coder* reaches it
# to within a few bits for a whole message. You will write one now.
#
# The message is one whole number, the state $s$. Divide the whole numbers into rounds of `total` slots, and give each
# symbol `freq` of these slots, so that $p = \texttt{freq} / \texttt{total}$. A number tells its symbol by the slot on
# which it lies, $s \bmod \texttt{total}$. All numbers that lie on a slot of one symbol, in order, are the *list* of
# this symbol. To **push** a symbol, move from state $s$ to number $s$ of the symbol's list, counting from zero.
#
# With `total = 8`, and slots 2 to 6 for our symbol (`start = 2`, `freq = 5`), the symbol's list is 2, 3, 4, 5, 6, 10,
# 11, 12, 13, 14, 18, ... State 17 becomes number 17 of it, counting from zero. Which is it? Find it with pencil and
# paper, then write the function.

# %% exercise="12-ans-push"

# %% [markdown]
# The receiver of $s'$ sees its slot, knows the symbol, and computes its number in the symbol's list, the state before, $s =
# \texttt{freq} \, \lfloor s' / \texttt{total} \rfloor + s' \bmod \texttt{total} - \texttt{start}$. `pop` in the package does
# this. What was pushed last comes out first, as from a stack of plates. **Lines 1 to 3** test it: a push to a long state adds
# $-\log_2 p$ bits, 200 the sum, and popping undoes all of it.

# %%
from vae_course.studies.compression import ans
from vae_course.derivations import Derivation, standard_error

generator = torch.Generator().manual_seed(1)
bits, shares = Derivation("A likelihood is a length, and bits back"), [2, 5, 1]
before, after = 10**30, push(10**30, 2, 5, 8)
bits.step("log2 s' = log2 s - log2 p", math.log2(after), math.log2(before) - math.log2(5 / 8))
symbols = torch.multinomial(torch.tensor(shares) / 8, 200, replacement=True, generator=generator).tolist()
state = before
for symbol in symbols:
    state = push(state, sum(shares[:symbol]), shares[symbol], 8)
cost = -sum(math.log2(shares[symbol] / 8) for symbol in symbols)
bits.step("log2 of the state grows by the sum of -log2 p", math.log2(state) - math.log2(before), cost)
popped = []
for _ in symbols:
    symbol, state = ans.pop(state, shares)
    popped.append(symbol)
bits.step("popping gives the old state back", state / 10**30, 1.0)
assert popped[::-1] == symbols

# %% [markdown]
# This is *asymmetric numeral systems* (ANS); Zstandard and JPEG XL use coders of this family. All that follows rests on one
# more thing: **popping from random bits draws a sample**. If the bits of the state are random, its slot is uniform, so the
# symbol that you pop comes out with probability $p$. And pushing it back restores the bits.
#
# ### Bits back
#
# For a VAE $p(x)$ is an integral that nobody can compute. The sender could choose a code $z$, send it with the prior, then
# send $x$ given $z$. But many codes would do for the same image, and to choose between them is a waste: the receiver learns
# something that nobody asked for. So let the choice carry other data!
#
# 1. The sender **pops** $z$ with $q(z \mid x)$ from the message so far, say the image before. The message gets shorter,
#    by $-\log_2 q(z \mid x)$ bits.
# 2. The sender pushes $x$ with $p(x \mid z)$, then $z$ with $p(z)$.
# 3. The receiver pops $z$, then $x$. Now the receiver knows $x$, computes $q(z \mid x)$ too, and **pushes $z$ with
#    it**: the bits from step 1 are back.
#
# Back to the urns of lesson 04, with three codes and two colours, for a red ball. **Line 4** is the net length for each
# of the three codes: it is minus a log weight of lesson 11, in bits. (All three are printed below it. One is negative:
# this code is so improbable under $q$ that the pop takes more bits off than the two pushes add. What counts is the mean.)
#
# $$\ell(x, z) = \log_2 q(z \mid x) - \log_2 p(x \mid z) - \log_2 p(z) = -\log_2 w$$
#
# **Line 5** is its mean over $q$, **line 6** what that says about a poor $q$, **line 7** what is lost without the bits
# back: the entropy $H$ of $q$.
#
# $$\mathbb E_q[\ell] = -\frac{\mathcal L}{\log 2} = \frac{-\log p(x) + \mathrm{KL}(q \,\Vert\, p(z \mid x))}{\log 2}$$

# %%
from torch.distributions import Categorical, kl_divergence

from vae_course.exact import DiscreteWorld

p_x_z = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.8, 0.2]], dtype=torch.float64)
urns = DiscreteWorld(torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64), p_x_z)
q = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
log2 = math.log(2)
joint, marginal = urns.joint()[:, 0], urns.marginal()
length = q.log2() - p_x_z[:, 0].log2() - urns.p_z.log2()
elbo = urns.elbo(0, q)
gap = kl_divergence(Categorical(q), Categorical(urns.posterior()[0]))
bits.step("length of each code = -log2 w", length, -(joint / q).log2())
print("   all three lengths, in bits:", [round(value, 3) for value in length.tolist()])
bits.step("E_q[length] = -ELBO / log 2", q @ length, -elbo / log2)
bits.step("-ELBO = -log p(x) + KL(q || posterior), in bits", -elbo / log2, (gap - marginal[0].log()) / log2)
without, entropy = q @ -joint.log2(), Categorical(q).entropy() / log2
bits.step("without bits back: -ELBO / log 2 + H(q)", without, entropy - elbo / log2)

# %% [markdown]
# With the true posterior as $q$, the length is $-\log_2 p(x)$ **whatever code was drawn**. Its average over $x$ is then the
# entropy of $x$, below which no code can go. (Going deeper checks both, and sends 1,500 balls with your `push`.)
#
# ### Your turn: what an image costs
#
# A network gives its logarithms in nats. Write the length in bits.

# %% exercise="12-message-length"

# %% [markdown]
# ### Real digits
#
# A coder needs whole numbers, and $z$ is continuous. So put a grid over it, with steps of width $\delta$ in each dimension.
# A step then has probability $p(z) \, \delta$ under the prior, and $q(z \mid x) \, \delta$ under $q$. A finer grid makes $z$
# more expensive to send, and gives as much more back: in $\ell$, $\delta$ cancels. Only the bits that the first image borrows
# become more.
#
# `compression.encode` takes steps 1 and 2 on such a grid, with a fast coder in place of Python's long numbers, eight
# images at a time. The message also has a head of a few bytes: how many images, the grid, two checksums. Its stack begins with
# random words, because the first images need something to pop from. **All of this counts.** What does not count yet is what
# both sides have beforehand: the program and the weights.
#
# Predict: by what percentage will the file be longer than $-\mathcal L$, in bits?

# %%
message = compression.encode(vae, x)
received = compression.decode(vae, message)
assert torch.equal(received.x, x)
rate = 8 * len(message) / N
with torch.no_grad():
    bound = objectives.elbo(vae, x, n_samples=5).elbo.mean()
above = 100 * (rate / (-bound / log2) - 1)
print(f"{N:,} digits, {len(message):,} bytes, {len(received.initial)} random words at the start")
claim("12-rate", rate, world=world, tolerance=2.0, unit="bits per image")
claim("12-elbo-bits", -bound / log2, world=world, tolerance=2.0, unit="bits per image")
claim("12-overhead", above, world=world, tolerance=0.6, unit="% above -ELBO", digits=2)
claim("12-start", 32 * len(received.initial) / N, world=world, tolerance=0.5, unit="bits per image")
assert abs(above) < 2

# %% [markdown]
# The first `assert` compares all pixels: each of them is the same. The file has {{mnist:12-rate}} bits per image, where
# $-\mathcal L / \log 2$ is {{mnist:12-elbo-bits}}: {{mnist:12-overhead}}% more. A number that you have only ever seen as a
# loss is the size of a file.
#
# One part of this excess is known exactly: the random words at the start make {{mnist:12-start}} bits per image. (The head's
# few bytes add next to nothing. The others can't be told apart here: the popped bits, those of the images before, are random
# only as far as the model is right; and the bound is an estimate itself.) The start is paid once and shared by all images of a
# message, so the rate should fall with their number. Predict the shape of the curve for 1 to 500 images, then run (a few
# seconds). Here the images are coded one at a time (`block=1`), so that only the first one has nothing else to borrow from.

# %%
counts = [n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500) if n <= N]
rates = [8 * len(compression.encode(vae, x[:n], block=1)) / n for n in counts]
goal = [-float(objectives.elbo(vae, x[:n], n_samples=20).elbo.mean()) / log2 for n in counts]
claim("12-rate-single", rates[0], world=world, tolerance=120, unit="bits per image", digits=0)
curves = {"bits back": rates, "-ELBO, in bits": goal}
plotting.lines(counts, curves, xlabel="images in one message", ylabel="bits per image", logx=True, markers=True)

# %% [markdown]
# A single image is expensive: {{mnist:12-rate-single}} bits. It pays for the head, and for the bits that it borrowed. More
# images share this cost $b$, so the curve is about $a + b / n$, and with a hundred images it has nearly met the bound.
#
# ### The table
#
# `zlib` is what gzip uses, on all packed pixels at once. The *coins* are an entropy coder with a probability for
# each pixel, the pixel's mean over the training images: a model without a latent variable. And *two parts* sends $z$, the
# posterior mean on a coarse grid, and then $x$, without any bits back.
#
# Each row counts its message only. Both sides have the model beforehand: the weights for bits back and two parts, and the 784
# means for the coins. PNG and zlib need none.

# %%
means = train.x.mean(0)
coins = compression.bernoulli_encode(x, means)
assert torch.equal(compression.bernoulli_decode(coins, means, N), x)
table = {
    "PNG, a file each": png_files,
    "pixels": 784.0,
    "PNG, one strip": png_strip,
    "coins": 8 * len(coins) / N,
    "zlib": 8 * len(compression.zlib_packed(x)) / N,
    "two parts": 8 * len(compression.two_part_encode(vae, x)) / N,
    "bits back": rate,
    "-ELBO, in bits": -float(bound) / log2,
}
claim("12-coins", table["coins"], world=world, tolerance=3, unit="bits per image", digits=0)
claim("12-zlib", table["zlib"], world=world, tolerance=3, unit="bits per image", digits=0)
claim("12-two-parts", table["two parts"], world=world, tolerance=4, unit="bits per image", digits=0)
claim("12-rate-pixel", rate / 784, world=world, tolerance=0.004, unit="bits per pixel", digits=3)
plotting.bars(list(table), list(table.values()), xlabel="bits per image", digits=0, highlight=["bits back"])

# %% [markdown]
# Bits back needs {{mnist:12-rate}} bits per image ({{mnist:12-rate-pixel}} per pixel), a good deal less than zlib with
# {{mnist:12-zlib}} and the coins with {{mnist:12-coins}}. *Two parts* needs {{mnist:12-two-parts}}: it gets nothing back for
# the choice of $z$ (line 7, of the urns). On a grid as fine as that of bits back this waste would be several bits more in
# each dimension, so it takes a coarse one, and pays in pixels, which fit a rounded $z$ less well. The difference
# from bits back contains both costs.
#
# ### When does the model pay?
#
# The receiver must have the weights: about 650,000 numbers of four bytes, many times the length of the message. They are paid
# once, the digits each time. Predict: from how many digits on would it have been worth while to send the weights along, against
# zlib?

# %% exercise="12-break-even"

# %% [markdown]
# With the rates that you have just measured:

# %%
weight_bytes = sum(4 * p.numel() for p in vae.parameters())
print(f"weights {weight_bytes:,} bytes, message {len(message):,} bytes")
pays = break_even(weight_bytes, rate, table["zlib"])
claim("12-break-even", pays / 1000, world=world, tolerance=6, unit="thousand images", digits=0)

# %% [markdown]
# From about {{mnist:12-break-even}} thousand digits on: more than all 70,000 digits of MNIST. A shared model pays where it is
# installed once and used for long, such as a codec in a browser. (The optional build in Going deeper needs no weights: it
# learns from what was already sent.)
#
# ### The same numbers on both sides
#
# Decoding works only if the receiver computes **exactly** the probabilities that the sender had. Floating point makes no such
# promise: a sum of 400 products depends on its order, and the order on threads, batch and processor. A difference in the
# sixth digit does not matter for a picture. For a coder it is fatal, sooner or later: once a slot's edge moves, one wrong
# pixel comes out, the state behind it is another one, and nothing after it makes sense. So both sides call the networks on
# the same blocks of images, in float64, and round the outputs to a coarse grid. That makes a disagreement unlikely, and a
# checksum tells the receiver of one; only networks that compute with whole numbers rule it out. (Going deeper changes one of
# the decoder's biases by a hundredth.)

# %% [markdown]
# ## 2 What does not belong
#
# A model that knows digits should be surprised by what is not a digit. That is the idea of **anomaly detection**: compute
# a score for each image, such as $-\mathcal L$, and report the images whose score is high.
#
# To measure it, hide two classes from the training: ones and twos. They are the anomalies. This takes about fifteen
# seconds the first time, on two idle cores.

# %%
hidden = (train.y == 1) | (train.y == 2)
eight = train[~hidden]
recipe = Recipe(name=f"eight-{world}", images=eight, epochs=round(250_000 / len(eight)), **settings)
knows_eight, _ = fit_or_load(recipe)
knows_eight = knows_eight.cpu().requires_grad_(False)

# %% [markdown]
# ### Your turn: how good is a score?
#
# Moving a score's threshold trades missed anomalies for false alarms, along the *ROC curve*. A number that
# needs no threshold: take one usual and one odd image at random; how often does the odd one have the higher score? This
# is the **area under the ROC curve** (AUROC). 1 is perfect, 1/2 is a coin.

# %% exercise="12-auroc"

# %% [markdown]
# The package's version adds a standard error. Three scores come with the bound: $-\mathcal L$ itself, the reconstruction
# $-\log p(x \mid z)$, and the KL, which says how unusual the code is. Predict: will ones be easier to find than twos, or
# harder?

# %%
from vae_course.studies import anomaly


def scores(model, x):
    """Scores of images, name to [B]; high means odd."""
    terms = objectives.elbo(model, x, n_samples=5)
    return {"-ELBO": -terms.elbo, "reconstruction": -terms.log_px_z, "KL": terms.kl}


all_test = data.binarize(splits.test, seed=2)
groups = {"usual": all_test.x[(all_test.y != 1) & (all_test.y != 2)][:1000]}
groups |= {"ones": all_test.x[all_test.y == 1][:500], "twos": all_test.x[all_test.y == 2][:500]}
score = {name: scores(knows_eight, images) for name, images in groups.items()}

# %% [markdown]
# Each of the three scores, against the usual digits:

# %%
usual = score["usual"]
areas = {f"{kind}: {s}": anomaly.auroc(usual[s], score[kind][s]) for kind in ("twos", "ones") for s in usual}
twos, ones = areas["twos: -ELBO"], areas["ones: -ELBO"]
claim("12-auroc-twos", twos.area, world=world, tolerance=0.04, unit="AUROC", digits=2)
claim("12-auroc-twos-se", twos.standard_error, world=world, tolerance=0.005, unit="standard error", digits=3)
claim("12-auroc-ones", ones.area, world=world, tolerance=0.06, unit="AUROC", digits=2)
claim("12-auroc-ones-kl", areas["ones: KL"].area, world=world, tolerance=0.1, unit="AUROC", digits=2)
assert ones.area < 0.5 < twos.area
area, error = zip(*areas.values(), strict=True)
plotting.dots(list(areas), area, errors=error, xlabel="AUROC (1/2 is a coin)", digits=2, highlight=["ones: -ELBO"])

# %% [markdown]
# Twos are found by $-\mathcal L$, with an AUROC of {{mnist:12-auroc-twos}} ± {{mnist:12-auroc-twos-se}}. But for **ones** it
# is {{mnist:12-auroc-ones}}: the score is upside down. A model that has never seen a one finds ones more probable than the
# digits it was trained on. The KL, with {{mnist:12-auroc-ones-kl}}, is upside down for them too. Is this an accident
# of ones? Try images that are not digits at all.
#
# ### Where the likelihood fails

# %%
strange = torch.zeros(3, 100, 1, 28, 28)
for n in range(100):
    row, column = torch.randint(6, 20, (2,), generator=generator).tolist()
    strange[1, n, 0, row : row + 3, column : column + 3] = 1
    strange[2, n, 0, 13:15, 4 + n % 8 : 16 + n % 8] = 1
for name, images in zip(("blank", "dots", "bars"), strange, strict=True):
    groups[name] = images
    score[name] = scores(knows_eight, images)
some = ("usual", "twos", "ones", "dots", "bars")
print({name: round(score[name]["-ELBO"].mean().item(), 1) for name in groups})
plotting.score_histograms({name: score[name]["-ELBO"] for name in some}, xlabel="-ELBO (nats)")

# %% [markdown]
# Read the picture from the left. Dots and bars, which nobody would call digits, lie left of most digits; ones as well.
# The printed means have one more group, the blank image: it has the best score of all. The images behind the histograms:

# %%
assert all(score["blank"]["-ELBO"].mean() < score[name]["-ELBO"].mean() for name in some)
dots = score["dots"]["-ELBO"]
claim("12-usual-score", usual["-ELBO"].mean(), world=world, tolerance=2.5)
claim("12-usual-spread", usual["-ELBO"].std(), world=world, tolerance=2.0)
claim("12-dots-score", dots.mean(), world=world, tolerance=8)
dots_area = anomaly.auroc(usual["-ELBO"], dots).area
claim("12-auroc-dots", dots_area, world=world, tolerance=0.05, unit="AUROC", digits=2)
image_rows({name: groups[name][:10] for name in some})

# %% [markdown]
# A usual digit has {{mnist:12-usual-score}} nats, dots have {{mnist:12-dots-score}}, an AUROC of {{mnist:12-auroc-dots}}. Why?
#
# You know what $-\log_2 p(x)$ is: **the size of a file**. An image with little on it makes a small file. How complicated an
# image is moves the score more than whether it belongs. If that is so, the score should go with the length of the outline even
# among the usual digits:


# %%
def outline(x):
    """How many pairs of neighbouring pixels differ: the length of all outlines, [B]."""
    return (x.diff(dim=2) != 0).sum((1, 2, 3)) + (x.diff(dim=3) != 0).sum((1, 2, 3))


along = torch.corrcoef(torch.stack([outline(groups["usual"]).float(), usual["-ELBO"]]))[0, 1]
claim("12-edges", along, world=world, tolerance=0.06, unit="correlation with the outline", digits=2)

# %% [markdown]
# The correlation is {{mnist:12-edges}}.
#
# There is a second reason. In many dimensions **the most probable point is not a typical one**. There a standard normal
# distribution is densest at 0, yet its draws lie in a thin shell far away (numbers in Going deeper). For the usual
# digits $-\mathcal L$ has a spread of {{mnist:12-usual-spread}} nats; compare it with how far dots lie below the mean. So a
# score that is *far too good* is a warning as well. Two remedies:
#
# - **typicality**: how far is $-\mathcal L$ from its mean over validation images, to either side?
# - **less a general coder**: $-\mathcal L$ in bits, minus what zlib needs for the same image. What is left is how much
#   worse the model is than a coder that knows nothing of digits.
#
# Predict for each of twos, ones and dots which of the two helps.

# %%
val = data.binarize(splits.val, seed=1)
mean = scores(knows_eight, val.x[(val.y != 1) & (val.y != 2)][:1000])["-ELBO"].mean()
for name, images in groups.items():
    general = torch.tensor([8.0 * len(compression.zlib_packed(image)) for image in images])
    score[name]["typicality"] = (score[name]["-ELBO"] - mean).abs()
    score[name]["less zlib"] = score[name]["-ELBO"] / log2 - general
kinds, remedies = ("twos", "ones", "dots", "bars"), ("-ELBO", "typicality", "less zlib")
areas = {f"{k}: {r}": anomaly.auroc(score["usual"][r], score[k][r]) for k in kinds for r in remedies}
for name in ("typicality", "less zlib"):
    short = name.replace(" ", "-")
    for kind in ("twos", "ones", "dots"):
        area = areas[f"{kind}: {name}"].area
        claim(f"12-{short}-{kind}", area, world=world, tolerance=0.06, unit="AUROC", digits=2)
area, error = zip(*areas.values(), strict=True)
marked = [label for label in areas if "-ELBO" in label]
plotting.dots(list(areas), area, errors=error, xlabel="AUROC (1/2 is a coin)", digits=2, highlight=marked)

# %% [markdown]
# Ones were upside down, and now reach {{mnist:12-typicality-ones}} by typicality and {{mnist:12-less-zlib-ones}} with
# zlib subtracted. Dots, which had a better likelihood than nearly all digits, now reach {{mnist:12-typicality-dots}} and
# {{mnist:12-less-zlib-dots}}. There is a price. Twos, which plain $-\mathcal L$ found with {{mnist:12-auroc-twos}}, get
# {{mnist:12-typicality-twos}} and {{mnist:12-less-zlib-twos}}: usual digits with a very *good* score now count as odd,
# and what zlib finds hard is taken off twos as well.
#
# Neither remedy is a law. Typicality misses an odd image that is about as complicated as a digit, and subtracting zlib works as
# well as zlib measures what is general. So measure on anomalies that you really have, simple ones among them.

# %% [markdown]
# ## 3 What is missing
#
# Hide the lower half of a digit. The model knows what digits look like, so it should be able to go on from the upper
# half. The encoder was trained on whole images, so do not trust it with half of one. But the decoder and the prior are enough.
# By Bayes' rule
#
# $$\log p(z \mid x_{\text{seen}}) = \log p(x_{\text{seen}} \mid z) + \log p(z) + \text{constant},$$
#
# and a code that makes this large explains the upper half. Then its lower half is the guess.
#
# ### Your turn: break and fix
#
# A colleague sets the missing pixels to 0, "so that they do not count", and climbs (some seconds). In the pictures what
# is hidden is grey:


# %%
def broken(logits, x, seen, z):
    log_px_z = -F.binary_cross_entropy_with_logits(logits, x * seen, reduction="none")
    return log_px_z.sum(1) - 0.5 * (z**2).sum(1)


half, seen = test.x[:200], torch.ones(1, 28, 28)
seen[:, 14:] = 0
flat_x, flat_seen = half.flatten(1), seen.flatten().expand(len(half), -1)
shown = torch.where(seen.bool(), half, 0.25)


def climb(objective):
    """The mean image at the best code of each upper half, 200 steps of Adam."""
    z = torch.zeros(len(half), 20, requires_grad=True)
    optimizer = torch.optim.Adam([z], lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        (-objective(vae.decode(z).flatten(1), flat_x, flat_seen, z).sum()).backward()
        optimizer.step()
    return vae.decode_mean(z.detach())


image_rows({"truth": half[:11], "seen": shown[:11], "broken": climb(broken)[:11]})

# %% [markdown]
# Its lower halves are empty or faint. Why? Copy the two lines of `broken` into `known_and_prior` below, and fix them there.

# %% exercise="12-missing-pixels"

# %% [markdown]
# The same climb with the corrected objective (some seconds):

# %%
climbed = climb(known_and_prior)
image_rows({"truth": half[:11], "seen": shown[:11], "mended": climbed[:11]})

# %% [markdown]
# Now the strokes go on downwards. Look for the columns where they end in another digit than the truth: an upper half
# can fit several. One code cannot say "this one or that one". Many codes can.
#
# ### Draw codes instead of one
#
# The **posterior** $p(z \mid x_{\text{seen}})$ holds all codes that explain the upper half, each with its weight. `langevin`
# walks through it, by the *Metropolis-adjusted Langevin algorithm*, MALA. Each step proposes a new code: uphill along the
# gradient, plus noise $\varepsilon \sim \mathcal N(0, I)$,
#
# $$z' = z + \tfrac{h^2}{2} \nabla_z \log p(z \mid x_{\text{seen}}) + h \, \varepsilon,
# \qquad \text{so } g(z' \mid z) = \mathcal N\left(z';\; z + \tfrac{h^2}{2} \nabla_z \log p(z \mid x_{\text{seen}}),\; h^2
# I\right).$$
#
# Then the walk goes to $z'$ with probability
#
# $$\min\left(1,\; \frac{p(z' \mid x_{\text{seen}}) \, g(z \mid z')}{p(z \mid x_{\text{seen}}) \, g(z' \mid z)}\right),$$
#
# and otherwise stays at $z$. With these odds each place is, in the long run, visited as often as its probability says. The
# constant that we do not know cancels. (Going deeper tests the walk in the linear-Gaussian world, where the posterior is
# known.) The settings:
#
# - `step_size` is $h$. If it is large, most proposals are refused; if it is small, nearly all are accepted but the walk gets
#   nowhere. A share of accepted steps well away from 0 and 1 is a fair sign;
# - `steps` is how long each walk is; its first half is thrown away, because it still depends on where the walk began;
# - `keep` is how many codes of the second half are kept, evenly spaced. `walk.z` is `[keep, walks, D]`.
#
# You hand over $\log p(x_{\text{seen}} \mid z)$ only: `langevin` **adds $\log p(z)$ itself**.
#
# From draws of $z$ comes a **forecast** of what is missing, the mean of the likelihoods:
#
# $$p(x_{\text{missing}} \mid x_{\text{seen}}) = \mathbb E_{z \mid x_{\text{seen}}}\left[p(x_{\text{missing}}
# \mid z)\right].$$
#
# (That holds because the decoder's pixels are independent once $z$ is given.)
#
# Where should a walk begin? Draw 20,000 codes from the prior, once for all images, and weigh each by
# $p(x_{\text{seen}} \mid z)$. Few of them fit (look at the effective sample size of lesson 11), too few for a
# forecast. But drawn by weight they can start walks: eight for each of the 200 images, 300 steps each.
# Of each walk ten codes are kept, which makes 80 for each image. This takes about ten seconds, on a busy machine a minute.

# %%
from vae_course.studies import inverse

prior_codes = torch.randn(20_000, 20, generator=generator)
logits, mask = vae.decode(prior_codes).flatten(1), seen.flatten()
log_w = (flat_x * mask) @ logits.T - F.softplus(logits) @ mask
weights = torch.softmax(log_w, 1)
ess = (1 / (weights**2).sum(1)).median()
chosen = torch.multinomial(weights, 8, replacement=True, generator=generator)
begin = prior_codes[chosen.T].flatten(0, 1)
log_known_8 = inverse.seen_log_prob(vae.decode, half.repeat(8, 1, 1, 1), seen)
walk = inverse.langevin(log_known_8, begin, steps=300, step_size=0.15, keep=10, generator=generator)
codes = walk.z.view(-1, len(half), 20)
forecast = vae.decode_mean(codes)
print(
    f"effective sample size {ess:.1f} of 20,000; accepted {walk.accepted.mean():.0%} of the steps; {list(walk.z.shape)}"
)

# %% [markdown]
# Four of the 80 for each image, the ends of four walks:

# %%
starts = sum(len(set(row)) for row in chosen.tolist()) / len(half)
by_walk = walk.z.view(10, 8, len(half), 20)
between, within = by_walk.mean(0).var(0), by_walk.var(0).mean(0)
claim("12-starts", starts, world=world, tolerance=0.5, unit="different starts of eight")
share = 100 * (between / (between + within)).mean()
claim("12-between-walks", share, world=world, tolerance=6, unit="% of the variance between walks", digits=0)
rows = {"truth": half[:11], "seen": shown[:11]} | {f"draw {n + 1}": forecast[-1 - n, :11] for n in range(4)}
image_rows(rows | {"mean of 80": forecast.mean(0)[:11]})

# %% [markdown]
# Look down a column. Where the upper half leaves no doubt, the draws agree. Where it leaves some, they differ, and the
# mean is grey in between: there the model says that it does not know.
#
# But 80 kept codes are **not** 80 independent draws. The eight walks of an image begin at only {{mnist:12-starts}} different
# codes on average, and {{mnist:12-between-walks}}% of the variance lies between the walks; with ten independent codes in each
# walk it would be one part in eleven, 9%. So a walk sees only a part of the posterior in 300 steps, and nothing here proves
# that it crosses from one digit to another. Take the draws as a sample of the ways to go on, not as a list of all of them.
#
# ### Measured against plain ways
#
# Two numbers: the **wrong pixels** of the hidden half, each set to its likelier value, and $-\log p$ of the hidden half under
# the forecast, in nats, which also asks how sure it was. Four rivals without a walk: the mean of each pixel, the lower half
# of the *nearest* training image (by its upper half; each pixel is believed with the share of pixels that this way gets right
# for 500 other training images), the encoder on the image with the pixel means filled in, and the best single code.

# %%
gone = 1 - seen
memory = data.binarize(train[:10_000], seed=9).x
known_memory = memory.flatten(1) * mask


def nearest_to(x):
    """The image of the memory that agrees best with the known half of each x: [B, 1, 28, 28]."""
    known_x = x.flatten(1) * mask
    differ = known_x.sum(1, keepdim=True) + known_memory.sum(1) - 2 * known_x @ known_memory.T
    return memory[differ.argmin(1)]


others = data.binarize(train[10_000:10_500], seed=10).x
belief = 1 - (gone * (nearest_to(others) - others).abs()).mean() / gone.mean()
claim("12-nearest-belief", 100 * belief, world=world, tolerance=2, digits=0, unit="% of the hidden pixels")
nearest = 1 - belief + (2 * belief - 1) * nearest_to(half)

# %% [markdown]
# And how each forecast is judged:

# %%
filled = torch.where(seen.bool(), half, means)


def measure(p):
    """Wrong pixels and -log p of the hidden half, each [B], for forecasts p [S, B, 1, 28, 28] that are averaged."""
    p = p.clamp(1e-4, 1 - 1e-4)  # a pixel that is believed for sure and comes out otherwise would cost infinity
    wrong = (gone * ((p.mean(0) > 0.5).float() - half).abs()).sum((1, 2, 3))
    log_p = (gone * torch.where(half > 0.5, p, 1 - p).log()).sum((2, 3, 4))
    return wrong, math.log(len(p)) - torch.logsumexp(log_p, 0)


ways = {
    "pixel means": means.expand_as(half)[None],
    "nearest image": nearest[None],
    "encoder": vae.reconstruct(filled)[None],
}
ways |= {"best code": climbed[None], "80 draws": forecast}
results = {name: measure(p) for name, p in ways.items()}

# %% [markdown]
# In both pictures less is better. The gain of the draws over the best code is paired, image by image (lesson 11).

# %%
for name in results:
    short = name.replace(" ", "-")
    claim(f"12-wrong-{short}", results[name][0].mean(), world=world, tolerance=2.5, unit="wrong pixels")
    claim(f"12-nll-{short}", results[name][1].mean(), world=world, tolerance=8)
gain = results["best code"][1] - results["80 draws"][1]
claim("12-draws-gain", gain.mean(), world=world, tolerance=8)
claim("12-draws-gain-se", standard_error(gain), world=world, tolerance=1.5)
assert gain.mean() > 2 * standard_error(gain)
four, other_four = (measure(vae.decode_mean(by_walk[:, i : i + 4].reshape(-1, len(half), 20)))[1] for i in (0, 4))
claim("12-walks-differ", (four - other_four).abs().mean(), world=world, tolerance=3)
fig, axes = plotting.figure(2, 1, height=5.2)
labels = (f"wrong pixels of {gone.sum():.0f}", "-log p of the hidden half (nats)")
for i, (ax, label) in enumerate(zip(axes[:, 0], labels, strict=True)):
    values, widths = zip(*((r[i].mean(), standard_error(r[i])) for r in results.values()), strict=True)
    plotting.dots(list(results), values, errors=widths, xlabel=label, highlight=["80 draws"], ax=ax)
fig

# %% [markdown]
# By wrong pixels the draws and the best code are close: {{mnist:12-wrong-80-draws}} and {{mnist:12-wrong-best-code}}, where
# the nearest of 10,000 training images has {{mnist:12-wrong-nearest-image}} and the pixel means
# {{mnist:12-wrong-pixel-means}}. The second picture separates them. The draws give the truth {{mnist:12-draws-gain}} ±
# {{mnist:12-draws-gain-se}} nats more than the best code does: one code is sure of a single way to go on, and pays where it
# is wrong. The nearest image makes a poor forecast: believed with {{mnist:12-nearest-belief}}%, it knows how often it is
# wrong, but not *where*, and pays {{mnist:12-nll-nearest-image}} nats, against {{mnist:12-nll-pixel-means}} for the pixel
# means. The encoder leaves {{mnist:12-wrong-encoder}} wrong pixels and {{mnist:12-nll-encoder}} nats: asked about an image
# whose lower half is an average, it is about as good as the average. For a single image mind the walks:
# forecasts by four of them and by the other four differ by {{mnist:12-walks-differ}} nats on average.
#
# Change the line `seen[:, 14:] = 0` to hide something else (`seen[:, :, :14] = 0` hides the left half), and run the section
# again.
#
# ### Noise
#
# The same machine cleans images. Flip each pixel with probability $r = 0.1$, independently of all else. What is known is now
# the noisy image $\tilde x$. If $p_i = p(x_i = 1 \mid z)$ is the decoder's probability of pixel $i$, that of its copy is
#
# $$p(\tilde x_i = 1 \mid z) = (1 - r) \, p_i + r \, (1 - p_i),$$
#
# which says what the copy tells about $z$. To the log odds of the pixel it adds its own, with $+$ if the copy is 1 and $-$ if
# it is 0:
#
# $$\log\frac{p(x_i = 1 \mid \tilde x_i, z)}{p(x_i = 0 \mid \tilde x_i, z)} = \log \frac{p_i}{1 - p_i} \pm \log\frac{1 - r}{r}.$$
#
# `flipped_log_prob` is the first, `unflipped` the second, and `ascend` is your `climb`, adding $\log p(z)$ itself. Predict
# which is best: a median of nine neighbouring pixels, a round trip through encoder and decoder, the best code, or draws? This
# takes about ten seconds.

# %%
rate_of_flips = 0.1
noisy = (half - (torch.rand(half.shape, generator=generator) < rate_of_flips).float()).abs()
median = (F.avg_pool2d(noisy, 3, stride=1, padding=1) > 0.5).float()
log_noisy = inverse.flipped_log_prob(vae.decode, noisy, rate_of_flips)
best = inverse.ascend(log_noisy, vae.encode(median)[0], steps=200)
log_noisy_4 = inverse.flipped_log_prob(vae.decode, noisy.repeat(4, 1, 1, 1), rate_of_flips)
walk = inverse.langevin(log_noisy_4, best.repeat(4, 1), steps=200, step_size=0.15, keep=5, generator=generator)
logits = vae.decode(walk.z.view(-1, len(half), 20))
clean = {"noisy": noisy, "median": median, "round trip": vae.reconstruct(noisy)}
clean |= {"best code": inverse.unflipped(vae.decode(best), noisy, rate_of_flips)}
clean |= {"draws": inverse.unflipped(logits, noisy, rate_of_flips).mean(0)}
image_rows({"truth": half[:11]} | {name: p[:11].round() for name, p in clean.items()})

# %% [markdown]
# Each row is rounded to 0 and 1. The median eats thin strokes; the round trip turns specks into bumps. Counted:

# %%
left_wrong = {name: ((p > 0.5).float() - half).abs().sum((1, 2, 3)) for name, p in clean.items()}
for name, errors in left_wrong.items():
    claim(f"12-clean-{name.replace(' ', '-')}", errors.mean(), world=world, tolerance=2.0, unit="wrong pixels")
fewer = left_wrong["best code"] - left_wrong["draws"]
claim("12-clean-gain", fewer.mean(), world=world, tolerance=1.0, unit="wrong pixels")
claim("12-clean-gain-se", standard_error(fewer), world=world, tolerance=0.2, unit="wrong pixels", digits=2)
values, widths = zip(*((e.mean(), standard_error(e)) for e in left_wrong.values()), strict=True)
plotting.bars(list(left_wrong), values, errors=widths, xlabel="wrong pixels of 784", highlight=["draws"])

# %% [markdown]
# {{mnist:12-clean-noisy}} pixels are wrong at first, {{mnist:12-clean-median}} after the median. The best code leaves
# {{mnist:12-clean-best-code}}, draws {{mnist:12-clean-draws}}. Image by image the draws have {{mnist:12-clean-gain}} ±
# {{mnist:12-clean-gain-se}} fewer. The round trip leaves {{mnist:12-clean-round-trip}}, for the encoder never saw noise and
# takes specks for strokes. It has no model of the noise. The best code is close, as by wrong pixels above; how sure each is,
# which nats would show, was not measured here.

# %% [markdown]
# ## 4 Quiz
#
# Five questions. If you see no buttons, type `quizzes.answer("12", 1, "b")` in a cell to answer the first one with b.

# %%
from vae_course import quizzes

quizzes.show("12")

# %%
exercises.progress("12")

# %% [markdown]
# ## Summary
#
# > $$\text{push: } s \to \texttt{total} \lfloor s / \texttt{freq} \rfloor + \texttt{start} + s \bmod \texttt{freq},
# > \qquad \log_2 s' \approx \log_2 s - \log_2 p$$
# >
# > $$\ell(x, z) = \log_2 q(z \mid x) - \log_2 p(x \mid z) - \log_2 p(z), \qquad \mathbb E_q[\ell] = -\mathcal L / \log 2$$
# >
# > $$\text{AUROC} = P(\text{odd} > \text{usual}) + \tfrac12 P(\text{odd} = \text{usual})$$
# >
# > $$\log p(z \mid x_{\text{seen}}) = \sum_{i \text{ seen}} \log p(x_i \mid z) - \tfrac12 \lVert z
# > \rVert^2 + \text{constant}, \qquad p(x_{\text{missing}} \mid x_{\text{seen}}) = \mathbb E_{z
# > \mid x_{\text{seen}}}[p(x_{\text{missing}} \mid z)]$$
# >
# > $$z' = z + \tfrac{h^2}{2} \nabla_z \log p(z \mid x_{\text{seen}}) + h \, \varepsilon, \text{ accepted or not};
# > \qquad p(\tilde x_i = 1 \mid z) = (1 - r) \, p_i + r \, (1 - p_i)$$
# >
# > A loss in nats is a file in bits. Count the start, the head and the weights, and compute the same numbers on both
# > sides. A likelihood can follow complexity more than strangeness. One best code is a guess; draws are
# > a forecast, as good as the walk that drew them.

# %%
plotting.summary("12")

# %% [markdown]
# **Sources.** J. Townsend, T. Bird and D. Barber, [*Practical Lossless Compression with Latent Variables using Bits Back
# Coding*](https://arxiv.org/abs/1901.04866), ICLR 2019, for bits back with ANS. The idea of bits back is older: C. Wallace,
# *Classification by Minimum-Message-Length Inference*, 1990, and B. Frey and G. Hinton, [*Efficient Stochastic Source Coding and
# an Application to a Bayesian Network Source Model*](https://doi.org/10.1093/comjnl/40.2_and_3.157), The Computer Journal
# 40, 1997. J. Duda, [*Asymmetric Numeral Systems: Entropy Coding Combining Speed of Huffman Coding with Compression Rate of
# Arithmetic Coding*](https://arxiv.org/abs/1311.2540), 2013, for the coder. J. Ballé, N. Johnston and D. Minnen, [*Integer
# Networks for Data Compression with Latent-Variable Models*](https://openreview.net/forum?id=S1zz2i0cY7), ICLR 2019, on the same
# numbers on both sides. E. Nalisnick and others, [*Do Deep Generative Models Know What They Don't
# Know?*](https://arxiv.org/abs/1810.09136), ICLR 2019, and J. Serrà and others, [*Input Complexity and Out-of-distribution
# Detection with Likelihood-based Generative Models*](https://arxiv.org/abs/1909.11480), ICLR 2020, on likelihoods of what does
# not belong and the difference from a general coder; E. Nalisnick and others, [*Detecting Out-of-Distribution Inputs to Deep
# Generative Models Using Typicality*](https://arxiv.org/abs/1906.02994), 2019, for typicality. G. Roberts and R. Tweedie,
# [*Exponential Convergence of Langevin Distributions and Their Discrete Approximations*](https://doi.org/10.2307/3318418),
# Bernoulli 2, 1996, for MALA.
#
# **Next:** [lesson 09](09_find_the_bug.ipynb), if you have not done it: twelve broken cases to diagnose. [Lesson
# 13](13_structure_and_control.ipynb) gives the model structure: convolutions, conditions and known factors.

# %% [markdown]
# ## Going deeper
#
# ### In your own words
#
# A person reads this answer. Afterwards `exercises.solution("12-anomaly-report")` shows one, and what earns the points.

# %% exercise="12-anomaly-report"

# %% [markdown]
# ### A digit of your choice
#
# Drawing from the prior gives any digit. But you want a *three*. The model never saw a label, so there is no switch for it. Yet
# the encoder puts images of one class into one region. Take the codes of some hundred threes, and look at how they are
# spread: their mean and covariance describe a Gaussian from which you can draw as many new threes as you like.

# %%
from torch.distributions import MultivariateNormal


def codes_of(digit, share=0.7):
    """A Gaussian over the codes of one class, a little narrower than the class itself."""
    mu, _ = vae.encode(train.x[train.y == digit][:500])
    return MultivariateNormal(mu.mean(0), share**2 * torch.cov(mu.T))


generator = torch.Generator().manual_seed(1)
any_digit = vae.sample(10, generator=generator)
threes = vae.decode_mean(codes_of(3).sample((10,)))
image_rows({"from the prior": any_digit, "from the threes": threes})

# %% [markdown]
# The upper row is a mixture of everything, with some images that are not digits. The lower row holds threes only. `share`
# trades variety for safety (0.7 was chosen by eye): at 1 the Gaussian is as wide as the class, and its tails leave it. Change
# the digit and the share and run the cell again. (Lesson 08 moves codes by hand.)

# %% [markdown]
# ### Fifteen hundred balls
#
# Section 1 said what bits back costs if $q$ is the true posterior. **Lines 8 to 11** go on with its derivation. Each length is
# $-\log_2 p(x)$, whatever code was drawn (line 8, which prints one of six numbers), and averaged over all balls that is the
# entropy of $x$ (line 9).
#
# But lengths in a formula are not bits in a file. So we send 1,500 balls with your `push`. Here $q$ is the posterior, rounded
# to hundredths. **Line 10**: the state has grown by the sum of the lengths. **Line 11**: their mean is
# $-\mathcal L / \log 2$, averaged over the two colours, as far as 1,500 balls can tell.

# %%
generator = torch.Generator().manual_seed(2)
posterior = urns.posterior()
each = posterior.log2() - p_x_z.T.log2() - urns.p_z.log2()
bits.step("q = posterior: each length = -log2 p(x)", each, -marginal.log2().unsqueeze(1).expand(2, 3))
bits.step("averaged over x: the entropy of x", marginal @ -marginal.log2(), Categorical(marginal).entropy() / log2)
rounded = (100 * posterior).round().long()
tables = {"q": rounded.tolist(), "x": (10 * p_x_z).round().long().tolist(), "z": [5, 3, 2]}
balls = torch.multinomial(marginal, 1500, replacement=True, generator=generator).tolist()
start = state = 3**400


def put(state, symbol, freqs):
    return push(state, sum(freqs[:symbol]), freqs[symbol], sum(freqs))


drawn = []
for ball in balls:
    code, state = ans.pop(state, tables["q"][ball])
    state = put(put(state, ball, tables["x"][code]), code, tables["z"])
    drawn.append((ball, code))

# %% [markdown]
# Did it? The lengths of all balls, from the same rounded tables, beside the growth of the state:

# %%
q_table = rounded.double() / rounded.sum(1, keepdim=True)
lengths = torch.stack([(q_table[a, c] / p_x_z[c, a] / urns.p_z[c]).log2() for a, c in drawn])
grown = math.log2(state) - math.log2(start)
bits.step("the state grows by the sum of the lengths", grown, lengths.sum())
elbos = torch.stack([urns.elbo(a, q_table[a]) for a in (0, 1)])
bits.step(
    "mean length = -ELBO / log 2", lengths.mean(), -marginal @ elbos / log2, standard_error=standard_error(lengths)
)

# %% [markdown]
# And the receiver? The same steps from the end. Note the last line of the loop: it pushes, although this is a decoder.

# %% tags=["nbval-check-output"]
received = []
for _ in balls:
    code, state = ans.pop(state, tables["z"])
    ball, state = ans.pop(state, tables["x"][code])
    state = put(state, code, tables["q"][ball])
    received.append(ball)
print(received[::-1] == balls, state == start)

# %% [markdown]
# All balls, and the very state that we began with: nothing was lost, nothing was wasted.

# %% [markdown]
# ### Codes on a grid
#
# The derivation of section 1 ends with the grid over $z$, whose steps have the width $\delta$. **Line 12**: $\delta$ cancels
# between prior and $q$. **Line 13** adds up a grid of steps of 1/64 and compares with the closed form of the KL. So the grid
# may be as fine as we like.

# %%
import sympy
from torch.distributions import Normal

P, Q, width = sympy.symbols("p q delta", positive=True)
bits.algebra(
    "log(q delta) - log(p delta) = log q - log p", sympy.log(Q * width) - sympy.log(P * width), sympy.log(Q / P)
)
edges = (torch.arange(-640, 641, dtype=torch.float64) + 0.5) / 64
prior, narrow = Normal(0.0, 1.0), Normal(torch.tensor(0.7, dtype=torch.float64), 0.5)
on_grid = [normal.cdf(edges[1:]) - normal.cdf(edges[:-1]) for normal in (narrow, prior)]
kl_grid = (torch.xlogy(on_grid[0], on_grid[0]) - torch.xlogy(on_grid[0], on_grid[1])).sum()
bits.step("KL on a grid of 1/64 = KL", kl_grid, kl_divergence(narrow, prior), how="quadrature")

# %% [markdown]
# ### Build (optional): a coder that learns on the way
#
# How can both sides share a distribution that neither had beforehand? They count. Each of `k` symbols begins with one
# slot, and a symbol that was sent gets one slot more. So the first symbol is pushed with `total = k`, the second with
# `k + 1`. The receiver knows each symbol before it needs the counts for the next one. But what was pushed last comes
# out first: mind the order. The next cell uses your coder, and nothing after it does. The check names the first stage
# not yet reached.

# %% exercise="12-coder"

# %% [markdown]
# Use it for the coins of the table, but without their 784 means: the same pixel of 500 digits is one list and,
# for short numbers, one message, whose start is not counted. Each list begins with one slot for paper and one for ink.
# Predict: how much does it cost to begin without knowing a thing? (Some seconds.)

# %%
send, receive = coder(2)
pixels, start = x[:500].flatten(1).long().T.tolist(), 2**32
messages = [send(pixel, start) for pixel in pixels]
for each, pixel in zip(messages, pixels, strict=True):
    back, left = receive(each, 500)
    assert (list(back), left) == (pixel, start)
learnt = sum(math.log2(each) - 32 for each in messages) / 500
told = 8 * len(compression.bernoulli_encode(x[:500], means)) / 500
print(f"coins that learn: {learnt:.0f} bits per image; coins that were told the means: {told:.0f}")

# %% [markdown]
# The difference is what it costs to begin without knowing a thing. It grows only like $\log n$, so every further image lowers
# its share. A VAE can be taught on the way as well, but then both sides must take exactly the same steps of training.

# %% [markdown]
# ### One bias, a hundredth off
#
# Section 1 said that floating point keeps no promises. Compute the log-odds of the same code alone and in a batch of a hundred:

# %%
generator = torch.Generator().manual_seed(3)
z = torch.randn(100, 20, generator=generator)
alone, together = torch.cat([vae.decode(one) for one in z.split(1)]), vae.decode(z)
print(
    f"float32: {(alone != together).float().mean():.0%} of the numbers differ, by up to {(alone - together).abs().max():.0e}"
)
networks = compression.Networks(vae)
alone = np.concatenate([networks.logits(one) for one in z.double().numpy()])
together = networks.logits(z.double().numpy())
print("float64 on a grid of 1/1024:", (alone != together).sum(), "differ")
assert (alone == together).all()

# %% [markdown]
# (On some processors the first line gives 0%.) In float64 a difference of $10^{-14}$ moves a number over an edge of the
# rounding grid about once in a hundred billion numbers. What does it look like when the models do differ? We change one of
# the decoder's many biases by a hundredth.

# %%
import copy

changed = copy.deepcopy(vae)
next(p for p in changed.decoder.parameters() if p.dim() == 1)[0] += 0.01
try:
    compression.decode(changed, message)
except compression.CompressionError as error:
    print(error)
wrong = compression.decode(changed, message, verify=False).x
rows = {
    f"{kind} {a + 1}-{a + 8}": image[a : a + 8] for a in (0, 8) for kind, image in (("sent", x), ("received", wrong))
}
image_rows(rows | {"received 17-24": wrong[16:24]})

# %% [markdown]
# The receiver is told. Without the check, the received rows would be the result. One row is one block of eight images,
# and the first is almost right. Its codes were popped before any damage was done, so they are the right ones; only the
# slots of the pixels have moved. After the first wrong pixel the bits are as good as random, and popping from random
# bits draws a sample: you see other draws from $p(x \mid z)$ for the right $z$.
#
# From the second block on nothing of what was sent is left. The codes are popped from random bits too, so they are
# draws from the prior, and what comes out is what this model makes of them: some digits, some that are not, as in
# the row "from the prior" above, with each pixel drawn as 0 or 1. **A good decompressor turns noise into samples of its
# model**, and a better model would turn it into better digits.

# %% [markdown]
# ### The area, where it is known
#
# A second derivation, of scores. **Line 1** checks `anomaly.auroc` of section 2: two normal distributions, one standard
# deviation apart, have an area of $\Phi(1 / \sqrt 2)$. **Line 2** compares it with yours.

# %%
generator = torch.Generator().manual_seed(4)
odd_ones = Derivation("Scores")
first, second = torch.randn(2, 4000, generator=generator, dtype=torch.float64)
found = anomaly.auroc(first, second + 1)
expected = torch.special.ndtr(torch.tensor(0.5, dtype=torch.float64).sqrt())
odd_ones.step("area of two normals = Phi(1 / sqrt 2)", found.area, expected, standard_error=found.standard_error)
odd_ones.step("yours = the package's", auroc(first, second + 1), found.area)

# %% [markdown]
# ### A thin shell
#
# Take a normal distribution in $D$ dimensions: its densest point is 0, yet no draw ever comes near it. **Line 3** of the same
# derivation: the mean of $-\log p$ is the entropy, $D/2$ nats above the value at 0. **Line 4**: around that mean, the variance
# of $-\log p$ is only $D / 2$.

# %%
D = 400
shell = torch.distributions.Independent(Normal(torch.zeros(D, dtype=torch.float64), 1.0), 1)
nll = -shell.log_prob(torch.randn(20_000, D, generator=generator, dtype=torch.float64))
at_zero = -shell.log_prob(torch.zeros(D, dtype=torch.float64))
odd_ones.step("E[-log p] = -log p(0) + D / 2", nll.mean(), at_zero + D / 2, standard_error=standard_error(nll))
squares = (nll - nll.mean()) ** 2
squares = squares / (D / 2)
odd_ones.step("variance of -log p, over D / 2, = 1", squares.mean(), 1.0, standard_error=standard_error(squares))

# %% [markdown]
# With $D = 400$ the distance from the mean to the densest point is 200 nats, and the spread around the mean
# $\sqrt{200}$, about 14: the best score that there is lies fourteen spreads away from the mean.

# %% [markdown]
# ### What the score follows
#
# For pen digits we know the true factors, so we can ask which of them $-\mathcal L$ follows. (On MNIST the cell prints nothing
# to compare with, and the result stands below.) Does a thicker pen make a digit more expensive? Does a larger digit?

# %%
if test.factors is not None:
    names = ["thickness", "scale", "slant", "wobble", "rotation"]
    few = all_test[(all_test.y != 1) & (all_test.y != 2)][:1000]
    costs = scores(knows_eight, few.x)["-ELBO"]
    strength = [torch.corrcoef(torch.stack([few.factors[name], costs]))[0, 1].item() for name in names]
    print({name: round(value, 2) for name, value in zip(names, strength, strict=True)})
    claim("12-thickness", strength[0], world=world, tolerance=0.08, unit="correlation", digits=2)
    claim("12-scale", strength[1], world=world, tolerance=0.08, unit="correlation", digits=2)
else:
    print("These images have no known factors; with pen digits, data.load('pen'), this cell prints correlations.")

# %% [markdown]
# For pen digits the size of the digit has a correlation of {{pen:12-scale}} with $-\mathcal L$, the thickness of the pen one of
# {{pen:12-thickness}}: more ink in the same stroke costs little, a longer stroke more. (Along the outline of a stroke the
# pixels are grey, and binarising turns each of them into 0 or 1 by chance. Chance can't be predicted, so it costs bits, and a
# longer stroke has more of it.)

# %% [markdown]
# ### The walk, where the posterior is known
#
# A third derivation, of codes for what is seen. In the linear-Gaussian world of [lesson 02](02_latent_variable_models.ipynb)
# we show the walk two of the three numbers of an observation (4,000 walks, each of which gives one independent draw; some
# seconds). **Lines 1 to 3** compare mean and variance, and the best code of `ascend`, which for a Gaussian is its mean. There
# is a single hill here: that the walk crosses from one hill to another, as it may have to for digits, this does not prove.

# %%
from vae_course.exact import LinearGaussian

generator = torch.Generator().manual_seed(5)
W = torch.tensor([[1.0], [0.5], [-0.8]], dtype=torch.float64)
whole = LinearGaussian(W, torch.zeros(3, dtype=torch.float64), 0.7)
part, full = LinearGaussian(W[:2], whole.b[:2], 0.7), torch.tensor([[0.9, 0.1, -0.6]], dtype=torch.float64)
fill, exact = Derivation("Codes for what is seen"), part.posterior(full[:, :2])


def log_known(z):
    return part.likelihood(z).log_prob(full[:, :2])


origin = torch.zeros(4000, 1, dtype=torch.float64)
walk = inverse.langevin(log_known, origin, steps=60, step_size=0.8, keep=1, generator=generator)
draws = walk.z[-1, :, 0]
fill.step("mean of the walks = posterior mean", draws.mean(), exact.mean[0, 0], standard_error=standard_error(draws))
squares = (draws - exact.mean[0, 0]) ** 2
fill.step(
    "their variance = posterior variance", squares.mean(), exact.variance[0, 0], standard_error=standard_error(squares)
)
best = inverse.ascend(log_known, origin[:1], steps=1500, lr=0.05)
fill.step("the best code, by 1,500 steps uphill, = posterior mean", best, exact.mean, how="quadrature")

# %% [markdown]
# **Line 4** checks the forecast of section 3 with the draws: the mean of the likelihoods of the third number is
# $p(x) / p(x_{\text{seen}})$. **Lines 5 to 7** are section 3's two formulas of a flipped pixel, for $r = 0.1$: line 5 the
# probability of the copy, lines 6 and 7 the pixel's odds for a copy of 1 and of 0, by Bayes' rule.

# %%
third = LinearGaussian(W[2:], whole.b[2:], 0.7).likelihood(draws[:, None]).log_prob(full[:, 2:]).exp()
ratio = (whole.log_marginal(full) - part.log_marginal(full[:, :2])).exp()
fill.step("mean of p(missing | z) = p(x) / p(seen)", third.mean(), ratio, standard_error=standard_error(third))
pixel, r = sympy.symbols("p r", positive=True)
fill.algebra("p(copy = 1 | z) = r + (1 - 2r) p", (1 - r) * pixel + r * (1 - pixel), r + (1 - 2 * r) * pixel)
rate_of_flips, logit = 0.1, torch.tensor([-2.0, 0.5, 3.0], dtype=torch.float64)
for copied in (1.0, 0.0):
    agrees, differs = (1 - rate_of_flips, rate_of_flips) if copied else (rate_of_flips, 1 - rate_of_flips)
    on, off = torch.sigmoid(logit) * agrees, torch.sigmoid(-logit) * differs
    odds = inverse.unflipped(logit, torch.full((3,), copied), rate_of_flips)
    fill.step(f"p(pixel = 1 | copy = {copied:.0f}, z), by Bayes", odds, on / (on + off))

# %% [markdown]
# ### A hundred labels
#
# One more use: the code as a **representation** for another task. You have many digits, and labels for 100 of them, ten of each
# class. On what should a linear classifier (logistic regression) be trained: on the VAE's 20 numbers $\mu$, on 20 principal
# components of the pixels (lesson 01), or on the 784 pixels themselves? All three see the same labels, drawn ten times, and are
# penalised alike. Predict the order. (Some seconds.)

# %%
from vae_course.studies import few_labels

centre = train.x.flatten(1).mean(0)
axes = torch.linalg.eigh(torch.cov(train.x.flatten(1).T)).eigenvectors[:, -20:]
representations = {
    "VAE": lambda x: vae.encode(x)[0],
    "PCA": lambda x: (x.flatten(1) - centre) @ axes,
    "pixels": lambda x: x.flatten(1),
}
right = {}
for name, represent in representations.items():
    shown_to = [(represent(part.x), part.y) for part in (train, splits.test)]
    right[name] = 100 * few_labels.accuracy(*shown_to, per_class=10, draws=10)
values, widths = zip(*((r.mean(), standard_error(r)) for r in right.values()), strict=True)
plotting.bars(list(right), values, errors=widths, xlabel="% right on the test images, mean of ten draws of 100 labels")

# %% [markdown]
# As numbers, with the difference draw by draw:

# %%
for name, shares in right.items():
    claim(f"12-labels-{name.lower()}", shares.mean(), world=world, tolerance=2.5, unit="% right")
claim("12-labels-spread", right["VAE"].std(), world=world, tolerance=1, unit="points between draws")
behind = right["PCA"] - right["VAE"]
claim("12-labels-behind", behind.mean(), world=world, tolerance=2.5, unit="points ahead: PCA of the VAE")
claim("12-labels-behind-se", standard_error(behind), world=world, tolerance=0.4, unit="points")
assert behind.mean() > -1

# %% [markdown]
# On MNIST {{mnist:12-labels-vae}}% are right on $\mu$, {{mnist:12-labels-pca}}% on PCA and {{mnist:12-labels-pixels}}% on
# pixels. Another draw of the labels moves such a number by {{mnist:12-labels-spread}} points, but the difference from PCA on
# the same labels is {{mnist:12-labels-behind}} ± {{mnist:12-labels-behind-se}} points. So this VAE's code is **no better** for
# a linear classifier than principal components. Nothing in the bound asks that classes lie apart: it asks that pixels be
# explained at a low price. (One model, one classifier; the encoder, trained on binary pixels, sees grey.) Kingma and others
# (2014) put the few labels into the model instead, as a class variable that is summed out where it is unknown.
#
# ### Where VAEs work today
#
# In **latent diffusion** an autoencoder, with a slight KL penalty in one of its two versions, turns images into codes, and a
# diffusion model learns to draw these codes (Rombach and others, 2022; Stable Diffusion is built so). **Tokenisers** replace
# the Gaussian code by entries of a learned codebook, as the VQ-VAE does (van den Oord and others, 2017), so that a transformer
# can model an image as a sequence of tokens; the first DALL·E used a discrete VAE for it (Ramesh and others, 2021). In
# **biology**, scVI (Lopez and others, 2018) fits a VAE with a likelihood for counts to the gene expression of single cells;
# its codes serve to cluster cells and to bring different experiments together. In the first two another model learns the
# distribution of the codes, in place of the prior.
#
# **Sources.** D. P. Kingma and others, [*Semi-supervised Learning with Deep Generative Models*](https://arxiv.org/abs/1406.5298),
# NIPS 2014. R. Rombach and others, [*High-Resolution Image Synthesis with Latent Diffusion
# Models*](https://arxiv.org/abs/2112.10752), CVPR 2022. A. van den Oord and others, [*Neural Discrete Representation
# Learning*](https://arxiv.org/abs/1711.00937), NIPS 2017. A. Ramesh and others, [*Zero-Shot Text-to-Image
# Generation*](https://arxiv.org/abs/2102.12092), ICML 2021. R. Lopez and others, [*Deep Generative Modeling for Single-Cell
# Transcriptomics*](https://doi.org/10.1038/s41592-018-0229-2), Nature Methods 15, 2018. R. Bamler, [*Understanding Entropy Coding
# With Asymmetric Numeral Systems (ANS): a Statistician's Perspective*](https://arxiv.org/abs/2201.01741), 2022, for the library
# `constriction`. E. DeLong, D. DeLong and D. Clarke-Pearson, [*Comparing the Areas under Two or More Correlated Receiver
# Operating Characteristic Curves: A Nonparametric Approach*](https://doi.org/10.2307/2531595), 1988, for the standard error of an
# AUROC.

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (bits, odd_ones, fill):
    display(derivation.summary())

# %% [markdown]
# ### The same on pen digits
#
# | section | what | MNIST | pen digits |
# |---|---|---|---|
# | 1 | PNG: a file each; one strip (bits per image) | {{mnist:12-png-files}}; {{mnist:12-png-strip}} | {{pen:12-png-files}}; {{pen:12-png-strip}} |
# | 1 | bits back (bits per image; per pixel) | {{mnist:12-rate}}; {{mnist:12-rate-pixel}} | {{pen:12-rate}}; {{pen:12-rate-pixel}} |
# | 1 | $-\mathcal L$ in bits; how far bits back lies above it (%) | {{mnist:12-elbo-bits}}; {{mnist:12-overhead}} | {{pen:12-elbo-bits}}; {{pen:12-overhead}} |
# | 1 | random words at the start; a single image (bits per image) | {{mnist:12-start}}; {{mnist:12-rate-single}} | {{pen:12-start}}; {{pen:12-rate-single}} |
# | 1 | coins; zlib; two parts (bits per image) | {{mnist:12-coins}}; {{mnist:12-zlib}}; {{mnist:12-two-parts}} | {{pen:12-coins}}; {{pen:12-zlib}}; {{pen:12-two-parts}} |
# | 1 | thousand digits from which the model pays | {{mnist:12-break-even}} | {{pen:12-break-even}} |
# | 2 | AUROC of $-\mathcal L$: twos; its standard error; ones; dots | {{mnist:12-auroc-twos}}; {{mnist:12-auroc-twos-se}}; {{mnist:12-auroc-ones}}; {{mnist:12-auroc-dots}} | {{pen:12-auroc-twos}}; {{pen:12-auroc-twos-se}}; {{pen:12-auroc-ones}}; {{pen:12-auroc-dots}} |
# | 2 | AUROC of the KL: ones | {{mnist:12-auroc-ones-kl}} | {{pen:12-auroc-ones-kl}} |
# | 2 | $-\mathcal L$: usual digits; their spread; dots (nats) | {{mnist:12-usual-score}}; {{mnist:12-usual-spread}}; {{mnist:12-dots-score}} | {{pen:12-usual-score}}; {{pen:12-usual-spread}}; {{pen:12-dots-score}} |
# | 2 | correlation with the outline | {{mnist:12-edges}} | {{pen:12-edges}} |
# | 2 | AUROC of typicality: twos; ones; dots | {{mnist:12-typicality-twos}}; {{mnist:12-typicality-ones}}; {{mnist:12-typicality-dots}} | {{pen:12-typicality-twos}}; {{pen:12-typicality-ones}}; {{pen:12-typicality-dots}} |
# | 2 | AUROC less zlib: twos; ones; dots | {{mnist:12-less-zlib-twos}}; {{mnist:12-less-zlib-ones}}; {{mnist:12-less-zlib-dots}} | {{pen:12-less-zlib-twos}}; {{pen:12-less-zlib-ones}}; {{pen:12-less-zlib-dots}} |
# | 3 | different starts of eight; variance between walks (%) | {{mnist:12-starts}}; {{mnist:12-between-walks}} | {{pen:12-starts}}; {{pen:12-between-walks}} |
# | 3 | wrong pixels: 80 draws; best code; nearest image; encoder; pixel means | {{mnist:12-wrong-80-draws}}; {{mnist:12-wrong-best-code}}; {{mnist:12-wrong-nearest-image}}; {{mnist:12-wrong-encoder}}; {{mnist:12-wrong-pixel-means}} | {{pen:12-wrong-80-draws}}; {{pen:12-wrong-best-code}}; {{pen:12-wrong-nearest-image}}; {{pen:12-wrong-encoder}}; {{pen:12-wrong-pixel-means}} |
# | 3 | $-\log p$ (nats), in the same order | {{mnist:12-nll-80-draws}}; {{mnist:12-nll-best-code}}; {{mnist:12-nll-nearest-image}}; {{mnist:12-nll-encoder}}; {{mnist:12-nll-pixel-means}} | {{pen:12-nll-80-draws}}; {{pen:12-nll-best-code}}; {{pen:12-nll-nearest-image}}; {{pen:12-nll-encoder}}; {{pen:12-nll-pixel-means}} |
# | 3 | gain of the draws over the best code; standard error; half of the walks against the other (nats) | {{mnist:12-draws-gain}}; {{mnist:12-draws-gain-se}}; {{mnist:12-walks-differ}} | {{pen:12-draws-gain}}; {{pen:12-draws-gain-se}}; {{pen:12-walks-differ}} |
# | 3 | belief in the nearest image (%) | {{mnist:12-nearest-belief}} | {{pen:12-nearest-belief}} |
# | 3 | noise, wrong pixels: at first; median; round trip; best code; draws | {{mnist:12-clean-noisy}}; {{mnist:12-clean-median}}; {{mnist:12-clean-round-trip}}; {{mnist:12-clean-best-code}}; {{mnist:12-clean-draws}} | {{pen:12-clean-noisy}}; {{pen:12-clean-median}}; {{pen:12-clean-round-trip}}; {{pen:12-clean-best-code}}; {{pen:12-clean-draws}} |
# | 3 | noise: gain of the draws; standard error (wrong pixels) | {{mnist:12-clean-gain}}; {{mnist:12-clean-gain-se}} | {{pen:12-clean-gain}}; {{pen:12-clean-gain-se}} |
# | deeper | 100 labels: VAE; PCA; pixels (% right) | {{mnist:12-labels-vae}}; {{mnist:12-labels-pca}}; {{mnist:12-labels-pixels}} | {{pen:12-labels-vae}}; {{pen:12-labels-pca}}; {{pen:12-labels-pixels}} |
# | deeper | between draws of the labels; PCA less VAE; standard error (points) | {{mnist:12-labels-spread}}; {{mnist:12-labels-behind}}; {{mnist:12-labels-behind-se}} | {{pen:12-labels-spread}}; {{pen:12-labels-behind}}; {{pen:12-labels-behind-se}} |
