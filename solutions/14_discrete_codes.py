# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 14 Discrete codes
#
# So far a code was a handful of real numbers. Here it is a grid of tokens, as a text is a row of words: each token is one of
# 64. You find out what a token costs, how a gradient gets past a choice, why most of a codebook can lie idle, and where such a
# model stands beside a Gaussian VAE, in nats and to the eye.

# %% [markdown]
# **After this lesson you can**
# - say what the KL of a VQ-VAE is, and put it back into the ELBO where it was left out,
# - pass a gradient through a choice in three ways, and say how biased and how noisy each of them is,
# - quantise by a learned codebook and by a fixed grid, and tell dead codes from live ones,
# - learn a prior over tokens, and draw up the whole account of an image in nats,
# - say what rounding one number at a time costs, against the best that any code can do.
#
# **You need first:** [lesson 05](05_gradients_and_reparameterisation.ipynb) (the score function, leave-one-out), [lesson
# 07](07_your_first_vae.ipynb) (training a VAE) and [lesson 10](10_rate_distortion_collapse.ipynb) (rate and distortion).
# Section 1 of [lesson 13](13_structure_and_control.ipynb) says what a convolution assumes.
#
# **Time:** A cell that trains networks, or loads what it trained before, says how long it takes. The numbers in the text are
# MNIST's, from three seeds each; those of the pen digits stand in a table at the end.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $k$ | tokens, whole numbers from 0 to $K - 1$ | `tokens` | `[B, 7, 7]` |
# | $K$ | number of codes | `n_codes`, in exercises `K` | one number |
# | $e$ | the codes, one row for each token | `codebook` | `[K, D]` |
# | $z_e, z_q$ | what the encoder gives for each place; the code in its stead | `z_e`, `z_q` | `[B, 7, 7, D]` |
# | $\mathrm{sg}$ | stop-gradient: the value passes, the gradient doesn't | `detach` | |
# | $D$ | distortion: $-\log p(x \mid k)$, nats; in section 7 a squared error | `distortion` | `[B]`; one number |
# | $R$ | rate: $-\log p(k)$, nats; in section 7 bits | `rate` | `[B]`; one number |
# | $\theta$ | logits of a $q$ over $K$ codes | `theta` | `[K]` |
# | $y$ | a one-hot code, or a mixture of them | `y` | `[K]` |
# | $g$ | the gradient that is to be estimated | | `[K]` |
# | $\tau$ | temperature of Gumbel-softmax | `temperature` | one number |
# | $\beta$ | weight of the commitment term (no KL here) | `commitment` | one number |
#
# Sizes in brackets: B images, 7 x 7 places, D numbers in a code (in formulas, $D$ is the distortion), K codes.

# %% [markdown]
# ## 1 A code that is a choice
#
# Let the latent variable be one of $K$ codes, all as likely a priori: $p(k) = 1/K$. An encoder with no room for doubt picks one
# code for each $x$: $q(k \mid x) = 1$ for that code and 0 for the others. What does the ELBO of lesson 04 become?
#
# **Line 1.** In the KL to the prior one term is left, $1 \cdot \log \frac{1}{1/K}$, the same for every $x$:
#
# $$\mathrm{KL}(q(k \mid x) \,\Vert\, p(k)) = \log K.$$
#
# **Line 2.** The average over $q$ has one term as well, so with the distortion $D = -\log p(x \mid k)$
#
# $$\boxed{\;-\text{ELBO} = D + \log K\;}$$
#
# **Line 3.** And the gap? From lesson 04 it is $\mathrm{KL}(q \,\Vert\, p(k \mid x))$. Again one term is left:
#
# $$\log p(x) - \text{ELBO} = -\log p(k \mid x).$$
#
# So being certain is free where the posterior is certain too, and costs $\log 2$ where two codes would do equally well. We
# check all three in a world that can be enumerated: 8 codes and 64 observations of six bits each.

# %%
import functools
import math

import torch
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional as F

from vae_course import data, discrete, exercises, objectives, plotting
from vae_course.claims import claim
from vae_course.derivations import Derivation, standard_error
from vae_course.studies.discrete_gradients import worlds

_ = torch.manual_seed(0)

# %%
chooser = worlds(1)[0]  # section 3 says how its decoder works
urns = chooser.table()  # a DiscreteWorld as in lesson 04: p(k) [8] and p(x | k) [8, 64]
posterior, p_x = urns.posterior(), urns.marginal()
k = posterior.argmax(-1)  # the encoder: the most probable code for each of the 64 observations
q = F.one_hot(k, 8).double()
kl = kl_divergence(Categorical(q, validate_args=False), Categorical(urns.p_z))
elbo = torch.stack([urns.elbo(x, q[x]) for x in range(64)])
distortion = -urns.p_x_z[k, torch.arange(64)].log()
choice = Derivation("A code that is a choice")
choice.step("KL(q || p) = log K", kl, math.log(8))
choice.step("-ELBO = D + log K", -elbo, distortion + math.log(8))
gap = p_x.log() - elbo
choice.step("log p(x) - ELBO = -log p(k | x)", gap, -posterior.max(-1).values.log())
claim("14-certain-gap", p_x @ gap, world="any", tolerance=0.005, digits=2)
claim("14-certain-worst", gap.max(), world="any", tolerance=0.005, digits=2)

# %% [markdown]
# On average over $x$ certainty costs {{any:14-certain-gap}} nats here, for one observation {{any:14-certain-worst}}.
#
# Two things follow. $\log K$ is a constant: **no gradient comes from it**, so the term that makes a Gaussian posterior collapse
# does not pull at this encoder at all. And a constant is not zero: a training may leave it out, as the VQ-VAE's paper does, but
# a loss without $\log K$ is not minus a bound.
#
# ### Another prior
#
# Nobody forces the prior to be uniform. Let $q(k) = \mathbb E_x[q(k \mid x)]$ say how often each code is chosen, the aggregated
# posterior of lesson 08, and use $q(k)$ itself as the prior, with the decoder as it was. **Line 4**: the mean rate, now
# $-\mathbb E \log q(k)$, falls from $\log K$ by
#
# $$\mathbb E_x[\log K + \log q(k)] = \mathrm{KL}(q(k) \,\Vert\, 1/K).$$
#
# What is left of the rate, **line 5**, is the entropy $H$ of the tokens.

