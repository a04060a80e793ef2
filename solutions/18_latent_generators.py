# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 18 The autoencoder inside today's generators
#
# Stable Diffusion and its relatives don't draw pixels. They draw a *code* by diffusion, and the decoder of an autoencoder turns
# it into a picture. That autoencoder was trained as a VAE whose KL weighs a millionth. Is it still a VAE? What is the KL for,
# if it counts for next to nothing? Lessons 06, 10, 15 and 17 hold the answers. Here you put them together.

# %% [markdown]
# **After this lesson you can**
# - read the loss of a published autoencoder, and say which $\beta$ it has,
# - say what a tiny KL weight does to distortion, rate and codes, and measure it,
# - scale codes, and keep the bound on $\log p(x)$ exact while you do,
# - train a diffusion prior on codes, and say what it gains, in nats and in looks,
# - steer samples towards a class, and say what that costs,
# - read the model card of an autoencoder, and tell the terms of its loss that belong to a bound from those that don't.
#
# **You need first:** [lesson 10](10_rate_distortion_collapse.ipynb) (rate and distortion) and
# [lesson 17](17_diffusion.ipynb) (diffusion). [Lesson 15](15_richer_posteriors_and_priors.ipynb) (a prior learned afterwards)
# helps.
#
# **Time:** Slow cells say so. The numbers in the text are MNIST's; those of the pen digits stand in a table at the end. ± is a
# standard deviation over three seeds.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $z$ | code of an image | `z` | `[B, D]` |
# | $c$ | scaling factor | `scale` | one number |
# | $p'(z)$ | another prior for the same codes | `prior` | |
# | $x_0 = c z$ | what diffusion adds noise to | `x0` | `[B, D]` |
# | $q(z)$ | aggregated posterior, the mean of $q(z \mid x)$ over the images | | |
# | $y$ | class of an image | `labels` | `[B]` |
# | $w$ | guidance weight | `weight` | one number |
# | $\alpha_t, \sigma_t$ | how much signal and how much noise a level holds (lesson 17) | `alpha`, `sigma` | `[B]` |
# | $L_T, L_t, L_0$ | the last level against $\mathcal N(0, I)$, the steps, the end (lesson 17) | | |
# | $\hat v$ | what the denoiser guesses, $v = \alpha_t \varepsilon - \sigma_t x_0$ | `v_class`, `v_free` | `[B, D]` |
# | $b$ | scale of a Laplace distribution | `laplace_scale` | one number |
#
# Sizes in brackets: B images, D numbers in a code. ($w$ is a weight of another kind in lesson 04, $c$ another number in
# lesson 11; $\sigma$ alone is the width of a posterior.)

# %% [markdown]
# ## 1 Two autoencoders
#
# Train one network twice, 784-200-20, on 20,000 images: with the KL at weight 1, which is the VAE of lesson 07, and at weight
# $10^{-6}$, the weight in the settings of *latent diffusion* (Rombach and others, 2022), the work that Stable Diffusion grew
# from. All else is the same. Three seeds each, half a minute on one core the first time.
#
# Predict, for the small weight: what happens to the distortion, to the rate, and to the pictures of codes drawn from
# $\mathcal N(0, I)$?

# %%
import dataclasses
import functools
import math

import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from vae_course import data, diffusion, exercises, objectives, plotting
from vae_course.claims import claim
from vae_course.derivations import Derivation, standard_error
from vae_course.latent_diffusion import DiffusionPrior, guided, scaling_factor
from vae_course.models import VAE
from vae_course.studies import latent_generators
from vae_course.training import Recipe, fit_or_load_all

# %% [markdown]
# The images, and what both trainings share:

# %%
splits = data.load("auto")
world, train, grey = splits.name, splits.train[:20_000], splits.val[:2000]
val = data.binarize(splits.val, seed=1)[:2000]
kl_weights = {"1": 1.0, "1e-6": 1e-6}
settings = {"build": functools.partial(VAE.mlp, 20, hidden=(200,)), "images": train, "epochs": 5}
settings |= {"transform": data.dynamic_binarize, "batch_size": 100, "lr": 4e-3}

# %% [markdown]
# The six trainings (half a minute on one core):

# %%
recipes = [
    Recipe(
        name=f"autoencoder-{name}-{seed}-{world}",
        loss=functools.partial(objectives.negative_elbo, beta=weight),
        seed=seed,
        **settings,
    )
    for name, weight in kl_weights.items()
    for seed in range(3)
]
trained = [m.requires_grad_(False) for m, _ in fit_or_load_all(recipes)]
models = {"1": trained[:3], "1e-6": trained[3:]}

# %% [markdown]
# On 2,000 validation images, made binary once and for all: distortion and rate in nats (lesson 10), the standard deviation of
# all codes, and the mean $\sigma$ of a posterior. (Later, looks are judged on the same images in grey.)

# %%
accounts = {name: [latent_generators.account(m, val) for m in three] for name, three in models.items()}
tolerances = {"distortion": (1.5, 1.5), "rate": (1, 25), "code_std": (0.05, 0.35), "sigma": (0.03, 0.002)}
for name, three in accounts.items():
    for what, near in tolerances.items():
        values = torch.tensor([getattr(each, what) for each in three])
        unit, digits = (
            ("nats", 1) if what in ("distortion", "rate") else ("", 4 if (name, what) == ("1e-6", "sigma") else 2)
        )
        kept = {"world": world, "unit": unit, "digits": digits}
        claim(f"18-{what}-{name}", values.mean(), tolerance=near[name == "1e-6"], **kept)
        claim(f"18-{what}-{name}-sd", values.std(), tolerance=None, **kept)

# %% [markdown]
# The codes of seed 0, all dimensions together, and below them the posteriors of twelve images, each in a dimension of its own. On
# the right all codes are multiplied by one number, which section 3 is about:

# %%
from vae_course.plotting.latent_generators import bits_and_looks, code_histograms

code_histograms({f"KL weight {name}": latent_generators.posteriors(three[0], val) for name, three in models.items()})

# %% [markdown]
# And what the decoders make of the images' codes, and of codes from $\mathcal N(0, I)$:

# %%
rows = {"images": grey.x[:10]}
for name, three in models.items():
    rows[f"copies, {name}"] = three[0].reconstruct(grey.x[:10])
    rows[f"from N(0, I), {name}"] = latent_generators.pictures(three[0], 10)
plotting.images.rows(rows)

