# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 16 Hierarchies
#
# A digit is a class, and a way to write it, and strokes, and pixels. Why should all of it be drawn at once from one round
# Gaussian? Put a second code on top of the first: the top one says roughly what is to come, the bottom one fills it in. You
# derive the bound of such a model, find out what it does *not* ask for, and measure which level ends up with the nats.

# %% [markdown]
# **After this lesson you can**
# - write the bound of a model with two levels, and split its KL over the levels in two ways,
# - say why the bound is indifferent to who carries the nats, and when a top level can't help at all,
# - merge what an image says with what the level above says, by Bayes' rule,
# - train two levels, with and without a warm-up, and report what each level costs from seed to seed,
# - freeze one level and redraw the other, and say what each of them decides.
#
# **You need first:** [lesson 07](07_your_first_vae.ipynb) (training a VAE) and [lesson 10](10_rate_distortion_collapse.ipynb)
# (rates, collapse, the KL of $q(z)$ to the prior, warming up). [Lesson 15](15_richer_posteriors_and_priors.ipynb) helps.
#
# **Time:** Slow cells say so. The numbers in the text are MNIST's; those of the pen digits stand in a table at the end. ± is a
# standard deviation over three seeds.
#
# **Symbols of this lesson**
#
# | symbol | meaning | in code | shape |
# |---|---|---|---|
# | $z_1, z_2$ | codes of the bottom level, next to the image, and of the top level | `z1`, `z2` | `[S, B, D1]`, `[S, B, D2]` |
# | $p(z_1 \mid z_2)$ | what the top says of the bottom | `model.decode_top(z2)` | `mu`, `logvar`: `[..., D1]` |
# | $q(z_1 \mid x)$ | what the image says of the bottom | `model.encode(x)` | `mu`, `logvar`: `[B, D1]` |
# | $q(z_2 \mid z_1)$ | the way from the bottom up | `model.encode_top(z1)` | `mu`, `logvar`: `[..., D2]` |
# | $q(z_1 \mid x, z_2)$ | the way from the top down | `merge(...)` | `mu`, `logvar`: `[..., D1]` |
# | $R_1, R_2$ | rates of the bottom and of the top, nats | `bottom`, `top` | one number each |
#
# Sizes in brackets: S draws, B images, D1 and D2 numbers in a code.

# %% [markdown]
# ## 1 One code on top of another
#
# A **hierarchical VAE** with two levels draws from the top down: $z_2 \sim \mathcal N(0, I)$, then $z_1$ given $z_2$, then $x$
# given $z_1$:
#
# $$p(x, z_1, z_2) = p(z_2) \, p(z_1 \mid z_2) \, p(x \mid z_1).$$
#
# Call the pair $z = (z_1, z_2)$ *one* code, and nothing in lesson 04 has changed: for any $q(z_1, z_2 \mid x)$,
#
# $$\log p(x) \ge \mathbb E_q[\log p(x \mid z_1)] - \mathrm{KL}(q(z_1, z_2 \mid x) \,\Vert\, p(z_1, z_2)).$$
#
# What is new is that a KL of a pair can be shared out, and in two ways, by which level $q$ draws first.
#
# **From the top down**, $q(z_2 \mid x) \, q(z_1 \mid x, z_2)$. Both parts are KLs:
#
# $$\underbrace{\mathrm{KL}(q(z_2 \mid x) \,\Vert\, p(z_2))}_{R_2} + \underbrace{\mathbb E_{q(z_2 \mid x)}\,
# \mathrm{KL}(q(z_1 \mid x, z_2) \,\Vert\, p(z_1 \mid z_2))}_{R_1}.$$
#
# **From the bottom up**, $q(z_1 \mid x) \, q(z_2 \mid z_1)$, as two encoders do it (enough: once $z_1$ is given, the image adds
# nothing about $z_2$):
#
# $$\underbrace{\mathbb E_{q(z_1 \mid x)} \, \mathrm{KL}(q(z_2 \mid z_1) \,\Vert\, p(z_2))}_{\text{top}} +
# \underbrace{\mathbb E_q[\log q(z_1 \mid x) - \log p(z_1 \mid z_2)]}_{\text{bottom}}.$$
#
# Look at the last bracket. It is *not* a KL: there $z_2$ was made from this very $z_1$. Can it be negative? Take a chain in
# which everything is known: one number at each level, $z_1$ and $z_2$ with the correlation $a$,
#
# $$z_2 \sim \mathcal N(0, 1), \qquad z_1 = a z_2 + \sqrt{1 - a^2} \, \varepsilon, \qquad x = z_1 + \sigma \varepsilon', \qquad
# \sigma = \tfrac12,$$
#
# with standard normal $\varepsilon$ and $\varepsilon'$. Here the true posterior can be drawn from either way. With it $\log
# p(x, z_1, z_2) - \log q(z_1, z_2 \mid x)$ must be $\log p(x)$ for *every* draw: **lines 1 and 2**. **Lines 3 and 4** are the
# two parts from the bottom up, for $a = 0.95$, and **line 5** says that both ways share out the same sum.

# %%
import functools
import math

import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from vae_course import data, exercises, hierarchies, objectives, plotting
from vae_course.claims import claim
from vae_course.derivations import Derivation, standard_error
from vae_course.plotting.hierarchies import level_rates, shares
from vae_course.studies.chain import Chain

_ = torch.manual_seed(0)

# %% [markdown]
# First from the top down. A `Chain` has every density: `top(x)` is $p(z_2 \mid x)$, `bottom(x, z2)` is $p(z_1 \mid x, z_2)$,
# `bottom_alone(x)` is $p(z_1 \mid x)$, `given_top(z2)` is $p(z_1 \mid z_2)$ and `top_given_bottom(z1)` is $p(z_2 \mid z_1)$.

# %%
chain, generator = Chain(a=0.95), torch.Generator().manual_seed(1)
two = Derivation("Two levels, one bound")
_, _, x = chain.sample(100_000, generator=generator)
eps = torch.randn(2, len(x), generator=generator, dtype=torch.float64)


def draw(distribution, noise):
    """A draw from a Gaussian, made of noise."""
    return distribution.mean + distribution.stddev * noise


def log_joint(z2, z1, x):
    """log p(x, z1, z2), level by level."""
    return Normal(0.0, 1.0).log_prob(z2) + chain.given_top(z2).log_prob(z1) + chain.likelihood(z1).log_prob(x)