# %%
q_k = p_x @ q
saved = p_x @ (math.log(8) + q_k[k].log())
uniform = torch.full_like(q_k, 1 / 8)
choice.step(
    "what q(k) as prior saves = KL(q(k) || uniform)", saved, kl_divergence(Categorical(q_k), Categorical(uniform))
)
choice.step("mean rate under q(k) = H(k)", -(p_x @ q_k[k].log()), Categorical(q_k).entropy())
claim("14-prior-saves", saved, world="any", tolerance=0.005, digits=3)

# %% [markdown]
# That saves {{any:14-prior-saves}} nats in this world, where the codes are used nearly equally often. For a grid of 49 tokens,
# which depend on each other, it will be the larger part of the rate (section 6).

# %% [markdown]
# ## 2 The nearest code
#
# In a **VQ-VAE** (vector-quantised) the encoder does not name a token. It gives a vector $z_e$, and a **codebook** holds $K$
# vectors $e_1, \dots, e_K$. The token is the number of the nearest:
#
# $$k = \arg\min_j \lvert z_e - e_j \rvert^2, \qquad z_q = e_k.$$
#
# The decoder gets $z_q$. That is a quantiser: each code owns a cell, the region that is nearer to it than to any other code,
# and all of the cell is read as that one point.
#
# ### Your turn: the nearest code

# %% exercise="14-nearest"

# %% [markdown]
# Move a codebook in the plane. The small dots are what an encoder might give. The discs are codes, the larger the more dots
# chose them, and crosses are codes that none chose; lines are the edges of the cells. At each step the codes move towards the
# mean of the dots that chose them. Before you start: with a small spread at the start, will each of the 16 codes find work?
# With a large one?

# %%
from vae_course.widgets.codebook_playground import CodebookPlayground

CodebookPlayground()

# %% [markdown]
# A code that no point chooses gets no pull from any point, and stays where it is: a **dead code**. *Revive* puts it on a random
# point.
#
# ### A gradient through the nearest code
#
# The $\arg\min$ is a staircase: move $z_e$ a little, and $z_q$ does not move. Its slope is zero wherever it exists, so the
# decoder tells the encoder nothing. The **straight-through** trick pretends otherwise. Write
#
# $$z_q = z_e + \mathrm{sg}[e_k - z_e],$$
#
# where $\mathrm{sg}$, the stop-gradient, is `detach()`. Forwards this is $e_k$. Backwards the bracket is a constant, so the
# gradient with respect to $z_q$ arrives at $z_e$ unchanged, and none at the codebook. Two more terms tell code and encoder to
# meet:
#
# $$\text{loss} = -\log p(x \mid z_q) \; + \; \underbrace{\lvert \mathrm{sg}[z_e] - e_k \rvert^2}_{\text{codebook}} \; + \;
# \beta \underbrace{\lvert z_e - \mathrm{sg}[e_k] \rvert^2}_{\text{commitment}}.$$
#
# The first, the codebook term, moves the code to the vectors that chose it; the second, the commitment term, keeps the encoder
# near its code. **Lines 1 to 3** take the gradients. (Exchange the two stop-gradients and $\beta$ weighs the other term,
# as in a published model; its issue is among the sources.)

# %%
z_e, codebook = torch.randn(5, 2, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)
z_e.requires_grad_(), codebook.requires_grad_()
tokens = nearest(z_e, codebook)
e = codebook[tokens]
z_q = z_e + (e - z_e).detach()
weight = torch.randn(5, 2, dtype=torch.float64)  # any gradient that comes from a decoder
slope = functools.partial(torch.autograd.grad, retain_graph=True, materialize_grads=True)
through = Derivation("Straight through")
to_encoder, to_codebook = slope((weight * z_q).sum(), (z_e, codebook), allow_unused=True)
slopes, expected = torch.cat([to_encoder, to_codebook]), torch.cat([weight, torch.zeros_like(codebook)])
through.step("slopes in z_e and in the codebook = slope in z_q, and 0", slopes, expected)

# %%
(to_codebook,) = slope((z_e.detach() - e).square().sum(), codebook)
one_hot = F.one_hot(tokens, 3).double()
through.step("codebook term: 2 sum of (e_k - z_e)", to_codebook, 2 * one_hot.T @ (e - z_e))
(to_encoder,) = slope((z_e - e.detach()).square().sum(), z_e)
through.step("commitment term: 2 (z_e - e_k)", to_encoder, 2 * (z_e - e))

# %% [markdown]
# Set line 2 to zero: the best place of a code is the mean of the vectors that choose it, as in K-means. So one can do without
# the gradient and keep a running mean, an **exponential moving average** (EMA), as the package's `VectorQuantiser` does. (Going
# deeper has a build: nearest code, straight-through and both terms in one function.)

# %% [markdown]
# ## 3 How wrong is straight-through?
#
# It is a pretence, so measure it. Here the truth is a sum over 8 codes. Let $q(k) = \mathrm{softmax}(\theta)_k$, a choice by
# chance, and ask for the gradient $g$ of $\mathbb E_q[f(k)]$ with respect to $\theta$, with $f(k) = \log p(x \mid k)$.
# Enumeration gives it exactly: $g_j = q_j (f_j - \mathbb E_q f)$. The decoder takes a one-hot $y$, or anything between: its
# logits are $2 \tanh(y W)$, curved, so that half of one code and half of another decode to something of their own. The
# estimators:
#
# - **Score function** (lesson 05): $f(k)$ times the score. Right on average, and needs values of $f$ only.
# - **Leave-one-out**: the same with the mean $f$ of the other draws subtracted.
# - **Straight-through**: decode the one-hot $y$, and let `backward()` believe that it was $q$.
# - **Gumbel-softmax**: add Gumbel noise to $\theta$ ($-\log(-\log u)$ with $u$ uniform in 0 to 1: the place of the largest sum is
#   then a draw from $q$), divide by a temperature $\tau$, take the softmax, and decode that mixture. It has a path, but is a
#   choice only as $\tau \to 0$.
#
# Predict: which is the most biased? Which the noisiest? And what does $\tau$ trade? Bias and spread are relative to the length
# of $g$, for estimates from two draws, averaged over five worlds.