# %% [markdown]
# | KL weight | distortion | rate | std of codes | mean $\sigma$ |
# |---|---|---|---|---|
# | 1 | {{mnist:18-distortion-1}} ± {{mnist:18-distortion-1-sd}} | {{mnist:18-rate-1}} ± {{mnist:18-rate-1-sd}} | {{mnist:18-code_std-1}} | {{mnist:18-sigma-1}} |
# | $10^{-6}$ | {{mnist:18-distortion-1e-6}} ± {{mnist:18-distortion-1e-6-sd}} | {{mnist:18-rate-1e-6}} ± {{mnist:18-rate-1e-6-sd}} | {{mnist:18-code_std-1e-6}} | {{mnist:18-sigma-1e-6}} |
#
# The copies get better, and the rate grows more than tenfold. A posterior is almost a point, and the points lie wider and in a
# shape of their own, so a draw from $\mathcal N(0, I)$ lands where hardly any image has its code, and where the decoder was never
# trained. Read as a VAE with its own prior, the second model is hopeless. Its codes are useful all the same: they hold more of
# the image.
#
# So what is the weight $10^{-6}$ for? Without any KL the codes can escape the noise in two ways, by a smaller $\sigma$ or by
# spreading further apart, and nothing limits how far. Is that seen here? One run with weight 0:

# %%
free = dataclasses.replace(
    recipes[3], name=f"autoencoder-0-{world}", loss=functools.partial(objectives.negative_elbo, beta=0)
)
free = latent_generators.account(fit_or_load_all([free])[0][0].requires_grad_(False), val)
claim("18-free-distortion", free.distortion, world=world, tolerance=2)
claim("18-free-rate", free.rate, world=world, tolerance=None)
claim("18-free-std", free.code_std, world=world, tolerance=0.5, unit="", digits=2)

# %% [markdown]
# Distortion {{mnist:18-free-distortion}}, rate {{mnist:18-free-rate}} nats, codes with a standard deviation of
# {{mnist:18-free-std}}: in so short a training a millionth does nothing that you could see. It is meant for long ones,
# against codes of an arbitrarily high variance (Rombach and others, section 3.1), and none was run here.

# %% [markdown]
# ## 2 What a published loss asks for
#
# The loss of those autoencoders is, without two terms that section 6 adds,
#
# $$\frac1B \sum_{\text{images}} \Big( \sum_{i=1}^{n} \lvert x_i - \hat x_i \rvert + 10^{-6} \; \mathrm{KL}(q(z \mid x) \,\Vert\,
# \mathcal N(0, I)) \Big),$$
#
# with $n = C H W$ numbers in an image. (Another program may take the *mean* over them.) Lesson 06 read a squared error as the
# $-\log p$ of a Gaussian. An absolute error is that of a **Laplace distribution**,
#
# $$-\log p(x_i \mid z) = \frac{\lvert x_i - \hat x_i \rvert}{b} + \log 2 b,$$
#
# whose scale $b$ is the mean absolute error that it expects. A loss with no $b$ in it can be read with any. For colours from −1
# to 1 that are off by 0.05 on average, $b = 0.05$ describes the decoder best. Multiply the loss by a number, and the best
# networks stay the same; choose that number so that the error becomes $-\log p$, and what stands before the KL is the effective
# $\beta$.
#
# ### Your turn: which beta is it?

# %% exercise="18-price"

# %% [markdown]
# For the loss above, with errors of 0.05, and the same loss with a mean over $3 \cdot 256 \cdot 256$ numbers:

# %%
n_numbers = 3 * 256 * 256
for reduction in ("sum", "mean"):
    value = effective_beta(1e-6, reduction, n_numbers, 0.05)
    claim(f"18-beta-{reduction}", value, world="any", tolerance=1e-7, unit="= effective beta", digits=5)

# %% [markdown]
# {{any:18-beta-sum}} with a sum, {{any:18-beta-mean}} with a mean: the same weight is next to nothing in one program, and in
# another a higher price on the code than the ELBO's own. A KL weight says nothing until you have seen how the error is reduced.
# (Section 1's error is a $-\log p$ as it stands, so there the weight is $\beta$ itself.)

# %% [markdown]
# ## 3 One number before the prior
#
# Now learn a prior for those codes. Diffusion, as in lesson 17, wants data with a variance of about 1: its schedule is made for
# them, and its last level is to look like $\mathcal N(0, I)$. So multiply all codes by **one** number, the **scaling factor**
#
# $$c = \frac{1}{\text{standard deviation of all codes}},$$
#
# over images and dimensions together. The famous 0.18215 of Stable Diffusion is such a number, measured on codes with a
# standard deviation of about 5.5. It belongs to one encoder, and to no other.

# %%
from vae_course.studies.prior_fit import codes

scales = {name: scaling_factor(codes(three[0], val)) for name, three in models.items()}
print({name: round(scale, 3) for name, scale in scales.items()})

# %% [markdown]
# The decoder still wants $z$. Does such a change of units change the bound? A density does change: stretch a line $c$ times, and
# whatever lies on it is spread $c$ times as thinly. With $D$ numbers that is $c^D$.
#
# ### Your turn: a density in other units

# %% exercise="18-density"

# %% [markdown]
# **Line 1**: for a Gaussian in three dimensions, your function gets its density from that of the scaled codes. **Line 2**: a KL
# has no units. If both densities are scaled, the two terms $D \log c$ cancel, so the rate is the same in $z$ and in $x_0$.

# %%
scaling, generator = Derivation("Scaling and the bound"), torch.Generator().manual_seed(1)
A, m = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((3, 3), (3,)))
S = A @ A.T + torch.eye(3)
wide, scaled = MultivariateNormal(m, S), MultivariateNormal(0.4 * m, 0.4**2 * S)
some = wide.sample((100,))
scaling.step("log p(z) = log p(c z) + D log c", log_prob_codes(some, 0.4, scaled.log_prob), wide.log_prob(some))
mu, log_sigma = torch.randn(2, 100, generator=generator, dtype=torch.float64)
q, p = Normal(mu, log_sigma.exp()), Normal(torch.zeros(100).double(), 2.0)
q_scaled, p_scaled = Normal(0.4 * mu, 0.4 * log_sigma.exp()), Normal(torch.zeros(100).double(), 0.8)
scaling.step("KL in units of z = KL in units of c z", kl_divergence(q, p), kl_divergence(q_scaled, p_scaled))

# %% [markdown]
# ## 4 A prior for the codes
#
# Put a diffusion model in the place of $p(z)$. Lesson 17 gave a bound on $\log p(x_0)$ for it, so
#
# $$\log p(x) \ge \mathbb E_{q(z \mid x)} \big[ \log p(x \mid z) - \underbrace{(L_T + \sum_t L_t + L_0)}_{\text{at } x_0 = c
# z} + D \log c - \log q(z \mid x) \big].$$
#
# It is a bound on a bound: both gaps make it lower, so it holds. What can it gain? Lesson 15's answer holds for any prior
# $p'$ in the place of $p$: over the codes of the images measured, the mean of $\log p'(z) - \log p(z)$ is at most
# $\mathrm{KL}(q(z) \,\Vert\, p(z))$, the rate less the information.
#
# First where all is known. Two images, with codes $\mathcal N(\pm 2, \frac14)$. Scaled by $c = \frac12$, $q(z)$ is lesson 17's
# two bumps, whose best denoiser is known. **Line 3**: with it, the bound on $\log p(z)$ is on average $\log q(z)$, but for the
# two ends of the schedule.

# %%
from vae_course.studies.diffusion_worlds import MixtureWorld, two_bumps