z2 = draw(chain.top(x), eps[0])
z1 = draw(chain.bottom(x, z2), eps[1])
log_q = chain.top(x).log_prob(z2) + chain.bottom(x, z2).log_prob(z1)
two.step("top down: log p(x,z1,z2)/q = log p(x)", log_joint(z2, z1, x) - log_q, chain.log_marginal(x))

# %% [markdown]
# Then from the bottom up:

# %%
z1 = draw(chain.bottom_alone(x), eps[0])
z2 = draw(chain.top_given_bottom(z1), eps[1])
log_q1, q2 = chain.bottom_alone(x).log_prob(z1), chain.top_given_bottom(z1)
two.step(
    "bottom up: log p(x,z1,z2)/q = log p(x)", log_joint(z2, z1, x) - log_q1 - q2.log_prob(z2), chain.log_marginal(x)
)
top_part, bottom_part = kl_divergence(q2, Normal(0.0, 1.0)), log_q1 - chain.given_top(z2).log_prob(z1)
up, down = chain.bottom_up(), chain.top_down()
two.step("bottom up, the top's part", top_part.mean(), up.top, standard_error=standard_error(top_part))
two.step("bottom up, the bottom's part", bottom_part.mean(), up.bottom, standard_error=standard_error(bottom_part))
two.step("the sum is the same both ways", up.top + up.bottom, down.top + down.bottom)
for name, rates in (("up", up), ("down", down)):
    claim(f"16-chain-{name}-bottom", rates.bottom, world="any", tolerance=0.001, digits=3)
    claim(f"16-chain-{name}-top", rates.top, world="any", tolerance=0.001, digits=3)

# %% [markdown]
# From the bottom up the top seems to carry {{any:16-chain-up-top}} nats and the bottom {{any:16-chain-up-bottom}}: yes,
# negative. From the top down it is {{any:16-chain-down-top}} and {{any:16-chain-down-bottom}}. Same model, same posterior, same
# bound. The difference is what is counted: $\mathrm{KL}(q(z_2 \mid z_1) \,\Vert\, p(z_2))$ is what the top knows about the
# drawn $z_1$, *noise included*; $R_2$ is what it knows about the image. Before you compare the nats of a level between two
# papers, ask which way they were counted. Here $R_1$ and $R_2$ are counted from the top down.
#
# ### Your turn: the bound from the bottom up

# %% exercise="16-two-level"

# %% [markdown]
# With the true posteriors of the chain, the mean of your bound must be the mean of $\log p(x)$. **Line 6**, with one draw for
# each of 20,000 points, still at $a = 0.95$:

# %%
x = x[:20_000]


def parameters(distribution):
    """mu and logvar of a Gaussian of one number, with a last axis for it."""
    return distribution.mean[..., None], 2 * distribution.stddev[..., None].log()


z1 = draw(chain.bottom_alone(x), eps[0, : len(x)])[None]
z2 = draw(chain.top_given_bottom(z1), eps[1, : len(x)])
q1, p1, q2 = (parameters(d) for d in (chain.bottom_alone(x), chain.given_top(z2), chain.top_given_bottom(z1)))
elbo, _, _ = two_level_terms(chain.likelihood(z1).log_prob(x), z1[..., None], q1, p1, q2)
log_px = chain.log_marginal(x)
error = standard_error(elbo - log_px)
two.step("true posteriors: mean ELBO = mean log p(x)", elbo.mean(), log_px.mean(), standard_error=error)

# %% [markdown]
# ## 2 Who carries the nats?
#
# In the chain both rates have a closed form. They are mutual informations: $R_2 = I(z_2; x)$, and $R_1 = I(z_1; x \mid z_2)$,
# what $x$ tells about $z_1$ once $z_2$ is known.
#
# ### Your turn: two rates

# %% exercise="16-rates"

# %% [markdown]
# Let the top matter more and more, from $a = 0$ to nearly 1. Predict: what happens to the sum of the two rates?

# %%
a = torch.linspace(0, 0.98, 50, dtype=torch.float64)
bottom, top = chain_rates(a, 0.5)
two.step("R1 + R2 for each a", bottom + top, 0.5 * math.log(1 + 1 / 0.5**2))
claim("16-chain-sum", bottom[0] + top[0], world="any", tolerance=0.001, digits=3)
shares(a, bottom, top, xlabel="a, the correlation of z1 and z2")

# %% [markdown]
# The sum is $\tfrac12 \log(1 + 1 / \sigma^2)$, here {{any:16-chain-sum}} nats, for every $a$ (**line 7**). That is the chain
# rule of information: $x$ was made from $z_1$ alone, so
#
# $$I(z_2; x) + I(z_1; x \mid z_2) = I(z_1, z_2; x) = I(z_1; x).$$
#
# Moreover, whatever $a$ is, $z_1$ has variance 1, so $p(x)$ is the same, and with it the likelihood of any data. No amount of
# images can tell these models apart; with exact posteriors **the bound does not care** whether the top is used or idle.

# %% [markdown]
# ### Why a top falls idle
#
# The *bound* moves as soon as $q$ falls behind. Let the model draw with its top ($a = 0.95$), but let $q(z_2 \mid x) = p(z_2)$:
# the top is not inferred at all, and the rest of $q$ is right. The gap is $\mathrm{KL}(p(z_2) \,\Vert\, p(z_2 \mid x))$, on
# average over $x$ the number of **line 8**.

# %%
chain = Chain(0.95)
_, _, many = chain.sample(100_000, generator=generator)
lost = kl_divergence(Normal(0.0, 1.0), chain.top(many))
two.step("gap of an idle q(z2) = its closed form", lost.mean(), chain.idle_gap(), standard_error=standard_error(lost))
claim("16-idle-gap", chain.idle_gap(), world="any", tolerance=0.001, digits=3)