# %%
from vae_course.studies.discrete_gradients import ascent, quality

five = worlds(5)
generator = torch.Generator().manual_seed(1)
thetas = [torch.randn(8, generator=generator, dtype=torch.float64) for _ in five]


def measure(estimator, **settings):
    """Bias and spread of two draws, and the standard error of the bias, means over the five worlds."""
    found = [quality(w, theta, estimator, n=3000, n_draws=2, **settings) for w, theta in zip(five, thetas, strict=True)]
    return torch.tensor(found).mean(0).tolist()


ways = ("score function", "leave-one-out", "straight-through")
measured = {way: measure(way) for way in ways}
for way, (bias, spread, error) in measured.items():
    name = way.replace(" ", "-")
    claim(f"14-bias-{name}", bias, world="any", tolerance=0.03, unit="of |g|", digits=2)
    claim(f"14-error-{name}", error, world="any", tolerance=0.008, unit="of |g|", digits=2, quiet=True)
    claim(f"14-spread-{name}", spread, world="any", tolerance=0.5, unit="of |g|", digits=1)

# %% [markdown]
# | from two draws | bias, of the length of $g$ | what the draws leave open | spread |
# |---|---|---|---|
# | score function | {{any:14-bias-score-function}} | {{any:14-error-score-function}} | {{any:14-spread-score-function}} |
# | leave-one-out | {{any:14-bias-leave-one-out}} | {{any:14-error-leave-one-out}} | {{any:14-spread-leave-one-out}} |
# | straight-through | {{any:14-bias-straight-through}} | {{any:14-error-straight-through}} | {{any:14-spread-straight-through}} |
#
# The first two have no bias, and what was measured is within what 3,000 estimates leave open. Straight-through is quiet, and
# off by a third of the gradient or so, however many draws you take. Now the temperature:

# %%
temperatures = [0.1, 0.2, 0.5, 1.0, 2.0]
soft = torch.tensor([measure("Gumbel-softmax", temperature=temperature) for temperature in temperatures])
for i, name in ((0, "cold"), (3, "one"), (4, "warm")):
    claim(f"14-bias-{name}", soft[i, 0], world="any", tolerance=0.05, unit="of |g|", digits=2)
    claim(f"14-spread-{name}", soft[i, 1], world="any", tolerance=0.3, unit="of |g|", digits=1)
claim("14-error-cold", soft[0, 2], world="any", tolerance=0.008, unit="of |g|", digits=2)
plotting.lines(
    temperatures,
    {"bias": soft[:, 0], "spread": soft[:, 1]},
    xlabel="temperature",
    ylabel="relative to the length of g",
    logx=True,
    logy=True,
    markers=True,
)

# %% [markdown]
# From left to right the spread falls from {{any:14-spread-cold}} to {{any:14-spread-warm}} lengths of the gradient, and the
# bias rises from {{any:14-bias-cold}} (about what the draws leave open, {{any:14-error-cold}}) to {{any:14-bias-warm}}. Cold
# is nearly a choice and very noisy, warm is quiet and answers another question.
#
# Which is the better bargain? Let each of them climb: 300 steps of gradient ascent on the ELBO of five worlds, two draws a
# step, the KL's gradient exact, five runs each. The step size is 0.5 for all, falling to 0; the score function, as the noisiest,
# also gets 0.2. What counts is the gap that is left, $\mathrm{KL}(q \,\Vert\, p(k \mid x))$. Predict the order.

# %%
climbs = {way: (way, {}) for way in ways} | {"score function, small steps": ("score function", {"lr": 0.2})}
climbs |= {f"Gumbel-softmax, {t:g}": ("Gumbel-softmax", {"temperature": t}) for t in (0.2, 0.5, 1.0)}
gaps = {}
for name, (way, options) in climbs.items():
    gaps[name] = torch.stack([ascent(w, way, steps=300, runs=5, **options) for w in five]).mean(1)
    short = name.replace(" ", "-").replace(",", "").replace(".", "-")
    claim(f"14-gap-{short}", gaps[name].mean(), world="any", tolerance=0.015, digits=3)
behind = ("score function", "score function, small steps", "straight-through")
assert all((gaps["leave-one-out"] < gaps[way]).all() for way in behind)
plotting.bars(
    list(gaps), [gap.mean() for gap in gaps.values()], xlabel="gap left, nats (mean of five worlds)", digits=3
)

# %% [markdown]
# Two draws that check each other win over straight-through in all five worlds: {{any:14-gap-leave-one-out}} nats are left,
# against {{any:14-gap-straight-through}}. Without the baseline the step decides: {{any:14-gap-score-function}} at 0.5, and
# {{any:14-gap-score-function-small-steps}} at 0.2, both behind leave-one-out. Gumbel-softmax comes near at a well-chosen
# temperature ({{any:14-gap-Gumbel-softmax-0-2}} at 0.2) and not at another ({{any:14-gap-Gumbel-softmax-1}} at 1).
#
# This is one choice among 8. In a VQ-VAE 49 choices share one $f$, and the spread of a score function grows with what the
# others add (lesson 05, section 4). So it takes straight-through, in the form of section 2. There no choice is by chance, the
# true slope is zero, and a stand-in for it is all that there can be: how good a one was not measured here.

# %% [markdown]
# ## 4 Images as tokens
#
# Two convolutions with stride 2 halve a digit twice, from $28 \times 28$ pixels to $7 \times 7$ places. Each place gets a
# vector of 8 numbers, and a token of $K = 64$. So an image is 49 tokens, and under a uniform prior costs $49 \log 64 = 203.8$
# nats before its first pixel.
#
# The next cell trains fifteen tokenisers on 10,000 images, one pass each: a VQ-VAE in four versions, and one more model for
# section 5, each with three seeds. The four versions differ in two ways. Do the codes **start** on data (on vectors of the
# first batch) or at random (from $\mathcal N(0, I)$)? And are codes **revived** (those used less than a tenth of the average
# are put on a random vector of the batch) or never? The first time this takes about a minute on one core.