class BestDenoiser(torch.nn.Module):
    """The mean of x0 given x_t, for lesson 17's two bumps."""

    latent_dim, n_classes = 1, 0

    def forward(self, x_t, log_snr):
        return two_bumps().denoiser(x_t, log_snr)


best, bumps = DiffusionPrior(BestDenoiser(), scale=0.5).double(), two_bumps()
code = 2 * bumps.sample(20_000, generator=generator)
log_q = log_prob_codes(code, 0.5, bumps.log_density)
bound = best.terms(code, generator=generator).elbo
error = standard_error(bound - log_q)
scaling.step("bound on log p(z) = log q(z), mean", bound.mean(), log_q.mean(), standard_error=error)

# %% [markdown]
# **Line 4**: it gains the ceiling over $\mathcal N(0, 1)$, the rate less the information, both without any draws.

# %%
centres, own = torch.tensor([[-2.0], [2.0]]).double(), Normal(torch.zeros(()).double(), 1.0)
posteriors = Normal(centres, 0.5)
rate = kl_divergence(posteriors, own).mean()
grid = torch.linspace(-6, 6, 4801).double()
log_each = posteriors.log_prob(grid)
log_mean = torch.logsumexp(log_each, 0) - math.log(2)
information = torch.trapezoid((log_each.exp() * (log_each - log_mean)).mean(0), grid)
gain = bound - own.log_prob(code).sum(-1)
scaling.step("gain = rate - information", gain.mean(), rate - information, standard_error=standard_error(gain))
claim("18-two-rate", rate, world="any", tolerance=0.005, digits=2)
claim("18-two-information", information, world="any", tolerance=0.005, digits=2)

# %% [markdown]
# The rate is {{any:18-two-rate}} nats, of which {{any:18-two-information}} are information, nearly all of the $\log 2$ that
# it takes to tell two images apart. A prior can save the rest.
#
# For infinitely many steps the sum of $L_t$ is an integral. It is estimated without bias, from one level in each of 16 equal
# pieces. So with **one** draw of $z$ the mean of the estimate is the bound itself. Don't put the estimate into lesson 11's
# importance weights: the mean of the exponential of a noisy number is too high, and the result could lie above $\log p(x)$.
#
# ### Train it
#
# `CodeDenoiser` is told the level and guesses $v = \alpha_t \varepsilon - \sigma_t x_0$ (*v-prediction*), from which $\hat x_0 =
# \alpha_t x_t - \sigma_t \hat v$ without a division. The autoencoder stays as it is. Each step draws the codes of its images
# anew, and the loss is lesson 17's L_simple, as in most papers; what is *reported* is the bound. Pictures are sampled by
# DDIM in 16 steps; so few leave the codes a little less spread. (Six priors, about a minute on one core the first time.)

# %%
coded, small = data.binarize(train, seed=2), {"hidden": 192, "n_blocks": 2, "epochs": 15}
prior_recipes = [
    latent_generators.prior_recipe(m, coded, name=f"code-prior-{name}-{seed}-{world}", seed=seed, **small)
    for name, three in models.items()
    for seed, m in enumerate(three)
]
trained = [prior.requires_grad_(False) for prior, _ in fit_or_load_all(prior_recipes)]
priors = {"1": trained[:3], "1e-6": trained[3:]}

# %% [markdown]
# The control is lesson 08's mixture of 100 Gaussians, fitted to the same codes by EM in a few seconds. And the looks? A network
# that reads digits sees each picture as 100 numbers before it decides. Fit one Gaussian to those of 2,000 pictures, and one to
# those of 2,000 images. The (squared) **Fréchet distance** of the two, with means $m$
# and covariances $S$,
#
# $$\lvert m_a - m_b \rvert^2 + \mathrm{tr}\big(S_a + S_b - 2 (S_a^{1/2} S_b S_a^{1/2})^{1/2}\big),$$
#
# is 0 where they agree. With a large network for photographs in the reader's place, this is the FID that papers report. The
# number depends on the network and on how many pictures there are, so compare within one table only.
#
# Predict: which autoencoder has the better bound with a learned prior, and which the nearer pictures?

# %%
from vae_course.evaluation import log_marginal
from vae_course.priors import WithPrior
from vae_course.studies import levels
from vae_course.studies.prior_fit import mixture

pages = {"images": (train.x, train.y), "loss": levels.reading_loss, "epochs": 3, "batch_size": 100, "lr": 3e-3}
read = fit_or_load_all([Recipe(name=f"reader-{world}", build=levels.reader, **pages)])[0][0].requires_grad_(False)

# %% [markdown]
# Both questions to each autoencoder, with each of three priors (some ten seconds):

# %%
kinds = ("N(0, I)", "mixture", "diffusion")
bits, looks, copies = {}, {}, {}
for name, three in models.items():
    found = []
    for m, prior in zip(three, priors[name], strict=True):
        other = mixture(codes(m, coded), 100, rounds=20)
        nats = [log_marginal(m, val, k=1)[0], log_marginal(WithPrior(m, other), val, k=1)[0]]
        nats.append(latent_generators.bound(m, prior, val)[0])
        near, distances = latent_generators.distances(m, [None, other, prior], read, grey, train[:2000])
        found.append((nats, distances, near))
    nats, distances, near = (torch.tensor(column).double() for column in zip(*found, strict=True))
    bits |= {(name, kind): nats[:, i] for i, kind in enumerate(kinds)}
    looks |= {(name, kind): distances[:, i] for i, kind in enumerate(kinds)}
    copies[name] = near

# %% [markdown]
# The numbers, and a picture of them:

# %%
short = dict(zip(kinds, ("own", "mixture", "diffusion"), strict=True))
for (name, kind), values in bits.items():
    which, near = f"{name}-{short[kind]}", 20 if name == "1e-6" else 1.5
    claim(f"18-bits-{which}", values.mean(), world=world, tolerance=near, quiet=True)
    claim(f"18-bits-{which}-sd", values.std(), world=world, tolerance=None, quiet=True)
    seen, kept = looks[name, kind], {"world": world, "unit": "", "digits": 1 if kind == "N(0, I)" else 2, "quiet": True}
    claim(f"18-looks-{which}", seen.mean(), tolerance=0.3 * float(seen.mean()), **kept)
    claim(f"18-looks-{which}-sd", seen.std(), tolerance=None, **kept)
rates = torch.tensor([each.rate for each in accounts["1e-6"]])
for name, values in copies.items():
    claim(f"18-copies-{name}", values.mean(), world=world, tolerance=0.15, unit="", digits=2, quiet=True)
others = (latent_generators.features(read, x) for x in (train.x[:2000], grey.x))
for what, value in (("gain", bits["1e-6", "diffusion"] - bits["1e-6", "N(0, I)"]), ("ceiling", rates - math.log(2000))):
    claim(f"18-{what}", value.mean(), world=world, tolerance=25)
claim("18-images", latent_generators.frechet_distance(*others), world=world, tolerance=0.15, unit="", digits=2)
for kind in kinds[1:]:
    assert (bits["1", kind] > bits["1e-6", kind]).all() and (looks["1", kind] > looks["1e-6", kind]).all()