# %% [markdown]
# {{any:16-idle-gap}} nats. There are two ways to get them back: infer the top, or set $a = 0$, so that there is nothing to
# infer. Sønderby and others (2016) saw tops of the second kind in real trainings. Early on $z_2$ is noise to $p(z_1 \mid z_2)$,
# so only the KL has a use for $q(z_2 \mid x)$, and pulls it onto the prior; in this chain nothing ever calls it back. That is
# collapse as in lesson 10, one level up; and as there, a warm-up makes the top cheap until it has learned to say something.
#
# ### What a top level can be good for
#
# Integrate $z_2$ out, and what is left of the top is a prior for the bottom, $p(z_1) = \int p(z_2) \, p(z_1 \mid z_2) \, dz_2$;
# the rest of the model never sees $z_2$. So a hierarchy is a VAE with a **learned prior**, as in [lesson
# 15](15_richer_posteriors_and_priors.ipynb), and its rate, with $q(z_2 \mid z_1) = p(z_2 \mid z_1)$, is the rate under that
# prior. Keep $q(z_1 \mid x)$ and the decoder. Lesson 10 split a rate into information, which no prior changes, and
# the KL of the aggregated $q(z_1)$ to the prior. So what the top saves is
#
# $$\mathrm{KL}(q(z_1) \,\Vert\, \mathcal N(0, I)) - \mathrm{KL}(q(z_1) \,\Vert\, p(z_1)),$$
#
# **at most the first term**. If the bottom's codes are together $\mathcal N(0, I)$ already, as in the chain, no top can save
# rate. **Line 9** checks the difference for codes of another spread.

# %%
q1, normal, prior = Normal(1.2 * x, 0.6), Normal(0.0, 1.0), Normal(0.0, 1.4)
aggregated = Normal(0.0, math.sqrt(1.2**2 * (1 + 0.5**2) + 0.6**2))  # of codes over all x
saved = kl_divergence(q1, normal) - kl_divergence(q1, prior)
by_marginal = kl_divergence(aggregated, normal) - kl_divergence(aggregated, prior)
two.step("rate saved by another prior", saved.mean(), by_marginal, standard_error=standard_error(saved))

# %% [markdown]
# ## 3 Bayes' rule merges
#
# From the top down, $q(z_1 \mid x, z_2)$ has two sources, the image and the level above. What would the true posterior do?
#
# $$p(z_1 \mid x, z_2) \propto p(x \mid z_1) \, p(z_1 \mid z_2).$$
#
# As a function of $z_1$ both factors are Gaussians in the chain. Multiply $\mathcal N(\mu_a, \sigma_a^2)$ by $\mathcal N(\mu_b,
# \sigma_b^2)$ ($a$ and $b$ are only names here): the exponents add, so the result is again a Gaussian, up to a constant.
# Compare the coefficients of $z_1^2$ and of $z_1$:
#
# $$\frac1{\sigma_{ab}^2} = \frac1{\sigma_a^2} + \frac1{\sigma_b^2}, \qquad \mu_{ab} = \sigma_{ab}^2
# \left(\frac{\mu_a}{\sigma_a^2} + \frac{\mu_b}{\sigma_b^2}\right).$$
#
# One over a variance is called a **precision**. Precisions add, and each mean is weighted by its own: the sharper message
# counts more.
#
# ### Your turn: merge

# %% exercise="16-merge"

# %% [markdown]
# In a second list, **line 1**: in the chain, merging what $x$ says, $\mathcal N(x, \sigma^2)$, with $p(z_1 \mid z_2)$ is the
# true posterior. **Line 2**: the product of the two densities is the merged one times a number that does not depend on $z_1$.
# **Line 3**: yours is the package's.

# %%
merging = Derivation("Bayes' rule merges")
chain = Chain(0.8)
z2, _, x = chain.sample(1000, generator=generator)
image = (x, torch.full_like(x, 2 * math.log(chain.sigma)))
above = tuple(part[..., 0] for part in parameters(chain.given_top(z2)))
merged = merge(*image, *above)
exact = tuple(part[..., 0] for part in parameters(chain.bottom(x, z2)))
merging.step("merge = p(z1 | x, z2): mu and log sigma^2", torch.stack(merged), torch.stack(exact))
z1 = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None]
log_a, log_b, log_both = (Normal(mu, (logvar / 2).exp()).log_prob(z1) for mu, logvar in (image, above, merged))
level = Normal(image[0] - above[0], (image[1].exp() + above[1].exp()).sqrt()).log_prob(torch.zeros_like(x))
merging.step("log N_a + log N_b = log N + log N(mu_a - mu_b; 0, ...)", log_a + log_b, log_both + level)
merging.step("yours = the package's", torch.stack(merged), torch.stack(hierarchies.merge(*image, *above)))

# %% [markdown]
# A **ladder VAE** takes this rule as the form of its encoder. The image goes up through the layers once, without any draw, and
# leaves at the bottom a message $\mathcal N(\mu(x), \sigma(x)^2)$ about $z_1$ and at the top $q(z_2 \mid x)$. On the way down
# $q(z_1 \mid x, z_2)$ is the message merged with $p(z_1 \mid z_2)$, the very network that the model draws with. In the chain
# that form includes the true posterior. With a nonlinear decoder it is a choice, and has to be measured.

# %% [markdown]
# ## 4 Two levels on digits
#
# `hierarchies.TwoLevelVAE` goes from the bottom up, `hierarchies.LadderVAE` from the top down. 20 numbers at the bottom, 10 at
# the top, a hidden layer of 200 below the bottom and one of 100 below the top. Four kinds, three seeds each:
#
# - **one level**: a VAE as in lesson 07, 784-200-20;
# - **bottom-up**: two levels, with $\beta = 1$ throughout;
# - **bottom-up, warm-up**: the same with both parts weighted by a $\beta$ that grows from 0 to 1 in the first half of the
#   training (lesson 10's annealing);
# - **ladder, warm-up**.
#
# Predict before you run it: which has the highest ELBO? In which does the top carry most?

# %%
from vae_course.hierarchies import LadderVAE, TwoLevelVAE
from vae_course.models import VAE
from vae_course.training import Recipe, fit_or_load_all, linear_warmup

splits = data.load("auto")
world, train, val = splits.name, splits.train[:20_000], data.binarize(splits.val, seed=1)[:2000]
one_level = {"build": functools.partial(VAE.mlp, 20, hidden=(200,)), "loss": objectives.negative_elbo}
up = {"build": functools.partial(TwoLevelVAE.mlp, (20, 10), hidden=(200, 100))}
ladder = {"build": functools.partial(LadderVAE.mlp, (20, 10), hidden=(200, 100))}
up["loss"] = ladder["loss"] = hierarchies.negative_hierarchical_elbo
warm = {"anneal": linear_warmup(0.5)}
kinds = {"one level": one_level, "bottom-up": up, "bottom-up, warm-up": up | warm, "ladder, warm-up": ladder | warm}