# %%
from vae_course.discrete import TokenPrior, TokenVAE
from vae_course.training import Recipe, fit_or_load_all

splits = data.load("auto")
world = splits.name
train, val = splits.train[:10_000], data.binarize(splits.val, seed=1)[:2000]
seeds, ink = (0, 1, 2), float(train.x.mean())
settings = {"images": train, "transform": data.dynamic_binarize, "loss": discrete.token_loss}
settings |= {"epochs": 1, "batch_size": 32, "lr": 4e-3}
builds = {
    f"{start}, {words}": functools.partial(TokenVAE.vq, ink=ink, start=start, revive=revive)
    for start in ("data", "random")
    for words, revive in (("revived", 0.1), ("never revived", 0.0))
}
builds["FSQ"] = functools.partial(TokenVAE.fsq, (8, 8), ink=ink)
recipes = [
    Recipe(name=f"tokens-{i}-{seed}-{world}", build=build, seed=seed, **settings)
    for i, build in enumerate(builds.values())
    for seed in seeds
]

# %% [markdown]
# Now the trainings, about a minute the first time.

# %%
trained = fit_or_load_all(recipes)
# A codebook in training mode looks after itself whenever it is used: from here on it is to stay as it is.
models = {name: [model.eval() for model, _ in trained[3 * i : 3 * i + 3]] for i, name in enumerate(builds)}

# %% [markdown]
# Ten digits, their tokens, and what the decoder makes of them:

# %%
vq = models["data, revived"][0]
tokens = discrete.tokens_of(vq, val.x)
pictures = {
    "image": val.x[:10],
    "its 7 x 7 tokens": tokens[:10, None].float() / 63,
    "from tokens": vq.reconstruct(val.x[:10]),
}
pictures["its 7 x 7 tokens"] = F.interpolate(pictures["its 7 x 7 tokens"], scale_factor=4)
plotting.images.image_rows(pictures)

# %% [markdown]
# The middle row is all that the decoder gets: 49 tokens, drawn as greys from 0 to 63 (which code has which number means
# nothing). Below, the pictures that it makes of them: strokes with firm edges.
#
# ### Are all codes at work?
#
# Count how often each token is chosen over a whole set. A number that sums this up is the **perplexity**, the exponential of
# the entropy of these shares: 64 if all codes are used equally often, 1 if a single code does everything. It has to be counted
# over a whole set. Averaged over batches, each with few tokens, it comes out too small.

# %% exercise="14-perplexity"

# %% [markdown]
# Now the four versions, on 2,000 validation images. Predict: which of the two matters more, the start or the revival?

# %%
used, shares = {}, {}
for name in list(builds)[:4]:
    found = [discrete.tokens_of(model, val.x) for model in models[name]]
    used[name] = torch.tensor([float(perplexity(k, 64)) for k in found])
    shares[name] = [int((discrete.usage(k, 64) > 0).sum()) for k in found]
    short = name.replace(", ", "-").replace(" ", "-")
    wide = 8 if used[name].min() > 20 else 3
    claim(f"14-perplexity-{short}-least", used[name].min(), world=world, tolerance=wide, unit="of 64 codes", digits=0)
    claim(f"14-perplexity-{short}-most", used[name].max(), world=world, tolerance=wide, unit="of 64 codes", digits=0)
    lost = [float(discrete.token_costs(model, val.x).distortion.mean()) for model in models[name]]
    print(f"{name}: used at all {shares[name]}, distortion {[round(nats, 1) for nats in lost]} nats")
spread = [values.std() for values in used.values()]
revived, never = (
    torch.cat([used[f"{start}, {words}"] for start in ("data", "random")]) for words in ("revived", "never revived")
)
assert revived.min() > never.max() and used["data, never revived"].min() > used["random, never revived"].max()
plotting.dots(
    list(used), [u.mean() for u in used.values()], errors=spread, xlabel="perplexity, of 64 (± over seeds)", digits=1
)

# %% [markdown]
# | codes start | and are | perplexity over three seeds |
# |---|---|---|
# | on data | revived | {{mnist:14-perplexity-data-revived-least}} to {{mnist:14-perplexity-data-revived-most}} |
# | on data | never revived | {{mnist:14-perplexity-data-never-revived-least}} to {{mnist:14-perplexity-data-never-revived-most}} |
# | at random | revived | {{mnist:14-perplexity-random-revived-least}} to {{mnist:14-perplexity-random-revived-most}} |
# | at random | never revived | {{mnist:14-perplexity-random-never-revived-least}} to {{mnist:14-perplexity-random-never-revived-most}} |
#
# With revival the start makes no difference that three seeds could show: the two ranges overlap. Without it the start matters,
# and from a random one most of the codebook never finds work. But even a start on data does not do what revival does: every
# seed with revival lies above every seed without. Had we compared only *start on data and revived* with *random and never
# revived*, we could not say which of the two made the gain. The printed lines say what dead codes cost: from version to version,
# the fewer are at work, the higher the distortion (though not from seed to seed).

# %% [markdown]
# ## 5 A grid in place of a codebook
#
# **Finite scalar quantisation** (FSQ) has no codebook to learn. Squash each number of $z_e$ into a range, divide the range into
# $L$ levels, and round. With two numbers of 8 levels each there are $8 \cdot 8 = 64$ codes again. The gradient goes straight
# through the rounding. No codebook term, no commitment, no revival. How does it compare? Distortion in nats, on the same
# images:

# %%
distortions = {}
for name, label in (("data, revived", "VQ-VAE"), ("FSQ", "FSQ")):
    distortions[label] = torch.tensor([float(discrete.token_costs(m, val.x).distortion.mean()) for m in models[name]])
    claim(f"14-distortion-{label}-least", distortions[label].min(), world=world, tolerance=3)
    claim(f"14-distortion-{label}-most", distortions[label].max(), world=world, tolerance=3)