# %%
chart = {f"weight {name}": {kind: (bits[name, kind], looks[name, kind]) for kind in kinds} for name in models}
bits_and_looks(chart, {f"weight {name}": values for name, values in copies.items()})

# %% [markdown]
# Ten pictures each, from the same noise:

# %%
rows = {"images": grey.x[:10]}
for name, three in models.items():
    rows[f"diffusion, {name}"] = latent_generators.pictures(three[0], 10, prior=priors[name][0])
plotting.images.rows(rows)

# %% [markdown]
# | KL weight, prior | bound (nats) | Fréchet distance |
# |---|---|---|
# | 1, $\mathcal N(0, I)$ | {{mnist:18-bits-1-own}} ± {{mnist:18-bits-1-own-sd}} | {{mnist:18-looks-1-own}} ± {{mnist:18-looks-1-own-sd}} |
# | 1, mixture | {{mnist:18-bits-1-mixture}} ± {{mnist:18-bits-1-mixture-sd}} | {{mnist:18-looks-1-mixture}} ± {{mnist:18-looks-1-mixture-sd}} |
# | 1, diffusion | {{mnist:18-bits-1-diffusion}} ± {{mnist:18-bits-1-diffusion-sd}} | {{mnist:18-looks-1-diffusion}} ± {{mnist:18-looks-1-diffusion-sd}} |
# | $10^{-6}$, $\mathcal N(0, I)$ | {{mnist:18-bits-1e-6-own}} ± {{mnist:18-bits-1e-6-own-sd}} | {{mnist:18-looks-1e-6-own}} ± {{mnist:18-looks-1e-6-own-sd}} |
# | $10^{-6}$, mixture | {{mnist:18-bits-1e-6-mixture}} ± {{mnist:18-bits-1e-6-mixture-sd}} | {{mnist:18-looks-1e-6-mixture}} ± {{mnist:18-looks-1e-6-mixture-sd}} |
# | $10^{-6}$, diffusion | {{mnist:18-bits-1e-6-diffusion}} ± {{mnist:18-bits-1e-6-diffusion-sd}} | {{mnist:18-looks-1e-6-diffusion}} ± {{mnist:18-looks-1e-6-diffusion-sd}} |
#
# What may one compare with? 2,000 other images, from the training set, have a distance of {{mnist:18-images}}: two samples
# always differ a little. The copies of these others have one of {{mnist:18-copies-1}} (weight 1) and {{mnist:18-copies-1e-6}}
# ($10^{-6}$). That is a guide and no limit: copies are made of grey images, the priors learned codes of binary ones, and on pen
# digits some samples come nearer than the copies.
#
# - **Nats:** weight 1 is far ahead with every prior, in each pair of seeds. With $10^{-6}$ the learned prior gains more,
#   {{mnist:18-gain}} nats, but not enough. Over the 2,000 images measured the information is at most $\log 2000$, so the ceiling
#   is {{mnist:18-ceiling}} nats or more. To reach it a prior would have to know these very images. For a new one, each posterior
#   fixes 20 numbers to a few thousandths, and a prior that is smooth at that scale pays for all those digits.
# - **Looks:** by the Fréchet distance it is the other way round with a learned prior, in each pair of seeds and with both priors.
#   (Ten pictures don't show it.) A decoder that copies better has more to offer to a prior, and the copies of weight $10^{-6}$
#   are nearer; that this is the reason was not tested.
# - **A mixture will do.** It takes a few seconds, comes within a few nats of the diffusion prior's bound, and its pictures lie no
#   farther from the images. That is a fact about digits and codes of 20 numbers, and wasn't tried on anything larger.
#
# This is the bargain that today's generators strike. The autoencoder keeps what there is to see. The density is left to a prior
# that can learn it, and success is judged by looks. Here there is still a bound on $\log p(x)$, a poor one, and it is that of
# infinitely many steps, not of the few that drew the pictures.

# %% [markdown]
# ## 5 Towards a class, and beyond
#
# Tell the denoiser the class too, and it guesses $v$ for $q(z \mid y)$. In a tenth of the cases tell it "no class" instead, and
# one network knows both. **Classifier-free guidance** (Ho and Salimans, 2022) goes beyond the one, away from the other, at
# every level:
#
# $$\hat v = (1 + w) \, \hat v_y - w \, \hat v_{\text{none}}.$$
#
# $w = 0$ is the class alone. Many programs write $\hat v_{\text{none}} + s (\hat v_y - \hat v_{\text{none}})$, so their "guidance
# scale" $s$ is $1 + w$.
#
# ### Your turn: a guided guess

# %% exercise="18-guidance"

# %% [markdown]
# What does that sample from? The two shares add up to 1, so it is the same mix of two $\hat x_0$, or of two scores. In a
# derivation of its own, **line 1**: the guided score is that of $q(x_t \mid y)$ plus $w$ times the gradient of $\log q(y \mid
# x_t)$: a classifier pushes, though none was trained. **Line 2**: guesses of $x_0$ and yours of $v$ guide alike. Both in a world
# where all is known: two classes, bumps of standard deviation ¾ around −1 and 1.

# %%
guidance, both = Derivation("Guidance"), two_bumps(std=0.75)
one = MixtureWorld(torch.tensor([[1.0]]).double(), 0.75)
x_t = torch.linspace(-3, 3, 100).double()[:, None].requires_grad_()
at, w = torch.full((100,), 0.5).double(), 2.0
log_class = one.log_density(x_t, at)
log_y = log_class - both.log_density(x_t, at)  # log q(y | x_t), up to a constant
slopes = [torch.autograd.grad(value.sum(), x_t, retain_graph=True)[0] for value in (log_class, log_y)]
x_t = x_t.detach()
x0_class, x0_free = one.denoiser(x_t, at), both.denoiser(x_t, at)
x0_hat = guided(x0_class, x0_free, w)
score = diffusion.score(x_t, x0_hat, at)
guidance.step("guided score = grad log q(x_t|y) + w grad log q(y|x_t)", score, slopes[0] + w * slopes[1])

# %%
alpha, sigma = (part[:, None] for part in diffusion.signal_and_noise(at))
v_class, v_free = ((alpha * x_t - x0) / sigma for x0 in (x0_class, x0_free))
guidance.step("yours, of v = guided x0_hat", guided_x0(x_t, at, v_class, v_free, w), x0_hat)

# %% [markdown]
# Is it then a draw from the *tilted* density, $q(z \mid y) \, q(y \mid z)^w$ over its integral? Predict, then look: guided
# samples by DDIM in 400 steps, with the exact denoisers, and the tilted density by quadrature.

# %%
x_T = Normal(0.0, 1.0).icdf(torch.linspace(0.0005, 0.9995, 2000).double())[:, None]
grid = torch.linspace(-8, 12, 4001).double()