# %% [markdown]
# Now the twelve trainings, a minute and a half on one core the first time.

# %%
settings = {"images": train, "transform": data.dynamic_binarize, "epochs": 4, "batch_size": 100, "lr": 4e-3}
recipes = [
    Recipe(name=f"levels-{i}-{seed}-{world}", seed=seed, **kind, **settings)
    for i, kind in enumerate(kinds.values())
    for seed in range(3)
]
trained = fit_or_load_all(recipes)
models = {name: [m.requires_grad_(False) for m, _ in trained[3 * i : 3 * i + 3]] for i, name in enumerate(kinds)}

# %% [markdown]
# The bound of each on 2,000 validation images, with 4 draws each. The dots are means, the whiskers standard deviations over
# seeds:

# %%
from vae_course.evaluation import evaluate
from vae_course.studies import levels

nats = {name: [levels.nats(m, val, n_samples=4) for m in three] for name, three in list(models.items())[1:]}
elbos = {"one level": torch.tensor([evaluate(m, val, n_samples=4).elbo for m in models["one level"]])}
elbos |= {name: torch.stack([n.elbo.mean() for n in three]) for name, three in nats.items()}
short = {"one level": "one", "bottom-up": "up", "bottom-up, warm-up": "warm", "ladder, warm-up": "ladder"}
wide = {name: 4 if "ladder" in name else 1.5 for name in elbos}  # a ladder's seeds lie further apart
for name, values in elbos.items():
    claim(f"16-elbo-{short[name]}", values.mean(), world=world, tolerance=wide[name])
    claim(f"16-elbo-{short[name]}-sd", values.std(), world=world, tolerance=None, unit="nats between seeds")
plotting.dots(
    list(elbos),
    [v.mean() for v in elbos.values()],
    errors=[v.std() for v in elbos.values()],
    xlabel="ELBO, nats per image (± standard deviation over seeds)",
)

# %% [markdown]
# By how much is one kind ahead of another, on average and for the worst of the one beside the best of the other?

# %%
pairs = {"second-level": ("bottom-up", "one level"), "warm-up": ("bottom-up, warm-up", "bottom-up")}
pairs["ladder-behind"] = ("bottom-up, warm-up", "ladder, warm-up")
for name, (better, worse) in pairs.items():
    lead, least = elbos[better].mean() - elbos[worse].mean(), elbos[better].min() - elbos[worse].max()
    claim(f"16-lead-{name}", lead, world=world, tolerance=None if "ladder" in name else 0.9)
    claim(f"16-lead-{name}-least", least, world=world, tolerance=None)
    assert least > 0 or (name == "ladder-behind" and lead > 0)

# %% [markdown]
# - **The second level adds {{mnist:16-lead-second-level}} nats**; each of its three models is ahead of each of the others, by
#   {{mnist:16-lead-second-level-least}} or more: {{mnist:16-elbo-up}} ± {{mnist:16-elbo-up-sd}} against {{mnist:16-elbo-one}} ±
#   {{mnist:16-elbo-one-sd}}. But it is not free: the trainings are equal in steps, and with two levels they took
#   {{mnist:16-seconds-ratio}} times as long (one run).
# - **The warm-up adds {{mnist:16-lead-warm-up}}**, and each again is {{mnist:16-lead-warm-up-least}} or more ahead of each.
# - **The ladder is behind** the bottom-up model with the same warm-up, by {{mnist:16-lead-ladder-behind}} nats on average, and
#   here even behind one level: {{mnist:16-elbo-ladder}} ± {{mnist:16-elbo-ladder-sd}}.
#
# The last is not what its paper reports: there the ladder wins, with five levels, batch normalisation and far longer training.
# Here are two levels, plain layers and 800 steps. Why the ladder is behind was not measured.
#
# ### Is it the hierarchy?
#
# A top is a learned prior. So the control is another: lesson 15's mixture of 100 Gaussians, fitted in a second to the finished
# codes of a model with *one* level. And as a warm-up may help one level too, train three more with it (some seconds):

# %%
from vae_course.studies import prior_fit

control = [
    Recipe(name=f"levels-control-{seed}-{world}", seed=seed, **one_level, **warm, **settings) for seed in range(3)
]
alone = {"": models["one level"], "-warm": [m.requires_grad_(False) for m, _ in fit_or_load_all(control)]}

seen, refitted = data.binarize(train[:10_000], seed=2), {}
for end, three in alone.items():
    gains, elbo = [], torch.tensor([evaluate(m, val, n_samples=4).elbo for m in three])
    for m in three:
        mixture = prior_fit.mixture(prior_fit.codes(m, seen), 100, rounds=20).distribution()
        gains.append(prior_fit.gain(mixture, prior_fit.codes(m, val, seed=1), over=m.prior()).mean())
    refitted[end] = elbo + torch.stack(gains)
    claim(f"16-gain{end}", torch.stack(gains).mean(), world=world, tolerance=1)
    claim(f"16-refitted{end}", refitted[end].mean(), world=world, tolerance=1.5)
    claim(f"16-refitted{end}-sd", refitted[end].std(), world=world, tolerance=None, unit="nats between seeds")

claim("16-ahead", elbos["bottom-up, warm-up"].mean() - refitted["-warm"].mean(), world=world, tolerance=None)
least = min(values.min() for values in refitted.values()) - elbos["one level"].max()
claim("16-refitted-least", least, world=world, tolerance=None)
assert least > 0

# %% [markdown]
# The mixture is worth {{mnist:16-gain}} nats, after a warm-up {{mnist:16-gain-warm}}; each model that got one is ahead of each
# plain model with one level, by {{mnist:16-refitted-least}} or more. The two levels with a warm-up ({{mnist:16-elbo-warm}} ±
# {{mnist:16-elbo-warm-sd}}) are {{mnist:16-ahead}} ahead of their control with a warm-up and a mixture
# ({{mnist:16-refitted-warm}} ± {{mnist:16-refitted-warm-sd}}), which is about what seeds differ by. So most of what two
# levels gain over one can be had from a prior without levels.
#
# ### What each level costs
#
# From the bottom up $R_2$ has no closed form: $q(z_2 \mid x)$ is the mixture of $q(z_2 \mid z_1)$ over the draws of $z_1$. With
# 100 draws it is held between two estimates, one too low on average and one too high. The table has the higher one; what is
# left of the sum is $R_1$. On 500 images, some seconds:

# %%
rates, sides = {}, {}
few = val[:500]
for name, three in list(models.items())[1:]:
    sides[name] = [levels.top_rate(m, few, k=100) for m in three]
    total = torch.stack([(n.kl_bottom + n.kl_top)[:500].mean() for n in nats[name]])
    tops = torch.stack([high.mean() for _, high in sides[name]])
    rates[name] = (total - tops, tops)
level_rates(rates)

# %% [markdown]
# The same as numbers, with the top's own part from the bottom up where $q$ goes that way:

# %%
own = {name: torch.stack([n.kl_top[:500].mean() for n in nats[name]]) for name in rates if "ladder" not in name}
for name, (bottom, top) in rates.items():
    tolerance = None if "ladder" in name else 1.5
    for which, value in {"": top.mean(), "-least": top.min(), "-most": top.max()}.items():
        claim(f"16-top-{short[name]}{which}", value, world=world, tolerance=tolerance)
    if name in own:
        claim(f"16-own-{short[name]}", own[name].mean(), world=world, tolerance=tolerance)
    claim(f"16-bottom-{short[name]}", bottom.mean(), world=world, tolerance=2 * wide[name])
    apart = torch.stack([(high - low).mean() for low, high in sides[name]]).max()
    print(f"{name}: the two estimates are at most {apart:.2f} nats apart")
assert (rates["bottom-up, warm-up"][1] > rates["bottom-up"][1]).all()
by_top = elbos["ladder, warm-up"][rates["ladder, warm-up"][1].argsort()]
claim("16-ladder-idlest", by_top[0], world=world, tolerance=None)
claim("16-ladder-best-other", by_top[1:].max(), world=world, tolerance=None)

# %% [markdown]
# | | $R_1$ | $R_2$, with its least and its most of three seeds | the top's part from the bottom up |
# |---|---|---|---|
# | bottom-up | {{mnist:16-bottom-up}} | {{mnist:16-top-up}}, {{mnist:16-top-up-least}} to {{mnist:16-top-up-most}} | {{mnist:16-own-up}} |
# | bottom-up, warm-up | {{mnist:16-bottom-warm}} | {{mnist:16-top-warm}}, {{mnist:16-top-warm-least}} to {{mnist:16-top-warm-most}} | {{mnist:16-own-warm}} |
# | ladder, warm-up | {{mnist:16-bottom-ladder}} | {{mnist:16-top-ladder}}, {{mnist:16-top-ladder-least}} to {{mnist:16-top-ladder-most}} | not measured |
#
# With the warm-up the top carries more in every seed, and the bound is higher as well. But look at the ladder: from one seed to
# the next its top carries {{mnist:16-top-ladder-least}} nats or {{mnist:16-top-ladder-most}}, **with the same warm-up**. The
# seed whose top is idlest has the *best* bound of the three, {{mnist:16-ladder-idlest}} against {{mnist:16-ladder-best-other}}
# for the next (so too on the pen digits). One seed would not have told you; and nats at the top are not an end in themselves.

# %% [markdown]
# ## 5 What each level decides
#
# An image gives a code on each level. Keep one, draw the other anew from the model, and see what stays. For the bottom that is
# plain: keep $z_2$, draw $z_1$ from $p(z_1 \mid z_2)$. For the top beware: $x$ depends on $z_1$ alone, so as long as $z_1$
# stays, not a pixel changes. Write
#
# $$z_1 = \mu(z_2) + \sigma(z_2) \odot \varepsilon$$
#
# and what belongs to the bottom is $\varepsilon$, its **own noise**. Keep that, and draw $z_2$ from $\mathcal N(0, I)$. (Which
# noise is "the same" at another $z_2$ is a convention.)
#
# ### Your turn: freeze one, redraw the other

# %% exercise="16-freeze"

# %% [markdown]
# Three images, through the first bottom-up model with warm-up. Each has a row with the top frozen and one with the bottom's
# noise frozen. Predict: which of the two rows keeps the class of the digit? Which its slant and its ink?

# %%
from vae_course.plotting.images import image_rows

model = models["bottom-up, warm-up"][0]
z1, z2, *_ = model.draw(val.x[:3])
noise = {"bottom": torch.randn(9, 20, generator=torch.Generator().manual_seed(2))}
noise["top"] = torch.randn(9, 10, generator=torch.Generator().manual_seed(3))
frozen = {"bottom": "top frozen", "top": "bottom frozen"}
rows = {}
for i in range(3):
    for redrawn, words in frozen.items():
        codes = redraw(z1[0, i], z2[0, i], redrawn, model.decode_top, noise[redrawn])
        rows[f"{i + 1}, {words}"] = model.decode_mean(torch.cat([z1[0, i : i + 1], codes]))
image_rows(rows)

# %% [markdown]
# The first picture of each row is the copy, from the codes as they were. With the top frozen the first two images stay what
# they are or come close; the third does not. With the bottom frozen most digits are lost; look down a column, where the three
# images share their new $z_2$.
#
# Now count: a small network that reads digits says whether a picture is still read as the copy is, and the correlations of ink
# and of slant with the copy's say what is left of the stroke. 1,000 images, 4 draws each, and all three seeds. *Both* redrawn
# is the control: plain samples, whose class agrees by chance. (Some seconds.)

# %%
pages = (train.x, train.y)
reading = Recipe(
    name=f"reader-{world}",
    build=levels.reader,
    images=pages,
    loss=levels.reading_loss,
    epochs=3,
    batch_size=100,
    lr=3e-3,
)
read = fit_or_load_all([reading])[0][0].requires_grad_(False)
right = 100 * (read(val.x).argmax(1) == val.y).double().mean()
claim("16-reader", right, world=world, tolerance=1.5, unit="% right")

# %% [markdown]
# What stays when one level, the other, or both are drawn anew:

# %%
stays = {}
for redrawn in ("bottom", "top", "both"):
    found = [levels.kept(m, read, val[:1000], redrawn) for m in models["bottom-up, warm-up"]]
    stays[redrawn] = {
        "digit": torch.stack([100 * k.digit.mean() for k in found]),
        "ink": torch.tensor([k.ink for k in found]),
        "slant": torch.tensor([k.slant for k in found]),
    }
    for what, values in stays[redrawn].items():
        unit, tolerance, digits = ("%", 6, 0) if what == "digit" else ("", 0.1, 2)
        mean = round(float(values.mean()), 2) + 0.0  # no minus before a zero
        claim(f"16-{redrawn}-{what}", mean, world=world, tolerance=tolerance, unit=unit, digits=digits)
        claim(f"16-{redrawn}-{what}-sd", values.std(), world=world, tolerance=None, unit=unit, digits=digits)