grid = torch.tensor([float(perplexity(discrete.tokens_of(model, val.x), 64)) for model in models["FSQ"]])
behind = distortions["FSQ"].mean() - distortions["VQ-VAE"].mean()
error = (standard_error(distortions["FSQ"]) ** 2 + standard_error(distortions["VQ-VAE"]) ** 2) ** 0.5
claim("14-grid-behind", behind, world=world, tolerance=3)
claim("14-grid-behind-se", error, world=world, tolerance=2)
claim("14-perplexity-FSQ-least", grid.min(), world=world, tolerance=8, unit="of 64 codes", digits=0)
claim("14-perplexity-FSQ-most", grid.max(), world=world, tolerance=8, unit="of 64 codes", digits=0)

# %% [markdown]
# The VQ-VAE's distortion is {{mnist:14-distortion-VQ-VAE-least}} to {{mnist:14-distortion-VQ-VAE-most}} nats over three seeds,
# FSQ's {{mnist:14-distortion-FSQ-least}} to {{mnist:14-distortion-FSQ-most}}, and its perplexity
# {{mnist:14-perplexity-FSQ-least}} to {{mnist:14-perplexity-FSQ-most}} of 64. The learned codebook is ahead of the grid by
# {{mnist:14-grid-behind}} ± {{mnist:14-grid-behind-se}} nats (over seeds), and on the pen digits the two ranges overlap: an order
# that three seeds hardly carry. Nor would it say why: the grid's codes also have two numbers in place of eight.
# Its authors report results on a par with a VQ-VAE's, for larger codebooks and longer trainings. Distortion is half of the
# account; section 6 returns to it.

# %% [markdown]
# ## 6 The whole account
#
# Distortion is one half of the bound. The other is what the tokens cost. Three priors over a grid of 49 tokens:
#
# - **uniform**: $\log 64$ each, 203.8 nats an image,
# - **by place**: how often each token came up at each place of the training grids, places independent,
# - **learned**: token after token in reading order, $p(k) = \prod_i p(k_i \mid k_1, \dots, k_{i-1})$, by a small network.
#
# The network is a stack of **masked convolutions**: weights that would look at later places are zero, in the first layer also
# those at the place itself. So one pass gives all 49 conditionals, and $\log p(k)$ is exact. Drawing takes 49 passes, one for
# each token.
#
# It learns from the tokens of the training images, drawn as 0 and 1 twice: three priors for the VQ-VAEs, three for FSQ. The
# first time this takes about a minute on one core. The Gaussian VAEs of lesson 10, three seeds of them, train beside it.

# %%
from vae_course.evaluation import evaluate
from vae_course.models import VAE


def training_tokens(model):
    draws = [data.dynamic_binarize(train.x, torch.Generator().manual_seed(seed)) for seed in range(2)]
    return torch.cat([discrete.tokens_of(model, x) for x in draws]).float()


# %% [markdown]
# Two draws of the binary pixels make the grids. The priors and three Gaussian VAEs take about a minute the first time.

# %%
kept = {"VQ-VAE": models["data, revived"], "FSQ": models["FSQ"]}
grids = [training_tokens(model) for three in kept.values() for model in three]
settings = {"loss": discrete.prior_loss, "epochs": 1, "batch_size": 32, "lr": 4e-3}
build = functools.partial(TokenPrior, 64)
priors = [
    Recipe(name=f"prior-{i // 3}-{i % 3}-{world}", build=build, seed=i % 3, images=grids[i], **settings)
    for i in range(6)
]
settings = {
    "transform": data.dynamic_binarize,
    "loss": objectives.negative_elbo,
    "epochs": 12,
    "batch_size": 100,
    "lr": 4e-3,
}
build = functools.partial(VAE.mlp, 20, hidden=(200,))
plain = [Recipe(name=f"gaussian-{seed}-{world}", build=build, seed=seed, images=train, **settings) for seed in seeds]
learned = fit_or_load_all([*priors, *plain])

# %% [markdown]
# ### Your turn: the account of an image

# %% exercise="14-account"

# %% [markdown]
# Your function on the first VQ-VAE, with the uniform prior and with the learned one, must agree with the package's. Then all of
# them, in nats for each image. Predict the order, and where the Gaussian VAE will stand, a fully connected one, trained on the
# same images for about the same processor time.

# %%
log_prior = learned[0][0].log_prob
with torch.no_grad():
    logits, prior_logits = vq.decode(vq.codes(tokens)), learned[0][0].logits(tokens).flatten(1, 2)
mine = account(val.x, logits, tokens.flatten(1), prior_logits)
assert torch.allclose(mine, discrete.token_costs(vq, val.x, log_prior).total, rtol=1e-4)
places = torch.stack([discrete.usage(tokens_there, 64) for tokens_there in grids[0].flatten(1).T]) + 1e-4
by_place = -(places / places.sum(1, keepdim=True)).log()[torch.arange(49), tokens.flatten(1)].sum(1).mean()
claim("14-rate-by-place", by_place, world=world, tolerance=8)

# %%
totals, rates = {}, {}
for i, (name, three) in enumerate(kept.items()):
    costs = [
        discrete.token_costs(m, val.x, p.log_prob) for m, (p, _) in zip(three, learned[3 * i : 3 * i + 3], strict=True)
    ]
    rates[name] = torch.stack([c.rate.mean() for c in costs])
    totals[name] = torch.stack([c.total.mean() for c in costs])
totals["Gaussian VAE"] = -torch.tensor([evaluate(model, val).elbo for model, _ in learned[6:]])
for name, values in (*((f"rate-{n}", r) for n, r in rates.items()), *((f"total-{n}", t) for n, t in totals.items())):
    short = name.replace(" ", "-")
    claim(f"14-{short}-least", values.min(), world=world, tolerance=4)
    claim(f"14-{short}-most", values.max(), world=world, tolerance=4)
behind = min(totals["VQ-VAE"].min(), totals["FSQ"].min()) - totals["Gaussian VAE"].max()
claim("14-tokens-behind", behind, world=world, tolerance=5)
assert totals["Gaussian VAE"].max() < min(totals["VQ-VAE"].min(), totals["FSQ"].min())
seconds = [sum(h.seconds for _, h in pair) / 3 for pair in (trained[:3] + learned[:3], learned[6:])]
claim("14-seconds-ratio", seconds[0] / seconds[1], world=world, tolerance=None, unit="times as long", digits=1)