def guided_samples(w):
    """Where 2,000 evenly spread draws of noise end, with the exact denoisers."""
    denoiser = functools.partial(lambda w, x, at: guided(one.denoiser(x, at), both.denoiser(x, at), w), w)
    return diffusion.sample_ddim(denoiser, x_T, diffusion.cosine(), 400).x0


def tilted_density(w):
    """The mean and the standard deviation of q(z | y) q(y | z)^w, over its integral."""
    tilted = ((1 + w) * one.log_density(grid[:, None]) - w * both.log_density(grid[:, None])).exp()
    tilted = tilted / torch.trapezoid(tilted, grid)
    mean = torch.trapezoid(tilted * grid, grid)
    return mean, torch.trapezoid(tilted * (grid - mean) ** 2, grid).sqrt()


# %% [markdown]
# For three weights (a few seconds):

# %%
for w in (0, 1, 3):
    drawn, (mean, std) = guided_samples(w), tilted_density(w)
    values = {"mean": drawn.mean(), "std": drawn.std(), "tilted-mean": mean, "tilted-std": std}
    for name, value in values.items():
        claim(f"18-guided-{w}-{name}", value, world="any", tolerance=0.011, unit="", digits=2, quiet=True)

# %% [markdown]
# | $w$ | guided: mean, std | tilted: mean, std |
# |---|---|---|
# | 0 | {{any:18-guided-0-mean}}, {{any:18-guided-0-std}} | {{any:18-guided-0-tilted-mean}}, {{any:18-guided-0-tilted-std}} |
# | 1 | {{any:18-guided-1-mean}}, {{any:18-guided-1-std}} | {{any:18-guided-1-tilted-mean}}, {{any:18-guided-1-tilted-std}} |
# | 3 | {{any:18-guided-3-mean}}, {{any:18-guided-3-std}} | {{any:18-guided-3-tilted-mean}}, {{any:18-guided-3-tilted-std}} |
#
# It is not. At a noisy level $q(x_t \mid y)^{1+w} / q(x_t)^w$ is not the tilted density with noise, so the guided way ends
# elsewhere: here further from the other class, and closer together. Is there a bound? The guided guess is only another denoiser,
# so lesson 17's bound holds for the chain that takes it, at each $w$. With exact denoisers the guess at $w = 0$ is the mean,
# whose squared error is least; $w$ moves it away in proportion, so on the data of the class the bound falls like $w^2$. For ours
# it is measured below.
#
# ### On digits
#
# Three priors that are told the class, for the codes of weight $10^{-6}$ (half a minute on one core the first time). How many of
# 2,000 pictures does the reader read as the class asked for? How far are they from images? What is the bound on $\log p(z \mid
# y)$ for codes of the images? And how much do the pictures of one class vary, as the reader sees them (the root of the summed
# variances of its 100 numbers)?

# %%
recipes = [
    latent_generators.prior_recipe(m, coded, name=f"class-prior-{seed}-{world}", n_classes=10, seed=seed, **small)
    for seed, m in enumerate(models["1e-6"])
]
told = [prior.requires_grad_(False) for prior, _ in fit_or_load_all(recipes)]


# %% [markdown]
# The four questions, for four weights (ten seconds):

# %%
images_seen, led = latent_generators.features(read, grey.x), {}
for w in (0, 0.5, 1, 3):
    for m, prior in zip(models["1e-6"], told, strict=True):
        shown = latent_generators.pictures(m, 2000, prior=prior, labels=grey.y, weight=w)
        seen = latent_generators.features(read, shown)
        right = 100 * latent_generators.read_right(read, shown, grey.y)
        distance = latent_generators.frechet_distance(seen, images_seen)
        nats = prior.terms(codes(m, val), grey.y, weight=w, generator=torch.Generator().manual_seed(1)).elbo.mean()
        led.setdefault(w, []).append((right, distance, latent_generators.variety(seen, grey.y), nats))
led = {w: torch.tensor(rows).double() for w, rows in led.items()}

# %% [markdown]
# The numbers, and six pictures of four classes without guidance and with $w = 1$, from the same noise:

# %%
near = {"right": 1.5, "distance": 0.3, "variety": 0.5, "nats": 6}
for w, values in led.items():
    w = "half" if w == 0.5 else w
    for what, column in zip(near, values.T, strict=True):
        mean, unit = float(column.mean()), {"right": "%", "nats": "nats"}.get(what, "")
        kept = {"world": world, "unit": unit, "digits": 1 if unit else 2, "quiet": True}
        claim(f"18-led-{w}-{what}", mean, tolerance=near[what] * (mean if what == "distance" else 1), **kept)
        claim(f"18-led-{w}-{what}-sd", column.std(), tolerance=None, **kept)
as_read = 100 * latent_generators.read_right(read, grey.x, grey.y)
claim("18-images-right", as_read, world=world, tolerance=1.5, unit="%", digits=1)
claim(
    "18-images-variety", latent_generators.variety(images_seen, grey.y), world=world, tolerance=0.5, unit="", digits=2
)
rise = torch.stack(list(led.values())).diff(dim=0)
assert (rise[:, :, 1] > 0).all() and (rise[:, :, 3] < 0).all()
assert (led[0][:, 0] < led[1][:, 0]).all() and (led[0][:, 2] > led[1][:, 2]).all()

# %%
with_class = [latent_generators.class_grid(models["1e-6"][0], told[0], n=6, weight=w) for w in (0, 1)]
rows = {f"{y}, w = {w}": each[6 * y : 6 * y + 6] for y in (3, 4, 7, 9) for w, each in enumerate(with_class)}
plotting.images.rows(rows)

# %% [markdown]
# | $w$ | read right, % | Fréchet distance | variety | bound on $\log p(z \mid y)$ (nats) |
# |---|---|---|---|---|
# | 0 | {{mnist:18-led-0-right}} ± {{mnist:18-led-0-right-sd}} | {{mnist:18-led-0-distance}} ± {{mnist:18-led-0-distance-sd}} | {{mnist:18-led-0-variety}} | {{mnist:18-led-0-nats}} ± {{mnist:18-led-0-nats-sd}} |
# | ½ | {{mnist:18-led-half-right}} ± {{mnist:18-led-half-right-sd}} | {{mnist:18-led-half-distance}} ± {{mnist:18-led-half-distance-sd}} | {{mnist:18-led-half-variety}} | {{mnist:18-led-half-nats}} ± {{mnist:18-led-half-nats-sd}} |
# | 1 | {{mnist:18-led-1-right}} ± {{mnist:18-led-1-right-sd}} | {{mnist:18-led-1-distance}} ± {{mnist:18-led-1-distance-sd}} | {{mnist:18-led-1-variety}} | {{mnist:18-led-1-nats}} ± {{mnist:18-led-1-nats-sd}} |
# | 3 | {{mnist:18-led-3-right}} ± {{mnist:18-led-3-right-sd}} | {{mnist:18-led-3-distance}} ± {{mnist:18-led-3-distance-sd}} | {{mnist:18-led-3-variety}} | {{mnist:18-led-3-nats}} ± {{mnist:18-led-3-nats-sd}} |
#
# Of the images themselves the reader gets {{mnist:18-images-right}}% right, and their variety is {{mnist:18-images-variety}}.
# Without guidance the pictures fall a little short of both, perhaps because of the 16 steps. With it nearly all are read right,
# *more* than of the images: the odd and the doubtful ones are gone. If you want one clear picture, you gain. If you want the
# distribution, you lose: at every step of $w$, with all three seeds, the distance grows and the bound falls.
#
# ### Play with it
#
# Pictures on a tint are those that the reader reads as another class.
#
# 1. With $w = 0$, find a picture on a tint and raise the weight slowly. What becomes of it, and of its neighbours?
# 2. With $w = 0$, go from 16 steps down to 1. What is left with one step only? (One step makes the guess from pure noise, and
#    that is nearly the mean code of the class.)