assert all((stays["bottom"][what] > stays["top"][what]).all() for what in ("digit", "ink", "slant"))

# %% [markdown]
# | redrawn | read as before (%) | correlation of ink | correlation of slant |
# |---|---|---|---|
# | the bottom | {{mnist:16-bottom-digit}} ± {{mnist:16-bottom-digit-sd}} | {{mnist:16-bottom-ink}} ± {{mnist:16-bottom-ink-sd}} | {{mnist:16-bottom-slant}} ± {{mnist:16-bottom-slant-sd}} |
# | the top | {{mnist:16-top-digit}} ± {{mnist:16-top-digit-sd}} | {{mnist:16-top-ink}} ± {{mnist:16-top-ink-sd}} | {{mnist:16-top-slant}} ± {{mnist:16-top-slant-sd}} |
# | both | {{mnist:16-both-digit}} ± {{mnist:16-both-digit-sd}} | {{mnist:16-both-ink}} ± {{mnist:16-both-ink-sd}} | {{mnist:16-both-slant}} ± {{mnist:16-both-slant-sd}} |
#
# (The reader gets {{mnist:16-reader}}% of real images right.) Did you expect the class at the top and the hand at the bottom?
# The top keeps more of *all three*: the digit, its ink, its slant. Keep the bottom's noise instead, and {{mnist:16-top-digit}}%
# are read as before, where chance has {{mnist:16-both-digit}}%, and little of ink and slant is left. So by each of these
# measures the level that costs {{mnist:16-top-warm}} nats decides more than the one that costs {{mnist:16-bottom-warm}}. Still,
# nearly half of the digits change when the latter is redrawn: no level was told what a class is.
#
# ### Play with it
#
# 1. Freeze the top of several images. Which digits become another one most easily?
# 2. Freeze the bottom. What do the new digits share?

# %%
from vae_course.widgets.levels_playground import LevelsPlayground

LevelsPlayground(model, val[:10], read)

# %% [markdown]
# ## 6 Quiz
#
# If you see no buttons, type `quizzes.answer("16", 1, "b")` in a cell to answer the first question with b.

# %%
from vae_course import quizzes

quizzes.show("16")

# %%
exercises.progress("16")

# %% [markdown]
# ## Summary
#
# > $$\log p(x) \ge \mathbb E_q[\log p(x \mid z_1)] - \mathbb E\,\mathrm{KL}(q(z_1 \mid x, z_2) \,\Vert\, p(z_1 \mid z_2)) -
# > \mathrm{KL}(q(z_2 \mid x) \,\Vert\, p(z_2))$$
# >
# > $$I(z_2; x) + I(z_1; x \mid z_2) = I(z_1; x): \text{ with exact } q \text{ the chain's bound is the same for every split}$$
# >
# > $$\text{with } q(z_1 \mid x) \text{ and decoder kept, a top saves at most } \mathrm{KL}(q(z_1) \,\Vert\,
# > \mathcal N(0, I))$$
# >
# > $$\text{merge:} \quad \frac1{\sigma_{ab}^2} = \frac1{\sigma_a^2} + \frac1{\sigma_b^2}, \qquad \mu_{ab} = \sigma_{ab}^2
# > \left(\frac{\mu_a}{\sigma_a^2} + \frac{\mu_b}{\sigma_b^2}\right)$$
# >
# > Say which way the nats of a level were counted, and give the bound and its spread beside them.

# %%
plotting.summary("16")

# %% [markdown]
# **Sources.** C. K. Sønderby and others, [*Ladder Variational Autoencoders*](https://arxiv.org/abs/1602.02282), NIPS 2016, for
# the merge, the warm-up and idle top levels. Y. Burda, R. Grosse and R. Salakhutdinov, [*Importance Weighted
# Autoencoders*](https://arxiv.org/abs/1509.00519), ICLR 2016, for two levels from the bottom up and for active units. S. Zhao,
# J. Song and S. Ermon, [*Learning Hierarchical Features from Generative Models*](https://arxiv.org/abs/1702.08396), ICML 2017,
# for what a bound does not ask of a hierarchy. M. Yin and M. Zhou, [*Semi-Implicit Variational
# Inference*](https://arxiv.org/abs/1805.11183), ICML 2018, and B. Poole and others, [*On Variational Bounds of Mutual
# Information*](https://arxiv.org/abs/1905.06922), ICML 2019, for the KL of a mixture from above and from below. Many levels,
# convolutional, top-down without the merge: A. Vahdat and J. Kautz, [*NVAE: A Deep Hierarchical Variational
# Autoencoder*](https://arxiv.org/abs/2007.03898), NeurIPS 2020, and R. Child, [*Very Deep VAEs Generalize Autoregressive Models
# and Can Outperform Them on Images*](https://arxiv.org/abs/2011.10650), ICLR 2021.
#
# **Next:** [lesson 17](17_diffusion.ipynb) is a hierarchy of very many levels whose encoder learns nothing. If you have not done
# it, [lesson 14](14_discrete_codes.ipynb) replaces the numbers of a code by choices.

# %% [markdown]
# ## Going deeper
#
# What follows can wait, and nothing on the main path needs it.
#
# ### A count that misleads
#
# Lesson 10 counted a dimension as active if its posterior mean varies from image to image, by a variance above 0.01, and asked
# you to read the bars as well. Try the count at the top of a bottom-up model, beside one of dimensions that cost more than 0.1
# nats.

# %% exercise="16-two-counts"

# %% [markdown]
# On both kinds of bottom-up models, three seeds each:

# %%
counts = {}
for name in ("bottom-up", "bottom-up, warm-up"):
    codes = [m.encode_top(m.draw(val.x).z1[0]) for m in models[name]]
    counts[name] = torch.tensor([[int(c) for c in two_counts(mu, logvar, 0.01, 0.1)] for mu, logvar in codes]).double()
    claim(f"16-active-{short[name]}", counts[name][:, 0].mean(), world=world, tolerance=1.5, unit="of 10")
    claim(f"16-costly-{short[name]}", counts[name][:, 1].mean(), world=world, tolerance=2, unit="of 10")
    print(name, "by variance", counts[name][:, 0].tolist(), "by nats", counts[name][:, 1].tolist())
    higher = torch.tensor([int(two_counts(mu, logvar, 0.2, 0.1)[0]) for mu, logvar in codes]).double()
    claim(f"16-active-higher-{short[name]}", higher.mean(), world=world, tolerance=2, unit="of 10")