# %% [markdown]
# | | distortion | rate | $-$ELBO |
# |---|---|---|---|
# | VQ-VAE, learned prior | {{mnist:14-distortion-VQ-VAE-least}} to {{mnist:14-distortion-VQ-VAE-most}} | {{mnist:14-rate-VQ-VAE-least}} to {{mnist:14-rate-VQ-VAE-most}} | {{mnist:14-total-VQ-VAE-least}} to {{mnist:14-total-VQ-VAE-most}} |
# | FSQ, learned prior | {{mnist:14-distortion-FSQ-least}} to {{mnist:14-distortion-FSQ-most}} | {{mnist:14-rate-FSQ-least}} to {{mnist:14-rate-FSQ-most}} | {{mnist:14-total-FSQ-least}} to {{mnist:14-total-FSQ-most}} |
# | Gaussian VAE | | | {{mnist:14-total-Gaussian-VAE-least}} to {{mnist:14-total-Gaussian-VAE-most}} |
#
# The first VQ-VAE's tokens cost 203.8 nats under a uniform prior and {{mnist:14-rate-by-place}} by place; the learned prior
# brings them down to the rate in the table. The decoder is the same in all three cases, so are the reconstructions: **the prior
# is where the nats are**.
#
# In nats **the tokens lose**: every Gaussian VAE is ahead of every model with tokens, by {{mnist:14-tokens-behind}} nats or
# more. The epochs were chosen for about the same processor time; in one run, in which others trained beside, a VQ-VAE with its
# prior took {{mnist:14-seconds-ratio}} times as long, so the tokens had no lack of time. But more than the code differs:
# convolutions against fully connected layers (4 nats behind them in lesson 13), one pass against twelve, and none was trained to
# its end. These models lose; tokens as such need not.
#
# Between codebook and grid the sum decides nothing: the ranges of their rates overlap, and so do those of $-$ELBO. So we don't
# reproduce an order of VQ-VAE and FSQ, in either direction.
#
# ### Samples
#
# A code for the decoder can come from any prior. Compare three rows: uniform tokens, tokens from the learned prior, and codes
# of the Gaussian VAE from $\mathcal N(0, I)$; above them, images of the set. All are mean images of the decoder.

# %%
generator = torch.Generator().manual_seed(4)
uniform = torch.randint(64, (10, 7, 7), generator=generator)
drawn = learned[0][0].sample(10, generator=generator)
with torch.no_grad():
    rows = {"images": val.x[:10], "uniform tokens": vq.decode_mean(vq.codes(uniform))}
    rows["learned prior"] = vq.decode_mean(vq.codes(drawn))
    rows["Gaussian VAE"] = learned[6][0].sample(10, generator=generator)
plotting.images.image_rows(rows)

# %% [markdown]
# Uniform tokens make strokes that belong to no digit: under this prior all $64^{49}$ grids are equally probable.
# With the learned prior the strokes join up. Most of these pictures are near a digit, some are none, and nearly all have the
# firm black strokes of the images. The Gaussian VAE's are smoother, with grey edges, and some are faint.
#
# That is all that was looked at: ten pictures of one model each, and your eye. Tokens lose in nats, and their samples look
# crisper. Lesson 11 said why the two need not agree: nats count every pixel of every image, and an eye looks at edges.

# %% [markdown]
# ## 7 What rounding costs
#
# How good can tokens be? Take the simplest source: $x \sim \mathcal N(0, 1)$, one number. Lesson 10 had the best trade that any
# code can make, for a mean squared error $D$:
#
# $$R(D) = \tfrac12 \log_2 \frac1D \text{ bits.}$$
#
# Shannon's theorem allows long blocks of numbers at once. A token for each number can only do worse. How much worse? Two ways
# to round:
#
# - **Lloyd-Max**: $K$ points, each the mean of its cell, each edge halfway between its neighbours: K-means with infinitely many
#   data, a codebook in one dimension. The token costs $\log_2 K$ bits, or, with an entropy coder as in lesson 12, the entropy
#   of the tokens.
# - **Uniform**: cells of equal width, as in FSQ, entropy-coded.
#
# All integrals of a normal density over a cell have a closed form, so these numbers are exact. For each $K$ the uniform
# quantiser gets the step that has the same error.

# %%
from vae_course.studies import scalar_quantiser as scalar


def step_for(distortion):
    """The step at which uniform cells have this distortion, by halving an interval."""
    low, high = 1e-2, 8.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if scalar.uniform(middle).distortion < distortion else (low, middle)
    return low


codes = [2, 4, 8, 16, 32, 64]
lloyd = [scalar.lloyd_max(n_codes) for n_codes in codes]
even = [scalar.uniform(step_for(each.distortion)) for each in lloyd]
curves = {
    "Lloyd-Max, log K": [each.fixed_gap for each in lloyd],
    "Lloyd-Max, entropy": [each.coded_gap for each in lloyd],
    "uniform, entropy": [each.coded_gap for each in even],
    "1/2 log2(pi e / 6)": [scalar.QUARTER_BIT] * 6,
}
bits = [scalar.least_bits(each.distortion) for each in lloyd]
plotting.lines(bits, curves, xlabel="R(D), bits", ylabel="bits above R(D)", markers=True)

# %%
quantiser = Derivation("What rounding costs")
quantiser.step("R(D) at D = 1/4 is one bit", scalar.least_bits(0.25), 1.0)
fine_step = scalar.uniform(0.01)
quarter = 0.5 * math.log2(math.pi * math.e / 6)
quantiser.step("gap of a fine grid = 1/2 log2(pi e / 6)", fine_step.coded_gap, quarter, how="quadrature")
for n_codes, each, grid_too in zip(codes, lloyd, even, strict=True):
    if n_codes in (2, 64):
        claim(
            f"14-lloyd-fixed-{n_codes}", each.fixed_gap, world="any", tolerance=0.005, unit="bits above R(D)", digits=2
        )
        claim(
            f"14-lloyd-coded-{n_codes}", each.coded_gap, world="any", tolerance=0.005, unit="bits above R(D)", digits=2
        )
        claim(
            f"14-uniform-coded-{n_codes}",
            grid_too.coded_gap,
            world="any",
            tolerance=0.005,
            unit="bits above R(D)",
            digits=2,
        )