# %%
from vae_course.widgets.latent_generator_playground import LatentGeneratorPlayground

LatentGeneratorPlayground(models["1e-6"][0], told[0], read)

# %% [markdown]
# ## 6 What else stands on a model card
#
# **Two more terms.** Section 2 left out what makes published decoders sharp:
#
# | term of the loss | what it compares | in the bound? |
# |---|---|---|
# | absolute error, over $b$ | pixels | yes: it is $-\log p(x \mid z)$ up to a constant |
# | weight times KL | $q(z \mid x)$ with $\mathcal N(0, I)$ | yes, with an effective $\beta$ of 1 or more; with less the sum bounds nothing |
# | *perceptual term* (LPIPS is one) | what a trained network sees in $x$ and in $\hat x$ | no: to be $-\log p(x \mid z)$ it lacks a constant, one for each $\hat x$, that nobody can work out |
# | *adversarial term* | how well a second network, trained to tell copies from images, is fooled | no: it compares with no particular $x$, and changes as that network learns |
#
# The last two teach the decoder what to put where the code is silent: some sharp texture in place of a blur. So a
# "reconstruction loss" that includes them is no $-\log p(x \mid z)$, and those of two papers can't be compared. You can still
# measure: take the finished decoder's pixel errors, choose a likelihood, and report that bound beside the looks.
#
# **Tokens are the other way.** Lesson 14 put a codebook in the place of the KL, and learned a prior over tokens. The roles are
# the same:
#
# | | continuous code | tokens |
# |---|---|---|
# | what limits the code | a small price on the KL | $\log K$ nats for each token |
# | prior, learned afterwards | diffusion | autoregressive |
# | what the prior gives | a bound on $\log p(z)$ | $\log p(z)$ itself |
# | what to watch | the scale of the codes | dead codes |
#
# **How to read a card.** "Downsampling 8, 4 channels, KL weight 1e-6, scaling factor 0.18215" says:
#
# - A picture of 512 x 512 has a code of $64 \cdot 64 \cdot 4$ numbers, a 48th of its $3 \cdot 512^2$. That is a ratio of
#   *counts*. It says nothing of bits, for each number is a real one. It says something of costs: a prior is called many times
#   for one picture, on a 48th of the numbers, and fine detail is left to the one pass of the decoder.
# - The codes have a standard deviation of about $1 / 0.18215$, which is 5.5.
# - Together with how errors are summed, the KL weight tells you that $\mathcal N(0, I)$ was hardly enforced: draw from another
#   prior.
# - Copies show what the decoder can draw. Encode and decode pictures like yours before you train anything.
# - Newer cards give a shift beside the factor (`shift_factor`), or a mean and a standard deviation for each channel
#   (`latents_mean`, `latents_std`). Then each channel has its own change of units, and $D \log c$ becomes a sum.

# %% [markdown]
# ## 7 Quiz
#
# If you see no buttons, type `quizzes.answer("18", 1, "b")` in a cell to answer the first question with b.

# %%
from vae_course import quizzes

quizzes.show("18")

# %%
exercises.progress("18")

# %% [markdown]
# ## Summary
#
# > $$\log p(x) \ge \mathbb E_q\big[\log p(x \mid z) - (L_T + \textstyle\sum_t L_t + L_0) + D \log c - \log q(z \mid x)\big]
# > \quad \text{at } x_0 = c z, \qquad c = \frac{1}{\text{std of all codes}}$$
# >
# > $$\text{gain of a learned prior} \le \mathrm{KL}(q(z) \,\Vert\, p(z)), \qquad \hat v = (1 + w) \, \hat v_y - w \,
# > \hat v_{\text{none}}$$
# >
# > With a KL weight of $10^{-6}$ an autoencoder keeps more of an image, at a rate that no prior tried here pays back. The bound
# > is worse, and by the Fréchet distance the pictures of a learned prior are nearer to images. Guidance buys certainty with
# > variety, and its bound is lower. Perceptual and adversarial terms are no log-densities.

# %%
plotting.summary("18")

# %% [markdown]
# **Sources.** R. Rombach and others, [*High-Resolution Image Synthesis with Latent Diffusion
# Models*](https://arxiv.org/abs/2112.10752), CVPR 2022, for the two stages, the KL weight and the scaling factor. A. Vahdat, K.
# Kreis and J. Kautz, [*Score-based Generative Modeling in Latent Space*](https://arxiv.org/abs/2106.05931), NeurIPS 2021, train
# a diffusion prior together with its VAE, by the bound. J. Ho and T. Salimans, [*Classifier-Free Diffusion
# Guidance*](https://arxiv.org/abs/2207.12598), 2022. M. Heusel and others, [*GANs Trained by a Two Time-Scale Update Rule
# Converge to a Local Nash Equilibrium*](https://arxiv.org/abs/1706.08500), NIPS 2017, for the Fréchet distance. T. Salimans
# and J. Ho, [*Progressive Distillation*](https://arxiv.org/abs/2202.00512), ICLR 2022, for $v$. P. Esser, R. Rombach and B.
# Ommer, [*Taming Transformers for High-Resolution Image Synthesis*](https://arxiv.org/abs/2012.09841), CVPR 2021, for
# perceptual and adversarial terms, and for tokens.
#
# **Next:** [lesson 19](19_capstone.ipynb), a piece of work of your own.

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.
#
# ### In your own words
#
# Answer first. Then compare with `exercises.solution("18-why")`, and give yourself the points.

# %% exercise="18-why"

# %% [markdown]
# ### Build (optional): a prior on codes
#
# Sections 3 and 4 in your own hands, with the squared error of $v$, which weighs noisy levels more than
# section 4's loss. From $\hat v$ both guesses
# follow, $\hat x_0 = \alpha_t x_t - \sigma_t \hat v$ and $\hat\varepsilon = \sigma_t x_t + \alpha_t \hat v$.

# %% exercise="18-prior"

# %% [markdown]
# ### Three mistakes with a factor
#
# Programs get the factor wrong in several ways, and all of them run:
#
# 1. [Another model's factor](https://github.com/hpcaitech/Open-Sora/issues/493): 0.18215 stood in a program for video whose
#    autoencoder had 0.13025. (There the factor went into the training of a second autoencoder; before the diffusion, codes were
#    normalised channel by channel.)
# 2. The samples not divided by $c$ before decoding.
# 3. $D \log c$ left out of the bound.
#
# What do they do here, with the codes of weight $10^{-6}$, seed 0? For the first, train a prior with four times the factor (ten
# seconds on one core; theirs was off by a factor of 1.4).