# %% [markdown]
# By variance nearly everything at the top is active: {{mnist:16-active-up}} of 10, with the warm-up {{mnist:16-active-warm}}.
# By nats it is {{mnist:16-costly-up}} and {{mnist:16-costly-warm}}. And only the second count is higher where the top carries
# more. Mean or nats is not what makes the difference: beside a width near 1 a mean that moves by a tenth costs 0.005 nats, so
# the first threshold is twenty times lower. (With 0.2 in place of 0.01 it counts {{mnist:16-active-higher-up}} and
# {{mnist:16-active-higher-warm}}.) But a threshold in nats says what it stands for. **Count nats.**

# %% [markdown]
# ### Build (optional): a ladder's bound
#
# Section 3 in one function, for given noise on both levels.

# %% exercise="16-ladder"

# %% [markdown]
# On the trained ladder whose top carries most, yours must give what the package gives. **Line 4** compares the parts for 100
# images, with the package's bound from the same draws.

# %%
busiest = int(rates["ladder, warm-up"][1].argmax())
model, x = models["ladder, warm-up"][busiest], val.x[:100]
torch.manual_seed(4)
theirs = hierarchies.terms(model, x)
torch.manual_seed(4)
eps2, eps1 = torch.randn(100, 10), torch.randn(100, 20)  # the package draws in this order
yours = torch.stack(ladder_terms(model, x, eps2, eps1))
merging.step("yours = the package's: ELBO and its parts", yours, torch.stack(theirs))

# %% [markdown]
# ### Four mistakes that were published
#
# All four have stood in public code ([PyTorch-VAE](https://github.com/AntixK/PyTorch-VAE)), the first three in its ladder, the
# fourth in its two-level model, beside another wrong term.
# No shape and no error message gives them away. What would each of them report for the ladder that you have just used? Beside
# them its bound, and an estimate of $\log p(x)$ by 500 importance weights (lesson 11), which runs on a pair of codes unchanged.
# (100 images.)

# %%
from vae_course.evaluation import log_marginal


def gaussian_terms(q, p):
    """log sigma^2 - log sigma_p^2, and the rest of twice the KL, each summed, [B]."""
    (mu, logvar), (mu_p, logvar_p) = q, p
    return (logvar - logvar_p).sum(-1), ((logvar - logvar_p).exp() + (mu - mu_p) ** 2 / logvar_p.exp() - 1).sum(-1)


# %% [markdown]
# The messages, and what the ladder makes of them:

# %%
message, top = model.encode(x), model.encode_top(x)
above = model.decode_top(top[0] + (0.5 * top[1]).exp() * eps2)
both = merge(*message, *above)
right = theirs.log_px_z - theirs.kl_bottom - theirs.kl_top
zeros = (torch.zeros(20), torch.zeros(20))


def kl(q, p):
    """KL(q || p) from its two sums, [B]."""
    logs, rest = gaussian_terms(q, p)
    return 0.5 * (rest - logs)


# %% [markdown]
# The bound, and the four:

# %%
logs, rest = gaussian_terms(both, above)
mistakes = {
    "the bound": right,
    "merged q against the message": theirs.log_px_z - kl(both, message) - theirs.kl_top,
    "1/2 missing on the logs": theirs.log_px_z - (0.5 * rest - logs) - theirs.kl_top,
    "the top's KL left out": theirs.log_px_z - theirs.kl_bottom,
    "z1 against N(0, I)": theirs.log_px_z - kl(both, zeros) - theirs.kl_top,
}
estimate, error = log_marginal(model, x, k=500)
claim("16-ladder-log-px", estimate, world=world, tolerance=None)
for i, values in enumerate(mistakes.values()):
    claim(f"16-mistake-{i}", values.mean(), world=world, tolerance=None)
plotting.dots(list(mistakes), [v.mean() for v in mistakes.values()], xlabel="what is reported as the ELBO (nats)")

# %% [markdown]
# The bound is {{mnist:16-mistake-0}} nats, below an estimate of {{mnist:16-ladder-log-px}}. In the order of the dots, the
# mistakes report {{mnist:16-mistake-1}}, {{mnist:16-mistake-2}}, {{mnist:16-mistake-3}} and {{mnist:16-mistake-4}}. Three
# report too little here. In a ladder the second always does: a merged $q$ is never wider than $p(z_1 \mid z_2)$, so the logs
# that it counts twice are a price. The fourth is the bound of another model, which draws $z_1$ from $\mathcal N(0, I)$ and has
# no use for its top. But the first, used as a loss, lets a training make $p(z_1 \mid z_2)$ so wide that the merge is the
# message, and the bottom's code is free. And the third looks best as it stands, here above the estimate of $\log p(x)$: a top
# that costs nothing can say as much as it likes. Those two aren't bounds.

# %% [markdown]
# ### Models that no data can tell apart
#
# Is $p(x)$ in the chain really the same for every $a$? **Line 10** of the first list integrates the top out numerically, for
# three values of $a$.

# %%
grid, points = torch.linspace(-8, 8, 4001, dtype=torch.float64), torch.tensor([0.0, 1.0, 3.0], dtype=torch.float64)
log_px = []
for each in (Chain(0.0), Chain(0.5), Chain(0.95)):
    p_x_z2 = Normal(each.a * grid, math.sqrt(1 - each.a**2 + each.sigma**2))  # z1 integrated out
    log_terms = Normal(0.0, 1.0).log_prob(grid) + p_x_z2.log_prob(points[:, None])
    log_px.append(torch.logsumexp(log_terms, 1) + math.log(16 / 4000))
two.step(
    "log p(x), z2 integrated out, for a = 0, .5, .95", torch.stack(log_px), chain.log_marginal(points), how="quadrature"
)

# %% [markdown]
# ### In your own words
#
# Answer first. Then compare with `exercises.solution("16-why")`, and give yourself the points.

# %% exercise="16-why"

# %% [markdown]
# All lines of this lesson, with how each was checked:

# %%
from IPython.display import display

for derivation in (two, merging):
    display(derivation.summary())

# %% [markdown]
# And what two levels took in time, beside one:

# %%
seconds = [sum(history.seconds for _, history in three) for three in (trained[:3], trained[3:6])]
claim("16-seconds-ratio", seconds[1] / seconds[0], world=world, tolerance=None, unit="times as long")

# %% [markdown]
# ### The same on pen digits
#
# | section | what (nats, unless it says otherwise) | MNIST | pen digits |
# |---|---|---|---|
# | 4 | ELBO, one level; between seeds | {{mnist:16-elbo-one}}; {{mnist:16-elbo-one-sd}} | {{pen:16-elbo-one}}; {{pen:16-elbo-one-sd}} |
# | 4 | ELBO, bottom-up; between seeds | {{mnist:16-elbo-up}}; {{mnist:16-elbo-up-sd}} | {{pen:16-elbo-up}}; {{pen:16-elbo-up-sd}} |
# | 4 | ELBO, bottom-up, warm-up; between seeds | {{mnist:16-elbo-warm}}; {{mnist:16-elbo-warm-sd}} | {{pen:16-elbo-warm}}; {{pen:16-elbo-warm-sd}} |
# | 4 | ELBO, ladder, warm-up; between seeds | {{mnist:16-elbo-ladder}}; {{mnist:16-elbo-ladder-sd}} | {{pen:16-elbo-ladder}}; {{pen:16-elbo-ladder-sd}} |
# | 4 | lead of the second level; worst beside best | {{mnist:16-lead-second-level}}; {{mnist:16-lead-second-level-least}} | {{pen:16-lead-second-level}}; {{pen:16-lead-second-level-least}} |
# | 4 | lead of the warm-up; worst beside best | {{mnist:16-lead-warm-up}}; {{mnist:16-lead-warm-up-least}} | {{pen:16-lead-warm-up}}; {{pen:16-lead-warm-up-least}} |
# | 4 | ladder behind; worst beside best | {{mnist:16-lead-ladder-behind}}; {{mnist:16-lead-ladder-behind-least}} | {{pen:16-lead-ladder-behind}}; {{pen:16-lead-ladder-behind-least}} |
# | 4 | gain of a mixture fitted afterwards; after a warm-up | {{mnist:16-gain}}; {{mnist:16-gain-warm}} | {{pen:16-gain}}; {{pen:16-gain-warm}} |
# | 4 | one level, then mixture; between seeds | {{mnist:16-refitted}}; {{mnist:16-refitted-sd}} | {{pen:16-refitted}}; {{pen:16-refitted-sd}} |
# | 4 | one level, warm-up, then mixture; between seeds; two levels ahead by | {{mnist:16-refitted-warm}}; {{mnist:16-refitted-warm-sd}}; {{mnist:16-ahead}} | {{pen:16-refitted-warm}}; {{pen:16-refitted-warm-sd}}; {{pen:16-ahead}} |
# | 4 | seconds with two levels, in those with one (one run) | {{mnist:16-seconds-ratio}} | {{pen:16-seconds-ratio}} |
# | 4 | $R_1$; $R_2$; the top's part from the bottom up: bottom-up | {{mnist:16-bottom-up}}; {{mnist:16-top-up}}; {{mnist:16-own-up}} | {{pen:16-bottom-up}}; {{pen:16-top-up}}; {{pen:16-own-up}} |
# | 4 | the same, with warm-up | {{mnist:16-bottom-warm}}; {{mnist:16-top-warm}}; {{mnist:16-own-warm}} | {{pen:16-bottom-warm}}; {{pen:16-top-warm}}; {{pen:16-own-warm}} |
# | 4 | $R_2$ of a bottom-up model, least to most of three | {{mnist:16-top-up-least}} to {{mnist:16-top-up-most}} | {{pen:16-top-up-least}} to {{pen:16-top-up-most}} |
# | 4 | the same, with warm-up | {{mnist:16-top-warm-least}} to {{mnist:16-top-warm-most}} | {{pen:16-top-warm-least}} to {{pen:16-top-warm-most}} |
# | 4 | $R_1$ of the ladder; $R_2$, least to most | {{mnist:16-bottom-ladder}}; {{mnist:16-top-ladder-least}} to {{mnist:16-top-ladder-most}} | {{pen:16-bottom-ladder}}; {{pen:16-top-ladder-least}} to {{pen:16-top-ladder-most}} |
# | 4 | ladder: ELBO where the top is idlest; best of the others (one run) | {{mnist:16-ladder-idlest}}; {{mnist:16-ladder-best-other}} | {{pen:16-ladder-idlest}}; {{pen:16-ladder-best-other}} |
# | 5 | the reader, % right | {{mnist:16-reader}} | {{pen:16-reader}} |
# | 5 | bottom redrawn: read as before (%); ink; slant | {{mnist:16-bottom-digit}}; {{mnist:16-bottom-ink}}; {{mnist:16-bottom-slant}} | {{pen:16-bottom-digit}}; {{pen:16-bottom-ink}}; {{pen:16-bottom-slant}} |
# | 5 | top redrawn: read as before (%); ink; slant | {{mnist:16-top-digit}}; {{mnist:16-top-ink}}; {{mnist:16-top-slant}} | {{pen:16-top-digit}}; {{pen:16-top-ink}}; {{pen:16-top-slant}} |
# | 5 | both redrawn: read as before (%); ink; slant | {{mnist:16-both-digit}}; {{mnist:16-both-ink}}; {{mnist:16-both-slant}} | {{pen:16-both-digit}}; {{pen:16-both-ink}}; {{pen:16-both-slant}} |
# | deeper | of 10 at the top, by variance; by nats: bottom-up | {{mnist:16-active-up}}; {{mnist:16-costly-up}} | {{pen:16-active-up}}; {{pen:16-costly-up}} |
# | deeper | the same, with warm-up | {{mnist:16-active-warm}}; {{mnist:16-costly-warm}} | {{pen:16-active-warm}}; {{pen:16-costly-warm}} |
# | deeper | the ladder's bound; log p(x); the four mistakes | {{mnist:16-mistake-0}}; {{mnist:16-ladder-log-px}}; {{mnist:16-mistake-1}}, {{mnist:16-mistake-2}}, {{mnist:16-mistake-3}}, {{mnist:16-mistake-4}} | {{pen:16-mistake-0}}; {{pen:16-ladder-log-px}}; {{pen:16-mistake-1}}, {{pen:16-mistake-2}}, {{pen:16-mistake-3}}, {{pen:16-mistake-4}} |