# %% [markdown]
# Three things to see. With $\log_2 K$ bits for each token the distance to $R(D)$ grows with the rate, from
# {{any:14-lloyd-fixed-2}} bits to {{any:14-lloyd-fixed-64}}: rare codes are paid like frequent ones. An entropy coder, that is
# a prior over the codes, takes a part of that back: nothing from 2 points, which are equally likely, and from 64 it leaves
# {{any:14-lloyd-coded-64}}. And once there is a prior, **equal cells are better** than the cells with the smallest error: at the
# error of 64 points they are {{any:14-uniform-coded-64}} bits above the curve.
# Lloyd-Max spends its points where $x$ is frequent, which makes the tokens more equally frequent, and so more expensive.
#
# What remains is a **quarter of a bit** for each number, $\frac12 \log_2 \frac{\pi e}{6} = 0.2546$: the price of rounding one
# number at a time with fine steps, however high the rate (**line 2**). At the coarsest step here it is
# {{any:14-uniform-coded-2}}. With fine steps only blocks get below it: cells in many dimensions can be rounder than a cube.

# %% [markdown]
# ## 8 Quiz
#
# If you see no buttons, type `quizzes.answer("14", 1, "b")` in a cell to answer the first question with b.

# %%
from vae_course import quizzes

quizzes.show("14")

# %%
exercises.progress("14")

# %% [markdown]
# ## Summary
#
# > $$q(k \mid x) = 1 \text{ for one } k: \qquad -\text{ELBO} = D + \log K, \qquad \text{gap} = -\log p(k \mid x)$$
# >
# > $$\text{with any prior:} \quad -\text{ELBO} = -\log p(x \mid k) - \log p(k)$$
# >
# > $$z_q = z_e + \mathrm{sg}[e_k - z_e], \qquad \text{loss} = -\log p(x \mid z_q) + \lvert \mathrm{sg}[z_e] - e_k \rvert^2
# > + \beta \lvert z_e - \mathrm{sg}[e_k] \rvert^2$$
# >
# > $$\text{perplexity} = \exp\left(-\textstyle\sum_k p_k \log p_k\right) \text{ over a whole set}$$
# >
# > $$R(D) = \tfrac12 \log_2 \tfrac1D, \qquad \text{fine uniform steps with an entropy coder: } \tfrac12 \log_2 \tfrac{\pi e}{6}
# > = 0.25 \text{ bits above}$$
# >
# > Straight-through is quiet and biased; the score function with leave-one-out is right on average, and won where there was
# > one choice. A code that nobody chooses gets no gradient: look at the perplexity. Tokens without a prior are expensive; with a
# > learned one the model samples, and the whole account can be compared with any other model's.

# %%
plotting.summary("14")

# %% [markdown]
# **Sources.** A. van den Oord, O. Vinyals and K. Kavukcuoglu, [*Neural Discrete Representation
# Learning*](https://arxiv.org/abs/1711.00937), NIPS 2017. F. Mentzer, D. Minnen, E. Agustsson and M. Tschannen, [*Finite Scalar
# Quantization: VQ-VAE Made Simple*](https://arxiv.org/abs/2309.15505), ICLR 2024. A. van den Oord and others, [*Pixel
# Recurrent Neural Networks*](https://arxiv.org/abs/1601.06759), ICML 2016, for masked convolutions, and [*Conditional Image
# Generation with PixelCNN Decoders*](https://arxiv.org/abs/1606.05328), NIPS 2016. E. Jang, S.
# Gu and B. Poole, [*Categorical Reparameterization with Gumbel-Softmax*](https://arxiv.org/abs/1611.01144), and C. J. Maddison,
# A. Mnih and Y. W. Teh, [*The Concrete Distribution: A Continuous Relaxation of Discrete Random
# Variables*](https://arxiv.org/abs/1611.00712), both ICLR 2017. S. P. Lloyd, [*Least Squares Quantization in
# PCM*](https://doi.org/10.1109/TIT.1982.1056489), 1982, and J. Max, [*Quantizing for Minimum
# Distortion*](https://doi.org/10.1109/TIT.1960.1057548), 1960. H. Gish and J. N. Pierce, [*Asymptotically Efficient
# Quantizing*](https://doi.org/10.1109/TIT.1968.1054193), 1968, for the quarter of a bit. Y. Bengio, N. Léonard and A. Courville,
# [*Estimating or Propagating Gradients Through Stochastic Neurons for Conditional
# Computation*](https://arxiv.org/abs/1308.3432), 2013, for straight-through. The exchanged stop-gradients: [issue 57 of
# taming-transformers](https://github.com/CompVis/taming-transformers/issues/57).
#
# **Next:** [lesson 15](15_richer_posteriors_and_priors.ipynb) goes back to Gaussian codes and asks what is gained by a richer
# $q$, and what by a richer prior.

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.
#
# ### Your turn: a gradient through a choice
#
# The winner of section 3, by hand: leave-one-out over draws of a choice, and the KL's gradient exactly.

# %% exercise="14-choice-gradient"

# %% [markdown]
# **Lines 1 and 2** hold it against enumeration, for the first of the five worlds: 40,000 times two draws.

# %%
unbiased = Derivation("A gradient through a choice")
theta = thetas[0].clone().requires_grad_()
(exact,) = torch.autograd.grad(chooser.elbo(theta), theta)
q = torch.softmax(thetas[0], 0)
of_kl = q * (q.log() - q @ q.log())
unbiased.step("slope of ELBO = q (f - E_q f) - slope of KL", exact, chooser.gradient(thetas[0]) - of_kl)
drawn = torch.multinomial(q, 80_000, replacement=True).view(2, 40_000)
g = choice_gradient(thetas[0].expand(40_000, 8), drawn, chooser.f()[drawn])
unbiased.step("E[leave-one-out, L = 2] = slope of ELBO", g.mean(0), exact, standard_error=standard_error(g))