# %%
m, prior = models["1e-6"][0], priors["1e-6"][0]
c = float(prior.scale)
off = dataclasses.replace(
    prior_recipes[3],
    name=f"code-prior-wrong-factor-{world}",
    build=functools.partial(latent_generators.untrained, 20, 4 * c, {"hidden": 192, "n_blocks": 2}),
)
wrong = fit_or_load_all([off])[0][0].requires_grad_(False)

# %% [markdown]
# What each of them comes to:

# %%
drawn = prior.sample(2000, generator=torch.Generator().manual_seed(2))
undivided = latent_generators.features(read, m.decode_mean(c * drawn))
found = {
    "factor-bits": latent_generators.bound(m, wrong, val)[0],
    "factor-looks": latent_generators.distances(m, [wrong], read, grey, train[:2000])[1][0],
    "undivided": latent_generators.frechet_distance(undivided, images_seen),
    "log-c": 20 * math.log(c),
    "right-bits": bits["1e-6", "diffusion"][0],
    "right-looks": looks["1e-6", "diffusion"][0],
}
for name, value in found.items():
    nats = name in ("factor-bits", "log-c", "right-bits")
    claim(f"18-{name}", value, world=world, tolerance=None, unit="nats" if nats else "", digits=1)

# %% [markdown]
# 1. The bound hardly notices, {{mnist:18-factor-bits}} nats against {{mnist:18-right-bits}}. The pictures do: a distance of
#    {{mnist:18-factor-looks}} against {{mnist:18-right-looks}}. (One run each, seed 0. The bound is an integral over all levels
#    between the two ends, and a factor only shifts them; the 16 steps and L_simple's weights are laid out for a variance of 1.)
# 2. A distance of {{mnist:18-undivided}}.
# 3. $D \log c$ is {{mnist:18-log-c}} nats, so without it the bound looks better by that much than it is.

# %% [markdown]
# ### Pictures of your own
#
# All of this takes any set of images. `data.load("fashion")` gets clothes in the format of MNIST (over the network, the first
# time), and `data.load_folder("holiday", size=32, colour=True)` reads a folder of pictures, in which each folder is a class.
# The pixels of photographs are neither black nor white, so a Bernoulli likelihood won't do. `ColourVAE` gives each of the 256
# levels of a colour a probability, from a logistic density cut half-way between them (Salimans and others, [*PixelCNN++:
# Improving the PixelCNN with Discretized Logistic Mixture Likelihood and Other
# Modifications*](https://arxiv.org/abs/1701.05517), 2017). So its nats are those of pictures of 8 bits, and
# can be set beside the size of a PNG.
#
# As a stand-in for your folder, here is one with coloured digits, made on the spot: a dark background, and ink of a hue that
# depends on the class. Put your own path in place of `folder`.

# %%
import tempfile
from pathlib import Path

from PIL import Image

from vae_course.colour import ColourVAE
from vae_course.training import fit

folder, chance = Path(tempfile.mkdtemp()), torch.Generator().manual_seed(3)
for i, (x, y) in enumerate(zip(train.x[:2000], train.y[:2000], strict=True)):
    hue = 0.5 + 0.5 * torch.cos(2 * math.pi * (y / 10 + torch.arange(3) / 3)) + 0.1 * torch.rand(3, generator=chance)
    pixels = (255 * (0.1 + 0.9 * x * hue[:, None, None]).clamp(0, 1)).round().to(torch.uint8)
    (folder / str(int(y))).mkdir(exist_ok=True)
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(folder / str(int(y)) / f"{i}.png")

# %% [markdown]
# From here on it is a folder like any other. (Ten seconds on one core.)

# %%
mine = data.load_folder(folder, size=16, colour=True)
print(mine.train.x.shape, mine.train.classes)

# %%
torch.manual_seed(0)
colour_vae = ColourVAE.mlp(16, hidden=(200,), shape=(3, 16, 16))
fit(colour_vae, mine.train, loss=objectives.negative_elbo, epochs=20, batch_size=20, lr=3e-3)
nats = log_marginal(colour_vae, mine.val, k=1)[0]
per_number = -nats / (3 * 16 * 16 * math.log(2))
claim("18-own-bits", per_number, world=world, tolerance=0.3, unit="bits for each number", digits=2)

# %%
with torch.no_grad():
    three_rows = [mine.val.x[:10], colour_vae.reconstruct(mine.val.x[:10])]
prior = mixture(codes(colour_vae, mine.train), 30)
three_rows.append(latent_generators.pictures(colour_vae, 10, prior=prior))
plotting.image_grid(torch.cat(three_rows), ncols=10, title="images, copies, and codes from a mixture")

# %% [markdown]
# By the bound a colour of a pixel costs {{mnist:18-own-bits}} bits, in place of 8.

# %% [markdown]
# ### The same on pen digits
#
# | section | what | MNIST | pen digits |
# |---|---|---|---|
# | 1 | weight 1: distortion; rate (nats) | {{mnist:18-distortion-1}} ± {{mnist:18-distortion-1-sd}}; {{mnist:18-rate-1}} ± {{mnist:18-rate-1-sd}} | {{pen:18-distortion-1}} ± {{pen:18-distortion-1-sd}}; {{pen:18-rate-1}} ± {{pen:18-rate-1-sd}} |
# | 1 | weight 1: std of codes; mean $\sigma$ | {{mnist:18-code_std-1}}; {{mnist:18-sigma-1}} | {{pen:18-code_std-1}}; {{pen:18-sigma-1}} |
# | 1 | weight $10^{-6}$: distortion; rate (nats) | {{mnist:18-distortion-1e-6}} ± {{mnist:18-distortion-1e-6-sd}}; {{mnist:18-rate-1e-6}} ± {{mnist:18-rate-1e-6-sd}} | {{pen:18-distortion-1e-6}} ± {{pen:18-distortion-1e-6-sd}}; {{pen:18-rate-1e-6}} ± {{pen:18-rate-1e-6-sd}} |
# | 1 | weight $10^{-6}$: std of codes; mean $\sigma$ | {{mnist:18-code_std-1e-6}}; {{mnist:18-sigma-1e-6}} | {{pen:18-code_std-1e-6}}; {{pen:18-sigma-1e-6}} |
# | 1 | weight 0, one run: distortion; rate (nats); std of codes | {{mnist:18-free-distortion}}; {{mnist:18-free-rate}}; {{mnist:18-free-std}} | {{pen:18-free-distortion}}; {{pen:18-free-rate}}; {{pen:18-free-std}} |
# | 4 | weight 1, $\mathcal N(0, I)$: bound (nats); Fréchet distance | {{mnist:18-bits-1-own}} ± {{mnist:18-bits-1-own-sd}}; {{mnist:18-looks-1-own}} ± {{mnist:18-looks-1-own-sd}} | {{pen:18-bits-1-own}} ± {{pen:18-bits-1-own-sd}}; {{pen:18-looks-1-own}} ± {{pen:18-looks-1-own-sd}} |
# | 4 | weight 1, mixture: bound (nats); Fréchet distance | {{mnist:18-bits-1-mixture}} ± {{mnist:18-bits-1-mixture-sd}}; {{mnist:18-looks-1-mixture}} ± {{mnist:18-looks-1-mixture-sd}} | {{pen:18-bits-1-mixture}} ± {{pen:18-bits-1-mixture-sd}}; {{pen:18-looks-1-mixture}} ± {{pen:18-looks-1-mixture-sd}} |
# | 4 | weight 1, diffusion: bound (nats); Fréchet distance | {{mnist:18-bits-1-diffusion}} ± {{mnist:18-bits-1-diffusion-sd}}; {{mnist:18-looks-1-diffusion}} ± {{mnist:18-looks-1-diffusion-sd}} | {{pen:18-bits-1-diffusion}} ± {{pen:18-bits-1-diffusion-sd}}; {{pen:18-looks-1-diffusion}} ± {{pen:18-looks-1-diffusion-sd}} |
# | 4 | weight $10^{-6}$, $\mathcal N(0, I)$: bound (nats); Fréchet distance | {{mnist:18-bits-1e-6-own}} ± {{mnist:18-bits-1e-6-own-sd}}; {{mnist:18-looks-1e-6-own}} ± {{mnist:18-looks-1e-6-own-sd}} | {{pen:18-bits-1e-6-own}} ± {{pen:18-bits-1e-6-own-sd}}; {{pen:18-looks-1e-6-own}} ± {{pen:18-looks-1e-6-own-sd}} |
# | 4 | weight $10^{-6}$, mixture: bound (nats); Fréchet distance | {{mnist:18-bits-1e-6-mixture}} ± {{mnist:18-bits-1e-6-mixture-sd}}; {{mnist:18-looks-1e-6-mixture}} ± {{mnist:18-looks-1e-6-mixture-sd}} | {{pen:18-bits-1e-6-mixture}} ± {{pen:18-bits-1e-6-mixture-sd}}; {{pen:18-looks-1e-6-mixture}} ± {{pen:18-looks-1e-6-mixture-sd}} |
# | 4 | weight $10^{-6}$, diffusion: bound (nats); Fréchet distance | {{mnist:18-bits-1e-6-diffusion}} ± {{mnist:18-bits-1e-6-diffusion-sd}}; {{mnist:18-looks-1e-6-diffusion}} ± {{mnist:18-looks-1e-6-diffusion-sd}} | {{pen:18-bits-1e-6-diffusion}} ± {{pen:18-bits-1e-6-diffusion-sd}}; {{pen:18-looks-1e-6-diffusion}} ± {{pen:18-looks-1e-6-diffusion-sd}} |
# | 4 | distance of copies of others, weight 1; $10^{-6}$; of the others | {{mnist:18-copies-1}}; {{mnist:18-copies-1e-6}}; {{mnist:18-images}} | {{pen:18-copies-1}}; {{pen:18-copies-1e-6}}; {{pen:18-images}} |
# | 5 | $w = $ 0: read right (%); distance; variety; bound (nats) | {{mnist:18-led-0-right}} ± {{mnist:18-led-0-right-sd}}; {{mnist:18-led-0-distance}} ± {{mnist:18-led-0-distance-sd}}; {{mnist:18-led-0-variety}}; {{mnist:18-led-0-nats}} ± {{mnist:18-led-0-nats-sd}} | {{pen:18-led-0-right}} ± {{pen:18-led-0-right-sd}}; {{pen:18-led-0-distance}} ± {{pen:18-led-0-distance-sd}}; {{pen:18-led-0-variety}}; {{pen:18-led-0-nats}} ± {{pen:18-led-0-nats-sd}} |
# | 5 | $w = $ ½: read right (%); distance; variety; bound (nats) | {{mnist:18-led-half-right}} ± {{mnist:18-led-half-right-sd}}; {{mnist:18-led-half-distance}} ± {{mnist:18-led-half-distance-sd}}; {{mnist:18-led-half-variety}}; {{mnist:18-led-half-nats}} ± {{mnist:18-led-half-nats-sd}} | {{pen:18-led-half-right}} ± {{pen:18-led-half-right-sd}}; {{pen:18-led-half-distance}} ± {{pen:18-led-half-distance-sd}}; {{pen:18-led-half-variety}}; {{pen:18-led-half-nats}} ± {{pen:18-led-half-nats-sd}} |
# | 5 | $w = $ 1: read right (%); distance; variety; bound (nats) | {{mnist:18-led-1-right}} ± {{mnist:18-led-1-right-sd}}; {{mnist:18-led-1-distance}} ± {{mnist:18-led-1-distance-sd}}; {{mnist:18-led-1-variety}}; {{mnist:18-led-1-nats}} ± {{mnist:18-led-1-nats-sd}} | {{pen:18-led-1-right}} ± {{pen:18-led-1-right-sd}}; {{pen:18-led-1-distance}} ± {{pen:18-led-1-distance-sd}}; {{pen:18-led-1-variety}}; {{pen:18-led-1-nats}} ± {{pen:18-led-1-nats-sd}} |
# | 5 | $w = $ 3: read right (%); distance; variety; bound (nats) | {{mnist:18-led-3-right}} ± {{mnist:18-led-3-right-sd}}; {{mnist:18-led-3-distance}} ± {{mnist:18-led-3-distance-sd}}; {{mnist:18-led-3-variety}}; {{mnist:18-led-3-nats}} ± {{mnist:18-led-3-nats-sd}} | {{pen:18-led-3-right}} ± {{pen:18-led-3-right-sd}}; {{pen:18-led-3-distance}} ± {{pen:18-led-3-distance-sd}}; {{pen:18-led-3-variety}}; {{pen:18-led-3-nats}} ± {{pen:18-led-3-nats-sd}} |
# | 5 | images: read right (%); variety | {{mnist:18-images-right}}; {{mnist:18-images-variety}} | {{pen:18-images-right}}; {{pen:18-images-variety}} |
# | deeper | wrong factor: bound, distance; right: bound, distance | {{mnist:18-factor-bits}}, {{mnist:18-factor-looks}}; {{mnist:18-right-bits}}, {{mnist:18-right-looks}} | {{pen:18-factor-bits}}, {{pen:18-factor-looks}}; {{pen:18-right-bits}}, {{pen:18-right-looks}} |
# | deeper | not divided (distance); $D \log c$ (nats) | {{mnist:18-undivided}}; {{mnist:18-log-c}} | {{pen:18-undivided}}; {{pen:18-log-c}} |
# | deeper | coloured digits, bits for each number | {{mnist:18-own-bits}} | {{pen:18-own-bits}} |

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (scaling, guidance):
    display(derivation.summary())