# %% [markdown]
# ### Where straight-through goes wrong
#
# Its mean can be enumerated too. For a draw $k$ it takes the slope of $f$ at the one-hot $y_k$ and sends it through the
# softmax:
#
# $$\mathbb E[\text{straight-through}]_j = q_j \Big(s_j - \sum_i q_i s_i\Big), \qquad s = \sum_k q_k \nabla_y f(y_k).$$
#
# Compare with the truth, $q_j (f_j - \sum_i q_i f_i)$: the value $f_j$ of a code is replaced by a *slope* towards it, measured
# where the draws are. **Line 3** checks the formula on draws; **line 4** says when it is right: if $f$ is linear in $y$, then
# $s_j = f_j$ up to a constant, and there is no bias at all.

# %%
from vae_course.studies.discrete_gradients import estimates

y = torch.eye(8, dtype=torch.float64).requires_grad_()
(slopes,) = torch.autograd.grad(chooser.log_px_y(y).sum(), y)
s = q @ slopes
many = thetas[0].expand(40_000, 8)
found = estimates(chooser, many, "straight-through", generator=torch.Generator().manual_seed(2))
unbiased.step(
    "E[straight-through] = q (s - E_q s)", found.mean(0), q * (s - q @ s), standard_error=standard_error(found)
)
f = chooser.f()
(flat,) = torch.autograd.grad((y @ f).sum(), y)
unbiased.step("f linear in y: q (s - E_q s) = g", q * (q @ flat - q @ (q @ flat)), chooser.gradient(thetas[0]))

# %% [markdown]
# ### Build (optional): the bottleneck of a VQ-VAE
#
# No other part of the course needs this function. Section 2 in one piece, on the encoder's own shapes: `[B, D, H, W]`.

# %% exercise="14-quantise"

# %% [markdown]
# On real features of the VQ-VAE, it and the package's quantiser must choose the same tokens:

# %%
with torch.no_grad():
    z_e = vq.encode(val.x[:100])
codes_there, tokens_there, _ = quantise(z_e.movedim(-1, 1), vq.quantiser.codebook, 0.25)
agree = (tokens_there == tokens[:100]).float().mean()
print(f"{100 * agree:.1f}% of the tokens agree")
assert agree > 0.999

# %% [markdown]
# ### In your own words
#
# Answer first. Then compare with `exercises.solution("14-why")`, and give yourself the points.

# %% exercise="14-why"

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (choice, through, quantiser, unbiased):
    display(derivation.summary())

# %% [markdown]
# ### The same on pen digits
#
# | section | what (nats, unless it says otherwise) | MNIST | pen digits |
# |---|---|---|---|
# | 4 | perplexity, start on data, revived | {{mnist:14-perplexity-data-revived-least}} to {{mnist:14-perplexity-data-revived-most}} | {{pen:14-perplexity-data-revived-least}} to {{pen:14-perplexity-data-revived-most}} |
# | 4 | perplexity, start on data, never revived | {{mnist:14-perplexity-data-never-revived-least}} to {{mnist:14-perplexity-data-never-revived-most}} | {{pen:14-perplexity-data-never-revived-least}} to {{pen:14-perplexity-data-never-revived-most}} |
# | 4 | perplexity, start at random, revived | {{mnist:14-perplexity-random-revived-least}} to {{mnist:14-perplexity-random-revived-most}} | {{pen:14-perplexity-random-revived-least}} to {{pen:14-perplexity-random-revived-most}} |
# | 4 | perplexity, start at random, never revived | {{mnist:14-perplexity-random-never-revived-least}} to {{mnist:14-perplexity-random-never-revived-most}} | {{pen:14-perplexity-random-never-revived-least}} to {{pen:14-perplexity-random-never-revived-most}} |
# | 5 | perplexity of FSQ | {{mnist:14-perplexity-FSQ-least}} to {{mnist:14-perplexity-FSQ-most}} | {{pen:14-perplexity-FSQ-least}} to {{pen:14-perplexity-FSQ-most}} |
# | 5 | distortion of the VQ-VAE | {{mnist:14-distortion-VQ-VAE-least}} to {{mnist:14-distortion-VQ-VAE-most}} | {{pen:14-distortion-VQ-VAE-least}} to {{pen:14-distortion-VQ-VAE-most}} |
# | 5 | distortion of FSQ | {{mnist:14-distortion-FSQ-least}} to {{mnist:14-distortion-FSQ-most}} | {{pen:14-distortion-FSQ-least}} to {{pen:14-distortion-FSQ-most}} |
# | 6 | rate by place | {{mnist:14-rate-by-place}} | {{pen:14-rate-by-place}} |
# | 6 | rate of the VQ-VAE, learned prior | {{mnist:14-rate-VQ-VAE-least}} to {{mnist:14-rate-VQ-VAE-most}} | {{pen:14-rate-VQ-VAE-least}} to {{pen:14-rate-VQ-VAE-most}} |
# | 6 | rate of FSQ, learned prior | {{mnist:14-rate-FSQ-least}} to {{mnist:14-rate-FSQ-most}} | {{pen:14-rate-FSQ-least}} to {{pen:14-rate-FSQ-most}} |
# | 5 | FSQ's distortion above the VQ-VAE's, means; standard error | {{mnist:14-grid-behind}}; {{mnist:14-grid-behind-se}} | {{pen:14-grid-behind}}; {{pen:14-grid-behind-se}} |
# | 6 | least lead of a Gaussian VAE over tokens | {{mnist:14-tokens-behind}} | {{pen:14-tokens-behind}} |
# | 6 | $-$ELBO of the VQ-VAE | {{mnist:14-total-VQ-VAE-least}} to {{mnist:14-total-VQ-VAE-most}} | {{pen:14-total-VQ-VAE-least}} to {{pen:14-total-VQ-VAE-most}} |
# | 6 | $-$ELBO of FSQ | {{mnist:14-total-FSQ-least}} to {{mnist:14-total-FSQ-most}} | {{pen:14-total-FSQ-least}} to {{pen:14-total-FSQ-most}} |
# | 6 | $-$ELBO of the Gaussian VAE | {{mnist:14-total-Gaussian-VAE-least}} to {{mnist:14-total-Gaussian-VAE-most}} | {{pen:14-total-Gaussian-VAE-least}} to {{pen:14-total-Gaussian-VAE-most}} |
# | 6 | seconds of a VQ-VAE with its prior, in those of a Gaussian VAE (one run) | {{mnist:14-seconds-ratio}} | {{pen:14-seconds-ratio}} |
